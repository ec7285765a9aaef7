// ReadableStreamDefaultTee of the Streams standard. Branches of a byte stream are byte streams that wait to be
// read, and get chunks of their own: a consumer that transfers or overwrites one does not reach into the other.
import { newByteStream } from './byte-controller.js';
import { Deferred } from './queue.js';
import { Reader, cancelStream } from './readable-state.js';
import { newStream } from './readable-default.js';

const queueMicrotask = globalThis.queueMicrotask;

class Tee {
  constructor(stream) {
    this.stream = stream;
    this.reader = new Reader(stream);
    this.reading = false;
    this.again = false;
    this.branches = [null, null];
    this.reasons = [undefined, undefined];
    this.cancelled = [false, false];
    this.done = new Deferred();
  }

  pull() {
    if (this.reading) this.again = true;
    else {
      this.reading = true;
      this.reader.read(this);
    }
    return undefined;
  }

  // Branches are told in a job of their own: one of them may read again from within.
  chunk(value) {
    queueMicrotask(() => {
      this.again = false;
      const second = this.stream.controller.bytes && ArrayBuffer.isView(value) ? value.slice() : value;
      if (!this.cancelled[0]) this.branches[0].enqueue(value);
      if (!this.cancelled[1]) this.branches[1].enqueue(second);
      this.reading = false;
      if (this.again) this.pull();
    });
  }

  close() {
    this.reading = false;
    for (let i = 0; i < 2; i++) if (!this.cancelled[i]) this.branches[i].finish();
    if (!this.cancelled[0] || !this.cancelled[1]) this.done.resolve();
  }

  error(reason) {
    this.reading = false;
    for (let i = 0; i < 2; i++) this.branches[i].error(reason);
    if (!this.cancelled[0] || !this.cancelled[1]) this.done.resolve();
  }

  cancel(index, reason) {
    this.cancelled[index] = true;
    this.reasons[index] = reason;
    if (this.cancelled[1 - index]) this.done.resolve(cancelStream(this.stream, this.reasons));
    return this.done.promise;
  }
}
export function tee(stream) {
  const state = new Tee(stream);
  const pull = () => state.pull();
  const branches = [0, 1].map((i) => {
    const source = { pull, cancel: (reason) => state.cancel(i, reason) };
    return stream.controller.bytes ? newByteStream(source) : newStream(source);
  });
  state.branches = branches.map((branch) => branch.controller);
  state.reader.closedPromise().catch((reason) => state.error(reason));
  branches[0].length = branches[1].length = stream.length;
  for (const branch of branches) branch.controller.callPull();
  return branches;
}
