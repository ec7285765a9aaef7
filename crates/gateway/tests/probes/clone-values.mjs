// structuredClone: what comes out of what, what is transferred, what is refused.
import { tries } from './show.mjs';

const kind = (value) => Object.prototype.toString.call(value);
const clones = (...list) => () => tries(...list.map((value) => () => structuredClone(value)));
const refused = (...list) => () => tries(...list.map((make) => () => kind(structuredClone(make()))));
const own = (value) => Object.fromEntries(Reflect.ownKeys(value).map((key) => [String(key), (({ value, ...rest }) => ({ ...rest, value: typeof value === 'string' && key === 'stack' ? value.split('\n')[0] : value }))(Object.getOwnPropertyDescriptor(value, key))]));

export const values = {
  'primitives': clones(1, -0, NaN, 'é\ud800', true, null, undefined, 10n ** 30n, -1n),
  'minus zero': () => [Object.is(structuredClone(-0), -0), Object.is(structuredClone([-0])[0], -0)],
  'boxed': () => [new Number(5), new String('x'), new Boolean(false), Object(5n), new String('')].map((value) => { const copy = structuredClone(value); return [kind(copy), String(copy), copy === value]; }),
  'dates': () => [structuredClone(new Date(5)).getTime(), String(structuredClone(new Date(NaN))), kind(structuredClone(new Date()))],
  'regular expressions': () => { const from = /a(.)/giy; from.lastIndex = 3; from.extra = 1; const copy = structuredClone(from); return [String(copy), copy.lastIndex, copy.extra, copy instanceof RegExp]; },
  'arrays': () => { const from = [1, , 3]; from.extra = 'x'; from[5] = undefined; const copy = structuredClone(from); return [copy.length, 1 in copy, 3 in copy, 5 in copy, copy.extra, Object.keys(copy)]; },
  'plain objects': () => { const from = { b: 1, a: { c: [2] }, 1: 'n' }; const copy = structuredClone(from); return [copy, Object.keys(copy), copy.a !== from.a, Object.getPrototypeOf(copy) === Object.prototype]; },
  'own properties alone': () => { const from = Object.create({ inherited: 1 }, { hidden: { value: 1 }, got: { get: () => 7, enumerable: true } }); from[Symbol('s')] = 1; const copy = structuredClone(from); return [Object.getOwnPropertyDescriptor(copy, 'got'), Reflect.ownKeys(copy).length, copy.inherited]; },
  'instances': () => { class A { x = 1; #y = 2; get z() { return 3; } } const copy = structuredClone(new A()); return [copy, copy.constructor === Object]; },
  'a null prototype': () => Object.getPrototypeOf(structuredClone(Object.create(null))) === Object.prototype,
  '__proto__ as a name': () => { const from = JSON.parse('{"__proto__": {"x": 1}}'); const copy = structuredClone(from); return [Object.hasOwn(copy, '__proto__'), Object.getPrototypeOf(copy) === Object.prototype]; },
  'a getter that throws': () => tries(() => structuredClone({ get x() { throw new RangeError('mine'); } })),
  'a getter that deletes': () => structuredClone({ get a() { delete this.b; return 1; }, b: 2 }),
  'cycles': () => { const a = { name: 'a' }; a.self = a; a.list = [a]; const copy = structuredClone(a); return [copy.self === copy, copy.list[0] === copy, copy !== a]; },
  'one object twice': () => { const one = {}; const [x, y] = structuredClone([one, one]); return x === y; },
  'maps': () => { const map = new Map([[{ k: 1 }, 'v'], ['self', null]]); map.set('self', map); map.extra = 1; const copy = structuredClone(map); return [copy.size, [...copy.keys()][0], copy.get('self') === copy, copy.extra]; },
  'sets': () => { const set = new Set([1, { a: 1 }, NaN]); set.add(set); const copy = structuredClone(set); return [copy.size, copy.has(NaN), copy.has(copy), [...copy][1]]; },
  'errors': () => [new Error('m'), new TypeError('m'), new RangeError('m'), new SyntaxError('m'), new ReferenceError('m'), new EvalError('m'), new URIError('m'), new AggregateError([1], 'm')].map((from) => { const copy = structuredClone(from); return [copy, kind(copy), Object.keys(copy), copy.stack === from.stack, Object.getPrototypeOf(copy).name]; }),
  'an error of a class': () => { class Mine extends TypeError { constructor() { super('m'); this.name = 'Mine'; this.code = 5; } } const copy = structuredClone(new Mine()); return [copy.name, copy.code, copy.constructor.name, copy instanceof TypeError]; },
  'an error with a known name': () => { const from = new Error('m'); from.name = 'RangeError'; const copy = structuredClone(from); return [copy.constructor.name, copy.name]; },
  'an error with a cause': () => { const copy = structuredClone(new Error('m', { cause: { a: new Error('inner') } })); return [copy.cause, own(copy).cause?.enumerable]; },
  'an error without a message': () => [Object.hasOwn(structuredClone(new Error()), 'message'), structuredClone(new Error('')).message],
  'an error whose message is no text': () => { const from = new Error('x'); from.message = 5; return structuredClone(from).message; },
  'an error without a stack': () => { const from = new Error('x'); delete from.stack; return [typeof structuredClone(from).stack]; },
  'array buffers': () => { const from = new Uint8Array([1, 2, 3]).buffer; const copy = structuredClone(from); return [copy, copy !== from]; },
  'a resizable buffer': () => { const from = new ArrayBuffer(2, { maxByteLength: 5 }); const copy = structuredClone(from); return [copy.resizable, copy.maxByteLength, copy.byteLength]; },
  'views': () => { const buffer = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]).buffer; const [a, b, c, d] = structuredClone([new Uint16Array(buffer, 2, 2), new DataView(buffer, 1, 3), new Float64Array(buffer), new BigInt64Array(buffer)]); return [a, b.byteOffset, b.byteLength, c, d, a.buffer === b.buffer, a.buffer.byteLength]; },
  'all kinds of views': () => ['Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array', 'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array'].map((name) => { const copy = structuredClone(new globalThis[name](1)); return `${copy.constructor.name} ${copy.byteLength}`; }),
  'a view with a property': () => { const from = new Uint8Array(1); from.extra = 1; return structuredClone(from).extra; },
  'functions and symbols refused': refused(() => () => {}, () => function named() {}, () => class A {}, () => Symbol('x'), () => [Symbol.iterator], () => ({ f() {} }), () => async () => {}, () => Math.max),
  'host objects refused': refused(() => new WeakMap(), () => new WeakSet(), () => new WeakRef({}), () => Promise.resolve(), () => new Proxy({}, {}), () => new Proxy([], {}), () => (function* () {})(), () => new Headers(), () => new Response(), () => new Request('http://a'), () => new URL('http://a'), () => new URLSearchParams('a=b'), () => new FormData(), () => new Blob(['x']), () => new File(['x'], 'n'), () => new ReadableStream(), () => new WritableStream(), () => new TransformStream(), () => new AbortController(), () => AbortSignal.abort(), () => new Event('x'), () => new EventTarget(), () => new TextEncoder(), () => new TextDecoder(), () => globalThis, () => crypto, () => new URLPattern({}), () => new MessageChannel().port1, () => new CustomEvent('x'), () => performance, () => navigator, () => Cloudflare),
  'other engine objects': refused(() => Math, () => JSON, () => Reflect, () => (function () { return arguments; })(1), () => [][Symbol.iterator](), () => new Map().entries(), () => new FinalizationRegistry(() => {}), () => new SharedArrayBuffer(1), () => new Uint8Array(new SharedArrayBuffer(1)), () => Object(Symbol('x')), () => Iterator.from([])),
  'transfer a buffer': () => { const from = new Uint8Array([1, 2]).buffer; const copy = structuredClone({ from }, { transfer: [from] }); return [copy.from, from.byteLength, from.detached, copy.from.byteLength]; },
  'transfer what is not in it': () => { const buffer = new ArrayBuffer(3); structuredClone(1, { transfer: [buffer] }); return buffer.detached; },
  'transfer through a view': () => { const view = new Uint8Array([1, 2, 3, 4]).subarray(1, 3); const copy = structuredClone(view, { transfer: [view.buffer] }); return [copy, copy.byteOffset, view.length]; },
  'transfer refused': () => tries(() => structuredClone(1, { transfer: [1] }), () => structuredClone(1, { transfer: [{}] }), () => { const b = new ArrayBuffer(1); structuredClone(1, { transfer: [b, b] }); }, () => { const b = new ArrayBuffer(1); b.transfer(); structuredClone(1, { transfer: [b] }); }, () => structuredClone(1, { transfer: 5 }), () => structuredClone(1, { transfer: [new Uint8Array(1)] }), () => structuredClone(1, { transfer: [new SharedArrayBuffer(1)] }), () => structuredClone(1, { transfer: [null] })),
  'transfer of streams': () => tries(() => { const s = new ReadableStream(); return kind(structuredClone(s, { transfer: [s] })); }, () => { const s = new WritableStream(); return kind(structuredClone(s, { transfer: [s] })); }, () => { const s = new TransformStream(); return kind(structuredClone(s, { transfer: [s] })); }, () => { const { port1 } = new MessageChannel(); return kind(structuredClone(port1, { transfer: [port1] })); }),
  'a refusal leaves the transferred': () => { const buffer = new ArrayBuffer(1); try { structuredClone({ buffer, f() {} }, { transfer: [buffer] }); } catch { return buffer.detached; } },
  'a detached buffer': () => tries(() => { const b = new ArrayBuffer(1); b.transfer(); structuredClone(b); }, () => { const v = new Uint8Array(1); v.buffer.transfer(); structuredClone(v); }),
  'options': () => tries(() => structuredClone(), () => structuredClone(1, null), () => structuredClone(1, undefined), () => structuredClone(1, 5), () => structuredClone(1, {}), () => structuredClone(1, { transfer: undefined }), () => structuredClone(1, { transfer: null }), () => structuredClone(1, [])),
  'shape of structuredClone': () => [structuredClone.length, structuredClone.name, typeof structuredClone],
  'deep nesting': () => { let deep = {}; for (let i = 0; i < 500; i++) deep = { deep }; let copy = structuredClone(deep); let depth = 0; while (copy.deep) { copy = copy.deep; depth++; } return depth; },
};
