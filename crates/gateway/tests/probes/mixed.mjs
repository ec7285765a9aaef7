// Probes of things in combination, as programs meet them: what one part of the platform hands to another.
import { runAll } from './show.mjs';
import { messages } from './mixed-messages.mjs';
import { pipes } from './mixed-pipes.mjs';
import { values } from './mixed-values.mjs';
import { pages } from './mixed-pages.mjs';
import { tasks } from './mixed-tasks.mjs';

const probes = { ...messages, ...pipes, ...values, ...pages, ...tasks };

export default {
  async fetch(request, env) {
    return Response.json(await runAll(probes, env));
  },
};
