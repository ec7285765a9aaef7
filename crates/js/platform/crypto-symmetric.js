// AES and HMAC keys: made, imported, exported, used.
import * as host from 'switchyard:host';
import { CRYPTO_AES, CRYPTO_AES_WRAP, CRYPTO_BASE64URL, CRYPTO_BASE64URL_DECODE, CRYPTO_EQUAL, SYNC_RANDOM } from './abi.js';
import { globalScopeError } from './errors.js';
import { hmac } from './crypto-hash.js';
import { EMPTY, blockBits, copyOf, hashOf, part, refuse, sizeOf } from './crypto-idl.js';
import { USAGE, makeKey } from './crypto-key.js';
import { MOST_AT_ONCE, ask, compute } from './crypto-run.js';
import { exportedJwk, unrecognizedFormat, usagesOf } from './crypto-usages.js';

const SIGNING = USAGE.sign | USAGE.verify;
const CIPHER = USAGE.encrypt | USAGE.decrypt | USAGE.wrapKey | USAGE.unwrapKey;
const WRAPPING = USAGE.wrapKey | USAGE.unwrapKey;
const { slice, startsWith } = String.prototype;
const { apply } = Reflect;
const Bytes = Uint8Array;

const mode = (name) => apply(slice, name, [4]);

function randomBytes(length) {
  if (length <= 65536) return host.sync(SYNC_RANDOM, length) ?? notRandom();
  const all = new Bytes(length);
  for (let at = 0; at < length; at += 65536) {
    const some = host.sync(SYNC_RANDOM, Math.min(65536, length - at)) ?? notRandom();
    for (let i = 0; i < some.length; i++) all[at + i] = some[i];
  }
  return all;
}

function notRandom() {
  throw globalScopeError();
}

function checkAesBits(bits, verb) {
  if (bits !== 128 && bits !== 192 && bits !== 256) {
    refuse(verb === 'Imported' ? 'DataError' : 'OperationError',
      verb === 'Imported' ? `Imported AES key length must be 128, 192, or 256 bits but provided ${bits}.`
        : `Generated AES key length must be 128, 192, or 256 bits but requested ${bits}.`);
  }
}

export function generateAes(name, given, extractable, list) {
  const usages = usagesOf(name, 'generate', list, name === 'AES-KW' ? WRAPPING : CIPHER);
  if (given.length === undefined) throw new TypeError('Missing field "length" in "algorithm".');
  checkAesBits(given.length, 'Generated');
  return makeKey(name, 'secret', extractable, usages, randomBytes(given.length / 8), { length: given.length });
}

function fromJwkText(text, message) {
  return new Bytes(ask(text === undefined ? 0 : text.length, CRYPTO_BASE64URL_DECODE, text, message));
}

function aesFromJwk(name, jwk, extractable, list) {
  if (jwk.kty !== 'oct') {
    refuse('DataError', 'Symmetric "jwk" key import requires a JSON Web Key with Key Type parameter "kty" equal to ' +
      `"oct" (encountered "${jwk.kty}").`);
  }
  const bytes = fromJwkText(jwk.k, 'Symmetric "jwk" key import requires a base64Url encoding of the key.');
  const bits = sizeOf(bytes) * 8;
  checkAesBits(bits, 'Imported');
  const expected = `A${bits}${mode(name)}`;
  if (jwk.alg !== undefined && jwk.alg !== expected) {
    refuse('DataError', `Symmetric "jwk" key contains invalid "alg" value "${jwk.alg}", expected "${expected}".`);
  }
  if (list.length !== 0 && jwk.use !== undefined && jwk.use !== 'enc') {
    refuse('DataError', `Symmetric "jwk" key must have a "use" of "enc", not "${jwk.use}".`);
  }
  if (jwk.key_ops !== undefined) {
    const seen = { __proto__: null };
    for (let i = 0; i < jwk.key_ops.length; i++) {
      if (seen[jwk.key_ops[i]]) {
        refuse('DataError', `Symmetric "jwk" key contains duplicate value "${jwk.key_ops[i]}", in "key_op".`);
      }
      seen[jwk.key_ops[i]] = true;
    }
    for (let i = 0; i < list.length; i++) {
      if (!seen[list[i]]) refuse('DataError', `"jwk" key missing usage "${list[i]}", in "key_ops".`);
    }
  }
  return bytes;
}

export function importAes(name, format, data, given, extractable, list) {
  const usages = usagesOf(name, 'import secret', list, name === 'AES-KW' ? WRAPPING : CIPHER);
  let bytes;
  if (format === 'raw') bytes = copyOf(data);
  else if (format === 'jwk') bytes = aesFromJwk(name, data, extractable, list);
  else unrecognizedFormat(format);
  const length = sizeOf(bytes) * 8;
  checkAesBits(length, 'Imported');
  return makeKey(name, 'secret', extractable, usages, bytes, { length });
}

function keyText(key) {
  return ask(0, CRYPTO_BASE64URL, key.bytes)[1];
}

export function exportAes(key, format) {
  if (format === 'raw') return copyOf(key.bytes).buffer;
  if (format !== 'jwk') {
    refuse('NotSupportedError', `${key.name} key only supports exporting "raw", "raw-secret" & "jwk", not "${format}".`);
  }
  return exportedJwk(key, { kty: 'oct', alg: `A${key.length}${mode(key.name)}`, k: keyText(key) });
}

function tagBits(given) {
  const bits = given.tagLength ?? 128;
  switch (bits) {
    case 32: case 64: case 96: case 104: case 112: case 120: case 128:
      return bits;
  }
  refuse('OperationError', `Invalid AES-GCM tag length ${bits}.`);
}

function gcm(encrypt, given, key, data, done) {
  if (given.iv === undefined) throw new TypeError('Missing field "iv" in "algorithm".');
  if (sizeOf(given.iv) === 0) refuse('OperationError', 'AES-GCM IV must not be empty.');
  const bits = tagBits(given);
  const size = sizeOf(data);
  if (!encrypt && size < bits / 8) {
    refuse('OperationError', `Ciphertext length of ${size * 8} bits must be greater than or equal to the size of the ` +
      `AES-GCM tag length of ${bits} bits.`);
  }
  const additional = given.additionalData ?? EMPTY;
  const slow = size + sizeOf(additional) + sizeOf(given.iv) > MOST_AT_ONCE;
  const room = encrypt ? size + bits / 8 : size - bits / 8;
  return compute(slow, done, room, CRYPTO_AES, 'AES-GCM', encrypt, key.bytes, given.iv, additional, bits, data);
}

function cbc(encrypt, given, key, data, done) {
  if (given.iv === undefined) throw new TypeError('Missing field "iv" in "algorithm".');
  const size = sizeOf(given.iv);
  if (size !== 16) {
    refuse('OperationError', `AES-CBC IV must be 16 bytes long (provided ${size}${encrypt ? ' bytes' : ''}).`);
  }
  return compute(sizeOf(data) > MOST_AT_ONCE, done, sizeOf(data) + 16, CRYPTO_AES, 'AES-CBC', encrypt, key.bytes, given.iv,
    EMPTY, 0, data);
}

function ctr(encrypt, given, key, data, done) {
  if (given.counter === undefined) throw new TypeError('Missing "counter" member in "algorithm".');
  const size = sizeOf(given.counter);
  if (size !== 16) refuse('OperationError', `Counter must have length of 16 bytes (provided ${size}).`);
  if (given.length === undefined) throw new TypeError('Missing "length" member in "algorithm".');
  if (given.length <= 0 || given.length > 128) {
    refuse('OperationError', `Invalid counter of ${given.length} bits length provided.`);
  }
  return compute(sizeOf(data) > MOST_AT_ONCE, done, sizeOf(data), CRYPTO_AES, 'AES-CTR', encrypt, key.bytes, given.counter,
    EMPTY, given.length, data);
}

export const CIPHERS = { __proto__: null, 'AES-GCM': gcm, 'AES-CBC': cbc, 'AES-CTR': ctr };

export function wrapKw(wrap, key, data, done) {
  const size = sizeOf(data);
  if (wrap) {
    if (size % 8 !== 0) {
      refuse('OperationError', 'Unwrapped key bit length must be a multiple of 64 bits but unwrapped key has a length of ' +
        `${size * 8} bits.`);
    }
    if (size < 16) {
      refuse('OperationError', `Unwrapped key has length ${size} bytes but it should be greater than or equal to 16 and ` +
        'less than or equal to 18446744073709551607');
    }
  } else if (size % 8 !== 0) {
    refuse('OperationError', `Provided a wrapped key to unwrap that is ${size * 8} bits which isn't a multiple of 64 bits.`);
  } else if (size < 24) {
    refuse('OperationError', `Provided a wrapped key to unwrap this is ${size * 8} bits that is less than the minimal ` +
      'length of 192 bits.');
  }
  return compute(size > 65536, done, wrap ? size + 8 : size - 8, CRYPTO_AES_WRAP, wrap, key.bytes, data);
}

// Bits beyond the key's length are zero.
function trimmed(bytes, bits) {
  const last = bits - (sizeOf(bytes) * 8 - 8);
  if (last > 0 && last < 8) bytes[sizeOf(bytes) - 1] &= (0xff00 >> last) & 0xff;
  return bytes;
}

export function generateHmac(name, given, extractable, list) {
  const hash = hashOf(given);
  const usages = usagesOf(name, 'generate', list, SIGNING);
  const length = given.length ?? blockBits(hash);
  if (length <= 0) {
    refuse('OperationError', `HMAC key length must be a non-zero unsigned long integer (requested ${length}).`);
  }
  const bytes = trimmed(randomBytes(Math.ceil(length / 8)), length);
  return makeKey(name, 'secret', extractable, usages, bytes, { hash, length: length & 0xffff });
}

function hmacFromJwk(jwk, given) {
  if (jwk.kty !== 'oct') {
    refuse('DataError', 'HMAC "jwk" key import requires a JSON Web Key with Key Type parameter ("kty") equal to "oct" ' +
      `(encountered "${jwk.kty}").`);
  }
  const bytes = fromJwkText(jwk.k, 'HMAC "jwk" key import requires a base64Url encoding of the key');
  if (jwk.alg !== undefined) {
    if (!apply(startsWith, given.hash, ['SHA-'])) {
      refuse('NotSupportedError', `Unrecognized or unimplemented hash algorithm requested${jwk.alg}`);
    }
    const expected = `HS${apply(slice, given.hash, [4])}`;
    if (jwk.alg !== expected) {
      refuse('DataError', 'HMAC "jwk" key import specifies "alg" that is incompatible with the hash name (encountered ' +
        `"${jwk.alg}", expected "${expected}").`);
    }
  }
  return bytes;
}

export function importHmac(name, format, data, given, extractable, list) {
  const usages = usagesOf(name, 'import secret', list, SIGNING);
  if (given.hash === undefined) throw new TypeError('Missing field "hash" in "algorithm".');
  let bytes;
  if (format === 'raw') bytes = copyOf(data);
  else if (format === 'jwk') bytes = hmacFromJwk(data, given);
  else unrecognizedFormat(format);
  const bits = sizeOf(bytes) * 8;
  const length = given.length ?? bits;
  if (length === 0 || length > bits || length <= bits - 8) {
    refuse('DataError', `Imported HMAC key length (${length}) must be a non-zero value up to 7 bits less than, and no ` +
      `greater than, the bit length of the raw key data (${bits}).`);
  }
  const hash = hashOf(given);
  return makeKey(name, 'secret', extractable, usages, trimmed(bytes, length), { hash, length: length & 0xffff });
}

export function exportHmac(key, format) {
  if (format === 'raw') return copyOf(key.bytes).buffer;
  if (format !== 'jwk') refuse('NotSupportedError', `Unimplemented key export format "${format}".`);
  if (!apply(startsWith, key.hash, ['SHA-'])) {
    refuse('NotSupportedError', `Unimplemented JWK key export format for key algorithm "${key.hash}".`);
  }
  return exportedJwk(key, { kty: 'oct', alg: `HS${apply(slice, key.hash, [4])}`, k: keyText(key) });
}

export function signHmac(given, key, data, done) {
  return done(hmac(key.hash, key.bytes, data));
}

// Of the same length.
export function equalBytes(a, b) {
  const size = sizeOf(a);
  let equal = true;
  for (let at = 0; at < size; at += MOST_AT_ONCE / 2) {
    const length = Math.min(MOST_AT_ONCE / 2, size - at);
    const flag = new Bytes(ask(1, CRYPTO_EQUAL, part(a, at, length), part(b, at, length)));
    equal = flag[0] === 1 && equal;
  }
  return equal;
}

export function verifyHmac(given, key, signature, data, done) {
  const tag = hmac(key.hash, key.bytes, data);
  return done(sizeOf(tag) === sizeOf(signature) && equalBytes(tag, signature));
}
