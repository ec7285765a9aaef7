// EventSource, by the HTML standard as workerd has it: over fetch(), a binding's fetch or a stream that is there
// already. What arrives is cut into messages here; a connection that ends is made again after a while, as long as
// the request runs that wanted it.
import * as host from 'switchyard:host';
import { AbortController } from './abort.js';
import { describeThrown, DOMException } from './errors.js';
import { ErrorEvent, Event, EventTarget, dispatch, handlerOf, setHandler, trusted } from './events.js';
import { reportException } from './context.js';
import { fetch } from './fetch.js';
import { isObject, notConstructed, notField, notOfType, present } from './idl.js';
import { heardMessage } from './message-event.js';
import { cancelStream, Reader } from './readable-state.js';
import { innerReadable } from './readable.js';
import { startTimer } from './timers.js';
import { parseUrl } from './url.js';

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 2;
const TOKEN = Symbol('from');
const MOST_KEPT = 8 << 20; // bytes of a line that has not ended
const LONGEST_WAIT = 60_000; // milliseconds before a connection is made again, whatever the server asks for

// Lines of bytes -> messages.
class Parser {
  constructor() {
    this.kept = []; // bytes since the last end of a line
    this.size = 0;
    this.started = false;
    this.afterReturn = false; // the last byte was CR: an LF that follows ends no second line
    this.data = null; // lines of the message under way
    this.event = null;
    this.id = '';
    this.retry = -1;
  }

  // All messages that end in `bytes`.
  feed(bytes) {
    const messages = [];
    let from = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte === 10 && this.afterReturn && i === from) {
        this.afterReturn = false;
        from = i + 1;
      } else if (byte === 10 || byte === 13) {
        this.afterReturn = byte === 13;
        this.line(this.take(bytes.subarray(from, i)), messages);
        from = i + 1;
      }
    }
    if (from < bytes.length) {
      this.afterReturn = false;
      this.size += bytes.length - from;
      if (this.size > MOST_KEPT) throw new RangeError('A line of the event stream is too long.');
      this.kept.push(bytes.slice(from));
    }
    return messages;
  }

  take(rest) {
    let bytes = rest;
    if (this.kept.length > 0) {
      bytes = new Uint8Array(this.size + rest.length);
      let at = 0;
      for (const piece of [...this.kept, rest]) {
        bytes.set(piece, at);
        at += piece.length;
      }
      this.kept = [];
      this.size = 0;
    }
    const text = host.utf8Decode(bytes, false, this.started);
    this.started = true;
    return text;
  }

  line(line, messages) {
    if (line === '') {
      if (this.data !== null || this.event !== null) {
        const data = (this.data ?? []).join('\n');
        if (data !== '') messages.push({ type: this.event ?? 'message', data, id: this.id });
      }
      this.data = this.event = null;
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'data') (this.data ??= []).push(value);
    else if (field === 'event') this.event = value;
    else if (field === 'id') this.id = value;
    else if (field === 'retry' && /^\d+$/.test(value) && Number(value) < 2 ** 32) this.retry = Number(value);
  }
}

export class EventSource extends EventTarget {
  #state = CONNECTING;
  #url = null; // parts; null for one that was made from a stream
  #fetcher = null;
  #controller = new AbortController();
  #handlers = new Map();
  #wait = 2000;
  #lastId = '';
  #empty = false; // the last answer had no body
  #stream = null;
  #context = host.contextGet();

  constructor(url, init = undefined) {
    if (arguments.length === 0) throw notConstructed('EventSource', 1, 'string');
    if (url !== TOKEN) url = `${url}`;
    super();
    if (this.#context === undefined) {
      throw new DOMException(
        'An EventSource can only be created within the context of a worker request.', 'NotSupportedError');
    }
    if (url === TOKEN) {
      this.#run(init, false);
      return;
    }
    if (init !== undefined && init !== null && !isObject(init)) {
      throw notConstructed('EventSource', 2, 'EventSourceInit');
    }
    const { fetcher, withCredentials } = init ?? {};
    if (fetcher !== undefined && typeof fetcher?.fetch !== 'function') throw notField('fetcher', 'EventSourceInit', 'Fetcher');
    if (withCredentials) {
      throw new DOMException(
        'The init.withCredentials option is not supported. It must be false or undefined.', 'NotSupportedError');
    }
    this.#fetcher = fetcher ?? null;
    this.#url = parseUrl(url, null)?.[0] ?? null;
    if (this.#url === null) {
      throw new DOMException(`Cannot open an EventSource to '${url}'. The URL is invalid.`, 'SyntaxError');
    }
    this.#connect();
  }

  static from(stream) {
    const inner = innerReadable(stream);
    if (inner === undefined) throw notOfType('from', 'EventSource', 1, 'JsReadableStream');
    if (host.contextGet() !== undefined) {
      if (inner.reader !== null) throw new TypeError('This ReadableStream is locked.');
      if (inner.disturbed) throw new TypeError('This ReadableStream has already been read from.');
    }
    return new EventSource(TOKEN, inner);
  }

  get url() {
    return this.#url ?? '';
  }
  get withCredentials() {
    this.#state;
    return false;
  }
  get readyState() {
    return this.#state;
  }
  get onopen() {
    return handlerOf(this.#handlers, 'open');
  }
  set onopen(value) {
    setHandler(this, this.#handlers, 'open', value);
  }
  get onmessage() {
    return handlerOf(this.#handlers, 'message');
  }
  set onmessage(value) {
    setHandler(this, this.#handlers, 'message', value);
  }
  get onerror() {
    return handlerOf(this.#handlers, 'error');
  }
  set onerror(value) {
    setHandler(this, this.#handlers, 'error', value);
  }

  [Symbol.dispose]() {
    this.#state;
    this.close();
  }

  close() {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.#controller.abort();
    const stream = this.#stream;
    this.#stream = null;
    if (stream !== null) cancelStream(stream, undefined).catch(() => {});
  }

  #connect() {
    if (this.#state === CLOSED) return;
    const headers = { accept: 'text/event-stream', 'cache-control': 'no-cache' };
    if (this.#lastId !== '') headers['last-event-id'] = this.#lastId;
    const init = { headers, redirect: 'follow', signal: this.#controller.signal };
    const answer = this.#fetcher === null ? fetch(this.#url, init) : this.#fetcher.fetch(this.#url, init);
    answer.then((response) => this.#answered(response)).catch((error) => this.#fail(error));
  }

  #answered(response) {
    if (this.#state === CLOSED) return;
    const refuse = (message) => this.#fail(new DOMException(message, 'AbortError'));
    if (!response.ok) {
      refuse(`The response status code was ${response.status}.`);
      return;
    }
    const type = response.headers.get('content-type');
    if (type === null) {
      refuse('No content type header was present in the response.');
      return;
    }
    if (!/^\s*text\/event-stream\s*(?:;|$)/i.test(type)) {
      refuse(`The content type '${type}' is invalid.`);
      return;
    }
    if (response.redirected) this.#url = response.url;
    if (response.body !== null) {
      this.#empty = false;
      this.#run(innerReadable(response.body), true);
    } else if (this.#empty) {
      this.#fail(new Error('The server provided no content.'));
    } else {
      this.#empty = true;
      this.#again(new Error('The server provided no content. Will try reconnecting.'));
    }
  }

  #run(stream, reconnect) {
    this.#stream = stream;
    this.#state = OPEN;
    const reader = new Reader(stream);
    const parser = new Parser();
    parser.id = this.#lastId;
    const ended = (error) => {
      if (this.#state === CLOSED || this.#stream !== stream) return;
      this.#stream = null;
      if (reconnect) this.#again(error);
      else this.#fail(error);
    };
    const request = {
      chunk: (value) => {
        if (this.#state === CLOSED) return;
        try {
          const bytes = bytesOf(value);
          for (const message of parser.feed(bytes)) {
            this.#lastId = message.id;
            dispatch(this, heardMessage(message.data, { type: message.type, id: message.id, origin: this.#origin() }));
          }
          this.#lastId = parser.id;
          if (parser.retry >= 0) this.#wait = parser.retry;
        } catch (error) {
          this.#fail(error);
          return;
        }
        if (this.#stream === stream) reader.read(request);
      },
      close: () => ended(new Error('The server disconnected.')),
      error: (reason) => (reconnect ? ended(reason) : this.#fail(reason)),
    };
    // Listeners are added after the constructor: what is there already waits for them.
    Promise.resolve().then(() => {
      if (reconnect && this.#state !== CLOSED) dispatch(this, trusted(new Event('open')));
    }).then(() => {
      if (this.#stream === stream) reader.read(request);
    }).catch((error) => this.#fail(error));
  }

  #origin() {
    return this.#url === null ? null : parseUrl(this.#url, null)[10];
  }

  #again(error) {
    this.#state = CONNECTING;
    this.#controller = new AbortController();
    this.#tell(error);
    if (this.#state !== CLOSED) startTimer(() => this.#connect(), Math.min(this.#wait, LONGEST_WAIT));
  }

  #fail(error) {
    if (this.#state === CLOSED) return;
    this.close();
    this.#tell(error);
  }

  #tell(error) {
    try {
      dispatch(this, trusted(new ErrorEvent('error', { message: describeThrown(error)[1], error })));
    } catch (thrown) {
      reportException(this.#context, thrown);
    }
    reportException(this.#context, error);
  }
}
for (const [name, value] of [['CONNECTING', CONNECTING], ['OPEN', OPEN], ['CLOSED', CLOSED]]) {
  Object.defineProperty(EventSource, name, { value, enumerable: true });
  Object.defineProperty(EventSource.prototype, name, { value, enumerable: true });
}
present(EventSource);

function bytesOf(value) {
  if (typeof value === 'string') return host.utf8Encode(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  throw new TypeError('This ReadableStream did not return bytes.');
}
