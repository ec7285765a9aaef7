// WebSocket and WebSocketPair, by the WebSockets standard with what workerd adds (accept, attachments) and its texts.
// A socket that nobody accepted is a token that a response may pass on; what is behind it is in websocket-ends.js.
import * as host from 'switchyard:host';
import { newBlob } from './blob.js';
import { structuredClone } from './clone.js';
import { isOn } from './compatibility.js';
import { OP_THROW } from './abi.js';
import { answered, reportException, requestId } from './context.js';
import { isBuffer, part, sizeOf } from './crypto-idl.js';
import { DOMException, describeThrown, globalScopeError, refuseForeign, refuseGlobalScope, tag } from './errors.js';
import { Event, EventTarget, dispatch } from './events.js';
import { illegalInvocation, toInt, toText } from './idl.js';
import { heardMessage } from './message-event.js';
import { weigh } from './websocket-attachment.js';
import { connect } from './websocket-client.js';
import { HostEnd, PairEnd } from './websocket-ends.js';
import { CloseEvent, failed } from './websocket-events.js';

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

const UNUSED = 0; // neither accepted nor given away
const ACCEPTED = 1;
const GIVEN = 2;

// workerd's name of what belongs to one request.
const NATIVE = 'Native';
const MOST_ATTACHED = 16384;
const MOST_REASON = 123;
const ABNORMAL = 1006;
const NO_CLOSE = 'WebSocket disconnected without sending Close frame.';
const NOT_ESTABLISHED = 'Failed to establish websocket connection';
const NOT_ACCEPTED =
  'You must call one of accept() or state.acceptWebSocket() on this WebSocket before sending messages.';

// Code and reason of a close() as it was called, checked; the code is null where there is none.
function closing(code, reason) {
  if (code === undefined) {
    if (reason === undefined) return [null, ''];
    throw new DOMException('If you specify a WebSocket close reason, you must also specify a code.',
      'InvalidAccessError');
  }
  const number = toInt(code);
  if (number < 1000 || number > 4999 || number === 1004 || number === 1005 || number === 1006 || number === 1015) {
    throw new DOMException(`Invalid WebSocket close code: ${number}.`, 'InvalidAccessError');
  }
  const text = reason === undefined ? '' : toText(reason);
  if (host.utf8Length(text) > MOST_REASON) {
    if (isOn('websocket_close_reason_byte_limit')) {
      throw new DOMException(
        `WebSocket close reason must not be longer than ${MOST_REASON} bytes when UTF-8 encoded.`, 'SyntaxError');
    }
  }
  return [number, text];
}

// What a listener threw: the request's own exception where its answer is the connection, else one beside it.
function report(kept, owner, error) {
  if (kept === undefined) {
    reportException(owner, error);
    return;
  }
  const [name, message, stack] = describeThrown(error);
  host.op(OP_THROW, requestId(kept), name, message, stack, answered(kept));
}

const TOKEN = Symbol('WebSocket');

// A value as text, as it arrives: half of a surrogate pair is what its three bytes decode to.

let newPair; // (): two WebSockets, each the other's end
export let isWebSocket;
export let giveSocket; // (WebSocket, ctx): into the response that follows
export let fetchedSocket; // (number): what a fetch brought

export class WebSocket extends EventTarget {
  #end = null;
  #owner = host.contextGet();
  #use = UNUSED;
  #state = OPEN; // CONNECTING, OPEN, or CLOSED for what did not end by closing
  #said = false;
  #heard = false;
  #halfOpen = false;
  #slot = undefined; // the async context in which it was accepted
  #url = null;
  #protocol = '';
  #extensions = '';
  #binary;
  #attachment = null;
  #giveUp = null;

  constructor(url, protocols = undefined) {
    super();
    if (url === TOKEN) return;
    if (arguments.length === 0) {
      throw new TypeError("Failed to construct 'WebSocket': constructor parameter 1 is not of type 'string'.");
    }
    if (this.#owner === undefined) throw globalScopeError();
    this.#url = `${url}`;
    this.#state = CONNECTING;
    this.#use = ACCEPTED;
    this.#slot = host.contextRaw();
    this.#giveUp = connect(this.#url, protocols, (id, protocol) => this.#opened(id, protocol), (error) => this.#refused(error));
  }

  static {
    isWebSocket = (value) => typeof value === 'object' && value !== null && #end in value;
    giveSocket = (socket, ctx) => {
      refuseForeign(socket.#owner, NATIVE);
      if (socket.#use === ACCEPTED) {
        throw new TypeError("Can't return WebSocket in a Response after calling accept().");
      }
      if (socket.#use === GIVEN) {
        throw new TypeError("Can't return WebSocket in a Response that was already used in a response.");
      }
      socket.#use = GIVEN;
      socket.#end.offer(ctx);
    };
    fetchedSocket = (id) => {
      const socket = new WebSocket(TOKEN);
      socket.#end = new HostEnd(socket.#hears(), id);
      return socket;
    };
    newPair = () => {
      const [one, other] = [new WebSocket(TOKEN), new WebSocket(TOKEN)];
      one.#end = new PairEnd(one.#hears());
      other.#end = new PairEnd(other.#hears());
      one.#end.peer = other.#end;
      other.#end.peer = one.#end;
      return [one, other];
    };
  }

  // What the end behind it tells.
  #hears() {
    return {
      message: (data) => this.#message(data),
      closed: (code, reason) => this.#closed(code, reason),
      lost: (some) => this.#lost(some),
      disconnected: () => this.#disconnected(),
      hasSaid: () => this.#said,
      failed: (text) => this.#broke(new Error(text)),
      move: (end) => {
        this.#end = end;
      },
    };
  }

  accept(options = undefined) {
    if (!isWebSocket(this)) throw illegalInvocation();
    refuseForeign(this.#owner, NATIVE);
    if (options !== undefined && options !== null && typeof options !== 'object' && typeof options !== 'function') {
      throw new TypeError("Failed to execute 'accept' on 'WebSocket': parameter 1 is not of type 'AcceptOptions'.");
    }
    const { allowHalfOpen = false } = options ?? {};
    if (this.#url !== null) {
      throw new TypeError("Websockets obtained from the 'new WebSocket()' constructor cannot call accept");
    }
    if (this.#use === GIVEN) {
      throw new TypeError("Can't accept() WebSocket that was already used in a response.");
    }
    if (this.#use === ACCEPTED) return;
    this.#use = ACCEPTED;
    this.#halfOpen = Boolean(allowHalfOpen);
    this.#slot = host.contextRaw();
    this.#end.accept();
  }

  send(message) {
    if (!isWebSocket(this)) throw illegalInvocation();
    if (arguments.length === 0) {
      throw new TypeError(
        "Failed to execute 'send' on 'WebSocket': parameter 1 is not of type 'ArrayBuffer or ArrayBufferView or string'.");
    }
    refuseForeign(this.#owner, NATIVE);
    const data = isBuffer(message) ? part(message, 0, sizeOf(message)) : toText(message);
    if (this.#use === GIVEN) return;
    if (this.#use === UNUSED || this.#state === CONNECTING) throw new TypeError(NOT_ACCEPTED);
    if (this.#said) throw new TypeError("Can't call WebSocket send() after close().");
    if (this.#state === CLOSED) return;
    this.#end.send(data);
  }

  close(code = undefined, reason = undefined) {
    if (!isWebSocket(this)) throw illegalInvocation();
    refuseForeign(this.#owner, NATIVE);
    const [number, text] = closing(code, reason);
    if (this.#use === GIVEN) return;
    if (this.#use === UNUSED) throw new TypeError(NOT_ACCEPTED);
    if (this.#state === CONNECTING) {
      this.#giveUp();
      return;
    }
    if (this.#said || this.#state === CLOSED) return;
    this.#said = true;
    this.#end.close(number, text);
  }

  serializeAttachment(value) {
    if (!isWebSocket(this)) throw illegalInvocation();
    if (arguments.length === 0) {
      throw new TypeError("Failed to execute 'serializeAttachment' on 'WebSocket': parameter 1 is not of type 'Value'.");
    }
    const copy = structuredClone(value);
    const size = weigh(copy);
    if (size > MOST_ATTACHED) {
      throw new Error(
        `A WebSocket 'attachment' cannot be larger than ${MOST_ATTACHED} bytes.'attachment' was ${size} bytes.`);
    }
    this.#attachment = { value: copy };
  }

  deserializeAttachment() {
    if (!isWebSocket(this)) throw illegalInvocation();
    return this.#attachment === null ? null : structuredClone(this.#attachment.value);
  }

  get readyState() {
    if (!isWebSocket(this)) throw illegalInvocation();
    if (this.#state !== OPEN) return this.#state;
    if (this.#said && this.#heard) return CLOSED;
    return this.#said || this.#heard ? CLOSING : OPEN;
  }

  get bufferedAmount() {
    if (!isWebSocket(this)) throw illegalInvocation();
    return 0;
  }

  get url() {
    if (!isWebSocket(this)) throw illegalInvocation();
    return this.#url;
  }

  get protocol() {
    if (!isWebSocket(this)) throw illegalInvocation();
    return this.#protocol;
  }

  get extensions() {
    if (!isWebSocket(this)) throw illegalInvocation();
    return this.#extensions;
  }

  get binaryType() {
    if (!isWebSocket(this)) throw illegalInvocation();
    return (this.#binary ??= isOn('websocket_standard_binary_type') ? 'blob' : 'arraybuffer');
  }

  set binaryType(value) {
    if (!isWebSocket(this)) throw illegalInvocation();
    value = toText(value);
    if (value === 'blob' || value === 'arraybuffer') this.#binary = value;
  }

  // Listeners run in the async context of accept(). One that throws is the end of the connection, as on workerd.
  #dispatch(event) {
    const previous = host.contextSet(this.#slot);
    try {
      dispatch(this, event, this[`on${event.type}`], true);
      return true;
    } catch (error) {
      report(this.#end?.kept, this.#owner, error);
      if (event.type !== 'error') {
        this.#end?.drop();
        this.#broke(error);
      }
      return false;
    } finally {
      host.contextSet(previous);
    }
  }

  #message(data) {
    if (this.#state === CLOSED || this.#heard) return;
    if (typeof data !== 'string' && this.binaryType === 'blob') data = newBlob(new Uint8Array(data), '');
    this.#dispatch(heardMessage(data));
  }

  #closed(code, reason) {
    if (this.#state === CLOSED || this.#heard) return;
    this.#heard = true;
    if (!this.#said && !this.#halfOpen && isOn('web_socket_auto_reply_to_close')) {
      this.#said = true;
      this.#end.close(code === 1005 ? null : code, reason);
    }
    this.#dispatch(new CloseEvent('close', { code, reason, wasClean: true }));
  }

  #lost(some) {
    if (this.#state === CLOSED) return;
    if (!this.#said || this.#heard) this.#state = CLOSED;
    if (this.#heard) return;
    if (some) this.#disconnected();
    this.#dispatch(new CloseEvent('close', { code: ABNORMAL, reason: NO_CLOSE, wasClean: false }));
    this.#state = CLOSED;
  }

  #disconnected() {
    this.#dispatch(failed(new Error('Network connection lost.')));
  }

  #broke(error) {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.#dispatch(failed(error));
  }

  #opened(id, protocol) {
    this.#end = new HostEnd(this.#hears(), id);
    this.#state = OPEN;
    this.#protocol = protocol;
    this.#end.accept();
    this.#dispatch(new Event('open'));
  }

  #refused(error) {
    this.#state = CLOSED;
    this.#dispatch(failed(error));
    this.#dispatch(new CloseEvent('close', { code: ABNORMAL, reason: NOT_ESTABLISHED, wasClean: false }));
  }
}
tag(WebSocket);
for (const [name, value] of [['CONNECTING', CONNECTING], ['OPEN', OPEN], ['CLOSING', CLOSING], ['CLOSED', CLOSED]]) {
  for (const target of [WebSocket, WebSocket.prototype]) {
    for (const key of [`READY_STATE_${name}`, name]) {
      Object.defineProperty(target, key, { value, enumerable: true, configurable: true });
    }
  }
}
for (const name of [
  'accept', 'send', 'close', 'serializeAttachment', 'deserializeAttachment', 'readyState', 'bufferedAmount', 'url',
  'protocol', 'extensions', 'binaryType',
]) {
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true });
  const { value } = Object.getOwnPropertyDescriptor(WebSocket.prototype, name);
  if (typeof value === 'function') Object.defineProperty(value, 'length', { value: 0 });
}

// What a pair is iterated by.
class PairIterator {
  #left;

  constructor(pair) {
    this.#left = [pair[0], pair[1]];
  }

  next() {
    return this.#left.length === 0 ? { done: true, value: undefined } : { done: false, value: this.#left.shift() };
  }
}
Object.setPrototypeOf(PairIterator.prototype, Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())));
tag(PairIterator);

export class WebSocketPair {
  constructor() {
    refuseGlobalScope();
    const sockets = newPair();
    for (const at of [0, 1]) {
      Object.defineProperty(this, at, { value: sockets[at], enumerable: true, configurable: true });
    }
  }

  [Symbol.iterator]() {
    if (!(this instanceof WebSocketPair)) throw illegalInvocation();
    return new PairIterator(this);
  }
}
tag(WebSocketPair);

// What a Durable Object answers by itself; there is none, so that it only holds its two texts.
export class WebSocketRequestResponsePair {
  #request;
  #response;

  constructor(request, response) {
    const wrong = (at) => new TypeError(
      `Failed to construct 'WebSocketRequestResponsePair': constructor parameter ${at} is not of type 'string'.`);
    if (arguments.length < 1) throw wrong(1);
    if (arguments.length < 2) throw wrong(2);
    this.#request = `${request}`;
    this.#response = `${response}`;
  }

  get request() {
    return this.#request;
  }
  get response() {
    return this.#response;
  }
}
tag(WebSocketRequestResponsePair);
