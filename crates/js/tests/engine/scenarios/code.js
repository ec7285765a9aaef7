// A random function body: a handful of statements over a few variables, with closures, loops that end, throws and catches.
// What is kept in a variable stays small (`small`), or a few rounds of doubling would never end.
const { isArray } = Array, { keys } = Object;
function size(v, left) {
  if (typeof v === "string") return left - v.length / 10;
  if (typeof v === "bigint") return v > -(2n ** 64n) && v < 2n ** 64n ? left - 1 : -1;
  if (v === null || typeof v !== "object") return left - 1;
  if (isArray(v)) { for (let k = 0; k < v.length && left > 0; k++) left = size(v[k], left - 1); return left - 1; }
  const names = keys(v);
  for (let k = 0; k < names.length && left > 0; k++) left = size(v[names[k]], left - 2);
  return left - 1;
}
globalThis.small = (v) => size(v, 40) > 0 ? v : 0;

export function code(below) {
  let depth = 0, names = 3;
  const pick = (list) => list[below(list.length)];
  const name = () => "v" + below(names);
  function expression() {
    if (++depth > 6) { depth--; return pick([name(), String(below(100)), '"t"', "x"]); }
    const e = expression;
    const made = pick([
      () => String(below(1000)), name, name, () => "x", () => `(${e()} ${pick(["+", "-", "*", "%", "&", "|", "^", "<", "===", "&&", "||", "??", "=="])} ${e()})`, () => `[${e()}, ${e()}]`, () => `({ p: ${e()}, q${below(5)}: ${e()} })`,
      () => `(${e()} ? ${e()} : ${e()})`, () => `((a) => [a, ${e()}])(${e()})`, () => `typeof ${e()}`, () => `String(${name()}).length`, () => `${name()}?.p`, () => `[...[${e()}, ${e()}]].map((m) => m)`, () => `\`\${${e()}}\`.slice(0, 20)`,
      () => `(${name()} = small(${e()}))`, () => `small(pool?.[${below(5)}]?.k${below(9)})`, () => `(function () { return ${e()}; })()`, () => `Object.keys({ a: ${e()} })`, () => `new (class { f = ${e()}; m() { return this.f; } })().m()`, () => `[...(function* () { yield ${e()}; yield* [${e()}]; })()]`,
    ])();
    depth--;
    return made;
  }
  function statement() {
    if (++depth > 4) { depth--; return `${name()} = small(${expression()});`; }
    const s = statement;
    const made = pick([
      () => `${name()} = small(${expression()});`, () => `${name()} = small(${expression()});`, () => `if (${expression()}) { ${s()} } else { ${s()} }`, () => `for (let k = 0; k < ${below(6)}; k++) { ${s()} }`, () => `for (const k of [1, ${expression()}]) { ${s()} }`,
      () => `try { ${s()} ${below(3) ? "" : `throw ${expression()};`} } catch (e) { ${s()} } finally { v0 = ${below(9)}; }`, () => `switch (${expression()}) { case ${below(5)}: ${s()} break; default: ${s()} }`, () => `{ let v1 = ${expression()}; keep.push(() => v1); ${s()} }`,
      () => `const { p = ${expression()}, ...rest${names} } = Object(${expression()}); ${name()} = [p, Object.keys(rest${names++ && names - 1}).length];`.replace("const", "{ const") + " }", () => `if (typeof pool === "object" && pool[${below(5)}] instanceof Array && pool[${below(5)}].length < 50) pool[${below(5)}].k${below(9)} = ${expression()};`,
    ])();
    depth--;
    return made;
  }
  let body = "";
  for (let k = 0, n = 2 + below(5); k < n; k++) body += statement() + "\n";
  let declared = "";
  for (let k = 0; k < names; k++) declared += `var v${k} = ${k};`;
  return `${below(2) ? '"use strict";' : ""}${below(2) ? "" : "/* c */"} var pool = typeof pool === "object" ? pool : arguments[1], x = typeof x === "number" ? x : arguments[0]; ${declared} const keep = []; ${body} return [${name()}, v0, keep.length, keep.at(-1)?.()];`;
}
