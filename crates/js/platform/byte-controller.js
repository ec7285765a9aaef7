// The controller of byte streams inside, by the Streams standard: bytes in a queue, buffers that readers brought to
// be filled, and the request objects through which a source fills them. The public classes are in readable-bytes.js.
import { isObject, notOfType, present, toNumber } from './idl.js';
import { DONE, PENDING, Queue, promiseCall } from './queue.js';
import { CLOSED, ERRORED, INTERNAL, READABLE, Readable, closeStream, errorStream } from './readable-state.js';

const { apply } = Reflect;

// A buffer handed in by a reader (or made for one) and how far it is filled.
class PullInto {
  constructor(buffer, offset, length, minimum, size, make, kind) {
    this.buffer = buffer;
    this.offset = offset;
    this.length = length;
    this.filled = 0;
    this.minimum = minimum;
    this.size = size; // of an element
    this.make = make; // constructor of the view
    this.kind = kind; // 'default', 'byob', 'none' (its reader is gone)
    this.kept = null; // an older Worker's own buffer, which is not detached
  }
  view() {
    if (this.kept === null) return new this.make(this.buffer, this.offset, Math.floor(this.filled / this.size));
    new Uint8Array(this.kept).set(new Uint8Array(this.buffer, this.offset, this.filled), this.offset);
    return new this.make(this.kept, this.offset, Math.floor(this.filled / this.size));
  }
  // For who reads at the end: no bytes.
  empty() {
    return new this.make(this.kept ?? this.buffer.transfer(), this.offset, 0);
  }
}

// What older Workers see of the platform's own streams: their buffers are filled where they are, and a read at the end
// gives no view.
const old = { keepsBuffers: false, endsWithNothing: false };

export function readAsOf(keepsBuffers, endsWithNothing) {
  old.keepsBuffers = keepsBuffers;
  old.endsWithNothing = endsWithNothing;
}

export class ByteController {
  constructor(stream, source, argument, highWaterMark, chunkSize) {
    this.stream = stream;
    this.source = source;
    this.argument = argument ?? this;
    this.highWaterMark = highWaterMark;
    this.chunkSize = chunkSize; // autoAllocateChunkSize
    this.pull = undefined;
    this.cancel = undefined;
    this.bytes = true;
    this.queue = new Queue(); // of { buffer, offset, length }
    this.total = 0;
    this.intos = new Queue();
    this.request = null;
    this.started = false;
    this.closing = false;
    this.pulling = false;
    this.again = false;
    this.pulled = null; // what follows a pull; made once
    this.failed = null;
    this.onTaken = null; // told when the last byte of the queue has been taken
    stream.controller = this;
  }

  desiredSize() {
    const state = this.stream.state;
    if (state === ERRORED) return null;
    return state === CLOSED ? 0 : this.highWaterMark - this.total;
  }

  open() {
    return !this.closing && this.stream.state === READABLE;
  }

  waiting() {
    const reader = this.stream.reader;
    return reader !== null && reader.requests.length > 0;
  }

  callPull() {
    if (!this.started || !this.open()) return;
    if (!this.waiting() && !(this.desiredSize() > 0)) return;
    if (this.pulling) {
      this.again = true;
      return;
    }
    this.pulling = true;
    if (this.pulled === null) {
      this.pulled = () => {
        this.pulling = false;
        if (this.again) {
          this.again = false;
          this.callPull();
        }
      };
      this.failed = (reason) => this.error(reason);
    }
    let done = DONE;
    try {
      const result = this.pull === undefined ? undefined : apply(this.pull, this.source, [this.argument]);
      if (result === PENDING) return;
      if (isObject(result)) done = Promise.resolve(result);
    } catch (error) {
      done = Promise.reject(error);
    }
    done.then(this.pulled, this.failed);
  }

  begin() {
    this.started = true;
    this.callPull();
  }

  dropIntos() {
    this.dropRequest();
    this.intos.clear();
  }

  dropRequest() {
    if (this.request === null) return;
    clearRequest(this.request);
    this.request = null;
  }

  byobRequest() {
    if (this.request === null && this.intos.length > 0) {
      const into = this.intos.peek();
      const view = new Uint8Array(into.buffer, into.offset + into.filled, into.length - into.filled);
      this.request = new ReadableStreamBYOBRequest(INTERNAL, this, view);
    }
    return this.request;
  }

  close() {
    if (!this.open()) return;
    if (this.total > 0) {
      this.closing = true;
      return;
    }
    this.forgetSource();
    // As on workerd a reader gets what there is, though it asked for more, and bytes of half an element are lost.
    if (this.intos.length > 0 && this.intos.peek().filled > 0 && this.stream.reader?.byob) this.commit(this.intos.shift());
    closeStream(this.stream);
    if (this.stream.reader?.byob) this.answerAll();
  }

  // Readers whose buffers wait get them back with no bytes in them: the stream is closed.
  answerAll() {
    const { requests } = this.stream.reader;
    while (requests.length > 0) {
      const into = this.intos.shift();
      requests.shift().close(this.last(into));
    }
  }

  last(into) {
    const view = into.empty();
    return old.endsWithNothing && this.argument === this ? undefined : view;
  }

  finish() {
    this.close();
  }

  error(reason) {
    if (this.stream.state !== READABLE) return;
    this.dropIntos();
    this.queue.clear();
    this.total = 0;
    this.forgetSource();
    errorStream(this.stream, reason);
  }

  forgetSource() {
    this.pull = this.cancel = undefined;
    this.source = null;
  }

  push(buffer, offset, length) {
    this.queue.push({ buffer, offset, length });
    this.total += length;
  }

  enqueue(chunk) {
    if (!this.open()) return;
    const { byteOffset, byteLength } = chunk;
    const buffer = chunk.buffer.transfer();
    const reader = this.stream.reader;
    if (this.intos.length > 0) {
      const into = this.intos.peek();
      this.dropRequest();
      into.buffer = into.buffer.transfer();
      if (into.kind === 'none') this.requeue(into);
    }
    if (reader === null) {
      this.push(buffer, byteOffset, byteLength);
    } else if (!reader.byob) {
      while (reader.requests.length > 0 && this.total > 0) this.fillFromQueue(reader.requests.shift());
      if (reader.requests.length === 0) {
        this.push(buffer, byteOffset, byteLength);
      } else {
        if (this.intos.length > 0) this.intos.shift();
        reader.requests.shift().chunk(new Uint8Array(buffer, byteOffset, byteLength));
        if (this.onTaken !== null) this.onTaken();
      }
    } else {
      this.push(buffer, byteOffset, byteLength);
      this.fillIntos();
    }
    this.callPull();
  }

  // What a gone reader's buffer holds goes back among the bytes.
  requeue(into) {
    if (into.filled > 0) {
      const copy = into.buffer.slice(into.offset, into.offset + into.filled);
      this.push(copy, 0, copy.byteLength);
    }
    this.intos.shift();
  }

  fillFromQueue(request) {
    const chunk = this.takeAll();
    this.drained();
    request.chunk(chunk);
  }

  // All bytes of the queue: as on workerd one read takes them.
  takeAll() {
    const { buffer, offset, length } = this.queue.shift();
    let chunk = new Uint8Array(buffer, offset, length);
    if (length < this.total) {
      const all = new Uint8Array(this.total);
      all.set(chunk, 0);
      for (let at = length; this.queue.length > 0;) {
        const next = this.queue.shift();
        all.set(new Uint8Array(next.buffer, next.offset, next.length), at);
        at += next.length;
      }
      chunk = all;
    }
    this.total = 0;
    return chunk;
  }

  drained() {
    if (this.total === 0 && this.onTaken !== null) this.onTaken();
    if (this.total === 0 && this.closing) {
      this.forgetSource();
      closeStream(this.stream);
    } else {
      this.callPull();
    }
  }

  // Copies from the queue into `into`; true when it is full enough to be handed over.
  fill(into) {
    const most = Math.min(this.total, into.length - into.filled);
    const most2 = into.filled + most;
    const aligned = most2 - (most2 % into.size);
    let left = most;
    let ready = false;
    if (aligned >= into.minimum) {
      left = aligned - into.filled;
      ready = true;
    }
    while (left > 0) {
      const head = this.queue.peek();
      const count = Math.min(left, head.length);
      new Uint8Array(into.buffer).set(new Uint8Array(head.buffer, head.offset, count), into.offset + into.filled);
      if (head.length === count) this.queue.shift();
      else {
        head.offset += count;
        head.length -= count;
      }
      this.total -= count;
      into.filled += count;
      left -= count;
    }
    return ready;
  }

  fillIntos() {
    const done = [];
    while (this.intos.length > 0 && this.total > 0) {
      const into = this.intos.peek();
      if (!this.fill(into)) break;
      this.intos.shift();
      done.push(into);
    }
    for (const into of done) this.commit(into);
    if (this.total === 0 && this.onTaken !== null) this.onTaken();
  }

  commit(into) {
    const request = this.stream.reader.requests.shift();
    into.buffer = into.buffer.transfer();
    if (this.stream.state === CLOSED) request.close(into.view());
    else request.chunk(into.view());
  }

  pullSteps(request) {
    if (this.total > 0) {
      this.fillFromQueue(request);
      return;
    }
    if (this.chunkSize !== undefined) {
      const buffer = new ArrayBuffer(this.chunkSize);
      this.intos.push(new PullInto(buffer, 0, this.chunkSize, 1, 1, Uint8Array, 'default'));
    }
    this.stream.reader.requests.push(request);
    this.callPull();
  }

  pullInto(view, minimum, request) {
    const size = view.BYTES_PER_ELEMENT ?? 1;
    const { byteOffset, byteLength, constructor } = view;
    const keeps = old.keepsBuffers && this.argument === this;
    let buffer;
    try {
      buffer = keeps ? new ArrayBuffer(view.buffer.byteLength) : view.buffer.transfer();
    } catch (error) {
      request.error(error);
      return;
    }
    const into = new PullInto(buffer, byteOffset, byteLength, minimum * size, size, viewClass(view, constructor), 'byob');
    if (keeps) into.kept = view.buffer;
    if (this.intos.length > 0) {
      this.intos.push(into);
      this.stream.reader.requests.push(request);
      return;
    }
    if (this.stream.state === CLOSED) {
      request.close(this.last(into));
      return;
    }
    if (this.total > 0) {
      if (this.fill(into)) {
        into.buffer = into.buffer.transfer();
        const filled = into.view();
        this.drained();
        request.chunk(filled);
        return;
      }
      if (this.closing) {
        into.buffer = into.buffer.transfer();
        const filled = into.view();
        this.queue.clear();
        this.total = 0;
        this.drained();
        if (filled.byteLength > 0) request.chunk(filled);
        else request.close(filled);
        return;
      }
    }
    this.intos.push(into);
    this.stream.reader.requests.push(request);
    this.callPull();
  }

  respond(count, buffer) {
    const into = this.intos.peek();
    if (this.stream.state === CLOSED) {
      if (count !== 0) throw new TypeError('The bytesWritten must be zero after the stream is closed.');
    } else {
      if (count === 0) throw new TypeError('The bytesWritten must be more than zero while the stream is open.');
      if (into.filled + count > into.length) {
        throw new RangeError(`Too many bytes [${count}] in response to a BYOB read request.`);
      }
    }
    if (into === undefined) return; // it was answered when the stream was closed
    into.buffer = buffer.transfer();
    this.dropRequest();
    if (this.stream.state === CLOSED) {
      if (into.kind === 'none') this.intos.shift();
      const reader = this.stream.reader;
      if (reader !== null && reader.byob) while (reader.requests.length > 0) this.commit(this.intos.shift());
    } else {
      into.filled += count;
      if (into.kind === 'none') {
        this.requeue(into);
        this.fillIntos();
      } else if (into.filled >= into.minimum) {
        this.intos.shift();
        const rest = into.filled % into.size;
        if (rest > 0) {
          const end = into.offset + into.filled;
          const copy = into.buffer.slice(end - rest, end);
          this.push(copy, 0, rest);
        }
        into.filled -= rest;
        this.commit(into);
        this.fillIntos();
      }
    }
    this.callPull();
  }

  cancelSteps(reason) {
    this.dropIntos();
    this.queue.clear();
    this.total = 0;
    const result = promiseCall(this.cancel, this.source, reason);
    this.forgetSource();
    return result;
  }

  releaseSteps() {
    if (this.intos.length === 0) return;
    const into = this.intos.peek();
    this.intos.clear();
    into.kind = 'none';
    this.intos.push(into);
  }
}

const TYPED = Object.getPrototypeOf(Uint8Array);

// The view's own class: a user may have changed `constructor`.
function viewClass(view, constructor) {
  return view instanceof TYPED ? globalThis[view[Symbol.toStringTag]] ?? constructor : DataView;
}

let clearRequest;

function invalidated() {
  return new TypeError('This ReadableStreamBYOBRequest has been invalidated.');
}

export class ReadableStreamBYOBRequest {
  #controller;
  #view;

  constructor(token, controller, view) {
    if (token !== INTERNAL) throw new TypeError('Illegal constructor');
    this.#controller = controller;
    this.#view = view;
  }

  static {
    clearRequest = (request) => {
      request.#controller = request.#view = null;
    };
  }

  get view() {
    return this.#view;
  }

  // Bytes that the reader wants at least, of those that are still to come.
  get atLeast() {
    if (this.#controller === null) return null;
    const into = this.#controller.intos.peek();
    return Math.max(1, into.minimum - into.filled);
  }

  respond(bytesWritten) {
    if (arguments.length === 0) throw notOfType('respond', 'ReadableStreamBYOBRequest', 1, 'integer');
    const count = Math.max(0, Math.trunc(toNumber(bytesWritten)) || 0);
    if (this.#controller === null) throw invalidated();
    this.#controller.respond(count, this.#view.buffer);
  }

  respondWithNewView(view) {
    if (view instanceof ArrayBuffer) view = new Uint8Array(view);
    if (!isObject(view) || !ArrayBuffer.isView(view)) {
      throw notOfType('respondWithNewView', 'ReadableStreamBYOBRequest', 1, 'BufferSource');
    }
    if (this.#controller === null) throw invalidated();
    const into = this.#controller.intos.peek();
    if (into.offset + into.filled !== view.byteOffset) throw new RangeError('The given view has an invalid byte offset.');
    if (into.buffer.byteLength !== view.buffer.byteLength) throw new RangeError('The given view has an invalid length.');
    this.#controller.respond(view.byteLength, view.buffer);
  }
}
present(ReadableStreamBYOBRequest);

// A byte stream of the platform's own: `source` has pull(controller) and cancel(reason) and needs no start.
export function newByteStream(source, highWaterMark = 0) {
  const stream = new Readable();
  const controller = new ByteController(stream, source, null, highWaterMark, undefined);
  controller.pull = source.pull;
  controller.cancel = source.cancel;
  controller.started = true;
  return stream;
}
