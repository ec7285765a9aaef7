// TextEncoder and TextDecoder, by the Encoding standard. UTF-8 is the engine's own code; other encodings, and
// decoding in pieces, are the host's, with the state between pieces kept here as bytes.
import * as host from 'switchyard:host';
import { SYNC_DECODE, SYNC_ENCODING } from './abi.js';
import { isObject, notConstructed, notOfType, present, toText } from './idl.js';

export class TextEncoder {
  #made = true; // read first by every method: it says whose object it is

  get encoding() {
    this.#made;
    return 'utf-8';
  }

  encode(input = '') {
    this.#made;
    return host.utf8Encode(typeof input === 'string' ? input : toText(input));
  }

  encodeInto(source, destination) {
    this.#made;
    if (arguments.length === 0) throw notOfType('encodeInto', 'TextEncoder', 1, 'String');
    source = typeof source === 'string' ? source : toText(source);
    if (!(destination instanceof Uint8Array)) {
      throw notOfType('encodeInto', 'TextEncoder', 2, 'Uint8Array');
    }
    const bytes = host.utf8Encode(source);
    if (bytes.byteLength <= destination.byteLength) {
      destination.set(bytes);
      return { read: source.length, written: bytes.byteLength };
    }
    // Only whole characters: step back to where one begins.
    let written = destination.byteLength;
    while (written > 0 && (bytes[written] & 0xc0) === 0x80) written--;
    destination.set(bytes.subarray(0, written));
    let read = 0;
    for (let i = 0; i < written; i++) {
      const byte = bytes[i];
      if ((byte & 0xc0) !== 0x80) read += byte >= 0xf0 ? 2 : 1;
    }
    return { read, written };
  }
}
present(TextEncoder);

export function bytesOf(input) {
  if (input === undefined) return new Uint8Array(0);
  if (isObject(input) && ArrayBuffer.isView(input)) {
    if (input.buffer.detached) return new Uint8Array(0);
    return input instanceof Uint8Array ? input : new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  }
  if (input instanceof ArrayBuffer || input instanceof SharedArrayBuffer) return new Uint8Array(input);
  throw notOfType('decode', 'TextDecoder', 1, 'Array');
}

const FAILED = 'Failed to decode input.';
const PIECE = 1 << 19; // bytes the host decodes at once: it cannot be interrupted

export class TextDecoder {
  #encoding = 'utf-8';
  #fatal;
  #ignoreBOM;
  #state = null; // of the host's decoder, between pieces
  #within = false; // pieces have been decoded, more may come

  constructor(label = undefined, options = undefined) {
    if (options !== undefined && options !== null && !isObject(options)) {
      throw notConstructed('TextDecoder', 2, 'ConstructorOptions');
    }
    if (label !== undefined && label !== 'utf-8' && label !== 'utf8' && label !== 'UTF-8') {
      const name = host.sync(SYNC_ENCODING, (label = toText(label)));
      if (name === undefined || name === null || name === 'replacement') {
        throw new RangeError(`"${label}" is not a valid encoding.`);
      }
      this.#encoding = name;
    }
    this.#fatal = Boolean(options?.fatal);
    this.#ignoreBOM = Boolean(options?.ignoreBOM);
  }

  get encoding() {
    return this.#encoding;
  }

  get fatal() {
    return this.#fatal;
  }

  get ignoreBOM() {
    return this.#ignoreBOM;
  }

  decode(input = undefined, options = undefined) {
    const bytes = bytesOf(input);
    if (options !== undefined && options !== null && !isObject(options)) {
      throw notOfType('decode', 'TextDecoder', 2, 'DecodeOptions');
    }
    const stream = Boolean(options?.stream);
    if (!stream && !this.#within && this.#encoding === 'utf-8') {
      try {
        return host.utf8Decode(bytes, this.#fatal, this.#ignoreBOM);
      } catch {
        throw new TypeError(FAILED);
      }
    }
    const { buffer, byteOffset, byteLength } = bytes;
    if (byteLength <= PIECE) return this.#decode(bytes, stream);
    let text = '';
    let at = 0;
    for (; byteLength - at > PIECE; at += PIECE) text += this.#decode(new Uint8Array(buffer, byteOffset + at, PIECE), true);
    return text + this.#decode(new Uint8Array(buffer, byteOffset + at, byteLength - at), stream);
  }

  #decode(bytes, stream) {
    const answer = host.sync(
      SYNC_DECODE, this.#encoding, bytes, this.#fatal, this.#ignoreBOM, this.#within ? this.#state : null, stream);
    this.#within = false;
    this.#state = null;
    if (answer === undefined || answer === null) throw new TypeError(FAILED);
    if (stream) {
      this.#within = true;
      this.#state = answer[1];
    }
    return answer[0];
  }
}
present(TextDecoder);
