// AbortController and AbortSignal, by the DOM standard. Platform code listens through onAbort, which costs no
// events; an Event is only made when a script listens.
import { DOMException, tag } from './errors.js';
import { Event, EventTarget, hasListeners } from './events.js';
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
  #handler = null;

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
      if (hasListeners(signal, 'abort')) signal.dispatchEvent(new Event('abort'));
    };
  }

  static abort(reason = undefined) {
    const signal = newSignal();
    signalAbort(signal, reason);
    return signal;
  }

  static timeout(milliseconds) {
    const signal = newSignal();
    startTimer(() => signalAbort(signal, new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
      Number(milliseconds));
    return signal;
  }

  static any(signals) {
    const signal = newSignal();
    const sources = [...signals];
    for (const source of sources) {
      if (!isAbortSignal(source)) throw new TypeError('AbortSignal.any takes AbortSignals only.');
    }
    const first = sources.find((source) => source.aborted);
    if (first !== undefined) {
      signalAbort(signal, first.reason);
      return signal;
    }
    const follow = () => {
      const done = sources.find((source) => source.aborted);
      for (const source of sources) offAbort(source, follow);
      signalAbort(signal, done.reason);
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
    return this.#handler;
  }

  // The handler's place among the listeners is where it was first set; replacing it moves it to the end here.
  set onabort(value) {
    if (this.#handler !== null) this.removeEventListener('abort', this.#handler);
    this.#handler = typeof value === 'function' ? value : null;
    if (this.#handler !== null) this.addEventListener('abort', this.#handler);
  }

  throwIfAborted() {
    if (this.#aborted) throw this.#reason;
  }
}
tag(AbortSignal);

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
tag(AbortController);
