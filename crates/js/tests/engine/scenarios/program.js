// Programs made at random from a seed: each step changes something in a pool of objects that lay in the base, and says
// what it saw. No step depends on anything but the seed and the steps before it.
import { look, attempt } from "script:look.js";
import { code } from "script:code.js";

let state = 1;
const bits = () => { state ^= state << 13; state ^= state >>> 17; state ^= state << 5; return state >>> 0; };
const below = (n) => bits() % n;
const pick = (list) => list[below(list.length)];

class Base { #p = 1; kept = []; bump(n) { this.#p += n; return this.#p; } static has(o) { return #p in o; } get p() { return this.#p; } }
class Derived extends Base { own = {}; bump(n) { return super.bump(n) * 2; } }
function* numbers(from) { for (let n = from; ; n++) { const got = yield n; if (got !== undefined) n = got; } }
async function* ticks() { for (let n = 0; ; n++) { await null; yield n; } }
const closure = (v) => { let held = v; return { get: () => held, set: (x) => { const was = held; held = x; return was; } }; };
const suspended = (v) => { const box = { v }; (async () => { for (;;) { box.v = await new Promise((r) => { box.resume = r; }); box.n = (box.n ?? 0) + 1; } })(); return box; };

const makers = [
  () => ({}), () => ({ a: 1, b: below(99), c: "c" }), () => [], () => Array.from({ length: below(20) }, () => below(100)), () => new Map([[below(9), 1]]), () => new Set([1, below(9)]),
  () => new WeakMap(), () => new Base(), () => new Derived(), () => numbers(below(50)), () => closure(below(9)), () => Object.create(pick(pool) ?? null), () => new Uint8Array(below(64)),
  () => new Uint16Array(new ArrayBuffer(16, { maxByteLength: 512 })), () => new Proxy({ hits: 0 }, { get(t, k, r) { if (typeof k === "string") t.hits++; return Reflect.get(t, k, r); } }),
  () => /([a-c])(?<d>\d)?/g, () => new Date(below(1e9) * 1000), () => suspended(below(9)), () => ticks(), () => [1, , 3, , 5], () => function f(x) { return [this === undefined, x]; }, () => new Error("e" + below(9)),
  () => Object.create(null), () => { const o = { n: below(9) }; o.self = o; o.list = [o]; return o; }, () => ({ get v() { return this.w; }, set v(x) { this.w = x; } }), () => (function () { return arguments; })(below(9), 2, 3), () => Symbol("s" + below(5)), () => new Map([["k", 1], ["l", 2]]).entries(),
];
let pool = [], texts = ["seed", "é", "日本", "long ".repeat(50)], functions = [(x) => x];
const weak = new WeakMap(), keyed = new Map(), shapes = [];
for (let k = 0; k < 84; k++) pool.push(makers[k % makers.length]());

const isObject = (v) => v !== null && (typeof v === "object" || typeof v === "function");
const member = () => pool[below(pool.length)];
const of = (kind) => { for (let k = 0, at = below(pool.length); k < pool.length; k++) { const v = pool[(at + k) % pool.length]; if (kind(v)) return v; } return undefined; };
const an = (type) => of((v) => v instanceof type);
const key = () => below(6) ? "k" + below(24) : below(2) ? below(40) : pick([Symbol.for("sym" + below(4)), "a", "b", "c", "length", "own"]);
const value = () => { switch (below(9)) { case 0: return below(1000); case 1: return pick(texts); case 2: case 3: return member(); case 4: return { n: below(10), at: member() }; case 5: return [below(9), member()]; case 6: return below(1e6) / 7; case 7: return BigInt(below(1e6)) ** 3n; default: return pick([null, undefined, true, NaN, -0]); } };
const plainTarget = () => of((v) => isObject(v) && !ArrayBuffer.isView(v) && below(3) > 0) ?? pool[0];

const steps = [
  () => { const o = plainTarget(); o[key()] = value(); return o; },
  () => { const o = plainTarget(); delete o[key()]; return o; },
  () => { const o = plainTarget(), k = key(); return k === "length" ? 0 : Reflect.defineProperty(o, k, below(2) ? { value: value(), writable: below(3) > 0, enumerable: below(2) > 0, configurable: true } : { get: pick(functions), configurable: true }); },
  () => { const o = plainTarget(); const k = key(); const v = o[k]; return [v, k in o]; },
  () => { const o = plainTarget(); return Object.keys(o).length + Reflect.ownKeys(o).map(String).join(); },
  () => { const o = plainTarget(); return Reflect.setPrototypeOf(o, pick([Object.prototype, Array.prototype, null, plainTarget()])) + String(Reflect.has(o, "k1")); },
  () => { const o = pool[below(30)]; return below(40) ? Object.isFrozen(o) : (Object.freeze(o), pool[pool.indexOf(o)] = pick(makers)(), "froze"); },
  () => { const a = an(Array); a.push(value(), value()); if (a.length > 120) a.length = below(20); return a.length; },
  () => { const a = an(Array); return [a.pop(), a.shift(), a.length]; },
  () => { const a = an(Array); a.unshift(value()); return a.splice(below(a.length + 1), below(4), value()); },
  () => { const a = an(Array); a.sort((x, y) => (typeof x === "number" && typeof y === "number" ? x - y : typeof x < typeof y ? -1 : typeof x > typeof y ? 1 : 0)); return a; },
  () => { const a = an(Array); if (below(8) === 0) a[below(300)] = 1; delete a[below(10)]; a.reverse(); return a.length; },
  () => { const a = an(Array), b = an(Array); const c = a.concat(b).slice(0, 60); pool[below(pool.length)] = c; return c.length; },
  () => { const a = an(Array); return [a.map((x) => typeof x).join(), a.findLastIndex((x) => x === undefined), a.flat(1).length, a.indexOf(member())]; },
  () => { const m = an(Map); m.set(below(3) ? below(30) : member(), value()); if (m.size > 60) m.clear(); return m.size; },
  () => { const m = an(Map); let n = 0; for (const [k] of m) { if (below(3) === 0) m.delete(k); if (++n > 10) break; } return m.size; },
  () => { const s = an(Set); s.add(below(3) ? below(30) : member()); s.delete(below(30)); if (s.size > 60) s.clear(); return s; },
  () => { const s = an(Set), t = an(Set); return s.union(t).size + ":" + s.intersection(t).size + s.isSubsetOf(t); },
  () => { const k = member(); if (isObject(k)) { weak.set(k, value()); (an(WeakMap) ?? weak).set(k, { k }); } const q = member(); return isObject(q) ? [weak.has(q), weak.get(q)] : "symbol"; },
  () => { const k = { n: below(9) }; weak.set(k, [k]); keyed.set(below(20), k); return weak.get(keyed.get(below(20)) ?? k)?.[0].n; },
  () => { const b = an(Base); return [b.bump(below(9)), b.p, Base.has(b), Base.has(member())]; },
  () => { const b = an(Base); b.kept.push(value()); if (b.kept.length > 20) b.kept = []; b["f" + below(9)] = below(9); return b; },
  () => { const g = of((v) => Object.prototype.toString.call(v) === "[object Generator]"); return g ? below(30) ? g.next(below(3) ? undefined : below(50)) : g.return(1) : "none"; },
  () => { const c = of((v) => isObject(v) && Object.hasOwn(v, "set") && typeof v.set === "function"); return c ? [c.set(value()), c.get?.()] : "none"; },
  () => { const t = of((v) => ArrayBuffer.isView(v)); t[below(t.length + 2)] = below(70000); t.fill(below(200), below(10), below(20)); return [t.length, t[0], t.indexOf(below(200))]; },
  () => { const t = of((v) => ArrayBuffer.isView(v) && v.buffer.resizable); if (!t) return "none"; t.buffer.resize(below(256) * 2); return t.length; },
  () => { const t = of((v) => ArrayBuffer.isView(v)); const b = t.buffer.slice(0); pool[below(pool.length)] = below(2) ? new Uint8Array(b) : new Uint8Array(b.transfer(b.byteLength + 8)); return b.detached; },
  () => { const p = of((v) => isObject(v) && Object.getOwnPropertyDescriptor(v, "hits")) ?? pool[1]; p["h" + below(5)] = value(); return [p.h0, p.h1, p.hits]; },
  () => { const r = an(RegExp); r.lastIndex = below(2) ? below(6) : r.lastIndex; const m = r.exec("a1b2c3abc"); return [m, r.lastIndex]; },
  () => { const d = an(Date); d.setTime(d.getTime() + below(1e7)); d.setUTCDate(below(40)); return d.getTime(); },
  () => { const s = of((v) => isObject(v) && typeof v.resume === "function"); if (!s) return "none"; s.resume(value()); return [s.v, s.n]; },
  async () => { const t = of((v) => Object.prototype.toString.call(v) === "[object AsyncGenerator]"); return t ? t.next() : "none"; },
  async () => { const v = member(); await null; pool[below(pool.length)] = pick(makers)(); return v; },
  async () => { const all = await Promise.allSettled([member(), Promise.reject(below(9)), (async () => { await null; return value(); })()]); return all.length + all[1].reason; },
  () => { const at = below(pool.length); const old = pool[at]; pool[at] = pick(makers)(); return old; },
  () => { const a = member(), b = member(); if (isObject(a) && isObject(b) && !ArrayBuffer.isView(a)) { a["to"] = b; if (!ArrayBuffer.isView(b)) b["back"] = a; } return a; },
  () => { const a = {}, b = { a }; a.b = b; a.member = member(); if (below(2)) pool[below(pool.length)] = a; return "cycle"; },
  () => { const t = below(texts.length); texts[t] += pick(texts).slice(0, 40) + below(100); if (texts[t].length > 900) texts[t] = texts[t].slice(below(500), 600); return texts[t].length + texts[t].slice(-4); },
  () => { const t = pick(texts); return [t.indexOf("s"), t.split(" ").length, t.toUpperCase().slice(0, 5), t.replace(/[aeiou]/g, (c) => c + below(3)).length, t.codePointAt(below(5))]; },
  () => { const o = {}; for (let k = 0, n = below(30); k < n; k++) o["s" + (k + below(2))] = k; shapes.push(o); if (shapes.length > 20) shapes.splice(0, 15); return Object.keys(shapes[below(shapes.length)]).length; },
  () => { const s = pick(shapes); if (!s) return 0; const { s1, ...rest } = s; Object.assign(plainTarget(), { [key()]: rest }); return Object.keys(rest).length; },
  () => { const f = pick(functions); f["x" + below(3)] = value(); return attempt(() => f(below(9))); },
  () => { const text = code(below); const f = new Function("x", "pool", text); functions.push(f); if (functions.length > 25) functions.splice(1, 10); return attempt(() => f(below(20), pool.slice(0, 5))); },
  () => (0, eval)(`(function () { ${code(below)} })`).call(undefined, below(9), []),
  () => { const f = pick(functions).bind(member(), below(9)); return [f.name, f.length, attempt(() => f(1))]; },
  () => { const o = plainTarget(); let n = 0; for (const k in o) { n++; if (below(4) === 0) delete o[k]; if (n > 12) break; } return n; },
  () => JSON.stringify({ n: below(9), list: shapes.slice(-2), t: pick(texts).slice(0, 30) }),
  () => { pool[below(pool.length)] = JSON.parse(`{"a":${below(99)},"b":[1,{"c":null}],"k${below(9)}":"x"}`); return "parsed"; },
  () => { const P = pick([Object.prototype, Array.prototype, Function.prototype, Base.prototype, String.prototype]); const k = "patched" + below(3); Object.defineProperty(P, k, { value: below(9), configurable: true, writable: true }); return [({}).patched0, [].patched1, new Derived().patched2, "".patched0]; },
  () => { for (const P of [Object.prototype, Array.prototype, Function.prototype, Base.prototype, String.prototype]) for (const k of ["patched0", "patched1", "patched2"]) delete P[k]; return ({}).patched0; },
  () => { globalThis["rnd" + below(12)] = value(); delete globalThis["rnd" + below(12)]; return Object.keys(globalThis).filter((k) => k.startsWith("rnd")).join(); },
  () => { const e = an(Error); e.message += below(3); try { throw e; } catch (x) { return x.message.length > 40 ? (x.message = "") : String(x.message); } },
  () => { class Fresh extends pick([Base, Derived]) { #q = below(9); q() { return this.#q; } static s = [value()]; } const f = new Fresh(); pool[below(pool.length)] = f; return [f.q(), f.bump(1)]; },
  () => { const it = of((v) => Object.prototype.toString.call(v) === "[object Map Iterator]"); return it ? it.next() : "none"; },
  () => { const a = of((v) => Object.prototype.toString.call(v) === "[object Arguments]") ?? []; a[below(5)] = value(); return [a.length, Array.prototype.slice.call(a, 0, 4)]; },
  () => { globalThis.gc?.(); return Symbol.for("reg" + below(60)).description + Symbol("u" + below(9)).toString(); },
];

globalThis.program = {
  seed(n) { state = (Math.imul(n, 2654435761) ^ 0x9e3779b9) | 1; for (let k = 0; k < 10; k++) bits(); return state; },
  // One step; what it saw, or threw. Everything is looked at from outside and not deep.
  step() {
    const which = below(steps.length);
    const tell = (v) => { try { return which + " " + look(v, 2); } catch (e) { return which + " look! " + e?.message; } };
    let r;
    try { r = steps[which](); } catch (e) { return `${which} ! ${typeof e === "object" ? e?.message : ""}`; }
    return r instanceof Promise ? r.then(tell, (e) => `${which} !! ${e?.message}`) : tell(r);
  },
  // Many steps, then jobs run before each next one.
  async steps(n) { let out = ""; for (let k = 0; k < n; k++) out += await program.step() + "\n"; return out; },
};
