// What a script finds on globalThis, installed in one go: as on workerd the classes and functions are enumerable and
// lie on the prototype of the global, its objects on the global itself.
import { AbortController, AbortSignal } from './abort.js';
import { Blob, File } from './blob.js';
import { atob, btoa } from './base64.js';
import { Body } from './body.js';
import { ReadableStreamBYOBRequest } from './byte-controller.js';
import { Cache, CacheStorage, caches } from './cache.js';
import { knowClasses, structuredClone } from './clone.js';
import { Cloudflare } from './compatibility.js';
import { console } from './console.js';
import { Crypto, CryptoKey, SubtleCrypto, crypto } from './crypto.js';
import { TextDecoder, TextEncoder } from './encoding.js';
import { DOMException } from './errors.js';
import { EventSource } from './event-source.js';
import { CustomEvent, ErrorEvent, Event, EventTarget } from './events.js';
import { fetch } from './fetch.js';
import { FormData } from './formdata.js';
import {
  PromiseRejectionEvent, ServiceWorkerGlobalScope, WorkerGlobalScope, inherit, queueMicrotask, reportError,
} from './global-scope.js';
import { Headers } from './headers.js';
import { FixedLengthStream, IdentityTransformStream } from './identity.js';
import { MessageChannel, MessagePort } from './message-channel.js';
import { MessageEvent } from './message-event.js';
import { Navigator, navigator } from './navigator.js';
import { performance } from './performance.js';
import { ReadableStream, ReadableStreamDefaultReader } from './readable.js';
import { ReadableByteStreamController, ReadableStreamBYOBReader } from './readable-bytes.js';
import { ReadableStreamDefaultController } from './readable-default.js';
import { Request } from './request.js';
import { Response } from './response.js';
import { ExtendableEvent, FetchEvent } from './service-worker.js';
import { ByteLengthQueuingStrategy, CountQueuingStrategy } from './strategies.js';
import { TextDecoderStream, TextEncoderStream } from './text-streams.js';
import { Scheduler, clearInterval, clearTimeout, setInterval, setTimeout } from './timers.js';
import { TransformStream, TransformStreamDefaultController } from './transform.js';
import { URL } from './url.js';
import { URLPattern } from './url-pattern.js';
import { URLSearchParams } from './url-search-params.js';
import { CloseEvent } from './websocket-events.js';
import { WebSocket, WebSocketPair, WebSocketRequestResponsePair } from './websocket.js';
import { WritableStream, WritableStreamDefaultController, WritableStreamDefaultWriter } from './writable.js';

const CLASSES = {
  AbortController, AbortSignal, Blob, Body, ByteLengthQueuingStrategy, Cache, CacheStorage, CloseEvent,
  CountQueuingStrategy, Crypto, CryptoKey, CustomEvent, DOMException, ErrorEvent, Event, EventSource, ExtendableEvent,
  FetchEvent, File, FixedLengthStream, FormData, Headers, IdentityTransformStream,
  MessageChannel, MessageEvent, MessagePort, Navigator, PromiseRejectionEvent,
  ReadableByteStreamController, ReadableStream, ReadableStreamBYOBReader, ReadableStreamBYOBRequest,
  ReadableStreamDefaultController, ReadableStreamDefaultReader, Request, Response, SubtleCrypto, TextDecoder,
  TextDecoderStream, TextEncoder, TextEncoderStream, TransformStream, TransformStreamDefaultController, URL,
  URLPattern, URLSearchParams, WebSocket, WebSocketPair, WebSocketRequestResponsePair, WorkerGlobalScope,
  WritableStream, WritableStreamDefaultController, WritableStreamDefaultWriter,
};

const FUNCTIONS = {
  atob, btoa, clearInterval, clearTimeout, fetch, queueMicrotask, reportError, setInterval, setTimeout, structuredClone,
};

function define(target, values, enumerable = true) {
  for (const name of Object.keys(values)) {
    Object.defineProperty(target, name, { value: values[name], writable: true, configurable: true, enumerable });
  }
}

export function install(target) {
  inherit(target);
  // Of what the engine put on the global itself: those below are in its place, and one class is QuickJS's alone.
  for (const name of [...Object.keys(CLASSES), ...Object.keys(FUNCTIONS), 'InternalError']) Reflect.deleteProperty(target, name);
  for (const run of Object.values(FUNCTIONS)) Object.defineProperty(run, 'length', { value: 0 });
  define(ServiceWorkerGlobalScope.prototype, CLASSES);
  define(ServiceWorkerGlobalScope.prototype, FUNCTIONS);
  define(WorkerGlobalScope.prototype, { EventTarget });
  knowClasses({
    ...CLASSES, EventTarget, Cloudflare: Cloudflare.constructor, Performance: performance.constructor,
  });
  define(target, { console }, false);
  define(target, {
    Cloudflare, ServiceWorkerGlobalScope, caches, crypto, navigator, performance, scheduler: new Scheduler(), self: target,
  });
  Object.defineProperty(target, 'origin', { value: 'null', configurable: true, enumerable: true });
}
