// Probes of a script that changes the built-ins: the platform goes on, as workerd's native one does.
import { actions } from './pollution-actions.mjs';
import { changes } from './pollution-changes.mjs';
import { idioms } from './pollution-idioms.mjs';
import { crossed } from './pollution-tools.mjs';
import { runAll } from './show.mjs';

export default {
  async fetch() {
    return Response.json({ ...await crossed(changes, actions), ...await runAll(idioms) });
  },
};
