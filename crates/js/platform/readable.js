// ReadableStream and ReadableStreamDefaultReader, by the Streams standard: the public side of readable-state.js.
import { isAbortSignal } from './abort.js';
import { SINK, SOURCE, refuseForeign } from './errors.js';
import { isObject, notConstructed, notField, notOfType, present } from './idl.js';
import { promiseCall, rejected, strategyOf } from './queue.js';
import { INTERNAL, PromiseRequest, Reader, Readable, cancelStream } from './readable-state.js';
import { defaultFromSource, newStream } from './readable-default.js';
import { ReadableStreamBYOBReader, bytesFromSource } from './readable-bytes.js';
import { pipe } from './pipe.js';
import { tee } from './tee.js';
import { innerWritable } from './writable.js';

export let innerReadable; // the inside of a public stream; undefined for anything else
export let moveFacade; // (from, to): the public object of one stream, if it has one, is the other's

export class ReadableStream {
  #inner;

  constructor(source = undefined, strategy = undefined) {
    if (source === INTERNAL) {
      this.#inner = strategy;
      return;
    }
    source ??= {};
    if (!isObject(source)) throw notConstructed('ReadableStream', 1, 'UnderlyingSource');
    const { type } = source;
    const bytes = type !== undefined && `${type}` === 'bytes';
    if (!bytes && type !== undefined && type !== '') throw new TypeError(`"${type}" is not a valid type of ReadableStream.`);
    const { mark, size } = strategyOf(strategy, bytes ? 0 : 1, 'ReadableStream', 2);
    const stream = (this.#inner = new Readable());
    stream.facade = this;
    if (bytes) bytesFromSource(stream, source, mark);
    else defaultFromSource(stream, source, mark, size);
  }

  static {
    innerReadable = (value) => {
      if (typeof value !== 'object' || value === null) return undefined;
      return #inner in value ? value.#inner : undefined;
    };
    moveFacade = (from, to) => {
      const { facade } = from;
      if (facade === null) return;
      from.facade = null;
      to.facade = facade;
      facade.#inner = to;
    };
  }

  static from(iterable) {
    return publicReadable(fromIterable(iterable));
  }

  get locked() {
    return this.#inner.reader !== null;
  }

  cancel(reason = undefined) {
    this.#inner; // who calls it on something else is told at once
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
    if (options !== undefined && options !== null && !isObject(options)) {
      throw notOfType('getReader', 'ReadableStream', 1, 'GetReaderOptions');
    }
    const mode = options?.mode;
    if (mode === undefined) return new ReadableStreamDefaultReader(this);
    if (`${mode}` !== 'byob') throw new TypeError("mode must be undefined or 'byob' in call to getReader().");
    return new ReadableStreamBYOBReader(this);
  }

  pipeThrough(transform, options = undefined) {
    const stream = this.#inner;
    if (arguments.length > 0 && (transform === undefined || transform === null)) {
      throw new TypeError('Cannot initialize N7workerd3api14ReadableStream9TransformE with required members from an undefined ' +
        'or null value.');
    }
    if (!isObject(transform)) throw notOfType('pipeThrough', 'ReadableStream', 1, 'Transform');
    const { readable, writable } = transform;
    if (innerReadable(readable) === undefined) throw notField('readable', 'Transform', 'ReadableStream');
    const target = innerWritable(writable);
    if (target === undefined) throw notField('writable', 'Transform', 'WritableStream');
    options = pipeOptions(options, 'pipeThrough');
    if (stream.reader !== null) throw locked();
    if (target.writer !== null) throw new TypeError('This WritableStream is currently locked to a writer.');
    refuseForeign(stream.owner, SOURCE);
    refuseForeign(target.owner, SINK);
    pipe(stream, target, options).catch(() => {});
    return readable;
  }

  pipeTo(destination, options = undefined) {
    const stream = this.#inner;
    try {
      const target = innerWritable(destination);
      if (target === undefined) throw notOfType('pipeTo', 'ReadableStream', 1, 'WritableStream');
      options = pipeOptions(options, 'pipeTo');
      if (stream.reader !== null) throw locked();
      if (target.writer !== null) throw new TypeError('This WritableStream is currently locked to a writer');
      refuseForeign(stream.owner, SOURCE);
      refuseForeign(target.owner, SINK);
      return pipe(stream, target, options);
    } catch (error) {
      return rejected(error);
    }
  }

  tee() {
    const stream = this.#inner;
    if (stream.reader !== null) throw new TypeError('This ReadableStream is currently locked to a reader,');
    refuseForeign(stream.owner, SOURCE);
    stream.disturbed = true;
    return tee(stream).map((branch) => {
      branch.owner = stream.owner;
      return publicReadable(branch);
    });
  }

  values(options = undefined) {
    if (options !== undefined && options !== null && !isObject(options)) {
      throw notOfType('values', 'ReadableStream', 1, 'ValuesOptions');
    }
    return new StreamIterator(new Reader(this.#inner), Boolean(options?.preventCancel));
  }
}
Object.defineProperty(ReadableStream.prototype, Symbol.asyncIterator, {
  value: ReadableStream.prototype.values, writable: true, configurable: true,
});
present(ReadableStream);

function locked() {
  return new TypeError('This ReadableStream is currently locked to a reader.');
}

function pipeOptions(options, method) {
  if (options === undefined || options === null) return {};
  if (!isObject(options)) throw notOfType(method, 'ReadableStream', 2, 'PipeToOptions');
  const { preventAbort, preventCancel, preventClose, signal } = options;
  if (signal !== undefined && !isAbortSignal(signal)) throw notField('signal', 'PipeToOptions', 'AbortSignal');
  return { preventAbort, preventCancel, preventClose, signal };
}

export function publicReadable(stream) {
  return (stream.facade ??= new ReadableStream(INTERNAL, stream));
}

export class ReadableStreamDefaultReader {
  #reader;

  constructor(stream) {
    const inner = innerReadable(stream);
    if (inner === undefined) throw notConstructed('ReadableStreamDefaultReader', 1, 'ReadableStream');
    this.#reader = new Reader(inner);
  }

  get closed() {
    this.#reader;
    try {
      return this.#reader.closedPromise();
    } catch (error) {
      return rejected(error);
    }
  }

  read() {
    this.#reader;
    return new Promise((resolve, reject) => {
      const stream = this.#reader.stream;
      if (stream === null) throw released();
      refuseForeign(stream.owner, SOURCE);
      this.#reader.read(new PromiseRequest(resolve, reject));
    });
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
present(ReadableStreamDefaultReader);

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
Object.defineProperty(StreamIterator, 'name', { value: 'ReadableStreamAsyncIterator' });
present(StreamIterator);

// ReadableStream.from: each pull takes one step of the iterator.
function fromIterable(iterable) {
  const refuse = () => notOfType('from', 'ReadableStream', 1, 'AsyncGenerator');
  if (iterable === undefined || iterable === null) throw refuse();
  const method = iterable[Symbol.asyncIterator] ?? iterable[Symbol.iterator];
  if (typeof method !== 'function') throw refuse();
  const iterator = Reflect.apply(method, iterable, []);
  if (!isObject(iterator)) throw refuse();
  const { next } = iterator;
  const check = (step) => {
    if (!isObject(step)) throw new TypeError('An iterator result is not an object.');
    return step;
  };
  return newStream({
    async pull(controller) {
      const step = check(await Reflect.apply(next, iterator, []));
      if (step.done) controller.close();
      else controller.enqueue(await step.value);
    },
    cancel(reason) {
      const { return: method } = iterator;
      if (method === undefined || method === null) return undefined;
      return promiseCall(method, iterator, reason).then(check);
    },
  });
}
