// Request, by the Fetch standard with workerd's limits and messages. An incoming one keeps what the host sent
// (method, URL, headers text, number of the body stream) as it is until it is looked at or changed.
import { getter, make, op, plainUrl, sync, template } from 'switchyard:host';
import {
  BODY_GUEST, BODY_HOST, BODY_NONE, BODY_WHOLE, GET_FIELD, GET_REQUEST_HEADERS, OP_FETCH, RAW_RESPONSE, SYNC_CF,
} from './abi.js';
import { isAbortSignal, newSignal } from './abort.js';
import { Content, checkSendable, cloneContent, extract, extracted, giveAway, leaveBehind } from './content.js';
import { clientSignal, requestId } from './context.js';
import { isOn } from './compatibility.js';
import { SOURCE, refuseForeign } from './errors.js';
import { Headers, headersFromText, headersOf, headersText, headersTyped } from './headers.js';
import { illegalInvocation, isObject, notConstructed, notField, present, toText } from './idl.js';
import { newPump } from './pump.js';
import { parseUrl } from './url.js';

const INCOMING = Symbol('incoming');

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'PURGE', 'OPTIONS', 'TRACE', 'COPY', 'LOCK',
  'MKCOL', 'MOVE', 'PROPFIND', 'PROPPATCH', 'SEARCH', 'UNLOCK', 'ACL', 'REPORT', 'MKACTIVITY', 'CHECKOUT', 'MERGE',
  'MSEARCH', 'NOTIFY', 'SUBSCRIBE', 'UNSUBSCRIBE', 'QUERY', 'BAN']);
// Those that were always taken in lower case as well.
const OLD_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);

export const REDIRECT_FOLLOW = 0;
export const REDIRECT_MANUAL = 1;

export let isRequest;
export let requestContent; // (Request) -> Content or null
export let requestParts; // what FETCH needs, see Parts
export let sendIncoming; // (value, op, binding, name, options): FETCH of an incoming one without a body; -1: it is none

// One outgoing request as FETCH wants it.
export class Parts {
  constructor(method, url, headers, redirect, signal) {
    this.method = method;
    this.url = url;
    this.headers = headers;
    this.redirect = redirect;
    this.signal = signal;
    this.kind = BODY_NONE;
    this.body = null;
    this.length = null;
    this.pump = null;
    this.content = null;
    this.cf = null; // JSON; true: the incoming request's own
  }
}

let setContent;

const STRUCT = 'RequestInitializerDict';

// What the script decided about a request of its own; an incoming one has none of it.
class Settings {
  constructor(redirect, signal) {
    this.redirect = redirect;
    this.signal = signal;
    this.cf = undefined;
    this.cache = undefined;
    this.raw = false; // the response's body is wanted as it comes, encoded or not
  }
}

// The `cf` of a request that was made of an incoming one is that one's, which the host is asked for when somebody looks.
const INCOMING_CF = Symbol('cf');
const { parse, stringify } = JSON;
let looked = null; // Request -> the object that its script has seen

const BOTS = { corporateProxy: false, verifiedBot: false, jsDetection: { passed: false }, staticResource: false,
  detectionIds: {}, score: 99 };

function incomingCf(request, ctx) {
  if (ctx === undefined) return undefined;
  looked ??= new WeakMap(); // not in the base, where what it knows would stay
  let cf = looked.get(request);
  if (cf === undefined) {
    const text = sync(SYNC_CF, requestId(ctx));
    if (typeof text !== 'string') return undefined;
    cf = parse(text);
    if (cf.botManagement === undefined && !isOn('no_cf_botmanagement_default')) cf.botManagement = parse(stringify(BOTS));
    freeze(cf);
    looked.set(request, cf);
  }
  return cf;
}

function freeze(value) {
  if (typeof value !== 'object' || value === null) return;
  for (const name of Object.keys(value)) freeze(value[name]);
  Object.freeze(value);
}

// An object of the script's, as it is now: what goes out is JSON.
export function copyCf(cf, struct) {
  if (cf === undefined) return undefined;
  if (!isObject(cf)) throw notField('cf', struct, 'Object');
  const text = JSON.stringify(cf);
  return text === undefined ? undefined : JSON.parse(text);
}

function methodOf(given) {
  const text = toText(given);
  let upper = text;
  if (!METHODS.has(text)) {
    upper = text.toUpperCase();
    if (!METHODS.has(upper) || !OLD_METHODS.has(upper) && !isOn('upper_case_all_http_methods')) {
      throw new TypeError(`Invalid HTTP method string: ${text}`);
    }
  }
  return upper;
}

function redirectOf(given) {
  const text = toText(given);
  const mode = text.toLowerCase();
  if (mode === 'manual') return REDIRECT_MANUAL;
  if (mode === 'follow') return REDIRECT_FOLLOW;
  throw new TypeError('Invalid redirect value, must be one of "follow" or "manual" ("error" won\'t be ' +
    'implemented since it does not make sense at the edge; use "manual" and check the response status code).');
}

function cacheOf(given) {
  if (!isOn('cache_option_enabled')) {
    throw new Error("The 'cache' field on 'RequestInitializerDict' is not implemented.");
  }
  const text = toText(given);
  if (text === 'no-store' || text === 'no-cache' && isOn('cache_no_cache_enabled')) return text;
  throw new TypeError(`Unsupported cache mode: ${text}`);
}

function rawOf(given) {
  const text = toText(given);
  if (text !== 'automatic' && text !== 'manual') throw new TypeError(`encodeResponseBody: unexpected value: ${text}`);
  return text === 'manual';
}

// An older Worker's requests keep their URL as it was given.
let keeping = false;

export function keepUrls() {
  keeping = true;
}

export function keepsUrls() {
  return keeping;
}

export class Request {
  #method = undefined;
  #url = undefined;
  #headers = undefined; // text as on the wire, Headers once somebody looked
  #content = null; // null, Content, or the number of a host stream nobody looked at
  #length = null;
  #settings = null; // null: incoming
  #ctx = undefined; // of an incoming request: who can say that the client has gone

  // No parameter has a default: the engine would copy both.
  constructor(input, init) {
    if (input === INCOMING) return;
    if (arguments.length === 0) throw notConstructed('Request', 1, 'Request or string');
    const from = isRequest(input) ? input : null;
    const url = from === null ? toText(input) : '';
    if (init !== undefined && init !== null && !isObject(init)) {
      throw notConstructed('Request', 2, `${STRUCT} or Request`);
    }
    if (from === null) {
      this.#method = 'GET';
      if (keeping || plainUrl(url) >= 0) this.#url = url;
      else {
        const parsed = parseUrl(url, null);
        if (parsed === null) throw new TypeError(`Invalid URL: ${url}`);
        this.#url = parsed[0];
      }
      this.#headers = '';
      this.#settings = new Settings(REDIRECT_FOLLOW, null);
    } else {
      this.#method = from.#method;
      this.#url = from.#url;
      this.#headers = from.#headText();
      this.#settings = from.#copySettings();
      this.#ctx = from.#ctx;
    }
    this.#content = null;
    let body;
    if (init !== undefined && init !== null) body = this.#initialize(init);
    let content = null;
    if (body !== undefined) {
      if (body !== null) content = rewindable(init) ? takeContent(init) : this.#newBody(body);
    } else if (from !== null) {
      content = takeContent(from);
    }
    if (content !== null && (this.#method === 'GET' || this.#method === 'HEAD')) {
      throw new TypeError('Request with a GET or HEAD method cannot have a body.');
    }
    this.#content = content;
  }

  // Everything is read once, in this order; what it gives is the body.
  #initialize(init) {
    const { method, headers, body, redirect, fetcher, cf, cache, integrity, signal, encodeResponseBody } = init;
    const settings = this.#settings;
    if (method !== undefined) this.#method = methodOf(method);
    if (headers !== undefined) this.#headers = headersOf(headers, STRUCT);
    if (redirect !== undefined) settings.redirect = redirectOf(redirect);
    if (fetcher !== undefined && fetcher !== null) throw notField('fetcher', STRUCT, 'Fetcher');
    if (cf !== undefined) settings.cf = copyCf(cf, STRUCT);
    if (cache !== undefined) settings.cache = cacheOf(cache);
    if (integrity !== undefined && toText(integrity) !== '') {
      throw new TypeError('Subrequest integrity checking is not implemented. The integrity option must be either ' +
        'undefined or an empty string.');
    }
    if (signal !== undefined) {
      if (signal !== null && !isAbortSignal(signal)) throw notField('signal', STRUCT, 'AbortSignal');
      settings.signal = signal;
    }
    if (encodeResponseBody !== undefined) settings.raw = rawOf(encodeResponseBody);
    return body;
  }

  #copySettings() {
    const from = this.#settings;
    if (from === null) {
      const settings = new Settings(REDIRECT_MANUAL, null);
      settings.cf = INCOMING_CF;
      return settings;
    }
    const settings = new Settings(from.redirect, from.signal);
    if (from.cf !== undefined) settings.cf = from.cf === INCOMING_CF ? INCOMING_CF : copyCf(from.cf, STRUCT);
    settings.cache = from.cache;
    settings.raw = from.raw;
    return settings;
  }

  #newBody(body) {
    const content = extract(body);
    const type = extracted.type;
    if (content !== null && type !== null) {
      this.#headers = headersTyped(this.#headers, type);
    }
    return content;
  }

  static {
    isRequest = (value) => typeof value === 'object' && value !== null && #method in value;
    requestContent = (request) => {
      const content = request.#content;
      if (typeof content !== 'number') return content;
      return (request.#content = new Content(BODY_HOST, content, request.#length, request.#ctx));
    };
    setContent = (request, content) => {
      request.#content = content;
    };
    sendIncoming = (request, id, binding, name, options) => {
      if (typeof request !== 'object' || request === null || !(#settings in request)) return -1;
      if (request.#settings !== null || request.#content !== null) return -1;
      const headers = request.#headers;
      return op(OP_FETCH, id, binding, name, options, request.#method, request.#url,
        typeof headers === 'string' ? headers : headersText(headers), REDIRECT_MANUAL, BODY_NONE, null, null, true);
    };
    requestParts = (request) => {
      const settings = request.#settings;
      const parts = new Parts(request.#method, request.#url, request.#headText(),
        settings === null ? REDIRECT_MANUAL : settings.redirect, settings === null ? null : settings.signal);
      if (settings === null || settings.cf === INCOMING_CF) parts.cf = true;
      else if (settings.cf !== undefined) parts.cf = stringify(settings.cf);
      if (settings !== null && settings.raw) parts.redirect |= RAW_RESPONSE;
      if (settings !== null && settings.cache !== undefined) parts.headers = uncached(parts.headers);
      const content = requestContent(request);
      if (content === null) return parts;
      if (content.isUsed()) throw usedBody();
      checkSendable(content);
      parts.content = content;
      parts.kind = content.kind;
      parts.length = content.length;
      if (content.kind === BODY_GUEST) {
        parts.pump = newPump(content.stream);
        parts.body = parts.pump.id;
      } else {
        parts.body = content.data;
        giveAway(content);
      }
      return parts;
    };
  }

  #headText() {
    const headers = this.#headers;
    return typeof headers === 'string' ? headers : headersText(headers);
  }

  static #of(value) {
    if (!isRequest(value)) throw illegalInvocation();
    return value;
  }

  clone() {
    const request = Request.#of(this);
    const content = cloneContent(requestContent(request));
    return make(REQUEST, request.#method, request.#url, request.#headText(), content, null,
      request.#settings === null ? null : request.#copySettings(), request.#ctx);
  }

  get method() {
    return Request.#of(this).#method;
  }

  get url() {
    return Request.#of(this).#url;
  }

  get headers() {
    const request = Request.#of(this);
    const headers = request.#headers;
    if (typeof headers !== 'string') return headers;
    return (request.#headers = headersFromText(headers, request.#settings === null));
  }

  get redirect() {
    const settings = Request.#of(this).#settings;
    return settings === null || settings.redirect === REDIRECT_MANUAL ? 'manual' : 'follow';
  }

  get fetcher() {
    Request.#of(this);
    return null;
  }

  get signal() {
    const request = Request.#of(this);
    const settings = request.#settings;
    if (request.#ctx !== undefined && (settings === null || settings.signal === null)) return clientSignal(request.#ctx);
    return (settings.signal ??= newSignal());
  }

  get cf() {
    const request = Request.#of(this);
    const settings = request.#settings;
    return settings === null || settings.cf === INCOMING_CF ? incomingCf(request, request.#ctx) : settings.cf;
  }

  get integrity() {
    Request.#of(this);
    return '';
  }

  get keepalive() {
    Request.#of(this);
    return false;
  }

  get cache() {
    return Request.#of(this).#settings?.cache;
  }
}
// make(REQUEST, method, url, headers text, number of the body's stream | null, its length | null, null, ctx): an incoming one.
export const REQUEST = template(new Request(INCOMING));
getter(Request.prototype, 'method', GET_FIELD, REQUEST, 0, 0);
getter(Request.prototype, 'url', GET_FIELD, REQUEST, 1, 0);
getter(Request.prototype, 'headers', GET_REQUEST_HEADERS, REQUEST, 2, 5);
present(Request);

// A Request as init whose body is no stream yet: what it was made from can be sent again after a redirect.
function rewindable(init) {
  const content = isRequest(init) ? requestContent(init) : null;
  return content !== null && content.kind === BODY_WHOLE && !content.isUsed() && !content.isLocked();
}

// What `cache` says to caches on the way.
function uncached(text) {
  const headers = new Headers(headersFromText(text, false));
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-cache');
  if (!headers.has('pragma')) headers.set('pragma', 'no-cache');
  return headersText(headers);
}

function usedBody() {
  return new TypeError('Cannot reconstruct a Request with a used body.');
}

// The body moves from one Request to the next; the old one's is used from here on.
function takeContent(from) {
  const content = requestContent(from);
  if (content === null) return null;
  if (content.isUsed()) throw usedBody();
  if (content.isLocked()) throw new TypeError('The ReadableStream has been locked to a reader.');
  refuseForeign(content.owner, SOURCE);
  const moved = new Content(content.kind, content.data, content.length, content.owner);
  moved.stream = content.stream;
  const gone = new Content(BODY_GUEST, null, null, undefined);
  gone.used = true;
  if (content.stream === null) {
    gone.kind = content.kind;
    gone.data = content.data;
  } else {
    gone.stream = leaveBehind(content.stream);
  }
  setContent(from, gone);
  return moved;
}
