// AbortController and AbortSignal, by the DOM standard. Platform code listens through onAbort, which costs no
// events; an Event is only made when a script listens.
import * as host from 'switchyard:host';
import { DOMException } from './errors.js';
import { Event, EventTarget, dispatch, handlerOf, hasListeners, setHandler, setOnAbort, trusted } from './events.js';
import { notOfType, present, toNumber } from './idl.js';
import { startTimer } from './timers.js';

const TOKEN = Symbol('AbortSignal');

export let onAbort; // (signal, callback): an algorithm of the platform, before the listeners
export let offAbort;
export let signalAbort; // (signal, reason): throws what a listener throws
export let isAbortSignal;

// As on workerd it says of itself that what was given up may be tried again.
function ownReason(message, name) {
  const reason = new DOMException(message, name);
  reason.retryable = true;
  return reason;
}

export class AbortSignal extends EventTarget {
  #aborted = false;
  #reason = undefined;
  #algorithms = null;
  #followers = null; // signals that are aborted with this one
  #sources = null; // those that this one follows
  #handlers = null;

  constructor(token) {
    if (token !== TOKEN) throw new TypeError('Illegal constructor');
    super();
  }

  static {
    isAbortSignal = (value) => typeof value === 'object' && value !== null && #aborted in value;
    onAbort = (signal, callback) => {
      (signal.#algorithms ??= []).push(callback);
    };
    offAbort = (signal, callback) => {
      const at = signal.#algorithms === null ? -1 : signal.#algorithms.indexOf(callback);
      if (at >= 0) signal.#algorithms.splice(at, 1);
    };
    signalAbort = (signal, reason) => {
      if (signal.#aborted) return;
      if (reason === undefined) reason = ownReason('The operation was aborted', 'AbortError');
      const all = [signal, ...(signal.#followers ?? []).filter((one) => !one.#aborted)];
      signal.#followers = null;
      for (const one of all) {
        one.#aborted = true;
        one.#reason = reason;
        for (const root of one.#sources ?? []) root.#unfollow(one);
        one.#sources = null;
      }
      for (const one of all) one.#runAlgorithms();
      for (const one of all) if (hasListeners(one, 'abort')) dispatch(one, trusted(new Event('abort')));
    };
  }

  // What is over is kept by nobody who may live longer.
  #unfollow(signal) {
    const at = this.#followers === null ? -1 : this.#followers.indexOf(signal);
    if (at >= 0) this.#followers.splice(at, 1);
  }

  #runAlgorithms() {
    const algorithms = this.#algorithms;
    this.#algorithms = null;
    if (algorithms !== null) for (const algorithm of algorithms) algorithm();
  }

  static abort(reason = undefined) {
    const signal = newSignal();
    signalAbort(signal, reason);
    return signal;
  }

  static timeout(milliseconds) {
    if (arguments.length === 0) throw notOfType('timeout', 'AbortSignal', 1, 'number');
    const signal = newSignal();
    const delay = toNumber(milliseconds);
    // Its listeners run in no store of AsyncLocalStorage, as on workerd.
    const slot = host.contextSet(host.contextGet());
    try {
      startTimer(() => signalAbort(signal, ownReason('The operation was aborted due to timeout', 'TimeoutError')), delay);
    } finally {
      host.contextSet(slot);
    }
    return signal;
  }

  static any(signals) {
    if (!Array.isArray(signals)) throw notOfType('any', 'AbortSignal', 1, 'Array');
    const signal = newSignal();
    const sources = [...signals];
    for (let i = 0; i < sources.length; i++) {
      if (isAbortSignal(sources[i])) continue;
      throw new TypeError(`Incorrect type for array element ${i}: the provided value is not of type 'AbortSignal'.`);
    }
    const first = sources.find((source) => source.#aborted);
    if (first !== undefined) {
      signalAbort(signal, first.#reason);
      return signal;
    }
    // Those that others follow follow nobody themselves: all are told at once.
    const roots = new Set(sources.flatMap((source) => source.#sources ?? [source]));
    signal.#sources = [...roots];
    for (const root of roots) (root.#followers ??= []).push(signal);
    return signal;
  }

  get aborted() {
    return this.#aborted;
  }

  get reason() {
    return this.#reason;
  }

  get onabort() {
    return handlerOf(this.#handlers, 'abort');
  }

  set onabort(value) {
    setHandler(this, (this.#handlers ??= new Map()), 'abort', value);
  }

  throwIfAborted() {
    if (this.#aborted) throw this.#reason;
  }
}
present(AbortSignal);
setOnAbort(isAbortSignal, onAbort);

export function newSignal() {
  return new AbortSignal(TOKEN);
}

export class AbortController {
  #signal = newSignal();

  get signal() {
    return this.#signal;
  }

  abort(reason = undefined) {
    signalAbort(this.#signal, reason);
  }
}
present(AbortController);
