// What packages add to built-ins, or put in their place, and expect the platform to heed or to leave alone.
import { tries } from './show.mjs';

const { defineProperty, getOwnPropertyDescriptor } = Object;

// Runs `action` while each [object, key, value] is set, by assignment as packages do.
async function having(list, action) {
  const before = list.map(([object, key]) => getOwnPropertyDescriptor(object, key));
  for (const [object, key, value] of list) object[key] = value;
  try {
    return await tries(...action);
  } finally {
    list.forEach(([object, key], index) => {
      delete object[key];
      if (before[index] !== undefined) defineProperty(object, key, before[index]);
    });
  }
}

const text = (body) => new Response(body).text();

export const idioms = {
  'toJSON of bigints': () => having([[BigInt.prototype, 'toJSON', function () { return `${this}n`; }]], [
    () => Response.json({ a: 1n }).text(),
    () => JSON.stringify([2n]),
    () => Response.json(3n).text(),
  ]),
  'toJSON of dates and maps': () => having([
    [Date.prototype, 'toJSON', () => 'a date'],
    [Map.prototype, 'toJSON', function () { return [...this]; }],
  ], [
    () => Response.json([new Date(0), new Map([[1, 2]])]).text(),
    () => JSON.stringify(new Map([[3, 4]])),
  ]),
  'toString of dates and lists': () => having([
    [Date.prototype, 'toString', () => 'now'], [Array.prototype, 'toString', () => 'list'], [Object.prototype, 'toString', () => 'thing'],
  ], [
    () => text([1, 2]),
    () => text({}),
    () => new Headers({ a: [1, 2], b: {} }).get('a'),
    () => new URLSearchParams({ a: [1], b: {} }).toString(),
    () => new Request(['https://example.com/']).url,
    () => new Blob([[1, 2], {}]).text(),
    () => btoa([1]),
  ]),
  'a method for all strings and lists': () => having([
    [String.prototype, 'shout', function () { return `${this.toUpperCase()}!`; }],
    [Array.prototype, 'last', function () { return this[this.length - 1]; }],
    [Function.prototype, 'twice', function (value) { return this(this(value)); }],
  ], [
    () => new URL('https://example.com/a').pathname.shout(),
    () => [...new Headers({ a: '1', b: '2' })].last().last().shout(),
    () => encodeURIComponent.twice(' '),
    () => { let keys = ''; for (const key in [1]) keys += key; return keys; },
    () => [...new URLSearchParams('a=1&b=2').keys()].last(),
    () => structuredClone([1, 2]).last(),
  ]),
  'an enumerable name on all objects': () => having([[Object.prototype, 'everywhere', 'x']], [
    () => [...new Headers({ a: '1' })],
    () => new URLSearchParams({ a: '1' }).toString(),
    () => JSON.stringify(structuredClone({ a: 1 })),
    () => Response.json({ a: 1 }).text(),
    () => [...new FormData()].length,
  ]),
  'polyfills by assignment': () => having([
    [globalThis, 'Promise', class extends Promise {}], [globalThis, 'fetch', () => 'mine'], [globalThis, 'Headers', class extends Headers {}],
    [globalThis, 'URL', class extends URL {}], [Array, 'from', (list) => [...list, 'more']], [Object, 'assign', () => 'none'],
  ], [
    () => new Response('x', { headers: new Headers({ a: '1' }) }).headers.get('a'),
    () => new Response('x').headers.constructor === Headers,
    () => new Response('x').text() instanceof Promise,
    () => fetch('https://example.com'),
    () => new Request(new URL('https://example.com/a')).url,
    () => [...new Headers([['a', 'b']]).keys()],
    () => Array.from('ab'),
  ]),
  'a promise that is wrapped': () => {
    const { then } = Promise.prototype;
    let calls = 0;
    return having([[Promise.prototype, 'then', function (...both) { calls++; return Reflect.apply(then, this, both); }]], [
      () => text('x'),
      async () => (await new ReadableStream({ start(c) { c.enqueue(1); c.close(); } }).getReader().read()).value,
      () => calls > 0,
      () => new Response('y').text().finally(() => 'z'),
    ]);
  },
  'a subclass of what was changed': () => having([[Response.prototype, 'told', function () { return this.status; }], [Response, 'made', () => new Response('made')]], [
    () => new (class extends Response {})('x', { status: 201 }).told(),
    () => Response.made().text(),
    () => (class extends Response {}).made().told(),
  ]),
  'templates': () => having([[String.prototype, 'concat', () => 'spoilt']], [
    () => `${1}-${'a'}-${[2, 3]}`,
    () => 'a'.concat('b'),
    () => `${{ toString: () => 'mine' }}`,
    () => `${Symbol('s')}`,
  ]),
  'a lexical name of the platform': async () => {
    const told = [];
    globalThis.queueMicrotask = () => told.push('mine');
    globalThis.TypeError = class {};
    try {
      new Headers([['a']]);
    } catch (error) {
      told.push(error.constructor.name, error.constructor === TypeError, error instanceof Error);
    }
    delete globalThis.queueMicrotask;
    defineProperty(globalThis, 'TypeError', { value: WAS, writable: true, configurable: true });
    await new ReadableStream({ pull(c) { c.close(); } }).getReader().read();
    return told;
  },
};
const WAS = TypeError;
