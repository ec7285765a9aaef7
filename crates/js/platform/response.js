// Response, by the Fetch standard with workerd's limits and messages. One made from a status and a text holds
// just these; headers become objects when somebody looks at them, and go to the host as one text.
import * as host from 'switchyard:host';
import { BODY_GUEST, BODY_HOST, BODY_NONE, BODY_WHOLE, OP_RESPOND } from './abi.js';
import { Content, SPENT, TEXT_TYPE, checkSendable, cloneContent, extract, extracted, giveAway } from './content.js';
import { answered } from './context.js';
import { SOURCE, refuseForeign, refuseGlobalScope, tag } from './errors.js';
import { Headers, contentTypeIfMissing, headersFromText, headersText } from './headers.js';
import { newPump, runPump } from './pump.js';
import { parseUrl } from './url.js';
import { giveSocket, isWebSocket } from './websocket.js';

const REDIRECTS = [301, 302, 303, 307, 308];
const TEXT_HEAD = `content-type\n${TEXT_TYPE}`;
const JSON_TYPE = 'application/json';
const JSON_HEAD = `content-type\n${JSON_TYPE}`;

function nullBodyStatus(status) {
  return status === 204 || status === 205 || status === 304 || status === 101;
}

// What only some responses have: fetched ones, redirects, those that begin a WebSocket.
class Details {
  constructor(immutable, url, redirected) {
    this.immutable = immutable;
    this.url = url;
    this.redirected = redirected;
    this.socket = null;
  }
}

export let isResponse;
export let responseContent; // (Response) -> Content or null
export let fetchedResponse; // what a fetch brought, from the values of its completion
export let connectedResponse; // what a fetch brought that began a WebSocket
export let sendResponse; // (request number, response, ctx): RESPOND

export class Response {
  #status = 200;
  #statusText = null; // null: not given, the host writes the usual phrase
  #headers = ''; // text as on the wire, Headers once somebody looked
  #content = null; // null, a text, or Content
  #owner = undefined; // of a text: the request that made it
  #details = null;

  constructor(body = null, init = undefined) {
    if (init !== undefined && init !== null) {
      this.#initialize(init);
      if (nullBodyStatus(this.#status)) {
        if (this.#status === 101 && this.#socket() === null) throw badStatus();
        if (body !== null && body !== undefined && body !== '') throw nullBody();
        return;
      }
    }
    if (typeof body === 'string') {
      this.#owner = host.contextGet();
      if (this.#owner === undefined) refuseGlobalScope();
      this.#content = body;
      if (this.#headers === '') this.#headers = TEXT_HEAD;
      else contentTypeIfMissing(this.#headers, TEXT_TYPE);
      return;
    }
    if (body === null) return;
    this.#content = extract(body);
    const type = extracted.type;
    if (type === null) return;
    if (this.#headers === '') this.#headers = `content-type\n${type}`;
    else contentTypeIfMissing(this.#headers, type);
  }

  #initialize(init) {
    if (typeof init !== 'object') throw new TypeError("Failed to construct 'Response': parameter 2 is not an object.");
    const { status, statusText, headers, webSocket } = init;
    if (webSocket !== undefined && webSocket !== null) this.#connect(webSocket, status);
    if (status !== undefined) {
      this.#status = Math.trunc(Number(status));
      if (!(this.#status >= 200 && this.#status <= 599) && this.#status !== 101) throw badStatus();
    }
    if (statusText !== undefined) {
      const text = `${statusText}`;
      if (/[^\t\x20-\x7e\x80-\xff]/.test(text)) throw new TypeError('Invalid statusText');
      // Another response's own '' is no phrase that somebody gave.
      this.#statusText = text === '' && #status in init ? init.#statusText : text;
    }
    if (headers !== undefined) this.#headers = new Headers(headers);
  }

  #connect(socket, status) {
    if (!isWebSocket(socket)) {
      throw new TypeError("Incorrect type for the 'webSocket' field on 'InitializerDict': the provided value is not " +
        "of type 'WebSocket'.");
    }
    if (Math.trunc(Number(status)) !== 101) throw new RangeError('Responses with a WebSocket must have status code 101.');
    this.#details = new Details(false, '', false);
    this.#details.socket = socket;
  }

  static {
    isResponse = (value) => typeof value === 'object' && value !== null && #status in value;
    responseContent = (response) => {
      const content = response.#content;
      return typeof content === 'string' ? (response.#content =
        new Content(BODY_WHOLE, content, null, response.#owner)) : content;
    };
    fetchedResponse = (status, statusText, headers, url, redirected, stream, length) => {
      const response = new Response();
      response.#status = status;
      response.#statusText = statusText;
      response.#headers = headers;
      response.#details = new Details(true, url, redirected);
      if (stream >= 0 && !nullBodyStatus(status)) {
        response.#content = new Content(BODY_HOST, stream, length, host.contextGet());
      }
      return response;
    };
    connectedResponse = (status, headers, url, redirected, socket) => {
      const response = fetchedResponse(status, 'Switching Protocols', headers, url, redirected, -1, null);
      response.#details.socket = socket;
      return response;
    };
    sendResponse = (id, response, ctx) => {
      const status = response.#status;
      if (status === 0) {
        throw new TypeError('Return value from serve handler must not be an error response (like Response.error())');
      }
      const content = response.#content;
      const headers = response.#headText();
      if (typeof content === 'string') {
        if (response.#owner !== ctx) refuseForeign(response.#owner, SOURCE);
        response.#content = SPENT;
        host.op(OP_RESPOND, id, status, response.#statusText, headers, BODY_WHOLE, content, null, answered(ctx));
        return;
      }
      if (content === null) {
        const socket = response.#socket();
        if (socket !== null) giveSocket(socket, ctx);
        host.op(OP_RESPOND, id, status, response.#statusText, headers, BODY_NONE, null, null, answered(ctx));
        return;
      }
      checkSendable(content);
      const { kind, length } = content;
      let body = content.data;
      let pump = null;
      if (kind === BODY_GUEST) {
        pump = newPump(content.stream);
        body = pump.id;
      } else {
        giveAway(content);
      }
      host.op(OP_RESPOND, id, status, response.#statusText, headers, kind, body, length, answered(ctx));
      if (pump !== null) runPump(pump);
    };
  }

  #headText() {
    const headers = this.#headers;
    return typeof headers === 'string' ? headers : headersText(headers);
  }

  static error() {
    const response = new Response();
    response.#status = 0;
    return response;
  }

  static json(data, init = undefined) {
    const text = `${JSON.stringify(data)}`;
    const owner = host.contextGet();
    if (owner === undefined) refuseGlobalScope();
    const response = new Response(null, init);
    response.#owner = owner;
    if (nullBodyStatus(response.#status)) throw nullBody();
    response.#content = text;
    if (response.#headers === '') response.#headers = JSON_HEAD;
    else contentTypeIfMissing(response.#headers, JSON_TYPE);
    return response;
  }

  static redirect(url, status = 302) {
    refuseGlobalScope();
    const parsed = parseUrl(`${url}`, null);
    if (parsed === null) throw new TypeError(`Unable to parse URL: ${url}`);
    status = Math.trunc(Number(status));
    if (!REDIRECTS.includes(status)) {
      throw new RangeError(`${status} is not a redirect status code. It must be one of: 301, 302, 303, 307, or 308.`);
    }
    const response = new Response(null, { status });
    response.#headers = `location\n${parsed[0]}`;
    response.#details = new Details(true, '', false);
    return response;
  }

  get headers() {
    const headers = this.#headers;
    if (typeof headers !== 'string') return headers;
    return (this.#headers = headersFromText(headers, this.#details !== null && this.#details.immutable));
  }

  get status() {
    return this.#status;
  }

  get statusText() {
    return this.#statusText ?? '';
  }

  get ok() {
    return this.#status >= 200 && this.#status <= 299;
  }

  get redirected() {
    return this.#details !== null && this.#details.redirected;
  }

  get url() {
    return this.#details === null ? '' : this.#details.url;
  }

  get type() {
    return this.#status === 0 ? 'error' : 'default';
  }

  #socket() {
    return this.#details === null ? null : this.#details.socket;
  }

  get webSocket() {
    return this.#socket();
  }

  clone() {
    if (this.#socket() !== null) throw new TypeError('Cannot clone a response to a WebSocket handshake.');
    const copy = new Response();
    copy.#content = cloneContent(responseContent(this));
    copy.#status = this.#status;
    copy.#statusText = this.#statusText;
    copy.#headers = this.#headText();
    copy.#details = this.#details;
    return copy;
  }
}
tag(Response);

function badStatus() {
  return new RangeError('Responses may only be constructed with status codes in the range 200 to 599, inclusive.');
}

function nullBody() {
  return new TypeError('Response with null body status (101, 204, 205, or 304) cannot have a body.');
}
