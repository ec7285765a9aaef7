import util, { inspect, format } from 'node:util';
import { setTimeout as wait } from 'node:timers/promises';

class Foo { x = 1; }
const many = (n) => Array.from({ length: n }, (_, i) => i);

export default {
  'primitives': () => [1, -0, 1n, 'a', "it's", 'q"\'', 'a\nb', true, null, undefined, Symbol('s'), NaN].map((x) => inspect(x)),
  'escapes': () => inspect('\x00\x1f\x7f\ud800\u{1f600}\\'),
  'long string': () => inspect(`${'line one is long enough\n'.repeat(6)}`),
  'objects': () => inspect({ a: 1, 'b-c': [1, 2, { d: {} }], $e: null, [Symbol('k')]: 2 }),
  'nested': () => inspect({ a: { b: { c: { d: 1 } } } }),
  'depth': () => [inspect({ a: { b: 1 } }, { depth: 0 }), inspect([[[[]]]], { depth: 1 }), inspect({ a: { b: { c: { d: 1 } } } }, { depth: null })],
  'arrays': () => [inspect([1, , 3]), inspect(many(7)), inspect(many(120)), inspect(['a'.repeat(30), 'b'.repeat(30), 'c'.repeat(30)]), inspect(Object.assign([1], { k: 2 }))],
  'many strings': () => inspect(many(40).map((i) => `item ${i}`)),
  'map and set': () => [inspect(new Map([['a', { b: 1 }]])), inspect(new Set([1, [2]])), inspect(new Map()), inspect(new Set())],
  'class instances': () => [inspect(new Foo()), inspect(Foo), inspect(class extends Foo {}), inspect(new (class extends Map {})())],
  'null prototype': () => [inspect(Object.create(null)), inspect(Object.assign(Object.create(null), { a: 1 }))],
  'functions': () => [inspect(() => {}), inspect(function f() {}), inspect(async () => {}), inspect(function* g() {}), inspect(Object.assign(() => {}, { a: 1 }))],
  'circular': () => {
    const a = { n: 1 };
    a.self = a;
    a.list = [a];
    return inspect(a);
  },
  'accessors': () => [inspect({ get a() { return 1; }, set b(x) {}, get c() { return 1; }, set c(x) {} }), inspect({ get a() { return { x: 1 }; } }, { getters: true })],
  'typed arrays': () => [inspect(new Uint8Array(3)), inspect(new Float32Array([1.5])), inspect(new ArrayBuffer(4)), inspect(new DataView(new ArrayBuffer(1)))],
  'buffers': () => [inspect(Buffer.from('hi')), inspect(Buffer.alloc(60)), inspect({ b: Buffer.from('a') })],
  'dates and regexps': () => [inspect(new Date(0)), inspect(new Date(NaN)), inspect(/a/gi), inspect(Object.assign(/x/, { k: 1 }))],
  'boxed': () => [inspect(Object(1)), inspect(Object('s')), inspect(Object(true)), inspect(Object(1n)), inspect(Object(Symbol('q')))],
  'promises': () => [inspect(Promise.resolve({ a: 1 })), inspect(new Promise(() => {}))],
  'proxies': () => [inspect(new Proxy({ a: 1 }, {})), inspect(new Proxy([1], {}), { showProxy: true }), inspect(new Proxy(() => {}, {}))],
  'weak': () => [inspect(new WeakMap()), inspect(new WeakSet())],
  'errors without stack': () => {
    const e = new RangeError('m');
    Object.defineProperty(e, 'stack', { value: undefined });
    return [inspect(e), inspect(Object.assign(new Error('x'), { stack: 'Error: x' })), inspect(Object.assign(new Error('x'), { stack: 'Error: x\n    at f (a.js:1:1)', code: 'C' }))];
  },
  'error in an object': () => {
    const e = new Error('in');
    e.stack = 'Error: in\n    at f (a.js:1:2)';
    return inspect({ e });
  },
  'error with cause': () => {
    const e = new Error('out', { cause: 'why' });
    e.stack = 'Error: out\n    at f (a.js:1:2)';
    return inspect(e);
  },
  'error by another name': () => {
    class MyError extends Error {}
    const e = new MyError('m');
    e.stack = 'Error: m\n    at f (a.js:1:2)';
    return inspect(e);
  },
  'own properties of a DOMException': async () => {
    const late = AbortSignal.timeout(1);
    await new Promise((done) => setTimeout(done, 20));
    const aborted = await wait(1, null, { signal: AbortSignal.abort() }).catch((error) => error.cause);
    const shown = [AbortSignal.abort().reason, late.reason, aborted, Object.assign(new DOMException('m'), { mine: 1 })];
    return shown.map((reason) => inspect(reason).replace(/stack: .*(\n +' .*)*/, 'stack'));
  },
  'toStringTag': () => [inspect({ [Symbol.toStringTag]: 'T' }), inspect(new (class X { get [Symbol.toStringTag]() { return 'T'; } })())],
  'custom': () => [inspect({ [inspect.custom]: () => 'mine' }), inspect({ a: { [inspect.custom]: (d, o) => ({ d, depth: o.depth }) } }), inspect({ [util.inspect.custom](d, o, i) { return i === inspect; } })],
  'custom off': () => inspect({ [inspect.custom]: () => 'mine' }, { customInspect: false }).includes('mine'),
  'options': () => [inspect({ b: 1, a: 2 }, { sorted: true }), inspect({ a: [1, 2, 3] }, { compact: false }), inspect({ a: 1, b: 'x' }, { colors: true }), inspect('a'.repeat(20), { maxStringLength: 5 }), inspect(many(5), { maxArrayLength: 2 }), inspect(123456.789, { numericSeparator: true }), inspect({ a: { b: { c: 1 } } }, { breakLength: 10 })],
  'legacy arguments': () => inspect({ a: { b: { c: 1 } } }, false, 0),
  'arguments': () => inspect((function () { return arguments; })(1, 2)),
  'default options': () => Object.keys(inspect.defaultOptions),
  'styles': () => [inspect.styles.string, inspect.colors.red],
  'platform objects': () => [inspect(new URL('http://a/b?c#d')), inspect(new URLSearchParams('a=b')), inspect(new TextEncoder()), inspect(new AbortController()), inspect(new Blob(['a']))],
  'format': () => [format('%s %d %i %f %j %o %O %%', 'a', '5', '5.5', '5.5', { a: 1 }, [1], { b: 2 }), format('a', 'b', { c: 1 }), format('%s'), format('%x', 1), format(1, 2), format('%%'), format('%%', 1)],
  'format of strings': () => [format('%s', null), format('%s', undefined), format('%s', 5n), format('%s', Symbol('a')), format('%s', -0), format('%s', { a: { b: 1 } }), format('%s', new Foo()), format('%s', { toString: () => 'T' }), format('%s', () => 1), format('%s', new Date(0))],
  'format of numbers': () => [format('%d', '0x10'), format('%d', {}), format('%i', 'x'), format('%f', Symbol('a')), format('%d', 5n)],
  'format circular': () => {
    const a = {};
    a.a = a;
    return format('%j', a);
  },
  'formatWithOptions': () => util.formatWithOptions({ colors: true }, '%s %O', 'a', { b: 1 }),
  'long entries': () => inspect({ aaaaaaaaaaaaaaaaaaaa: 'b'.repeat(20), cccccccccccccccccccc: 'd'.repeat(20), e: [1] }),
};
