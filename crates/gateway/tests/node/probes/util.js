import util, { promisify, callbackify, inherits, deprecate, isDeepStrictEqual, MIMEType, MIMEParams, parseArgs, styleText, types, stripVTControlCharacters, toUSVString, TextEncoder, TextDecoder, debuglog } from 'node:util';
import * as utilTypes from 'node:util/types';
import * as bare from 'util';

const deep = isDeepStrictEqual;

export default {
  'bare': () => [bare.inspect === util.inspect, TextEncoder === globalThis.TextEncoder, TextDecoder === globalThis.TextDecoder, util.types === types, utilTypes.isDate === types.isDate],
  'keys': () => Object.keys(util).sort(),
  'promisify': async () => promisify((a, cb) => cb(null, a + 1))(1),
  'promisify error': async () => promisify((cb) => cb(new Error('no')))(),
  'promisify this': async () => {
    const o = { x: 5, m(cb) { cb(null, this.x); } };
    o.p = promisify(o.m);
    return o.p();
  },
  'promisify custom': () => {
    const f = () => {};
    f[promisify.custom] = () => 'c';
    return [promisify(f)(), promisify.custom];
  },
  'promisify nothing': () => promisify(5),
  'callbackify': () => new Promise((r) => callbackify(async (a) => a * 2)(4, (e, v) => r([e, v]))),
  'callbackify error': () => new Promise((r) => callbackify(async () => { throw new Error('x'); })((e) => r(e.message))),
  'callbackify falsy': () => new Promise((r) => callbackify(() => Promise.reject(null))((e) => r([e.code, e.message, e.reason]))),
  'callbackify nothing': () => callbackify(5),
  'inherits': () => {
    function A() {}
    A.prototype.m = () => 'm';
    function B() {}
    inherits(B, A);
    return [new B().m(), B.super_ === A, new B() instanceof A];
  },
  'inherits null': () => inherits(null, Object),
  'inherits of nothing': () => inherits(function B() {}, null),
  'deprecate': () => {
    const f = deprecate((a) => a + 1, 'old', 'DEP1');
    return [f(1), f(2), f.length];
  },
  'isDeepStrictEqual': () => [deep({ a: [1] }, { a: [1] }), deep({ a: 1 }, { a: '1' }), deep([1, 2], [2, 1]), deep(new Set([{ a: 1 }]), new Set([{ a: 1 }])), deep(new Map([[{ a: 1 }, 2]]), new Map([[{ a: 1 }, 2]])), deep(NaN, NaN), deep(0, -0), deep(new Date(1), new Date(1)), deep(/a/g, /a/i), deep(new Uint8Array([1]), new Uint8Array([1])), deep(Object(1), Object(1)), deep(new Error('a'), new Error('a')), deep(new Error('a'), new Error('b')), deep({}, []), deep(Object.create(null), {}), deep([, 1], [undefined, 1]), deep(Symbol.for('a'), Symbol.for('a'))],
  'isDeepStrictEqual circular': () => {
    const a = { x: 1 }, b = { x: 1 };
    a.s = a;
    b.s = b;
    return deep(a, b);
  },
  'MIMEType': () => {
    const m = new MIMEType('Text/HTML; charset="utf-8";q=1 ; x');
    m.params.set('a', 'b c');
    return [String(m), m.type, m.subtype, m.essence, m.params.get('charset'), [...m.params.keys()], JSON.stringify(m)];
  },
  'MIMEType bad': () => new MIMEType('text'),
  'MIMEType bad subtype': () => new MIMEType('text/h(tml'),
  'MIMEType set': () => {
    const m = new MIMEType('a/b');
    m.type = 'C';
    m.subtype = 'D';
    return [String(m), (() => { try { m.type = ''; } catch (e) { return e.code; } })()];
  },
  'MIMEParams': () => {
    const p = new MIMEParams();
    p.set('a', '1');
    p.set('B', '"');
    return [String(p), p.has('b'), p.get('none'), [...p]];
  },
  'parseArgs': () => parseArgs({ args: ['-f', '--bar', 'b', 'pos', '--no-color', '-xyz'], options: { foo: { type: 'boolean', short: 'f' }, bar: { type: 'string' }, x: { type: 'boolean', short: 'x' }, y: { type: 'boolean', short: 'y' }, z: { type: 'boolean', short: 'z' }, color: { type: 'boolean' } }, allowPositionals: true, allowNegative: true }),
  'parseArgs multiple and default': () => parseArgs({ args: ['--a=1', '--a', '2'], options: { a: { type: 'string', multiple: true }, d: { type: 'string', default: 'dd' } } }),
  'parseArgs tokens': () => parseArgs({ args: ['--a', '--', 'x'], options: { a: { type: 'boolean' } }, allowPositionals: true, tokens: true }),
  'parseArgs unknown': () => parseArgs({ args: ['--nope'], options: {} }),
  'parseArgs positional': () => parseArgs({ args: ['pos'], options: {} }),
  'parseArgs missing': () => parseArgs({ args: ['--a'], options: { a: { type: 'string', short: 'a' } } }),
  'parseArgs extra': () => parseArgs({ args: ['--a=1'], options: { a: { type: 'boolean' } } }),
  'parseArgs ambiguous': () => parseArgs({ args: ['--a', '-b'], options: { a: { type: 'string' } } }),
  'parseArgs bad type': () => parseArgs({ options: { a: { type: 'number' } } }),
  'parseArgs loose': () => parseArgs({ args: ['--nope=1', 'p', '-q'], strict: false }),
  'styleText': () => [styleText('red', 'a'), styleText(['bold', 'underline'], 'b')],
  'styleText unknown': () => styleText('nope', 'a').length,
  'styleText of number': () => styleText('red', 5),
  'stripVTControlCharacters': () => stripVTControlCharacters('\u001b[31ma\u001b[0m'),
  'toUSVString': () => toUSVString('a\ud800'),
  'types': () => [types.isDate(new Date()), types.isRegExp(/a/), types.isMap(new Map()), types.isPromise(Promise.resolve()), types.isProxy(new Proxy({}, {})), types.isAsyncFunction(async () => {}), types.isGeneratorFunction(function* () {}), types.isGeneratorObject((function* () {})()), types.isTypedArray(new Int8Array()), types.isUint8Array(Buffer.alloc(1)), types.isAnyArrayBuffer(new ArrayBuffer(1)), types.isNativeError(new TypeError()), types.isBoxedPrimitive(Object(1)), types.isArgumentsObject((function () { return arguments; })()), types.isModuleNamespaceObject(utilTypes), types.isMapIterator(new Map().keys()), types.isSetIterator(new Set().values()), types.isWeakMap(new WeakMap()), types.isDataView(new DataView(new ArrayBuffer(1))), types.isSymbolObject(Object(Symbol())), types.isExternal({}), types.isAsyncFunction(() => {}), types.isDate({}), types.isUint8Array([])],
  'types of primitives': () => [types.isDate(1), types.isTypedArray(null), types.isPromise(undefined), types.isBoxedPrimitive('a')],
  'old checks': () => [util.isArray([]), util.isBoolean?.(true), util.isFunction?.(() => {}), util.isString?.('a'), util.isRegExp?.(/a/), util.isError?.(new Error())],
  'debuglog': () => [typeof debuglog('x'), debuglog('x').enabled],
  '_extend': () => [util._extend({ a: 1 }, { b: 2 }), util._extend({ a: 1 }, null)],
  'system errors': () => [util.getSystemErrorName(-2), util.getSystemErrorMap().get(-13), util.getSystemErrorMessage(-104)],
  'getSystemErrorName of positive': () => util.getSystemErrorName(5),
  'parseEnv': () => util.parseEnv('A=1\nB="two words"\n# c\nC=\'x\' \nexport D=e # f'),
  'diff': () => [util.diff('abc', 'abd'), util.diff(['a', 'b'], ['a', 'c']), util.diff('a', 'a')],
  'aborted': async () => {
    const c = new AbortController();
    const p = util.aborted(c.signal, {});
    c.abort();
    return p;
  },
  'validate function': () => util.promisify('x'),
};
