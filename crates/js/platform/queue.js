// A first-in first-out queue on one array. A linked list would start in the frozen base for queues made
// there, and nothing reachable from a frozen node is ever released; an array only moves its head along.

import { isObject, notConstructed, notField, toNumber } from './idl.js';

const { apply } = Reflect;

export class Queue {
  constructor() {
    this.items = [];
    this.head = 0;
    this.length = 0;
  }

  push(item) {
    this.items.push(item);
    this.length++;
  }

  peek() {
    return this.items[this.head];
  }

  // The last one.
  pop() {
    this.length--;
    return this.items.pop();
  }

  // Of a queue that is not empty.
  shift() {
    const item = this.items[this.head];
    this.items[this.head++] = undefined;
    if (--this.length === 0) {
      this.items.length = 0;
      this.head = 0;
    } else if (this.head > 64 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  clear() {
    this.items = [];
    this.head = 0;
    this.length = 0;
  }

  // Hands every item to `each` and leaves the queue empty, in an order that is safe if `each` pushes again.
  drain(each) {
    const items = this.items;
    const head = this.head;
    this.clear();
    for (let i = head; i < items.length; i++) each(items[i]);
  }
}

// A queue whose items have sizes, by "queue-with-sizes" of the Streams standard.
export class SizedQueue extends Queue {
  constructor() {
    super();
    this.total = 0;
  }

  enqueue(value, size) {
    if (typeof size !== 'number' || !(size >= 0) || size === Infinity) size = whole(size);
    this.push(value);
    this.push(size);
    this.total += size;
  }

  dequeue() {
    const value = this.shift();
    this.total -= this.shift();
    if (this.total < 0 || this.length === 0) this.total = 0; // rounding errors of fractional sizes
    return value;
  }

  reset() {
    this.clear();
    this.total = 0;
  }
}

// A promise with its two ends.
export class Deferred {
  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  // Rejects what somebody may look at later.
  fail(reason) {
    handled(this.promise);
    this.reject(reason);
  }
}

function ignore() {}

// For what is done already: whoever waits for it is told in the next job.
export const DONE = Promise.resolve();

// What pull() of a source of ours gives when it will call the controller's `pulled` itself.
export const PENDING = Symbol('pending');

// A rejection that somebody may look at later is no unhandled one.
export function handled(promise) {
  promise.then(undefined, ignore);
  return promise;
}

export function rejected(reason) {
  return handled(Promise.reject(reason));
}

// Calls a user's method (or nothing) for a promise of its result.
export function promiseCall(method, self, ...args) {
  if (method === undefined) return Promise.resolve();
  try {
    return Promise.resolve(apply(method, self, args));
  } catch (error) {
    return Promise.reject(error);
  }
}

// A member of an underlying source, sink or transformer: a function, or not there.
export function member(object, name, struct) {
  const value = object[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'function') throw notField(name, struct, 'function');
  return value;
}

// A whole number as workerd takes it: nothing negative, nothing that is no number.
export function whole(value) {
  if (typeof value === 'bigint') value = Number(value);
  const number = Math.trunc(toNumber(value));
  if (!Number.isFinite(number)) throw new TypeError('The value cannot be converted because it is not an integer.');
  if (number < 0) {
    throw new TypeError('The value cannot be converted because it is negative and this API expects a positive bigint.');
  }
  return number;
}

// What a script gave as a strategy, read once: { mark, size }.
export function strategyOf(strategy, fallback, owner, at) {
  if (strategy === undefined || strategy === null) return { mark: fallback, size: null };
  if (!isObject(strategy)) throw notConstructed(owner, at, 'StreamQueuingStrategy');
  const { highWaterMark } = strategy;
  const mark = highWaterMark === undefined ? fallback : whole(highWaterMark);
  const size = member(strategy, 'size', 'StreamQueuingStrategy');
  return { mark, size: size === undefined ? null : (chunk) => size(chunk) };
}
