// URL, by the URL standard. The host parses and re-parses (the `url` crate); here are the class, the parts it
// answered with, and the link to searchParams.
import * as host from 'switchyard:host';
import { SYNC_URL_PARSE, SYNC_URL_SET } from './abi.js';
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
  return host.sync(SYNC_URL_PARSE, url, base) ?? null;
}

const TOKEN = Symbol('parsed');

function text(value) {
  if (typeof value === 'string') return value;
  if (typeof value === 'symbol') throw new TypeError('Cannot convert a Symbol value to a string');
  return `${value}`;
}

let changeSearch;

export class URL {
  #parts;
  #params = null;

  constructor(url, base = undefined) {
    if (url === TOKEN) {
      this.#parts = base;
      return;
    }
    if (arguments.length === 0) throw notConstructed('URL', 1, 'USVString');
    const parts = parseUrl(text(url), base === undefined ? null : text(base));
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

  static revokeObjectURL() {
    if (arguments.length === 0) throw notOfType('revokeObjectURL', 'URL', 1, 'USVString');
    throw new Error('URL.revokeObjectURL() is not implemented');
  }

  #set(part, value) {
    const parts = host.sync(SYNC_URL_SET, this.#parts[HREF], part, `${value}`);
    if (parts !== undefined && parts !== null) this.#parts = parts;
  }

  get href() {
    return this.#parts[HREF];
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
    return this.#parts[ORIGIN];
  }
  get protocol() {
    return this.#parts[PROTOCOL];
  }
  set protocol(value) {
    this.#set('protocol', value);
  }
  get username() {
    return this.#parts[USERNAME];
  }
  set username(value) {
    this.#set('username', value);
  }
  get password() {
    return this.#parts[PASSWORD];
  }
  set password(value) {
    this.#set('password', value);
  }
  get host() {
    return this.#parts[HOST];
  }
  set host(value) {
    this.#set('host', value);
  }
  get hostname() {
    return this.#parts[HOSTNAME];
  }
  set hostname(value) {
    this.#set('hostname', value);
  }
  get port() {
    return this.#parts[PORT];
  }
  set port(value) {
    this.#set('port', value);
  }
  get pathname() {
    return this.#parts[PATHNAME];
  }
  set pathname(value) {
    this.#set('pathname', value);
  }
  get search() {
    return this.#parts[SEARCH];
  }
  set search(value) {
    this.#set('search', value);
    if (this.#params !== null) resetParams(this.#params, this.#parts[SEARCH]);
  }
  get hash() {
    return this.#parts[HASH];
  }
  set hash(value) {
    this.#set('hash', value);
  }

  get searchParams() {
    return (this.#params ??= paramsOf(this, this.#parts[SEARCH], changeSearch));
  }

  toString() {
    return this.#parts[HREF];
  }

  toJSON() {
    return this.#parts[HREF];
  }
}
present(URL);
