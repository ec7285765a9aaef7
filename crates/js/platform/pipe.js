// ReadableStreamPipeTo of the Streams standard: reads while the destination wants more, carries errors and
// the end over in both directions unless an option prevents it, and stops on an AbortSignal. A chunk that goes from
// one side to the other costs no promise of the pipe's.
import { onAbort, offAbort } from './abort.js';
import { DONE, Deferred } from './queue.js';
import { CLOSED, ERRORED, Reader, cancelStream } from './readable-state.js';
import { Writer, isWritableClosed, isWritableOpen, writableFailure } from './writable-state.js';

class Pipe {
  constructor(source, target, options) {
    const { preventAbort, preventCancel, preventClose, signal } = options;
    this.source = source;
    this.target = target;
    this.preventAbort = Boolean(preventAbort);
    this.preventCancel = Boolean(preventCancel);
    this.preventClose = Boolean(preventClose);
    this.signal = signal;
    this.reader = new Reader(source);
    this.writer = new Writer(target);
    this.writer.pipes = true; // what is no chunk for it ends the pipe
    this.finished = new Deferred();
    this.shuttingDown = false;
    this.stepping = false;
    this.waiting = false; // a read is under way
    this.unwritten = 0; // writes under way
    this.act = null; // what is done when they are over
    source.disturbed = true;
  }

  start() {
    const { signal } = this;
    if (signal !== undefined) {
      this.abort = () => this.aborted(signal.reason);
      if (signal.aborted) {
        this.abort();
        return;
      }
      onAbort(signal, this.abort);
    }
    const check = () => this.check();
    this.reader.closedPromise().then(check, check);
    this.writer.closedPromise().then(check, check);
    const step = () => this.step();
    this.writer.onReady = () => DONE.then(step);
    this.check();
    DONE.then(step);
  }

  // The four ways a side ends, in the order the standard tries them.
  check() {
    const { source, target } = this;
    if (this.shuttingDown) return;
    const failure = writableFailure(target);
    if (source.state === ERRORED) {
      const error = source.error;
      this.shutdown(this.preventAbort ? null : () => target.abort(error), true, error);
    } else if (failure !== null) {
      const error = failure.error;
      this.shutdown(this.preventCancel ? null : () => cancelStream(source, error), true, error);
    } else if (source.state === CLOSED) {
      // The read that is under way may still be carrying the last chunk.
      if (this.waiting) return;
      this.shutdown(this.preventClose ? null : () => this.writer.closeWithErrorPropagation(), false);
    } else if (isWritableClosed(target)) {
      const error = new TypeError('This destination writable stream is closed.');
      this.shutdown(this.preventCancel ? null : () => cancelStream(source, error), true, error);
    }
  }

  // Reads as long as chunks are there and the destination has room; goes on at the next chunk, or when there is room.
  step() {
    if (this.stepping) return;
    this.stepping = true;
    while (!this.shuttingDown && !this.waiting && isWritableOpen(this.target) && !this.target.backpressure) {
      this.waiting = true;
      this.reader.read(this);
    }
    this.stepping = false;
  }

  // As a read request.
  chunk(value) {
    this.waiting = false;
    this.unwritten++;
    this.writer.writeFor(value, this);
    if (this.source.state !== 0) this.check();
    this.step();
  }

  close() {
    this.waiting = false;
    this.check();
  }

  error() {
    this.waiting = false;
    this.check();
  }

  // As one who waits for a write.
  resolve() {
    this.unwritten--;
    this.written();
  }

  fail(reason) {
    this.unwritten--;
    this.target.controller.errorIfNeeded(reason);
    this.written();
    this.check();
  }

  written() {
    const { act } = this;
    if (this.unwritten > 0 || act === null) return;
    this.act = null;
    DONE.then(act);
  }

  aborted(reason) {
    const { source, target } = this;
    this.shutdown(() => {
      const actions = [];
      if (!this.preventCancel) actions.push(cancelStream(source, reason));
      if (!this.preventAbort) actions.push(target.abort(reason));
      return Promise.all(actions);
    }, true, reason);
  }

  shutdown(action, failed, error) {
    if (this.shuttingDown) return;
    this.shuttingDown = true;
    const act = () => {
      if (action === null) this.finish(failed, error);
      else action().then(() => this.finish(failed, error), (reason) => this.finish(true, reason));
    };
    // Chunks that were read are written before anything is closed or aborted.
    if (this.unwritten > 0 && isWritableOpen(this.target)) this.act = act;
    else act();
  }

  finish(failed, error) {
    if (this.signal !== undefined) offAbort(this.signal, this.abort);
    this.writer.release();
    this.reader.release();
    if (failed) this.finished.reject(error);
    else this.finished.resolve();
  }
}

export function pipe(source, target, options) {
  const { preventClose, signal } = options;
  if (target.pipe !== null && !preventClose && signal === undefined && target.pipe.adopt(source)) return target.close();
  const state = new Pipe(source, target, options);
  state.start();
  return state.finished.promise;
}
