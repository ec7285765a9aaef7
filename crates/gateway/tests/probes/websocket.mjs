// Probes of WebSocket within one Worker: classes, errors, events, and what two ends of a pair do to each other.
import { runAll } from './show.mjs';
import { classes, moduleScope } from './websocket-classes.mjs';
import { closes } from './websocket-closes.mjs';
import { errors } from './websocket-errors.mjs';
import { pairs } from './websocket-pairs.mjs';

const made = moduleScope();
const probes = { ...classes(made), ...errors, ...pairs, ...closes };

export default {
  async fetch() {
    return Response.json(await runAll(probes));
  },
};
