// Buffer's readers and writers of numbers, made from one table.
import { bufferOutOfBounds, invalidArgType, outOfRange } from './errors.js';

function checkOffset(offset) {
  if (typeof offset !== 'number') throw invalidArgType('offset', 'number', offset);
}

export function boundsError(value, length, name = undefined) {
  if (Math.floor(value) !== value) {
    if (typeof value !== 'number') throw invalidArgType(name ?? 'offset', 'number', value);
    throw outOfRange(name ?? 'offset', 'an integer', value);
  }
  if (length < 0) throw bufferOutOfBounds();
  throw outOfRange(name ?? 'offset', `>= ${name === undefined ? 0 : 1} and <= ${length}`, value);
}

function checkBounds(buffer, offset, bytes) {
  checkOffset(offset);
  if (buffer[offset] === undefined || buffer[offset + bytes - 1] === undefined) boundsError(offset, buffer.length - bytes);
}

function rangeText(min, max, bytes) {
  const n = typeof min === 'bigint' ? 'n' : '';
  if (bytes <= 4) return `>= ${min}${n} and <= ${max}${n}`;
  const unsigned = min === 0 || min === 0n;
  return unsigned ? `>= 0${n} and < 2${n} ** ${bytes * 8}${n}`
    : `>= -(2${n} ** ${bytes * 8 - 1}${n}) and < 2${n} ** ${bytes * 8 - 1}${n}`;
}

function checkValue(value, min, max, bytes) {
  if (value > max || value < min) throw outOfRange('value', rangeText(min, max, bytes), value);
}

const view = (buffer) => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);

// [suffix, DataView's name, bytes, smallest, largest]; no limits: any number.
const TABLE = [
  ['UInt8', 'Uint8', 1, 0, 0xff], ['UInt16', 'Uint16', 2, 0, 0xffff], ['UInt32', 'Uint32', 4, 0, 0xffffffff],
  ['Int8', 'Int8', 1, -0x80, 0x7f], ['Int16', 'Int16', 2, -0x8000, 0x7fff],
  ['Int32', 'Int32', 4, -0x80000000, 0x7fffffff], ['BigUInt64', 'BigUint64', 8, 0n, 0xffffffffffffffffn],
  ['BigInt64', 'BigInt64', 8, -0x8000000000000000n, 0x7fffffffffffffffn], ['Float', 'Float32', 4], ['Double', 'Float64', 8],
];

function reader(get, bytes, little) {
  return function (offset = 0) {
    checkBounds(this, offset, bytes);
    return get.call(view(this), offset, little);
  };
}

function writer(set, bytes, little, min, max) {
  const big = typeof min === 'bigint';
  return function (value, offset = 0) {
    if (!big) value = +value;
    if (min !== undefined) checkValue(value, min, max, bytes);
    if (big && typeof value !== 'bigint') throw new TypeError(`Cannot mix BigInt and other types, use explicit conversions`);
    checkBounds(this, offset, bytes);
    set.call(view(this), offset, value, little);
    return offset + bytes;
  };
}

function checkByteLength(byteLength, name = 'byteLength') {
  if (byteLength === undefined) throw outOfRange(name, 'an integer', byteLength);
  if (!(byteLength >= 1 && byteLength <= 6) || !Number.isInteger(byteLength)) boundsError(byteLength, 6, name);
}

function readUnsigned(buffer, offset, byteLength, little) {
  if (offset === undefined) throw invalidArgType('offset', 'number', offset);
  checkByteLength(byteLength);
  checkBounds(buffer, offset, byteLength);
  let value = 0;
  for (let i = 0; i < byteLength; i++) {
    value = value * 256 + buffer[little ? offset + byteLength - 1 - i : offset + i];
  }
  return value;
}

function readSigned(buffer, offset, byteLength, little) {
  const value = readUnsigned(buffer, offset, byteLength, little);
  return value >= 2 ** (8 * byteLength - 1) ? value - 2 ** (8 * byteLength) : value;
}

function writeBytes(buffer, value, offset, byteLength, little, min, max) {
  value = +value;
  if (value > max || value < min) throw outOfRange('value', rangeText(min, max, byteLength), value);
  checkBounds(buffer, offset, byteLength);
  let rest = value < 0 ? value + 2 ** (8 * byteLength) : value;
  for (let i = 0; i < byteLength; i++) {
    buffer[little ? offset + i : offset + byteLength - 1 - i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return offset + byteLength;
}

function define(target, name, alias, body, length = undefined) {
  Object.defineProperty(body, 'name', { value: name, configurable: true });
  if (length !== undefined) Object.defineProperty(body, 'length', { value: length, configurable: true });
  for (const key of [name, alias]) {
    Object.defineProperty(target, key, { value: body, writable: true, configurable: true, enumerable: true });
  }
}

export function installNumbers(target) {
  for (const [suffix, dataView, bytes, min, max] of TABLE) {
    const get = DataView.prototype[`get${dataView}`];
    const set = DataView.prototype[`set${dataView}`];
    const alias = suffix.replace('UInt', 'Uint');
    for (const end of bytes === 1 ? [''] : ['LE', 'BE']) {
      define(target, `read${suffix}${end}`, `read${alias}${end}`, reader(get, bytes, end === 'LE'));
      define(target, `write${suffix}${end}`, `write${alias}${end}`, writer(set, bytes, end === 'LE', min, max));
    }
  }
  for (const end of ['LE', 'BE']) {
    const little = end === 'LE';
    define(target, `readUInt${end}`, `readUint${end}`, function (offset, byteLength) {
      return readUnsigned(this, offset, byteLength, little);
    });
    define(target, `readInt${end}`, `readInt${end}`, function (offset, byteLength) {
      return readSigned(this, offset, byteLength, little);
    });
    define(target, `writeUInt${end}`, `writeUint${end}`, function (value, offset, byteLength) {
      checkByteLength(byteLength);
      return writeBytes(this, value, offset, byteLength, little, 0, 2 ** (8 * byteLength) - 1);
    });
    define(target, `writeInt${end}`, `writeInt${end}`, function (value, offset, byteLength) {
      checkByteLength(byteLength);
      const half = 2 ** (8 * byteLength - 1);
      return writeBytes(this, value, offset, byteLength, little, -half, half - 1);
    });
  }
}
