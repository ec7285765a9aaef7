// Probes of the language: what the engine has of ECMAScript's later editions, and how it behaves at their edges.
// Syntax that an engine may not know is tried through `eval` while the module is evaluated, where that is allowed.
import { runAll } from './show.mjs';
import { syntax } from './language-syntax.mjs';
import { library } from './language-library.mjs';
import { binary } from './language-binary.mjs';
import { classes } from './language-classes.mjs';
import { text } from './language-text.mjs';

const probes = { ...syntax, ...library, ...binary, ...classes, ...text };

export default {
  async fetch(request, env) {
    return Response.json(await runAll(probes, env));
  },
};
