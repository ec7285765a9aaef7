// CountQueuingStrategy and ByteLengthQueuingStrategy of the Streams standard. Their size functions are shared
// by all instances, as the standard wants.
import { tag } from './errors.js';

const countSize = { size: () => 1 }.size;
const byteSize = { size: (chunk) => chunk.byteLength }.size;

function mark(init) {
  if (typeof init !== 'object' || init === null || init.highWaterMark === undefined) {
    throw new TypeError('A queuing strategy needs a highWaterMark.');
  }
  return Number(init.highWaterMark);
}

export class CountQueuingStrategy {
  #mark;
  constructor(init) {
    this.#mark = mark(init);
  }
  get highWaterMark() {
    return this.#mark;
  }
  get size() {
    this.#mark;
    return countSize;
  }
}
tag(CountQueuingStrategy);

export class ByteLengthQueuingStrategy {
  #mark;
  constructor(init) {
    this.#mark = mark(init);
  }
  get highWaterMark() {
    return this.#mark;
  }
  get size() {
    this.#mark;
    return byteSize;
  }
}
tag(ByteLengthQueuingStrategy);
