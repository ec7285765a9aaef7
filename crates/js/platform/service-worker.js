// Service-worker syntax: a script that listens for `fetch` instead of exporting it. What it declares is global, its
// bindings are globals, and a handler gets an event.
import * as host from 'switchyard:host';
import { bindGlobals } from './env.js';
import { DOMException } from './errors.js';
import { Event, dispatch, hasListeners, trusted } from './events.js';
import { fetch } from './fetch.js';
import { illegalInvocation, isObject, notOfType, present } from './idl.js';
import { Request } from './request.js';

// Types that a Worker can be called for.
const CALLS = ['fetch', 'scheduled', 'queue', 'tail', 'trace', 'email', 'alarm'];

const TOKEN = Symbol('event');

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
      if (typeof event !== 'object' || event === null || !(#ctx in event)) throw illegalInvocation();
      return event.#ctx;
    };
  }

  waitUntil(promise) {
    contextOf(this).waitUntil(Promise.resolve(promise));
  }
}
present(ExtendableEvent);

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
    if (typeof this !== 'object' || this === null || !(#answer in this)) throw illegalInvocation();
    if (!isObject(response)) throw notOfType('respondWith', 'FetchEvent', 1, 'Promise');
    if (this.#answer !== undefined) {
      throw new DOMException('FetchEvent.respondWith() has already been called; it can only be called once.', 'InvalidStateError');
    }
    this.#answer = response;
    this.stopImmediatePropagation();
  }

  passThroughOnException() {
    contextOf(this).passThroughOnException();
  }
}
present(FetchEvent);

// Events that only the runtime makes; nothing leads to their handlers yet.
export class ScheduledEvent extends ExtendableEvent {
  noRetry() {
    throw illegalInvocation();
  }
}
present(ScheduledEvent);

export class TailEvent extends ExtendableEvent {}
present(TailEvent);

export class TraceEvent extends ExtendableEvent {}
present(TraceEvent);

// A request as it came, for whoever answers instead. What was read of its body is gone.
export function asItCame(request) {
  return request.bodyUsed ? new Request(request.url, { method: request.method, headers: request.headers }) : request;
}

// The handler of a Worker that listens. Nobody answers: the request goes on, as to an origin.
function handleFetch(request, env, ctx) {
  const event = trusted(new FetchEvent(TOKEN, request, ctx));
  dispatch(globalThis, event);
  return answerOf(event) ?? fetch(asItCame(request));
}

// What a Worker without exports is; null where it listens for nothing.
export function listening() {
  const handlers = CALLS.filter((type) => hasListeners(globalThis, type));
  if (handlers.length === 0) return null;
  return { worker: { fetch: handlers.includes('fetch') ? handleFetch : undefined }, handlers };
}

// Runs the script as global code, its bindings in place.
export function runScript(name, source) {
  bindGlobals(globalThis);
  host.runScript(name, source);
}
