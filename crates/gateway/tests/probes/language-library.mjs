// The standard library: iterators, promises, collections, objects, numbers, errors, and what is not there.

import { tries } from './show.mjs';

const present = (path) => {
  let at = globalThis;
  for (const name of path.split('.')) at = at?.[name];
  return typeof at === 'function' ? `function/${at.length} ${at.name}` : typeof at;
};

// Every own name of a built-in, with how it is there.
function shape(object) {
  return Reflect.ownKeys(object).map((key) => {
    const d = Object.getOwnPropertyDescriptor(object, key);
    const how = `${d.writable ? 'w' : ''}${d.enumerable ? 'e' : ''}${d.configurable ? 'c' : ''}`;
    const what = d.get || d.set ? 'accessor' : typeof d.value === 'function' ? `${d.value.name}/${d.value.length}` : typeof d.value;
    return `${String(key)} ${what} ${how}`;
  }).sort();
}

const parsed = (...texts) => texts.map((text) => Date.parse(text));

const BUILT_INS = [
  'AggregateError', 'Array', 'Array.prototype', 'ArrayBuffer', 'ArrayBuffer.prototype', 'AsyncDisposableStack',
  'AsyncDisposableStack.prototype', 'Atomics', 'BigInt', 'BigInt.prototype', 'Boolean.prototype', 'DataView.prototype', 'Date',
  'Date.prototype', 'DisposableStack', 'DisposableStack.prototype', 'Error', 'Error.prototype',
  'FinalizationRegistry.prototype', 'Float16Array', 'Function.prototype', 'Iterator', 'Iterator.prototype', 'JSON', 'Map',
  'Map.prototype', 'Math', 'Number', 'Number.prototype', 'Object', 'Object.prototype', 'Promise', 'Promise.prototype',
  'Proxy', 'Reflect', 'RegExp', 'RegExp.prototype', 'Set', 'Set.prototype', 'SharedArrayBuffer.prototype', 'String',
  'String.prototype', 'SuppressedError.prototype', 'Symbol', 'Symbol.prototype', 'Uint8Array', 'Uint8Array.prototype',
  'WeakMap.prototype', 'WeakRef.prototype', 'WeakSet.prototype',
];

const shapes = Object.fromEntries(BUILT_INS.map((path) => [`shape: ${path}`, () => {
  let at = globalThis;
  for (const name of path.split('.')) at = at[name];
  return shape(at);
}]));

export const library = {
  ...shapes,
  'shape: typed arrays': () => shape(Object.getPrototypeOf(Uint8Array)).concat(shape(Object.getPrototypeOf(Uint8Array.prototype))),
  'shape: generators': () => shape(Object.getPrototypeOf(function* () {}).prototype),
  'shape: async generators': () => shape(Object.getPrototypeOf(async function* () {}).prototype),
  'shape: async iterators': () => shape(Object.getPrototypeOf(Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype))),
  'library: newer globals': () => ['Temporal', 'ShadowRealm', 'AsyncIterator', 'Float16Array', 'Intl', 'WebAssembly', 'InternalError',
    'escape', 'unescape', 'gc', 'print', 'AsyncContext', 'StructuredClone', 'performance', 'queueMicrotask', 'os', 'std', 'scriptArgs',
    'AsyncFunction', 'GeneratorFunction', 'bjson', 'navigator'].filter((name) => name !== 'Intl' && name !== 'WebAssembly').map((name) => `${name} ${typeof globalThis[name]}`),
  'library: newer functions': () => ['Iterator.concat', 'Iterator.zip', 'Iterator.zipKeyed', 'Iterator.range', 'Promise.try',
    'Promise.withResolvers', 'Promise.allKeyed', 'Array.fromAsync', 'Math.sumPrecise', 'Math.f16round', 'Math.clamp', 'RegExp.escape', 'Error.isError',
    'Error.captureStackTrace', 'JSON.rawJSON', 'JSON.isRawJSON', 'Object.groupBy', 'Map.groupBy', 'Map.prototype.getOrInsert',
    'Map.prototype.getOrInsertComputed', 'WeakMap.prototype.getOrInsert', 'Uint8Array.fromBase64', 'Uint8Array.fromHex',
    'ArrayBuffer.prototype.transferToImmutable', 'Atomics.pause', 'Atomics.waitAsync', 'Iterator.prototype.join', 'Iterator.prototype.includes',
    'Iterator.prototype.chunks', 'Iterator.prototype.windows', 'Symbol.prototype.description', 'Function.prototype.caller',
    'String.prototype.isWellFormed', 'Array.prototype.group', 'Object.prototype.__defineGetter__', 'String.dedent', 'Symbol.metadata'].map((path) => `${path} ${present(path)}`),
  'iterators: helpers': () => Iterator.from([1, 2, 3, 4]).filter((x) => x % 2).map((x, i) => x * 10 + i).take(5).drop(1).toArray(),
  'iterators: flatMap': () => [...[1, 2].values().flatMap((x) => [x, [x]])],
  'iterators: flatMap of a string': () => [1].values().flatMap(() => 'ab').toArray(),
  'iterators: closing': () => { let closed = 0; const it = { __proto__: Iterator.prototype, next: () => ({ value: 1, done: false }), return() { closed++; return {} } }; return [it.take(1).toArray(), closed, it.some((x) => x === 1), closed, it.find((x) => x), closed]; },
  'iterators: bad limits': () => ['take', 'drop'].flatMap((name) => [-1, NaN, 'x', 1.9].map((n) => { try { return [][Symbol.iterator]()[name](n).toArray().length } catch (e) { return e.name } })),
  'iterators: Iterator is abstract': () => { try { return new Iterator() } catch (e) { return e.name } },
  'iterators: subclass': () => { class A extends Iterator { next() { return { done: true } } } return [new A() instanceof Iterator, new A().toArray(), Object.prototype.toString.call(new A())] },
  'iterators: weird toStringTag': () => { const d = Object.getOwnPropertyDescriptor(Iterator.prototype, Symbol.toStringTag); return [typeof d.get, typeof d.set, Iterator.prototype[Symbol.toStringTag]] },
  'iterators: concat': () => Iterator.concat([1], new Set([2]), [].values()).toArray(),
  'iterators: zip': () => [...Iterator.zip([[1, 2], [3]], { mode: 'longest', padding: [0, 9] })],
  'iterators: zip strict': () => { try { return [...Iterator.zip([[1, 2], [3]], { mode: 'strict' })] } catch (e) { return e.name } },
  'iterators: zipKeyed': () => [...Iterator.zipKeyed({ a: [1, 2], b: [3, 4] })].map((o) => [o.a, o.b, Object.getPrototypeOf(o)]),
  'iterators: join and includes': () => [[1, 2].values().join?.('-'), [1, 2].values().includes?.(2), [1, NaN].values().includes?.(NaN)],
  'iterators: map and filter keep this': () => { const it = [1].values().map(function () { return this }); return it.next().value === undefined },
  'promises: try': () => Promise.try((a, b) => a + b, 1, 2),
  'promises: try throws': () => Promise.try(() => { throw new RangeError('tried') }),
  'promises: withResolvers': async () => { const { promise, resolve } = Promise.withResolvers(); resolve(4); return promise },
  'promises: any rejects': () => Promise.any([Promise.reject(1), Promise.reject(2)]).catch((e) => [e.name, e.message, e.errors, Object.keys(e)]),
  'promises: allSettled': () => Promise.allSettled([1, Promise.reject(2), { then(r) { r(3) } }]),
  'promises: order': async () => { const log = []; const t = (n) => log.push(n); Promise.resolve().then(() => t(1)).then(() => t(4)); queueMicrotask(() => t(2)); (async () => { await null; t(3) })(); await new Promise((r) => setTimeout(r, 1)); return log },
  'promises: thenable jobs': async () => { const log = []; const a = (async () => { await { then(r) { log.push('then'); r() } }; log.push('after') })(); Promise.resolve().then(() => log.push(1)).then(() => log.push(2)).then(() => log.push(3)); await a; await 0; await 0; return log },
  'promises: returned promise takes three ticks': async () => { const log = []; const a = Promise.resolve().then(() => Promise.resolve('x')).then((v) => log.push(v)); Promise.resolve().then(() => log.push(1)).then(() => log.push(2)).then(() => log.push(3)).then(() => log.push(4)); await a; await 0; await 0; return log },
  'promises: species': () => { class P extends Promise {} const p = new P(() => {}); return [p.then() instanceof P, P.resolve(1) instanceof P, P[Symbol.species] === P, p.finally(() => {}) instanceof P] },
  'promises: finally passes': () => Promise.resolve(1).finally(() => 2),
  'promises: fromAsync': async () => { async function* g() { yield 1; yield 2 } return [await Array.fromAsync(g(), (x) => x * 2), await Array.fromAsync([Promise.resolve(1), 2]), await Array.fromAsync({ length: 2, 0: Promise.resolve('a') })] },
  'arrays: grouping': () => [Object.groupBy([1, 2, 3], (x) => x % 2 ? 'odd' : 'even').odd, [...Map.groupBy([1, 2, 3], (x) => x % 2)], Object.getPrototypeOf(Object.groupBy([], String))],
  'arrays: copies': () => [[3, 1, 2].toSorted(), [1, 2].toReversed(), [1, 2, 3].toSpliced(1, 1, 'x'), [1, 2].with(-1, 9)],
  'arrays: with out of range': () => { try { return [1].with(5, 1) } catch (e) { return e.name } },
  'arrays: findLast and at': () => [[1, 2, 3].findLast((x) => x < 3), [1, 2, 3].findLastIndex((x) => x > 5), [1, 2].at(-1), 'ab'.at(-1)],
  'arrays: sort is stable': () => Array.from({ length: 600 }, (_, i) => ({ k: i % 3, i })).sort((a, b) => a.k - b.k).every((x, i, all) => !i || all[i - 1].k < x.k || all[i - 1].i < x.i),
  'arrays: sort with holes': () => { const a = [3, , undefined, 1]; a.sort(); return [a.length, 3 in a, a[0], a[1], a[2]] },
  'arrays: sort calls': () => { const calls = []; [3, 1, 2].sort((a, b) => { calls.push([a, b]); return a - b }); return calls },
  'arrays: unscopables': () => Object.keys(Array.prototype[Symbol.unscopables]).sort(),
  'arrays: flat of holes': () => [[1, , [2, , [3]]].flat(), [1, , [2, , [3]]].flat(Infinity)],
  'arrays: length limits': () => [2 ** 32, -1, 1.5, 'x'].map((n) => { try { const a = []; a.length = n; return a.length } catch (e) { return `${e.name}` } }),
  'arrays: species': () => { class A extends Array {} return [new A(1, 2, 3).map((x) => x) instanceof A, A.from([1]) instanceof A, A.of(1).toSorted() instanceof A, new A(3).length] },
  'sets: methods': () => { const a = new Set([1, 2, 3]), b = new Set([3, 4]); return [a.union(b), a.intersection(b), a.difference(b), a.symmetricDifference(b)].map((s) => [...s]).concat([[a.isSubsetOf(b), a.isSupersetOf(new Set([1])), a.isDisjointFrom(new Set([9]))]]) },
  'sets: of something set-like': () => [...new Set([1, 2]).union({ size: 1, has: () => true, keys: () => [5].values() })],
  'sets: of an array': () => { try { return new Set([1]).union([2]) } catch (e) { return e.name } },
  'sets: size is NaN': () => { try { return new Set([1]).union({ size: NaN, has() {}, keys() {} }) } catch (e) { return e.name } },
  'maps: getOrInsert': () => { const m = new Map([[1, 'a']]); return [m.getOrInsert(1, 'b'), m.getOrInsert(2, 'c'), m.getOrInsertComputed(3, (k) => k + 1), [...m]] },
  'maps: order and zero': () => { const m = new Map([[-0, 1], [NaN, 2]]); m.set(NaN, 3); return [...m].map(([k, v]) => [Object.is(k, 0), v]) },
  'maps: changed while walked': () => { const m = new Map([[1, 1], [2, 2]]); const seen = []; for (const [k] of m) { seen.push(k); if (k < 5) m.set(k + 2, 1); m.delete(1) } return seen },
  'weak: symbols as keys': () => { const m = new WeakMap(), s = Symbol('x'); m.set(s, 1); return [m.get(s), (() => { try { m.set(Symbol.for('y'), 1) } catch (e) { return e.name } })(), new WeakRef(s).deref() === s] },
  'weak: refs': () => { const o = {}; return [new WeakRef(o).deref() === o, (() => { try { return new WeakRef(1) } catch (e) { return e.name } })()] },
  'weak: registry': () => { const r = new FinalizationRegistry(() => {}); const t = {}; r.register({}, 1, t); return [r.unregister(t), r.unregister(t), (() => { try { r.register({}, 1, 5) } catch (e) { return e.name } })(), (() => { const o = {}; try { r.register(o, o) } catch (e) { return e.name } })()] },
  'objects: fromEntries and hasOwn': () => [Object.fromEntries(new Map([['a', 1]])), Object.hasOwn({ a: 1 }, 'a'), Object.hasOwn([], 'length')],
  'objects: key order': () => Reflect.ownKeys({ b: 1, 10: 1, [Symbol.iterator]: 1, a: 1, 2: 1, '-1': 1, 4294967295: 1, '01': 1 }).map(String),
  'objects: property on frozen': () => { 'use strict'; try { Object.freeze({ a: 1 }).a = 2 } catch (e) { return e.name } },
  'objects: assign order': () => { const log = []; const o = new Proxy({}, { set: (t, k, v) => (log.push(`set ${String(k)}`), Reflect.set(t, k, v)) }); Object.assign(o, { get b() { log.push('get b'); return 1 }, a: 2 }); return log },
  'objects: toString tags': () => [null, undefined, [], () => {}, new Error(), /x/, new Date(0), (function () { return arguments })(), 1n, Symbol(), new Map(), Promise.resolve(), Math, JSON, Atomics, async () => {}, function* () {}, new Proxy([], {})].map((v) => Object.prototype.toString.call(v)),
  'functions: names': () => { const s = Symbol('d'); const o = { [s]() {}, get x() { return 1 }, ['c' + 1]: () => {}, async *g() {} }; const f = function () {}; return [o[s].name, Object.getOwnPropertyDescriptor(o, 'x').get.name, o.c1.name, o.g.name, f.name, (() => {}).name, f.bind().name, class {}.name, new Function('a', 'return a').name] },
  'functions: toString': () => { class A { #x = 1; static  m ( ) { } } return [String(function  f ( a ) { /* c */ }), String(A.m), String((a)=>a), String(class  B { }), String(Math.max), String(function () {}.bind()), String(Object.getOwnPropertyDescriptor(Map.prototype, 'size').get)] },
  'functions: lengths': () => [((a, b = 1, c) => {}).length, ((...a) => {}).length, (function (a, b) {}).bind(null, 1).length],
  'functions: caller and arguments': () => { 'use strict'; const f = () => {}; try { return f.caller } catch (e) { return e.name } },
  'functions: own keys': () => [Reflect.ownKeys(function f() {}), Reflect.ownKeys(() => {}), Reflect.ownKeys(class A { static x() {} }), Reflect.ownKeys(async () => {}), Reflect.ownKeys({ m() {} }.m), Reflect.ownKeys(function () {}.bind())],
  'json: raw': () => [JSON.stringify({ a: JSON.rawJSON('1e1000') }), JSON.isRawJSON(JSON.rawJSON('1')), Object.isFrozen(JSON.rawJSON('1'))],
  'json: raw refused': () => ['', '{}', ' 1', '[]', '\t1', 'x'].map((t) => { try { return JSON.rawJSON(t).rawJSON } catch (e) { return e.name } }),
  'json: source text': () => { const seen = []; JSON.parse('{"a":1.0,"b":[2e1,"x"],"c":null}', (k, v, c) => { seen.push([k, c?.source]); return v }); return seen },
  'json: well formed': () => [JSON.stringify('\ud800'), JSON.stringify('\u2028'), JSON.stringify({ a: undefined, b: () => {}, c: Symbol(), d: NaN, e: -0 }), JSON.stringify([undefined, () => {}]), JSON.stringify(undefined)],
  'json: indent': () => [JSON.stringify({ a: [1, {}], b: [] }, null, 20), JSON.stringify({ a: 1 }, null, 'abcdefghijklmno'), JSON.stringify({ a: 1, b: { a: 2, c: 3 } }, ['a', 'b', 'b', 1])],
  'json: cyclic': () => { const o = { a: {} }; o.a.o = o; try { JSON.stringify(o) } catch (e) { return e.name } },
  'json: bigint': () => { try { JSON.stringify(1n) } catch (e) { return e.name } },
  'json: bad texts': () => ['', '{', '[1,]', '{"a":1,}', "{'a':1}", '01', '1.', '.5', '+1', '"\t"', '"\\x"', 'nul', '[1] x', '\u00a01', '"\u2028"', '-', '1e', 'NaN', '{"a" 1}', '\ufeff1'].map((t) => { try { return JSON.stringify(JSON.parse(t)) } catch (e) { return e.name } }),
  'json: proto key': () => { const o = JSON.parse('{"__proto__": {"x": 1}, "a": 1, "a": 2}'); return [Object.hasOwn(o, '__proto__'), o.x, o.a, Object.keys(o)] },
  'numbers: sumPrecise': () => [Math.sumPrecise([1e20, 0.1, -1e20]), Object.is(Math.sumPrecise([]), -0), Math.sumPrecise([Infinity]), Math.sumPrecise([0.1, 0.2, 0.3])].map(String),
  'numbers: sumPrecise of others': () => { try { return Math.sumPrecise([1n]) } catch (e) { return e.name } },
  'numbers: f16round': () => [Math.f16round(1.337), Math.f16round(65520), Math.fround(1.337), Math.f16round(5e-8)].map(String),
  'numbers: formatting': () => [(1.005).toFixed(2), (1e21).toFixed(2), (123.456).toPrecision(4), (0.00001).toString(), (1e-7).toString(), (255).toString(36), (0.1).toString(3), (1234.5678).toExponential(2), (-1.5).toFixed(0), (2.5).toFixed(0), (1e21).toString(7), (123.456).toString(2)],
  'numbers: parsing': () => [Number(''), Number('0x1f'), Number('1_0'), Number('  12\n'), Number('1e1000'), parseInt('0x1f'), parseInt('12abc'), parseFloat('.5e1x'), Number('0b2'), Number('٣'), parseInt('9007199254740993'), Number('-0') === 0].map(String),
  'numbers: bad digits': () => [101, -1, 'x'].map((n) => { try { return (1).toFixed(n) } catch (e) { return e.name } }),
  'numbers: math': () => [Math.hypot(3, 4), Math.cbrt(27), Math.clz32(1), Math.imul(0xffffffff, 5), Math.log1p(1e-10), Math.sign(-0), Math.trunc(-1.5), Math.round(-0.5), Math.round(0.49999999999999994), Math.max(), Math.min(NaN, 1), Math.atan2(-0, -1), Math.expm1(1e-10), Math.pow(2, 0.5), Math.sinh(1), Math.acosh(2)].map(String),
  'numbers: hypot and tanh': () => [[], [3, 4], [-3], [1, 2, 3], [NaN, Infinity], [NaN, 1], [0, -0], ['3', 4], [1e200, 1e200], [0.1, 0.7]].map((list) => Math.hypot(...list)).concat([-0, 0.3, -0.7, 1.5, 22, Infinity, 'x'].map((value) => Math.tanh(value)), Math.hypot.length, Math.tanh.length),
  'numbers: last digits of functions': () => ['sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'asinh', 'atanh', 'exp', 'expm1', 'log1p', 'cbrt'].map((name) => [name, ...Array.from({ length: 60 }, (_, at) => Math[name]((at - 30) / 31))]),
  'regexps: escape': () => tries(() => RegExp.escape('a.b-c 1/é😀\n\t,_^'), () => RegExp.escape('\u2028\ud800x'), () => RegExp.escape('9'), () => RegExp.escape(5), () => RegExp.escape(''), () => RegExp.escape.length),
  'numbers: bigint': () => [(2n ** 64n).toString(16), BigInt.asIntN(8, 255n), BigInt.asUintN(8, -1n), -7n / 2n, -7n % 2n, BigInt('0x1f'), BigInt(' 12 '), 5n == 5, 2n > 1, typeof 1n, (123n).toLocaleString('en'), 1n << 70n, -1n >> 5n].map(String),
  'numbers: bigint refused': () => [() => 1n + 1, () => +1n, () => BigInt(1.5), () => BigInt('x'), () => 1n >>> 0n, () => 2n ** -1n, () => 1n / 0n, () => Math.max(1n), () => BigInt(undefined), () => new BigInt(1)].map((f) => { try { return String(f()) } catch (e) { return e.name } }),
  'symbols: registry': () => [Symbol.for('a') === Symbol.for('a'), Symbol.keyFor(Symbol.for('a')), Symbol.keyFor(Symbol.iterator), Symbol('x').description, Symbol().description, String(Symbol('y'))],
  'symbols: coerced': () => [() => `${Symbol()}`, () => Symbol() + '', () => +Symbol(), () => Object(Symbol('q')) == 1, () => new Symbol()].map((f) => { try { return f() } catch (e) { return e.name } }),
  'proxies: traps': () => { const log = []; const h = new Proxy({}, { get: (_, k) => (...a) => (log.push(k), Reflect[k](...a)) }); const p = new Proxy(function () {}, h); p.a; p.a = 1; 'a' in p; delete p.a; Object.keys(p); p(); new p(); Object.getPrototypeOf(p); Object.isExtensible(p); Object.freeze(p); return log },
  'proxies: invariants': () => { const t = Object.freeze({ a: 1 }); return [() => new Proxy(t, { get: () => 2 }).a, () => Object.keys(new Proxy(t, { ownKeys: () => [] })), () => 'a' in new Proxy(t, { has: () => false }), () => { 'use strict'; new Proxy({}, { set: () => false }).x = 1 }].map((f) => { try { return f() } catch (e) { return e.name } }) },
  'proxies: revoked': () => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return [() => proxy.x, () => Array.isArray(proxy), () => typeof proxy, () => Object.prototype.toString.call(proxy), () => new Proxy(proxy, {})].map((f) => { try { return typeof f() } catch (e) { return e.name } }) },
  'dates: parsing': () => ['2024-02-30', '2024-01-01', '2024-01-01T00:00', '2024-01-01T00:00:00.123456Z', '2024-01-01T24:00Z', '2024-1-1', 'Jan 1 2024', '1 January 2024 10:00 GMT+0200', 'Tue, 01 Jan 2024 00:00:00 GMT', '2024/01/02', '01/02/2024', '+002024-01-01T00:00Z', '-000000-01-01T00:00Z', '2024-01-01 10:00:00', '2024-01-01T10:00:00+0530', '12', '2024', '2024-13', 'x', '', '2024-01-01T00:00:00z', 'Mon Jan 01 2024 00:00:00 GMT+0100 (CET)', '10:00', '2024-01-01T10'].map((t) => Date.parse(t)),
  'dates: parsing of odd forms': () => parsed('12:00 PM 1 Jan 2020', '(one) Jan 1 (two (three)) 2024', '1()', '()', 'Jan 1 2024)', '1/2/24', '1/2/49', '1/2/50', '12-31-99', '70-01-01', '1.2.2024', '1-Jan-2024', 'Jan/1/2024', 'Jan. 1, 2024', 'Jan,1,2024', 'Jan_1_2024', 'Janxyz 1 2024', 'Sept 1 2024', 'Juneteenth 1 2024', 'Jan1 2024', 'Jan 1st 2024', 'Jan 1 2024 at 10:00', 'Jan 1 2024 13:00 PM', 'Jan 1 2024 10:00AM', 'Jan 1 2024 10:00 Z', '2024-01-01Z', '2024-01-01 Z', '2024-01-01 10:00:00Z', '2024-01-01 10:00:00+00', '2024-01-01 10:00:00.123456+00', 'Jan 1 2024 10:00 PDT', 'Mon Jan 1 10:00:00 2024', '13/1/2024', '31/12/99', 'Feb 30 2024', '0', '13', '49', '99', '275761', '20240101', '1704067200', 'Jan', 'Jan 2024', 'AM', 'Z', 'now'),
  'dates: parsing of days that are none': () => parsed('2024-00-01', '2024-01-00', 'Jan 32 2024', 'Jan 0 2024', '0/1/2024', '1/32/2024'),
  'dates: parsing of zones in odd places': () => parsed('2024-01-01 10:00Z', 'Jan 1 2024 10:00+0100', '2024-01-01 10:00:00-05', 'Jan 1 2024 GMT+1', 'Jan 1 2024 GMT+01:30', 'Jan 1 2024-0500', 'Jan 1 2024 +0130', 'Jan 1 2024 10:00 - 05:00', '2024-01-01T10:00:00+01', '2024-01-01T00:00:00\u221201:00'),
  'dates: parsing of spaces': () => parsed('\t2024-01-01', '2024-01-01\n', '2024-01-01\u00a0', 'Jan\u00a01\u00a02024', 'Jan 1 2024 10:00\u202fAM'),
  'dates: parsing of odd signs': () => parsed('Jan 1 2024 (open', 'Jan;1;2024', 'Jan+1+2024', 'Jan 1 +2024', '-1', '-2024', '-000000-01-01', '1,000', '2024-01-01T10:00:00,5Z', '2024-01-01t10:00'),
  'dates: parsing of odd times': () => parsed('Jan 1 2024 10', 'Jan 1 2024 10:', 'Jan 1 2024 :10', 'Jan 1 2024 10:60', 'Jan 1 2024 10:00:00:123'),
  'dates: parsing of odd numbers': () => parsed('2024-001', '2024-012-01', 'Jan 1 024', '1/2024', 'Jan 1 2024 10:00 +13000'),
  'dates: parsing of words that are none': () => parsed('Foo 1 2024', 'ja 1 2024', 'Mon Jan  1 10:00:00 CET 2024'),
  'dates: texts': () => { const d = new Date(Date.UTC(2024, 1, 29, 13, 4, 5, 6)); return [String(d), d.toISOString(), d.toUTCString(), d.toDateString(), d.toTimeString(), d.toJSON(), d.getTimezoneOffset(), d.getYear(), new Date(-1e15).toISOString(), String(new Date(NaN))] },
  'dates: invalid ISO': () => { try { new Date(NaN).toISOString() } catch (e) { return e.name } },
  'dates: setters': () => { const d = new Date(0); return [d.setUTCMonth(13), d.setUTCDate(0), d.setUTCHours(25, 61, 61, 1001), d.setTime(8.64e15 + 1), d.setFullYear(2020)] },
  'errors: cause': () => { const e = new Error('a', { cause: 0 }); return [e.cause, Object.hasOwn(e, 'cause'), Object.hasOwn(new Error('a', {}), 'cause'), Object.hasOwn(new Error('a', { cause: undefined }), 'cause'), Object.keys(e)] },
  'errors: isError': () => [new Error(), new DOMException('x'), {}, Object.create(Error.prototype), new Proxy(new Error(), {}), new AggregateError([])].map((v) => Error.isError(v)),
  'errors: aggregate': () => { const e = new AggregateError(new Set([1, 2]), 'm', { cause: 3 }); return [e.errors, e.message, e.cause, e.name, AggregateError.length, Object.getPrototypeOf(AggregateError) === Error] },
  'errors: suppressed': () => { const e = new SuppressedError(1, 2, 'm'); return [e.error, e.suppressed, e.message, e.name, SuppressedError.length, Reflect.ownKeys(e).sort()] },
  'errors: toString': () => [String(new TypeError('x')), Error.prototype.toString.call({ name: 'N', message: '' }), Error.prototype.toString.call({}), Error.prototype.toString.call({ name: '', message: 'm' })],
  'errors: called without new': () => [Error('a') instanceof Error, TypeError('b').message, RangeError.prototype.name, Object.getPrototypeOf(TypeError).name],
  'disposal: stack': () => { const log = []; const s = new DisposableStack(); s.use({ [Symbol.dispose]() { log.push('use') } }); s.adopt(1, (v) => log.push(v)); s.defer(() => log.push('defer')); const t = s.move(); t.dispose(); return [log, s.disposed, t.disposed] },
  'disposal: errors': () => { const s = new DisposableStack(); s.defer(() => { throw 1 }); s.defer(() => { throw 2 }); try { s.dispose() } catch (e) { return [e.name, e.error, e.suppressed] } },
  'disposal: async stack': async () => { const log = []; const s = new AsyncDisposableStack(); s.defer(async () => { await 0; log.push(1) }); s.use({ [Symbol.dispose]() { log.push(2) } }); await s.disposeAsync(); return [log, s.disposed] },
  'disposal: used when over': () => { const s = new DisposableStack(); s.dispose(); try { s.use(null) } catch (e) { return e.name } },
  'disposal: iterators': () => { let closed = 0; const it = { __proto__: Iterator.prototype, return() { closed++; return {} } }; it[Symbol.dispose](); return closed },
  'uri: coding': () => [encodeURIComponent("a b&é😀'()*!~"), encodeURI('http://x/é?a=b c#d%'), decodeURIComponent('%F0%9F%98%80'), decodeURI('%2F%41'), escape('é😀a b'), unescape('%u0107%E9')],
  'uri: refused': () => ['%', '%E9', '%F8%80%80%80', '%ED%A0%80', '%c0%80'].map((t) => { try { return decodeURIComponent(t) } catch (e) { return `${e.name}: ${e.message}` } }).concat((() => { try { return encodeURIComponent('\ud800') } catch (e) { return `${e.name}: ${e.message}` } })()),
};
