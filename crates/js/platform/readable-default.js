// ReadableStreamDefaultController, by the Streams standard: a queue of chunks with a size, and the rule when
// to ask the source for more. Also how the platform itself makes a stream from an object with pull and cancel.
import { react } from 'switchyard:host';
import { notOfType, present } from './idl.js';
import { DONE, PENDING, SizedQueue, member, promiseCall } from './queue.js';
import { CLOSED, ERRORED, INTERNAL, READABLE, Readable, closeStream, errorStream } from './readable-state.js';

const { apply } = Reflect;

export class DefaultController {
  constructor(stream, source, argument, highWaterMark, size) {
    this.stream = stream;
    this.source = source;
    this.argument = argument ?? this; // what pull gets: the public controller, or this one for our own sources
    this.highWaterMark = highWaterMark;
    this.size = size;
    this.pull = undefined;
    this.cancel = undefined;
    this.queue = new SizedQueue();
    this.started = false;
    this.closing = false;
    this.pulling = false;
    this.again = false;
    this.pulled = null;
    this.failed = null;
    stream.controller = this;
  }

  desiredSize() {
    const state = this.stream.state;
    if (state === ERRORED) return null;
    return state === CLOSED ? 0 : this.highWaterMark - this.queue.total;
  }

  open() {
    return !this.closing && this.stream.state === READABLE;
  }

  callPull() {
    const stream = this.stream;
    if (!this.started || this.closing || stream.state !== READABLE) return;
    const reader = stream.reader;
    if ((reader === null || reader.requests.length === 0) && !(this.highWaterMark - this.queue.total > 0)) return;
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
    if (this.pull === undefined) {
      react(DONE, this.pulled, undefined);
      return;
    }
    let done = DONE;
    try {
      const result = apply(this.pull, this.source, [this.argument]);
      if (result === PENDING) return;
      if (typeof result === 'object' && result !== null || typeof result === 'function') done = Promise.resolve(result);
    } catch (error) {
      done = Promise.reject(error);
    }
    react(done, this.pulled, this.failed);
  }

  begin() {
    this.started = true;
    this.callPull();
  }

  forgetSource() {
    this.pull = this.cancel = this.size = undefined;
    this.source = null;
  }

  enqueue(chunk) {
    const stream = this.stream;
    if (this.closing || stream.state !== READABLE) return;
    const reader = stream.reader;
    if (reader !== null && reader.requests.length > 0) {
      reader.requests.shift().chunk(chunk);
    } else {
      try {
        this.queue.enqueue(chunk, this.size ? this.size(chunk) : 1);
      } catch (error) {
        this.error(error); // as on workerd whoever enqueues does not hear of it
        return;
      }
    }
    this.callPull();
  }

  close() {
    if (!this.open()) return;
    this.closing = true;
    if (this.queue.length === 0) {
      this.forgetSource();
      closeStream(this.stream);
    }
  }

  finish() {
    this.close();
  }

  error(reason) {
    if (this.stream.state !== READABLE) return;
    this.queue.reset();
    this.forgetSource();
    errorStream(this.stream, reason);
  }

  pullSteps(request) {
    if (this.queue.length > 0) {
      const chunk = this.queue.dequeue();
      if (this.closing && this.queue.length === 0) {
        this.forgetSource();
        closeStream(this.stream);
      } else {
        this.callPull();
      }
      request.chunk(chunk);
    } else {
      this.stream.reader.requests.push(request);
      this.callPull();
    }
  }

  cancelSteps(reason) {
    this.queue.reset();
    const result = promiseCall(this.cancel, this.source, reason);
    this.forgetSource();
    return result;
  }

  releaseSteps() {}
}

let setInner;

export class ReadableStreamDefaultController {
  #inner;

  constructor(token, inner) {
    if (token !== INTERNAL) throw new TypeError('Illegal constructor');
    this.#inner = inner;
  }

  static {
    setInner = (facade, inner) => {
      facade.#inner = inner;
    };
  }

  get desiredSize() {
    return this.#inner.desiredSize();
  }

  close() {
    if (!this.#inner.open()) throw new TypeError('This ReadableStream is closed.');
    this.#inner.close();
  }

  enqueue(chunk = undefined) {
    if (!this.#inner.open()) throw new TypeError('Unable to enqueue');
    this.#inner.enqueue(chunk);
  }

  error(reason = undefined) {
    if (arguments.length === 0) throw notOfType('error', 'ReadableStreamDefaultController', 1, 'Value');
    this.#inner.error(reason);
  }
}
present(ReadableStreamDefaultController);

// A stream over a user's source object.
export function defaultFromSource(stream, source, highWaterMark, size) {
  const start = member(source, 'start', 'UnderlyingSource');
  const pull = member(source, 'pull', 'UnderlyingSource');
  const cancel = member(source, 'cancel', 'UnderlyingSource');
  const facade = new ReadableStreamDefaultController(INTERNAL, null);
  const controller = new DefaultController(stream, source, facade, highWaterMark, size);
  setInner(facade, controller);
  controller.pull = pull;
  controller.cancel = cancel;
  react(promiseCall(start, source, facade), () => controller.begin(), (reason) => controller.error(reason));
}

// A stream of the platform's own: `source` has pull(controller) and cancel(reason) and needs no start.
export function newStream(source, highWaterMark = 0, size = null) {
  const stream = new Readable();
  const controller = new DefaultController(stream, source, null, highWaterMark, size);
  controller.pull = source.pull;
  controller.cancel = source.cancel;
  controller.started = true;
  return stream;
}
