// Probes of CompressionStream and DecompressionStream. Compressed bytes differ between libraries: what is compared is
// what comes back out of them.
import { runAll } from './show.mjs';
import { values } from './compression-values.mjs';
import { errors } from './compression-errors.mjs';
import { moduleScope, surface } from './compression-surface.mjs';

const made = moduleScope();

const probes = { ...surface, ...made, ...values, ...errors };

export default {
  async fetch() {
    return Response.json(await runAll(probes));
  },
};
