// How Web Crypto asks the host: at once where that is short, else as an operation on the host's threads. A result goes
// to `done` before any promise has it, so that no function of the script's sees a key's bytes.
import * as host from 'switchyard:host';
import { OP_CRYPTO, STATUS_OK } from './abi.js';
import { DOMException, globalScopeError, refusal } from './errors.js';
import { expect, nextId } from './ops.js';

export const MOST_AT_ONCE = 1 << 20; // bytes

const Promises = Promise;
const { apply } = Reflect;
const asked = host.crypto;
const bufferOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'buffer').get;

export const inRequest = () => host.contextGet() !== undefined;

// The answer of a short call: an ArrayBuffer of at most `room` bytes, or an array of values after a leading `true`.
export function ask(room, what) {
  const answer = apply(asked, undefined, arguments); // no iterator, which a script could have replaced, sees the key
  if (answer[0] === false) throw new DOMException(answer[2], answer[1]);
  return answer;
}

class Computation {
  constructor(resolve, reject, done) {
    this.resolve = resolve;
    this.reject = reject;
    this.done = done;
    this.owner = undefined;
  }
  complete(status, ...values) {
    try {
      if (status !== STATUS_OK) throw new DOMException(values[1], values[0]);
      this.resolve(this.done(values[0] === true ? values : apply(bufferOf, values[0], [])));
    } catch (error) {
      this.reject(error);
    }
  }
}

// done(answer), now or by a promise. Module code cannot wait for an operation: there everything is done at once.
export function compute(slow, done, room, what, a, b, c, d, e, f, g) {
  if (!slow || !inRequest()) return done(ask(room, what, a, b, c, d, e, f, g));
  return new Promises((resolve, reject) => {
    const id = nextId();
    const code = host.op(OP_CRYPTO, id, what, a, b, c, d, e, f, g);
    if (code !== 0) reject(refusal(code));
    else expect(id, new Computation(resolve, reject, done));
  });
}

// Only ever an operation.
export function computeLater(done, what, a, b) {
  if (!inRequest()) throw globalScopeError();
  return compute(true, done, 0, what, a, b);
}

// What a method returns: errors of its arguments too come by the promise.
export function promised(run) {
  return new Promises((resolve) => resolve(run()));
}
