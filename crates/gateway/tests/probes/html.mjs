// Probes of HTMLRewriter: what each handler sees and does to a page, and how it fails. The same here and on workerd.
import { runAll } from './show.mjs';
import { content } from './html-content.mjs';
import { elements } from './html-elements.mjs';
import { failures } from './html-failures.mjs';
import { flow } from './html-flow.mjs';
import { moduleScope, surface } from './html-surface.mjs';
import { tokens } from './html-tokens.mjs';

const made = moduleScope();

const probes = { ...surface, ...elements, ...tokens, ...content, ...failures, ...flow, ...made };

export default {
  async fetch() {
    return Response.json(await runAll(probes));
  },
};
