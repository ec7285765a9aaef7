// What a script finds on globalThis, installed in one go: classes not enumerable, as in browsers and workerd.
// The engine's own (queueMicrotask, DOMException, atob, btoa) stay as they are.
import * as host from 'switchyard:host';
import { AbortController, AbortSignal } from './abort.js';
import { Blob, File } from './blob.js';
import { Body } from './body.js';
import { Cache, CacheStorage, caches } from './cache.js';
import { ReadableStreamBYOBRequest } from './byte-controller.js';
import { structuredClone } from './clone.js';
import { Cloudflare } from './compatibility.js';
import { console } from './console.js';
import { Crypto, CryptoKey, SubtleCrypto, crypto } from './crypto.js';
import { TextDecoder, TextEncoder } from './encoding.js';
import { tag } from './errors.js';
import { CustomEvent, Event, EventTarget } from './events.js';
import { fetch } from './fetch.js';
import { FormData } from './formdata.js';
import { Headers } from './headers.js';
import { FixedLengthStream, IdentityTransformStream } from './identity.js';
import { ReadableStream, ReadableStreamDefaultReader } from './readable.js';
import { ReadableByteStreamController, ReadableStreamBYOBReader } from './readable-bytes.js';
import { ReadableStreamDefaultController } from './readable-default.js';
import { Request } from './request.js';
import { Response } from './response.js';
import { ByteLengthQueuingStrategy, CountQueuingStrategy } from './strategies.js';
import { TextDecoderStream, TextEncoderStream } from './text-streams.js';
import { Scheduler, clearInterval, clearTimeout, setInterval, setTimeout } from './timers.js';
import { TransformStream, TransformStreamDefaultController } from './transform.js';
import { URL } from './url.js';
import { URLSearchParams } from './url-search-params.js';
import { CloseEvent, MessageEvent } from './websocket-events.js';
import { WebSocket, WebSocketPair, WebSocketRequestResponsePair } from './websocket.js';
import { WritableStream, WritableStreamDefaultController, WritableStreamDefaultWriter } from './writable.js';

// Time is that of the wall clock in whole milliseconds, counted from 1970, as on workerd.
class Performance extends EventTarget {
  get timeOrigin() {
    return 0;
  }
  now() {
    return Math.floor(host.now());
  }
  toJSON() {
    return { timeOrigin: 0 };
  }
}
tag(Performance);

class Navigator {
  get userAgent() {
    return 'Cloudflare-Workers';
  }
  get language() {
    return 'en';
  }
  get hardwareConcurrency() {
    return 1;
  }
  get platform() {
    return '';
  }
}
tag(Navigator);

const CLASSES = {
  AbortController, AbortSignal, Blob, Body, ByteLengthQueuingStrategy, Cache, CacheStorage, CountQueuingStrategy, Crypto, CryptoKey, CustomEvent,
  Event,
  EventTarget, File, FixedLengthStream, FormData, Headers, IdentityTransformStream, Navigator,
  ReadableByteStreamController, ReadableStream, ReadableStreamBYOBReader, ReadableStreamBYOBRequest,
  ReadableStreamDefaultController, ReadableStreamDefaultReader, Request, Response, SubtleCrypto, TextDecoder,
  TextDecoderStream, TextEncoder, TextEncoderStream, TransformStream, TransformStreamDefaultController, URL,
  URLSearchParams, WritableStream, WritableStreamDefaultController, WritableStreamDefaultWriter,
};

// Their own file's, so that the list above stays as it is.
Object.assign(CLASSES, { CloseEvent, MessageEvent, WebSocket, WebSocketPair, WebSocketRequestResponsePair });

const OBJECTS = { console };

const FUNCTIONS = {
  clearInterval, clearTimeout, fetch, setInterval, setTimeout, structuredClone,
};

export function install(target) {
  const define = (values, enumerable) => {
    for (const name of Object.keys(values)) {
      Object.defineProperty(target, name, { value: values[name], writable: true, configurable: true, enumerable });
    }
  };
  define(CLASSES, false);
  define(OBJECTS, false);
  define(FUNCTIONS, true);
  define({
    Cloudflare, caches, crypto, navigator: new Navigator(), performance: new Performance(), scheduler: new Scheduler(), self: target,
  }, true);
}
