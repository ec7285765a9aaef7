// structuredClone, by the HTML standard's StructuredSerialize and Deserialize in one pass: JavaScript's own types,
// errors, cycles, Blob and File, and the transfer of ArrayBuffers.
import * as host from 'switchyard:host';
import { isBlob } from './blob.js';
import { keyOf } from './crypto-key.js';
import { DOMException } from './errors.js';

const ERRORS = { __proto__: null, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
const PLAIN = new Set(['Object', null, undefined]); // kinds of an object that is just properties
const TYPED = Object.getPrototypeOf(Uint8Array);

function uncloneable(value) {
  const text = typeof value === 'symbol' || typeof value === 'function' ? String(value) : '#<Object>';
  return new DOMException(`${text} could not be cloned.`, 'DataCloneError');
}

class Cloner {
  constructor(transfer) {
    this.seen = new Map();
    this.transfer = transfer;
  }

  clone(value) {
    switch (typeof value) {
      case 'object':
        break;
      case 'symbol':
      case 'function':
        throw uncloneable(value);
      default:
        return value;
    }
    if (value === null) return null;
    const known = this.seen.get(value);
    if (known !== undefined) return known;
    if (Array.isArray(value)) {
      const copy = new Array(value.length);
      this.seen.set(value, copy);
      this.properties(value, copy);
      return copy;
    }
    const kind = host.kind(value);
    const copy = this.make(value, kind);
    this.seen.set(value, copy);
    this.fill(value, copy, kind);
    return copy;
  }

  make(value, kind) {
    if (ArrayBuffer.isView(value)) {
      const buffer = this.clone(value.buffer);
      if (!(value instanceof TYPED)) return new DataView(buffer, value.byteOffset, value.byteLength);
      return new globalThis[value[Symbol.toStringTag]](buffer, value.byteOffset, value.length);
    }
    if (isBlob(value)) return value; // its bytes never change
    if (keyOf(value) !== undefined) {
      throw new DOMException(
        'Could not serialize object of type "CryptoKey". This type does not support serialization.', 'DataCloneError');
    }
    switch (kind) {
      case 'ArrayBuffer':
        if (value.detached) throw detached();
        return value.slice(0);
      case 'Map':
        return new Map();
      case 'Set':
        return new Set();
      case 'Date':
        return new Date(value.getTime());
      case 'RegExp':
        return new RegExp(value.source, value.flags);
      case 'Number':
      case 'String':
      case 'Boolean':
      case 'BigInt':
        return Object(value.valueOf());
      case 'Error':
        return makeError(value);
      case 'DOMException':
        return new DOMException(value.message, value.name);
      case 'Object':
      case null:
      case undefined:
        break;
      default:
        throw uncloneable(value);
    }
    // An object of the platform, or with methods of its own class: only plain data goes over.
    if (value[Symbol.toStringTag] !== undefined && PLATFORM.has(value[Symbol.toStringTag])) throw uncloneable(value);
    return {};
  }

  fill(value, copy, kind) {
    if (kind === 'Map') {
      for (const [key, item] of [...value]) copy.set(this.clone(key), this.clone(item));
    } else if (kind === 'Set') {
      for (const item of [...value]) copy.add(this.clone(item));
    } else if (kind === 'Error') {
      const cause = Object.getOwnPropertyDescriptor(value, 'cause');
      if (cause !== undefined) hidden(copy, 'cause', this.clone(cause.value));
    } else if (copy !== value && PLAIN.has(kind) && !ArrayBuffer.isView(value)) {
      this.properties(value, copy);
    }
  }

  properties(value, copy) {
    for (const key of Object.keys(value)) copy[key] = this.clone(value[key]);
  }
}

// Objects that keep their state in private fields cannot be taken apart.
const PLATFORM = new Set(['Headers', 'Request', 'Response', 'ReadableStream', 'WritableStream', 'TransformStream',
  'AbortSignal', 'AbortController', 'URL', 'URLSearchParams', 'FormData', 'ExecutionContext', 'Fetcher', 'WeakMap',
  'WeakSet', 'WeakRef', 'Promise', 'Generator', 'AsyncGenerator']);

function detached() {
  return new DOMException('An ArrayBuffer is detached and could not be cloned.', 'DataCloneError');
}

function hidden(object, name, value) {
  Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: false });
}

function makeError(value) {
  const copy = new (ERRORS[value.name] ?? Error)(String(value.message));
  if (typeof value.stack === 'string') hidden(copy, 'stack', value.stack);
  return copy;
}

export function structuredClone(value, options = undefined) {
  if (arguments.length === 0) throw new TypeError("Failed to execute 'structuredClone': 1 argument required.");
  const transfer = [...(options?.transfer ?? [])];
  const cloner = new Cloner(transfer);
  for (const buffer of transfer) {
    if (!(buffer instanceof ArrayBuffer)) {
      throw new DOMException('Only ArrayBuffers can be transferred.', 'DataCloneError');
    }
    if (buffer.detached || cloner.seen.has(buffer)) {
      throw detached();
    }
    cloner.seen.set(buffer, buffer.slice(0));
  }
  const copy = cloner.clone(value);
  for (const buffer of transfer) host.detach(buffer);
  return copy;
}
