// Plain objects and their shapes: many or few properties, attributes changed, keys that are numbers, dictionaries,
// prototypes swapped underneath.
import { look, attempt } from "script:look.js";

const small = { a: 1, b: 2 };
const wide = {}; for (let k = 0; k < 70; k++) wide["k" + k] = k;
const twins = Array.from({ length: 10 }, (_, i) => ({ x: i, y: -i, tag: "t" }));
const dictionary = Object.create(null);
const numeric = { 10: "ten", 2: "two", b: "b", 1: "one", a: "a" };
const locked = Object.preventExtensions({ only: 1 });
const sealed = Object.seal({ s: 1, t: { deep: 1 } });
const frozen = Object.freeze({ f: 1, inner: { free: 1 } });
const grand = { level: "grand", shared: [] }, father = Object.create(grand, { level: { value: "father", writable: true, configurable: true, enumerable: true } }), child = Object.create(father);
const methods = { n: 0, inc() { return ++this.n; }, get twice() { return this.n * 2; }, set twice(v) { this.n = v / 2; } };
const hidden = Object.defineProperties({}, { h: { value: 1, configurable: true }, c: { get() { return "got"; }, configurable: true } });
const chain = Array.from({ length: 20 }, (_, i) => ({ i }));
chain.forEach((o, i) => { if (i) Object.setPrototypeOf(o, chain[i - 1]); });
const computed = (k, v) => ({ [k]: v, ["x" + k]: [v], __proto__: father });
const symbols = { [Symbol.toStringTag]: "Tagged", [Symbol.toPrimitive](hint) { return hint === "number" ? 42 : "prim:" + hint; } };
const holder = { current: { generation: 0 } };
const cyc = { name: "cyc" }; cyc.self = cyc; cyc.list = [cyc, { back: cyc }];
const template = JSON.parse('{"p":1,"q":{"r":[1,2,{"s":null}]}}');
function Legacy(n) { this.n = n; } Legacy.prototype = { constructor: Legacy, read() { return "legacy" + this.n; } };
const legacies = [new Legacy(1), new Legacy(2)];

export const scenarios = {
  addDelete(i) { small["p" + i % 9] = i; delete small["p" + (i * 5) % 9]; delete small.a; small.a = i; return look(small); },
  wideChurn(i) { delete wide["k" + i % 70]; wide["k" + (i * 11) % 70] = { i }; wide["n" + i % 40] = i; if (Object.keys(wide).length > 100) for (const k in wide) if (k[0] === "n") delete wide[k]; return Object.keys(wide).length + Object.keys(wide).at(-1) + Object.keys(wide)[i % 30]; },
  twinsDiverge(i) { const t = twins[i % 10]; t["d" + i % 5] = i; if (i % 4 === 0) delete t["d" + (i + 1) % 5]; if (i % 37 === 0) twins[i % 10] = { x: i, y: -i, tag: "t" }; return look(t); },
  twinsTogether(i) { for (const t of twins) t["all" + i % 3] = i; const r = look(twins[i % 10]); for (const t of twins) delete t["all" + i % 3]; return r; },
  dictionaryWords(i) { dictionary["w" + (i * 7) % 211] = i; delete dictionary["w" + (i * 13) % 211]; dictionary.__proto__ = i; dictionary.constructor = "c"; return Object.keys(dictionary).length + look(dictionary.__proto__); },
  numericKeys(i) { numeric[i % 60] = i; numeric["s" + i % 6] = i; delete numeric[(i * 3) % 60]; return Object.keys(numeric).join(); },
  attributes(i) { Object.defineProperty(small, "b", { value: i, writable: i % 2 === 0, enumerable: i % 3 === 0, configurable: true }); return attempt(() => { small.b = "set"; return small.b; }) + look(small); },
  accessorToData(i) { Object.defineProperty(hidden, "c", i % 2 ? { value: i, writable: true } : { get: () => i, set: undefined, enumerable: i % 4 === 0 }); return look(hidden) + hidden.c; },
  preventExtensions(i) { locked.only = i; return attempt(() => { locked["new" + i % 3] = 1; }) + look(locked) + delete locked.nothing; },
  sealedObject(i) { sealed.s = i; sealed.t.deep = { i }; return attempt(() => delete sealed.s) + attempt(() => Object.defineProperty(sealed, "s", { enumerable: false })) + look(sealed); },
  frozenObject(i) { frozen.inner["v" + i % 6] = i; return attempt(() => { frozen.f = i; }) + Object.isFrozen(frozen) + look(frozen); },
  freezeNew(i) { const o = Object.freeze({ i, n: [i] }); holder.current = o; o.n.push(holder.current.i); return look(holder) + attempt(() => { o.i = 1; }); },
  prototypeData(i) { grand.level = "g" + i; grand["extra" + i % 4] = i; delete grand["extra" + (i + 2) % 4]; delete father.level; const r = child.level; father.level = "f" + i; return r + child.level + child["extra" + i % 4]; },
  prototypeSwap(i) { Object.setPrototypeOf(child, i % 3 === 0 ? grand : i % 3 === 1 ? father : { level: "young" + i }); return child.level + "," + (child.shared?.length ?? "none"); },
  prototypeCycleRefused(i) { return attempt(() => Object.setPrototypeOf(grand, child)) + attempt(() => { father.__proto__ = i % 2 ? null : grand; return father.level; }) + (Object.setPrototypeOf(grand, Object.prototype), Object.setPrototypeOf(father, grand), ""); },
  prototypeChain(i) { chain[i % 20].v = i; delete chain[(i * 7) % 20].v; return chain[19].v + ":" + chain[10].v + ":" + chain.findIndex((o) => Object.hasOwn(o, "v")); },
  prototypeAccessor(i) { Object.defineProperty(grand, "acc", { get() { return this.level + i; }, set(v) { grand.last = v; }, configurable: true }); child.acc = i; return child.acc + grand.last + Object.hasOwn(child, "acc"); },
  methodsChange(i) { const old = methods.inc; methods.inc = function () { return old.call(this) + (this.n % 5); }; const r = methods.inc(); methods.inc = old; methods.twice = i * 2; return r + ":" + methods.n + methods.twice; },
  forInOrder(i) { const out = []; for (const k in child) { out.push(k); if (out.length === 2) delete grand["extra" + i % 4]; } return out.join(); },
  forInAdding(i) { const o = { ...small }; let n = 0; for (const k in o) { o["z" + n] = 1; delete o.b; if (++n > 20) break; } return n + Object.keys(o).join(); },
  assignSpread(i) { const o = Object.assign({}, small, null, [i], "s"); const { a, ...rest } = { ...o, ...wide }; Object.assign(holder, { current: { generation: i, rest: Object.keys(rest).length } }); return look(holder); },
  entriesFrom(i) { return look(Object.fromEntries(Object.entries(twins[i % 10]).map(([k, v]) => [k + i % 2, v]))); },
  computedKeys(i) { return look(computed("k" + i % 30, i)) + computed(i, 1)[i]; },
  primitives(i) { symbols["p" + i % 3] = i; return `${symbols}` + +symbols + (symbols + 1) + Object.prototype.toString.call(symbols); },
  cycle(i) { cyc.list[1 + i % 4] = { back: cyc, i }; cyc["s" + i % 3] = cyc.list; if (i % 8 === 0) { cyc.list.length = 1; } return look(cyc); },
  fromJson(i) { template.q.r[2].s = i % 2 ? template.p : { i }; template.p = i; template.q["n" + i % 4] = template.q.r.length; return JSON.stringify(template); },
  legacyConstructor(i) { const read = Legacy.prototype.read; if (i % 5 === 0) { Legacy.prototype = { read() { return "new" + this.n; } }; legacies[i % 2] = new Legacy(i); Legacy.prototype = { constructor: Legacy, read }; } legacies[0].n = i; return legacies.map((l) => l.read() + (l instanceof Legacy)).join(); },
  hasAndIn(i) { return ["x" in twins[i % 10], Object.hasOwn(wide, "k" + i % 80), small.propertyIsEnumerable("b"), father.isPrototypeOf(child), grand.isPrototypeOf(child)].join(); },
  is(i) { return [Object.is(small.a, i), Object.is(NaN, twins.missing), Object.is(-0, 0 * -i)].join(); },
  deepBuild(i) { let o = holder.current; for (let d = 0; d < i % 30; d++) o = { o, d }; holder.current = { generation: o.d ?? -1 }; return look(holder); },
  prototypeOfBuiltins(i) { Object.prototype["op" + i % 2] = i; const seen = []; for (const k in {}) seen.push(k); delete Object.prototype.op0; delete Object.prototype.op1; return seen.join() + ({}).op0; },
  growThenShrink(i) { const o = twins[9]; for (let k = 0; k < 40; k++) o["g" + k] = k; for (let k = 0; k < 40; k++) if (k !== i % 40) delete o["g" + k]; const r = look(o); delete o["g" + i % 40]; return r; },
};
