// For modules.js: a live binding, a cycle back to it.
import { seen } from "script:modules.js";
export let count = 0; export const up = (n = 1) => { count += n; return seen(count); };
export let replace = () => "first"; export const setReplace = (f) => { replace = f; };
export default class Thing { static n = 0; id = ++Thing.n; }
export { count as "a string name", up as alias };
