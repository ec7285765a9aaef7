// Response, by the Fetch standard with workerd's limits and messages. One made from a status and a text holds
// just these; headers become objects when somebody looks at them, and go to the host as one text.
import * as host from 'switchyard:host';
import { contextGet, isOf, isPlain, make, op } from 'switchyard:host';
import {
  BODY_GUEST, BODY_HOST, BODY_NONE, BODY_WHOLE, GET_FIELD, GET_RESPONSE_HEADERS, OP_RESPOND, QUICK_RESPONSE, VERBATIM,
} from './abi.js';
import { isOn } from './compatibility.js';
import { CONTENT, Content, SPENT, TEXT_TYPE, checkSendable, cloneContent, extract, extracted, giveAway } from './content.js';
import { answered } from './context.js';
import { SOURCE, refuseForeign, refuseGlobalScope } from './errors.js';
import { headersFromText, headersOf, headersText, headersTyped } from './headers.js';
import { illegalInvocation, isObject, notConstructed, notField, notOfType, present, toInt, toText } from './idl.js';
import { newPump, runPump } from './pump.js';
import { copyCf } from './request.js';
import { parseUrl } from './url.js';
import { giveSocket, isWebSocket } from './websocket.js';

const REDIRECTS = [301, 302, 303, 307, 308];
const TEXT_HEAD = `content-type\n${TEXT_TYPE}`;
const JSON_TYPE = 'application/json';
const JSON_HEAD = `content-type\n${JSON_TYPE}`;

function nullBodyStatus(status) {
  return status === 204 || status === 205 || status === 304 || status === 101;
}

const STRUCT = 'InitializerDict';

// What only some responses have: fetched ones, redirects, those with unusual inits or that begin a WebSocket.
class Details {
  constructor(immutable, url, redirected) {
    this.immutable = immutable;
    this.url = url;
    this.redirected = redirected;
    this.socket = null;
    this.cf = undefined;
    this.manual = false; // the body is encoded already
  }
}
const DETAILS = host.template(new Details(false, '', false));

export const isResponse = (value) => isOf(RESPONSE, value); // who is asked often asks isOf() itself
export let responseContent; // (Response) -> Content or null
export let fetchedResponse; // what a fetch brought, from the values of its completion, and whose it is
export let connectedResponse; // what a fetch brought that began a WebSocket
export let sendResponse; // (request number, response, ctx): RESPOND

export class Response {
  #status = 200;
  #statusText = null; // null: not given, the host writes the usual phrase
  #headers = ''; // text as on the wire, Headers once somebody looked
  #content = null; // null, a text, or Content
  #owner = undefined; // of a text: the request that made it
  #details = null;

  // No parameter has a default: the engine would copy both.
  constructor(body, init) {
    if (init !== undefined && init !== null) {
      this.#initialize(init);
      if (this.#status !== 200 && nullBodyStatus(this.#status)) {
        if (this.#status === 101 && this.#socket() === null) throw badStatus();
        if (body !== null && body !== undefined && body !== '' && !isEmpty(extract(body))) throw nullBody();
        return;
      }
    }
    if (typeof body === 'string') {
      const owner = contextGet();
      if (owner === undefined) refuseGlobalScope();
      else this.#owner = owner;
      this.#content = body;
      this.#headers = this.#headers === '' ? TEXT_HEAD : headersTyped(this.#headers, TEXT_TYPE);
      return;
    }
    if (body === null || body === undefined) return;
    this.#content = extract(body, true);
    const type = extracted.type;
    if (type === null) return;
    this.#headers = headersTyped(this.#headers, type);
  }

  // Everything is read once, in this order.
  #initialize(init) {
    if (isPlain(RESPONSE, init) && this.#copy(init)) return;
    if (!isObject(init)) throw notConstructed('Response', 2, `${STRUCT} or Response`);
    const { status, statusText, headers, cf, webSocket, encodeBody } = init;
    if (webSocket !== undefined && webSocket !== null) this.#connect(webSocket, status);
    if (status !== undefined) {
      this.#status = toInt(status);
      if (!(this.#status >= 200 && this.#status <= 599) && this.#status !== 101) throw badStatus();
    }
    if (statusText !== undefined) {
      const text = toText(statusText);
      if (/[\0-\x1f]/.test(text)) throw new TypeError('Invalid statusText');
      // Another response's own '' is no phrase that somebody gave.
      this.#statusText = text === '' && #status in init ? init.#statusText : text;
    }
    if (headers !== undefined) this.#headers = headersOf(headers, STRUCT);
    if (cf !== undefined) this.#detail().cf = copyCf(cf, STRUCT);
    if (encodeBody !== undefined) {
      const text = toText(encodeBody);
      if (text !== 'automatic' && text !== 'manual') throw new TypeError(`encodeBody: unexpected value: ${text}`);
      if (text === 'manual') this.#detail().manual = true;
    } else if (#status in init && init.#details !== null && init.#details.manual) {
      this.#detail().manual = true;
    }
  }

  // Another response as init, which every framework gives: what its getters would say, without asking them.
  #copy(from) {
    const details = from.#details;
    if (from.#status === 0 || details !== null && (details.socket !== null || details.cf !== undefined)) return false;
    const text = from.#statusText;
    if (text !== null && text !== '' && /[\0-\x1f]/.test(text)) return false;
    this.#status = from.#status;
    this.#statusText = text;
    const headers = from.#headers;
    this.#headers = typeof headers === 'string' ? headers : headersOf(headers, STRUCT);
    if (details !== null && details.manual) this.#detail().manual = true;
    return true;
  }

  #detail() {
    return (this.#details ??= new Details(false, '', false));
  }

  #connect(socket, status) {
    if (!isWebSocket(socket)) throw notField('webSocket', STRUCT, 'WebSocket');
    if (Math.trunc(Number(status)) !== 101) throw new RangeError('Responses with a WebSocket must have status code 101.');
    this.#detail().socket = socket;
  }

  #socket() {
    return this.#details === null ? null : this.#details.socket;
  }

  static {
    responseContent = (response) => {
      const content = response.#content;
      return typeof content === 'string' ? (response.#content =
        new Content(BODY_WHOLE, content, null, response.#owner)) : content;
    };
    fetchedResponse = (status, statusText, headers, url, redirected, stream, length, raw, owner) => {
      const details = make(DETAILS, true, url, redirected);
      if (raw) details.manual = true;
      const content = stream >= 0 && (status === 200 || !nullBodyStatus(status)) ?
        make(CONTENT, owner, BODY_HOST, stream, length) : null;
      return make(RESPONSE, status, statusText, headers, content, undefined, details);
    };
    connectedResponse = (status, headers, url, redirected, socket) => {
      const response = fetchedResponse(status, 'Switching Protocols', headers, url, redirected, -1, null, false, undefined);
      response.#details.socket = socket;
      return response;
    };
    sendResponse = (id, response, ctx) => {
      const status = response.#status;
      if (status === 0) {
        throw new TypeError('Return value from serve handler must not be an error response (like Response.error())');
      }
      const content = response.#content;
      let headers = response.#headers;
      if (typeof headers !== 'string') headers = headersText(headers);
      if (typeof content === 'string') {
        if (response.#owner !== ctx) refuseForeign(response.#owner, SOURCE);
        response.#content = SPENT;
        op(OP_RESPOND, id, response.#details === null ? status : response.#wireStatus(), response.#statusText, headers,
          BODY_WHOLE, content, null, answered(ctx));
        return;
      }
      if (content === null) {
        const socket = response.#socket();
        if (socket !== null) giveSocket(socket, ctx);
        host.op(OP_RESPOND, id, status, response.#statusText, headers, BODY_NONE, null, null, answered(ctx));
        return;
      }
      // What a fetch brought and nobody looked into: all there is to check.
      if (content.kind === BODY_HOST && content.stream === null && !content.used && content.owner === ctx) {
        content.used = true;
        op(OP_RESPOND, id, response.#wireStatus(), response.#statusText, headers, BODY_HOST, content.data, content.length,
          answered(ctx));
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
      host.op(OP_RESPOND, id, response.#wireStatus(), response.#statusText, headers, kind, body, length, answered(ctx));
      if (pump !== null) runPump(pump);
    };
  }

  #wireStatus() {
    return this.#details !== null && this.#details.manual ? this.#status + VERBATIM : this.#status;
  }

  #headText() {
    const headers = this.#headers;
    return typeof headers === 'string' ? headers : headersText(headers);
  }

  static #of(value) {
    if (!isResponse(value)) throw illegalInvocation();
    return value;
  }

  static error() {
    const response = new Response();
    response.#status = 0;
    return response;
  }

  static redirect(url, status = 302) {
    if (arguments.length === 0) throw notOfType('redirect', 'Response', 1, 'string');
    url = toText(url);
    status = toInt(status);
    refuseGlobalScope();
    if (!REDIRECTS.includes(status)) {
      throw new RangeError(`${status} is not a redirect status code. It must be one of: 301, 302, 303, 307, or 308.`);
    }
    const parsed = parseUrl(url, null);
    if (parsed === null) throw new TypeError(`Unable to parse URL: ${url}`);
    const response = new Response(null, { status });
    // As it was given, for an older Worker; most are given as they are written anyhow.
    const location = parsed[0] === url || isOn('response_redirect_url_standard') ? parsed[0] : url;
    response.#headers = `location\n${location}`;
    response.#detail().immutable = true;
    return response;
  }

  static json(data, init = undefined) {
    if (arguments.length === 0) throw notOfType('json', 'Response', 1, 'Value');
    if (init !== undefined && init !== null && !isObject(init)) {
      throw notOfType('json', 'Response', 2, `${STRUCT} or Response`);
    }
    const text = `${host.stringify(data)}`; // by the toJSON methods that the script gave, BigInt's too
    const owner = host.contextGet();
    if (owner === undefined) refuseGlobalScope();
    const response = new Response(null, init);
    response.#owner = owner;
    if (nullBodyStatus(response.#status)) throw nullBody();
    response.#content = text;
    response.#headers = response.#headers === '' ? JSON_HEAD : headersTyped(response.#headers, JSON_TYPE);
    return response;
  }

  clone() {
    const response = Response.#of(this);
    if (response.#socket() !== null) throw new TypeError('Cannot clone a response to a WebSocket handshake.');
    const copy = new Response();
    copy.#content = cloneContent(responseContent(response));
    copy.#status = response.#status;
    copy.#statusText = response.#statusText;
    copy.#headers = response.#headText();
    copy.#details = response.#details;
    return copy;
  }

  get status() {
    return Response.#of(this).#status;
  }

  get statusText() {
    return Response.#of(this).#statusText ?? '';
  }

  get headers() {
    const response = Response.#of(this);
    const headers = response.#headers;
    if (typeof headers !== 'string') return headers;
    return (response.#headers = headersFromText(headers, response.#details !== null && response.#details.immutable));
  }

  get ok() {
    const status = Response.#of(this).#status;
    return status >= 200 && status <= 299;
  }

  get redirected() {
    const details = Response.#of(this).#details;
    return details !== null && details.redirected;
  }

  get url() {
    const details = Response.#of(this).#details;
    return details === null ? '' : details.url;
  }

  get webSocket() {
    return Response.#of(this).#socket();
  }

  get cf() {
    return Response.#of(this).#details?.cf;
  }

  get type() {
    return Response.#of(this).#status === 0 ? 'error' : 'default';
  }
}

export const RESPONSE = host.template(new Response());
host.quick(QUICK_RESPONSE, Response, RESPONSE, TEXT_HEAD);
host.getter(Response.prototype, 'status', GET_FIELD, RESPONSE, 0, 0);
host.getter(Response.prototype, 'headers', GET_RESPONSE_HEADERS, RESPONSE, 2, 5);
present(Response);

function isEmpty(content) {
  const { data } = content;
  return typeof data === 'string' ? data === '' : content.kind === BODY_WHOLE && data.byteLength === 0;
}

function badStatus() {
  return new RangeError('Responses may only be constructed with status codes in the range 200 to 599, inclusive.');
}

function nullBody() {
  return new TypeError('Response with null body status (101, 204, 205, or 304) cannot have a body.');
}
