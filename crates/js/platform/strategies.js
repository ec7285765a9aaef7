// CountQueuingStrategy and ByteLengthQueuingStrategy of the Streams standard. Their size functions are shared
// by all instances, as the standard wants.
import { isObject, notConstructed, present, toNumber } from './idl.js';

const [countSize, byteSize] = [() => 1, (chunk) => chunk?.byteLength];

function mark(init, owner, given) {
  if (given > 0 && (init === undefined || init === null)) {
    throw new TypeError('Cannot initialize N7workerd3api19QueuingStrategyInitE with required members from an undefined or ' +
      'null value.');
  }
  if (!isObject(init)) throw notConstructed(owner, 1, 'QueuingStrategyInit');
  return toNumber(init.highWaterMark);
}

export class CountQueuingStrategy {
  #mark;
  constructor(init) {
    this.#mark = mark(init, 'CountQueuingStrategy', arguments.length);
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
    this.#mark = mark(init, 'ByteLengthQueuingStrategy', arguments.length);
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
