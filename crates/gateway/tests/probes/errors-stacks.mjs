// Stacks as text: lines, names and columns. What stands below the probe itself is the harness's and is left out.

const own = (stack) => stack.split('\n').filter((line) => !line.includes('show.mjs'));
const caught = (f) => { try { f() } catch (e) { return own(e.stack) } };

function plain() { throw new Error('plain'); }
const arrow = () => { throw new Error('arrow'); };
const object = { method() { throw new Error('method'); }, get accessor() { throw new Error('get'); }, nested: { deep() { throw new Error('deep') } }, ['comp' + 'uted']() { throw new Error('c') } };
class Class {
  #secret() { throw new Error('secret'); }
  constructor(fail) { if (fail) throw new Error('constructor'); }
  method() { throw new Error('class method'); }
  static fixed() { throw new Error('static'); }
  secret() { this.#secret(); }
  get value() { throw new Error('getter'); }
  field = () => { throw new Error('field'); };
  async later() { await null; throw new Error('later'); }
}
class Sub extends Class { method() { super.method(); } }
async function inner() { await null; throw new Error('inner'); }
async function middle() { await inner(); }
async function outer() { await middle(); }

export const stacks = {
  'stack: of a function': () => caught(plain),
  'stack: of an arrow': () => caught(arrow),
  'stack: of a call in a call': () => { function outer() { plain(); } return caught(() => outer()); },
  'stack: of a method': () => caught(() => object.method()),
  'stack: of a nested method': () => caught(() => object.nested.deep()),
  'stack: of a computed method': () => caught(() => object.computed()),
  'stack: of a getter': () => caught(() => object.accessor),
  'stack: of a constructor': () => caught(() => new Class(true)),
  'stack: of a class method': () => caught(() => new Class().method()),
  'stack: of a static method': () => caught(() => Class.fixed()),
  'stack: of a private method': () => caught(() => new Class().secret()),
  'stack: of a class getter': () => caught(() => new Class().value),
  'stack: of a field': () => caught(() => new Class().field()),
  'stack: of a subclass': () => caught(() => new Sub().method()),
  'stack: through map': () => caught(() => [1].map((x) => plain())),
  'stack: through forEach': () => caught(() => [1].forEach(arrow)),
  'stack: through sort': () => caught(() => [2, 1].sort(() => { throw new Error('sort') })),
  'stack: through replace': () => caught(() => 'a'.replace(/a/, () => { throw new Error('replace') })),
  'stack: through JSON': () => caught(() => JSON.stringify({ toJSON() { throw new Error('json') } })),
  'stack: through Reflect': () => caught(() => Reflect.apply(plain, null, [])),
  'stack: through call and bind': () => caught(() => plain.bind(null).call()),
  'stack: through a proxy': () => caught(() => new Proxy({}, { get: () => { throw new Error('trap') } }).x),
  'stack: through a generator': () => caught(() => { function* g() { throw new Error('generator') } g().next(); }),
  'stack: through toString': () => caught(() => `${{ toString() { throw new Error('string') } }}`),
  'stack: of a native error': () => caught(() => null.x),
  'stack: of a native function': () => caught(() => JSON.parse('{')),
  'stack: of a call that is none': () => caught(() => { const o = {}; o.a.b(); }),
  'stack: on several lines': () => caught(() => {
    const value = [
      1,
      plain(),
    ];
    return value;
  }),
  'stack: column of new': () => caught(() => { const x = 1 + 2, e = new Error('column'); throw e; }),
  'stack: column of a member call': () => caught(() => { const a = { b: { c: plain } }; a.b.c(); }),
  'stack: column of a template': () => caught(() => `${1}${plain()}`),
  'stack: column behind other planes': () => caught(() => { '😀é'; plain(); }),
  'stack: of an async function': () => outer().catch((e) => own(e.stack)),
  'stack: of an async method': () => new Class().later().catch((e) => own(e.stack)),
  'stack: of a rejected all': () => Promise.all([inner()]).catch((e) => own(e.stack)),
  'stack: after a timer': () => new Promise((resolve) => setTimeout(() => resolve(own(new Error('timer').stack)), 1)),
  'stack: in a then': () => Promise.resolve().then(() => { throw new Error('then') }).catch((e) => own(e.stack)),
  'stack: of text only': () => new Error('a\nb').stack.split('\n').slice(0, 2),
  'stack: without a message': () => new Error().stack.split('\n')[0],
  'stack: of an error with a name': () => { const e = new Error('m'); e.name = 'Named'; return e.stack.split('\n')[0]; },
  'stack: of a message changed': () => { const e = new Error('m'); e.message = 'changed'; return e.stack.split('\n')[0]; },
  'stack: of a name changed after a look': () => { const e = new Error('m'); e.stack; e.name = 'Named'; return e.stack.split('\n')[0]; },
  'stack: of a class named by its prototype': () => { class E extends Error {} E.prototype.name = 'Proto'; return new E('m').stack.split('\n')[0]; },
  'stack: of a class without a name': () => { class E extends TypeError {} return new E('m').stack.split('\n')[0]; },
  'stack: of a class named in its constructor': () => { class E extends Error { constructor(m) { super(m); this.name = 'Late' } } return new E('m').stack.split('\n')[0]; },
  'stack: of a class with a field': () => { class E extends Error { name = 'Field' } return new E('m').stack.split('\n')[0]; },
  'stack: of a class with a name getter': () => { class E extends Error { get name() { return 'Getter' } } return new E('m').stack.split('\n')[0]; },
  'stack: own property': () => { const d = Object.getOwnPropertyDescriptor(new Error('x'), 'stack'); return [typeof d?.value, typeof d?.get, d?.writable, d?.enumerable, d?.configurable]; },
  'stack: own keys': () => [Reflect.ownKeys(new Error('x')), Reflect.ownKeys(new Error('x', { cause: 1 })), Reflect.ownKeys(new AggregateError([])), Reflect.ownKeys((() => { try { null.x } catch (e) { return e } })())],
  'stack: written': () => { const e = new Error('x'); e.stack = 'mine'; const f = new Error('y'); f.stack = 5; return [e.stack, f.stack, Object.keys(e)]; },
  'stack: deleted': () => { const e = new Error('x'); delete e.stack; return e.stack; },
  'stack: inherited': () => { const o = Object.create(new Error('x')); return [typeof o.stack, Object.hasOwn(o, 'stack')]; },
  'stack: on the prototype': () => [typeof Error.prototype.stack, 'stack' in Error.prototype, 'stack' in Object.create(Error.prototype)],
  'stack: spread': () => { const e = new Error('x'); return [Object.keys({ ...e }), JSON.stringify(e), JSON.stringify(Object.fromEntries(Object.getOwnPropertyNames(e).map((k) => [k, k])))]; },
  'stack: limit': () => { const before = Error.stackTraceLimit; const f = (n) => (n ? f(n - 1) : new Error('deep').stack.split('\n').length); Error.stackTraceLimit = 3; const three = f(20); Error.stackTraceLimit = 0; const none = f(20); Error.stackTraceLimit = 100; const many = f(20) > 15; Error.stackTraceLimit = before; return [before, three, none, many]; },
  'stack: limit that is no number': () => { const before = Error.stackTraceLimit; Error.stackTraceLimit = 'x'; const e = new Error('x'); const r = [typeof e.stack, Object.hasOwn(e, 'stack')]; Error.stackTraceLimit = before; return r; },
  'stack: limit deleted': () => { const before = Error.stackTraceLimit; delete Error.stackTraceLimit; const got = typeof new Error('x').stack; Error.stackTraceLimit = before; return got; },
  'stack: deep': () => { const f = (n) => (n ? f(n - 1) : new Error('deep').stack.split('\n').length); return f(100); },
  'capture: plain object': () => { const o = { name: 'O', message: 'm' }; Error.captureStackTrace(o); return [own(o.stack), Object.keys(o), typeof Object.getOwnPropertyDescriptor(o, 'stack')]; },
  'capture: nameless object': () => { const o = {}; Error.captureStackTrace(o); return o.stack.split('\n')[0]; },
  'capture: hides functions': () => { function hidden() { const o = {}; Error.captureStackTrace(o, hidden); return own(o.stack); } function shown() { return hidden(); } return shown(); },
  'capture: a function not on the stack': () => { const o = {}; Error.captureStackTrace(o, plain); return o.stack; },
  'capture: in a constructor': () => { class E extends Error { constructor(m) { super(m); Error.captureStackTrace(this, E); } } function make() { return new E('m'); } return own(make().stack); },
  'capture: with this.constructor': () => { function Old(m) { this.message = m; this.name = 'Old'; Error.captureStackTrace(this, this.constructor); } Old.prototype = Object.create(Error.prototype); const e = new Old('m'); return [own(e.stack), e instanceof Error, String(e)]; },
  'capture: frozen': () => { try { Error.captureStackTrace(Object.freeze({})); return 'fine' } catch (e) { return e.name } },
  'capture: returns': () => Error.captureStackTrace({}),
  'cause: in the stack': () => new Error('a', { cause: new Error('needle') }).stack.includes('needle'),
  'DOMException: stack': () => { const e = new DOMException('m', 'AbortError'); return [e.stack.split('\n')[0], own(e.stack).length > 1, Object.hasOwn(e, 'stack')]; },
  'aggregate: stack': () => own(new AggregateError([new Error('x')], 'm').stack)[0],
  'stack: of a function written to the global': () => { globalThis.Told = function () { throw new Error('global'); }; try { return [caught(() => globalThis.Told()), caught(() => new globalThis.Told())]; } finally { delete globalThis.Told; } },
  'stack: of functions beside one of the global': () => { globalThis.Told = function () {}; Told.fixed = function () { throw new Error('fixed'); }; Told.prototype.method = function () { throw new Error('method'); }; try { return [caught(() => Told.fixed()), caught(() => Told.prototype.method())]; } finally { delete globalThis.Told; } },
  'stack: of a class written to the global': () => { globalThis.Told = class { method() { throw new Error('method'); } static fixed() { throw new Error('fixed'); } }; try { return [caught(() => new Told().method()), caught(() => Told.fixed())]; } finally { delete globalThis.Told; } },
  'stack: of functions written to members': () => { const o = {}, exports = {}; o.f = function () { throw new Error('f'); }; o.a = { b: {} }; o.a.b.c = () => { throw new Error('c'); }; exports.handler = function () { throw new Error('handler'); }; return [caught(() => o.f()), caught(() => o.a.b.c()), caught(() => exports.handler())]; },
  'stack: of a function written to a computed key': () => { const o = {}, name = 'k'; o[name] = function () { throw new Error('computed'); }; return caught(() => o.k()); },
  'stack: of a function of a list': () => { const list = [function () { throw new Error('list'); }]; return caught(() => list[0]()); },
  'stack: of a function chosen': () => { const chosen = own ? function () { throw new Error('chosen'); } : null; return caught(() => chosen()); },
  'stack: of functions of a prototype': () => { function Old() {} Old.prototype.method = function () { throw new Error('method'); }; Old.fixed = function () { throw new Error('fixed'); }; return [caught(() => new Old().method()), caught(() => Old.fixed())]; },
  'stack: of a method by symbol': () => { const o = { [Symbol('s')]() { throw new Error('symbol'); } }; const [key] = Object.getOwnPropertySymbols(o); return caught(() => o[key]()); },
  'stack: of a private getter': () => { class A { get #p() { throw new Error('private'); } p() { return this.#p; } } return caught(() => new A().p()); },
  'stack: of fields and blocks of a class': () => [caught(() => { class A { x = plain(); } new A(); }), caught(() => { class A { static x = plain(); } }), caught(() => { class A { static { plain(); } } })],
  'stack: through an iterator helper': () => caught(() => [1].values().map(() => plain()).next()),
  'stack: columns of what calls without parentheses': () => [caught(() => +{ valueOf() { throw new Error('valueOf'); } }), caught(() => { const o = { set v(x) { throw new Error('set'); } }; o.v = 1; }), caught(() => { for (const x of { [Symbol.iterator]: () => plain() }); })],
  'stack: of a constructor that is not written': () => { class A { constructor() { throw new Error('above'); } } class B extends A {} return caught(() => new B()); },
};
