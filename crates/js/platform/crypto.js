// crypto: random values and UUIDs, and the way to SubtleCrypto and DigestStream (Web Cryptography).
import * as host from 'switchyard:host';
import { SYNC_RANDOM } from './abi.js';
import { DOMException, globalScopeError, tag } from './errors.js';
import { DigestStream } from './crypto-digest-stream.js';
import { notOfType, part, sizeOf } from './crypto-idl.js';
import { illegalInvocation } from './idl.js';
import { SubtleCrypto, subtle } from './crypto-subtle.js';

export { CryptoKey } from './crypto-key.js';
export { SubtleCrypto };

const { isView } = ArrayBuffer;
const { apply } = Reflect;
const setBytes = Uint8Array.prototype.set;
const INTEGERS = Object.assign(Object.create(null), Object.fromEntries([
  'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array',
  'BigInt64Array', 'BigUint64Array',
].map((name) => [name, true])));
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function random(length) {
  const bytes = host.sync(SYNC_RANDOM, length);
  if (bytes === undefined || bytes === null) throw globalScopeError();
  return bytes;
}

let made = false;

export class Crypto {
  #brand;

  constructor() {
    if (made) throw new TypeError('Illegal constructor');
    made = true;
  }

  static #check(crypto) {
    if (typeof crypto !== 'object' || crypto === null || !(#brand in crypto)) throw illegalInvocation();
  }

  get subtle() {
    Crypto.#check(this);
    return subtle;
  }

  getRandomValues(...args) {
    Crypto.#check(this);
    const array = args[0];
    if (!isView(array)) throw notOfType(['getRandomValues', 'Crypto'], 1, 'ArrayBufferView');
    if (!INTEGERS[host.kind(array)]) {
      throw new DOMException(
        'ArrayBufferView argument to getRandomValues() must be an integer-typed view.', 'TypeMismatchError');
    }
    const size = sizeOf(array);
    if (size > 65536) {
      throw new DOMException(
        `getRandomValues() only accepts buffers of size <= 64K but provided ${size} bytes.`, 'QuotaExceededError');
    }
    const bytes = random(size);
    if (size > 0) apply(setBytes, part(array, 0, size), [bytes]);
    return array;
  }

  randomUUID() {
    Crypto.#check(this);
    const bytes = random(16);
    bytes[6] = (bytes[6] & 0x0f) | 0x40; // version 4
    bytes[8] = (bytes[8] & 0x3f) | 0x80; // RFC 9562's variant
    let text = '';
    for (let i = 0; i < 16; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) text += '-';
      text += HEX[bytes[i]];
    }
    return text;
  }
}
tag(Crypto);
for (const name of ['subtle', 'getRandomValues', 'randomUUID']) {
  Reflect.defineProperty(Crypto.prototype, name, { enumerable: true });
}
Reflect.defineProperty(Crypto.prototype, 'DigestStream',
  { value: DigestStream, writable: true, enumerable: true, configurable: true });

export const crypto = new Crypto();
