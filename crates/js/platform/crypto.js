// crypto: random values, UUIDs and digests (Web Cryptography). The host does the work; digests of large inputs
// go to its pool, small ones are answered at once.
import * as host from 'switchyard:host';
import { OP_DIGEST, SYNC_DIGEST, SYNC_RANDOM } from './abi.js';
import { DOMException, globalScopeError, tag } from './errors.js';
import { operation } from './ops.js';

const LARGE = 65536; // bytes; above, a digest is worth a hand-over to another thread

const ALGORITHMS = { __proto__: null, 'SHA-1': true, 'SHA-256': true, 'SHA-384': true, 'SHA-512': true, MD5: true };

function random(length) {
  const bytes = host.sync(SYNC_RANDOM, length);
  if (bytes === undefined || bytes === null) throw globalScopeError();
  return bytes;
}

function inputBytes(data) {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new TypeError(
    "Failed to execute 'digest' on 'SubtleCrypto': parameter 2 is not of type 'ArrayBuffer or ArrayBufferView'.");
}

export class SubtleCrypto {
  digest(algorithm, data) {
    try {
      const given = typeof algorithm === 'object' && algorithm !== null ? algorithm.name : algorithm;
      const name = `${given}`.toUpperCase();
      if (!ALGORITHMS[name]) {
        throw new DOMException(`Unrecognized or unimplemented digest algorithm "${given}".`, 'NotSupportedError');
      }
      const bytes = inputBytes(data);
      // Module code cannot wait for an operation.
      if (bytes.byteLength > LARGE && host.contextGet() !== undefined) {
        return operation(OP_DIGEST, name, bytes).then(bufferOf);
      }
      return Promise.resolve(bufferOf(host.sync(SYNC_DIGEST, name, bytes)));
    } catch (error) {
      return Promise.reject(error);
    }
  }
}
tag(SubtleCrypto);

function bufferOf(bytes) {
  if (bytes === undefined || bytes === null) {
    throw new DOMException('A digest in global scope takes at most 1 MiB.', 'OperationError');
  }
  return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
}

const INTEGERS = [
  'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array',
  'BigInt64Array', 'BigUint64Array',
];
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export class Crypto {
  #subtle = new SubtleCrypto();

  get subtle() {
    return this.#subtle;
  }

  getRandomValues(array) {
    this.#subtle;
    if (!ArrayBuffer.isView(array) || !INTEGERS.includes(array[Symbol.toStringTag])) {
      throw new DOMException(
        'ArrayBufferView argument to getRandomValues() must be an integer-typed view.', 'TypeMismatchError');
    }
    if (array.byteLength > 65536) {
      throw new DOMException(
        `getRandomValues() only accepts buffers of size <= 64K but provided ${array.byteLength} bytes.`,
        'QuotaExceededError');
    }
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength).set(random(array.byteLength));
    return array;
  }

  randomUUID() {
    this.#subtle;
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

export const crypto = new Crypto();
