// Blob and File, by the File API: bytes in memory with a type. slice() shares the bytes, which never change.
import * as host from 'switchyard:host';
import { refuseGlobalScope, tag } from './errors.js';
import { publicReadable } from './readable.js';
import { newByteStream } from './byte-controller.js';

const TOKEN = Symbol('bytes');

export let isBlob;
export let blobBytes; // (Blob) -> Uint8Array, not to be written to

export class Blob {
  #bytes;
  #type;

  constructor(parts = undefined, options = undefined) {
    if (parts === TOKEN) {
      this.#bytes = options.bytes;
      this.#type = options.type;
      return;
    }
    this.#bytes = parts === undefined ? new Uint8Array(0) : concatenate(parts);
    this.#type = normalType(options?.type);
  }

  static {
    isBlob = (value) => typeof value === 'object' && value !== null && #bytes in value;
    blobBytes = (blob) => blob.#bytes;
  }

  get size() {
    return this.#bytes.byteLength;
  }

  get type() {
    return this.#type;
  }

  slice(start = 0, end = undefined, type = '') {
    const size = this.#bytes.byteLength;
    const place = (value) => {
      value = Math.trunc(Number(value)) || 0;
      return value < 0 ? Math.max(size + value, 0) : Math.min(value, size);
    };
    const from = place(start);
    const to = end === undefined ? size : place(end);
    return new Blob(TOKEN, { bytes: this.#bytes.subarray(from, Math.max(from, to)), type: normalType(type) });
  }

  text() {
    return attempt(() => host.utf8Decode(this.#bytes, false, false));
  }

  arrayBuffer() {
    return attempt(() => this.#bytes.slice().buffer);
  }

  bytes() {
    return attempt(() => this.#bytes.slice());
  }

  stream() {
    refuseGlobalScope();
    const bytes = this.#bytes;
    return publicReadable(newByteStream({
      pull(controller) {
        if (bytes.byteLength > 0) controller.enqueue(bytes.slice());
        controller.finish();
      },
    }));
  }
}
tag(Blob);

function attempt(convert) {
  try {
    return Promise.resolve(convert());
  } catch (error) {
    return Promise.reject(error);
  }
}

export function newBlob(bytes, type) {
  return new Blob(TOKEN, { bytes, type: normalType(type) });
}

function normalType(type) {
  const text = type === undefined ? '' : `${type}`;
  return /^[\x20-\x7e]*$/.test(text) ? text.toLowerCase() : '';
}

function concatenate(parts) {
  if (typeof parts !== 'object' || parts === null || typeof parts[Symbol.iterator] !== 'function') {
    throw new TypeError("Failed to construct 'Blob': parameter 1 is not of type 'Array'.");
  }
  const pieces = [];
  let size = 0;
  for (const part of parts) {
    let piece;
    if (isBlob(part)) piece = blobBytes(part);
    else if (ArrayBuffer.isView(part)) piece = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    else if (part instanceof ArrayBuffer) piece = new Uint8Array(part);
    else piece = host.utf8Encode(`${part}`);
    pieces.push(piece);
    size += piece.byteLength;
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

export class File extends Blob {
  #name;
  #lastModified;

  constructor(parts, name, options = undefined) {
    if (arguments.length < 2) throw new TypeError("Failed to construct 'File': 2 arguments required.");
    super(parts, options);
    this.#name = `${name}`.toWellFormed();
    this.#lastModified = options?.lastModified === undefined ? Date.now() : Math.trunc(Number(options.lastModified)) || 0;
  }

  get name() {
    return this.#name;
  }

  get lastModified() {
    return this.#lastModified;
  }
}
tag(File);
