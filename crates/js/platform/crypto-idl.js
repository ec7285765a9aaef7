// Arguments of Web Crypto as workerd converts them: dictionaries are read whole, in their order, before anything is
// done, and what does not fit is named in workerd's words.
import * as host from 'switchyard:host';
import { DOMException } from './errors.js';
import { keyOf } from './crypto-key.js';
import { notOfType as parameterNotOfType } from './idl.js';

const { isView } = ArrayBuffer;
const { isArray } = Array;
const { apply } = Reflect;
const TYPED = Object.getPrototypeOf(Uint8Array.prototype);
const getter = (prototype, name) => Object.getOwnPropertyDescriptor(prototype, name).get;
const typed = {
  buffer: getter(TYPED, 'buffer'), offset: getter(TYPED, 'byteOffset'), size: getter(TYPED, 'byteLength'),
};
const data = {
  buffer: getter(DataView.prototype, 'buffer'), offset: getter(DataView.prototype, 'byteOffset'),
  size: getter(DataView.prototype, 'byteLength'),
};
const bufferSize = getter(ArrayBuffer.prototype, 'byteLength');
const Bytes = Uint8Array;

export const EMPTY = new Bytes(0);

export function refuse(name, message) {
  throw new DOMException(message, name);
}

// `place`: method and class.
export function notOfType([method, owner], at, type) {
  return parameterNotOfType(method, owner, at, type);
}

export function isBuffer(value) {
  return isView(value) || host.kind(value) === 'ArrayBuffer' || host.kind(value) === 'SharedArrayBuffer';
}

export function sizeOf(source) {
  if (!isView(source)) return host.kind(source) === 'ArrayBuffer' ? apply(bufferSize, source, []) : source.byteLength;
  if (host.kind(source) !== 'DataView') return apply(typed.size, source, []);
  try {
    return apply(data.size, source, []);
  } catch {
    return 0; // detached
  }
}

// Part of a buffer source, without a copy.
export function part(source, from, length) {
  if (!isView(source)) return new Bytes(source, from, length);
  const of = host.kind(source) === 'DataView' ? data : typed;
  return new Bytes(apply(of.buffer, source, []), apply(of.offset, source, []) + from, length);
}

export function copyOf(source) {
  return sizeOf(source) === 0 ? EMPTY : new Bytes(part(source, 0, sizeOf(source)));
}

// Detached ones are as good as empty.
export function bufferArgument(args, at, place) {
  const source = args[at - 1];
  if (!isBuffer(source)) throw notOfType(place, at, 'BufferSource');
  return sizeOf(source) === 0 ? EMPTY : source;
}

export function textArgument(args, at, place) {
  if (args.length < at) throw notOfType(place, at, 'string');
  return `${args[at - 1]}`;
}

export function flagArgument(args, at, place) {
  if (args.length < at) throw notOfType(place, at, 'boolean');
  return !!args[at - 1];
}

export function keyArgument(args, at, place) {
  const key = keyOf(args[at - 1]);
  if (key === undefined) throw notOfType(place, at, 'CryptoKey');
  return key;
}

function texts(list) {
  const all = [];
  for (let i = 0; i < list.length; i++) all[i] = `${list[i]}`;
  return all;
}

export function textsArgument(args, at, place) {
  if (!isArray(args[at - 1])) throw notOfType(place, at, 'Array');
  return texts(args[at - 1]);
}

export function toInt(value) {
  const number = Math.trunc(+value);
  if (number !== number) return 0;
  if (number < -2147483648 || number > 2147483647) {
    throw new TypeError('Value out of range. Must be between -2147483648 and 2147483647 (inclusive).');
  }
  return number + 0;
}

const field = (name, struct, type) =>
  new TypeError(`Incorrect type for the '${name}' field on '${struct}': the provided value is not of type '${type}'.`);

const READ = {
  __proto__: null,
  text: (value) => `${value}`,
  flag: (value) => !!value,
  int: toInt,
  hash: (value) => algorithm(value, HASH).name,
  texts(value, name, struct) {
    if (!isArray(value)) throw field(name, struct, 'Array');
    return texts(value);
  },
  any: (value) => value,
  buffer(value, name, struct) {
    if (!isBuffer(value)) throw field(name, struct, 'BufferSource');
    return sizeOf(value) === 0 ? EMPTY : value;
  },
  key(value, name, struct) {
    const key = keyOf(value);
    if (key === undefined) throw field(name, struct, 'CryptoKey');
    return key;
  },
};

// Names and kinds of the optional fields after `first`, which is required and becomes text whatever it is.
const dictionary = (name, first, ...fields) => ({ name, first, fields });
const HASH = dictionary('HashAlgorithm', 'name');
export const DIGEST = HASH;
export const ENCRYPT = dictionary('EncryptAlgorithm', 'name', ['iv', 'buffer'], ['additionalData', 'buffer'],
  ['tagLength', 'int'], ['counter', 'buffer'], ['length', 'int'], ['label', 'buffer']);
export const SIGN = dictionary('SignAlgorithm', 'name', ['hash', 'hash'], ['dataLength', 'int'], ['saltLength', 'int']);
export const GENERATE = dictionary('GenerateKeyAlgorithm', 'name', ['hash', 'hash'], ['modulusLength', 'int'],
  ['publicExponent', 'buffer'], ['length', 'int'], ['namedCurve', 'text']);
export const IMPORT = dictionary('ImportKeyAlgorithm', 'name', ['hash', 'hash'], ['length', 'int'],
  ['namedCurve', 'text'], ['compressed', 'flag']);
export const DERIVE = dictionary('DeriveKeyAlgorithm', 'name', ['salt', 'buffer'], ['iterations', 'int'],
  ['hash', 'hash'], ['public', 'key'], ['info', 'buffer']);
export const JWK = dictionary('JsonWebKey', 'kty', ['use', 'text'], ['key_ops', 'texts'], ['alg', 'text'], ['ext', 'flag'],
  ['crv', 'text'], ['x', 'text'], ['y', 'text'], ['d', 'text'], ['n', 'text'], ['e', 'text'], ['p', 'text'], ['q', 'text'],
  ['dp', 'text'], ['dq', 'text'], ['qi', 'text'], ['oth', 'any'], ['k', 'text'], ['pub', 'text'], ['priv', 'text']);

function isObject(value) {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

export function struct(value, { name, first, fields }) {
  if (!isObject(value)) {
    throw new TypeError(`Cannot initialize N7workerd3api12SubtleCrypto${name.length}${name}E with required members ` +
      'from an undefined or null value.');
  }
  const read = { __proto__: null, [first]: `${value[first]}` };
  for (let i = 0; i < fields.length; i++) {
    const key = fields[i][0];
    const given = value[key];
    if (given !== undefined) read[key] = READ[fields[i][1]](given, key, name);
  }
  return read;
}

// A dictionary, or its name alone.
export function algorithm(value, shape) {
  if (value === undefined || value === null || isObject(value)) return struct(value, shape);
  return { __proto__: null, name: `${value}` };
}

export function algorithmArgument(args, at, place, shape) {
  if (args.length < at) throw notOfType(place, at, `string or ${shape.name}`);
  return algorithm(args[at - 1], shape);
}

const HASHES = ['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512', 'MD5'];
const HASH_BYTES = { __proto__: null, 'SHA-1': 20, 'SHA-256': 32, 'SHA-384': 48, 'SHA-512': 64, MD5: 16 };
const folded = Object.assign(Object.create(null), Object.fromEntries(HASHES.map((name) => [name.toLowerCase(), name])));
const { toLowerCase } = String.prototype;

export const lower = (text) => apply(toLowerCase, text, []);

export function hashNamed(name) {
  return folded[lower(name)] ??
    refuse('NotSupportedError', 'Unrecognized or unimplemented digest algorithm requested.');
}

// The hash that a dictionary must name.
export function hashOf(given, where = 'algorithm') {
  if (given.hash === undefined) throw new TypeError(`Missing field "hash" in "${where}".`);
  return hashNamed(given.hash);
}

export const hashBytes = (hash) => HASH_BYTES[hash];
export const blockBits = (hash) => (hash === 'SHA-384' || hash === 'SHA-512' ? 1024 : 512);
