// Probes of structuredClone and DOMException.
import { runAll } from './show.mjs';
import { values } from './clone-values.mjs';
import { exceptions } from './clone-exceptions.mjs';

export default {
  async fetch() {
    return Response.json(await runAll({ ...values, ...exceptions }));
  },
};
