// What a writable stream is inside, by the Streams standard: its state machine, its controller with the queue
// before the sink, and its writer. Pipes and transforms use these without the public classes (writable.js);
// `closed` and `ready` promises are only made when somebody looks at them.
import { AbortController } from './abort.js';
import { DONE, Deferred, Queue, SizedQueue, handled, promiseCall, rejected } from './queue.js';

export const WRITABLE = 0;
const ERRORING = 1;
export const ERRORED = 2;
const CLOSED = 3;

const { apply } = Reflect;
const CLOSE = Symbol('close'); // the mark in the queue behind the last chunk

export class Writable {
  constructor() {
    this.state = WRITABLE;
    this.error = undefined;
    this.writer = null;
    this.controller = null;
    this.backpressure = false;
    this.writes = new Queue(); // of those who wait for writes not begun: objects with resolve() and fail(reason)
    this.inflightWrite = null;
    this.closeRequest = null;
    this.inflightClose = null;
    this.pendingAbort = null;
    this.facade = null;
    this.pipe = null; // of an identity stream: what it is the sink of
    this.owner = undefined; // the request whose I/O it is; undefined: a stream of the script's
  }

  closing() {
    return this.closeRequest !== null || this.inflightClose !== null;
  }

  inflight() {
    return this.inflightWrite !== null || this.inflightClose !== null;
  }

  abort(reason) {
    if (this.state === CLOSED || this.state === ERRORED) return Promise.resolve();
    this.controller.signalAbort(reason);
    if (this.state === CLOSED || this.state === ERRORED) return Promise.resolve();
    if (this.pendingAbort !== null) return this.pendingAbort.deferred.promise;
    const wasErroring = this.state === ERRORING;
    this.pendingAbort = { deferred: new Deferred(), reason: wasErroring ? undefined : reason, wasErroring };
    const promise = this.pendingAbort.deferred.promise;
    if (!wasErroring) this.startErroring(reason);
    return promise;
  }

  close() {
    if (this.state === ERRORED) return rejected(this.error);
    if (this.state === CLOSED) return rejected(new TypeError('This WritableStream has been closed.'));
    const deferred = (this.closeRequest = new Deferred());
    if (this.writer !== null && this.backpressure && this.state === WRITABLE) this.writer.becomeReady();
    this.controller.close();
    return deferred.promise;
  }

  startErroring(reason) {
    this.state = ERRORING;
    this.error = reason;
    if (this.writer !== null) this.writer.rejectReady(reason);
    if (!this.inflight() && this.controller.started) this.finishErroring();
  }

  dealWithRejection(reason) {
    if (this.state === WRITABLE) this.startErroring(reason);
    else this.finishErroring();
  }

  finishErroring() {
    this.state = ERRORED;
    this.controller.queue.reset();
    const error = this.error;
    this.writes.drain((waiting) => waiting.fail(error));
    const abort = this.pendingAbort;
    this.pendingAbort = null;
    if (abort === null) {
      this.rejectClosed();
    } else if (abort.wasErroring) {
      abort.deferred.reject(error);
      this.rejectClosed();
    } else {
      this.controller.abortSteps(abort.reason).then(() => {
        abort.deferred.resolve();
        this.rejectClosed();
      }, (reason) => {
        abort.deferred.reject(reason);
        this.rejectClosed();
      });
    }
  }

  rejectClosed() {
    if (this.closeRequest !== null) {
      this.closeRequest.reject(this.error);
      this.closeRequest = null;
    }
    this.writer?.rejectClosed(this.error);
  }

  finishClose() {
    this.inflightClose.resolve();
    this.inflightClose = null;
    if (this.state === ERRORING) {
      this.error = undefined;
      if (this.pendingAbort !== null) {
        this.pendingAbort.deferred.resolve();
        this.pendingAbort = null;
      }
    }
    this.state = CLOSED;
    this.writer?.becomeClosed();
  }

  finishCloseWithError(reason) {
    this.inflightClose.reject(reason);
    this.inflightClose = null;
    if (this.pendingAbort !== null) {
      this.pendingAbort.deferred.reject(reason);
      this.pendingAbort = null;
    }
    this.dealWithRejection(reason);
  }

  updateBackpressure(backpressure) {
    if (this.writer !== null && backpressure !== this.backpressure) {
      if (backpressure) this.writer.becomeBusy();
      else this.writer.becomeReady();
    }
    this.backpressure = backpressure;
  }
}

export class WritableController {
  constructor(stream, sink, mark, size) {
    this.stream = stream;
    this.sink = sink;
    this.highWaterMark = mark;
    this.size = size;
    this.queue = new SizedQueue();
    this.started = false;
    this.wrote = null; // what follows a write; made once
    this.failed = null;
    this.abortController = null;
    this.facade = undefined;
    this.convert = undefined; // what a chunk becomes before it is queued; may refuse it
    this.aborting = undefined; // told of an abort at once
    this.write = this.closeSink = this.abort = undefined;
    stream.controller = this;
    stream.backpressure = mark <= 0;
  }

  begin(started) {
    const done = () => {
      this.started = true;
      this.advance();
    };
    const failed = (reason) => {
      this.started = true;
      this.stream.dealWithRejection(reason);
    };
    Promise.resolve(started).then(done, failed);
  }

  signal() {
    return (this.abortController ??= new AbortController()).signal;
  }

  signalAbort(reason) {
    // Without a public controller nobody can be listening.
    if (this.facade !== undefined || this.abortController !== null) {
      try {
        (this.abortController ??= new AbortController()).abort(reason);
      } catch {
        // A listener of the sink's that throws keeps nothing from being aborted.
      }
    }
    this.aborting?.(reason);
  }

  desiredSize() {
    return this.highWaterMark - this.queue.total;
  }

  chunkSize(chunk) {
    if (!this.size) return 1;
    try {
      return this.size(chunk);
    } catch (error) {
      this.errorIfNeeded(error);
      return 1;
    }
  }

  enqueue(chunk, size) {
    try {
      this.queue.enqueue(chunk, size);
    } catch (error) {
      this.errorIfNeeded(error);
      return;
    }
    const stream = this.stream;
    if (!stream.closing() && stream.state === WRITABLE) stream.updateBackpressure(this.desiredSize() <= 0);
    this.advance();
  }

  close() {
    this.queue.enqueue(CLOSE, 0);
    this.advance();
  }

  errorIfNeeded(reason) {
    if (this.stream.state === WRITABLE) this.error(reason);
  }

  error(reason) {
    this.forgetSink();
    this.stream.startErroring(reason);
  }

  forgetSink() {
    this.write = this.closeSink = this.size = undefined;
  }

  abortSteps(reason) {
    const result = promiseCall(this.abort, this.sink, reason);
    this.forgetSink();
    this.abort = undefined;
    return result;
  }

  advance() {
    const stream = this.stream;
    if (!this.started || stream.inflightWrite !== null) return;
    if (stream.state === ERRORING) {
      stream.finishErroring();
      return;
    }
    if (this.queue.length === 0 || stream.state !== WRITABLE || stream.inflightClose !== null) return;
    if (this.queue.peek() === CLOSE) this.processClose();
    else this.processWrite(this.queue.peek());
  }

  processClose() {
    const stream = this.stream;
    stream.inflightClose = stream.closeRequest;
    stream.closeRequest = null;
    this.queue.dequeue();
    const result = promiseCall(this.closeSink, this.sink);
    this.forgetSink();
    result.then(() => stream.finishClose(), (reason) => stream.finishCloseWithError(reason));
  }

  // A sink that is done at once costs no promise.
  processWrite(chunk) {
    const { stream } = this;
    stream.inflightWrite = stream.writes.shift();
    if (this.wrote === null) {
      this.wrote = () => this.written();
      this.failed = (reason) => this.writeFailed(reason);
    }
    let done = DONE;
    if (this.write !== undefined) {
      try {
        const result = apply(this.write, this.sink, [chunk, this.facade]);
        if (typeof result === 'object' && result !== null || typeof result === 'function') done = Promise.resolve(result);
      } catch (error) {
        done = Promise.reject(error);
      }
    }
    done.then(this.wrote, this.failed);
  }

  written() {
    const { stream } = this;
    stream.inflightWrite.resolve();
    stream.inflightWrite = null;
    this.queue.dequeue();
    if (!stream.closing() && stream.state === WRITABLE) stream.updateBackpressure(this.desiredSize() <= 0);
    this.advance();
  }

  writeFailed(reason) {
    const { stream } = this;
    if (stream.state === WRITABLE) this.forgetSink();
    stream.inflightWrite.fail(reason);
    stream.inflightWrite = null;
    stream.dealWithRejection(reason);
  }
}

// A writer inside: pipes and transforms use it without the public one.
export class Writer {
  constructor(stream) {
    if (stream.writer !== null) throw new TypeError('This WritableStream is currently locked to a writer.');
    this.stream = stream;
    this.closed = null;
    this.ready = null;
    this.lost = null; // why the promises reject after release
    this.onReady = null; // told when there is room again
    this.pipes = false;
    stream.writer = this;
  }

  closedPromise() {
    if (this.closed === null) {
      const closed = (this.closed = new Deferred());
      const stream = this.stream;
      handled(closed.promise);
      if (stream === null) closed.reject(this.lost);
      else if (stream.state === CLOSED) closed.resolve();
      else if (stream.state === ERRORED) closed.reject(stream.error);
    }
    return this.closed.promise;
  }

  readyPromise() {
    if (this.ready === null) {
      const ready = (this.ready = new Deferred());
      const stream = this.stream;
      handled(ready.promise);
      if (stream === null) ready.reject(this.lost);
      else if (stream.state === ERRORING || stream.state === ERRORED) ready.reject(stream.error);
      else if (stream.state === CLOSED || stream.closing() || !stream.backpressure) ready.resolve();
    }
    return this.ready.promise;
  }

  becomeBusy() {
    this.ready = null;
  }
  becomeReady() {
    if (this.ready !== null) this.ready.resolve();
    if (this.onReady !== null) this.onReady();
  }
  // A ready promise that was resolved already is replaced by one that is rejected, made when asked for.
  rejectReady(reason) {
    if (this.ready === null) return;
    this.ready.reject(reason);
    this.ready = null;
  }
  becomeClosed() {
    if (this.closed !== null) this.closed.resolve();
  }
  rejectClosed(reason) {
    if (this.closed !== null) this.closed.reject(reason);
  }

  desiredSize() {
    const { state, controller } = this.stream;
    if (state === ERRORED || state === ERRORING) return null;
    return state === CLOSED ? 0 : controller.desiredSize();
  }

  write(chunk) {
    const deferred = new Deferred();
    this.writeFor(chunk, deferred);
    return deferred.promise;
  }

  // As write(), for one who wants no promise: `waiting` is told by resolve() or fail(reason).
  writeFor(chunk, waiting) {
    const { stream } = this;
    const { controller } = stream;
    if (controller.convert !== undefined && stream.state === WRITABLE) {
      try {
        chunk = controller.convert(chunk);
      } catch (error) {
        waiting.fail(error);
        return;
      }
    }
    const size = controller.chunkSize(chunk);
    if (stream !== this.stream) waiting.fail(new TypeError('This WritableStream writer has been released.'));
    else if (stream.state === ERRORED) waiting.fail(stream.error);
    else if (stream.state === CLOSED) waiting.fail(new TypeError('This WritableStream has been closed.'));
    else if (stream.closing()) waiting.fail(new TypeError('This ReadableStream is closed.')); // workerd's words
    else if (stream.state === ERRORING) waiting.fail(stream.error);
    else {
      stream.writes.push(waiting);
      controller.enqueue(chunk, size);
    }
  }

  close() {
    if (this.stream.closing()) return rejected(new TypeError('Cannot close a writer that is already being closed'));
    return this.stream.close();
  }

  closeWithErrorPropagation() {
    const stream = this.stream;
    if (stream.closing() || stream.state === CLOSED) return Promise.resolve();
    if (stream.state === ERRORED) return rejected(stream.error);
    return this.close();
  }

  release() {
    const stream = this.stream;
    const reason = (this.lost = new TypeError('This WritableStream writer has been released.'));
    if (this.ready !== null) {
      this.ready.reject(reason);
      this.ready = null;
    }
    if (this.closed !== null) {
      if (stream.state === WRITABLE || stream.state === ERRORING) this.closed.reject(reason);
      this.closed = null;
    }
    stream.writer = null;
    this.stream = null;
  }
}

export function isWritableOpen(stream) {
  return stream.state === WRITABLE && !stream.closing();
}

export function writableFailure(stream) {
  return stream.state === ERRORED || stream.state === ERRORING ? stream : null;
}

export function isWritableClosed(stream) {
  return stream.state === CLOSED || stream.closing();
}
