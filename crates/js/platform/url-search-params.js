// URLSearchParams and application/x-www-form-urlencoded, by the URL standard. The text is parsed when somebody
// looks into it; a URL whose parameters these are is told of every change.
import * as host from 'switchyard:host';
import { isOn } from './compatibility.js';
import { isObject, iterable, notOfType, present } from './idl.js';

const PLAIN = /^[A-Za-z0-9*\-._]*$/;

// Bytes that go as they are: letters, digits, * - . _ ; a space is a plus sign.
function encode(text) {
  if (PLAIN.test(text)) return text;
  let out = '';
  for (const byte of host.utf8Encode(text)) {
    if (byte === 0x20) out += '+';
    else if (
      (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) ||
      byte === 0x2a || byte === 0x2d || byte === 0x2e || byte === 0x5f
    ) out += String.fromCharCode(byte);
    else out += byte < 16 ? `%0${byte.toString(16).toUpperCase()}` : `%${byte.toString(16).toUpperCase()}`;
  }
  return out;
}

function hex(byte) {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  byte |= 0x20;
  return byte >= 0x61 && byte <= 0x66 ? byte - 0x57 : -1;
}

function decode(text) {
  if (text.includes('+')) text = text.replaceAll('+', ' ');
  if (!text.includes('%')) return text.isWellFormed() ? text : text.toWellFormed();
  const bytes = host.utf8Encode(text);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    let byte = bytes[i];
    if (byte === 0x25 && i + 2 < bytes.length) {
      const high = hex(bytes[i + 1]);
      const low = hex(bytes[i + 2]);
      if (high >= 0 && low >= 0) {
        byte = high * 16 + low;
        i += 2;
      }
    }
    bytes[length++] = byte;
  }
  return host.utf8Decode(bytes.subarray(0, length), false, true);
}

// -> name, value, name, value…
function parse(text) {
  const plain = host.paramsList(text);
  if (plain !== undefined) return plain;
  const list = [];
  for (const piece of text.split('&')) {
    if (piece === '') continue;
    const at = piece.indexOf('=');
    if (at < 0) list.push(decode(piece), '');
    else list.push(decode(piece.slice(0, at)), decode(piece.slice(at + 1)));
  }
  return list;
}

function wellFormed(value) {
  if (typeof value === 'symbol') throw new TypeError('Cannot convert a Symbol value to a string');
  return typeof value === 'string' && value.isWellFormed() ? value : `${value}`.toWellFormed();
}

export let paramsOf; // (url, search, change) -> params of that URL; change(url, query) is told of each change
export let resetParams; // (params, search): the URL was given another query
let listOf; // (params) -> name, value, name, value…

// What is there is read before what is missing is named.
function missing(method, given) {
  for (const value of given) wellFormed(value);
  return notOfType(method, 'URLSearchParams', given.length + 1, 'USVString');
}

// Iterators look at the list anew in each step: they see what is changed meanwhile.
const ITERATORS = {};
const IteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));

function defineIterator(name, pick) {
  const made = class {
    #params;
    #at = 0;
    constructor(params) {
      this.#params = params;
    }
    next() {
      const list = this.#params === null ? [] : listOf(this.#params);
      const at = this.#at;
      if (at >= list.length) {
        this.#params = null;
        return { done: true, value: undefined };
      }
      this.#at += 2;
      return { done: false, value: pick(list, at) };
    }
  };
  Object.defineProperty(made, 'name', { value: name });
  Object.setPrototypeOf(made.prototype, IteratorPrototype);
  present(made);
  ITERATORS[name] = made;
}
defineIterator('EntryIterator', (list, at) => [list[at], list[at + 1]]);
defineIterator('KeyIterator', (list, at) => list[at]);
defineIterator('ValueIterator', (list, at) => list[at + 1]);

export class URLSearchParams {
  #text = ''; // current while #list is null
  #list = null; // read first by every method: it says whose object it is
  #url = null;
  #change = null;

  constructor(init = '') {
    if (init === '') return;
    if (isObject(init)) this.#fill(init);
    else this.#parseFrom(wellFormed(init));
  }

  static {
    paramsOf = (url, search, change) =>
      host.make(PARAMS, search[0] === '?' ? search.slice(1) : search, null, url, change);
    resetParams = (params, search) => params.#parseFrom(search);
    listOf = (params) => params.#read();
  }

  #parseFrom(text) {
    this.#text = text.startsWith('?') ? text.slice(1) : text;
    this.#list = null;
  }

  #fill(init) {
    const list = (this.#list = []);
    const method = init[Symbol.iterator];
    if (typeof method !== 'function') {
      for (const name of Object.keys(init)) list.push(wellFormed(name), wellFormed(init[name]));
      return;
    }
    for (const pair of init) {
      if (!isObject(pair) || typeof pair[Symbol.iterator] !== 'function') {
        throw new TypeError("Incorrect type: the provided value is not of type 'Sequence'.");
      }
      const both = [...pair];
      if (both.length !== 2) throw new TypeError('Invalid URL search params sequence.');
      list.push(wellFormed(both[0]), wellFormed(both[1]));
    }
  }

  #read() {
    return (this.#list ??= this.#text === '' ? [] : parse(this.#text));
  }

  #update() {
    if (this.#url !== null) this.#change(this.#url, this.toString());
  }

  get size() {
    return this.#read().length / 2;
  }

  append(name, value) {
    this.#list;
    if (arguments.length < 2) throw missing('append', arguments);
    this.#read().push(wellFormed(name), wellFormed(value));
    this.#update();
  }

  delete(name, value = undefined) {
    this.#list;
    if (arguments.length < 1) throw missing('delete', arguments);
    const list = this.#read();
    name = wellFormed(name);
    if (value !== undefined) value = isOn('urlsearchparams_delete_has_value_arg') ? wellFormed(value) : undefined;
    let kept = 0;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name && (value === undefined || list[i + 1] === value)) continue;
      list[kept] = list[i];
      list[kept + 1] = list[i + 1];
      kept += 2;
    }
    list.length = kept;
    this.#update();
  }

  get(name) {
    this.#list;
    if (arguments.length < 1) throw missing('get', arguments);
    const list = this.#list ?? this.#read();
    if (typeof name !== 'string' || !name.isWellFormed()) name = wellFormed(name);
    for (let i = 0; i < list.length; i += 2) if (list[i] === name) return list[i + 1];
    return null;
  }

  getAll(name) {
    this.#list;
    if (arguments.length < 1) throw missing('getAll', arguments);
    const list = this.#read();
    const values = [];
    name = wellFormed(name);
    for (let i = 0; i < list.length; i += 2) if (list[i] === name) values.push(list[i + 1]);
    return values;
  }

  has(name, value = undefined) {
    this.#list;
    if (arguments.length < 1) throw missing('has', arguments);
    const list = this.#read();
    name = wellFormed(name);
    if (value !== undefined) value = isOn('urlsearchparams_delete_has_value_arg') ? wellFormed(value) : undefined;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name && (value === undefined || list[i + 1] === value)) return true;
    }
    return false;
  }

  set(name, value) {
    this.#list;
    if (arguments.length < 2) throw missing('set', arguments);
    const list = this.#read();
    name = wellFormed(name);
    value = wellFormed(value);
    let kept = 0;
    let found = false;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name && found) continue;
      list[kept] = list[i];
      list[kept + 1] = list[i] === name ? value : list[i + 1];
      if (list[i] === name) found = true;
      kept += 2;
    }
    list.length = kept;
    if (!found) list.push(name, value);
    this.#update();
  }

  // By the names' code units, equal names in their old order.
  sort() {
    const list = this.#read();
    const pairs = [];
    for (let i = 0; i < list.length; i += 2) pairs.push([list[i], list[i + 1]]);
    pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    this.#list = pairs.flat();
    this.#update();
  }

  forEach(callback, thisArg = undefined) {
    this.#list;
    if (typeof callback !== 'function') {
      throw notOfType('forEach', 'URLSearchParams', 1, 'function');
    }
    for (let i = 0; i < this.#read().length; i += 2) callback.call(thisArg, this.#list[i + 1], this.#list[i], this);
  }

  entries() {
    this.#list;
    return new ITERATORS.EntryIterator(this);
  }

  keys() {
    this.#list;
    return new ITERATORS.KeyIterator(this);
  }

  values() {
    this.#list;
    return new ITERATORS.ValueIterator(this);
  }

  toString() {
    const list = this.#read();
    let text = '';
    for (let i = 0; i < list.length; i += 2) {
      text += `${i > 0 ? '&' : ''}${encode(list[i])}=${encode(list[i + 1])}`;
    }
    return text;
  }
}
const PARAMS = host.template(new URLSearchParams());
present(URLSearchParams);
iterable(URLSearchParams);
