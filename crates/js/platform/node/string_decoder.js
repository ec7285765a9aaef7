// `node:string_decoder`: bytes to text piece by piece, characters that are not whole kept for the next piece.
import { Buffer } from 'node:buffer';
import { decodeBytes, encodingName } from './internal/encodings.js';
import { invalidArgType, invalidThis, unknownEncoding } from './internal/errors.js';

const NONE = new Uint8Array(0);
const state = Symbol('state');

// How many bytes at the end belong to a character that is not whole.
function incomplete(bytes, encoding) {
  const { length } = bytes;
  if (encoding === 'base64' || encoding === 'base64url') return length % 3;
  if (encoding === 'utf16le') {
    const odd = length % 2;
    const high = length - odd - 1;
    return high > 0 && (bytes[high] & 0xfc) === 0xd8 ? odd + 2 : odd;
  }
  if (encoding !== 'utf8') return 0;
  for (let back = 1; back <= Math.min(3, length); back++) {
    const byte = bytes[length - back];
    if ((byte & 0xc0) === 0x80) continue;
    const need = byte > 0xf4 || byte < 0xc2 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    if (need <= back) return 0;
    if (back > 1) {
      const second = bytes[length - back + 1];
      const [low, high] = byte === 0xe0 ? [0xa0, 0xbf] : byte === 0xed ? [0x80, 0x9f] : byte === 0xf0 ? [0x90, 0xbf]
        : byte === 0xf4 ? [0x80, 0x8f] : [0x80, 0xbf];
      if (second < low || second > high) return 0;
    }
    return back;
  }
  return 0;
}

function needed(held, encoding) {
  if (held.length === 0) return 0;
  if (encoding === 'utf8') return (held[0] >= 0xf0 ? 4 : held[0] >= 0xe0 ? 3 : 2) - held.length;
  if (encoding === 'utf16le') return held.length < 2 ? 2 - held.length : 4 - held.length;
  return 3 - held.length;
}

export function StringDecoder(encoding) {
  const name = encoding === undefined || encoding === null || encoding === '' ? 'utf8' : encodingName(encoding);
  if (name === undefined) throw unknownEncoding(encoding);
  this.encoding = name;
  Object.defineProperty(this, state, { value: { held: NONE }, configurable: true });
}

function stateOf(decoder) {
  const own = decoder?.[state];
  if (own === undefined) throw invalidThis('StringDecoder');
  return own;
}

const methods = {
  write(input) {
    const own = stateOf(this);
    if (typeof input === 'string') return input;
    if (!ArrayBuffer.isView(input)) throw invalidArgType('buf', ['string', 'Buffer', 'TypedArray', 'DataView'], input);
    const piece = new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
    let bytes = piece;
    if (own.held.length > 0) {
      bytes = new Uint8Array(own.held.length + piece.length);
      bytes.set(own.held);
      bytes.set(piece, own.held.length);
    }
    const keep = incomplete(bytes, this.encoding);
    own.held = keep === 0 ? NONE : bytes.slice(bytes.length - keep);
    return decodeBytes(keep === 0 ? bytes : bytes.subarray(0, bytes.length - keep), this.encoding);
  },
  end(input) {
    const own = stateOf(this);
    const text = input === undefined ? '' : this.write(input);
    const { held } = own;
    own.held = NONE;
    if (held.length === 0) return text;
    return text + decodeBytes(this.encoding === 'utf16le' ? held.subarray(0, held.length & ~1) : held, this.encoding);
  },
  text(input, offset) {
    stateOf(this).held = NONE;
    return this.write(input.slice(offset));
  },
};
for (const name of Object.keys(methods)) {
  Object.defineProperty(StringDecoder.prototype, name, {
    value: methods[name], writable: true, configurable: true, enumerable: true,
  });
}

const accessors = {
  lastChar() {
    const bytes = Buffer.alloc(4);
    bytes.set(stateOf(this).held);
    return bytes;
  },
  lastNeed() {
    return needed(stateOf(this).held, this.encoding);
  },
  lastTotal() {
    const { held } = stateOf(this);
    return held.length + needed(held, this.encoding);
  },
};
for (const name of Object.keys(accessors)) {
  Object.defineProperty(StringDecoder.prototype, name, { get: accessors[name], configurable: true, enumerable: true });
}

export default { StringDecoder };
