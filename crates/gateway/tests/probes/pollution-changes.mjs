// What a script may do to the built-ins.
import { ITERATOR, all } from './pollution-tools.mjs';

const prototypeOf = Object.getPrototypeOf;
const arrayIterator = prototypeOf([][ITERATOR]());
const typedArray = prototypeOf(Uint8Array);

export const changes = {
  'methods of Array': all(Array.prototype),
  'methods of Array deleted': all(Array.prototype, 'delete'),
  'array iterators': [[arrayIterator, 'next', 'evil'], [Array.prototype, ITERATOR, 'evil']],
  'setters of indices': [0, 1, 2, 3].map((index) => [Array.prototype, index, 'setter']),
  'values of indices': [0, 1, 2, 3].map((index) => [Array.prototype, index, 'polluted']),
  'methods of Function': all(Function.prototype, 'evil', ['arguments', 'caller', Symbol.hasInstance]),
  'methods of Function deleted': all(Function.prototype, 'delete', ['arguments', 'caller']),
  'methods of RegExp': all(RegExp.prototype),
  'methods of String': all(String.prototype),
  'methods of String deleted': all(String.prototype, 'delete'),
  'methods of Number and Boolean': [...all(Number.prototype), ...all(Boolean.prototype)],
  'methods of Map': all(Map.prototype),
  'methods of Set': all(Set.prototype),
  'methods of WeakMap': [...all(WeakMap.prototype), ...all(WeakSet.prototype), ...all(WeakRef.prototype)],
  'methods of Promise': all(Promise.prototype),
  'statics of Promise': all(Promise, 'evil', [Symbol.species]),
  'methods of Object': all(Object.prototype, 'evil', ['__proto__']),
  'statics of Object': all(Object),
  'statics of Array, Number, String': [...all(Array, 'evil', [Symbol.species]), ...all(Number), ...all(String)],
  'methods of typed arrays': [...all(typedArray.prototype, 'evil', [Symbol.toStringTag]), ...all(Uint8Array.prototype)],
  'methods of buffers': [...all(ArrayBuffer.prototype), ...all(DataView.prototype), ...all(ArrayBuffer)],
  'methods of Date': all(Date.prototype),
  'methods of Error': [...all(Error.prototype, 'evil', ['name', 'message']), [Error, 'captureStackTrace', 'evil']],
  'iterator helpers': all(Iterator.prototype, 'evil', [Symbol.toStringTag, Symbol.dispose]),
  'Reflect, JSON and Math': [...all(Reflect), ...all(JSON), ...all(Math)],
  'globals of the language': ['Uint8Array', 'ArrayBuffer', 'DataView', 'Promise', 'Map', 'Set', 'WeakMap', 'Symbol', 'Array',
    'Object', 'String', 'Number', 'Boolean', 'Error', 'TypeError', 'RangeError', 'RegExp', 'Date', 'JSON', 'Reflect', 'Math',
    'Proxy', 'Function', 'BigInt', 'parseInt', 'decodeURIComponent', 'isNaN'].map((name) => [globalThis, name, 'evil']),
  'globals of the language deleted': ['Uint8Array', 'Promise', 'Map', 'Set', 'WeakMap', 'Symbol', 'Array', 'Object', 'TypeError',
    'RegExp', 'JSON', 'Reflect', 'Math'].map((name) => [globalThis, name, 'delete']),
  'globals of the platform': ['Headers', 'Request', 'Response', 'URL', 'URLSearchParams', 'ReadableStream', 'Blob', 'File', 'FormData',
    'TextEncoder', 'TextDecoder', 'Event', 'EventTarget', 'AbortSignal', 'AbortController', 'DOMException', 'queueMicrotask',
    'setTimeout', 'fetch', 'crypto', 'console'].map((name) => [globalThis, name, 'evil']),
  'methods of Headers': all(Headers.prototype, 'evil', [Symbol.toStringTag]),
  'methods of Request and Response': [
    ...all(Request.prototype, 'evil', [Symbol.toStringTag]), ...all(Response.prototype, 'evil', [Symbol.toStringTag]),
    ...all(Body.prototype, 'evil', [Symbol.toStringTag])],
  'methods of streams': [ReadableStream, WritableStream, TransformStream, ReadableStreamDefaultReader, ReadableStreamDefaultController,
    WritableStreamDefaultWriter].flatMap((made) => all(made.prototype, 'evil', [Symbol.toStringTag])),
  'methods of URL': [...all(URL.prototype, 'evil', [Symbol.toStringTag]), ...all(URLSearchParams.prototype, 'evil', [Symbol.toStringTag])],
  'methods of events': [Event, EventTarget, AbortSignal, AbortController]
    .flatMap((made) => all(made.prototype, 'evil', [Symbol.toStringTag])),
  'fields of descriptors': ['value', 'writable', 'enumerable', 'configurable'].map((key) => [Object.prototype, key, 'polluted']),
  'getters of descriptors': ['get', 'set'].map((key) => [Object.prototype, key, 'evil']),
  'names of state': ['done', 'next', 'return', 'resolve', 'reject', 'promise', 'reason', 'state', 'stream', 'queue', 'size', 'length',
    'callback', 'kind', 'id', 'list', 'owner', 'text', 'bytes', 'then_'].map((key) => [Object.prototype, key, 'setter']),
};
