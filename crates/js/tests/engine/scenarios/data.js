// JSON, errors with their stacks, iterator helpers and structured odds and ends.
import { look, attempt } from "script:look.js";

const doc = JSON.parse('{"users":[{"id":1,"tags":["a","b"],"at":null},{"id":2,"tags":[],"nested":{"deep":[[[1]]]}}],"n":1e3,"s":"\\u00e9\\n"}');
const withToJson = { v: 1, toJSON(k) { return { k, v: this.v }; } }, circular = { name: "c" }; circular.self = circular;
const replacerLog = []; const big = { toString: () => "b" };
const error = new TypeError("kept", { cause: { code: 1 } }), aggregate = new AggregateError([error, new RangeError("r")], "many"), plain = { name: "Plain", message: "not an error" };
class HttpError extends Error { constructor(s, m) { super(m); this.status = s; } get name() { return "HttpError" + this.status; } }
const http = new HttpError(404, "gone"); const errors = [error, http];
function thrower(n) { if (n > 0) return thrower(n - 1); throw errors.next ?? new Error("depth"); }
const keptStack = attempt(() => thrower(3)); 
const source = { from: 0, *[Symbol.iterator]() { for (let k = this.from; ; k++) yield k; } };
let pipe = Iterator.from(source).filter((x) => x % 3).map((x) => x * x);
let taken = Iterator.from([1, 2, 3, 4, 5, 6]).drop(1).take(4), flat = [[1, 2], [3], []].values().flatMap((x) => x);
const manual = { n: 0, next() { return { done: this.n > 5, value: this.n++ }; }, return() { this.closed = (this.closed ?? 0) + 1; return {}; }, [Symbol.iterator]() { return this; } };
const wrapped = Iterator.from({ n: 0, next() { return { done: false, value: this.n++ }; } });
class Range extends Iterator { #at; #to; constructor(a, b) { super(); this.#at = a; this.#to = b; } next() { return this.#at < this.#to ? { value: this.#at++, done: false } : { value: undefined, done: true }; } }
let range = new Range(0, 30);
const store = { version: 0, items: new Map() };

export const scenarios = {
  jsonMutate(i) { doc.users[i % doc.users.length].tags.push("t" + i % 4); doc.users.push({ id: i, tags: [] }); if (doc.users.length > 12) doc.users.splice(1, 9); doc["k" + i % 5] = { i }; delete doc["k" + (i * 2) % 5]; return JSON.stringify(doc); },
  jsonRoundTrip(i) { const copy = JSON.parse(JSON.stringify(doc)); copy.users[0].id = i; store.items.set("copy", copy); return (JSON.stringify(copy) === JSON.stringify(doc)) + look(copy.users[0]); },
  jsonReviver(i) { return look(JSON.parse(`{"a":[1,{"b":${i}}],"c":"x"}`, function (k, v) { return k === "c" ? undefined : typeof v === "number" ? v + 1 : Array.isArray(v) ? [...v, k] : v; })); },
  jsonReplacer(i) { replacerLog.length = 0; const s = JSON.stringify(doc, (k, v) => { replacerLog.push(k); return k === "tags" ? v.length + i : v; }); return s + replacerLog.length + JSON.stringify(doc, ["n", "s"]); },
  jsonIndent(i) { return JSON.stringify({ a: [1, { b: i }], e: [], o: {} }, null, i % 12) + JSON.stringify([[i]], null, "--"); },
  jsonToJson(i) { withToJson.v = i; return JSON.stringify({ x: withToJson, l: [withToJson], d: new Date(i) }) + JSON.stringify("\ud800\u2028\"") + JSON.stringify({ u: undefined, f() { }, s: Symbol("q"), n: NaN, l: [undefined, () => 1] }); },
  jsonErrors(i) { return ["{", "[1,]", "01", '"\n"', "{'a':1}", `{"a":${i}}x`, "", "nul"].map((s) => attempt(() => JSON.parse(s))).join() + attempt(() => JSON.stringify(circular)) + attempt(() => JSON.stringify(1n)); },
  jsonDuplicateProto(i) { const o = JSON.parse(`{"a":1,"a":${i},"__proto__":{"p":1},"1":"n","0":"m"}`); return look(o) + Object.hasOwn(o, "__proto__") + (o.p ?? "none"); },
  jsonBoxed(i) { return JSON.stringify([new Number(i), new String("s"), new Boolean(false), Object(Symbol()), new Map([[1, 2]]), new Uint8Array([i])]); },
  jsonDeep(i) { let s = String(i); for (let d = 0; d < 100 + i % 50; d++) s = d % 2 ? `[${s}]` : `{"d":${s}}`; return JSON.stringify(JSON.parse(s)).length + ":" + (JSON.stringify(JSON.parse(s)) === s); },
  errorMutate(i) { error.message = "m" + i; error["p" + i % 4] = i; error.cause = { code: i, prior: i % 5 ? null : http }; return String(error) + look(error.cause) + Object.keys(error).join(); },
  errorStack(i) { try { thrower(i % 5); } catch (e) { return e.stack.split("\n").length + e.stack.split("\n")[0] + e.stack.split("\n")[1]?.trim(); } },
  errorRethrow(i) { errors.next = errors[i % 2]; let r; try { try { thrower(1); } finally { errors.next = undefined; } } catch (e) { r = e === errors[i % 2]; } return r + keptStack; },
  errorSubclass(i) { http.status = i; http.message = "s" + i; return `${http}` + (http instanceof HttpError) + Object.prototype.toString.call(http) + look(Object.keys(http)); },
  aggregateErrors(i) { aggregate.errors.push(new Error("e" + i)); if (aggregate.errors.length > 8) aggregate.errors.length = 2; return aggregate.errors.map((e) => e.name + e.message).join() + aggregate.message; },
  errorKinds(i) { return [() => null.x, () => undefinedName, () => (void 0)(), () => { const c = 1; c = i; }, () => new Array(-1), () => decodeURI("%"), () => ({}).x.y, () => [].reduce(() => 1), () => { let t = t1; let t1; }, () => Symbol() + "", () => new (class { #p; static r(o) { return o.#p; } }).constructor.r({})].map(attempt).join("\n"); },
  errorLike(i) { plain.message = i; try { throw plain; } catch ({ name, message, ...rest }) { return name + message + look(rest); } },
  errorStackWritable(i) { const e = new Error("w"); e.stack = "S" + i; Error.stackTraceLimit; return e.stack + look(Object.getOwnPropertyNames(e)) + Error.isError?.(e) + Error.isError?.(plain); },
  errorPrototypePatched(i) { const old = Error.prototype.toString; Error.prototype.toString = () => "patched" + i; const r = String(new RangeError("x")); Error.prototype.toString = old; TypeError.prototype.name = "Renamed"; const s = attempt(() => null.f); TypeError.prototype.name = "TypeError"; return r + s; },
  captureStack(i) { const o = {}; if (Error.captureStackTrace) Error.captureStackTrace(o); return typeof o.stack + (o.stack ?? "").split("\n").length; },
  iteratorPipe(i) { if (i % 40 === 0) { source.from = i; pipe = Iterator.from(source).filter((x) => x % 3).map((x) => x * x); } return look(pipe.next()); },
  iteratorTaken(i) { const r = taken.next(); if (r.done) taken = Iterator.from([i, 2, 3, 4, 5]).drop(i % 3).take(2); return look(r); },
  iteratorFlat(i) { const r = flat.next(); if (r.done) flat = [[i, 2], new Set([3]), []].values().flatMap((x) => x); return look(r); },
  iteratorClosing(i) { if (manual.n > 5) manual.n = 0; for (const v of manual) if (v > i % 4) break; const [a] = manual; return manual.n + ":" + manual.closed + a; },
  iteratorWrapped(i) { return wrapped.next().value + ":" + wrapped.take(2).toArray().join() + (wrapped instanceof Iterator); },
  iteratorSubclass(i) { const r = range.map((x) => x * i).filter((x) => x % 2 === 0).take(2).toArray(); if (range.next().done) range = new Range(i, i + 20); return look(r); },
  iteratorReducers(i) { const a = [1, 2, 3, i]; return [a.values().reduce((x, y) => x + y), a.values().some((x) => x > 2), a.values().every(Number.isInteger), a.values().find((x) => x === i), Math.max(...a.values().map((x) => -x))].join(); },
  iteratorMistakes(i) { return attempt(() => [1].values().map(i)) + attempt(() => [1].values().take(-1)) + attempt(() => Iterator.from(i)) + attempt(() => new Iterator()) + attempt(() => [1].values().flatMap(() => 1).next()); },
  iteratorPatched(i) { const P = Object.getPrototypeOf([].values()); const old = P.next; let n = 0; P.next = function () { n++; return old.call(this); }; const r = [...[1, 2, 3]].length; P.next = old; return r + ":" + n; },
  storeVersions(i) { store.version++; store.items.set("v" + i % 15, { version: store.version, prior: store.items.get("v" + (i + 1) % 15)?.version }); return look([...store.items.values()].at(-1)); },
  iteratorConcatZip(i) { return (Iterator.concat ? look(Iterator.concat([1], new Set([i])).toArray()) : "") + (Iterator.zip ? look(Iterator.zip([[1, 2], [i]], { mode: "longest" }).toArray()) : ""); },
};
