// WritableStream, its default controller and writer, by the Streams standard: the public side of writable-state.js.
import { SINK, refuseForeign, tag } from './errors.js';
import { highWaterMark, member, rejected, sizeFunction } from './queue.js';
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
tag(WritableStreamDefaultController);

export let innerWritable; // the inside of a public stream; undefined for anything else

export class WritableStream {
  #inner;

  constructor(sink = {}, strategy = {}) {
    if (sink === INTERNAL) {
      this.#inner = strategy;
      return;
    }
    sink ??= {};
    strategy ??= {};
    if (sink.type !== undefined) throw new RangeError('Invalid type of an underlying sink.');
    const stream = (this.#inner = new Writable());
    stream.facade = this;
    const size = sizeFunction(strategy);
    const mark = highWaterMark(strategy, 1);
    const start = member(sink, 'start');
    const controller = new WritableController(stream, sink, mark, size);
    controller.write = member(sink, 'write');
    controller.closeSink = member(sink, 'close');
    controller.abort = member(sink, 'abort');
    controller.facade = new WritableStreamDefaultController(INTERNAL, controller);
    controller.begin(start === undefined ? undefined : start.call(sink, controller.facade));
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
    try {
      if (this.#inner.writer !== null) throw locked();
      refuseForeign(this.#inner.owner, SINK);
      return this.#inner.abort(reason);
    } catch (error) {
      return rejected(error);
    }
  }

  close() {
    try {
      if (this.#inner.writer !== null) throw locked();
      refuseForeign(this.#inner.owner, SINK);
      if (this.#inner.closing()) throw new TypeError('This WritableStream is already being closed.');
      return this.#inner.close();
    } catch (error) {
      return rejected(error);
    }
  }

  getWriter() {
    return new WritableStreamDefaultWriter(this);
  }
}
tag(WritableStream);

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
    if (inner === undefined) throw new TypeError('A writer needs a WritableStream.');
    this.#writer = new Writer(inner);
  }

  #held() {
    const writer = this.#writer;
    if (writer.stream === null) throw new TypeError('This WritableStream writer has been released.');
    refuseForeign(writer.stream.owner, SINK);
    return writer;
  }

  get closed() {
    try {
      return this.#writer.closedPromise();
    } catch (error) {
      return rejected(error);
    }
  }

  get ready() {
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
    try {
      return this.#held().write(chunk);
    } catch (error) {
      return rejected(error);
    }
  }

  close() {
    try {
      return this.#held().close();
    } catch (error) {
      return rejected(error);
    }
  }

  abort(reason = undefined) {
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
tag(WritableStreamDefaultWriter);
