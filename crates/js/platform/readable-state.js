// What a readable stream is inside, by the Streams standard: its state, its reader, and the operations both
// kinds of controller and all consumers share. Public classes (readable.js) are thin shells around it, so the
// platform's own streams and readers cost no shells and no promises they do not use.
import { Deferred, Queue, handled, rejected } from './queue.js';

export const READABLE = 0;
export const CLOSED = 1;
export const ERRORED = 2;

// Lets platform code construct classes whose constructors are illegal to call.
export const INTERNAL = Symbol('internal');

export class Readable {
  constructor() {
    this.state = READABLE;
    this.error = undefined;
    this.disturbed = false;
    this.reader = null;
    this.controller = null;
    this.length = null; // bytes it will yield, where known (FixedLengthStream, content-length)
    this.host = -1; // the host stream behind it: handed on as such while nothing has been read (disturbed)
    this.whole = null; // or the bytes that it is, handed on in the same way
    this.facade = null; // the public object, made when somebody asks for it
    this.owner = undefined; // the request whose I/O it is; undefined: a stream of the script's
  }
}

// A reader inside. Requests are objects with chunk(value), close(value) and error(reason).
export class Reader {
  constructor(stream, byob = false) {
    if (stream.reader !== null) throw new TypeError('This ReadableStream is currently locked to a reader.');
    this.stream = stream;
    this.byob = byob;
    this.requests = new Queue();
    this.closed = null; // made when asked for
    stream.reader = this;
  }

  read(request) {
    const stream = this.stream;
    stream.disturbed = true;
    if (stream.state === CLOSED) request.close();
    else if (stream.state === ERRORED) request.error(stream.error);
    else stream.controller.pullSteps(request);
  }

  release() {
    const stream = this.stream;
    const reason = new TypeError('This ReadableStream reader has been released.');
    if (this.closed !== null) {
      if (stream.state === READABLE) this.closed.reject(reason);
      else this.closed = null;
    }
    stream.controller.releaseSteps();
    stream.reader = null;
    this.stream = null;
    this.requests.drain((request) => request.error(reason));
  }

  closedPromise() {
    if (this.closed === null) {
      const closed = (this.closed = new Deferred());
      const stream = this.stream;
      handled(closed.promise);
      if (stream === null) closed.reject(new TypeError('This ReadableStream reader has been released.'));
      else if (stream.state === CLOSED) closed.resolve();
      else if (stream.state === ERRORED) closed.reject(stream.error);
    }
    return this.closed.promise;
  }
}

export function closeStream(stream) {
  stream.state = CLOSED;
  const reader = stream.reader;
  if (reader === null) return;
  if (reader.closed !== null) reader.closed.resolve();
  if (!reader.byob) reader.requests.drain((request) => request.close());
}

export function errorStream(stream, reason) {
  stream.state = ERRORED;
  stream.error = reason;
  const reader = stream.reader;
  if (reader === null) return;
  if (reader.closed !== null) reader.closed.reject(reason);
  reader.requests.drain((request) => request.error(reason));
}

function nothing() {}

export function cancelStream(stream, reason) {
  stream.disturbed = true;
  if (stream.state === CLOSED) return Promise.resolve();
  if (stream.state === ERRORED) return rejected(stream.error);
  closeStream(stream);
  const reader = stream.reader;
  if (reader !== null && reader.byob) stream.controller.answerAll();
  return stream.controller.cancelSteps(reason).then(nothing);
}

// A read as a promise of { value, done }.
export class PromiseRequest {
  constructor(resolve, reject) {
    this.resolve = resolve;
    this.reject = reject;
  }
  chunk(value) {
    this.resolve({ value, done: false });
  }
  close(value) {
    this.resolve({ value, done: true });
  }
  error(reason) {
    this.reject(reason);
  }
}
