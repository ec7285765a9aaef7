// AbortController and AbortSignal, by the DOM standard. Platform code listens through onAbort, which costs no
// events; an Event is only made when a script listens.
import { DOMException } from './errors.js';
import { Event, EventTarget, dispatch, handlerOf, hasListeners, setHandler, setOnAbort, trusted } from './events.js';
import { notOfType, present, toNumber } from './idl.js';
import { startTimer } from './timers.js';

const TOKEN = Symbol('AbortSignal');

export let onAbort; // (signal, callback): an algorithm of the platform, before the listeners
export let offAbort;
export let signalAbort; // (signal, reason)
export let isAbortSignal;

export class AbortSignal extends EventTarget {
  #aborted = false;
  #reason = undefined;
  #algorithms = null;
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
      signal.#aborted = true;
      signal.#reason = reason === undefined ? new DOMException('The operation was aborted', 'AbortError') : reason;
      const algorithms = signal.#algorithms;
      signal.#algorithms = null;
      if (algorithms !== null) for (const algorithm of algorithms) algorithm();
      if (hasListeners(signal, 'abort')) dispatch(signal, trusted(new Event('abort')));
    };
  }

  static abort(reason = undefined) {
    const signal = newSignal();
    signalAbort(signal, reason);
    return signal;
  }

  static timeout(milliseconds) {
    if (arguments.length === 0) throw notOfType('timeout', 'AbortSignal', 1, 'number');
    const signal = newSignal();
    startTimer(() => signalAbort(signal, new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
      toNumber(milliseconds));
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
    const follow = () => {
      const done = sources.find((source) => source.#aborted);
      for (const source of sources) offAbort(source, follow);
      signalAbort(signal, done.#reason);
    };
    for (const source of sources) onAbort(source, follow);
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
