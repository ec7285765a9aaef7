// Probes of globalThis, timers, performance, navigator, console and module scope.
import { runAll } from './show.mjs';
import { names } from './globals-names.mjs';
import { timers } from './globals-timers.mjs';
import { moduleScope } from './globals-scope.mjs';

const early = await moduleScope();

export default {
  async fetch() {
    return Response.json(await runAll({ ...names, ...timers, ...early }));
  },
};
