// Event, CustomEvent, ErrorEvent and EventTarget, by the DOM standard as workerd has it: targets without parents, no
// capturing, and a listener that throws ends the dispatch, whose caller gets the error; for a newer Worker it is reported.
import { isOn } from './compatibility.js';
import { DOMException } from './errors.js';
import { illegalInvocation, isObject, notConstructed, notField, notOfType, present, toInt, toText } from './idl.js';

const { apply } = Reflect;

let begin; // (event, target): it is being dispatched from now on
let end; // (event): no longer; whether nobody prevented its default
let stopped; // (event): has stopImmediatePropagation been called
let passive; // (event, whether the listener that is called may not prevent the default)
let trust; // (event): it is the platform's, not a script's

export function initOf(name, given, init, type = 'Init') {
  if (given === 0) throw notConstructed(name, 1, 'string');
  if (init === undefined || init === null) return null;
  if (!isObject(init)) throw notConstructed(name, 2, type);
  return init;
}

export class Event {
  #type;
  #bubbles = false;
  #cancelable = false;
  #composed = false;
  #target = undefined;
  #phase = 0;
  #prevented = false;
  #stop = 0; // 1: stopPropagation, 2: stopImmediatePropagation
  #passive = false;
  #trusted = false;

  constructor(type, init = undefined) {
    init = initOf('Event', arguments.length, init);
    this.#type = toText(type);
    if (init === null) return;
    this.#bubbles = Boolean(init.bubbles);
    this.#cancelable = Boolean(init.cancelable);
    this.#composed = Boolean(init.composed);
  }

  static {
    begin = (event, target) => {
      if (event.#phase !== 0) throw new DOMException('The event is already being dispatched.', 'InvalidStateError');
      event.#target = target;
      event.#phase = 2;
      event.#prevented = false; // as on workerd; that it was stopped stays
    };
    end = (event) => {
      event.#phase = 0;
      event.#passive = false;
      return !event.#prevented;
    };
    stopped = (event) => event.#stop === 2;
    passive = (event, is) => {
      event.#passive = is;
    };
    trust = (event) => {
      event.#trusted = true;
      return event;
    };
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
    return this.#phase === 0 ? undefined : this.#target;
  }
  get eventPhase() {
    return this.#phase;
  }
  get defaultPrevented() {
    return this.#cancelable && this.#prevented;
  }
  get returnValue() {
    return !(this.#cancelable && this.#prevented);
  }
  get isTrusted() {
    return this.#trusted;
  }
  get timeStamp() {
    void this.#trusted; // only of an event
    return 0; // workerd tells no time here
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
    if (!this.#passive) this.#prevented = true;
  }
  stopPropagation() {
    if (this.#stop === 0) this.#stop = 1;
  }
  stopImmediatePropagation() {
    this.#stop = 2;
  }
}
for (const [name, value] of [['NONE', 0], ['CAPTURING_PHASE', 1], ['AT_TARGET', 2], ['BUBBLING_PHASE', 3]]) {
  Object.defineProperty(Event, name, { value, enumerable: true, configurable: true });
  Object.defineProperty(Event.prototype, name, { value, enumerable: true, configurable: true });
}
present(Event);

// An event that the platform fires by itself.
export function trusted(event) {
  return trust(event);
}

export class CustomEvent extends Event {
  #detail;

  constructor(type, init = undefined) {
    init = initOf('CustomEvent', arguments.length, init, 'CustomEventInit');
    super(type, init);
    this.#detail = init?.detail;
  }

  get detail() {
    return this.#detail;
  }
}
present(CustomEvent);

export class ErrorEvent extends Event {
  #init;

  constructor(type, init = undefined) {
    init = initOf('ErrorEvent', arguments.length, init, 'ErrorEventInit');
    super(type, init);
    const { message = '', filename = '', lineno = 0, colno = 0, error } = init ?? {};
    this.#init = {
      message: `${message}`, filename: `${filename}`, lineno: toInt(lineno), colno: toInt(colno), error,
    };
  }

  get message() {
    return this.#init.message;
  }
  get filename() {
    return this.#init.filename;
  }
  get lineno() {
    return this.#init.lineno;
  }
  get colno() {
    return this.#init.colno;
  }
  get error() {
    return this.#init.error;
  }
}
present(ErrorEvent);

export let hasListeners; // (target, type)
export let watchListeners; // (target, tell): tell(type, how many) after each change of its listeners

// What a target keeps. It is a field of its own class, so that an object that is there already can be given one:
// globalThis is a target too.
class Given {
  constructor(object) {
    return object;
  }
}

class Listeners extends Given {
  #list = null; // of { type, callback, call, once, passive, removed }
  #tell = null;

  static {
    hasListeners = (target, type) => target.#list !== null && target.#list.some((l) => l.type === type);
    watchListeners = (target, tell) => {
      target.#tell = tell;
    };
  }

  static of(target) {
    if (target === undefined || target === null) target = globalThis; // called as a function of the global
    if (typeof target !== 'object' || !(#list in target)) throw illegalInvocation();
    return target;
  }

  static all(target) {
    return (target.#list ??= []);
  }

  static changed(target, type) {
    if (target.#tell !== null) target.#tell(type, target.#list.filter((l) => l.type === type).length);
  }
}

// A listener as it was when it was added -> the function that is called for it, and for which this.
function callable(callback) {
  if (typeof callback === 'function') return null; // itself
  const { handleEvent } = callback;
  if (typeof handleEvent !== 'function') throw notField('handleEvent', 'HandlerObject', 'function');
  return handleEvent;
}

let onAbort; // of abort.js, which stands on this file
let oldThis = null; // what listeners of an older Worker have as `this`

export function listenAsOf(global) {
  oldThis = global;
}
export function setOnAbort(is, on) {
  onAbort = (signal, run) => {
    if (!is(signal)) throw notField('signal', 'AddEventListenerOptions', 'AbortSignal');
    if (!signal.aborted) on(signal, run);
  };
}

export class EventTarget {
  constructor() {
    new Listeners(this);
  }

  addEventListener(type, callback, options = undefined) {
    const target = Listeners.of(this);
    const count = arguments.length;
    if (count === 0) throw notOfType('addEventListener', 'EventTarget', 1, 'string');
    type = toText(type);
    const none = callback === undefined || callback === null;
    if (count < 2 || !none && !isObject(callback)) {
      throw notOfType('addEventListener', 'EventTarget', 2, 'function or HandlerObject');
    }
    const call = none ? null : callable(callback);
    const all = isObject(options) ? options : null;
    if (all === null && options) throw new TypeError('addEventListener(): useCapture must be false.');
    if (all?.capture) throw new TypeError('addEventListener(): options.capture must be false.');
    const signal = all?.signal;
    if (none) return;
    if (signal !== undefined) {
      onAbort(signal, () => apply(EventTarget.prototype.removeEventListener, target, [type, callback]));
      if (signal.aborted) return;
    }
    const list = Listeners.all(target);
    if (list.some((l) => l.type === type && l.callback === callback)) return;
    list.push({
      type, callback, call, once: Boolean(all?.once), passive: Boolean(all?.passive), removed: false,
    });
    Listeners.changed(target, type);
  }

  removeEventListener(type, callback, options = undefined) {
    const target = Listeners.of(this);
    if (arguments.length === 0) throw notOfType('removeEventListener', 'EventTarget', 1, 'string');
    type = toText(type);
    if (arguments.length < 2 || callback !== undefined && callback !== null && !isObject(callback)) {
      throw notOfType('removeEventListener', 'EventTarget', 2, 'Object');
    }
    const capture = isObject(options) ? options.capture : options;
    if (capture) {
      throw new TypeError(`removeEventListener(): ${isObject(options) ? 'options.capture' : 'useCapture'} must be false.`);
    }
    const list = Listeners.all(target);
    const at = list.findIndex((l) => l.type === type && l.callback === callback);
    if (at < 0) return;
    list.splice(at, 1)[0].removed = true;
    Listeners.changed(target, type);
  }

  dispatchEvent(event) {
    const target = Listeners.of(this);
    if (!(event instanceof Event)) throw notOfType('dispatchEvent', 'EventTarget', 1, 'Event');
    return dispatch(target, event);
  }
}
present(EventTarget);

let report = null; // (error)
let reporting = false;

// Told once of who tells the global's listeners for `error`.
export function setReport(how) {
  report = how;
}

// What a listener throws while an error is reported is reported to nobody.
function reportThrown(error) {
  if (reporting) return;
  reporting = true;
  try {
    report(error);
  } finally {
    reporting = false;
  }
}

// Gives the first that was thrown, in an array: `thrown`, or what this one throws.
function call(callback, self, event, thrown) {
  try {
    apply(callback, self, [event]);
  } catch (error) {
    if (!isOn('spec_compliant_dispatch_exceptions')) throw error;
    reportThrown(error);
    return thrown ?? [error];
  }
  return thrown;
}

// For the platform: the target is one for certain. `handler`: called first, where there is one. What a listener throws
// goes to the caller, as on workerd; for a newer Worker it is reported, and the others are called as well. `fatal`: then
// the caller gets it too.
export function dispatch(target, event, handler = undefined, fatal = false) {
  begin(event, target);
  let undisturbed = true;
  let thrown = null;
  try {
    if (typeof handler === 'function') thrown = call(handler, undefined, event, thrown);
    for (const listener of Listeners.all(target).slice()) {
      if (stopped(event)) break;
      if (listener.type !== event.type || listener.removed) continue;
      if (listener.once) apply(EventTarget.prototype.removeEventListener, target, [listener.type, listener.callback]);
      passive(event, listener.passive);
      if (listener.call === null) thrown = call(listener.callback, oldThis ?? target, event, thrown);
      else thrown = call(listener.call, listener.callback, event, thrown);
    }
  } finally {
    undisturbed = end(event);
  }
  if (fatal && thrown !== null) throw thrown[0];
  return undisturbed;
}

export function makeTarget(object) {
  return new Listeners(object);
}

// An event handler attribute (onabort, onmessage): one more listener, at the place where it was first set. Objects
// are kept, as on workerd, but never called. `slots` is the map in which the target keeps them.
export function handlerOf(slots, type) {
  return slots?.get(type)?.value ?? null;
}

export function setHandler(target, slots, type, value) {
  const slot = slots.get(type);
  if (!isObject(value)) {
    if (slot === undefined) return;
    slots.delete(type);
    apply(EventTarget.prototype.removeEventListener, target, [type, slot.listener]);
  } else if (slot !== undefined) {
    slot.value = value;
  } else {
    const made = { value, listener: null };
    made.listener = (event) => {
      if (typeof made.value === 'function') apply(made.value, undefined, [event]);
    };
    slots.set(type, made);
    apply(EventTarget.prototype.addEventListener, target, [type, made.listener]);
  }
}
