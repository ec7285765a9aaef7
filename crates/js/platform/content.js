// What a body is inside, by the Fetch standard: made from whatever a script gave, read in every way, cloned, sent.
// It is whole (text or bytes), a stream of the script's, or a host stream: a number that becomes JavaScript
// machinery only when the script asks for the stream, and goes out as that number if it does not.
import * as host from 'switchyard:host';
import { BODY_GUEST, BODY_HOST, BODY_WHOLE, STATUS_END, STATUS_OK, SYNC_STREAM_SMALL } from './abi.js';
import { blobBytes, isBlob } from './blob.js';
import { isOn } from './compatibility.js';
import { copyOf, sizeOf } from './crypto-idl.js';
import { SOURCE, hostError, refuseForeign, refuseGlobalScope } from './errors.js';
import { isFormData } from './formdata.js';
import { serializeFormData } from './forms.js';
import { newHostStream } from './host-stream.js';
import { replaceHalves, toText } from './idl.js';
import { forget, readHost } from './ops.js';
import { ReadableStream, innerReadable, moveFacade } from './readable.js';
import { newByteStream } from './byte-controller.js';
import { Reader, closeStream } from './readable-state.js';
import { tee } from './tee.js';
import { URLSearchParams } from './url-search-params.js';

const USED = 'Body has already been used. It can only be used once. Use tee() first if you need to read it twice.';

export class Content {
  constructor(kind, data, length, owner) {
    this.owner = owner; // the request whose body it is; undefined: a stream of the script's is anybody's
    this.kind = kind; // BODY_WHOLE, BODY_GUEST, BODY_HOST
    this.data = data; // text or bytes; null; number of the host stream
    this.length = length; // in bytes, where a stream's is known
    this.used = false;
    this.stream = null; // the stream inside, once there is one
    this.source = null; // of a body that was cloned: the stream that its two halves come from
    this.collector = null; // who is reading a host stream to its end
  }

  isUsed() {
    return this.used || (this.stream !== null && this.stream.disturbed);
  }

  isLocked() {
    return this.stream !== null && this.stream.reader !== null;
  }

  // The stream of this body, made at the first look.
  readable() {
    if (this.stream === null) {
      if (this.kind === BODY_HOST) this.stream = newHostStream(this.data, this.length);
      else this.stream = wholeStream(bytesOf(this.data));
      this.stream.owner = this.owner;
      if (this.used) spend(this.stream);
    }
    return this.stream;
  }
}

export const CONTENT = host.template(new Content(0, null, null, undefined)); // make(CONTENT, owner, kind, data, length)

function wholeStream(bytes) {
  const stream = newByteStream({
    pull(controller) {
      if (bytes.byteLength > 0) controller.enqueue(bytes.slice());
      controller.finish();
    },
  });
  stream.whole = bytes;
  stream.length = bytes.byteLength;
  return stream;
}

function bytesOf(data) {
  return typeof data === 'string' ? host.utf8Encode(data) : data;
}

// What a script gave as a body -> Content, or null. The type goes to `extracted.type`, where it implies one.
// `passes`: another body's stream that nobody has read may go out as what it is, whole.
export const extracted = { type: null };

export const TEXT_TYPE = 'text/plain;charset=UTF-8';

export function extract(body, passes = false) {
  extracted.type = null;
  if (body === null || body === undefined) return null;
  if (typeof body === 'object') {
    const stream = innerReadable(body);
    if (stream !== undefined) return streamContent(stream, passes);
  }
  refuseGlobalScope();
  if (typeof body === 'string') {
    extracted.type = TEXT_TYPE;
    return whole(body);
  }
  if (typeof body === 'object') {
    if (ArrayBuffer.isView(body) || host.kind(body) === 'ArrayBuffer') {
      return whole(sizeOf(body) === 0 ? new Uint8Array(0) : copyOf(body));
    }
    if (body instanceof URLSearchParams) {
      extracted.type = 'application/x-www-form-urlencoded;charset=UTF-8';
      return whole(body.toString());
    }
    if (isBlob(body)) {
      if (body.type !== '') extracted.type = body.type;
      return whole(blobBytes(body));
    }
    if (isFormData(body)) {
      const { bytes, type } = serializeFormData(body);
      extracted.type = type;
      return whole(bytes);
    }
    if (isIterable(body) && isOn('fetch_iterable_type_support')) return streamContent(innerReadable(ReadableStream.from(body)), false);
  }
  extracted.type = TEXT_TYPE;
  return whole(toText(body));
}

const plainText = Object.prototype.toString;

// What has a text of its own (a String object, one with its own toString) is that text.
function isIterable(body) {
  if (typeof body[Symbol.asyncIterator] !== 'function' && typeof body[Symbol.iterator] !== 'function') return false;
  return Array.isArray(body) || body.toString === plainText && body[Symbol.toPrimitive] === undefined;
}

function whole(data) {
  return new Content(BODY_WHOLE, data, null, host.contextGet());
}

function streamContent(stream, passes) {
  if (stream.disturbed) {
    throw new TypeError(
      'This ReadableStream is disturbed (has already been read from), and cannot be used as a body.');
  }
  if (stream.reader !== null) {
    throw new TypeError('This ReadableStream is locked to a reader, and cannot be used as a body.');
  }
  // What nobody has read keeps being what it was, a host stream or whole: it can pass through unread. So
  // `new Response(response.body, response)`, which every framework does, keeps its length. A request's body that was
  // given as a stream is none that can be sent again.
  let content;
  if (passes && stream.whole !== null) content = new Content(BODY_WHOLE, stream.whole, null, stream.owner);
  else content = new Content(stream.host >= 0 ? BODY_HOST : BODY_GUEST, stream.host, stream.length, stream.owner);
  content.stream = stream;
  return content;
}

// What a consumer makes of the bytes.
export const TEXT = 0;
export const JSON_VALUE = 1;
export const BYTES = 2;
export const BUFFER = 3;

function convert(data, how) {
  if (how === BYTES) return typeof data === 'string' ? host.utf8Encode(data) : data;
  if (how === BUFFER) {
    const bytes = bytesOf(data);
    return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
  }
  let text = data;
  if (typeof data !== 'string') text = host.utf8Decode(data, false, true);
  else if (!data.isWellFormed()) text = replaceHalves(data);
  if (text.charCodeAt(0) === 0xfeff && isOn('strip_bom_in_read_all_text')) text = text.slice(1);
  return how === JSON_VALUE ? JSON.parse(text) : text;
}

// All the chunks of a stream as one Uint8Array. One object serves as every read's entry (host stream) or
// request (stream in JavaScript).
class Collector {
  constructor(how, resolve, reject) {
    this.how = how;
    this.resolve = resolve;
    this.reject = reject;
    this.first = null;
    this.rest = null;
    this.size = 0;
    this.content = null;
    this.reader = null;
    this.operation = 0;
  }

  next() {
    try {
      this.operation = readHost(this.content.data, this);
    } catch (error) {
      this.reject(error);
    }
  }

  complete(status, value, message) {
    if (status === STATUS_OK) {
      this.add(value);
      this.next();
    } else if (status === STATUS_END) {
      this.finish();
    } else {
      this.reject(hostError(value, message));
    }
  }

  chunk(value) {
    if (value instanceof ArrayBuffer) value = new Uint8Array(value);
    else if (ArrayBuffer.isView(value)) value = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    else {
      this.reject(new TypeError('This ReadableStream did not return bytes.'));
      return;
    }
    this.add(value);
    this.reader.read(this);
  }

  close() {
    this.finish();
  }

  error(reason) {
    this.reject(reason);
  }

  add(bytes) {
    this.size += bytes.byteLength;
    if (this.first === null) this.first = bytes;
    else (this.rest ??= []).push(bytes);
  }

  finish() {
    let bytes = this.first;
    if (bytes === null) bytes = new Uint8Array(0);
    else if (this.rest !== null) {
      const all = new Uint8Array(this.size);
      all.set(bytes, 0);
      let at = bytes.byteLength;
      for (const chunk of this.rest) {
        all.set(chunk, at);
        at += chunk.byteLength;
      }
      bytes = all;
    }
    try {
      this.resolve(convert(bytes, this.how));
    } catch (error) {
      this.reject(error);
    }
  }
}

// Throws where a body cannot be read any more.
export function refuseUsed(content) {
  if (content === null) return;
  if (content.isUsed()) throw new TypeError(USED);
  if (content.isLocked()) throw new TypeError('This ReadableStream is currently locked to a reader.');
}

export function consume(content, how) {
  try {
    if (content === null) return Promise.resolve(convert('', how));
    refuseUsed(content);
    refuseForeign(content.owner, SOURCE);
    content.used = true;
    if (content.kind === BODY_WHOLE) {
      seal(content);
      const data = content.data;
      content.data = '';
      return Promise.resolve(convert(data, how));
    }
    if (content.kind === BODY_HOST) {
      seal(content);
      const bytes = host.sync(SYNC_STREAM_SMALL, content.data);
      if (bytes !== undefined && bytes !== null) return Promise.resolve(convert(bytes, how));
    }
    return new Promise((resolve, reject) => {
      const collector = new Collector(how, resolve, reject);
      collector.content = content;
      if (content.kind === BODY_HOST) {
        content.collector = collector;
        collector.next();
      } else {
        collector.reader = new Reader(content.stream);
        collector.reader.read(collector);
      }
    });
  } catch (error) {
    return Promise.reject(error);
  }
}

// The bytes go another way than through the stream that the script may hold: to it they have been read.
function seal(content) {
  if (content.stream !== null) spend(content.stream);
}

// As on workerd a body that went as a whole stays locked, by a reader that nobody has.
function spend(stream) {
  stream.disturbed = true;
  closeStream(stream);
  stream.reader ??= new Reader(stream);
}

// A stream that goes on under another object: the one that the script may hold is spent.
export function leaveBehind(stream) {
  const spent = wholeStream(new Uint8Array(0));
  spent.owner = stream.owner;
  spend(spent);
  moveFacade(stream, spent);
  return spent;
}

// A host stream fails for a reason of the script's (an AbortSignal): its reader, now or later, gets that reason.
export function abortContent(content, reason) {
  const { collector } = content;
  if (collector !== null && content.kind === BODY_HOST) {
    forget(collector.operation);
    collector.reject(reason);
  } else if (!content.used) {
    (content.source ?? content.readable()).controller.error(reason);
    content.kind = BODY_GUEST; // the number is worth nothing any more
    content.data = null;
  }
}

// Of a text that has gone out: whoever asks finds it used.
export const SPENT = new Content(BODY_WHOLE, '', null, undefined);
SPENT.used = true;

// May this body go out?
export function checkSendable(content) {
  if (content.isUsed()) throw new TypeError(USED);
  if (content.isLocked()) throw new TypeError('The ReadableStream has been locked to a reader.');
  refuseForeign(content.owner, SOURCE);
}

// Marks a body as gone, where its bytes leave without passing through its stream.
export function giveAway(content) {
  content.used = true;
  if (content.kind !== BODY_GUEST) seal(content);
}

// A second body with the same bytes; the first goes on through the other half of the tee.
export function cloneContent(content) {
  if (content === null) return null;
  if (content.used || content.isLocked()) {
    throw new TypeError('This ReadableStream is currently locked to a reader,');
  }
  refuseForeign(content.owner, SOURCE);
  if (content.kind === BODY_WHOLE && content.stream === null) {
    const data = content.data;
    return new Content(BODY_WHOLE, typeof data === 'string' ? data : data.slice(), content.length, content.owner);
  }
  const source = content.readable();
  const branches = tee(source);
  content.source ??= source;
  content.kind = BODY_GUEST;
  content.data = null;
  content.stream = branches[0];
  content.length = source.length;
  const copy = new Content(BODY_GUEST, null, source.length, content.owner);
  for (const branch of branches) branch.owner = content.owner;
  copy.stream = branches[1];
  return copy;
}
