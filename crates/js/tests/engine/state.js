// State that lies in the frozen base, and what requests do to it. Each scenario changes what earlier ones left and
// returns something that depends on it; an instance that was never frozen must answer alike, however often.
import * as host from "switchyard:host";

class Counter {
  #n = 0;
  static #made = 0;
  static #log = [];
  constructor() { Counter.#made++; }
  get n() { return this.#n; }
  up(by = 1) { this.#n += by; Counter.#log.push(this.#n); if (Counter.#log.length > 50) Counter.#log.length = 0; return this; }
  static made() { return Counter.#made + ":" + Counter.#log.length; }
  #secret() { return this.#n * 2; }
  peek(o) { return #n in o ? o.#secret() : "none"; }
}
class Derived extends Counter {
  static shared = { list: [] };
  field = [1, 2, 3];
  up() { this.field.push(this.n); if (this.field.length > 20) this.field = []; return super.up(2); }
  toString() { return `Derived(${this.n},${this.field.length})`; }
}

function* endless(seed) { let n = seed; for (;;) { const got = yield n; n = (n * 31 + (got ?? 1)) % 9973; } }
async function* ticker() { for (let n = 0; ; n++) { await null; yield n; } }

function closures() {
  let count = 0, list = [];
  return {
    inc: () => ++count,
    keep: (v) => { list.push(v); if (list.length > 64) list = list.slice(32); return list.length; },
    swap: (f) => { const old = closure; closure = f; return old(); },
  };
  var closure;
}
let closure = () => "first";

const gate = {};
gate.promise = new Promise((resolve) => { gate.open = resolve; });
const queue = [];
async function worker() {
  // Suspended in the base at its first await; every request pushes it one step further.
  let sum = 0;
  for (;;) {
    const v = await new Promise((resolve) => queue.push(resolve));
    sum = (sum + v) % 100003;
    box.sum = sum;
  }
}
const box = { sum: 0 };
worker();

const S = {
  array: Array.from({ length: 40 }, (_, i) => i),
  holes: [1, , 3, , , 6],
  map: new Map(Array.from({ length: 20 }, (_, i) => ["k" + i, { v: i }])),
  set: new Set([1, 2, 3]),
  weak: new WeakMap(),
  weakset: new WeakSet(),
  plain: { a: 1, b: 2, c: { d: [1] } },
  counter: new Counter(),
  derived: new Derived(),
  gen: endless(7),
  asyncGen: ticker(),
  closures: closures(),
  sym: { [Symbol("x")]: 1, [Symbol.for("shared")]: 2 },
  typed: new Uint8Array(64),
  view: new DataView(new ArrayBuffer(32)),
  resizable: new ArrayBuffer(16, { maxByteLength: 4096 }),
  regex: /(\w)(\d+)/g,
  sticky: /a/y,
  date: new Date(0),
  text: "start",
  big: 12345678901234567890n,
  sealed: Object.seal({ x: 1 }),
  accessor: { _v: 0, get v() { return this._v; }, set v(x) { this._v = x; } },
  proto: Object.create({ inherited: 1 }),
  proxied: null,
  log: [],
  args: (function () { return arguments; })(1, 2, 3),
  bound: function (a, b) { return [this.t, a, b].join(); }.bind({ t: "this" }, 1),
  error: new Error("kept"),
  iterator: new Map([[1, 2], [3, 4]]).entries(),
  tagged: (s) => s,
};
S.proxied = new Proxy({ hits: 0 }, {
  get(t, k, r) { if (k !== "hits") t.hits++; return Reflect.get(t, k, r); },
  set(t, k, v) { t[k] = v; return true; },
  deleteProperty(t, k) { return delete t[k]; },
});
const targets = Array.from({ length: 8 }, (_, i) => ({ i }));
const refs = targets.map((t) => new WeakRef(t));
const registry = new FinalizationRegistry((held) => { S.finalized = (S.finalized ?? 0) + 1; });
targets.forEach((t) => registry.register(t, t.i, t));
const youngKeys = [];
const templates = () => ((s) => s)`a${1}b`;

export const scenarios = {
  growArray: (i) => { S.array.push(i); if (S.array.length > 300) S.array.length = 40; return S.array.length + ":" + S.array.at(-1); },
  spliceArray: (i) => { const gone = S.array.splice(i % 10, 3, "x" + i); return gone.join() + S.array.indexOf("x" + i); },
  sortArray: (i) => { S.array.sort((a, b) => (String(a) + i % 7 < String(b) + i % 7 ? -1 : 1)); return S.array.slice(0, 5).join(); },
  shiftArray: (i) => { S.array.unshift(i); const v = S.array.shift(); S.array.reverse(); return v; },
  holes: (i) => { S.holes[(i * 7) % 30] = i; delete S.holes[(i * 3) % 30]; if (i % 50 === 0) S.holes = [1, , 3]; return JSON.stringify(S.holes) + S.holes.flat().length; },
  growMap: (i) => { S.map.set("n" + (i % 500), { v: i }); S.map.delete("n" + ((i * 7) % 500)); return S.map.size; },
  mapValues: (i) => { const o = S.map.get("k" + (i % 20)); if (!o) return "none"; o.v += i; o["p" + (i % 3)] = i; return JSON.stringify(o); },
  mapReset: (i) => { if (i % 90 === 0) S.map.clear(); for (const [k] of S.map) { S.map.delete(k); break; } S.map.set("k" + (i % 20), { v: 1 }); return [...S.map.keys()].length; },
  growSet: (i) => { S.set.add(i % 777); S.set.add({}); if (S.set.size > 400) S.set = new Set(); return S.set.size + "" + S.set.has(3); },
  weakMap: (i) => { const k = {}; youngKeys.push(k); if (youngKeys.length > 30) youngKeys.shift(); S.weak.set(k, { i, self: k }); S.weak.set(targets[i % 8], [i]); return S.weak.get(targets[i % 8])[0] + (S.weak.has(youngKeys[0]) ? "y" : "n"); },
  weakSet: (i) => { S.weakset.add(targets[i % 8]); if (i % 5 === 0) S.weakset.delete(targets[i % 8]); S.weakset.add({}); return S.weakset.has(targets[i % 8]); },
  weakRef: (i) => { const r = refs[i % 8].deref(); const y = new WeakRef({ i }); return (r ? r.i : "gone") + "" + (y.deref()?.i === i); },
  registry: (i) => { registry.register({ i }, i); if (i % 8 === 0) registry.unregister({}); return typeof S.finalized; },
  props: (i) => { const o = S.plain; o["p" + (i % 40)] = { i }; delete o["p" + ((i * 3) % 40)]; return Object.keys(o).length; },
  nested: (i) => { S.plain.c.d.push(i); if (S.plain.c.d.length > 90) S.plain.c = { d: [] }; return S.plain.c.d.length; },
  redefine: (i) => { Object.defineProperty(S.plain, "a", i % 2 ? { value: i, writable: true, configurable: true, enumerable: true } : { get: () => i * 2, configurable: true, enumerable: true }); return S.plain.a; },
  deleteProps: (i) => { delete S.plain.b; const k = Object.keys(S.plain).join(); S.plain.b = i; return k + S.plain.b; },
  patchPrototype: (i) => { Array.prototype["extra" + (i % 4)] = () => i; const r = [].extra0?.() + "," + (i % 4); if (i % 3 === 0) delete Array.prototype.extra0; return r; },
  patchBuiltin: (i) => { const old = String.prototype.trim; String.prototype.trim = function () { return "t" + i; }; const r = " x ".trim(); String.prototype.trim = old; return r + " y ".trim(); },
  patchClass: (i) => { Derived.prototype["m" + (i % 5)] = function () { return this.n + i; }; return S.derived["m" + (i % 5)](); },
  setPrototype: (i) => { Object.setPrototypeOf(S.proto, { inherited: i, own: [i] }); return S.proto.inherited + S.proto.own.length; },
  privates: (i) => S.counter.up(i % 5).n + Counter.made() + S.counter.peek(S.counter) + S.counter.peek({}),
  inheritance: (i) => { Derived.shared.list.push(i); if (Derived.shared.list.length > 33) Derived.shared = { list: [] }; return S.derived.up() + "" + Derived.shared.list.length; },
  newInstance: (i) => { S.derived = i % 9 ? S.derived : new Derived(); return String(S.derived) + (S.derived instanceof Counter); },
  generator: (i) => { if (i % 400 === 0) { S.gen.return(1); S.gen = endless(i); } return S.gen.next(i).value; },
  asyncGenerator: async (i) => (await S.asyncGen.next()).value,
  suspendedAsync: async (i) => { queue.shift()(i); await null; await null; return box.sum + ":" + queue.length; },
  frozenPromise: async (i) => { if (i > 100) gate.open(i - i); return (i > 100 ? await gate.promise : "shut") + ""; },
  closures: (i) => S.closures.inc() + ":" + S.closures.keep({ i }),
  closureCells: (i) => { const old = closure; closure = () => "c" + i; return old(); },
  symbols: (i) => { const s = Symbol("s" + i); S.sym[s] = i; const n = Object.getOwnPropertySymbols(S.sym).length; if (n > 30) for (const k of Object.getOwnPropertySymbols(S.sym)) delete S.sym[k]; return n + Symbol.keyFor(Symbol.for("reg" + (i % 50))); },
  typedArrays: (i) => { S.typed.fill(i & 255, i % 32); S.typed.set([1, 2, 3], i % 60); if (i % 100 === 0) S.typed = new Uint8Array(64); return S.typed.subarray(0, 40).reduce((a, b) => a + b, 0); },
  dataView: (i) => { S.view.setFloat64(i % 24, i * 1.5); return S.view.getUint32((i * 5) % 28); },
  resize: (i) => { S.resizable.resize((i * 37) % 4096); new Uint8Array(S.resizable).fill(i); return S.resizable.byteLength + new Uint8Array(S.resizable).length; },
  transfer: (i) => { const b = new ArrayBuffer(64 + i % 64); S.moved = b.transfer(); return b.detached + "" + S.moved.byteLength; },
  regex: (i) => { const m = S.regex.exec("a1b22c333d4444"); return (m ? m[0] : "null") + S.regex.lastIndex; },
  sticky: (i) => { S.sticky.lastIndex = i % 4; return S.sticky.test("aaba") + "" + S.sticky.lastIndex; },
  compileRegex: (i) => { S.regex.compile?.("(\\w)(\\d+)", "g"); return new RegExp("x{" + (i % 9) + "}").test("xxxx") + "" + "a-b-c".replace(/-/g, () => i); },
  date: (i) => { S.date.setUTCDate(i % 28 + 1); S.date.setTime(S.date.getTime() + i * 1000); if (i % 50 === 0) S.date = new Date(0); return S.date.toISOString(); },
  ropes: (i) => { S.text += "-" + i + "é".repeat(i % 3) + "世".repeat(i % 2); if (S.text.length > 2000) S.text = S.text.slice(-20); return S.text.length + S.text.slice(-6); },
  bigint: (i) => { S.big = (S.big * 31n + BigInt(i)) % (1n << 200n); return S.big.toString(36); },
  sealed: (i) => { S.sealed.x = i; try { "use strict"; S.sealed.y = 1; } catch (e) { return e.name + S.sealed.x; } return S.sealed.x; },
  accessors: (i) => { S.accessor.v = [i]; return S.accessor.v[0] + Object.keys(S.accessor).join(); },
  proxy: (i) => { S.proxied["k" + (i % 10)] = { i }; const r = S.proxied["k" + (i % 7)]?.i; delete S.proxied["k" + ((i * 3) % 10)]; return r + ":" + S.proxied.hits; },
  arguments: (i) => { S.args[i % 6] = i; S.args.length = i % 7; return [...S.args].join(); },
  boundFunction: (i) => { S.bound.extra = i; return S.bound(i) + S.bound.name; },
  globals: (i) => { globalThis["g" + (i % 25)] = { i }; delete globalThis["g" + ((i * 7) % 25)]; return Object.keys(globalThis).length; },
  error: (i) => { S.error.message = "m" + i; S.error.cause = new Error("c"); return String(S.error) + (S.error.stack.length > 10); },
  iterators: (i) => { const n = S.iterator.next(); if (n.done) S.iterator = new Map([[i, i], [1, { i }]]).entries(); return JSON.stringify(n); },
  templateObjects: (i) => templates() === templates() ? "same" : "other",
  json: (i) => { const o = JSON.parse(JSON.stringify({ a: S.array.slice(0, 9), i, n: { d: [i, null] } })); S.last = o; return JSON.stringify(S.last); },
  cycles: (i) => { const a = { i }, b = { a }; a.b = b; a.me = a; S.cycle = a; S.map.set("cycle", b); return S.cycle.b.a.i; },
  log: (i) => { S.log.push({ i, at: [i] }); if (S.log.length > 100) S.log = S.log.slice(-5); return S.log.length; },
  microtasks: async (i) => { const out = []; await Promise.all([1, 2, 3].map(async (n) => { await null; out.push(n * i); })); return out.join(); },
  random: (i) => typeof Math.random(),
  throws: (i) => { throw new RangeError("no " + i); },
  rejects: async (i) => { await null; throw new TypeError("no " + i); },
  destructure: (i) => { const { a, ...rest } = S.plain; const [x, , ...y] = S.array; return Object.keys(rest).length + y.length + typeof a + x; },
  freeze: (i) => { const o = { i, n: [] }; Object.freeze(o); S.frozen = o; return Object.isFrozen(S.frozen); },
  evalWords: (i) => { S["dyn" + (i % 60)] = "v".repeat(i % 100); return Object.keys(S).length; },
};
globalThis.scenarios = scenarios;
