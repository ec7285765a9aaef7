// Every member of every class of the platform, called and set with arguments of all kinds, and on objects of no class:
// what each gives, or throws, at once or by its promise. A probe is a member; it tells for each outcome which
// arguments have it.
import { show } from './show.mjs';

const wait = (time) => new Promise((resolve) => setTimeout(resolve, time));
const closing = (chunk, type) => new ReadableStream({ type, start(c) { c.enqueue(chunk); c.close(); } });

const MADE = {
  Headers: () => new Headers({ a: '1' }),
  Request: () => new Request('http://a/', { method: 'POST', body: 'x' }),
  Response: () => new Response('x'),
  URL: () => new URL('http://a/b?c=d#e'),
  URLSearchParams: () => new URLSearchParams('a=1&b=2'),
  URLPattern: () => new URLPattern({ pathname: '/:a' }),
  FormData: () => { const form = new FormData(); form.append('a', 'b'); return form; },
  Blob: () => new Blob(['abc']),
  File: () => new File(['x'], 'n', { lastModified: 1 }),
  AbortController: () => new AbortController(),
  AbortSignal: () => new AbortController().signal,
  Event: () => new Event('x'),
  CustomEvent: () => new CustomEvent('x'),
  EventTarget: () => new EventTarget(),
  MessageEvent: () => new MessageEvent('m'),
  CloseEvent: () => new CloseEvent('c'),
  ErrorEvent: () => new ErrorEvent('e'),
  ReadableStream: () => closing('a'),
  ReadableStreamDefaultReader: () => closing('a').getReader(),
  ReadableStreamBYOBReader: () => closing(new Uint8Array(1), 'bytes').getReader({ mode: 'byob' }),
  WritableStream: () => new WritableStream(),
  WritableStreamDefaultWriter: () => new WritableStream().getWriter(),
  TransformStream: () => new TransformStream(),
  IdentityTransformStream: () => new IdentityTransformStream(),
  FixedLengthStream: () => new FixedLengthStream(3),
  CompressionStream: () => new CompressionStream('gzip'),
  TextEncoderStream: () => new TextEncoderStream(),
  TextDecoderStream: () => new TextDecoderStream(),
  CountQueuingStrategy: () => new CountQueuingStrategy({ highWaterMark: 1 }),
  ByteLengthQueuingStrategy: () => new ByteLengthQueuingStrategy({ highWaterMark: 1 }),
  TextEncoder: () => new TextEncoder(),
  TextDecoder: () => new TextDecoder(),
  DOMException: () => new DOMException('m'),
  HTMLRewriter: () => new HTMLRewriter(),
  MessageChannel: () => new MessageChannel(),
  MessagePort: () => new MessageChannel().port1,
  WebSocketPair: () => new WebSocketPair(),
  WebSocket: () => new WebSocketPair()[0],
  EventSource: () => EventSource.from(new ReadableStream({})),
  Crypto: () => crypto,
  SubtleCrypto: () => crypto.subtle,
  Cache: null,
  CacheStorage: () => caches,
  Performance: () => performance,
  Navigator: () => navigator,
};

const ARGUMENTS = {
  none: () => [], undefined: () => [undefined], null: () => [null], object: () => [{}], number: () => [5], negative: () => [-1],
  NaN: () => [NaN], text: () => ['x'], symbol: () => [Symbol('s')], bigint: () => [5n], boolean: () => [true], array: () => [[]],
  function: () => [() => {}], bytes: () => [new Uint8Array([1, 2])], url: () => ['http://h/p'],
  throwing: () => [{ toString() { throw new RangeError('mine'); } }], 'two texts': () => ['a', 'b'], 'two objects': () => [{}, {}],
  'three texts': () => ['a', 'b', 'c'], 'null, undefined': () => [null, undefined], 'text, number': () => ['a', 5],
  'text, null': () => ['a', null], 'text, object': () => ['a', {}],
};
const ONE = Object.keys(ARGUMENTS).filter((name) => ARGUMENTS[name]().length === 1);
// What is another each time.
const LEFT_OUT = new Set(['getRandomValues', 'randomUUID', 'now', 'timeStamp', 'constructor', 'stack']);

// These would reach for the network.
const CALLS_OUT = new Set(['EventSource', 'WebSocket', 'Navigator']);

function brief(value, depth = 0) {
  if (value instanceof Error) return `${value.constructor.name} ${value.name}: ${value.message}`;
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'symbol') return 'symbol';
  if (typeof value !== 'object' || value === null) return show(value);
  const tag = Object.prototype.toString.call(value);
  if (Array.isArray(value)) return depth > 2 ? '[…]' : value.map((item) => brief(item, depth + 1));
  if (tag !== '[object Object]') return ArrayBuffer.isView(value) ? `${tag} ${value.byteLength}` : tag;
  return depth > 2 ? '{…}' : Object.fromEntries(Object.keys(value).sort().map((key) => [key, brief(value[key], depth + 1)]));
}

async function outcome(run) {
  let given;
  try {
    given = run();
  } catch (error) {
    return `throws ${brief(error)}`;
  }
  if (!(given instanceof Promise)) return `gives ${JSON.stringify(brief(given))}`;
  const settled = given.then((value) => `resolves ${JSON.stringify(brief(value))}`, (error) => `rejects ${brief(error)}`);
  return Promise.race([settled, wait(20).then(() => 'waits')]);
}

// Outcome -> the arguments that have it.
async function outcomes(names, run) {
  const told = {};
  for (const name of names) (told[await outcome(() => run(ARGUMENTS[name]()))] ??= []).push(name);
  return Object.fromEntries(Object.entries(told).map(([what, all]) => [what, all.length === names.length ? 'all' : all.join('; ')]));
}

function descriptorOf(prototype, name) {
  for (let at = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found !== undefined) return found;
  }
}

function membersOf(prototype) {
  const names = new Set();
  for (let at = prototype; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Reflect.ownKeys(at)) if (typeof name === 'string' || name === Symbol.iterator || name === Symbol.asyncIterator) names.add(name);
  }
  return [...names].filter((name) => !LEFT_OUT.has(name));
}

const all = Object.keys(ARGUMENTS);
const FUNCTIONS = ['atob', 'btoa', 'structuredClone', 'setTimeout', 'clearTimeout', 'queueMicrotask', 'reportError', 'addEventListener', 'removeEventListener'];

async function runAll() {
  const told = {};
  for (const name of FUNCTIONS) {
    told[name] = await outcomes(all, (given) => {
      const result = globalThis[name](...given);
      if (name !== 'setTimeout') return result;
      clearTimeout(result);
      return typeof result;
    });
  }
  for (const [name, make] of Object.entries(MADE)) {
    const made = globalThis[name];
    if (made === undefined) continue;
    const asked = CALLS_OUT.has(name) ? all.filter((given) => given !== 'url') : all;
    told[`new ${name}`] = await outcomes(asked, (given) => Object.prototype.toString.call(new made(...given)));
    for (const key of Object.getOwnPropertyNames(made)) {
      if (typeof made[key] === 'function' && key !== 'prototype') told[`${name}.${key}`] = await outcomes(all, (given) => made[key](...given));
    }
    if (make === null) continue;
    for (const key of membersOf(made.prototype)) {
      const { get, set, value } = descriptorOf(made.prototype, key);
      const place = `${name}#${String(key)}`;
      if (get !== undefined || set !== undefined) {
        told[place] = [await outcome(() => make()[key]), await outcome(() => get.call({})), await outcome(() => get.call(undefined))];
        if (set !== undefined) told[`${place} =`] = await outcomes(ONE, ([given]) => { const object = make(); object[key] = given; return object[key]; });
      } else if (typeof value === 'function') {
        told[place] = [await outcomes(asked, (given) => make()[key](...given)), await outcome(() => value.call({})), await outcome(() => value.call(undefined)), value.length];
      } else {
        told[place] = brief(value);
      }
    }
  }
  return told;
}

export default {
  async fetch() {
    return Response.json(await runAll());
  },
};
