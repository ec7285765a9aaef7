// ReadableByteStreamController and ReadableStreamBYOBReader, by the Streams standard: streams of bytes whose
// consumers may bring the buffer to be filled. What happens inside is in byte-controller.js.
import { ByteController } from './byte-controller.js';
import { SOURCE, refuseForeign, tag } from './errors.js';
import { member, rejected } from './queue.js';
import { innerReadable, released } from './readable.js';
import { ERRORED, INTERNAL, PromiseRequest, Reader, cancelStream } from './readable-state.js';

let setInner;

export class ReadableByteStreamController {
  #inner;

  constructor(token) {
    if (token !== INTERNAL) throw new TypeError('Illegal constructor');
  }

  static {
    setInner = (facade, inner) => {
      facade.#inner = inner;
    };
  }

  get byobRequest() {
    return this.#inner.byobRequest();
  }

  get desiredSize() {
    return this.#inner.desiredSize();
  }

  close() {
    if (!this.#inner.open()) throw new TypeError('The stream is not in a state that permits close.');
    this.#inner.close();
  }

  enqueue(chunk) {
    if (!ArrayBuffer.isView(chunk)) throw new TypeError('A byte stream takes ArrayBufferViews only.');
    if (chunk.byteLength === 0) throw new TypeError('A chunk must not be empty.');
    if (!this.#inner.open()) throw new TypeError('The stream is not in a state that permits enqueue.');
    this.#inner.enqueue(chunk);
  }

  error(reason = undefined) {
    this.#inner.error(reason);
  }
}
tag(ReadableByteStreamController);

export function bytesFromSource(stream, source, highWaterMark) {
  const start = member(source, 'start');
  const pull = member(source, 'pull');
  const cancel = member(source, 'cancel');
  let chunkSize = source.autoAllocateChunkSize;
  if (chunkSize !== undefined) {
    chunkSize = Math.trunc(Number(chunkSize));
    if (!(chunkSize > 0)) throw new TypeError('autoAllocateChunkSize must be more than 0.');
  }
  const facade = new ReadableByteStreamController(INTERNAL);
  const controller = new ByteController(stream, source, facade, highWaterMark, chunkSize);
  setInner(facade, controller);
  controller.pull = pull;
  controller.cancel = cancel;
  const started = start === undefined ? undefined : start.call(source, facade);
  Promise.resolve(started).then(() => controller.begin(), (reason) => controller.error(reason));
}

export class ReadableStreamBYOBReader {
  #reader;

  constructor(stream) {
    const inner = innerReadable(stream);
    if (inner === undefined) throw new TypeError('A reader needs a ReadableStream.');
    if (!inner.controller.bytes) throw new TypeError('This ReadableStream does not support BYOB reads.');
    this.#reader = new Reader(inner, true);
  }

  get closed() {
    try {
      return this.#reader.closedPromise();
    } catch (error) {
      return rejected(error);
    }
  }

  read(view, options = undefined) {
    return new Promise((resolve, reject) => this.#read(view, options, new PromiseRequest(resolve, reject)));
  }

  // workerd's older way to ask for a minimum.
  readAtLeast(minimum, view) {
    return this.read(view, { min: minimum });
  }

  #read(view, options, request) {
    const reader = this.#reader;
    if (!ArrayBuffer.isView(view)) throw new TypeError('read() on a BYOB reader needs an ArrayBufferView.');
    if (view.byteLength === 0) throw new TypeError('The view must not be empty.');
    const minimum = options?.min === undefined ? 1 : Math.trunc(Number(options.min));
    if (!(minimum > 0)) throw new TypeError('min must be more than 0.');
    if (minimum > (view.length ?? view.byteLength)) throw new RangeError('min is larger than the view.');
    const stream = reader.stream;
    if (stream === null) throw released();
    refuseForeign(stream.owner, SOURCE);
    stream.disturbed = true;
    if (stream.state === ERRORED) request.error(stream.error);
    else stream.controller.pullInto(view, minimum, request);
  }

  cancel(reason = undefined) {
    try {
      const stream = this.#reader.stream;
      if (stream === null) throw released();
      refuseForeign(stream.owner, SOURCE);
      return cancelStream(stream, reason);
    } catch (error) {
      return rejected(error);
    }
  }

  releaseLock() {
    if (this.#reader.stream !== null) this.#reader.release();
  }
}
tag(ReadableStreamBYOBReader);
