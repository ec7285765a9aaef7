// Request, by the Fetch standard with workerd's limits and messages. An incoming one keeps what the host sent
// (method, URL, headers text, number of the body stream) as it is until it is looked at or changed.
import { BODY_GUEST, BODY_HOST, BODY_NONE } from './abi.js';
import { isAbortSignal, newSignal } from './abort.js';
import { Content, checkSendable, cloneContent, extract, extracted, giveAway } from './content.js';
import { clientSignal } from './context.js';
import { SOURCE, refuseForeign, tag } from './errors.js';
import { Headers, contentTypeIfMissing, headersFromText, headersText } from './headers.js';
import { newPump } from './pump.js';
import { parseUrl } from './url.js';

const INCOMING = Symbol('incoming');

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'PURGE', 'OPTIONS', 'TRACE', 'COPY', 'LOCK',
  'MKCOL', 'MOVE', 'PROPFIND', 'PROPPATCH', 'SEARCH', 'UNLOCK', 'ACL', 'REPORT', 'MKACTIVITY', 'CHECKOUT', 'MERGE',
  'MSEARCH', 'NOTIFY', 'SUBSCRIBE', 'UNSUBSCRIBE', 'QUERY', 'BAN']);

export const REDIRECT_FOLLOW = 0;
export const REDIRECT_MANUAL = 1;

export let isRequest;
export let requestContent; // (Request) -> Content or null
export let incomingRequest; // (method, url, headers text, stream, length, ctx)
export let requestParts; // what FETCH needs, see Parts

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
  }
}

let setContent;

// What the script decided about a request of its own; an incoming one has none of it.
class Settings {
  constructor(redirect, signal) {
    this.redirect = redirect;
    this.signal = signal;
  }
}

export class Request {
  #method;
  #url;
  #headers; // text as on the wire, Headers once somebody looked
  #content; // null, Content, or the number of a host stream nobody looked at
  #length;
  #settings = null; // null: incoming
  #ctx; // of an incoming request: who can say that the client has gone

  constructor(input, init = undefined) {
    if (input === INCOMING) return;
    if (arguments.length === 0) throw new TypeError("Failed to construct 'Request': 1 argument required.");
    const from = isRequest(input) ? input : null;
    if (from === null) {
      const url = `${input}`;
      const parsed = parseUrl(url, null);
      if (parsed === null) throw new TypeError(`Invalid URL: ${url}`);
      this.#method = 'GET';
      this.#url = parsed[0];
      this.#headers = '';
      this.#settings = new Settings(REDIRECT_FOLLOW, null);
    } else {
      this.#method = from.#method;
      this.#url = from.#url;
      this.#headers = from.#headText();
      this.#settings = from.#settings === null ? new Settings(REDIRECT_MANUAL, null) :
        new Settings(from.#settings.redirect, from.#settings.signal);
      this.#ctx = from.#ctx;
    }
    this.#content = null;
    if (init !== undefined && init !== null) this.#initialize(init);
    let content = null;
    if (init !== undefined && init !== null && init.body !== undefined && init.body !== null) {
      content = this.#newBody(init.body);
    } else if (from !== null) {
      content = takeContent(from);
    }
    if (content !== null && (this.#method === 'GET' || this.#method === 'HEAD')) {
      throw new TypeError('Request with a GET or HEAD method cannot have a body.');
    }
    this.#content = content;
  }

  #initialize(init) {
    if (typeof init !== 'object') throw new TypeError("Failed to construct 'Request': parameter 2 is not an object.");
    const { method, headers, redirect, signal, cache } = init;
    if (method !== undefined) {
      const upper = `${method}`.toUpperCase();
      if (!METHODS.has(upper)) throw new TypeError(`Invalid HTTP method string: ${method}`);
      this.#method = upper;
    }
    if (headers !== undefined) this.#headers = new Headers(headers);
    if (redirect !== undefined) {
      if (redirect === 'manual') this.#settings.redirect = REDIRECT_MANUAL;
      else if (redirect === 'follow') this.#settings.redirect = REDIRECT_FOLLOW;
      else {
        throw new TypeError('Invalid redirect value, must be one of "follow" or "manual" ("error" won\'t be ' +
          'implemented since it does not make sense at the edge; use "manual" and check the response status code).');
      }
    }
    if (signal !== undefined) {
      if (signal !== null && !isAbortSignal(signal)) {
        throw new TypeError("Failed to construct 'Request': 'signal' is not of type 'AbortSignal'.");
      }
      this.#settings.signal = signal;
    }
    if (cache !== undefined && cache !== 'no-store' && cache !== 'no-cache') {
      throw new TypeError(`Unsupported cache mode: ${cache}`);
    }
  }

  #newBody(body) {
    const content = extract(body);
    const type = extracted.type;
    if (content !== null && type !== null) {
      if (this.#headers === '') this.#headers = `content-type\n${type}`;
      else contentTypeIfMissing(this.headers, type);
    }
    return content;
  }

  static {
    isRequest = (value) => typeof value === 'object' && value !== null && #method in value;
    requestContent = (request) => {
      const content = request.#content;
      if (typeof content !== 'number') return content;
      return (request.#content = content < 0 ? null : new Content(BODY_HOST, content, request.#length, request.#ctx));
    };
    setContent = (request, content) => {
      request.#content = content;
    };
    incomingRequest = (method, url, headers, stream, length, ctx) => {
      const request = new Request(INCOMING);
      request.#method = method;
      request.#url = url;
      request.#headers = headers;
      request.#content = stream;
      request.#length = length;
      request.#ctx = ctx;
      return request;
    };
    requestParts = (request) => {
      const settings = request.#settings;
      const parts = new Parts(request.#method, request.#url, request.#headText(),
        settings === null ? REDIRECT_MANUAL : settings.redirect, settings === null ? null : settings.signal);
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

  get method() {
    return this.#method;
  }

  get url() {
    return this.#url;
  }

  get headers() {
    const headers = this.#headers;
    if (typeof headers !== 'string') return headers;
    return (this.#headers = headersFromText(headers, this.#settings === null));
  }

  get redirect() {
    return this.#settings === null || this.#settings.redirect === REDIRECT_MANUAL ? 'manual' : 'follow';
  }

  get signal() {
    if (this.#ctx !== undefined && (this.#settings === null || this.#settings.signal === null)) {
      return clientSignal(this.#ctx);
    }
    return (this.#settings.signal ??= newSignal());
  }

  get cf() {
    return undefined;
  }

  get integrity() {
    return '';
  }

  get keepalive() {
    return false;
  }

  clone() {
    const copy = new Request(INCOMING);
    copy.#content = cloneContent(requestContent(this));
    copy.#method = this.#method;
    copy.#url = this.#url;
    copy.#headers = this.#headText();
    copy.#settings = this.#settings;
    copy.#ctx = this.#ctx;
    return copy;
  }
}
tag(Request);

function usedBody() {
  return new TypeError('Cannot reconstruct a Request with a used body.');
}

// The body moves from one Request to the next; the old one's is used from here on.
function takeContent(from) {
  const content = requestContent(from);
  if (content === null) return null;
  if (content.isUsed() || content.isLocked()) throw usedBody();
  refuseForeign(content.owner, SOURCE);
  const moved = new Content(content.kind, content.data, content.length, content.owner);
  moved.stream = content.stream;
  const gone = new Content(BODY_GUEST, null, null, undefined);
  gone.used = true;
  if (content.stream === null) {
    gone.kind = content.kind;
    gone.data = content.data;
  } else {
    gone.stream = content.stream;
  }
  setContent(from, gone);
  return moved;
}
