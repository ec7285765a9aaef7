// Probes of fetch: each answers the same here and on workerd, or throws the same. `?origin=` names the origin that
// those of the network talk to.
import { runAll } from './show.mjs';
import { headers } from './fetch-headers.mjs';
import { requests } from './fetch-request.mjs';
import { responses } from './fetch-response.mjs';
import { bodies } from './fetch-body.mjs';
import { network, setOrigin } from './fetch-network.mjs';

const probes = { ...headers, ...requests, ...responses, ...bodies };

export default {
  async fetch(request, env) {
    const origin = new URL(request.url).searchParams.get('origin');
    if (origin === null) return Response.json(await runAll(probes, env));
    setOrigin(origin);
    return Response.json(await runAll(network, env));
  },
};
