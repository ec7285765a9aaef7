// ReadableStream and ReadableStreamDefaultReader, by the Streams standard: the public side of readable-state.js.
import { SINK, SOURCE, refuseForeign, tag } from './errors.js';
import { highWaterMark, member, promiseCall, rejected, sizeFunction } from './queue.js';
import { INTERNAL, PromiseRequest, Reader, Readable, cancelStream } from './readable-state.js';
import { defaultFromSource, newStream } from './readable-default.js';
import { ReadableStreamBYOBReader, bytesFromSource } from './readable-bytes.js';
import { pipe } from './pipe.js';
import { tee } from './tee.js';
import { innerWritable } from './writable.js';

export let innerReadable; // the inside of a public stream; undefined for anything else

export class ReadableStream {
  #inner;

  constructor(source = {}, strategy = {}) {
    if (source === INTERNAL) {
      this.#inner = strategy;
      return;
    }
    if (typeof source !== 'object' && typeof source !== 'function' || source === null) {
      throw new TypeError("Failed to construct 'ReadableStream': the underlying source is not an object.");
    }
    strategy ??= {};
    const stream = (this.#inner = new Readable());
    stream.facade = this;
    const type = source.type;
    if (type === undefined) {
      const size = sizeFunction(strategy);
      defaultFromSource(stream, source, highWaterMark(strategy, 1), size);
    } else if (`${type}` === 'bytes') {
      if (strategy.size !== undefined) throw new RangeError('A byte stream takes no size function.');
      bytesFromSource(stream, source, highWaterMark(strategy, 0));
    } else {
      throw new TypeError(`"${type}" is not a valid ReadableStream type.`);
    }
  }

  static {
    innerReadable = (value) => {
      if (typeof value !== 'object' || value === null) return undefined;
      return #inner in value ? value.#inner : undefined;
    };
  }

  static from(iterable) {
    return publicReadable(fromIterable(iterable));
  }

  get locked() {
    return this.#inner.reader !== null;
  }

  cancel(reason = undefined) {
    try {
      if (this.#inner.reader !== null) return rejected(locked());
      refuseForeign(this.#inner.owner, SOURCE);
    } catch (error) {
      return rejected(error);
    }
    return cancelStream(this.#inner, reason);
  }

  getReader(options = undefined) {
    this.#inner.reader; // brand check before the options are read
    const mode = options?.mode;
    if (mode === undefined) return new ReadableStreamDefaultReader(this);
    if (`${mode}` !== 'byob') throw new TypeError(`"${mode}" is not a valid reader mode.`);
    return new ReadableStreamBYOBReader(this);
  }

  pipeThrough(transform, options = undefined) {
    const stream = this.#inner;
    const readable = transform.readable;
    const target = innerWritable(transform.writable);
    if (innerReadable(readable) === undefined || target === undefined) {
      throw new TypeError('pipeThrough needs an object with a readable and a writable stream.');
    }
    if (stream.reader !== null) throw locked();
    if (target.writer !== null) throw new TypeError('This WritableStream is currently locked to a writer.');
    refuseForeign(stream.owner, SOURCE);
    refuseForeign(target.owner, SINK);
    pipe(stream, target, options ?? {}).catch(() => {});
    return readable;
  }

  pipeTo(destination, options = undefined) {
    try {
      const stream = this.#inner;
      const target = innerWritable(destination);
      if (target === undefined) throw new TypeError('pipeTo needs a WritableStream.');
      if (stream.reader !== null) throw locked();
      if (target.writer !== null) throw new TypeError('This WritableStream is currently locked to a writer.');
      refuseForeign(stream.owner, SOURCE);
      refuseForeign(target.owner, SINK);
      return pipe(stream, target, options ?? {});
    } catch (error) {
      return rejected(error);
    }
  }

  tee() {
    const stream = this.#inner;
    if (stream.reader !== null) throw locked();
    refuseForeign(stream.owner, SOURCE);
    return tee(stream).map((branch) => {
      branch.owner = stream.owner;
      return publicReadable(branch);
    });
  }

  values(options = undefined) {
    return new StreamIterator(new Reader(this.#inner), Boolean(options?.preventCancel));
  }
}
Object.defineProperty(ReadableStream.prototype, Symbol.asyncIterator, {
  value: ReadableStream.prototype.values, writable: true, configurable: true,
});
tag(ReadableStream);

function locked() {
  return new TypeError('This ReadableStream is currently locked to a reader.');
}

export function publicReadable(stream) {
  return (stream.facade ??= new ReadableStream(INTERNAL, stream));
}

export class ReadableStreamDefaultReader {
  #reader;

  constructor(stream) {
    const inner = innerReadable(stream);
    if (inner === undefined) throw new TypeError('A reader needs a ReadableStream.');
    this.#reader = new Reader(inner);
  }

  get closed() {
    try {
      return this.#reader.closedPromise();
    } catch (error) {
      return rejected(error);
    }
  }

  read() {
    return new Promise((resolve, reject) => {
      const stream = this.#reader.stream;
      if (stream === null) throw released();
      refuseForeign(stream.owner, SOURCE);
      this.#reader.read(new PromiseRequest(resolve, reject));
    });
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
tag(ReadableStreamDefaultReader);

export function released() {
  return new TypeError('This ReadableStream reader has been released.');
}

// The asynchronous iterator of a stream: calls queue up behind each other, the end gives up the lock.
const AsyncIteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype);

class StreamIterator {
  #reader;
  #keep;
  #ongoing = null; // the last call's promise, while calls are unsettled
  #calls = 0;
  #finished = false;

  constructor(reader, keep) {
    this.#reader = reader;
    this.#keep = keep;
  }

  next() {
    return this.#enqueue(() => this.#next());
  }

  return(value) {
    return this.#enqueue(() => this.#return(value));
  }

  #enqueue(step) {
    this.#calls++;
    const promise = this.#ongoing === null ? step() : this.#ongoing.then(step, step);
    this.#ongoing = this.#calls === 0 ? null : promise;
    return promise;
  }

  #settled() {
    if (--this.#calls === 0) this.#ongoing = null;
  }

  #next() {
    if (this.#finished) {
      this.#settled();
      return Promise.resolve({ value: undefined, done: true });
    }
    return new Promise((resolve, reject) => {
      const reader = this.#reader;
      refuseForeign(reader.stream.owner, SOURCE);
      const finish = () => {
        this.#finished = true;
        this.#settled();
        reader.release();
      };
      reader.read({
        chunk: (value) => {
          this.#settled();
          resolve({ value, done: false });
        },
        close: () => {
          finish();
          resolve({ value: undefined, done: true });
        },
        error: (reason) => {
          finish();
          reject(reason);
        },
      });
    });
  }

  #return(value) {
    this.#settled();
    if (this.#finished) return Promise.resolve({ value, done: true });
    this.#finished = true;
    const reader = this.#reader;
    const cancelled = this.#keep ? Promise.resolve() : cancelStream(reader.stream, value);
    reader.release();
    return cancelled.then(() => ({ value, done: true }));
  }
}
Object.setPrototypeOf(StreamIterator.prototype, AsyncIteratorPrototype);

// ReadableStream.from: each pull takes one step of the iterator.
function fromIterable(iterable) {
  if (iterable === undefined || iterable === null) throw new TypeError('ReadableStream.from needs an iterable.');
  const asyncMethod = member(iterable, Symbol.asyncIterator);
  const method = asyncMethod ?? member(iterable, Symbol.iterator);
  if (method === undefined) throw new TypeError('ReadableStream.from needs an iterable.');
  const iterator = method.call(iterable);
  if (typeof iterator !== 'object' || iterator === null) throw new TypeError('The iterator is not an object.');
  const next = iterator.next;
  return newStream({
    async pull(controller) {
      const step = await next.call(iterator);
      if (typeof step !== 'object' || step === null) throw new TypeError('An iterator result is not an object.');
      if (step.done) controller.close();
      else controller.enqueue(await step.value);
    },
    cancel(reason) {
      const method = member(iterator, 'return');
      if (method === undefined) return undefined;
      return promiseCall(method, iterator, reason).then((step) => {
        if (typeof step !== 'object' || step === null) throw new TypeError('An iterator result is not an object.');
      });
    },
  });
}
