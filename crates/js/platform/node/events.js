// `node:events`: EventEmitter and its companions, as Node documents them.
import { AsyncResource } from 'node:async_hooks';
import { inspect } from '../inspect.js';
import { AbortError, coded, invalidArgType, outOfRange } from './internal/errors.js';
import { validateAbortSignal, validateFunction, validateNumber } from './internal/validators.js';

export const errorMonitor = Symbol('events.errorMonitor');
export const captureRejectionSymbol = Symbol.for('nodejs.rejection');
const kCapture = Symbol('kCapture');
const WARNED = Symbol('warned');
const kMaxEventTargetListeners = Symbol('events.maxEventTargetListeners');
const kMaxEventTargetListenersWarned = Symbol('events.maxEventTargetListenersWarned');

export let defaultMaxListeners = 10;
let capturesByDefault = false;

export function EventEmitter(options) {
  EventEmitter.init.call(this, options);
}

EventEmitter.init = function (options) {
  if (this._events === undefined || this._events === Object.getPrototypeOf(this)._events) {
    this._events = { __proto__: null };
    this._eventsCount = 0;
  }
  this._maxListeners ??= undefined;
  if (options?.captureRejections !== undefined) {
    if (typeof options.captureRejections !== 'boolean') {
      throw invalidArgType('options.captureRejections', 'boolean', options.captureRejections);
    }
    this[kCapture] = options.captureRejections;
  } else this[kCapture] = EventEmitter.prototype[kCapture];
};

const proto = EventEmitter.prototype;
proto._events = undefined;
proto._eventsCount = 0;
proto._maxListeners = undefined;

function checkListener(listener) {
  validateFunction(listener, 'listener');
}

function checkCount(n) {
  if (typeof n !== 'number' || !(n >= 0)) throw outOfRange('n', 'a non-negative number', n);
}

function mostListeners(emitter) {
  return emitter._maxListeners === undefined ? defaultMaxListeners : emitter._maxListeners;
}

proto.setMaxListeners = function setMaxListeners(n) {
  checkCount(n);
  this._maxListeners = n;
  return this;
};

proto.getMaxListeners = function getMaxListeners() {
  return mostListeners(this);
};

function caught(emitter, promise, type, args) {
  const { then } = promise;
  if (typeof then !== 'function') return;
  then.call(promise, undefined, (error) => {
    queueMicrotask(() => {
      if (typeof emitter[captureRejectionSymbol] === 'function') {
        emitter[captureRejectionSymbol](error, type, ...args);
        return;
      }
      const before = emitter[kCapture];
      try {
        emitter[kCapture] = false;
        emitter.emit('error', error);
      } finally {
        emitter[kCapture] = before;
      }
    });
  });
}

proto.emit = function emit(type, ...args) {
  const events = this._events;
  if (type === 'error') {
    if (events?.[errorMonitor] !== undefined) this.emit(errorMonitor, ...args);
    if (events?.error === undefined) {
      const [error] = args;
      if (error instanceof Error) throw error;
      let text;
      try {
        text = inspect(error);
      } catch {
        text = error;
      }
      const unhandled = coded(Error, 'ERR_UNHANDLED_ERROR', `Unhandled error. (${text})`);
      unhandled.context = error;
      throw unhandled;
    }
  }
  const handler = events?.[type];
  if (handler === undefined) return false;
  const list = typeof handler === 'function' ? [handler] : handler.slice();
  for (const listener of list) {
    const result = Reflect.apply(listener, this, args);
    if (this[kCapture] && result !== undefined && result !== null) caught(this, result, type, args);
  }
  return true;
};

function add(emitter, type, listener, first) {
  checkListener(listener);
  let events = emitter._events;
  if (events === undefined) {
    events = emitter._events = { __proto__: null };
    emitter._eventsCount = 0;
  } else if (events.newListener !== undefined) {
    emitter.emit('newListener', type, listener.listener ?? listener);
    events = emitter._events;
  }
  const existing = events[type];
  if (existing === undefined) {
    events[type] = listener;
    emitter._eventsCount++;
    return emitter;
  }
  let list = existing;
  if (typeof existing === 'function') list = events[type] = first ? [listener, existing] : [existing, listener];
  else if (first) existing.unshift(listener);
  else existing.push(listener);
  const most = mostListeners(emitter);
  if (most > 0 && list.length > most && !list[WARNED]) {
    list[WARNED] = true;
    globalThis.console.warn(`MaxListenersExceededWarning: Possible EventEmitter memory leak detected. ${list.length} ` +
      `${String(type)} listeners added to ${inspect(emitter, { depth: -1 })}. MaxListeners is ${most}. ` +
      'Use emitter.setMaxListeners() to increase limit');
  }
  return emitter;
}

proto.addListener = function addListener(type, listener) {
  return add(this, type, listener, false);
};
proto.on = proto.addListener;

proto.prependListener = function prependListener(type, listener) {
  return add(this, type, listener, true);
};

function onceOf(emitter, type, listener) {
  checkListener(listener);
  let fired = false;
  const wrapped = function (...args) {
    if (fired) return undefined;
    fired = true;
    emitter.removeListener(type, wrapped);
    return listener.apply(emitter, args);
  };
  wrapped.listener = listener;
  return wrapped;
}

proto.once = function once(type, listener) {
  return this.on(type, onceOf(this, type, listener));
};

proto.prependOnceListener = function prependOnceListener(type, listener) {
  return this.prependListener(type, onceOf(this, type, listener));
};

proto.removeListener = function removeListener(type, listener) {
  checkListener(listener);
  const events = this._events;
  const list = events?.[type];
  if (list === undefined) return this;
  if (list === listener || list.listener === listener) {
    this._eventsCount--;
    if (this._eventsCount === 0) this._events = { __proto__: null };
    else delete events[type];
    if (events.removeListener) this.emit('removeListener', type, list.listener ?? listener);
  } else if (typeof list !== 'function') {
    const at = list.findLastIndex((one) => one === listener || one.listener === listener);
    if (at < 0) return this;
    list.splice(at, 1);
    if (list.length === 1) events[type] = list[0];
    if (events.removeListener !== undefined) this.emit('removeListener', type, listener);
  }
  return this;
};
proto.off = proto.removeListener;

proto.removeAllListeners = function removeAllListeners(type) {
  const events = this._events;
  if (events === undefined) return this;
  const forgetAll = () => {
    this._events = { __proto__: null };
    this._eventsCount = 0;
  };
  if (events.removeListener === undefined) {
    if (arguments.length === 0) forgetAll();
    else if (events[type] !== undefined) {
      if (--this._eventsCount === 0) this._events = { __proto__: null };
      else delete events[type];
    }
    return this;
  }
  if (arguments.length === 0) {
    for (const key of Reflect.ownKeys(events)) if (key !== 'removeListener') this.removeAllListeners(key);
    this.removeAllListeners('removeListener');
    forgetAll();
    return this;
  }
  const list = events[type];
  if (typeof list === 'function') this.removeListener(type, list);
  else if (list !== undefined) for (const listener of list.toReversed()) this.removeListener(type, listener);
  return this;
};

function listenersOf(emitter, type, unwrap) {
  const list = emitter._events?.[type];
  if (list === undefined) return [];
  const all = typeof list === 'function' ? [list] : list.slice();
  return unwrap ? all.map((one) => one.listener ?? one) : all;
}

proto.listeners = function listeners(type) {
  return listenersOf(this, type, true);
};

proto.rawListeners = function rawListeners(type) {
  return listenersOf(this, type, false);
};

proto.listenerCount = function listenerCount(type, listener) {
  const all = listenersOf(this, type, false);
  return listener === undefined || listener === null ? all.length
    : all.filter((one) => one === listener || one.listener === listener).length;
};

proto.eventNames = function eventNames() {
  return this._eventsCount > 0 ? Reflect.ownKeys(this._events) : [];
};

Object.defineProperty(proto, kCapture, { value: false, writable: true, enumerable: false, configurable: false });

function isEventTarget(value) {
  return typeof value?.addEventListener === 'function';
}

export function listenerCount(emitter, type) {
  if (typeof emitter.listenerCount === 'function') return emitter.listenerCount(type);
  return proto.listenerCount.call(emitter, type);
}

export function getEventListeners(emitter, type) {
  if (typeof emitter?.listeners === 'function') return emitter.listeners(type);
  if (isEventTarget(emitter)) return [];
  throw invalidArgType('emitter', ['EventEmitter', 'EventTarget'], emitter);
}

export function getMaxListeners(emitter) {
  if (typeof emitter?.getMaxListeners === 'function') return mostListeners(emitter);
  if (isEventTarget(emitter)) return defaultMaxListeners;
  throw invalidArgType('emitter', ['EventEmitter', 'EventTarget'], emitter);
}

export function setMaxListeners(n = defaultMaxListeners, ...targets) {
  checkCount(n);
  if (targets.length === 0) {
    defaultMaxListeners = n;
    return;
  }
  for (const target of targets) {
    if (typeof target?.setMaxListeners === 'function') target.setMaxListeners(n);
    else if (isEventTarget(target)) {
      target[kMaxEventTargetListeners] = n;
      target[kMaxEventTargetListenersWarned] = false;
    } else throw invalidArgType('eventTargets', ['EventEmitter', 'EventTarget'], target);
  }
}

function listenTo(emitter, name, listener, flags = undefined) {
  if (typeof emitter.on === 'function') {
    if (flags?.once) emitter.once(name, listener);
    else emitter.on(name, listener);
  } else if (isEventTarget(emitter)) emitter.addEventListener(name, listener, flags);
  else throw invalidArgType('emitter', 'EventEmitter', emitter);
}

function unlisten(emitter, name, listener) {
  if (typeof emitter.removeListener === 'function') emitter.removeListener(name, listener);
  else if (typeof emitter.removeEventListener === 'function') emitter.removeEventListener(name, listener);
  else throw invalidArgType('emitter', 'EventEmitter', emitter);
}

const abortedBy = (signal) => new AbortError(undefined, { cause: signal?.reason });

export async function once(emitter, name, options = {}) {
  const signal = options?.signal;
  validateAbortSignal(signal, 'options.signal');
  if (signal?.aborted) throw abortedBy(signal);
  return new Promise((resolve, reject) => {
    const done = () => {
      if (typeof emitter.removeListener === 'function') emitter.removeListener('error', failed);
      if (signal !== undefined) signal.removeEventListener('abort', aborted);
    };
    const failed = (error) => {
      unlisten(emitter, name, resolver);
      if (signal !== undefined) signal.removeEventListener('abort', aborted);
      reject(error);
    };
    const resolver = (...args) => {
      done();
      resolve(args);
    };
    const aborted = () => {
      unlisten(emitter, name, resolver);
      if (typeof emitter.removeListener === 'function') emitter.removeListener('error', failed);
      reject(abortedBy(signal));
    };
    listenTo(emitter, name, resolver, { once: true });
    if (name !== 'error' && typeof emitter.once === 'function') emitter.once('error', failed);
    if (signal !== undefined) signal.addEventListener('abort', aborted, { once: true });
  });
}

export function on(emitter, event, options = {}) {
  const { signal } = options;
  validateAbortSignal(signal, 'options.signal');
  if (signal?.aborted) throw abortedBy(signal);
  const values = [];
  const waiting = [];
  let error = null;
  let finished = false;
  const closeEvents = options.close ?? [];
  const handle = (...args) => {
    if (waiting.length > 0) waiting.shift().resolve({ value: args, done: false });
    else values.push(args);
  };
  const fail = (reason) => {
    if (waiting.length > 0) waiting.shift().reject(reason);
    else error = reason;
    iterator.return();
  };
  const close = () => {
    iterator.return();
  };
  const aborted = () => fail(abortedBy(signal));
  const iterator = {
    next() {
      if (values.length > 0) return Promise.resolve({ value: values.shift(), done: false });
      if (error !== null) {
        const rejected = Promise.reject(error);
        error = null;
        return rejected;
      }
      if (finished) return Promise.resolve({ value: undefined, done: true });
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    return() {
      unlisten(emitter, event, handle);
      if (event !== 'error' && typeof emitter.on === 'function') unlisten(emitter, 'error', fail);
      for (const name of closeEvents) unlisten(emitter, name, close);
      signal?.removeEventListener('abort', aborted);
      finished = true;
      for (const one of waiting.splice(0)) one.resolve({ value: undefined, done: true });
      return Promise.resolve({ value: undefined, done: true });
    },
    throw(reason) {
      if (!(reason instanceof Error)) throw invalidArgType('EventEmitter.AsyncIterator', 'Error', reason);
      fail(reason);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  listenTo(emitter, event, handle);
  if (event !== 'error' && typeof emitter.on === 'function') emitter.on('error', fail);
  for (const name of closeEvents) listenTo(emitter, name, close);
  signal?.addEventListener('abort', aborted, { once: true });
  return iterator;
}

export function addAbortListener(signal, listener) {
  if (signal === undefined) throw invalidArgType('signal', 'AbortSignal', signal);
  validateAbortSignal(signal, 'signal');
  validateFunction(listener, 'listener');
  let remove;
  if (signal.aborted) queueMicrotask(() => listener());
  else {
    signal.addEventListener('abort', listener, { once: true });
    remove = () => signal.removeEventListener('abort', listener);
  }
  return {
    __proto__: null,
    [Symbol.dispose]() {
      remove?.();
    },
  };
}

export class EventEmitterAsyncResource extends EventEmitter {
  #resource;

  constructor(options = undefined) {
    super(options);
    const name = typeof options === 'string' ? options : options?.name ?? new.target.name;
    this.#resource = new AsyncResource(name, options);
  }

  emit(event, ...args) {
    return this.#resource.runInAsyncScope(super.emit, this, event, ...args);
  }
  emitDestroy() {
    this.#resource.emitDestroy();
  }
  get asyncId() {
    return this.#resource.asyncId();
  }
  get triggerAsyncId() {
    return this.#resource.triggerAsyncId();
  }
  get asyncResource() {
    return this.#resource;
  }
}

export const usingDomains = false;
export const captureRejections = false;

Object.assign(EventEmitter, {
  EventEmitter, EventEmitterAsyncResource, addAbortListener, captureRejectionSymbol, errorMonitor, getEventListeners,
  getMaxListeners, kMaxEventTargetListeners, kMaxEventTargetListenersWarned, listenerCount, on, once, setMaxListeners,
  usingDomains,
});
Object.defineProperties(EventEmitter, {
  captureRejections: {
    get: () => capturesByDefault,
    set(value) {
      if (typeof value !== 'boolean') throw invalidArgType('EventEmitter.captureRejections', 'boolean', value);
      capturesByDefault = EventEmitter.prototype[kCapture] = value;
    },
    enumerable: true, configurable: true,
  },
  defaultMaxListeners: {
    get: () => defaultMaxListeners,
    set(value) {
      validateNumber(value, 'defaultMaxListeners', 0);
      defaultMaxListeners = value;
    },
    enumerable: true, configurable: true,
  },
});

export default EventEmitter;
