// Probes of TextEncoder, TextDecoder, their streams, atob and btoa.
import { runAll } from './show.mjs';
import { decoders } from './encoding-decoders.mjs';
import { encoders } from './encoding-encoders.mjs';

export default {
  async fetch() {
    return Response.json(await runAll({ ...decoders, ...encoders }));
  },
};
