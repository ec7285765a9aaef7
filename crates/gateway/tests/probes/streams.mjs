// Probes of streams: readable, writable, transform, bytes, pipes, tees, and workerd's own.
import { runAll } from './show.mjs';
import { readables } from './streams-readable.mjs';
import { bytes } from './streams-bytes.mjs';
import { writables } from './streams-writable.mjs';
import { transforms } from './streams-transform.mjs';
import { pipes } from './streams-pipes.mjs';
import { identities } from './streams-identity.mjs';

export default {
  async fetch(request) {
    return Response.json(await runAll({ ...readables, ...bytes, ...writables, ...transforms, ...pipes, ...identities }, request));
  },
};
