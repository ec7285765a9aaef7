// The Cache API, as far as Cloudflare has it: responses by URL, which the host keeps. Names of caches are the
// script's own; `caches.default` is there only for Workers that trust each other.
import * as host from 'switchyard:host';
import {
  BODY_GUEST, BODY_NONE, CACHE_DELETE, CACHE_MATCH, CACHE_PUT, OP_CACHE, STATUS_END, STATUS_OK, SYNC_DEFAULT_CACHE,
} from './abi.js';
import { checkSendable, giveAway } from './content.js';
import { hostError, refusal } from './errors.js';
import { headersText } from './headers.js';
import { illegalInvocation, isObject, notOfType, present, toText } from './idl.js';
import { expect, nextId } from './ops.js';
import { dropPump, newPump, runPump } from './pump.js';
import { Request, isRequest } from './request.js';
import { fetchedResponse, isResponse, responseContent } from './response.js';

const TOKEN = Symbol('cache');
const MAX_NAME = 1024;

const getter = (target, name) => Object.getOwnPropertyDescriptor(target.prototype, name).get;
const methodOf = getter(Request, 'method');
const urlOf = getter(Request, 'url');
const requestHeaders = getter(Request, 'headers');

// A CACHE operation: what it is completed with goes to `done(status of a response or none, …)`.
class Operation {
  constructor(resolve, reject, done, pump) {
    this.resolve = resolve;
    this.reject = reject;
    this.done = done;
    this.pump = pump;
  }

  complete(status, ...values) {
    this.pump?.cancelled();
    if (status === STATUS_OK) this.resolve(this.done(...values));
    else if (status === STATUS_END) this.resolve(this.done());
    else this.reject(hostError(values[0], values[1]));
  }
}

const NO_BODY = { kind: BODY_NONE, data: null, length: null };

function run(name, what, request, content, status, headers, done) {
  return new Promise((resolve, reject) => {
    const id = nextId();
    const pump = content.kind === BODY_GUEST ? newPump(content.stream) : null;
    const body = pump === null ? content.data : pump.id;
    const code = host.op(OP_CACHE, id, name, what, Reflect.apply(urlOf, request, []),
      headersText(Reflect.apply(requestHeaders, request, [])), content.kind, body, content.length, status, headers);
    if (code !== 0) {
      if (pump !== null) dropPump(pump);
      reject(refusal(code));
      return;
    }
    const operation = new Operation(resolve, reject, done, pump);
    expect(id, operation);
    if (pump === null) return;
    pump.failed = reject; // the stream's own reason, before the host's words for it
    runPump(pump);
  });
}

function argument(method, args) {
  if (args.length === 0) throw notOfType(method, 'Cache', 1, 'Request or string');
  return args[0];
}

function asRequest(input) {
  return isRequest(input) ? input : new Request(input);
}

// Whether a request of any method is meant.
function ignoresMethod(method, options) {
  if (options === undefined || options === null) return false;
  if (!isObject(options)) throw notOfType(method, 'Cache', 2, 'CacheQueryOptions');
  const { ignoreMethod, ignoreSearch, ignoreVary } = options;
  for (const [name, value] of [['ignoreSearch', ignoreSearch], ['ignoreVary', ignoreVary]]) {
    if (value !== undefined) throw new Error(`The '${name}' field on 'CacheQueryOptions' is not implemented.`);
  }
  return Boolean(ignoreMethod);
}

function refuseUnstorable(request, response) {
  if (Reflect.apply(methodOf, request, []) !== 'GET') throw new TypeError('Cannot cache response to non-GET request.');
  if (response.status === 206) {
    throw new TypeError('Cannot cache response to a range request (206 Partial Content).');
  }
  if (response.headers.get('vary')?.includes('*')) throw new TypeError("Cannot cache response with 'Vary: *' header.");
  if (response.type === 'error') throw new TypeError('Cache is unable to store an error response');
}

function matched(status, statusText, headers, url, redirected, stream, length) {
  return status === undefined ? undefined :
    fetchedResponse(status, statusText, headers, '', false, stream, length, false);
}

export class Cache {
  #name; // null: the default

  constructor(token, name) {
    if (token !== TOKEN) throw new TypeError('Illegal constructor');
    this.#name = name;
  }

  static #of(value) {
    if (typeof value !== 'object' || value === null || !(#name in value)) throw illegalInvocation();
    return value;
  }

  add() {
    this.#name;
    throw notImplemented('add', 'Cache');
  }

  addAll() {
    this.#name;
    throw notImplemented('addAll', 'Cache');
  }

  delete(input, options = undefined) {
    const cache = Cache.#of(this);
    try {
      argument('delete', arguments);
      const anyMethod = ignoresMethod('delete', options);
      const request = asRequest(input);
      if (!anyMethod && Reflect.apply(methodOf, request, []) !== 'GET') return Promise.resolve(false);
      return run(cache.#name, CACHE_DELETE, request, NO_BODY, 0, '', (status) => status !== undefined);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  match(input, options = undefined) {
    const cache = Cache.#of(this);
    try {
      argument('match', arguments);
      const anyMethod = ignoresMethod('match', options);
      const request = asRequest(input);
      if (!anyMethod && Reflect.apply(methodOf, request, []) !== 'GET') return Promise.resolve(undefined);
      return run(cache.#name, CACHE_MATCH, request, NO_BODY, 0, '', matched);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  put(input, response) {
    const cache = Cache.#of(this);
    try {
      argument('put', arguments);
      if (!isResponse(response)) throw notOfType('put', 'Cache', 2, 'Response');
      const request = asRequest(input);
      refuseUnstorable(request, response);
      const content = responseContent(response) ?? NO_BODY;
      if (content !== NO_BODY) checkSendable(content);
      const given = { kind: content.kind, data: content.data, length: content.length, stream: content.stream };
      if (given.kind !== BODY_GUEST && content !== NO_BODY) giveAway(content);
      return run(cache.#name, CACHE_PUT, request, given, response.status, headersText(response.headers), () => undefined);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  matchAll() {
    this.#name;
    throw notImplemented('matchAll', 'Cache');
  }

  keys() {
    this.#name;
    throw notImplemented('keys', 'Cache');
  }
}
present(Cache);

function notImplemented(method, owner) {
  return new Error(`Failed to execute '${method}' on '${owner}': the method is not implemented.`);
}

export class CacheStorage {
  #made;

  constructor(token) {
    if (token !== TOKEN) throw new TypeError('Illegal constructor');
    this.#made = true;
  }

  open(name) {
    if (typeof this !== 'object' || this === null || !(#made in this)) throw illegalInvocation();
    try {
      if (arguments.length === 0) throw notOfType('open', 'CacheStorage', 1, 'string');
      name = toText(name);
      if (name.length >= MAX_NAME) throw new TypeError('Cache name is too long.');
      return Promise.resolve(new Cache(TOKEN, name));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  delete() {
    this.#made;
    throw notImplemented('delete', 'CacheStorage');
  }

  match() {
    this.#made;
    throw notImplemented('match', 'CacheStorage');
  }

  has() {
    this.#made;
    throw notImplemented('has', 'CacheStorage');
  }

  keys() {
    this.#made;
    throw notImplemented('keys', 'CacheStorage');
  }
}
present(CacheStorage);

const standard = new Cache(TOKEN, null);

export const caches = new CacheStorage(TOKEN);
Object.defineProperty(caches, 'default', {
  get() {
    if (host.sync(SYNC_DEFAULT_CACHE) === false) {
      throw new Error('caches.default is not there for the Workers of an untrusted namespace; use caches.open().');
    }
    return standard;
  },
  enumerable: true,
  configurable: true,
});
