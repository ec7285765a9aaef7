// crypto.DigestStream: a writable stream whose `digest` is that of all bytes written. The digest under way is bytes in
// the guest, so one that is made by module code goes on in a handler.
import { CRYPTO_CRC, CRYPTO_HASH_FINISH, CRYPTO_HASH_UPDATE } from './abi.js';
import { tag } from './errors.js';
import { DIGEST, EMPTY, algorithm, hashBytes, hashNamed, isBuffer, part, sizeOf } from './crypto-idl.js';
import { STATE } from './crypto-hash.js';
import { MOST_AT_ONCE, ask } from './crypto-run.js';
import { WritableStream } from './writable.js';
import * as host from 'switchyard:host';

const CHECKSUM = { __proto__: null, crc32: 4, crc32c: 4, crc64nvme: 8 };
const Promises = Promise;

// The bytes that came so far.
class Under {
  constructor(name) {
    this.checksum = CHECKSUM[name] !== undefined;
    this.name = this.checksum ? name : hashNamed(name);
    this.state = this.checksum ? ask(CHECKSUM[name], CRYPTO_CRC, name, EMPTY, EMPTY) : EMPTY;
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

export class DigestStream extends WritableStream {
  #under;
  #digest;
  #reject;

  constructor(...args) {
    if (args.length === 0) {
      throw new TypeError(
        "Failed to construct 'DigestStream': constructor parameter 1 is not of type 'string or HashAlgorithm'.");
    }
    const under = new Under(algorithm(args[0], DIGEST).name);
    let resolve;
    let reject;
    const digest = new Promises((yes, no) => {
      resolve = yes;
      reject = no;
    });
    super({
      write(chunk) {
        if (typeof chunk === 'string') under.update(host.utf8Encode(chunk));
        else if (isBuffer(chunk)) under.update(chunk);
        else throw new TypeError('DigestStream is a byte stream but received an object of non-ArrayBuffer/ArrayBufferView/string type on its writable side.');
      },
      close() {
        under.ended = true;
        resolve(under.finish());
      },
      abort(reason) {
        under.ended = true;
        reject(reason);
      },
    });
    this.#under = under;
    this.#digest = digest;
    this.#reject = reject;
  }

  get digest() {
    return this.#digest;
  }

  get bytesWritten() {
    return BigInt(this.#under.bytes);
  }

  [Symbol.dispose]() {
    if (this.#under.ended) return;
    this.#under.ended = true;
    this.#reject(new TypeError('The DigestStream was disposed.'));
  }
}
tag(DigestStream);
for (const name of ['digest', 'bytesWritten']) Reflect.defineProperty(DigestStream.prototype, name, { enumerable: true });
