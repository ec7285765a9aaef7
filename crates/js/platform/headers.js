// Headers, by the Fetch standard, with workerd's limits on names and values and its messages. What came over
// the wire stays one text (`name\nvalue\n…`) until somebody changes it: most messages pass untouched. What is plain the
// engine does itself (`engine/headers.c`); the methods here are for the rest, and say what the rules are.
import { ENTRY, KEY, VALUE, illegalInvocation, isObject, iterable, listIterator, notConstructed, notOfType, present, replaceHalves,
  toText } from './idl.js';
import * as host from 'switchyard:host';
import { headerName, headersEntries, headersInit, make, plainValue } from 'switchyard:host';

const NAME_REFUSED = /[\0-\x20\x7f()<>@,;:\\"\/\[\]?={}]/;
const VALUE_UNUSUAL = /[\0\r\n\ud800-\udfff]|^[\t ]|[\t ]$/;

let cookiesJoined = false;

// As before `http_headers_getsetcookie`.
export function joinCookies() {
  cookiesJoined = true;
}

function normalName(name) {
  const plain = headerName(name);
  if (plain !== undefined) return plain;
  name = toText(name);
  if (NAME_REFUSED.test(name)) throw new TypeError('Invalid header name.');
  if (!/[^\0-\x7f]/.test(name)) return name.toLowerCase();
  name = name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  // workerd reads a Latin-1 name as bytes, which are no UTF-8.
  return /[^\0-\xff]/.test(name) ? name : name.replace(/[\x80-\xff]/g, '\ufffd');
}

function normalValue(value) {
  if (plainValue(value)) return value;
  if (typeof value !== 'string') value = toText(value);
  if (!VALUE_UNUSUAL.test(value)) return value;
  if (!value.isWellFormed()) value = replaceHalves(value);
  value = value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
  if (/[\0\r\n]/.test(value)) throw new TypeError('Invalid header value.');
  return value;
}

const INIT = 'Headers or Sequence or object';

export let immutableHeaders; // (Headers): whether they can be changed
let contentTypeIfMissing; // (Headers, value): sets it where the constructor's init did not
let entriesOf;

// (Headers) -> text for the wire
export const headersText = host.headersText;

export class Headers {
  // Either the text is current (#list null) or the list is: name, value, name, value…, names in lower case. These three
  // fields, in this order, are what the engine knows.
  #text = '';
  #list = null;
  #immutable = false;

  constructor(init) {
    if (init === undefined) return;
    if (!isObject(init)) throw notConstructed('Headers', 1, INIT);
    this.#fill(init);
  }

  static {
    immutableHeaders = (headers) => headers.#immutable;
    contentTypeIfMissing = (headers, value) => {
      if (headers.#find('content-type') < 0) headers.#write().push('content-type', value);
    };
    entriesOf = (headers) => Headers.#of(headers).#entries();
  }

  #fill(init) {
    if (#list in init) {
      if (init.#list === null) this.#text = init.#text;
      else this.#list = init.#list.slice();
      return;
    }
    const list = (this.#list = []);
    const iterator = init[Symbol.iterator];
    if (typeof iterator !== 'function') {
      for (const name of Object.keys(init)) this.#add(list, name, init[name]);
      return;
    }
    for (const pair of init) {
      if (!isObject(pair) || typeof pair[Symbol.iterator] !== 'function') {
        throw new TypeError("Incorrect type: the provided value is not of type 'Sequence'.");
      }
      const both = Array.isArray(pair) ? pair : [...pair];
      if (both.length !== 2) {
        throw new TypeError(
          'To initialize a Headers object from a sequence, each inner sequence must have exactly two elements.');
      }
      this.#add(list, both[0], both[1]);
    }
  }

  #add(list, name, value) {
    name = normalName(name);
    list.push(name, normalValue(value));
  }

  static #of(value) {
    if (typeof value !== 'object' || value === null || !(#list in value)) throw illegalInvocation();
    return value;
  }

  #read() {
    return (this.#list ??= this.#text === '' ? [] : this.#text.split('\n'));
  }

  #write() {
    if (this.#immutable) throw new TypeError("Can't modify immutable headers.");
    return this.#read();
  }

  #find(name) {
    const list = this.#read();
    for (let i = 0; i < list.length; i += 2) if (list[i] === name) return i;
    return -1;
  }

  get(name) {
    const headers = Headers.#of(this);
    if (arguments.length === 0) throw notOfType('get', 'Headers', 1, 'string');
    name = normalName(name);
    const list = headers.#read();
    let value = null;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name) value = value === null ? list[i + 1] : `${value}, ${list[i + 1]}`;
    }
    return value;
  }

  getAll(name) {
    const headers = Headers.#of(this);
    if (arguments.length === 0) throw notOfType('getAll', 'Headers', 1, 'string');
    if (toText(name).toLowerCase() !== 'set-cookie') {
      throw new TypeError('getAll() can only be used with the header name "Set-Cookie".');
    }
    return headers.#cookies();
  }

  getSetCookie() {
    return Headers.#of(this).#cookies();
  }

  #cookies() {
    const list = this.#read();
    const values = [];
    for (let i = 0; i < list.length; i += 2) if (list[i] === 'set-cookie') values.push(list[i + 1]);
    return values;
  }

  has(name) {
    const headers = Headers.#of(this);
    if (arguments.length === 0) throw notOfType('has', 'Headers', 1, 'string');
    return headers.#find(normalName(name)) >= 0;
  }

  set(name, value) {
    const headers = Headers.#of(this);
    twoTexts('set', arguments);
    const list = headers.#write();
    name = normalName(name);
    value = normalValue(value);
    const at = headers.#find(name);
    if (at < 0) {
      list.push(name, value);
      return;
    }
    list[at + 1] = value;
    remove(list, name, at + 2);
  }

  append(name, value) {
    const headers = Headers.#of(this);
    twoTexts('append', arguments);
    headers.#add(headers.#write(), name, value);
  }

  delete(name) {
    const headers = Headers.#of(this);
    if (arguments.length === 0) throw notOfType('delete', 'Headers', 1, 'string');
    remove(headers.#write(), normalName(name), 0);
  }

  forEach(callback, thisArg = undefined) {
    const headers = Headers.#of(this);
    if (typeof callback !== 'function') throw notOfType('forEach', 'Headers', 1, 'function');
    const entries = headers.#entries();
    for (let i = 0; i < entries.length; i += 2) callback.call(thisArg, entries[i + 1], entries[i], this);
  }

  entries() {
    return make(ENTRIES, headersEntries(this, cookiesJoined) ?? entriesOf(this), 0);
  }

  keys() {
    return make(KEYS, headersEntries(this, cookiesJoined) ?? entriesOf(this), 0);
  }

  values() {
    return make(VALUES, headersEntries(this, cookiesJoined) ?? entriesOf(this), 0);
  }

  // name, value, name, value…, sorted by name, values of one name joined; each Set-Cookie stays an entry of its own, but
  // for an older Worker.
  #entries() {
    const known = headersEntries(this, cookiesJoined);
    if (known !== undefined) return known;
    const list = this.#read();
    const joined = { __proto__: null };
    for (let i = 0; i < list.length; i += 2) {
      const name = list[i];
      if (name === 'set-cookie' && !cookiesJoined) (joined[name] ??= []).push(list[i + 1]);
      else joined[name] = name in joined ? `${joined[name]}, ${list[i + 1]}` : list[i + 1];
    }
    const entries = [];
    for (const name of Object.keys(joined).sort()) {
      if (name === 'set-cookie' && !cookiesJoined) for (const value of joined[name]) entries.push(name, value);
      else entries.push(name, joined[name]);
    }
    return entries;
  }
}
host.headersClass(new Headers(), Headers.prototype);
present(Headers);
iterable(Headers);

const HEADERS = host.template(new Headers());
host.headersTemplate(HEADERS);
const ENTRIES = listIterator('EntryIterator', ENTRY);
const KEYS = listIterator('KeyIterator', KEY);
const VALUES = listIterator('ValueIterator', VALUE);

// (text, immutable) -> Headers
export function headersFromText(text, immutable) {
  return make(HEADERS, text, null, immutable);
}

// What is there is read before what is missing is named.
function twoTexts(method, given) {
  if (given.length >= 2) return;
  if (given.length === 1) toText(given[0]);
  throw notOfType(method, 'Headers', given.length + 1, 'string');
}

// All entries of that name from there on.
function remove(list, name, from) {
  let kept = from;
  for (let i = from; i < list.length; i += 2) {
    if (list[i] === name) continue;
    list[kept] = list[i];
    list[kept + 1] = list[i + 1];
    kept += 2;
  }
  list.length = kept;
}

// The `headers` of a Request's or a Response's init, as a text where that can be.
export function headersOf(value, struct) {
  if (!isObject(value)) {
    throw new TypeError(`Incorrect type for the 'headers' field on '${struct}': the provided value is not of type '${INIT}'.`);
  }
  return headersInit(value) ?? new Headers(value);
}

// The headers of a message whose body has a type, a text or Headers, with that type where they have none.
export function headersTyped(headers, type) {
  if (typeof headers === 'string') {
    const text = host.headersTyped(headers, type);
    if (text !== undefined) return text;
    headers = headersFromText(headers, false);
  }
  contentTypeIfMissing(headers, type);
  return headers;
}
