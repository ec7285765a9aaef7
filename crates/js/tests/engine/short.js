// Short ways of requests, each with its neighbours that must not take them: arrays taken apart, plain data as JSON,
// promises that wait for promises, private fields, closures. What begin() starts is done when run() is called; a line of the
// answer is one case; short.txt has V8's.
const all = [];
const say = (f) => { try { all.push(String(f())); } catch (e) { all.push(e.name + ': ' + e.message); } };

function arrays() {
  say(() => { const [a, b = 7, ...c] = [1, undefined, 3, 4]; return [a, b, c.length, c]; });
  say(() => { const [a, , b] = [1, 2]; return a + String(b); });
  say(() => { const a = [1, 2, 3]; const [x, ...rest] = a; rest.push(9); return a + '|' + rest + x; });
  say(() => { const [[a, [b]], { c: [d] }] = [[1, [2]], { c: [3] }]; return [a, b, d]; });
  say(() => { let a = 1, b = 2; [a, b] = [b, a]; return [a, b]; });
  say(() => { const a = [1, , 3]; const [x, y, z] = a; return [x, String(y), z]; });
  say(() => { const seen = []; for (const [k, v] of [['a', 1], ['b', 2]]) { if (v === 2) break; seen.push(k, v); } return seen; });
  say(() => { for (const x of [1, 2]) { throw new Error('x' + x); } });
  say(() => { const out = []; for (const x of [1, 2, 3]) { for (const y of [4, 5]) { if (y === 5) continue; out.push(x * y); } } return out; });
  say(() => { const own = Object.assign([1, 2], { [Symbol.iterator]: function* () { yield 'own'; } }); const [x] = own; return x; });
  say(() => { class A extends Array {} const [x, y] = A.of(5, 6); return [x, y]; });
  say(() => { const [x] = new Set([8]); const [y] = 'é'; const [z] = new Uint8Array([3]); return [x, y, z]; });
  say(() => { const [x] = null; });
  say(() => { const a = [1, 2]; const it = a[Symbol.iterator](); it.return = () => { all.push('return'); return {}; }; for (const x of it) break; return 'end'; });
}

// What a script changes is seen by its own code from then on.
function changedArrays() {
  const iterator = Array.prototype[Symbol.iterator];
  const iteratorProto = Object.getPrototypeOf([][Symbol.iterator]());
  const next = iteratorProto.next;
  Object.prototype.return = function () { all.push('Object.prototype.return'); return {}; };
  say(() => { const [a] = [1, 2]; return a; });
  say(() => { for (const x of [1, 2]) if (x === 1) break; return 'broken off'; });
  say(() => { const [a, b, c] = [1, 2]; return [a, b, String(c)]; });
  delete Object.prototype.return;
  iteratorProto.return = () => { all.push('return'); return {}; };
  say(() => { const [a] = [1, 2]; return a; });
  delete iteratorProto.return;
  let asked = 0;
  iteratorProto.next = function () { asked++; return next.call(this); };
  say(() => { const [a, b] = [1, 2]; return [a, b, asked]; });
  iteratorProto.next = next;
  Array.prototype[Symbol.iterator] = function* () { yield 'other'; };
  say(() => { const [a, b] = [1, 2]; return [a, String(b)]; });
  Array.prototype[Symbol.iterator] = iterator;
  say(() => { const [a, b] = [1, 2]; return [a, b]; });
}

function json() {
  const text = JSON.stringify;
  class Point { constructor() { this.x = 1; } }
  class WithJson { toJSON(key) { return 'as ' + key; } }
  const rope = 'r'.repeat(9000) + 'o'.repeat(9000);
  say(() => text({ a: 1, b: [1, 2.5, -0, NaN, Infinity, 1e21, 1e-7], c: null, d: true, e: 'x"\\\n\u2028é\ud800', f: undefined, g() {}, h: Symbol('s') }));
  say(() => text([undefined, () => 1, Symbol('s'), [], {}, [[]], { a: {} }]));
  say(() => text({ b: 1, 2: 'two', a: 3, 1: 'one' }));
  say(() => text({ a: new Point(), b: new Date(0), c: new Number(5), d: new String('s'), e: new Boolean(false), f: /x/, g: new Map([[1, 2]]) }));
  say(() => text({ a: new WithJson(), b: [new WithJson()], c: { toJSON: () => 'own' }, d: { toJSON: 5 } }));
  say(() => text(Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true }, hidden: { value: 3 } })));
  say(() => text(Object.assign(Object.create(null), { a: 1 })));
  say(() => text({ get a() { return [this.b]; }, b: 2 }));
  say(() => text({ a: 1n }));
  say(() => { const o = { a: [{}] }; o.a[0].o = o; return text(o); });
  say(() => { let o = {}; for (let i = 0; i < 100; i++) o = i % 2 ? [o] : { o }; return text(o).length; });
  say(() => text({ rope, more: [rope + '"'] }).length);
  say(() => text(Object.assign([1, 2], { extra: 3 })) + text([1, , 3]) + text(new Array(2)));
  say(() => { const o = { a: 1, b: 2, c: 3 }; delete o.a; o.a = 4; return text(o); });
  say(() => { const same = { s: 1 }; return text([same, same, { same }]); });
  say(() => text(new Proxy({ a: 1 }, {})) + text(new Proxy([1], {})) + text(Object.freeze({ f: Object.freeze([1]) })));
  say(() => [text(), text(undefined), text(null), text('t'), text(() => 1), text(5), text(NaN)]);
  say(() => text({ a: [1, { b: 2 }] }, null, 1) + text({ a: 1, b: 2 }, ['b']) + text({ a: 1 }, (k, v) => (k === 'a' ? [v] : v)));
  say(() => text({ Symbol: 1, [Symbol.iterator]: 2, __proto__: null, ['__proto__']: 3, '': 4 }));
  Array.prototype.toJSON = function () { return 'array ' + this.length; };
  say(() => text({ a: [1, 2] }) + text([1]));
  delete Array.prototype.toJSON;
  Object.prototype.toJSON = function () { return Array.isArray(this) ? 'array' : 'object'; };
  say(() => text({ a: 1 }) + text([1]) + text(Object.create(null)));
  delete Object.prototype.toJSON;
  say(() => text({ a: [1] }));
}

class Fields {
  #a = 1;
  #b;
  constructor(b) { this.#b = b; }
  sum() { return this.#a + this.#b; }
  set(value) { this.#a = value; return this.#b = value; }
  add(value) { this.#a += value; this.#b++; return this.sum(); }
  static read(other) { return other.#a; }
  static write(other) { other.#b = 5; }
  static has(other) { return #a in other; }
  swap() { [this.#a, this.#b] = [this.#b, this.#a]; return [this.#a, this.#b]; }
  object() { this.#a = { n: 1 }; this.#a.n = this.#b; return this.#a.n; }
}

function privates() {
  const f = new Fields(2);
  say(() => [f.sum(), f.set(5), f.sum(), f.add(2), f.swap(), f.object()]);
  say(() => Fields.read({}));
  say(() => Fields.write({}));
  say(() => Fields.write(5));
  say(() => Fields.read(new Proxy(new Fields(1), {})));
  say(() => [Fields.has(f), Fields.has({}), Fields.has(new Proxy(f, {}))]);
  say(() => { const g = Object.freeze(new Fields(1)); g.set(8); return g.sum(); });
  say(() => { class Derived extends Fields { #c = 3; sum() { return super.sum() + this.#c; } } return new Derived(4).sum(); });
  say(() => { const values = [null, undefined, 0, '', NaN, false, {}]; return values.map((v) => [v !== null, v !== undefined, v === null, v === undefined].map(Number).join('')); });
  say(() => { let x = null; while (x !== null) x = null; if (x !== undefined && x === null) return x !== null ? 1 : 2; });
}

function closures() {
  say(() => { const a = () => 1, b = function () {}, c = async () => 1, d = function* () {}, e = class {}; return [a, b, c, d, e].map((f) => f.name + f.length); });
  say(() => { class A { x = (p, q) => 1; static y = () => 1; #z = (r) => 1; z() { return this.#z; } } return [new A().x.name, new A().x.length, A.y.name, new A().z().name]; });
  say(() => { const s = Symbol('sym'); const o = { [s]: () => 1, 5: () => 1, ['com' + 'puted']: () => 1, plain: (a, b = 1, c) => 1, async am() {}, get g() { return 1; } }; return [o[s].name, o[5].name, o.computed.name, o.plain.length, o.am.name, Object.getOwnPropertyDescriptor(o, 'g').get.name]; });
  say(() => { const f = () => 1; return JSON.stringify(Object.getOwnPropertyDescriptors(f)) + Object.getOwnPropertyNames(function () {}); });
  say(() => { const f = () => 1; f.extra = 2; Object.defineProperty(f, 'name', { value: 'other' }); const g = () => 1; return [f.name, f.extra, g.name, String(g.extra), delete g.name, g.name === '']; });
  say(() => { const [a = () => 1, { b = function () {} } = {}] = []; return [a.name, b.name]; });
  say(() => { const make = (n) => () => n++; const one = make(1), two = make(5); return [one(), one(), two(), one(), two()]; });
  say(() => { const f = () => 1; return [typeof f.prototype, 'prototype' in function () {}, new (function () { this.a = 1; })().a]; });
}

const order = [];
const tick = (name, n) => { let p = Promise.resolve(); for (let i = 1; i <= n; i++) p = p.then(() => order.push(name + i)); };
class Other extends Promise {}

async function waits() {
  const log = (name) => (value) => order.push(name + ':' + value);
  const failed = (name) => (e) => order.push(name + '!' + (e instanceof Error ? e.message : e));
  tick('t', 8);
  (async () => Promise.resolve('nested'))().then(log('async of promise'));
  (async () => 'value')().then(log('async of value'));
  (async () => { throw new Error('thrown'); })().catch(failed('async'));
  (async () => Promise.reject(new Error('rejected')))().catch(failed('async of rejected'));
  (async () => ({ then(resolve) { order.push('then called'); resolve('thenable'); } }))().then(log('async of thenable'));
  (async () => new Other((resolve) => resolve('subclass')))().then(log('async of subclass'));
  (async () => { const p = Promise.resolve('own'); p.then = (f) => { order.push('own then'); f('mine'); }; return p; })().then(log('async of own then'));
  (async () => { const p = Promise.resolve('ctor'); p.constructor = Other; return p; })().then(log('async of own constructor'));
  const self = (async () => { await null; return self; })();
  self.catch(failed('self'));
  new Promise((resolve) => resolve(Promise.resolve('in'))).then(log('promise of promise'));
  new Promise((resolve, reject) => { resolve(1); reject(new Error('late')); resolve(2); }).then(log('once'));
  Promise.reject(new Error('r')).then(log('no'), failed('yes')).then(log('after'));
  try { await Promise.reject(new Error('awaited')); } catch (e) { order.push('caught ' + e.message); }
  order.push(await { then: (f) => f('await of thenable') });
  order.push(await (async () => { await null; return (async () => { await null; return 'deep'; })(); })());
  try { await (async () => { try { await null; throw new Error('inner'); } finally { order.push('finally'); } })(); } catch (e) { order.push(e.message); }
  for await (const x of [Promise.resolve(1), 2]) order.push('for await ' + x);
  order.push(await Promise.all([1, (async () => 2)(), Promise.resolve(3)]));
  order.push((await Promise.allSettled([Promise.reject(1), 2])).map((s) => s.status));
  order.push(await Promise.race([new Promise(() => {}), (async () => 'first')()]));
  const gen = (async function* () { try { yield 1; yield Promise.resolve(2); } finally { order.push('generator done'); } })();
  order.push((await gen.next()).value, (await gen.next()).value, (await gen.return('r')).value);
  const before = Promise.prototype.then;
  let thens = 0;
  Promise.prototype.then = function (...args) { thens++; return before.apply(this, args); };
  const patched = await (async () => (async () => 'patched')())();
  Promise.prototype.then = before;
  order.push(patched + ' ' + thens);
}

export function begin() {
  arrays();
  json();
  privates();
  closures();
  waits().then(() => order.push('end'), (e) => order.push('broken: ' + e.message));
  return '';
}

export function run() {
  changedArrays();
  return [...all, ...order].join('\n');
}
