// WritableStream, its default controller and writer, by the Streams standard: the public side of writable-state.js.
import { SINK, refuseForeign } from './errors.js';
import { isObject, notConstructed, present } from './idl.js';
import { member, promiseCall, rejected, strategyOf } from './queue.js';
import { INTERNAL } from './readable-state.js';
import { WRITABLE, Writable, WritableController, Writer } from './writable-state.js';

export class WritableStreamDefaultController {
  #inner;

  constructor(token, inner) {
    if (token !== INTERNAL) throw new TypeError('Illegal constructor');
    this.#inner = inner;
  }

  get signal() {
    return this.#inner.signal();
  }

  error(reason = undefined) {
    if (this.#inner.stream.state === WRITABLE) this.#inner.error(reason);
  }
}
present(WritableStreamDefaultController);

export let innerWritable; // the inside of a public stream; undefined for anything else

export class WritableStream {
  #inner;

  constructor(sink = undefined, strategy = undefined) {
    if (sink === INTERNAL) {
      this.#inner = strategy;
      return;
    }
    sink ??= {};
    if (!isObject(sink)) throw notConstructed('WritableStream', 1, 'UnderlyingSink');
    const { mark, size } = strategyOf(strategy, 1, 'WritableStream', 2);
    const stream = (this.#inner = new Writable());
    stream.facade = this;
    const start = member(sink, 'start', 'UnderlyingSink');
    const controller = new WritableController(stream, sink, mark, size);
    controller.write = member(sink, 'write', 'UnderlyingSink');
    controller.closeSink = member(sink, 'close', 'UnderlyingSink');
    controller.abort = member(sink, 'abort', 'UnderlyingSink');
    controller.facade = new WritableStreamDefaultController(INTERNAL, controller);
    controller.begin(promiseCall(start, sink, controller.facade));
  }

  static {
    innerWritable = (value) => {
      if (typeof value !== 'object' || value === null) return undefined;
      return #inner in value ? value.#inner : undefined;
    };
  }

  get locked() {
    return this.#inner.writer !== null;
  }

  abort(reason = undefined) {
    this.#inner;
    try {
      if (this.#inner.writer !== null) throw locked();
      refuseForeign(this.#inner.owner, SINK);
      return this.#inner.abort(reason).then(nothing);
    } catch (error) {
      return rejected(error);
    }
  }

  close() {
    this.#inner;
    try {
      if (this.#inner.writer !== null) throw locked();
      refuseForeign(this.#inner.owner, SINK);
      if (this.#inner.closing()) throw new TypeError('Cannot close a writer that is already being closed');
      return this.#inner.close();
    } catch (error) {
      return rejected(error);
    }
  }

  getWriter() {
    this.#inner;
    return new WritableStreamDefaultWriter(this);
  }
}
present(WritableStream);

function nothing() {}

function locked() {
  return new TypeError('This WritableStream is currently locked to a writer.');
}

export function publicWritable(stream) {
  return (stream.facade ??= new WritableStream(INTERNAL, stream));
}

export class WritableStreamDefaultWriter {
  #writer;

  constructor(stream) {
    const inner = innerWritable(stream);
    if (inner === undefined) throw notConstructed('WritableStreamDefaultWriter', 1, 'WritableStream');
    this.#writer = new Writer(inner);
  }

  #held() {
    const writer = this.#writer;
    if (writer.stream === null) throw new TypeError('This WritableStream writer has been released.');
    refuseForeign(writer.stream.owner, SINK);
    return writer;
  }

  get closed() {
    this.#writer;
    try {
      return this.#writer.closedPromise();
    } catch (error) {
      return rejected(error);
    }
  }

  get ready() {
    this.#writer;
    try {
      return this.#writer.readyPromise();
    } catch (error) {
      return rejected(error);
    }
  }

  get desiredSize() {
    return this.#held().desiredSize();
  }

  write(chunk = undefined) {
    this.#writer;
    try {
      return this.#held().write(chunk);
    } catch (error) {
      return rejected(error);
    }
  }

  close() {
    this.#writer;
    try {
      return this.#held().close();
    } catch (error) {
      return rejected(error);
    }
  }

  abort(reason = undefined) {
    this.#writer;
    try {
      return this.#held().stream.abort(reason);
    } catch (error) {
      return rejected(error);
    }
  }

  releaseLock() {
    if (this.#writer.stream !== null) this.#writer.release();
  }
}
present(WritableStreamDefaultWriter);
