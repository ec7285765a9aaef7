// Probes of URL, URLSearchParams and URLPattern.
import { runAll } from './show.mjs';
import { urls } from './url-urls.mjs';
import { params } from './url-params.mjs';
import { patterns, moduleScope } from './url-patterns.mjs';

const made = moduleScope();

export default {
  async fetch() {
    return Response.json(await runAll({ ...urls, ...params, ...patterns, ...made }));
  },
};
