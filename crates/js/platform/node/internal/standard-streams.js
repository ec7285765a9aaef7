// process.stdin, stdout, stderr: what is written goes to the console, a line a call.
import { EventEmitter } from 'node:events';
import { console } from '../../console.js';
import { decodeBytes, encodingName } from './encodings.js';
import { invalidArgType } from './errors.js';

class StandardStream extends EventEmitter {
  constructor(fd) {
    super();
    this.fd = fd;
    this.writable = fd !== 0;
    this.readable = fd === 0;
    this.destroyed = false;
    this._isStdio = true;
  }
}

class Output extends StandardStream {
  write(chunk, encoding = undefined, callback = undefined) {
    if (typeof encoding === 'function') [encoding, callback] = [undefined, encoding];
    let text = chunk;
    if (chunk instanceof Uint8Array) text = decodeBytes(chunk, encodingName(encoding) ?? 'utf8');
    else if (typeof chunk !== 'string') throw invalidArgType('chunk', ['string', 'Buffer', 'TypedArray', 'DataView'], chunk);
    const line = text.endsWith('\n') ? text.slice(0, -1) : text;
    if (this.fd === 2) console.error(line);
    else console.log(line);
    if (typeof callback === 'function') queueMicrotask(() => callback());
    return true;
  }

  end(chunk, encoding = undefined, callback = undefined) {
    if (typeof chunk === 'function') [chunk, callback] = [undefined, chunk];
    if (chunk !== undefined && chunk !== null) this.write(chunk, encoding);
    if (typeof callback === 'function') queueMicrotask(() => callback());
    return this;
  }
}

class Input extends StandardStream {
  read() {
    return null;
  }
  setEncoding() {
    return this;
  }
  pause() {
    return this;
  }
  resume() {
    queueMicrotask(() => this.emit('end'));
    return this;
  }
  async *[Symbol.asyncIterator]() {}
}

export function standardStream(fd) {
  return fd === 0 ? new Input(fd) : new Output(fd);
}
