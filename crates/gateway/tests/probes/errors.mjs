// Probes of errors: the words of those that code meets most, their stacks as text and as call sites, and what becomes
// of both in subclasses.
import { runAll } from './show.mjs';
import { messages } from './errors-messages.mjs';
import { stacks } from './errors-stacks.mjs';
import { sites } from './errors-sites.mjs';

const probes = { ...messages, ...stacks, ...sites };

export default {
  async fetch(request, env) {
    return Response.json(await runAll(probes, env));
  },
};
