// `node:timers`: timers as objects.
import { methodNotImplemented } from './internal/errors.js';
import { validateFunction } from './internal/validators.js';
import * as promises from 'node:timers/promises';
import * as platform from '../timers.js';

const objects = new WeakMap(); // of a timer's number to be cleared: the object

export class Timeout {
  #start;
  #clear;
  #id;

  constructor(callback, delay = 1, args = undefined, repeat = false) {
    const start = repeat ? platform.setInterval : platform.setTimeout;
    this.#clear = repeat ? platform.clearInterval : platform.clearTimeout;
    this.#start = () => start(callback, delay, ...(args ?? []));
    this.#id = this.#start();
  }

  refresh() {
    this.#clear(this.#id);
    this.#id = this.#start();
    return this;
  }
  unref() {
    return this;
  }
  ref() {
    return this;
  }
  hasRef() {
    return true;
  }
  close() {
    this.#clear(this.#id);
    return this;
  }
  [Symbol.dispose]() {
    this.#clear(this.#id);
  }
  [Symbol.toPrimitive]() {
    return this.#id;
  }
}

class Immediate {
  #id;

  constructor(callback, args) {
    this.#id = platform.setTimeout(callback, 0, ...args);
    objects.set(this, () => platform.clearTimeout(this.#id));
  }

  ref() {
    return this;
  }
  unref() {
    return this;
  }
  hasRef() {
    return false;
  }
  [Symbol.dispose]() {
    platform.clearTimeout(this.#id);
  }
}
Object.defineProperty(Immediate.prototype, Symbol.toStringTag, { value: 'Immediate', configurable: true });

export function setTimeout(callback, after, ...args) {
  validateFunction(callback, 'callback');
  return new Timeout(callback, after, args, false);
}

export function setInterval(callback, repeat, ...args) {
  validateFunction(callback, 'callback');
  return new Timeout(callback, repeat, args, true);
}

export function setImmediate(callback, ...args) {
  validateFunction(callback, 'callback');
  return new Immediate(callback, args);
}

export function clearTimeout(timer) {
  if (timer instanceof Timeout) timer.close();
  else if (typeof timer === 'number') platform.clearTimeout(timer);
}

export function clearInterval(timer) {
  clearTimeout(timer);
}

export function clearImmediate(immediate) {
  objects.get(immediate)?.();
}

export function active(timer) {
  timer?.refresh?.();
}
export function enroll() {
  throw methodNotImplemented('timers.enroll');
}
export function unenroll(timer) {
  clearTimeout(timer);
}

export { promises };
export default {
  active, clearImmediate, clearInterval, clearTimeout, enroll, promises: promises.default, setImmediate, setInterval,
  setTimeout, unenroll,
};
