// A Worker over real packages from npm, bundled by esbuild as wrangler does it: each answers what it makes of fixed input,
// or how it fails. Nothing random, nothing of the clock. `part.js` stands for one of the files beside this one.
import { uses } from './part.js';

async function outcome(use, request) {
  try {
    const value = await use(request);
    return typeof value === 'string' ? value : JSON.stringify(value) ?? 'undefined';
  } catch (error) {
    return `${error?.name}: ${error?.message}`;
  }
}

export default {
  async fetch(request) {
    const only = new URL(request.url).searchParams.get('only');
    const results = {};
    for (const [name, use] of Object.entries(uses)) {
      if (only === null || only === name) results[name] = await outcome(use, request);
    }
    return Response.json(results);
  },
};
