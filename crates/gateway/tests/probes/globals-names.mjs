// What globalThis has, how it is described, and the objects on it.
import { tries } from './show.mjs';

const describe = (object, name) => {
  const found = Object.getOwnPropertyDescriptor(object, name);
  if (found === undefined) return 'none';
  const { value, get, set, enumerable, configurable, writable } = found;
  const flags = `${enumerable ? 'e' : '-'}${configurable ? 'c' : '-'}`;
  return get || set ? `${flags} ${get ? 'get' : ''}${set ? 'set' : ''}` : `${flags}${writable ? 'w' : '-'} ${typeof value}`;
};
// Where along the chain a name is, and its description there.
const place = (name) => {
  let depth = 0;
  for (let at = globalThis; at !== null; at = Object.getPrototypeOf(at), depth++) {
    if (Object.hasOwn(at, name)) return `${depth} ${describe(at, name)}`;
  }
  return 'none';
};
const places = (...list) => () => Object.fromEntries(list.join(' ').split(' ').filter((name) => !OTHERS.includes(name)).map((name) => [name, place(name)]));
// Names that are no part of this area.
const OTHERS = ['Intl', 'WebAssembly'];
const mine = (list) => list.filter((name) => !OTHERS.includes(name)).sort();
const chain = (object) => { const list = []; for (let at = object; at !== null; at = Object.getPrototypeOf(at)) list.push(at.constructor?.name ?? '?'); return list; };

export const names = {
  'classes of events': places('AbortController AbortSignal CustomEvent ErrorEvent Event EventTarget MessageEvent PromiseRejectionEvent CloseEvent ExtendableEvent FetchEvent ScheduledEvent TailEvent TraceEvent'),
  'classes of streams': places('ByteLengthQueuingStrategy CountQueuingStrategy CompressionStream DecompressionStream FixedLengthStream IdentityTransformStream ReadableByteStreamController ReadableStream ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableStreamDefaultController ReadableStreamDefaultReader TextDecoderStream TextEncoderStream TransformStream TransformStreamDefaultController WritableStream WritableStreamDefaultController WritableStreamDefaultWriter'),
  'classes of fetch': places('Blob Body Cache CacheStorage File FormData Headers Request Response WebSocket WebSocketPair WebSocketRequestResponsePair HTMLRewriter EventSource'),
  'other classes': places('Crypto CryptoKey SubtleCrypto DOMException MessageChannel MessagePort Navigator TextDecoder TextEncoder URL URLPattern URLSearchParams WorkerGlobalScope ServiceWorkerGlobalScope Performance'),
  'functions': places('atob btoa clearInterval clearTimeout fetch queueMicrotask reportError setInterval setTimeout structuredClone addEventListener removeEventListener dispatchEvent'),
  'objects': places('caches console crypto navigator origin performance scheduler self Cloudflare globalThis'),
  'names that are not there': places('window document Buffer process global require module exports setImmediate clearImmediate XMLHttpRequest importScripts postMessage close name location onmessage onfetch alert Deno Bun Worker BroadcastChannel Performance PerformanceEntry Scheduler Console TaskController Temporal ShadowRealm gc print std os navigation'),
  'language names': places('AggregateError Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date DisposableStack Error EvalError FinalizationRegistry Float16Array Float32Array Float64Array Function Infinity Int8Array Iterator JSON Map Math NaN Number Object Promise Proxy RangeError Reflect RegExp Set SharedArrayBuffer String SuppressedError Symbol SyntaxError TypeError URIError Uint8Array WeakMap WeakRef WeakSet decodeURI encodeURIComponent escape eval isNaN parseInt undefined unescape'),
  'own names': () => mine(Object.getOwnPropertyNames(globalThis)),
  'inherited names': () => [1, 2, 3].map((depth) => { let at = globalThis; for (let i = 0; i < depth; i++) at = Object.getPrototypeOf(at); return mine(Object.getOwnPropertyNames(at)); }),
  'enumerable names': () => { const list = []; for (const name in globalThis) list.push(name); return mine(list); },
  'the chain of globalThis': () => [chain(globalThis), String(globalThis), self === globalThis, globalThis instanceof ServiceWorkerGlobalScope],
  'what the global is an instance of': () => [globalThis instanceof EventTarget, globalThis instanceof WorkerGlobalScope],
  'global constructors': () => tries(() => new ServiceWorkerGlobalScope(), () => new WorkerGlobalScope(), () => new Navigator()),
  'origin': () => [typeof origin, origin],
  'this of a module function': () => typeof (function () { return this; })(),
  'classes called without new': () => tries(...['URL', 'URLPattern', 'URLSearchParams', 'TextDecoder', 'TextEncoder', 'TextDecoderStream', 'DOMException', 'AbortController', 'MessageChannel', 'EventSource', 'Event', 'EventTarget', 'FixedLengthStream', 'IdentityTransformStream', 'ReadableStream', 'TransformStream', 'WritableStream', 'WritableStreamDefaultWriter'].map((name) => () => globalThis[name]('http://a'))),
  'methods of another object': () => tries(() => URL.prototype.toString.call({}), () => URLSearchParams.prototype.get.call({}, 'a'), () => URLSearchParams.prototype.size, () => TextEncoder.prototype.encode.call({}, 'x'), () => URLPattern.prototype.exec.call({}), () => ReadableStream.prototype.pipeTo.call({}, new WritableStream()), () => EventTarget.prototype.addEventListener.call({}, 'x', () => {}), () => setTimeout.call({}, () => {}) > 0, () => URL.prototype.href),
  'read-only properties are written': () => tries(() => { new URL('http://a').origin = 'x'; }, () => { new URL('http://a').searchParams = 'x'; }, () => { new TextDecoder().encoding = 'x'; }, () => { new AbortController().signal.aborted = true; }, () => { new Event('x').type = 'y'; }, () => { new Event('x').returnValue = false; }, () => { new ReadableStream().locked = true; }, () => { navigator.userAgent = 'x'; }, () => { new DOMException('m').name = 'x'; }),
  'class chains': () => [TransformStream, IdentityTransformStream, FixedLengthStream, TextEncoderStream, AbortSignal, CustomEvent, File, Response, DOMException, MessagePort, EventSource].map((of) => chain(of.prototype)),
  'class statics': () => [URL, TextDecoder, ReadableStream, AbortSignal, EventSource, Event, DOMException, FixedLengthStream].map((of) => [of.length, describe(of, 'name')]),
  'what classes inherit from': () => [AbortSignal, EventSource, FixedLengthStream, CustomEvent, DOMException, File, Response].map((of) => Object.getPrototypeOf(of) === Function.prototype),
  'prototype members': () => [[URL, 'href'], [URL, 'toString'], [TextDecoder, 'decode'], [TextDecoder, 'encoding'], [ReadableStream, 'locked'], [ReadableStream, 'getReader'], [ReadableStream, 'values'], [Event, 'type'], [EventTarget, 'addEventListener'], [AbortSignal, 'aborted'], [AbortSignal, 'onabort'], [URLSearchParams, 'size'], [URLSearchParams, 'get'], [ReadableStream, Symbol.asyncIterator], [URLSearchParams, Symbol.iterator], [URL, Symbol.toStringTag], [WritableStreamDefaultWriter, 'closed'], [URL, 'constructor']].map(([of, name]) => `${of.name} ${String(name)} ${describe(of.prototype, name)}`),
  'texts of functions': () => [fetch, structuredClone, setTimeout, queueMicrotask, addEventListener, Headers, Response, URL, EventTarget, DOMException, WebSocketPair, HTMLRewriter, Response.json, AbortSignal.any, Headers.prototype.get, ReadableStream.prototype.getReader, crypto.subtle.digest, caches.open, performance.now, Promise].map((run) => Function.prototype.toString.call(run)),
  'navigator': () => [navigator.userAgent, navigator.language, navigator.languages, navigator.hardwareConcurrency, navigator.platform, navigator.onLine, String(navigator), Object.getOwnPropertyNames(Navigator.prototype).sort(), typeof navigator.gpu, typeof navigator.sendBeacon],
  'navigator.sendBeacon': () => tries(() => navigator.sendBeacon(), () => navigator.sendBeacon('nope'), () => navigator.sendBeacon('/x', 'y')),
  'performance': () => [String(performance), performance.timeOrigin, typeof performance.now(), Object.getOwnPropertyNames(Object.getPrototypeOf(performance)).sort(), Object.keys(performance), typeof performance.toJSON, chain(performance)],
  'performance entries': () => ['mark', 'measure', 'getEntries', 'getEntriesByName', 'getEntriesByType', 'clearMarks', 'clearMeasures', 'clearResourceTimings', 'eventLoopUtilization', 'timerify', 'toJSON'].map((name) => typeof performance[name]),
  'the clock': () => { const a = performance.now(); const b = Date.now(); return [Number.isInteger(a), Math.abs(a - b) < 100, performance.timeOrigin === 0]; },
  'console': () => [Object.keys(console), String(console), typeof console.createTask, typeof console.context, Object.getPrototypeOf(console) === Object.prototype, describe(console, 'log'), console.log.length, console.log.name],
  'names of console methods': () => Object.keys(console).map((name) => `${name} ${console[name].name}`),
  'console gives nothing': () => ['log', 'info', 'debug', 'warn', 'error', 'trace', 'assert', 'clear', 'count', 'countReset', 'dir', 'dirxml', 'group', 'groupCollapsed', 'groupEnd', 'table', 'time', 'timeEnd', 'timeLog', 'timeStamp', 'profile', 'profileEnd'].map((name) => typeof console[name] === 'function' ? typeof console[name]('x') : 'none'),
  'console with odd values': () => tries(() => console.log(Symbol('x')), () => console.log({ get x() { throw new Error('x'); } }), () => console.log(new Proxy({}, { get() { throw new Error('x'); } })), () => console.log({ toString() { throw new Error('x'); } }), () => console.table(5), () => console.table(null), () => console.count(Symbol('x')), () => console.timeEnd('never'), () => console.groupEnd(), () => console.dir(null), () => console.assert(), () => { const { log } = console; log('unbound'); }),
  'Cloudflare': () => [String(Cloudflare), Object.keys(Cloudflare), typeof Cloudflare.compatibilityFlags, Object.isFrozen(Cloudflare.compatibilityFlags), Cloudflare.compatibilityFlags.nodejs_compat, chain(Cloudflare)],
};
