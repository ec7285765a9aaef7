// crypto.DigestStream: a writable stream whose `digest` is that of all bytes written. The digest under way is bytes in
// the guest, so one that is made by module code goes on in a handler.
import { CRYPTO_CRC, CRYPTO_HASH_FINISH, CRYPTO_HASH_UPDATE } from './abi.js';
import { tag } from './errors.js';
import {
  DIGEST, EMPTY, algorithm, hashBytes, hashNamed, isBuffer, lower, part, sizeOf,
} from './crypto-idl.js';
import { illegalInvocation } from './idl.js';
import { STATE } from './crypto-hash.js';
import { MOST_AT_ONCE, ask } from './crypto-run.js';
import { WritableStream } from './writable.js';
import * as host from 'switchyard:host';

const CHECKSUM = { __proto__: null, crc32: 4, crc32c: 4, crc64nvme: 8 };
const Promises = Promise;

// The bytes that came so far.
class Under {
  constructor(name) {
    const checksum = CHECKSUM[lower(name)];
    this.checksum = checksum !== undefined;
    this.name = this.checksum ? lower(name) : hashNamed(name);
    this.state = this.checksum ? ask(checksum, CRYPTO_CRC, this.name, EMPTY, EMPTY) : EMPTY;
    this.bytes = 0;
    this.ended = false;
  }

  update(source) {
    const size = sizeOf(source);
    for (let at = 0; at < size; at += MOST_AT_ONCE) {
      const piece = part(source, at, Math.min(MOST_AT_ONCE, size - at));
      this.state = this.checksum ? ask(CHECKSUM[this.name], CRYPTO_CRC, this.name, this.state, piece)
        : ask(STATE, CRYPTO_HASH_UPDATE, this.name, this.state, piece);
    }
    this.bytes += size;
  }

  finish() {
    return this.checksum ? this.state : ask(hashBytes(this.name), CRYPTO_HASH_FINISH, this.name, this.state, EMPTY);
  }
}

// A field of the stream that no script reaches. DigestStream is a function, as on workerd: its own prototype chain does
// not lead to WritableStream, only that of its instances does.
class Given {
  constructor(object) {
    return object;
  }
}

let partsOf;

class Parts extends Given {
  #parts;

  constructor(stream, parts) {
    super(stream);
    this.#parts = parts;
  }

  static {
    partsOf = (stream) => {
      if (typeof stream !== 'object' || stream === null || !(#parts in stream)) throw illegalInvocation();
      return stream.#parts;
    };
  }
}

const NOT_BYTES = 'DigestStream is a byte stream but received an object of non-ArrayBuffer/ArrayBufferView/string type ' +
  'on its writable side.';

export function DigestStream() {
  const construct = "Failed to construct 'DigestStream': ";
  if (new.target === undefined) {
    throw new TypeError(
      `${construct}Please use the 'new' operator, this object constructor cannot be called as a function.`);
  }
  if (arguments.length === 0) {
    throw new TypeError(`${construct}constructor parameter 1 is not of type 'string or HashAlgorithm'.`);
  }
  const under = new Under(algorithm(arguments[0], DIGEST).name);
  const parts = { under, digest: undefined, reject: undefined };
  let resolve;
  parts.digest = new Promises((yes, no) => {
    resolve = yes;
    parts.reject = no;
  });
  const sink = {
    write(chunk) {
      if (typeof chunk === 'string') under.update(host.utf8Encode(chunk));
      else if (isBuffer(chunk)) under.update(chunk);
      else throw new TypeError(NOT_BYTES);
    },
    close() {
      under.ended = true;
      resolve(under.finish());
    },
    abort(reason) {
      under.ended = true;
      parts.reject(reason);
    },
  };
  return new Parts(Reflect.construct(WritableStream, [sink], new.target), parts);
}

class Members {
  get digest() {
    return partsOf(this).digest;
  }

  get bytesWritten() {
    return BigInt(partsOf(this).under.bytes);
  }

  [Symbol.dispose]() {
    const { under, reject } = partsOf(this);
    if (under.ended) return;
    under.ended = true;
    reject(new TypeError('The DigestStream was disposed.'));
  }
}

const members = Object.getOwnPropertyDescriptors(Members.prototype);
members.digest.enumerable = members.bytesWritten.enumerable = true;
members.constructor.value = DigestStream;
DigestStream.prototype = Object.create(WritableStream.prototype, members);
Reflect.defineProperty(DigestStream, 'prototype', { writable: false });
tag(DigestStream);
