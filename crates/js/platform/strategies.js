// CountQueuingStrategy and ByteLengthQueuingStrategy of the Streams standard. Their size functions are shared
// by all instances, as the standard wants.
import { isObject, notConstructed, present, toNumber } from './idl.js';

const countSize = { size: () => 1 }.size;
const byteSize = { size: (chunk) => chunk?.byteLength }.size;

function mark(init, owner) {
  if (!isObject(init)) throw notConstructed(owner, 1, 'QueuingStrategyInit');
  return toNumber(init.highWaterMark);
}

export class CountQueuingStrategy {
  #mark;
  constructor(init) {
    this.#mark = mark(init, 'CountQueuingStrategy');
  }
  get highWaterMark() {
    return this.#mark;
  }
  get size() {
    this.#mark;
    return countSize;
  }
}
present(CountQueuingStrategy);

export class ByteLengthQueuingStrategy {
  #mark;
  constructor(init) {
    this.#mark = mark(init, 'ByteLengthQueuingStrategy');
  }
  get highWaterMark() {
    return this.#mark;
  }
  get size() {
    this.#mark;
    return byteSize;
  }
}
present(ByteLengthQueuingStrategy);
