// Map, Set and their weak kin: filled in the base, changed while something iterates them, keyed by old and young objects.
// What is only weakly held and belongs to the base stays when the base is frozen, so nothing here looks for its end.
import { look, attempt } from "script:look.js";

const map = new Map([["a", 1], [1, "one"], [NaN, "nan"], [undefined, "u"]]);
const keys = Array.from({ length: 12 }, (_, i) => ({ key: i }));
const byObject = new Map(keys.map((k, i) => [k, { i }]));
const set = new Set("hello world");
const left = new Set([1, 2, 3, 4, 5]), right = new Set([4, 5, 6, 7]);
const weak = new WeakMap(keys.map((k) => [k, [k.key]])), weakSet = new WeakSet(keys.slice(0, 6));
const chainWeak = new WeakMap();
const iterators = { keys: map.keys(), values: byObject.values(), entries: set.entries() };
const cache = new Map(), lru = new Map();
class Bag extends Map { bump(k) { return this.set(k, (this.get(k) ?? 0) + 1).get(k); } }
const bag = new Bag([["x", 1]]);
class Odd extends Set { add(v) { return super.add(v % 2 ? v : "even"); } }
const odd = new Odd([1, 2, 3]);
const graph = new Map(keys.map((k, i) => [k, new Set([keys[(i + 1) % 12], keys[(i * 5) % 12]])]));
const registry = new FinalizationRegistry(() => { });
const refs = keys.map((k) => new WeakRef(k));
const tokens = keys.map((k) => { const t = {}; registry.register(k, "held", t); return t; });
const symbolKeys = new WeakMap([[Symbol.iterator, "well known"]]);
const ownSymbol = Symbol("own"); symbolKeys.set(ownSymbol, 1);
const privates = new WeakMap();
class Hidden { constructor(v) { privates.set(this, { v }); } get v() { return privates.get(this).v; } set v(x) { privates.get(this).v = x; } }
const hidden = [new Hidden(1), new Hidden(2)];
const young = [];
const multi = { add(k, v) { const s = cache.get(k) ?? new Set(); s.add(v); cache.set(k, s); return s.size; } };

export const scenarios = {
  mapChurn(i) { map.set("n" + i % 90, i); map.delete("n" + (i * 7) % 90); map.set(NaN, i).set(-0, "zero"); return map.size + look(map.get(0)) + map.get(NaN) + map.has(undefined); },
  mapOrder(i) { const v = map.get("a"); map.delete("a"); map.set("a", i); return [...map.keys()].slice(-3).map(String).join() + v; },
  mapIterateChange(i) { let n = 0; for (const [k] of map) { if (n++ > 12) break; if (n % 3 === i % 3) map.delete(k); if (n === 4) map.set("late" + i, n); } map.set("a", 0).set(1, 1); return n + ":" + map.size + [...map.keys()].at(-1); },
  mapClearWhileIterating(i) { const m = new Map(map); let n = 0; for (const k of m.keys()) { n++; if (n === 2) { m.clear(); m.set("after", i); } } return n + look(m); },
  heldIterators(i) { const r = iterators.keys.next(); map.set("it" + i % 4, i); if (r.done) iterators.keys = map.keys(); const v = iterators.values.next(); if (v.done) iterators.values = byObject.values(); return look(r) + look(v); },
  heldSetIterator(i) { set.add("s" + i % 9); set.delete("s" + (i * 4) % 9); const r = iterators.entries.next(); if (r.done) iterators.entries = set.entries(); return look(r) + set.size; },
  objectKeys(i) { const k = keys[i % 12]; byObject.get(k)["p" + i % 5] = i; if (i % 6 === 0) { byObject.delete(k); byObject.set(k, { i }); } byObject.set({ y: i }, i); if (byObject.size > 80) for (const y of byObject.keys()) if ("y" in y) byObject.delete(y); return byObject.size + look(byObject.get(k)); },
  replaceKeyObject(i) { const old = keys[i % 12]; keys[i % 12] = { key: i }; byObject.set(keys[i % 12], byObject.get(old) ?? "none"); byObject.delete(old); weak.set(keys[i % 12], weak.get(old) ?? [i]); return byObject.size + look(weak.get(keys[i % 12])) + weak.has({}); },
  setChurn(i) { set.add(i % 50).add(String(i % 50)); set.delete((i * 3) % 50); if (set.size > 70) set.clear(); return set.size + "" + set.has(i % 50); },
  setAlgebra(i) { left.add(i % 9); left.delete((i * 5) % 9); right.add(i % 11); if (right.size > 8) right.delete([...right][0]); return [left.union(right), left.intersection(right), left.difference(right), left.symmetricDifference(right)].map((s) => [...s].join("")).join("|") + left.isSubsetOf(right) + left.isDisjointFrom(new Set([99])) + left.isSupersetOf(new Set()); },
  setAlgebraWithMap(i) { return look(left.union(new Map([[i, 1]]))) + attempt(() => left.union([1])) + attempt(() => left.intersection({ size: NaN })); },
  weakMapValues(i) { const k = keys[i % 12]; const v = weak.get(k) ?? []; v.push(i); if (v.length > 8) weak.set(k, [i]); return look(weak.get(k)) + weak.has(keys[(i * 5) % 12]); },
  weakMapDelete(i) { weak.delete(keys[(i * 7) % 12]); const had = weak.has(keys[i % 12]); weak.set(keys[i % 12], weak.get(keys[i % 12]) ?? { again: i }); return had + attempt(() => weak.set(i, 1)) + attempt(() => weak.set(Symbol.for("r"), 1)); },
  weakMapYoungKeys(i) { const k = { i }; young.push(k); if (young.length > 20) young.splice(0, 7); weak.set(k, { k, more: young[0] }); weakSet.add(k); return weak.get(young[0])?.k === young[0] ? "same" : "other"; },
  weakMapCycle(i) { const k = {}; k.me = k; weak.set(k, k); chainWeak.set(k, { k }); chainWeak.set(keys[i % 12], k); return chainWeak.get(keys[i % 12]).me === k ? "yes" : "no"; },
  weakChain(i) { let k = keys[i % 12]; for (let d = 0; d < 8; d++) { const next = { d, i }; chainWeak.set(k, next); k = next; } let n = 0; for (let c = keys[i % 12]; c; c = chainWeak.get(c)) n++; return n; },
  weakSets(i) { const k = keys[i % 12]; if (weakSet.has(k)) weakSet.delete(k); else weakSet.add(k); weakSet.add(new WeakSet([k])); return keys.map((x) => +weakSet.has(x)).join(""); },
  weakRefs(i) { const k = keys[i % 12]; refs[i % 12] = new WeakRef(k); const y = new WeakRef({ i, k }); return (refs[i % 12].deref() === k) + "" + y.deref()?.i + attempt(() => new WeakRef(i)); },
  registryTokens(i) { const had = registry.unregister(tokens[i % 12]); registry.register(keys[i % 12], i, tokens[i % 12]); registry.register({ i }, i); return had + attempt(() => registry.register(keys[0], keys[0])) + attempt(() => registry.unregister(i)); },
  symbolsAsWeakKeys(i) { symbolKeys.set(ownSymbol, i); symbolKeys.set(Symbol("y" + i), i); return symbolKeys.get(ownSymbol) + symbolKeys.get(Symbol.iterator) + attempt(() => symbolKeys.set(Symbol.for("no"), 1)); },
  privatesByWeakMap(i) { hidden[i % 2].v += i; if (i % 10 === 0) hidden[i % 2] = new Hidden(i); hidden.push(new Hidden(i)); if (hidden.length > 9) hidden.length = 2; return hidden.map((h) => h.v).join() + attempt(() => Reflect.get(Hidden.prototype, "v", {})); },
  bagSubclass(i) { if (bag.size > 15) bag.clear(); bag.bump("b" + i % 20); return bag.bump("b" + i % 20) + look(bag, 1); },
  oddSubclass(i) { if (odd.size > 20) odd.clear(); odd.add(i); return [...odd].slice(-3).join() + odd.has("even"); },
  graphRewire(i) { const a = keys[i % 12]; if (!graph.has(a)) graph.set(a, new Set()); graph.get(a).add(keys[(i * 5 + 1) % 12]); if (graph.get(a).size > 4) graph.set(a, new Set([a])); if (graph.size > 40) graph.clear(); const seen = new Set(), todo = [a]; while (todo.length) { const n = todo.pop(); if (seen.has(n)) continue; seen.add(n); for (const m of graph.get(n) ?? []) todo.push(m); } return seen.size; },
  lru(i) { const k = (i * 7) % 31; const v = lru.get(k); lru.delete(k); lru.set(k, { i, was: v?.i }); if (lru.size > 12) lru.delete(lru.keys().next().value); return look(lru.get(k)) + [...lru.keys()].join("."); },
  multimap(i) { if (cache.size > 30) cache.clear(); return multi.add("m" + i % 40, i % 9) + ":" + [...cache].length; },
  largeMap(i) { const m = map.big ??= new Map(); for (let k = 0; k < 40; k++) m.set(i * 40 + k, k); for (let k = 0; k < 39; k++) m.delete(i * 40 + k - 400); if (m.size > 900) map.big = undefined; return m.size; },
  fromEntriesRoundTrip(i) { const o = Object.fromEntries(bag), m = new Map(Object.entries(o)); return m.size === bag.size ? look(new Map([...m].slice(0, 3))) : "lost"; },
  badIterables(i) { return attempt(() => new Map([1])) + attempt(() => new Set(5)) + attempt(() => new Map([[1, 2], i])) + attempt(() => Map.prototype.get.call(new Set(), 1)); },
  patchedAdd(i) { const add = Set.prototype.add; let n = 0; Set.prototype.add = function (v) { n++; return add.call(this, v + i); }; const s = new Set([1, 2]); Set.prototype.add = add; return n + look(s); },
  groupByIdentity(i) { const g = Map.groupBy(keys, (k) => keys[(k.key + i) % 3]); return [...g.values()].map((v) => v.length).join(); },
};
