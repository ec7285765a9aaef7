// What inspect.js shows of the platform's own objects, which keep their state in private fields: what getters say, by
// name, or the entries that are iterated; then, in brackets, what no getter says. As on workerd.
import { innerReadable } from './readable.js';
import { immutableHeaders } from './headers.js';
import { innerWritable } from './writable.js';
import { ServiceWorkerGlobalScope } from './global-scope.js';

export const ITERATED = [];

const BASE = ['type', 'eventPhase', 'composed', 'bubbles', 'cancelable', 'defaultPrevented', 'returnValue',
  'currentTarget', 'target', 'srcElement', 'timeStamp', 'isTrusted', 'cancelBubble'];
const CONSTANTS = ['NONE', 'CAPTURING_PHASE', 'AT_TARGET', 'BUBBLING_PHASE'];
const PAIR = ['readable', 'writable'];

const SHOWN = {
  __proto__: null,
  Headers: ITERATED,
  URLSearchParams: ITERATED,
  FormData: ITERATED,
  Request: ['method', 'url', 'headers', 'redirect', 'fetcher', 'signal', 'cf', 'integrity', 'keepalive', 'cache', 'body',
    'bodyUsed'],
  Response: ['status', 'statusText', 'headers', 'ok', 'redirected', 'url', 'webSocket', 'cf', 'type', 'body', 'bodyUsed'],
  URL: ['origin', 'href', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash',
    'searchParams'],
  URLPattern: ['protocol', 'username', 'password', 'hostname', 'port', 'pathname', 'search', 'hash', 'hasRegExpGroups'],
  Blob: ['size', 'type'],
  File: ['name', 'lastModified', 'size', 'type'],
  AbortController: ['signal'],
  AbortSignal: ['aborted', 'reason', 'onabort'],
  ReadableStream: ['locked'],
  ReadableStreamDefaultReader: ['closed'],
  ReadableStreamBYOBReader: ['closed'],
  WritableStream: ['locked'],
  WritableStreamDefaultWriter: ['closed', 'ready', 'desiredSize'],
  TransformStream: PAIR,
  IdentityTransformStream: PAIR,
  FixedLengthStream: PAIR,
  CompressionStream: PAIR,
  DecompressionStream: PAIR,
  TextEncoderStream: ['encoding', ...PAIR],
  TextDecoderStream: ['encoding', 'fatal', 'ignoreBOM', ...PAIR],
  CountQueuingStrategy: ['highWaterMark'],
  ByteLengthQueuingStrategy: ['highWaterMark'],
  TextEncoder: ['encoding'],
  TextDecoder: ['encoding', 'fatal', 'ignoreBOM'],
  Crypto: ['subtle'],
  CryptoKey: ['usages', 'algorithm', 'extractable', 'type'],
  Navigator: ['languages', 'language', 'platform', 'hardwareConcurrency', 'userAgent'],
  Performance: ['timeOrigin'],
  DOMException: ['code', 'name', 'message', 'stack'],
  WebSocket: ['readyState', 'bufferedAmount', 'url', 'protocol', 'extensions', 'binaryType'],
  MessageChannel: ['port2', 'port1'],
  MessagePort: ['onmessage'],
  EventSource: ['url', 'withCredentials', 'readyState', 'onopen', 'onmessage', 'onerror'],
  Event: BASE,
  CustomEvent: ['detail', ...BASE],
  CloseEvent: ['wasClean', 'reason', 'code', ...BASE],
  ErrorEvent: ['filename', 'message', 'lineno', 'colno', 'error', ...BASE],
  MessageEvent: ['ports', 'source', 'lastEventId', 'origin', 'data', ...BASE],
};

const READABLE = ['readable', 'closed', 'errored'];
const WRITABLE = ['writable', 'erroring', 'errored', 'closed'];

const HIDDEN = {
  __proto__: null,
  Headers: (headers) => [['immutable', immutableHeaders(headers)]],
  ReadableStream(stream) {
    const { state, controller, length } = innerReadable(stream);
    const left = length === null ? undefined : BigInt(state === 0 ? length : 0);
    return [['state', READABLE[state]], ['supportsBYOB', Boolean(controller.bytes)], ['length', left]];
  },
  WritableStream(stream) {
    const { state, controller } = innerWritable(stream);
    return [['state', WRITABLE[state]], ['expectsBytes', controller.bytes === true || controller.convert !== undefined]];
  },
};

// What is shown of an object with that tag: names of getters or ITERATED; undefined where it only says that it is one.
export function shownOf(value, tag) {
  const shown = SHOWN[tag];
  if (shown === undefined) return undefined;
  const made = ServiceWorkerGlobalScope.prototype[tag] ?? value.constructor;
  try {
    if (!(value instanceof made)) return undefined;
    if (shown === ITERATED) [...value];
    else value[shown[0]];
  } catch {
    return undefined; // its prototype, say
  }
  const isEvent = shown.length >= BASE.length && shown.at(-1) === BASE.at(-1);
  const plain = ServiceWorkerGlobalScope.prototype.Event.prototype;
  return isEvent && Object.getPrototypeOf(value) !== plain ? [...shown, ...CONSTANTS] : shown;
}

export function hiddenOf(value, tag) {
  return HIDDEN[tag]?.(value) ?? [];
}
