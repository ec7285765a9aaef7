// Probes of Web Crypto: each answers the same here and on workerd, or throws the same. Nothing random is told.
import { runAll } from './show.mjs';
import { keys } from './crypto-keys.mjs';
import { errors } from './crypto-errors.mjs';
import { values } from './crypto-values.mjs';
import { surface, moduleScope } from './crypto-surface.mjs';

const made = await moduleScope();

const probes = { ...surface(made), ...values, ...keys, ...errors };

export default {
  async fetch(request, env) {
    return Response.json(await runAll(probes, env));
  },
};
