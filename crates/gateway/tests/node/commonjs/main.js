// CommonJS parts, imported and required: each entry as text.
import c, * as names from './lib/c.cjs';
import json from './d.json';
import cyclic from './a.cjs';
import bare from './bare.cjs';
import number from './number.cjs';

const caught = async (load) => {
  try {
    return await load();
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
};

export default {
  async fetch() {
    const all = {
      ...c,
      exports: Object.keys(names),
      json,
      cyclic,
      bare,
      number,
      late: await caught(async () => (await import('./late.cjs')).default),
      again: await caught(async () => (await import('./number.cjs')).default),
      'import throws': await caught(() => import('./throws.cjs')),
      'throws again': await caught(() => import('./throws.cjs')),
      'import missing': await caught(() => import('./nope.cjs')),
      'required late': await caught(() => c.later('./late2.cjs')),
      'required missing late': await caught(() => c.later('./nope.cjs')),
      'required again late': await caught(() => c.later('../number.cjs')),
    };
    return Response.json(Object.fromEntries(Object.entries(all).map(([name, value]) => [name, `${JSON.stringify(value)}`])));
  },
};
