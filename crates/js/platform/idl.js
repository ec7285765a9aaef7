// How the platform's classes look from outside, and their arguments as workerd converts them: members that are
// enumerated, functions without a length, iterators with names, and workerd's words for what does not fit.
// All of it is done while the base is made; a request pays for none of it.
import * as host from 'switchyard:host';
import { tag } from './errors.js';

export function illegalInvocation() {
  return new TypeError('Illegal invocation: function called with incorrect `this` reference. See ' +
    'https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.');
}

export function notOfType(method, owner, at, type) {
  return new TypeError(`Failed to execute '${method}' on '${owner}': parameter ${at} is not of type '${type}'.`);
}

export function notConstructed(owner, at, type) {
  return new TypeError(`Failed to construct '${owner}': constructor parameter ${at} is not of type '${type}'.`);
}

export function notField(name, struct, type) {
  return new TypeError(`Incorrect type for the '${name}' field on '${struct}': the provided value is not of type '${type}'.`);
}

// A value as a text. Halves of surrogate pairs become what their three bytes decode to.
export function toText(value) {
  if (typeof value !== 'string') {
    if (typeof value === 'symbol') throw new TypeError('Cannot convert a Symbol value to a string');
    value = `${value}`;
  }
  return value.isWellFormed() ? value : replaceHalves(value);
}

export function replaceHalves(text) {
  return text.replace(/\p{Surrogate}/gu, '\ufffd\ufffd\ufffd');
}

export function toNumber(value) {
  if (typeof value === 'number') return value;
  if (typeof value === 'symbol') throw new TypeError('Cannot convert a Symbol value to a number');
  if (typeof value === 'bigint') throw new TypeError('Cannot convert a BigInt value to a number');
  return Number(value);
}

// What is no number at all is 0.
export function toInt(value) {
  if (typeof value === 'number' && value === (value | 0)) return value | 0;
  const number = Math.trunc(toNumber(value));
  if (!Number.isFinite(number)) return 0;
  if (number < -2147483648 || number > 2147483647) {
    throw new TypeError('Value out of range. Must be between -2147483648 and 2147483647 (inclusive).');
  }
  return number + 0;
}

export function isObject(value) {
  return typeof value === 'object' && value !== null || typeof value === 'function';
}

const { defineProperty, getOwnPropertyDescriptor, ownKeys } = Reflect;

function presentMembers(object, skipped) {
  for (const key of ownKeys(object)) {
    if (typeof key === 'symbol' || skipped.includes(key)) continue;
    const { value, get } = getOwnPropertyDescriptor(object, key);
    defineProperty(object, key, { enumerable: true });
    if (typeof value === 'function') defineProperty(value, 'length', { value: 0 });
    if (get !== undefined) defineProperty(get, 'name', { value: '' });
  }
}

// A class as scripts see it.
export function present(target) {
  presentMembers(target.prototype, ['constructor']);
  presentMembers(target, ['prototype', 'name', 'length']);
  defineProperty(target, 'length', { value: 0 });
  defineProperty(target.prototype, Symbol.toStringTag, { value: target.name, writable: true, configurable: true });
}

// Iterators over lists of [name, value] pairs: what is appended while one runs is seen by it.
export const ENTRY = 0;
export const KEY = 1;
export const VALUE = 2;

const TOKEN = Symbol('iterator');
const IteratorBase = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));

function iteratorClass(name, pick) {
  const made = class {
    #pairs;
    #at = 0;
    constructor(token, pairs) {
      if (token !== TOKEN) throw new TypeError('Illegal constructor');
      this.#pairs = pairs;
    }
    next() {
      const pairs = this.#pairs;
      if (this.#at >= pairs.length) {
        this.#pairs = [];
        return { done: true, value: undefined };
      }
      return { done: false, value: pick(pairs[this.#at++]) };
    }
  };
  defineProperty(made, 'name', { value: name });
  Object.setPrototypeOf(made.prototype, IteratorBase);
  tag(made, name);
  return made;
}

const CLASSES = [
  iteratorClass('EntryIterator', (pair) => [pair[0], pair[1]]),
  iteratorClass('KeyIterator', (pair) => pair[0]),
  iteratorClass('ValueIterator', (pair) => pair[1]),
];

export function iterate(pairs, what) {
  return new CLASSES[what](TOKEN, pairs);
}

// Iterators over a list of name, value, name, value… that nobody else has: make() makes them, with the list and 0, and the
// engine steps through it. What the class itself does says only that an object is not of it.
export function listIterator(name, what) {
  const made = iteratorClass(name, null);
  const sample = new made(TOKEN, null);
  host.pairsIterator(sample, made.prototype, what);
  return host.template(sample);
}

// A class whose objects are iterated like entries(), by a function of its own.
export function iterable(target) {
  const { entries } = target.prototype;
  const value = { entries() {
    return Reflect.apply(entries, this, []);
  } }.entries;
  defineProperty(value, 'name', { value: '' });
  defineProperty(target.prototype, Symbol.iterator, { value, writable: true, configurable: true });
}
