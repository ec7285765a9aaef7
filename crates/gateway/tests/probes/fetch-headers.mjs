// Headers, in the manner of the web platform tests: construction, normalisation, combining, order, iteration, guards.
import { each, list, members } from './fetch-tools.mjs';

const H = (...all) => new Headers(...all);

export const headers = {
  'headers: surface': () => [members(Headers.prototype), Headers.length, String(H()), members(H()), Object.keys(Headers.prototype)],
  'headers: descriptors': () => ['append', 'get', 'entries', 'forEach', 'getAll', Symbol.iterator, Symbol.toStringTag].map((name) => {
    const it = Object.getOwnPropertyDescriptor(Headers.prototype, name);
    return it && [it.enumerable, it.writable, it.configurable, typeof it.value, it.value?.name, it.value?.length];
  }),
  'headers: method lengths': () => members(Headers.prototype).map((name) => [name, Headers.prototype[name]?.length]),
  'headers: iterator is entries': () => Headers.prototype[Symbol.iterator] === Headers.prototype.entries,
  'headers: inits': () => each(() => list(H()), () => list(H(undefined)), () => H(null), () => list(H({})), () => H(1), () => H('a'),
    () => H(true), () => list(H([])), () => list(H([['a', 'b']])), () => list(H(new Map([['a', '1']]))), () => list(H(H({ a: '1' }))),
    () => list(H(Object.create({ a: '1' }))), () => list(H(() => {})), () => H(Symbol('s')), () => list(H(new Date(0))), () => list(H(/x/))),
  'headers: pairs': () => each(() => H([['a']]), () => H([['a', 'b', 'c']]), () => H([[]]), () => H(['ab']), () => H([1]), () => H([null]),
    () => list(H([new Set(['a', 'b'])])), () => H([{}]), () => list(H([['a', 1], ['b', null], ['c', undefined], ['d', {}]])), () => H(['abc'])),
  'headers: record': () => each(() => list(H({ A: 1, b: null, C: undefined, d: [1, 2], e: {} })), () => H({ 'a b': '1' }), () => H({ a: '\n\0' }),
    () => list(H({ a: ' x ', A: 'y' })), () => list(H({ [Symbol('s')]: 'x', a: 'b' })), () => list(H({ a: Symbol('x') })), () => list(H({ 'é': '1' }))),
  'headers: a record skips what is not enumerable': () => {
    const init = { a: '1' };
    Object.defineProperty(init, 'b', { value: '2', enumerable: false });
    return list(H(init));
  },
  'headers: order of a record\'s getters': () => {
    const seen = [];
    const init = new Proxy({ b: '1', a: '2' }, {
      get: (target, key) => { seen.push(`get ${String(key)}`); return target[key]; },
      ownKeys: (target) => { seen.push('ownKeys'); return Reflect.ownKeys(target); },
    });
    const made = list(H(init));
    return [made, seen.filter((it) => !it.includes('Symbol'))];
  },
  'headers: iterator that throws': () => each(() => H({ [Symbol.iterator]() { throw new RangeError('mine'); } }),
    () => H({ get a() { throw new RangeError('getter'); } }), () => H({ [Symbol.iterator]: null, a: '1' }), () => H({ [Symbol.iterator]: 1 })),
  'headers: copies keep set-cookie apart': () => {
    const first = H([['set-cookie', 'a=1'], ['x', '1'], ['Set-Cookie', 'b=2'], ['X', '2']]);
    const second = H(first);
    second.append('set-cookie', 'c=3');
    return [list(first), list(second), first.getSetCookie(), second.getSetCookie()];
  },
  'headers: names refused': () => each(...['', ' ', 'a b', 'a:', 'a\n', '(', ')', '<', '>', '@', ',', ';', '\\', '"', '/', '[', ']', '?', '=', '{', '}',
    '\x7f', '\x80', 'é', '日', 'a\0', '\t', '!', '#', '$', '%', '&', "'", '*', '+', '-', '.', '^', '_', '`', '|', '~', '1'].map((name) => () => list(H([[name, 'v']])))),
  'headers: names in each method': () => each(...['get', 'has', 'delete', 'set', 'append', 'getAll'].map((method) => () => H()[method]('a b', 'v'))),
  'headers: empty name in each method': () => each(...['get', 'has', 'delete', 'set', 'append', 'getAll'].map((method) => () => H()[method]('', 'v'))),
  'headers: values refused': () => each(...['\n', '\r', '\0', 'a\nb', 'a\rb', 'a\0b', ' a ', '\ta\t', '\na\n', '\x01', '\x7f', 'é', '日本', '\ud800', '\x0b', 'a\tb', '\r\n a', 'a\r\n b', '\xa0a\xa0']
    .map((value) => () => list(H([['a', value]])))),
  'headers: values coerced': () => each(...[1, null, undefined, true, {}, [], [1, 2], 1n, { toString: () => 'mine' }, Symbol('s'), { toString() { throw new RangeError('x'); } }]
    .map((value) => () => { const made = H(); made.set('a', value); made.append('a', value); return list(made); })),
  'headers: names coerced': () => each(...[1, null, undefined, true, { toString: () => 'Mine' }, Symbol('s'), 1n]
    .map((name) => () => { const made = H(); made.set(name, 'v'); return [list(made), made.get(name), made.has(name)]; })),
  'headers: missing arguments': () => each(...['get', 'has', 'delete', 'getAll', 'set', 'append', 'forEach'].map((method) => () => H()[method]()),
    () => H().set('a'), () => H().append('a')),
  'headers: get, has, delete, set': () => {
    const made = H([['A', '1'], ['a', '2'], ['b', '']]);
    const before = [made.get('A'), made.get('a'), made.get('b'), made.get('c'), made.has('B'), made.has('c')];
    made.set('A', '3');
    made.delete('B');
    made.delete('none');
    return [before, list(made), made.set('x', 'y'), made.append('x', 'z'), made.delete('x')];
  },
  'headers: has with a value': () => [H({ a: '1' }).has('a', '2'), H({ a: '1' }).has('a', '1')],
  'headers: sorted and combined': () => list(H([['z', '1'], ['a', '2'], ['Z', '3'], ['b', ''], ['b', ''], ['A-b', 'x'], ['a_b', 'y'], ['set-cookie', 'q'], ['1', 'n'], ['set-cookie', 'r'], ['b', 'z'], ['10', 'm'], ['2', 'l']])),
  'headers: numeric names keep their order': () => list(H({ 10: 'a', 9: 'b', 100: 'c', x: 'd' })),
  'headers: keys, values, forEach': () => {
    const made = H([['b', '1'], ['a', '2'], ['set-cookie', 'x'], ['set-cookie', 'y'], ['b', '3']]);
    const seen = [];
    made.forEach(function (value, name, all) { seen.push([value, name, all === made, this === 5 || typeof this]); }, 5);
    return [[...made.keys()], [...made.values()], [...made.entries()], seen, made.forEach(() => 1)];
  },
  'headers: forEach takes a function': () => each(() => H().forEach(1), () => H().forEach(null), () => H().forEach({}), () => H({ a: '1' }).forEach(() => { throw new RangeError('mine'); })),
  'headers: iterators': () => {
    const made = H({ a: '1' });
    const iterator = made.entries();
    const prototype = Object.getPrototypeOf(iterator);
    return [String(iterator), iterator[Symbol.iterator]() === iterator, Object.prototype.toString.call(made.keys()), members(prototype),
      typeof prototype.next, Object.getOwnPropertyNames(Object.getPrototypeOf(prototype)).sort(), iterator.next(), iterator.next(), iterator.next()];
  },
  'headers: changed while iterated': () => {
    const made = H({ a: '1', b: '2' });
    const seen = [];
    for (const [name, value] of made) {
      seen.push(`${name}=${value}`);
      if (name === 'a') { made.append('c', '3'); made.delete('b'); }
    }
    return seen;
  },
  'headers: appended before the present place': () => {
    const made = H({ b: '1', c: '2' });
    const seen = [];
    for (const [name] of made) {
      seen.push(name);
      if (seen.length === 1) made.append('a', '0');
      if (seen.length > 6) break;
    }
    return seen;
  },
  'headers: getSetCookie, getAll': () => each(() => H().getSetCookie(), () => H([['Set-Cookie', 'a'], ['set-cookie', 'b']]).getSetCookie(),
    () => H([['Set-Cookie', 'a'], ['set-cookie', 'b']]).getAll('SET-COOKIE'), () => H([['Set-Cookie', 'a'], ['set-cookie', 'b']]).get('set-cookie'),
    () => H({ a: '1' }).getAll('a'), () => H().getAll('x'), () => H({ 'set-cookie2': 'x' }).getSetCookie()),
  'headers: set replaces all set-cookie': () => {
    const made = H([['set-cookie', 'a'], ['x', '1'], ['set-cookie', 'b']]);
    made.set('Set-Cookie', 'c');
    return list(made);
  },
  'headers: unbound': () => each(() => Headers.prototype.get.call({}, 'a'), () => Headers.prototype.has.call(undefined, 'a'), () => Headers.prototype.entries.call({}),
    () => Headers.prototype.getSetCookie.call([]), () => Headers.prototype.forEach.call({}, () => {}), () => Headers.prototype.append.call(null, 'a', 'b')),
  'headers: subclass': () => {
    class Mine extends Headers { get(name) { return `mine ${super.get(name)}`; } }
    const made = new Mine({ a: '1' });
    return [made.get('a'), made instanceof Headers, String(made), new Request('http://a/', { headers: made }).headers.get('a'), made.constructor.name];
  },
  'headers: a proxy of one': () => each(() => list(H(new Proxy(H({ a: '1' }), {}))), () => new Proxy(H({ a: '1' }), {}).get('a')),
  'headers: JSON and spread': () => [JSON.stringify(H({ a: '1' })), { ...H({ a: '1' }) }, Object.fromEntries(H({ a: '1' })), [...H({ a: '1' })]],
  'headers: long ones': () => [H({ a: 'x'.repeat(100_000) }).get('a').length, H({ ['n'.repeat(1000)]: '1' }).has('n'.repeat(1000))],
  'headers: forbidden names are allowed': () => list(H([['cookie', 'a'], ['host', 'h'], ['content-length', '5'], ['connection', 'x'], ['sec-fetch-mode', 'x'], ['date', 'd']])),
  'headers: delete then append': () => { const made = H({ a: '1' }); made.delete('a'); made.append('A', '2'); made.append('a', '3'); return list(made); },
};
