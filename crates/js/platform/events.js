// Event, CustomEvent and EventTarget, by the DOM standard, for targets without parents: no capturing, no bubbling.
import { tag } from './errors.js';

let prepare; // (event, target): marks the event as being dispatched, or as no longer
let stopped; // (event): has stopImmediatePropagation been called

export class Event {
  #type;
  #bubbles;
  #cancelable;
  #composed;
  #target = null;
  #phase = 0;
  #canceled = false;
  #stop = 0; // 1: stopPropagation, 2: stopImmediatePropagation
  #passive = false;
  #time = Date.now();

  constructor(type, init = undefined) {
    if (arguments.length === 0) throw new TypeError("Failed to construct 'Event': 1 argument required.");
    this.#type = `${type}`;
    this.#bubbles = Boolean(init?.bubbles);
    this.#cancelable = Boolean(init?.cancelable);
    this.#composed = Boolean(init?.composed);
  }

  static {
    prepare = (event, target, phase) => {
      event.#target = target;
      event.#phase = phase;
      if (phase === 0) event.#stop = 0;
    };
    stopped = (event) => event.#stop === 2;
  }

  get type() {
    return this.#type;
  }
  get bubbles() {
    return this.#bubbles;
  }
  get cancelable() {
    return this.#cancelable;
  }
  get composed() {
    return this.#composed;
  }
  get target() {
    return this.#target;
  }
  get srcElement() {
    return this.#target;
  }
  get currentTarget() {
    return this.#phase === 0 ? null : this.#target;
  }
  get eventPhase() {
    return this.#phase;
  }
  get defaultPrevented() {
    return this.#canceled;
  }
  get returnValue() {
    return !this.#canceled;
  }
  get isTrusted() {
    return false;
  }
  get timeStamp() {
    return this.#time;
  }
  get cancelBubble() {
    return this.#stop > 0;
  }
  set cancelBubble(value) {
    if (value) this.stopPropagation();
  }
  composedPath() {
    return this.#phase === 0 ? [] : [this.#target];
  }
  preventDefault() {
    if (this.#cancelable) this.#canceled = true;
  }
  stopPropagation() {
    if (this.#stop === 0) this.#stop = 1;
  }
  stopImmediatePropagation() {
    this.#stop = 2;
  }
}
for (const [name, value] of [['NONE', 0], ['CAPTURING_PHASE', 1], ['AT_TARGET', 2], ['BUBBLING_PHASE', 3]]) {
  Object.defineProperty(Event, name, { value, enumerable: true });
  Object.defineProperty(Event.prototype, name, { value, enumerable: true });
}
tag(Event);

export class CustomEvent extends Event {
  #detail;

  constructor(type, init = undefined) {
    super(type, init);
    this.#detail = init?.detail ?? null;
  }

  get detail() {
    return this.#detail;
  }
}
tag(CustomEvent);

export let hasListeners; // (target, type)
// (target, event): as dispatchEvent, but a listener that throws is the last one, and its error the caller's; the
// handler set as on… comes first.
export let dispatchStrictly;

export class EventTarget {
  #listeners = null; // of { type, callback, capture, once, removed }

  static {
    dispatchStrictly = (target, event) => {
      prepare(event, target, 2);
      try {
        const handler = target[`on${event.type}`];
        if (typeof handler === 'function') Reflect.apply(handler, undefined, [event]);
        for (const listener of target.#listeners?.slice() ?? []) {
          if (stopped(event)) break;
          if (listener.type !== event.type || listener.removed) continue;
          if (listener.once) target.removeEventListener(listener.type, listener.callback, listener.capture);
          if (typeof listener.callback === 'function') Reflect.apply(listener.callback, target, [event]);
          else listener.callback.handleEvent(event);
        }
      } finally {
        prepare(event, target, 0);
      }
    };
    hasListeners = (target, type) => target.#listeners !== null && target.#listeners.some((l) => l.type === type);
  }

  addEventListener(type, callback, options = undefined) {
    const list = (this.#listeners ??= []);
    if (callback === null || callback === undefined) return;
    if (typeof callback !== 'function' && typeof callback !== 'object') {
      throw new TypeError(
        "Failed to execute 'addEventListener' on 'EventTarget': parameter 2 is not of type 'function'.");
    }
    type = `${type}`;
    const all = typeof options === 'object' && options !== null;
    const capture = Boolean(all ? options.capture : options);
    const signal = all ? options.signal : undefined;
    if (signal?.aborted) return;
    if (list.some((l) => l.type === type && l.callback === callback && l.capture === capture)) return;
    list.push({ type, callback, capture, once: Boolean(all && options.once), removed: false });
    if (signal) signal.addEventListener('abort', () => this.removeEventListener(type, callback, capture), { once: true });
  }

  removeEventListener(type, callback, options = undefined) {
    const list = this.#listeners;
    if (list === null) return;
    type = `${type}`;
    const capture = Boolean(typeof options === 'object' && options !== null ? options.capture : options);
    const at = list.findIndex((l) => l.type === type && l.callback === callback && l.capture === capture);
    if (at >= 0) list.splice(at, 1)[0].removed = true;
  }

  // A listener that throws does not stop the others; as on workerd its error goes nowhere else.
  dispatchEvent(event) {
    if (!(event instanceof Event)) {
      throw new TypeError("Failed to execute 'dispatchEvent' on 'EventTarget': parameter 1 is not of type 'Event'.");
    }
    prepare(event, this, 2);
    if (this.#listeners !== null) {
      for (const listener of this.#listeners.slice()) {
        if (listener.type !== event.type || listener.removed) continue;
        if (listener.once) this.removeEventListener(listener.type, listener.callback, listener.capture);
        try {
          if (typeof listener.callback === 'function') listener.callback.call(this, event);
          else listener.callback.handleEvent(event);
        } catch {
          // The next listener is called all the same.
        }
        if (stopped(event)) break;
      }
    }
    prepare(event, this, 0);
    return !event.defaultPrevented;
  }
}
tag(EventTarget);
