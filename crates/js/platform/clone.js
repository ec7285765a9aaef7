// structuredClone, by the HTML standard's StructuredSerialize and Deserialize in one pass: JavaScript's own types,
// errors, cycles, Blob and File, and the transfer of ArrayBuffers.
import * as host from 'switchyard:host';
import { isOn } from './compatibility.js';
import { keyOf } from './crypto-key.js';
import { DOMException } from './errors.js';
import { isObject, notField, notOfType } from './idl.js';

const ERRORS = { __proto__: null, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };
const PLAIN = new Set(['Object', null, undefined]); // kinds of an object that is just properties
const TYPED = Object.getPrototypeOf(Uint8Array);

function refuse(message) {
  return new DOMException(message, 'DataCloneError');
}

// The engine's own objects are named as V8 names them.
function uncloneable(value, kind = undefined) {
  let text;
  if (typeof value === 'symbol') text = String(value);
  else if (typeof value === 'function') text = String(value).replace(/\{\s+\[native code\]\s+\}$/, '{ [native code] }');
  else if (value === globalThis) text = '#<ServiceWorkerGlobalScope>';
  else if (NAMED.has(kind)) text = `#<${kind}>`;
  else {
    const tag = toText(value);
    text = tag === '[object Object]' || tag === '[object Arguments]' ? '#<Object>' : tag;
  }
  return refuse(`${text} could not be cloned.`);
}

const NAMED = new Set(['WeakMap', 'WeakSet', 'WeakRef', 'Promise', 'FinalizationRegistry']);
const REFUSED = new Set([...NAMED, 'Generator', 'AsyncGenerator', 'Array Iterator', 'Map Iterator', 'Set Iterator',
  'String Iterator', 'RegExp String Iterator', 'Iterator Helper', 'Arguments', 'Symbol', 'Proxy']);

function toText(value) {
  return Reflect.apply(Object.prototype.toString, value, []);
}

const { getPrototypeOf } = Object;
let platform = null; // prototype of a class of the platform -> its name

// Told of the classes once the base is complete: their objects keep their state where no copy reaches it.
export function knowClasses(classes) {
  platform = new Map(Object.keys(classes).map((name) => [classes[name].prototype, name]));
}

function platformClass(value) {
  for (let at = getPrototypeOf(value); at !== null && at !== Object.prototype; at = getPrototypeOf(at)) {
    const name = platform.get(at);
    if (name !== undefined) return name;
  }
  return undefined;
}

const ONLY_RPC = new Set(['ReadableStream', 'WritableStream']);

// An object of the platform: some can be copied.
function clonePlatform(value, name) {
  if (name === 'Headers') return new globalThis.Headers(value);
  if (name === 'Request') return new globalThis.Request(value);
  if (name === 'Response') return value.clone();
  if (name === 'Blob') return value; // its bytes never change
  if (ONLY_RPC.has(name)) throw refuse(`${name} can only be serialized for RPC.`);
  if (name === 'AbortSignal') throw refuse('AbortSignal serialization is not enabled.');
  throw refuse(`Could not serialize object of type "${name}". This type does not support serialization.`);
}

class Cloner {
  constructor() {
    this.seen = new Map();
    this.unfilled = []; // [original, copy, kind]
    this.whole = false; // what was just made wants nothing more
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
    if (host.proxyParts(value) !== undefined) throw refuse(`${Array.isArray(value) ? '[object Object]' : '#<Object>'} could not be cloned.`);
    if (Array.isArray(value)) {
      const copy = new Array(value.length);
      this.seen.set(value, copy);
      this.unfilled.push([value, copy, null]);
      return copy;
    }
    const kind = host.kind(value);
    const copy = this.make(value, kind);
    this.seen.set(value, copy);
    if (this.whole) this.whole = false;
    else this.unfilled.push([value, copy, kind]);
    return copy;
  }

  // Copies whose contents are still missing get them here, not within each other: depth costs no stack.
  all(value) {
    const whole = this.clone(value);
    for (let next = this.unfilled.pop(); next !== undefined; next = this.unfilled.pop()) this.fill(...next);
    return whole;
  }

  make(value, kind) {
    if (ArrayBuffer.isView(value)) {
      const buffer = this.clone(value.buffer);
      if (!(value instanceof TYPED)) return new DataView(buffer, value.byteOffset, value.byteLength);
      return new globalThis[value[Symbol.toStringTag]](buffer, value.byteOffset, value.length);
    }
    if (REFUSED.has(kind) || value === globalThis) throw uncloneable(value, kind);
    let name = platformClass(value);
    if (name === 'CryptoKey' && keyOf(value) === undefined) name = undefined; // it only inherits
    if (name !== undefined) {
      const copy = name === 'DOMException' ? cloneException(value) : clonePlatform(value, name);
      this.whole = true;
      return copy;
    }
    switch (kind) {
      case 'ArrayBuffer':
        if (value.detached) throw detached();
        if (value.resizable) return resizable(value);
        return value.slice(0);
      case 'SharedArrayBuffer':
        return value; // both sides see the same bytes
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
      case 'Object':
      case null:
      case undefined:
        break;
      default:
        throw uncloneable(value, kind);
    }
    return {};
  }

  fill(value, copy, kind) {
    if (kind === 'Map') {
      for (const [key, item] of [...value]) copy.set(this.clone(key), this.clone(item));
    } else if (kind === 'Set') {
      for (const item of [...value]) copy.add(this.clone(item));
    } else if (kind === 'Error' && isOn('enhanced_error_serialization')) {
      this.errorProperties(value, copy);
    } else if (kind === 'Error') {
      const cause = Object.getOwnPropertyDescriptor(value, 'cause');
      if (cause !== undefined) hidden(copy, 'cause', this.clone(cause.value));
    } else if (copy !== value && PLAIN.has(kind) && !ArrayBuffer.isView(value)) {
      this.properties(value, copy);
    }
  }

  // As newer Workers have it: all that an error has of its own, and its name where no class of the language has it.
  errorProperties(value, copy) {
    const set = (key, item) =>
      Object.defineProperty(copy, key, { value: item, writable: true, enumerable: true, configurable: true });
    if (Object.hasOwn(value, 'stack')) set('stack', this.clone(value.stack));
    if (errorClass(value.name) === Error && value.name !== 'Error') set('name', this.clone(value.name));
    for (const key of Object.getOwnPropertyNames(value)) {
      if (key !== 'stack' && key !== 'name' && key !== 'message') set(key, this.clone(value[key]));
    }
  }

  properties(value, copy) {
    const keys = Object.keys(value);
    for (const key of keys) {
      if (!Object.hasOwn(value, key)) continue; // a getter took it away
      const item = this.clone(value[key]);
      if (key === '__proto__') Object.defineProperty(copy, key, { value: item, writable: true, enumerable: true, configurable: true });
      else copy[key] = item;
    }
  }
}

function resizable(buffer) {
  const copy = new ArrayBuffer(buffer.byteLength, { maxByteLength: buffer.maxByteLength });
  new Uint8Array(copy).set(new Uint8Array(buffer));
  return copy;
}

function detached() {
  return new DOMException('An ArrayBuffer is detached and could not be cloned.', 'DataCloneError');
}

function hidden(object, name, value) {
  Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: false });
}

function cloneException(value) {
  const copy = new DOMException(value.message, value.name);
  copy.stack = value.stack;
  return copy;
}

function errorClass(name) {
  if (typeof name !== 'string') return Error;
  const more = { __proto__: null, AggregateError, SuppressedError };
  return ERRORS[name] ?? (isOn('enhanced_error_serialization') ? more[name] : undefined) ?? Error;
}

function makeEnhanced(value) {
  const { message } = value;
  if (message !== undefined && typeof message !== 'string') {
    throw refuse('Deserialization failed: error message is not a string');
  }
  const Made = errorClass(value.name);
  const copy = Made === AggregateError ? new Made([]) : new Made();
  for (const key of ['errors', 'error', 'suppressed']) delete copy[key];
  hidden(copy, 'message', message ?? '');
  return copy;
}

function makeError(value) {
  if (isOn('enhanced_error_serialization')) return makeEnhanced(value);
  const Made = ERRORS[value.name] ?? Error;
  const message = Object.getOwnPropertyDescriptor(value, 'message');
  const copy = message === undefined ? new Made() : new Made(String(value.message));
  const { stack } = value;
  if (typeof stack === 'string') hidden(copy, 'stack', stack);
  else delete copy.stack;
  return copy;
}

function transferred(options) {
  if (options === undefined || options === null) return [];
  if (!isObject(options)) throw notOfType('structuredClone', 'ServiceWorkerGlobalScope', 2, 'StructuredCloneOptions');
  const { transfer } = options;
  if (transfer === undefined) return [];
  if (!Array.isArray(transfer)) throw notField('transfer', 'StructuredCloneOptions', 'Array');
  return [...transfer].map((item) => {
    if (isObject(item) && ArrayBuffer.isView(item)) item = item.buffer;
    if (!isObject(item) || host.kind(item) !== 'ArrayBuffer') throw new TypeError('Object is not transferable');
    return item;
  });
}

export function structuredClone(value, options = undefined) {
  if (arguments.length === 0) throw notOfType('structuredClone', 'ServiceWorkerGlobalScope', 1, 'Value');
  const transfer = transferred(options).filter((buffer) => !buffer.detached);
  const cloner = new Cloner();
  for (const buffer of transfer) cloner.seen.set(buffer, buffer.resizable ? resizable(buffer) : buffer.slice(0));
  const copy = cloner.all(value);
  for (const buffer of transfer) if (!buffer.detached) host.detach(buffer);
  return copy;
}
