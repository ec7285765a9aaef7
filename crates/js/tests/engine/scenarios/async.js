// Promises, jobs and what was suspended when the base froze; the order in which jobs run is part of the answer.
import { look } from "script:look.js";

const settled = Promise.resolve({ v: 1 }), failed = Promise.reject(new Error("kept failure")); failed.catch(() => { });
const gates = Array.from({ length: 4 }, () => Promise.withResolvers());
const waiting = gates.map(async (g, k) => { const v = await g.promise; trail.push(k + ":" + v); return [k, v]; });
const trail = []; const trim = () => { if (trail.length > 50) trail.splice(0, 40); };
const mailbox = { queue: [], readers: [] };
const put = (v) => { const r = mailbox.readers.shift(); if (r) r(v); else mailbox.queue.push(v); };
const get = () => mailbox.queue.length ? Promise.resolve(mailbox.queue.shift()) : new Promise((r) => mailbox.readers.push(r));
let total = 0; (async () => { for (;;) { try { const v = await get(); if (v === "throw") throw new Error("in the loop"); total += v; } catch (e) { trail.push(e.message); trim(); } } })();
async function* feed() { let n = 0; try { for (;;) n = (yield n + 1) ?? n + 1; } finally { trail.push("closed"); trim(); } }
let feeding = feed(); feeding.next();
async function* merged() { yield* [1, 2]; yield* inner(); } async function* inner() { for (let k = 0; ; k++) yield { k }; }
const merging = merged();
const thenable = { calls: 0, then(ok, no) { this.calls++; this.calls % 5 ? ok(this.calls) : no(new Error("fifth")); } };
class Task extends Promise { static made = 0; constructor(f) { super(f); Task.made++; } }
const chain = { last: Promise.resolve(0) };
const mutex = { tail: Promise.resolve(), run(f) { const r = this.tail.then(f); this.tail = r.catch(() => { }); return r; } };
const cache = new Map(); const slow = (k) => cache.get(k) ?? (cache.set(k, (async () => { await null; await null; return { k }; })()), cache.get(k));
const lateHandlers = []; const emitter = { waiters: new Set(), wait() { return new Promise((r) => this.waiters.add(r)); }, fire(v) { for (const w of this.waiters) w(v); this.waiters.clear(); } };
const background = []; async function loop(name) { for (let n = 0; ; n++) { const v = await emitter.wait(); background.push(name + v + n); if (background.length > 20) background.splice(0, 15); } } loop("a"); loop("b");
const order = async (log) => { const t = (n) => { log.push(n); }; queueMicrotask(() => t("m1")); Promise.resolve().then(() => t("p1")).then(() => t("p2")); (async () => { t("s"); await null; t("a1"); await thenable.fixed; t("a2"); })(); queueMicrotask(() => t("m2")); await new Promise((r) => queueMicrotask(r)); t("end"); };

export const scenarios = {
  async settledPromise(i) { const o = await settled; o["p" + i % 6] = i; delete o["p" + (i * 5) % 6]; return look(o); },
  async failedPromise(i) { return failed.then(() => "?", (e) => { e.seen = (e.seen ?? 0) + 1; return e.message + e.seen; }); },
  async openGate(i) { gates[i % 4].resolve(i); const [k, v] = await waiting[i % 4]; trim(); return k + ":" + (v === i) + trail.length; },
  async newGate(i) { const g = Promise.withResolvers(); gates[i % 4] = g; waiting[i % 4] = (async () => { const v = await g.promise; return [i % 4, v * 2]; })(); g.resolve(i); return look(await waiting[i % 4]); },
  async mailbox(i) { put(i % 100); put(i % 7 ? 1 : "throw"); await null; await null; await null; return total + ":" + mailbox.readers.length + mailbox.queue.length + trail.at(-1); },
  async asyncGenerator(i) { const r = i % 31 === 0 ? await feeding.return(i) : i % 5 ? await feeding.next() : await feeding.next(i); if (r.done) { feeding = feed(); } return look(r); },
  async asyncGeneratorThrow(i) { const g = feed(); await g.next(); return g.throw(new Error("t" + i)).then(() => "?", (e) => e.message + trail.at(-1)); },
  async mergedGenerators(i) { const a = merging.next(), b = merging.next(); return look([await a, await b]); },
  async forAwait(i) { const out = []; for await (const v of [1, Promise.resolve(2), thenable2(i), slow("f" + i % 3)]) out.push(v); return look(out); },
  async thenables(i) { const c = thenable.calls; return Promise.resolve(thenable).then((v) => "ok" + (v - c), (e) => e.message) ; },
  async subclass(i) { const t = new Task((r) => r(i)); const u = t.then((x) => x + 1); return (u instanceof Task) + "" + await u + (await Task.all([1, t])).join() + (Task.made > 0); },
  async chainGrows(i) { chain.last = chain.last.then((v) => (v + i) % 1009); return await chain.last; },
  async mutexOrder(i) { const log = []; await Promise.all([1, 2, 3].map((n) => mutex.run(async () => { log.push("<" + n); await null; if (n === i % 4) throw new Error("x"); log.push(n + ">"); }).catch((e) => log.push(e.message)))); return log.join(); },
  async sharedCache(i) { if (cache.size > 15) cache.clear(); const [a, b] = await Promise.all([slow("k" + i % 20), slow("k" + i % 20)]); return (a === b) + look(a) + cache.size; },
  async backgroundLoops(i) { emitter.fire(i % 10); await null; await null; return background.join() + emitter.waiters.size; },
  async jobOrder(i) { const log = []; await order(log); await null; await null; await null; return log.join(); },
  async jobOrderFixed(i) { thenable.fixed = i % 2 ? undefined : { then(r) { r(); } }; const log = []; await order(log); for (let k = 0; k < 5; k++) await null; return log.join(); },
  async combinators(i) { const p = (v, n) => (async () => { for (let k = 0; k < n; k++) await null; if (v % 3 === 0) throw v; return v; })(); return look([await Promise.allSettled([p(i, 1), p(i + 1, 2)]), await Promise.race([p(1, 3), p(2, 1)]), await Promise.any([p(3, 0), p(i * 3 + 1, 2)]), await Promise.all([p(3, 1)]).catch((e) => "all " + e)]); },
  async anyFails(i) { return Promise.any([Promise.reject(i), Promise.reject(new Error("b"))]).catch((e) => e.name + e.errors.length + e.errors[0]); },
  async finallyChain(i) { const log = []; const r = await Promise.resolve(i).finally(() => { log.push("f"); return 9; }).finally(() => i % 2 ? Promise.reject(new Error("ff")) : 1).catch((e) => e.message); return r + log.join(); },
  async lateHandler(i) { const p = Promise.reject(new Error("late" + i)); p.catch(() => { }); lateHandlers.push(p); if (lateHandlers.length > 5) lateHandlers.shift(); return (await Promise.allSettled(lateHandlers)).map((s) => s.reason.message.slice(0, 4)).join(); },
  async awaitInFinally(i) { const f = async () => { try { if (i % 2) throw new Error("e"); return "r"; } catch (e) { await null; return "c"; } finally { await null; trail.push("fin" + i); trim(); } }; return await f() + trail.at(-1); },
  async closuresAcrossAwait(i) { let n = i; const f = async () => { const before = n; await null; n++; return [before, n]; }; return look(await Promise.all([f(), f(), f()])); },
  async argumentsAcrossAwait(i) { async function f(a, b) { const x = arguments; await null; a = 5; return look(x) + a + b; } return f(i, { i }); },
  async manyPromises(i) { const all = await Promise.all(Array.from({ length: 60 }, (_, k) => Promise.resolve(k).then((v) => v * i))); return all.reduce((a, b) => (a + b) % 10007, 0); },
  async asyncIteratorProtocol(i) { const it = { n: 0, [Symbol.asyncIterator]() { return this; }, async next() { return { done: this.n >= 3, value: this.n++ }; }, async return() { trail.push("ret"); trim(); return {}; } }; for await (const v of it) if (v === i % 3) break; return it.n + trail.at(-1); },
  async arrayFromAsync(i) { return look(await Array.fromAsync([i, Promise.resolve(2)], async (x) => x * 2)); },
  async errorsThroughAwait(i) { const a = async () => { await null; throw new RangeError("deep" + i); }; const b = async () => { await a(); }; try { await b(); } catch (e) { return e.name + e.message + e.stack.split("\n")[0]; } },
  async patchThen(i) { const old = Promise.prototype.then; let n = 0; Promise.prototype.then = function (...a) { n++; return old.apply(this, a); }; const p = Promise.resolve(1).then((x) => x).finally(() => { }); Promise.prototype.then = old; return await p + ":" + n; },
  async timers(i) { const log = []; const t = later(5).then(() => log.push("t1")); log.push("sync"); await t; await later(1); log.push("t2"); return log.join(); },
  async tryStatic(i) { return Promise.try ? look(await Promise.try((x) => x + 1, i)) + await Promise.try(() => { throw new Error("s"); }).catch((e) => e.message) : "none"; },
  async disposal(i) { if (typeof DisposableStack !== "function") return "none"; const log = []; const s = new DisposableStack(); s.defer(() => log.push("d" + i)); s.adopt(1, (v) => log.push(v)); s.dispose(); return log.join() + s.disposed; },
};
function thenable2(i) { return { then(ok) { ok("t" + i); } }; }
