// TransformStream and its controller, by the Streams standard: a writable side that fills a readable side.
// IdentityTransformStream and FixedLengthStream (identity.js) are built on the same inside.
import { isObject, notConstructed, present } from './idl.js';
import { DONE, Deferred, PENDING, handled, member, promiseCall, strategyOf } from './queue.js';
import { ERRORED, INTERNAL, READABLE, Readable } from './readable-state.js';
import { DefaultController } from './readable-default.js';
import { publicReadable } from './readable.js';
import { publicWritable } from './writable.js';
import { Writable, WritableController, isWritableOpen, writableFailure } from './writable-state.js';

function nothing() {}

export class Transform {
  constructor(transformer, writableMark, writableSize, readableMark, readableSize) {
    this.transformer = transformer;
    this.transform = this.flush = this.cancel = undefined;
    this.facade = this; // what the transformer's methods get
    this.backpressure = undefined;
    this.backpressureChange = null;
    this.pulling = false; // the readable side has asked, and waits for the next change
    this.pulled = null;
    this.finishing = null;
    this.started = new Deferred();

    this.writable = new Writable();
    const writer = new WritableController(this.writable, this, writableMark, writableSize);
    writer.write = this.sinkWrite;
    writer.closeSink = this.sinkClose;
    writer.abort = this.sinkAbort;
    writer.begin(this.started.promise);

    this.readable = new Readable();
    const controller = new DefaultController(this.readable, this, null, readableMark, readableSize);
    controller.pull = this.sourcePull;
    controller.cancel = this.sourceCancel;
    this.started.promise.then(() => controller.begin(), (reason) => controller.error(reason));
    this.setBackpressure(true);
  }

  setBackpressure(backpressure) {
    const change = this.backpressureChange;
    this.backpressureChange = null;
    this.backpressure = backpressure;
    if (change !== null) change.resolve();
    if (this.pulling) {
      this.pulling = false;
      DONE.then(this.pulled);
    }
  }

  // A promise of the next change; made when somebody waits for it.
  changed() {
    return (this.backpressureChange ??= new Deferred()).promise;
  }

  forget() {
    this.transform = this.flush = this.cancel = undefined;
  }

  // The methods of the transform's controller.
  desiredSize() {
    return this.readable.controller.closing ? null : this.readable.controller.desiredSize();
  }

  enqueue(chunk) {
    const controller = this.readable.controller;
    if (!controller.open()) throw new TypeError('The readable side of this TransformStream is no longer readable.');
    controller.enqueue(chunk);
    if (this.readable.state === ERRORED) { // by the size of the chunk
      this.errorWritable(this.readable.error);
      throw this.readable.error;
    }
    const backpressure = !(controller.desiredSize() > 0) && !(controller.stream.reader?.requests.length > 0);
    if (backpressure && !this.backpressure) this.setBackpressure(true);
  }

  error(reason) {
    this.readable.controller.error(reason);
    this.errorWritable(reason);
  }

  terminate() {
    this.readable.controller.close();
    this.errorWritable(new TypeError('The transform stream has been terminated'));
  }

  errorWritable(reason) {
    this.forget();
    this.writable.controller.errorIfNeeded(reason);
    if (this.backpressure) this.setBackpressure(false);
  }

  // A chunk that passes as it is costs no promise.
  perform(chunk) {
    let result;
    try {
      if (this.transform === undefined) this.enqueue(chunk);
      else result = this.transform.call(this.transformer, chunk, this.facade);
    } catch (error) {
      this.error(error);
      throw error;
    }
    if (typeof result !== 'object' && typeof result !== 'function' || result === null) {
      return this.transform === undefined ? undefined : DONE.then(nothing); // who reads the chunk is told first
    }
    return Promise.resolve(result).then(nothing, (reason) => {
      this.error(reason);
      throw reason;
    });
  }

  // Called by the sides' controllers, with this as their sink and source.
  sinkWrite(chunk) {
    if (!this.backpressure) return this.perform(chunk);
    return this.changed().then(() => {
      if (writableFailure(this.writable) !== null) throw this.writable.error;
      return this.perform(chunk);
    });
  }

  sinkAbort(reason) {
    if (this.finishing !== null) return this.finishing.promise;
    const finishing = (this.finishing = new Deferred());
    const result = promiseCall(this.cancel, this.transformer, reason);
    this.forget();
    result.then(() => {
      if (this.readable.state === ERRORED) finishing.reject(this.readable.error);
      else {
        this.readable.controller.error(reason);
        finishing.resolve();
      }
    }, (error) => {
      this.readable.controller.error(error);
      finishing.reject(error);
    });
    return handled(finishing.promise);
  }

  sinkClose() {
    if (this.finishing !== null) return this.finishing.promise;
    const finishing = (this.finishing = new Deferred());
    const result = promiseCall(this.flush, this.transformer, this.facade);
    this.forget();
    result.then(() => {
      if (this.readable.state === ERRORED) finishing.reject(this.readable.error);
      else {
        finishing.resolve(); // whoever reads the end finds the other side closed
        this.readable.controller.close();
      }
    }, (error) => {
      this.readable.controller.error(error);
      finishing.reject(error);
    });
    return handled(finishing.promise);
  }

  // Under way until the next change, which is told by `pulled`.
  sourcePull(controller) {
    this.setBackpressure(false);
    this.pulled = controller.pulled;
    this.pulling = true;
    return PENDING;
  }

  sourceCancel(reason) {
    if (this.finishing !== null) return this.finishing.promise;
    const finishing = (this.finishing = new Deferred());
    const result = promiseCall(this.cancel, this.transformer, reason);
    this.forget();
    const unblock = (error) => {
      this.writable.controller.errorIfNeeded(error);
      if (this.backpressure) this.setBackpressure(false);
    };
    result.then(() => {
      if (writableFailure(this.writable) !== null) finishing.reject(this.writable.error);
      else {
        unblock(reason);
        finishing.resolve();
      }
    }, (error) => {
      unblock(error);
      finishing.reject(error);
    });
    return handled(finishing.promise);
  }
}

export class TransformStreamDefaultController {
  #inner;

  constructor(token, inner) {
    if (token !== INTERNAL) throw new TypeError('Illegal constructor');
    this.#inner = inner;
  }

  get desiredSize() {
    return this.#inner.desiredSize();
  }

  enqueue(chunk = undefined) {
    this.#inner.enqueue(chunk);
  }

  error(reason = undefined) {
    if (this.#inner.readable.state === READABLE || isWritableOpen(this.#inner.writable)) this.#inner.error(reason);
  }

  terminate() {
    this.#inner.terminate();
  }
}
present(TransformStreamDefaultController);

// Marks a pair of streams that a subclass brings as its two sides.
export const SIDES = Symbol('sides');

export class TransformStream {
  #readable;
  #writable;

  constructor(transformer = undefined, writableStrategy = undefined, readableStrategy = undefined) {
    if (transformer instanceof Transform) {
      this.#readable = publicReadable(transformer.readable);
      this.#writable = publicWritable(transformer.writable);
      return;
    }
    if (transformer === SIDES) {
      [this.#readable, this.#writable] = writableStrategy;
      return;
    }
    transformer ??= {};
    if (!isObject(transformer)) throw notConstructed('TransformStream', 1, 'Transformer');
    const writing = strategyOf(writableStrategy, 1, 'TransformStream', 2);
    const reading = strategyOf(readableStrategy, 0, 'TransformStream', 3);
    if (transformer.readableType !== undefined) throw new TypeError('transformer.readableType must be undefined.');
    if (transformer.writableType !== undefined) throw new TypeError('transformer.writableType must be undefined.');
    const start = member(transformer, 'start', 'Transformer');
    const inner = new Transform(transformer, writing.mark, writing.size, reading.mark, reading.size);
    inner.transform = member(transformer, 'transform', 'Transformer');
    inner.flush = member(transformer, 'flush', 'Transformer');
    inner.cancel = member(transformer, 'cancel', 'Transformer');
    inner.facade = new TransformStreamDefaultController(INTERNAL, inner);
    this.#readable = publicReadable(inner.readable);
    this.#writable = publicWritable(inner.writable);
    inner.started.resolve(promiseCall(start, transformer, inner.facade));
  }

  get readable() {
    return this.#readable;
  }

  get writable() {
    return this.#writable;
  }
}
present(TransformStream);
