// Headers, by the Fetch standard, with workerd's limits on names and values and its messages. What came over
// the wire stays one text (`name\nvalue\n…`) until somebody looks into it: most messages pass untouched.
import { tag } from './errors.js';

const NAME_REFUSED = /[\0-\x20\x7f()<>@,;:\\"\/\[\]?={}]/;
const NAME_PLAIN = /^[a-z0-9-]+$/;
const VALUE_UNUSUAL = /[\0\r\n]|^[\t ]|[\t ]$/;

// Names as people write them: saves a regular expression and a lower-casing for nearly all headers set.
const KNOWN = { __proto__: null };
for (const name of ['Accept', 'Accept-Encoding', 'Authorization', 'Cache-Control', 'Content-Length', 'Content-Type',
  'Cookie', 'Date', 'ETag', 'Host', 'Last-Modified', 'Location', 'Origin', 'Set-Cookie', 'User-Agent', 'Vary',
  'Access-Control-Allow-Origin', 'Access-Control-Allow-Methods', 'Access-Control-Allow-Headers']) {
  KNOWN[name] = KNOWN[name.toLowerCase()] = name.toLowerCase();
}

function normalName(name) {
  const known = KNOWN[name];
  if (known !== undefined) return known;
  name = `${name}`;
  if (NAME_PLAIN.test(name)) return name;
  if (NAME_REFUSED.test(name)) throw new TypeError('Invalid header name.');
  return name.toLowerCase();
}

function normalValue(value) {
  value = `${value}`;
  if (!VALUE_UNUSUAL.test(value)) return value;
  value = value.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
  if (/[\0\r\n]/.test(value)) throw new TypeError('Invalid header value.');
  return value;
}

const BAD_INIT = "Failed to construct 'Headers': constructor parameter 1 is not of type 'Headers or Sequence or object'.";
const BAD_PAIR = 'To initialize a Headers object from a sequence, each inner sequence must have exactly two elements.';

export let headersFromText; // (text, immutable) -> Headers
export let headersText; // (Headers) -> text for the wire
export let contentTypeIfMissing; // (Headers, value): sets it where the constructor's init did not

export class Headers {
  // Either the text is current (#list null) or the list is: name, value, name, value…, names in lower case.
  #text = '';
  #list = null;
  #immutable = false;

  constructor(init = undefined) {
    if (init !== undefined) this.#fill(init);
  }

  static {
    headersFromText = (text, immutable) => {
      const headers = new Headers();
      headers.#text = text;
      headers.#immutable = immutable;
      return headers;
    };
    headersText = (headers) => (headers.#list === null ? headers.#text : headers.#list.join('\n'));
    contentTypeIfMissing = (headers, value) => {
      if (headers.#find('content-type') < 0) headers.#write().push('content-type', value);
    };
  }

  #fill(init) {
    if (typeof init !== 'object' && typeof init !== 'function' || init === null) throw new TypeError(BAD_INIT);
    if (#list in init) {
      if (init.#list === null) this.#text = init.#text;
      else this.#list = init.#list.slice();
      return;
    }
    const list = (this.#list = []);
    if (init[Symbol.iterator] === undefined) {
      for (const name of Object.keys(init)) this.#add(list, name, init[name]);
      return;
    }
    for (const pair of init) {
      const both = Array.isArray(pair) ? pair : typeof pair === 'object' && pair !== null ? [...pair] : [];
      if (both.length !== 2) throw new TypeError(BAD_PAIR);
      this.#add(list, both[0], both[1]);
    }
  }

  // An empty name is accepted and never sent, so it is not kept either.
  #add(list, name, value) {
    name = normalName(name);
    value = normalValue(value);
    if (name !== '') list.push(name, value);
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

  append(name, value) {
    this.#add(this.#write(), name, value);
  }

  delete(name) {
    const list = this.#write();
    name = normalName(name);
    let kept = 0;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name) continue;
      list[kept] = list[i];
      list[kept + 1] = list[i + 1];
      kept += 2;
    }
    list.length = kept;
  }

  get(name) {
    const list = this.#read();
    name = normalName(name);
    let value = null;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name) value = value === null ? list[i + 1] : `${value}, ${list[i + 1]}`;
    }
    return value;
  }

  getSetCookie() {
    const list = this.#read();
    const values = [];
    for (let i = 0; i < list.length; i += 2) if (list[i] === 'set-cookie') values.push(list[i + 1]);
    return values;
  }

  getAll(name) {
    if (normalName(name) !== 'set-cookie') {
      throw new TypeError('getAll() can only be used with the header name "Set-Cookie".');
    }
    return this.getSetCookie();
  }

  has(name) {
    return this.#find(normalName(name)) >= 0;
  }

  set(name, value) {
    const list = this.#write();
    name = normalName(name);
    value = normalValue(value);
    const at = this.#find(name);
    if (at < 0) {
      if (name !== '') list.push(name, value);
      return;
    }
    list[at + 1] = value;
    let kept = at + 2;
    for (let i = kept; i < list.length; i += 2) {
      if (list[i] === name) continue;
      list[kept] = list[i];
      list[kept + 1] = list[i + 1];
      kept += 2;
    }
    list.length = kept;
  }

  // Sorted by name, values of one name joined; each Set-Cookie stays an entry of its own.
  #entries() {
    const list = this.#read();
    const joined = { __proto__: null };
    for (let i = 0; i < list.length; i += 2) {
      const name = list[i];
      if (name === 'set-cookie') (joined[name] ??= []).push(list[i + 1]);
      else joined[name] = name in joined ? `${joined[name]}, ${list[i + 1]}` : list[i + 1];
    }
    const entries = [];
    for (const name of Object.keys(joined).sort()) {
      if (name === 'set-cookie') for (const value of joined[name]) entries.push([name, value]);
      else entries.push([name, joined[name]]);
    }
    return entries;
  }

  forEach(callback, thisArg = undefined) {
    if (typeof callback !== 'function') {
      throw new TypeError("Failed to execute 'forEach' on 'Headers': parameter 1 is not of type 'function'.");
    }
    for (const [name, value] of this.#entries()) callback.call(thisArg, value, name, this);
  }

  *entries() {
    yield* this.#entries();
  }

  *keys() {
    for (const entry of this.#entries()) yield entry[0];
  }

  *values() {
    for (const entry of this.#entries()) yield entry[1];
  }
}
Object.defineProperty(Headers.prototype, Symbol.iterator, {
  value: Headers.prototype.entries, writable: true, configurable: true,
});
tag(Headers);
