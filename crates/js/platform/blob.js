// Blob and File, by the File API: bytes in memory with a type. slice() shares the bytes, which never change.
import * as host from 'switchyard:host';
import { refuseGlobalScope } from './errors.js';
import { illegalInvocation, isObject, notConstructed, present, toInt, toNumber, toText } from './idl.js';
import { publicReadable } from './readable.js';
import { newByteStream } from './byte-controller.js';

const TOKEN = Symbol('bytes');

export let isBlob;
export let isFile;
export let blobType;
export let blobBytes; // (Blob) -> Uint8Array, not to be written to
export let fileOf; // (Blob, name) -> File of its bytes and type

export class Blob {
  #bytes;
  #type;

  constructor(parts = undefined, options = undefined) {
    if (parts === TOKEN) {
      this.#bytes = options.bytes;
      this.#type = options.type;
      return;
    }
    if (parts !== undefined && !Array.isArray(parts)) throw notConstructed('Blob', 1, 'Array');
    if (!isOptions(options)) throw notConstructed('Blob', 2, 'Options');
    this.#type = normalType(options?.type);
    refuseEndings(options);
    this.#bytes = parts === undefined ? new Uint8Array(0) : concatenate(parts);
  }

  static {
    blobType = (blob) => blob.#type;
    isBlob = (value) => typeof value === 'object' && value !== null && #bytes in value;
    blobBytes = (blob) => blob.#bytes;
  }

  static #of(value) {
    if (!isBlob(value)) throw illegalInvocation();
    return value;
  }

  get size() {
    return Blob.#of(this).#bytes.byteLength;
  }

  get type() {
    return Blob.#of(this).#type;
  }

  slice(start = undefined, end = undefined, type = undefined) {
    const bytes = Blob.#of(this).#bytes;
    const size = bytes.byteLength;
    const place = (value) => {
      value = toInt(value);
      return value < 0 ? Math.max(size + value, 0) : Math.min(value, size);
    };
    const from = start === undefined ? 0 : place(start);
    const to = end === undefined ? size : place(end);
    return new Blob(TOKEN, { bytes: bytes.subarray(from, Math.max(from, to)), type: normalType(type) });
  }

  arrayBuffer() {
    const bytes = Blob.#of(this).#bytes;
    return attempt(() => bytes.slice().buffer);
  }

  bytes() {
    const bytes = Blob.#of(this).#bytes;
    return attempt(() => bytes.slice());
  }

  text() {
    const bytes = Blob.#of(this).#bytes;
    return attempt(() => host.utf8Decode(bytes, false, true));
  }

  stream() {
    const bytes = Blob.#of(this).#bytes;
    refuseGlobalScope();
    const stream = newByteStream({
      pull(controller) {
        if (bytes.byteLength > 0) controller.enqueue(bytes.slice());
        controller.finish();
      },
    });
    stream.length = bytes.byteLength;
    return publicReadable(stream);
  }
}
present(Blob);

function attempt(convert) {
  try {
    return Promise.resolve(convert());
  } catch (error) {
    return Promise.reject(error);
  }
}

// The type as it is.
export function newBlob(bytes, type) {
  return new Blob(TOKEN, { bytes, type });
}

function isOptions(options) {
  return options === undefined || options === null || isObject(options);
}

function refuseEndings(options) {
  if (options?.endings !== undefined) throw new Error("The 'endings' field on 'Options' is not implemented.");
}

// Without characters that no type has, it would be another's: there is none then.
function normalType(type) {
  const text = type === undefined ? '' : toText(type);
  return /^[\x20-\x7f]*$/.test(text) ? text.toLowerCase() : '';
}

function concatenate(parts) {
  const pieces = [];
  let size = 0;
  for (const part of parts) {
    let piece;
    if (isBlob(part)) piece = blobBytes(part);
    else if (ArrayBuffer.isView(part)) piece = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    else if (part instanceof ArrayBuffer) piece = new Uint8Array(part);
    else piece = host.utf8Encode(typeof part === 'string' ? part : toText(part));
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

  constructor(parts = undefined, name = undefined, options = undefined) {
    if (parts === TOKEN) {
      super(TOKEN, options);
      this.#name = name;
      this.#lastModified = Date.now();
      return;
    }
    if (parts !== undefined && !Array.isArray(parts)) throw notConstructed('File', 1, 'Array');
    if (arguments.length < 2) throw notConstructed('File', 2, 'string');
    name = toText(name);
    if (!isOptions(options)) throw notConstructed('File', 3, 'Options');
    const type = normalType(options?.type);
    const lastModified = options?.lastModified;
    const time = lastModified === undefined ? Date.now() : toNumber(lastModified);
    refuseEndings(options);
    super(TOKEN, { bytes: concatenate(parts ?? []), type });
    this.#name = name;
    this.#lastModified = Number.isNaN(time) ? 0 : time;
  }

  static {
    isFile = (value) => typeof value === 'object' && value !== null && #name in value;
    fileOf = (blob, name) => new File(TOKEN, name, { bytes: blobBytes(blob), type: blobType(blob) });
  }

  static #of(value) {
    if (!isFile(value)) throw illegalInvocation();
    return value;
  }

  get name() {
    return File.#of(this).#name;
  }

  get lastModified() {
    return File.#of(this).#lastModified;
  }
}
present(File);

export function newFile(bytes, name, type) {
  return new File(TOKEN, name, { bytes, type });
}
