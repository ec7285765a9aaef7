// `node:buffer`: Buffer over Uint8Array, as Node documents it; Blob, File, atob and btoa are the platform's.
import { Blob, File } from '../blob.js';
import { CUSTOM, inspect } from '../inspect.js';
import { installNumbers } from './internal/buffer-numbers.js';
import { installSearch } from './internal/buffer-search.js';
import { isAscii, isUtf8, transcodeBytes } from './internal/buffer-text.js';
import { decodeBytes, encodeText, encodedLength, encodingName } from './internal/encodings.js';
import {
  bufferOutOfBounds, coded, invalidArgType, invalidArgValue, invalidArgWords, outOfRange, unknownEncoding,
} from './internal/errors.js';
import { describeReceived } from './internal/received.js';
import { validateNumber } from './internal/validators.js';

const { atob, btoa } = globalThis;
export { Blob, File, atob, btoa };

export const kMaxLength = 2147483647;
export const kStringMaxLength = 536870888;
export const constants = { MAX_LENGTH: kMaxLength, MAX_STRING_LENGTH: kStringMaxLength };
export let INSPECT_MAX_BYTES = 50;

class FastBuffer extends Uint8Array {
  constructor(bufferOrLength, byteOffset, length) {
    super(bufferOrLength, byteOffset, length);
  }
}

// Bytes of their own as a Buffer.
function adopt(bytes) {
  return new FastBuffer(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function checkSize(size) {
  validateNumber(size, 'size');
  if (Number.isNaN(size)) {
    throw coded(RangeError, 'ERR_INVALID_ARG_VALUE', "The argument 'size' is invalid. Received NaN");
  }
  if (size < 0 || size > kMaxLength) throw new RangeError(`Invalid typed array length: ${size}`);
}

export function Buffer(value, encodingOrOffset, length) {
  if (typeof value === 'number') {
    if (typeof encodingOrOffset === 'string') throw invalidArgType('string', 'string', value);
    return Buffer.alloc(value);
  }
  return Buffer.from(value, encodingOrOffset, length);
}

Object.setPrototypeOf(Buffer, Uint8Array);
Object.defineProperty(Buffer, 'prototype', { value: FastBuffer.prototype, writable: false });
Object.defineProperty(FastBuffer.prototype, 'constructor', { value: Buffer, writable: true, configurable: true });

function fromText(text, encoding) {
  let name = 'utf8';
  if (typeof encoding === 'string' && encoding !== '') {
    name = encodingName(encoding);
    if (name === undefined) throw unknownEncoding(encoding);
  }
  return adopt(encodeText(text, name));
}

const byteLengthOf = Object.getOwnPropertyDescriptor(ArrayBuffer.prototype, 'byteLength').get;

function isAnyArrayBuffer(value) {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer ||
    (typeof value === 'object' && value !== null && tagOf(value) === '[object ArrayBuffer]' && hasBytes(value));
}

function hasBytes(value) {
  try {
    byteLengthOf.call(value);
    return true;
  } catch {
    return false;
  }
}

function tagOf(value) {
  return Object.prototype.toString.call(value);
}

function fromArrayBuffer(buffer, byteOffset, length) {
  if (byteOffset === undefined) byteOffset = 0;
  else {
    byteOffset = +byteOffset;
    if (Number.isNaN(byteOffset)) byteOffset = 0;
  }
  const most = buffer.byteLength - byteOffset;
  if (most < 0) throw bufferOutOfBounds('offset');
  if (length === undefined) length = most;
  else {
    length = +length;
    if (!(length > 0)) length = 0;
    else if (length > most) throw bufferOutOfBounds('length');
  }
  return new FastBuffer(buffer, byteOffset, length);
}

function fromArrayLike(list) {
  if (list.length <= 0) return new FastBuffer(0);
  const buffer = new FastBuffer(list.length);
  if (ArrayBuffer.isView(list)) buffer.set(list);
  else for (let i = 0; i < list.length; i++) buffer[i] = list[i];
  return buffer;
}

function fromObject(object) {
  if (object.length !== undefined || isAnyArrayBuffer(object.buffer)) {
    if (typeof object.length !== 'number') return new FastBuffer(0);
    return fromArrayLike(object);
  }
  if (object.type === 'Buffer' && Array.isArray(object.data)) return fromArrayLike(object.data);
  return undefined;
}

const SOURCES = 'must be of type string or an instance of Buffer, TypedArray, ArrayBuffer, SharedArrayBuffer, or ' +
  'Array or an Array-like Object';

function invalidSource(value) {
  return coded(TypeError, 'ERR_INVALID_ARG_TYPE', `The first argument ${SOURCES}.${describeReceived(value)}`);
}

const statics = {
  from(value, encodingOrOffset, length) {
    if (typeof value === 'string') return fromText(value, encodingOrOffset);
    if (typeof value === 'object' && value !== null) {
      if (isAnyArrayBuffer(value)) return fromArrayBuffer(value, encodingOrOffset, length);
      const primitive = value.valueOf && value.valueOf();
      if (primitive !== null && primitive !== undefined && primitive !== value &&
          (typeof primitive === 'string' || typeof primitive === 'object')) {
        return statics.from(primitive, encodingOrOffset, length);
      }
      const made = fromObject(value);
      if (made !== undefined) return made;
      if (typeof value[Symbol.toPrimitive] === 'function') {
        const text = value[Symbol.toPrimitive]('string');
        if (typeof text === 'string') return fromText(text, encodingOrOffset);
      }
    }
    throw invalidSource(value);
  },
  of(...items) {
    const buffer = new FastBuffer(items.length);
    for (let i = 0; i < items.length; i++) buffer[i] = items[i];
    return buffer;
  },
  alloc(size, fill, encoding) {
    checkSize(size);
    const buffer = new FastBuffer(size);
    if (fill !== undefined && fill !== 0 && size > 0) {
      if (encoding !== undefined && typeof encoding !== 'string') throw invalidArgType('encoding', 'string', encoding);
      buffer.fill(fill, encoding);
    }
    return buffer;
  },
  allocUnsafe(size) {
    checkSize(size);
    return new FastBuffer(size);
  },
  allocUnsafeSlow(size) {
    checkSize(size);
    return new FastBuffer(size);
  },
  isBuffer(value) {
    return value instanceof Buffer;
  },
  compare(one, other) {
    if (!(one instanceof Uint8Array)) throw invalidArgType('a', ['Buffer', 'Uint8Array'], typeof one);
    if (!(other instanceof Uint8Array)) throw invalidArgType('b', ['Buffer', 'Uint8Array'], typeof other);
    return compareBytes(one, other);
  },
  isEncoding(encoding) {
    return typeof encoding === 'string' && encoding.length > 0 && encodingName(encoding) !== undefined;
  },
  concat(list, length) {
    if (!Array.isArray(list)) throw invalidArgWords('list', 'an (Buffer|Uint8Array)[]', list);
    if (list.length === 0) return new FastBuffer(0);
    if (length === undefined) {
      length = 0;
      for (const one of list) if (one.length) length += one.length;
    } else if (typeof length !== 'number') throw invalidArgType('length', 'number', length);
    else if (!Number.isInteger(length) || length < 0) {
      throw outOfRange('length', Number.isInteger(length) ? '>= 0 && <= 9007199254740991' : 'an integer', length);
    }
    const buffer = new FastBuffer(length);
    let at = 0;
    for (let i = 0; i < list.length; i++) {
      const one = list[i];
      if (!(one instanceof Uint8Array)) {
        throw new TypeError(`Incorrect type for array element ${i}: the provided value is not of type 'Uint8Array'.`);
      }
      const room = length - at;
      if (room <= 0) continue;
      buffer.set(one.length > room ? one.subarray(0, room) : one, at);
      at += one.length;
    }
    return buffer;
  },
  byteLength(text, encoding) {
    if (typeof text !== 'string') {
      if (ArrayBuffer.isView(text) || isAnyArrayBuffer(text)) return text.byteLength;
      throw invalidArgType('string', ['string', 'Buffer', 'ArrayBuffer'], text);
    }
    return encodedLength(text, encodingName(encoding) ?? 'utf8');
  },
};

function compareBytes(one, other) {
  const length = Math.min(one.length, other.length);
  for (let i = 0; i < length; i++) if (one[i] !== other[i]) return one[i] < other[i] ? -1 : 1;
  return one.length < other.length ? -1 : one.length > other.length ? 1 : 0;
}

Buffer.poolSize = 0; // nothing is pooled
Object.assign(Buffer, statics);

// start and end as slices take them: clamped, and not more than there is.
function clamp(value, otherwise, most) {
  if (value === undefined) return otherwise;
  value = Math.trunc(Number(value)) || 0;
  return value < 0 ? 0 : value > most ? most : value;
}

function swap(buffer, size) {
  if (buffer.length % size !== 0) {
    throw coded(RangeError, 'ERR_INVALID_BUFFER_SIZE', `Buffer size must be a multiple of ${size * 8}-bits`);
  }
  for (let at = 0; at < buffer.length; at += size) buffer.subarray(at, at + size).reverse();
  return buffer;
}

function checkIndex(value, name, max) {
  if (typeof value !== 'number') throw invalidArgType(name, 'number', value);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < 0 || value > max) throw outOfRange(name, `>= 0 && <= ${max}`, value);
}

const raw = (buffer) => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);

const methods = {
  swap16() {
    return swap(this, 2);
  },
  swap32() {
    return swap(this, 4);
  },
  swap64() {
    return swap(this, 8);
  },
  toString(encoding, start, end) {
    let bytes = raw(this);
    if (arguments.length > 0) {
      const from = clamp(start, 0, this.length);
      const to = clamp(end, this.length, this.length);
      if (to <= from) return '';
      bytes = bytes.subarray(from, to);
    }
    if (encoding === undefined) return decodeBytes(bytes, 'utf8');
    const name = encodingName(`${encoding}`);
    if (name === undefined) throw unknownEncoding(encoding);
    return decodeBytes(bytes, name);
  },
  equals(other) {
    if (!(other instanceof Uint8Array)) throw invalidArgType('b', ['Buffer', 'Uint8Array'], typeof other);
    return this === other || (this.byteLength === other.byteLength && compareBytes(this, other) === 0);
  },
  inspect() {
    return methods[CUSTOM].call(this, undefined, undefined);
  },
  [CUSTOM](depth, options) {
    const most = INSPECT_MAX_BYTES;
    const rest = this.length - most;
    let text = decodeBytes(raw(this).subarray(0, Math.min(most, this.length)), 'hex').replace(/(.{2})/g, '$1 ').trim();
    if (rest > 0) text += ` ... ${rest} more byte${rest > 1 ? 's' : ''}`;
    if (options !== undefined) {
      const extras = {};
      let any = false;
      for (const key of options.showHidden ? Object.getOwnPropertyNames(this) : Object.keys(this)) {
        if (/^\d+$/.test(key)) continue;
        any = true;
        extras[key] = this[key];
      }
      if (any) {
        if (this.length > 0) text += ', ';
        // `[Object: null prototype] {` and ` }` around it are not shown.
        text += inspect(extras, { ...options, breakLength: Infinity, compact: true }).slice(2, -2);
      }
    }
    return `<${this.constructor.name} ${text}>`;
  },
  compare(target, targetStart, targetEnd, sourceStart, sourceEnd) {
    if (!(target instanceof Uint8Array)) throw invalidArgType('target', ['Buffer', 'Uint8Array'], target);
    if (targetStart === undefined) targetStart = 0;
    else checkIndex(targetStart, 'targetStart', Number.MAX_SAFE_INTEGER);
    if (targetEnd === undefined) targetEnd = target.length;
    else checkIndex(targetEnd, 'targetEnd', target.length);
    if (sourceStart === undefined) sourceStart = 0;
    else checkIndex(sourceStart, 'sourceStart', Number.MAX_SAFE_INTEGER);
    if (sourceEnd === undefined) sourceEnd = this.length;
    else checkIndex(sourceEnd, 'sourceEnd', this.length);
    if (sourceStart >= sourceEnd) return targetStart >= targetEnd ? 0 : -1;
    if (targetStart >= targetEnd) return 1;
    return compareBytes(raw(this).subarray(sourceStart, sourceEnd), raw(target).subarray(targetStart, targetEnd));
  },
  write(text, offset, length, encoding) {
    text = `${text}`;
    if (offset === undefined) return this.utf8Write(text, 0, this.length);
    if (length === undefined && typeof offset === 'string') {
      encoding = offset;
      length = this.length;
      offset = 0;
    } else {
      checkIndex(offset, 'offset', this.length);
      const room = this.length - offset;
      if (length === undefined) length = room;
      else if (typeof length === 'string') {
        encoding = length;
        length = room;
      } else {
        checkIndex(length, 'length', this.length);
        if (length > room) length = room;
      }
    }
    if (!encoding) return this.utf8Write(text, offset, length);
    const name = encodingName(encoding);
    if (name === undefined) throw unknownEncoding(encoding);
    return writeText(this, text, name, offset, length);
  },
  toJSON() {
    return { type: 'Buffer', data: Array.from(this) };
  },
  slice(start, end) {
    return this.subarray(start, end);
  },
  subarray(start, end) {
    const { length } = this;
    const place = (value, otherwise) => {
      if (value === undefined) return otherwise;
      value = Math.trunc(+value) || 0;
      return value < 0 ? Math.max(value + length, 0) : Math.min(value, length);
    };
    const from = place(start, 0);
    const to = place(end, length);
    return new FastBuffer(this.buffer, this.byteOffset + from, to > from ? to - from : 0);
  },
  copy(target, targetStart, sourceStart, sourceEnd) {
    if (!ArrayBuffer.isView(target)) throw invalidArgType('target', ['Buffer', 'Uint8Array'], target);
    const whole = (value, otherwise, name) => {
      if (value === undefined) return otherwise;
      value = Math.trunc(+value) || 0;
      if (value < 0) throw outOfRange(name, '>= 0', value);
      return value;
    };
    targetStart = whole(targetStart, 0, 'targetStart');
    sourceStart = whole(sourceStart, 0, 'sourceStart');
    if (sourceStart > this.length) throw outOfRange('sourceStart', `>= 0 && <= ${this.length}`, sourceStart);
    sourceEnd = Math.min(whole(sourceEnd, this.length, 'sourceEnd'), this.length);
    if (targetStart >= target.byteLength || sourceStart >= sourceEnd) return 0;
    const bytes = raw(this).subarray(sourceStart, Math.min(sourceEnd, sourceStart + target.byteLength - targetStart));
    new Uint8Array(target.buffer, target.byteOffset, target.byteLength).set(bytes, targetStart);
    return bytes.length;
  },
  fill(value, offset, end, encoding) {
    if (typeof value === 'string') {
      if (offset === undefined || typeof offset === 'string') {
        encoding = offset;
        offset = undefined;
        end = undefined;
      } else if (typeof end === 'string') {
        encoding = end;
        end = undefined;
      }
      if (encoding !== undefined && encoding !== null && typeof encoding !== 'string') {
        throw invalidArgType('encoding', 'string', encoding);
      }
    }
    const name = encoding === undefined || encoding === null || encoding === '' ? 'utf8' : encodingName(encoding);
    if (name === undefined) throw unknownEncoding(encoding);
    if (offset === undefined) offset = 0;
    else checkIndex(offset, 'offset', Number.MAX_SAFE_INTEGER);
    if (end === undefined) end = this.length;
    else {
      if (typeof end !== 'number') throw invalidArgType('end', 'number', end);
      if (end < 0 || end > this.length) throw outOfRange('end', `0 to ${this.length}`, end);
    }
    if (offset >= end) return this;
    const bytes = raw(this);
    if (typeof value !== 'string' && !(value instanceof Uint8Array)) {
      bytes.fill(typeof value === 'boolean' ? +value : value & 255, offset, end);
      return this;
    }
    if (value.length === 0 && typeof value === 'string') {
      bytes.fill(0, offset, end);
      return this;
    }
    const pattern = typeof value === 'string' ? encodeText(value, name) : value;
    if (pattern.length === 0) {
      throw typeof value === 'string' ? new TypeError(`The text is not valid ${name}`) : invalidArgValue('value', value);
    }
    for (let at = offset; at < end; at += pattern.length) {
      bytes.set(at + pattern.length > end ? pattern.subarray(0, end - at) : pattern, at);
    }
    return this;
  },
};
methods.toLocaleString = methods.toString;

// Whole characters only, as many as there is room for.
function writeText(buffer, text, encoding, offset = 0, length = buffer.length - offset) {
  let bytes = encodeText(text, encoding);
  let most = Math.min(length, buffer.length - offset);
  if (bytes.length > most) {
    if (encoding === 'utf8') while (most > 0 && (bytes[most] & 0xc0) === 0x80) most--;
    else if (encoding === 'utf16le') most &= ~1;
    bytes = bytes.subarray(0, most);
  }
  raw(buffer).set(bytes, offset);
  return bytes.length;
}

for (const [prefix, encoding] of [
  ['ascii', 'ascii'], ['base64', 'base64'], ['base64url', 'base64url'], ['hex', 'hex'], ['latin1', 'latin1'],
  ['ucs2', 'utf16le'], ['utf8', 'utf8'],
]) {
  methods[`${prefix}Slice`] = function (start, end) {
    return decodeBytes(raw(this).subarray(start, end), encoding);
  };
  methods[`${prefix}Write`] = function (text, offset = 0, length = this.length) {
    if (typeof text !== 'string') throw invalidArgType('argument', 'string', text);
    checkIndex(offset, 'offset', this.length);
    checkIndex(length, 'length', this.length - offset);
    return writeText(this, text, encoding, offset, length);
  };
}

for (const key of Reflect.ownKeys(methods)) {
  Object.defineProperty(Buffer.prototype, key, {
    value: methods[key], writable: true, configurable: true, enumerable: typeof key === 'string',
  });
}
installNumbers(Buffer.prototype);
installSearch(Buffer.prototype);
for (const [name, key] of [['parent', 'buffer'], ['offset', 'byteOffset']]) {
  Object.defineProperty(Buffer.prototype, name, {
    get() {
      return this instanceof Buffer ? this[key] : undefined;
    },
    enumerable: true, configurable: true,
  });
}

export function SlowBuffer(size) {
  checkSize(size);
  return Buffer.allocUnsafeSlow(size);
}
Object.setPrototypeOf(SlowBuffer.prototype, Uint8Array.prototype);
Object.setPrototypeOf(SlowBuffer, Uint8Array);

export { isAscii, isUtf8 };

export function transcode(source, from, to) {
  return adopt(transcodeBytes(source, from, to));
}

export function resolveObjectURL() {
  return undefined; // there are no object URLs
}

export default {
  Blob, Buffer, File, INSPECT_MAX_BYTES, SlowBuffer, atob, btoa, constants, isAscii, isUtf8, kMaxLength,
  kStringMaxLength, resolveObjectURL, transcode,
};
