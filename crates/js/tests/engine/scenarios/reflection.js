// Proxies, Reflect and symbols: proxies made in the base over objects of the base, handlers changed later.
import { look, attempt } from "script:look.js";

const log = []; const note = (w) => { log.push(w); if (log.length > 40) log.splice(0, 30); };
const target = { a: 1, list: [1, 2], nested: { deep: 1 } };
const handler = { get(t, k, r) { note("get " + String(k)); return Reflect.get(t, k, r); }, has(t, k) { note("has"); return k in t; }, set(t, k, v, r) { note("set " + String(k)); return Reflect.set(t, k, v, r); } };
const logged = new Proxy(target, handler), empty = new Proxy(target, {}), over = new Proxy(logged, {});
const callable = new Proxy(function f(a, b) { return a + b; }, { apply: (f, self, args) => f(...args) + ":" + args.length, construct: (f, args, nt) => ({ args, nt: nt === callable }) });
const arrayProxy = new Proxy([1, 2, 3], { set(t, k, v) { note("[" + String(k) + "]"); t[k] = v; return true; } });
const revocable = [Proxy.revocable({ r: 1 }, {})];
const negative = new Proxy([10, 20, 30], { get: (t, k, r) => typeof k === "string" && /^-\d+$/.test(k) ? t[t.length + +k] : Reflect.get(t, k, r) });
const membrane = (o, seen = new WeakMap()) => { const wrap = (v) => Object(v) !== v ? v : seen.get(v) ?? (seen.set(v, new Proxy(v, { get: (t, k) => wrap(t[k]), set: (t, k, v) => { t[k] = v; return true; } })), seen.get(v)); return wrap(o); };
const wrapped = membrane(target);
const ghost = new Proxy({}, { ownKeys: () => ["x", "y", Symbol.for("z")], getOwnPropertyDescriptor: (t, k) => ({ value: ghost.n ?? k, enumerable: k !== "y", configurable: true }), get: (t, k) => t[k] });
const protoProxy = Object.create(new Proxy({}, { get: (t, k, r) => typeof k === "symbol" ? undefined : "miss:" + k, has: () => false }));
const liar = new Proxy(Object.freeze({ fixed: 1 }), { get: () => 2, has: () => false, deleteProperty: () => true, ownKeys: () => [] });
const symbols = Array.from({ length: 5 }, (_, i) => Symbol("s" + i));
const withSymbols = Object.fromEntries(symbols.map((s, i) => [s, i]));
class Matcher { constructor(w) { this.w = w; } [Symbol.match](s) { return [this.w, s.length]; } [Symbol.replace](s, r) { return s + r + this.w; } [Symbol.search]() { return this.w.length; } [Symbol.split](s) { return [s, this.w]; } }
const matcher = new Matcher("w");
const unscoped = { x: 1, [Symbol.unscopables]: { x: true } };
const toStr = { toString: () => "S", valueOf: () => 3 };
const frozenProxy = new Proxy({ v: 1 }, { isExtensible: (t) => Object.isExtensible(t), preventExtensions: (t) => { Object.preventExtensions(t); return true; }, defineProperty: (t, k, d) => { note("def"); return Reflect.defineProperty(t, k, d); } });

export const scenarios = {
  loggedProxy(i) { logged["k" + i % 5] = i; const r = logged["k" + i % 7]; "a" in logged; delete logged["k" + (i * 3) % 5]; return r + log.slice(-3).join(); },
  proxyOverProxy(i) { over.a = i; over.list.push(i); if (over.list.length > 12) over.list = []; return look([over.a, target.list, log.at(-1)]); },
  emptyProxy(i) { empty["e" + i % 4] = { i }; return Object.keys(empty).join() + look(empty.nested) + (empty === empty) + JSON.stringify(empty.list); },
  swapTraps(i) { const old = handler.get; handler.get = () => "trapped" + i; const r = logged.a; handler.get = old; delete handler.has; const h = "zz" in logged; handler.has = (t, k) => k in t; return r + h + logged.a; },
  callableProxy(i) { return callable(i, 1) + look(new callable(i)) + callable.call(null, 1) + look(Reflect.construct(callable, [1], Object)) + callable.name; },
  arrayProxy(i) { arrayProxy.push(i); if (arrayProxy.length > 10) arrayProxy.length = 2; arrayProxy.sort((a, b) => b - a); return look([...arrayProxy]) + Array.isArray(arrayProxy) + log.slice(-2) + [].concat(arrayProxy).length; },
  revoke(i) { const r = revocable[0]; const before = attempt(() => r.proxy.r); if (i % 2) r.revoke(); const after = attempt(() => r.proxy.r); revocable[0] = i % 2 ? Proxy.revocable({ r: i }, {}) : r; return before + after + attempt(() => typeof r.proxy); },
  negativeIndex(i) { negative.push(i); if (negative.length > 15) negative.splice(0, 10); return negative[-1] + ":" + negative["-2"] + negative.length + negative.map((x) => x).length; },
  membrane(i) { wrapped.nested.deep = { i }; wrapped.nested["m" + i % 4] = wrapped.list; return (wrapped.nested === wrapped.nested) + look(target.nested, 2) + wrapped.nested.deep.i; },
  ghostKeys(i) { return look({ ...ghost }) + Object.keys(ghost).join() + Reflect.ownKeys(ghost).length + ("n" in ghost); },
  prototypeProxy(i) { protoProxy["own" + i % 3] = i; const r = protoProxy.own0 + protoProxy.nope + ("zz" in protoProxy); for (const k in protoProxy) if (i % 4 === 0) delete protoProxy[k]; return r; },
  lyingProxy(i) { return attempt(() => liar.fixed) + attempt(() => "fixed" in liar) + attempt(() => delete liar.fixed) + attempt(() => Object.keys(liar)); },
  extensibleProxy(i) { frozenProxy["p" + i % 6] = i; return attempt(() => Object.defineProperty(frozenProxy, "v", { value: i, configurable: true, writable: true })) + look({ ...frozenProxy }) + Object.isExtensible(frozenProxy) + log.at(-1); },
  reflectOps(i) { const o = Reflect.construct(Object, []); return [Reflect.set(o, "a", i), Reflect.has(o, "a"), Reflect.defineProperty(o, "b", { value: i }), Reflect.deleteProperty(o, "b"), Reflect.ownKeys(o), Reflect.preventExtensions(o), Reflect.set(o, "c", 1), Reflect.getOwnPropertyDescriptor(o, "b").value].join(); },
  reflectReceiver(i) { const r = { }; Reflect.set(target, "recv", i, r); const g = Reflect.get({ get me() { return this.recv; } }, "me", r); delete target.recv; return g + look(r); },
  symbolProperties(i) { withSymbols[symbols[i % 5]] = { i }; withSymbols[Symbol("y")] = i; if (i % 9 === 0) for (const s of Object.getOwnPropertySymbols(withSymbols)) if (!symbols.includes(s)) delete withSymbols[s]; return Object.getOwnPropertySymbols(withSymbols).length + look(withSymbols[symbols[i % 5]]) + symbols[i % 5].toString(); },
  replaceSymbol(i) { const old = symbols[i % 5]; symbols[i % 5] = Symbol("r" + i % 7); withSymbols[symbols[i % 5]] = withSymbols[old]; delete withSymbols[old]; return Object.getOwnPropertySymbols(withSymbols).map((s) => s.description).join(); },
  registrySymbols(i) { const s = Symbol.for("reg" + i % 40); withSymbols[s] = i; const r = Symbol.keyFor(s) + (s === Symbol.for("reg" + i % 40)) + Symbol.keyFor(Symbol.iterator); delete withSymbols[s]; return r; },
  symbolMistakes(i) { return attempt(() => `${Symbol("x")}`) + attempt(() => +Symbol()) + attempt(() => new Symbol()) + Object(symbols[0]).description + typeof Object(symbols[0]); },
  matchers(i) { matcher.w = "w" + i % 9; return ["str".match(matcher), "str".replace(matcher, "R"), "s".search(matcher), "s".split(matcher)].join("|"); },
  wellKnownPatched(i) { const old = Array.prototype[Symbol.iterator]; Array.prototype[Symbol.iterator] = function* () { yield i; }; const r = [...[1, 2, 3]].join() + Math.max(...[7, 8]); Array.prototype[Symbol.iterator] = old; return r + [...[1, 2]].join(); },
  toPrimitives(i) { toStr.toString = () => "S" + i; toStr.valueOf = i % 3 ? () => i : () => ({}); return `${toStr}` + (toStr + 1) + attempt(() => toStr * 2) + [toStr] + (toStr == i); },
  hasInstanceSymbol(i) { const even = { [Symbol.hasInstance]: (n) => n % 2 === 0 }; return (i instanceof even) + attempt(() => i instanceof {}) + attempt(() => ({}) instanceof (() => 1)); },
  toStringTags(i) { const o = { get [Symbol.toStringTag]() { return "T" + i; } }; return String(o) + Object.prototype.toString.call(new Proxy([], {})) + Object.prototype.toString.call(callable) + Object.prototype.toString.call((function () { return arguments; })()); },
  descriptors(i) { Object.defineProperty(target, "d", { get: i % 2 ? () => i : undefined, set: undefined, configurable: true }); const r = look(Object.getOwnPropertyDescriptors({ get x() { return 1; }, y: i })) + target.d; delete target.d; return r + look(Object.getOwnPropertyDescriptor(logged, "a")); },
  proxyAsPrototypeOfClass(i) { class P { } Object.setPrototypeOf(P.prototype, new Proxy({}, { get: (t, k) => String(k) + i })); return new P().anything + new P().other; },
  jsonOfProxies(i) { return JSON.stringify([logged.list, arrayProxy, new Proxy({ toJSON: () => i }, {}), empty]).length > 5 ? JSON.stringify({ p: new Proxy({ i }, {}) }) : ""; },
};
