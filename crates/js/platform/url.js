// URL, by the URL standard. The host parses and re-parses (the `url` crate); here are the class, the parts it
// answered with, and the link to searchParams.
import { getter, plainUrl, quick, sync, template } from 'switchyard:host';
import { GET_URL, QUICK_URL, SYNC_URL_PARSE, SYNC_URL_SET } from './abi.js';
import { isBlob } from './blob.js';
import { notConstructed, notOfType, present } from './idl.js';
import { paramsOf, resetParams } from './url-search-params.js';

// Places in the host's answer.
const HREF = 0;
const PROTOCOL = 1;
const USERNAME = 2;
const PASSWORD = 3;
const HOST = 4;
const HOSTNAME = 5;
const PORT = 6;
const PATHNAME = 7;
const SEARCH = 8;
const HASH = 9;
const ORIGIN = 10;

// The parts of a URL, [href, protocol, …], or null when it is none.
export function parseUrl(url, base) {
  return sync(SYNC_URL_PARSE, url, base) ?? null;
}

const TOKEN = Symbol('parsed');

function text(value) {
  if (typeof value === 'string') return value;
  if (typeof value === 'symbol') throw new TypeError('Cannot convert a Symbol value to a string');
  return `${value}`;
}

let changeSearch;

const HAS_PORT = 1 << 24;

function hostOf(href, marks) {
  return href.slice(href[4] === 's' ? 8 : 7, marks & 1023);
}

function pathEnd(marks) {
  return marks >> 10 & 8191;
}

export class URL {
  #parts = null; // null: a plain one, of which each part is a piece of #href
  #params = null;
  #href = null;
  #marks = 0; // where its host and its path end, as plainUrl() has it

  constructor(url, base) {
    if (url === TOKEN) {
      this.#parts = base;
      return;
    }
    if (base === undefined && typeof url === 'string') {
      const marks = plainUrl(url);
      if (marks >= 0) {
        this.#href = url;
        this.#marks = marks;
        return;
      }
    }
    if (arguments.length === 0) throw notConstructed('URL', 1, 'USVString');
    const parts = parseUrl(typeof url === 'string' ? url : text(url), base === undefined ? null : text(base));
    if (parts === null) throw new TypeError('Invalid URL string.');
    this.#parts = parts;
  }

  static {
    changeSearch = (url, query) => url.#set('search', query);
  }

  static canParse(url, base = undefined) {
    if (arguments.length === 0) throw notOfType('canParse', 'URL', 1, 'USVString');
    return parseUrl(text(url), base === undefined ? null : text(base)) !== null;
  }

  static parse(url, base = undefined) {
    if (arguments.length === 0) throw notOfType('parse', 'URL', 1, 'USVString');
    const parts = parseUrl(text(url), base === undefined ? null : text(base));
    return parts === null ? null : new URL(TOKEN, parts);
  }

  static createObjectURL(object) {
    if (!isBlob(object)) throw notOfType('createObjectURL', 'URL', 1, 'File or Blob');
    throw new Error('URL.createObjectURL() is not implemented');
  }

  static revokeObjectURL(url) {
    if (arguments.length === 0) throw notOfType('revokeObjectURL', 'URL', 1, 'USVString');
    text(url);
    throw new Error('URL.revokeObjectURL() is not implemented');
  }

  #set(part, value) {
    const parts = sync(SYNC_URL_SET, this.#text(), part, `${value}`);
    if (parts !== undefined && parts !== null) this.#parts = parts;
  }

  // As the search is now, whether or not it is kept as a part.
  #search() {
    const parts = this.#parts;
    return parts === null ? this.#href.slice(pathEnd(this.#marks)) : parts[SEARCH];
  }

  #text() {
    const parts = this.#parts;
    return parts === null ? this.#href : parts[HREF];
  }

  get href() {
    return this.#text();
  }
  set href(value) {
    const parts = parseUrl(text(value), null);
    if (parts === null) {
      throw new TypeError(
        "Failed to set the 'href' property on 'URL': the provided value is not of type 'valid URL string'.");
    }
    this.#parts = parts;
    if (this.#params !== null) resetParams(this.#params, parts[SEARCH]);
  }
  get origin() {
    const parts = this.#parts;
    return parts === null ? this.#href.slice(0, this.#marks & 1023) : parts[ORIGIN];
  }
  get protocol() {
    const parts = this.#parts;
    return parts === null ? (this.#href[4] === 's' ? 'https:' : 'http:') : parts[PROTOCOL];
  }
  set protocol(value) {
    this.#set('protocol', value);
  }
  get username() {
    const parts = this.#parts;
    return parts === null ? '' : parts[USERNAME];
  }
  set username(value) {
    this.#set('username', value);
  }
  get password() {
    const parts = this.#parts;
    return parts === null ? '' : parts[PASSWORD];
  }
  set password(value) {
    this.#set('password', value);
  }
  get host() {
    const parts = this.#parts;
    return parts === null ? hostOf(this.#href, this.#marks) : parts[HOST];
  }
  set host(value) {
    this.#set('host', value);
  }
  get hostname() {
    const parts = this.#parts;
    if (parts !== null) return parts[HOSTNAME];
    const marks = this.#marks;
    const host = hostOf(this.#href, marks);
    return marks < HAS_PORT ? host : host.slice(0, host.indexOf(':'));
  }
  set hostname(value) {
    this.#set('hostname', value);
  }
  get port() {
    const parts = this.#parts;
    if (parts !== null) return parts[PORT];
    const marks = this.#marks;
    if (marks < HAS_PORT) return '';
    const host = hostOf(this.#href, marks);
    return host.slice(host.indexOf(':') + 1);
  }
  set port(value) {
    this.#set('port', value);
  }
  get pathname() {
    const parts = this.#parts;
    const marks = this.#marks;
    return parts === null ? this.#href.slice(marks & 1023, pathEnd(marks)) : parts[PATHNAME];
  }
  set pathname(value) {
    this.#set('pathname', value);
  }
  get search() {
    return this.#search();
  }
  set search(value) {
    this.#set('search', value);
    if (this.#params !== null) resetParams(this.#params, this.#search());
  }
  get hash() {
    const parts = this.#parts;
    return parts === null ? '' : parts[HASH];
  }
  set hash(value) {
    this.#set('hash', value);
  }

  get searchParams() {
    return (this.#params ??= paramsOf(this, this.#search(), changeSearch));
  }

  toString() {
    return this.#text();
  }

  toJSON() {
    return this.#text();
  }
}

const PLAIN = template(new URL(TOKEN, null));
quick(QUICK_URL, URL, PLAIN, null);
// In the order of the parts' places.
for (const [place, name] of ['href', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash',
  'origin'].entries()) getter(URL.prototype, name, GET_URL, PLAIN, 0, place);
present(URL);
