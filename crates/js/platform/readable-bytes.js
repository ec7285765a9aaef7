// ReadableByteStreamController and ReadableStreamBYOBReader, by the Streams standard: streams of bytes whose
// consumers may bring the buffer to be filled. What happens inside is in byte-controller.js.
import { ByteController } from './byte-controller.js';
import * as host from 'switchyard:host';
import { SOURCE, refuseForeign } from './errors.js';
import { isObject, notConstructed, notOfType, present, toNumber } from './idl.js';
import { member, promiseCall, rejected } from './queue.js';
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
    if (!this.#inner.open()) throw new TypeError('This ReadableStream is closed.');
    this.#inner.close();
  }

  enqueue(chunk) {
    const kind = host.kind(chunk);
    if (kind === 'ArrayBuffer' || kind === 'SharedArrayBuffer') chunk = new Uint8Array(chunk);
    if (!ArrayBuffer.isView(chunk)) throw notOfType('enqueue', 'ReadableByteStreamController', 1, 'BufferSource');
    if (chunk.byteLength === 0) throw new TypeError('Cannot enqueue a zero-length ArrayBuffer.');
    if (host.kind(chunk.buffer) !== 'ArrayBuffer') throw new TypeError('The provided ArrayBuffer must be detachable.');
    if (!this.#inner.open()) throw new TypeError('This ReadableByteStreamController is closed.');
    this.#inner.enqueue(chunk);
  }

  error(reason = undefined) {
    if (arguments.length === 0) throw notOfType('error', 'ReadableByteStreamController', 1, 'Value');
    this.#inner.error(reason);
  }
}
present(ReadableByteStreamController);

export function bytesFromSource(stream, source, highWaterMark) {
  const start = member(source, 'start', 'UnderlyingSource');
  const pull = member(source, 'pull', 'UnderlyingSource');
  const cancel = member(source, 'cancel', 'UnderlyingSource');
  let chunkSize = source.autoAllocateChunkSize;
  if (chunkSize !== undefined) {
    chunkSize = Math.trunc(toNumber(chunkSize));
    if (!(chunkSize > 0)) throw new TypeError('The autoAllocateChunkSize option cannot be zero.');
  }
  const facade = new ReadableByteStreamController(INTERNAL);
  const controller = new ByteController(stream, source, facade, highWaterMark, chunkSize);
  setInner(facade, controller);
  controller.pull = pull;
  controller.cancel = cancel;
  promiseCall(start, source, facade).then(() => controller.begin(), (reason) => controller.error(reason));
}

export class ReadableStreamBYOBReader {
  #reader;

  constructor(stream) {
    const inner = innerReadable(stream);
    if (inner === undefined) throw notConstructed('ReadableStreamBYOBReader', 1, 'ReadableStream');
    if (!inner.controller.bytes) throw new TypeError('This ReadableStream does not support BYOB reads.');
    this.#reader = new Reader(inner, true);
  }

  get closed() {
    this.#reader;
    try {
      return this.#reader.closedPromise();
    } catch (error) {
      return rejected(error);
    }
  }

  read(view, options = undefined) {
    this.#reader;
    return new Promise((resolve, reject) => {
      if (!ArrayBuffer.isView(view)) throw notOfType('read', 'ReadableStreamBYOBReader', 1, 'ArrayBufferView');
      if (options !== undefined && options !== null && !isObject(options)) {
        throw notOfType('read', 'ReadableStreamBYOBReader', 2, 'ReadableStreamBYOBReaderReadOptions');
      }
      this.#read(view, options?.min ?? 1, new PromiseRequest(resolve, reject));
    });
  }

  // workerd's older way to ask for a minimum.
  readAtLeast(minimum, view) {
    this.#reader;
    const given = arguments.length;
    return new Promise((resolve, reject) => {
      if (given === 0) throw notOfType('readAtLeast', 'ReadableStreamBYOBReader', 1, 'integer');
      minimum = toNumber(minimum);
      if (!ArrayBuffer.isView(view)) throw notOfType('readAtLeast', 'ReadableStreamBYOBReader', 2, 'ArrayBufferView');
      this.#read(view, minimum, new PromiseRequest(resolve, reject));
    });
  }

  #read(view, least, request) {
    const stream = this.#reader.stream;
    if (stream === null) throw released();
    if (view.byteLength === 0) {
      throw new TypeError('You must call read() on a "byob" reader with a positive-sized TypedArray object.');
    }
    if (host.kind(view.buffer) !== 'ArrayBuffer') throw new TypeError('Unabled to use non-detachable ArrayBuffer.');
    const minimum = Math.trunc(toNumber(least)) || 0;
    if (minimum === 0) throw new TypeError('Requested invalid minimum number of bytes to read (0).');
    const size = view.BYTES_PER_ELEMENT ?? 1;
    if (minimum < 0 || minimum * size > view.byteLength) {
      const asked = minimum < 0 ? BigInt.asUintN(64, BigInt(minimum)) : minimum * size;
      throw new TypeError(`Minimum bytes to read (${asked}) exceeds size of buffer (${view.byteLength}).`);
    }
    refuseForeign(stream.owner, SOURCE);
    stream.disturbed = true;
    if (stream.state === ERRORED) request.error(stream.error);
    else stream.controller.pullInto(view, minimum, request);
  }

  cancel(reason = undefined) {
    this.#reader;
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
present(ReadableStreamBYOBReader);
