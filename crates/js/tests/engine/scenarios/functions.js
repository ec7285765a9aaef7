// Closures, bindings, generators and arguments that were alive when the base froze.
import { look, attempt } from "script:look.js";

let shared = 0; const readers = []; for (let k = 0; k < 6; k++) readers.push({ get: () => k + ":" + shared, set: (v) => { shared = v; k = v % 9; } });
var loose = "loose"; const memo = new Map();
const fib = (n) => n < 2 ? n : memo.get(n) ?? (memo.set(n, fib(n - 1) + fib(n - 2)), memo.get(n));
const counter = (() => { let n = 0; return { up: () => ++n, down: () => --n, reset: (v) => { n = v; }, nested: () => () => () => n++ }; })();
const compose = (...fs) => (x) => fs.reduceRight((v, f) => f(v), x);
let pipeline = compose((x) => x + 1, (x) => x * 2);
function mapped(a, b) { arguments[0] = a + 1; b = 9; return [a, arguments[1], arguments.length, ...arguments]; }
const keptArguments = (function (a, b) { return { args: arguments, read: () => [a, b], write: (v) => { a = v; } }; })(1, 2, 3);
const strictArguments = (function (a) { "use strict"; a = 5; return arguments; })(1, 2);
const curried = (a) => (b) => (c) => [a, b, c].join("");
let half = curried("x")("y");
const tagged = (s, ...v) => { tagged.seen ??= new WeakSet(); const had = tagged.seen.has(s); tagged.seen.add(s); return s.raw.join("|") + v.join() + had; };
const here = (v) => tagged`a\n${v}b${v}`;
const defaults = (a = shared, { b = a + 1, ...c } = {}, [d = b] = []) => [a, b, d, Object.keys(c)].join();
function* walker(tree) { if (!tree) return 0; const l = yield* walker(tree.l); yield tree.v; const r = yield* walker(tree.r); return l + r + 1; }
const tree = { v: 4, l: { v: 2, l: { v: 1 }, r: { v: 3 } }, r: { v: 6 } };
let walking = walker(tree); walking.next();
function* guarded() { let n = 0; try { for (;;) { try { n += (yield n) ?? 1; } catch (e) { n = -n; yield "caught " + e; } } } finally { cleanups.push(n); if (cleanups.length > 9) cleanups.length = 0; } }
const cleanups = []; let guard = guarded(); guard.next();
const delegated = (function* () { const got = yield* [1, 2]; for (;;) { try { yield* inner(); } catch (e) { yield "outer " + e; } } })();
function* inner() { let v = 0; for (;;) { v = yield { v, kept: [v] }; if (v === 3) throw new Error("three"); if (v === 5) return; } }
const recursive = function me(n) { return n ? [n, me(n - 1)] : me.tag ?? "end"; };
const scopes = []; for (let k = 0; k < 5; k++) { let inside = { k }; scopes.push({ inc: () => inside.k++, swap: (o) => { const was = inside; inside = o; return was; } }); }
const evil = (function () { var secret = 10; return { get: () => secret, run: (s) => eval(s) }; })();
const lateBound = { f() { return typeof defined === "function" ? defined() : "no"; } };
const once = (f) => { let done = false, r; return (...a) => done ? r : (done = true, r = f(...a)); };
let first = once((v) => ({ v }));
function selfReplacing(v) { selfReplacing = (w) => "second " + w; return "first " + v; }
const dynamic = new Function("a", "b", "return a + b + (this === undefined)");
const events = { handlers: {}, on(n, f) { (this.handlers[n] ??= []).push(f); return () => { const a = this.handlers[n]; a.splice(a.indexOf(f), 1); }; }, emit(n, v) { return (this.handlers[n] ?? []).map((f) => f(v)).join(); } };
events.on("e", (v) => "base" + v);
const offs = [];

export const scenarios = {
  sharedVariable(i) { readers[i % 6].set(i); return readers.map((r) => r.get()).join(); },
  loopVariables(i) { const r = readers.shift(); readers.push(i % 7 ? r : { get: () => "y" + i, set: () => { } }); return readers[0].get() + loose + (loose = "l" + i % 3); },
  memoMap(i) { if (memo.size > 60) memo.clear(); return fib(i % 40) + ":" + memo.size; },
  counters(i) { counter.up(); if (i % 3 === 0) counter.down(); if (i % 50 === 0) counter.reset(i); return counter.nested()()() + ":" + counter.up(); },
  compose(i) { if (i % 9 === 0) pipeline = compose(); const old = pipeline; pipeline = compose((x) => (x + i) % 1009, old); return pipeline(i); },
  mappedArguments(i) { return look(mapped(i, i, i)) + look(mapped(i)) + look((function (a) { arguments.length = 1; a = 3; delete arguments[0]; a = 4; return arguments; })(1, 2)); },
  keptArguments(i) { keptArguments.write(i); keptArguments.args[1] = { i }; if (i % 11 === 0) keptArguments.args.length = i % 5; return look(keptArguments.args) + look(keptArguments.read()); },
  strictArguments(i) { strictArguments[i % 4] = i; return look(strictArguments) + attempt(() => strictArguments.callee); },
  curried(i) { const r = half("z" + i); half = curried(i)(r.length); return r; },
  taggedTemplate(i) { return here(i) + tagged`fixed${i}` + (i % 20 === 0 ? String(tagged.seen = new WeakSet()) : ""); },
  defaultParameters(i) { return defaults() + defaults(i) + defaults(i, { b: i, q: 1, z: 2 }, [i]) + attempt(() => ((a = b, b) => a)()); },
  treeWalk(i) { let s = walking.next(); if (s.done) { walking = walker(tree); tree.r.v = i; tree.l.r = i % 2 ? { v: i } : null; } return look(s); },
  guardedGenerator(i) { const r = i % 13 === 0 ? guard.return("r" + i) : i % 5 === 0 ? guard.throw(new Error("e" + i)) : guard.next(i); if (r.done) { guard = guarded(); guard.next(); } return look(r) + cleanups.length; },
  delegatedGenerator(i) { return look(delegated.next(i % 7)); },
  generatorInClosure(i) { const g = (function* () { let a = yield () => a; yield () => a++; })(); const f = g.next().value; g.next(i); return attempt(f) + g.next().done + attempt(f); },
  generatorRunning(i) { const g = (function* () { yield attempt(() => g.next()); })(); return g.next().value; },
  spreadGenerator(i) { const g = function* (n) { for (let k = 0; k < n; k++) yield k * i % 7; }; return look([...g(i % 9)]) + Math.max(...g(5)) + new Set(g(20)).size; },
  destructureGenerator(i) { let closed = 0; const g = (function* () { try { yield 1; yield 2; yield 3; } finally { closed = i; } })(); const [a, b] = g; return a + b + ":" + closed; },
  recursiveName(i) { recursive.tag = i % 3 ? "t" + i : undefined; return look(recursive(3), 6); },
  scopeSwap(i) { const s = scopes[i % 5]; s.inc(); const was = s.swap({ k: i }); return look(was) + scopes.map((x) => x.inc()).join(); },
  directEval(i) { const had = evil.get(); evil.run("secret = " + i + "; var fresh = 1"); return had + ":" + evil.get() + evil.run("typeof fresh + typeof secret"); },
  indirectEval(i) { (0, eval)("var defined" + (i % 2 ? "" : "X") + " = () => " + i); const r = lateBound.f() + typeof definedX; if (i % 5 === 0) { delete globalThis.defined; delete globalThis.definedX; } return r; },
  newFunction(i) { const f = new Function("x", "return x * " + i + " + (typeof shared)"); lateBound["f" + i % 6] = f; return f(2) + dynamic(1, i) + f.name + f; },
  once(i) { const r = first(i); if (i % 15 === 0) first = once((v) => ({ v })); return look(r); },
  selfReplacing(i) { const r = selfReplacing(i); return r + selfReplacing.name.length; },
  eventHandlers(i) { offs.push(events.on("e", (v) => v + i)); if (offs.length > 4) offs.shift()(); if (i % 23 === 0) events.handlers = { e: [] }, offs.length = 0; return events.emit("e", i % 10); },
  callApplyBind(i) { const f = function (...a) { return [this?.t, ...a].join(); }; const g = f.bind({ t: i }, 1); g.own = i; return f.call({ t: 1 }, 2) + f.apply(null, [i]) + g(2) + g.name + g.bind(null, 3)(4) + new (f.bind(null))().constructor.name; },
  functionProperties(i) { fib["p" + i % 5] = i; Object.defineProperty(curried, "name", { value: "cur" + i, configurable: true }); delete compose.name; return look(Object.keys(fib)) + curried.name + compose.name + fib.length; },
  functionPrototype(i) { Function.prototype.extra = function () { return this.length + i; }; const r = fib.extra() + mapped.extra(); delete Function.prototype.extra; return r + typeof fib.extra; },
  iife(i) { return ((a, f = () => a) => { var a; const before = a; a = 2; return [before, a, f()].join(); })(i); },
  labelsAndSwitch(i) { let out = ""; outer: for (let a = 0; a < 4; a++) { for (let b = 0; b < 4; b++) { if ((a + b + i) % 5 === 0) continue outer; if (a * b > 4) break outer; switch ((a + i) % 3) { case 0: out += "x"; case 1: out += b; break; default: out += "."; } } } return out; },
  finallyOrder(i) { const f = () => { try { if (i % 2) throw i; return "try"; } catch (e) { return "catch" + e; } finally { shared++; if (i % 3 === 0) return "finally"; } }; return f() + shared; },
};
