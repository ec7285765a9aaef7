// Probes of FormData, Blob and File: each answers the same here and on workerd, or throws the same.
import { runAll } from './show.mjs';
import { formdata } from './forms-data.mjs';
import { wire } from './forms-wire.mjs';
import { blobs } from './forms-blob.mjs';

const probes = { ...formdata, ...wire, ...blobs };

export default {
  async fetch(request, env) {
    return Response.json(await runAll(probes, env));
  },
};
