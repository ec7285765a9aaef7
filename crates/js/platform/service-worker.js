// Service-worker syntax: a script that listens for `fetch` instead of exporting it. What it declares is global, its
// bindings are globals, and a handler gets an event.
import * as host from 'switchyard:host';
import { bindGlobals } from './env.js';
import { DOMException, tag } from './errors.js';
import { Event } from './events.js';
import { fetch } from './fetch.js';
import { Request } from './request.js';

// Types that a Worker can be called for; other types are the global scope's own affair.
const CALLS = new Set(['fetch', 'scheduled', 'queue', 'tail', 'trace', 'email', 'alarm']);

const TOKEN = Symbol('event');
const listeners = new Map(); // type -> callbacks, in the order they came

const illegal = () => new TypeError('Illegal invocation: function called with incorrect `this` reference. See ' +
  'https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.');

let contextOf; // (event): the request it is of

export class ExtendableEvent extends Event {
  #ctx;

  constructor(token, type, ctx) {
    if (token !== TOKEN) throw new TypeError('Illegal constructor');
    super(type);
    this.#ctx = ctx;
  }

  static {
    contextOf = (event) => {
      if (typeof event !== 'object' || event === null || !(#ctx in event)) throw illegal();
      return event.#ctx;
    };
  }

  waitUntil(promise) {
    contextOf(this).waitUntil(Promise.resolve(promise));
  }
}
tag(ExtendableEvent);

let answerOf; // (event): what it was answered with; undefined where it was not

export class FetchEvent extends ExtendableEvent {
  #answer;

  constructor(token, request, ctx) {
    super(token, 'fetch', ctx);
    this.request = request;
    this.actorState = undefined;
  }

  static {
    answerOf = (event) => event.#answer;
  }

  respondWith(response) {
    if (typeof this !== 'object' || this === null || !(#answer in this)) throw illegal();
    if (typeof response !== 'object' || response === null) {
      throw new TypeError("Failed to execute 'respondWith' on 'FetchEvent': parameter 1 is not of type 'Promise'.");
    }
    if (this.#answer !== undefined) {
      throw new DOMException('FetchEvent.respondWith() has already been called; it can only be called once.', 'InvalidStateError');
    }
    this.#answer = response;
  }

  passThroughOnException() {
    contextOf(this).passThroughOnException();
  }
}
tag(FetchEvent);

// A request as it came, for whoever answers instead. What was read of its body is gone.
export function asItCame(request) {
  return request.bodyUsed ? new Request(request.url, { method: request.method, headers: request.headers }) : request;
}

// The handler of a Worker that listens. Nobody answers: the request goes on, as to an origin.
function handleFetch(request, env, ctx) {
  const event = new FetchEvent(TOKEN, request, ctx);
  for (const callback of [...listeners.get('fetch') ?? []]) {
    if (typeof callback === 'function') callback.call(globalThis, event);
    else callback.handleEvent(event);
    if (answerOf(event) !== undefined) break;
  }
  return answerOf(event) ?? fetch(asItCame(request));
}

// What a Worker without exports is; null where it listens for nothing.
export function listening() {
  if (listeners.size === 0) return null;
  return { worker: { fetch: listeners.has('fetch') ? handleFetch : undefined }, handlers: [...listeners.keys()] };
}

// Keeps a listener of a type that Workers are called for. False: the type is none of those.
export function listen(type, callback) {
  if (!CALLS.has(type)) return false;
  const all = listeners.get(type) ?? [];
  if (!all.includes(callback)) listeners.set(type, [...all, callback]);
  return true;
}

export function unlisten(type, callback) {
  const rest = listeners.get(type)?.filter((kept) => kept !== callback) ?? [];
  if (rest.length > 0) listeners.set(type, rest);
  else listeners.delete(type);
}

// Runs the script as global code, its bindings in place.
export function runScript(name, source) {
  bindGlobals(globalThis);
  host.runScript(name, source);
}

// On the global scope, before and around the listeners it may have for events of its own.
export function installListeners(target) {
  const { addEventListener = () => {}, removeEventListener = () => {} } = target;
  const scope = {
    addEventListener(type, callback, options = undefined) {
      if (typeof callback !== 'function' && (typeof callback !== 'object' || callback === null)) {
        throw new TypeError("Failed to execute 'addEventListener' on 'EventTarget': parameter 2 is not of type " +
          "'function or HandlerObject'.");
      }
      if (!listen(`${type}`, callback)) addEventListener.call(this, type, callback, options);
    },
    removeEventListener(type, callback, options = undefined) {
      unlisten(`${type}`, callback);
      removeEventListener.call(this, type, callback, options);
    },
  };
  for (const name of Object.keys(scope)) {
    Object.defineProperty(target, name, { value: scope[name], writable: true, enumerable: true, configurable: true });
  }
  for (const value of [ExtendableEvent, FetchEvent]) {
    Object.defineProperty(target, value.name, { value, writable: true, enumerable: false, configurable: true });
  }
}
