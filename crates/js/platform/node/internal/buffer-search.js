// Buffer's indexOf, lastIndexOf and includes.
import { encodeText, encodingName } from './encodings.js';
import { invalidArgType, unknownEncoding } from './errors.js';

function forward(bytes, needle, from, step) {
  const last = bytes.length - needle.length;
  for (let at = bytes.indexOf(needle[0], from); at >= 0 && at <= last; at = bytes.indexOf(needle[0], at + 1)) {
    if (step > 1 && at % step !== 0) continue;
    let i = 1;
    while (i < needle.length && bytes[at + i] === needle[i]) i++;
    if (i === needle.length) return at;
  }
  return -1;
}

function backward(bytes, needle, from, step) {
  for (let at = Math.min(from, bytes.length - needle.length); at >= 0; at--) {
    if (step > 1 && at % step !== 0) continue;
    let i = 0;
    while (i < needle.length && bytes[at + i] === needle[i]) i++;
    if (i === needle.length) return at;
  }
  return -1;
}

function search(buffer, value, byteOffset, encoding, ahead) {
  const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  if (typeof byteOffset === 'string') {
    encoding = byteOffset;
    byteOffset = undefined;
  }
  byteOffset = +byteOffset;
  if (Number.isNaN(byteOffset)) byteOffset = ahead ? 0 : bytes.length;
  byteOffset = Math.trunc(Math.min(Math.max(byteOffset, -0x80000000), 0x7fffffff));
  if (byteOffset < 0) byteOffset += bytes.length;
  if (typeof value === 'number') {
    value = (value >>> 0) & 255;
    if (ahead) return bytes.indexOf(value, Math.max(byteOffset, 0));
    return byteOffset < 0 ? -1 : bytes.lastIndexOf(value, byteOffset);
  }
  let needle = value;
  let step = 1;
  if (typeof value === 'string') {
    const name = encoding === undefined || encoding === null ? 'utf8' : encodingName(`${encoding}`);
    if (name === undefined) throw unknownEncoding(encoding);
    needle = encodeText(value, name);
    if (name === 'utf16le') step = 2;
  } else if (!(value instanceof Uint8Array)) {
    throw invalidArgType('value', ['number', 'string', 'Buffer', 'Uint8Array'], value);
  }
  if (ahead) {
    if (byteOffset < 0) byteOffset = 0;
    if (needle.length === 0) return Math.min(byteOffset, bytes.length);
    return forward(bytes, needle, byteOffset, step);
  }
  if (byteOffset < 0) return -1;
  if (needle.length === 0) return Math.min(byteOffset, bytes.length);
  return backward(bytes, needle, byteOffset, step);
}

export function installSearch(target) {
  const methods = {
    includes(value, byteOffset, encoding) {
      return search(this, value, byteOffset, encoding, true) !== -1;
    },
    indexOf(value, byteOffset, encoding) {
      return search(this, value, byteOffset, encoding, true);
    },
    lastIndexOf(value, byteOffset, encoding) {
      return search(this, value, byteOffset, encoding, false);
    },
  };
  for (const name of Object.keys(methods)) {
    Object.defineProperty(target, name, { value: methods[name], writable: true, configurable: true, enumerable: true });
  }
}
