// RSASSA-PKCS1-v1_5, RSA-PSS and RSA-OAEP.
import {
  CRYPTO_RSA_CIPHER, CRYPTO_RSA_GENERATE, CRYPTO_RSA_JWK, CRYPTO_RSA_SIGN, CRYPTO_RSA_VERIFY,
} from './abi.js';
import { EMPTY, copyOf, hashOf, part, refuse, sizeOf } from './crypto-idl.js';
import { PRIVATE, PUBLIC, USAGE, makeKey } from './crypto-key.js';
import { exportDer, importPair, jwkFields, noSuchExport } from './crypto-pairs.js';
import { MOST_AT_ONCE, ask, compute, computeLater } from './crypto-run.js';
import { exportedJwk, usagesOf } from './crypto-usages.js';

const SIGNING = USAGE.sign | USAGE.verify;
const CIPHER = USAGE.encrypt | USAGE.decrypt | USAGE.wrapKey | USAGE.unwrapKey;
const WIDE = 4096; // bits; beyond, a public operation takes long too
const { slice, startsWith } = String.prototype;
const { apply } = Reflect;

const allowed = (name) => (name === 'RSA-OAEP' ? CIPHER : SIGNING);

// A small number of any length, big endian; undefined: too large.
function exponentOf(bytes) {
  let value = 0;
  const all = part(bytes, 0, sizeOf(bytes));
  for (let i = 0; i < all.length; i++) {
    value = value * 256 + all[i];
    if (value > 0xffffffff) return undefined;
  }
  return value;
}

export function generateRsa(name, given, extractable, list) {
  const missing = (field) => new TypeError(`Missing field "${field}" in "algorithm".`);
  if (given.publicExponent === undefined) throw missing('publicExponent');
  if (given.hash === undefined) throw missing('hash');
  if (given.modulusLength === undefined) throw missing('modulusLength');
  const bits = given.modulusLength;
  if (bits <= 0) refuse('OperationError', `modulusLength must be greater than zero (requested ${bits}).`);
  const hash = hashOf(given);
  const usages = usagesOf(name, 'generate', list, allowed(name));
  if (bits % 8 !== 0 || bits < 256 || bits > 16384) {
    refuse('OperationError', `The modulus length must be a multiple of 8 and between 256 and 16k, but ${bits} was requested.`);
  }
  const exponent = exponentOf(given.publicExponent);
  if (exponent !== 3 && exponent !== 65537) {
    refuse('OperationError', `The "publicExponent" must be either 3 or 65537, but got ${
      exponent === undefined ? 'a number larger than 2^32' : exponent}.`);
  }
  if (bits % 128 !== 0) {
    refuse('OperationError', "Can't generate key: RSA key size is required to be a multiple of 128");
  }
  if ((usages & PRIVATE) === 0) noPrivateUsages();
  const known = { kind: 'RSA', hash, modulusLength: bits, exponent: copyOf(given.publicExponent) };
  return computeLater((answer) => ({
    publicKey: makeKey(name, 'public', true, usages & PUBLIC, answer[2], known),
    privateKey: makeKey(name, 'private', extractable, usages & PRIVATE, answer[1], known),
  }), CRYPTO_RSA_GENERATE, bits, known.exponent);
}

export function noPrivateUsages() {
  refuse('SyntaxError', 'Attempt to generate asymmetric keys with no valid private key usages.');
}

const JWK_HASH = {
  __proto__: null, RS1: 'SHA-1', RS256: 'SHA-256', RS384: 'SHA-384', RS512: 'SHA-512', PS1: 'SHA-1', PS256: 'SHA-256',
  PS384: 'SHA-384', PS512: 'SHA-512', 'RSA-OAEP': 'SHA-1', 'RSA-OAEP-256': 'SHA-256', 'RSA-OAEP-384': 'SHA-384',
  'RSA-OAEP-512': 'SHA-512',
};

function readJwk(jwk, name, given, hash) {
  if (jwk.kty !== 'RSA') {
    refuse('DataError', 'RSASSA-PKCS1-v1_5 "jwk" key import requires a JSON Web Key with Key Type parameter "kty" ' +
      `("${jwk.kty}") equal to "RSA".`);
  }
  if (jwk.alg !== undefined) {
    if (given.name !== name) refuse('NotSupportedError', `Unrecognized RSA variant "${given.name}".`);
    const named = JWK_HASH[jwk.alg];
    if (named === undefined) {
      refuse('NotSupportedError', `Unrecognized or unimplemented algorithm "${jwk.alg}" listed in JSON Web Key Algorithm ` +
        'parameter.');
    }
    if (named !== hash) {
      refuse('DataError', `JSON Web Key Algorithm parameter "alg" ("${jwk.alg}") does not match requested hash algorithm ` +
        `"${jwk.alg}".`);
    }
  }
  return ask(0, CRYPTO_RSA_JWK, jwk.n, jwk.e, jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi);
}

export function importRsa(name, format, data, given, extractable, list) {
  const hash = hashOf(given);
  const read = (jwk) => readJwk(jwk, name, given, hash);
  const { answer, type, usages } = importPair(name, format, data, list, allowed(name), read);
  if (answer[1] !== 'RSA') refuse('DataError', 'Input was not an RSA key.');
  const exponent = exponentOf(answer[5]);
  if (exponent === undefined) {
    refuse('OperationError', 'The "publicExponent" must be either 3 or 65537, but got a number larger than 2^32.');
  }
  return makeKey(name, type, extractable, usages, answer[3],
    { kind: 'RSA', hash, modulusLength: answer[4], exponent: answer[5] });
}

const PREFIX = { __proto__: null, 'RSASSA-PKCS1-v1_5': 'RS', 'RSA-PSS': 'PS', 'RSA-OAEP': 'RSA-OAEP-' };

export function exportRsa(key, format) {
  if (format === 'spki' || format === 'pkcs8') return exportDer(key, format);
  if (format !== 'jwk') noSuchExport(key, format);
  if (!apply(startsWith, key.hash, ['SHA'])) {
    refuse('NotSupportedError', `JWK export not supported for hash algorithm "${key.hash}".`);
  }
  const bits = apply(slice, key.hash, [4]);
  const alg = key.name === 'RSA-OAEP' && bits === '1' ? 'RSA-OAEP' : PREFIX[key.name] + bits;
  const fields = jwkFields(key);
  const told = (at) => fields[at] ?? undefined;
  return exportedJwk(key, { kty: 'RSA', alg, n: fields[1], e: fields[2], d: told(3), p: told(4), q: told(5), dp: told(6),
    dq: told(7), qi: told(8) });
}

// −1: PKCS #1 v1.5.
function saltOf(given, key, missing) {
  if (key.name !== 'RSA-PSS') return -1;
  const message = 'Failed to provide salt for RSA-PSS key operation which requires a salt';
  if (given.saltLength === undefined) {
    if (missing === 'DataError') refuse(missing, message);
    throw new TypeError(message);
  }
  if (given.saltLength < 0) {
    refuse('DataError', `SaltLength for RSA-PSS must be non-negative (provided ${given.saltLength}).`);
  }
  return given.saltLength;
}

export function signRsa(given, key, data, done) {
  if (key.type !== 'private') refuse('InvalidAccessError', 'Asymmetric signing requires a private key.');
  const salt = saltOf(given, key, 'DataError');
  return compute(true, done, key.modulusLength / 8 + 8, CRYPTO_RSA_SIGN, key.hash, key.bytes, salt, data);
}

export function verifyRsa(given, key, signature, data, done) {
  if (key.type !== 'public') refuse('InvalidAccessError', 'Asymmetric verification requires a public key.');
  const salt = saltOf(given, key, 'TypeError');
  const slow = key.modulusLength > WIDE || sizeOf(data) + sizeOf(signature) > MOST_AT_ONCE;
  return compute(slow, (flag) => done(new Uint8Array(flag)[0] === 1), 1, CRYPTO_RSA_VERIFY, key.hash, key.bytes, salt,
    signature, data);
}

export function oaep(encrypt, given, key, data, done) {
  if (encrypt ? key.type !== 'public' : key.type !== 'private') {
    refuse('InvalidAccessError', encrypt ? `Encryption/key wrapping only works with public keys, not "${key.type}".`
      : `Decryption/key unwrapping only works with private keys, not "${key.type}".`);
  }
  const slow = !encrypt || key.modulusLength > WIDE || sizeOf(data) + sizeOf(given.label ?? EMPTY) > MOST_AT_ONCE;
  return compute(slow, done, key.modulusLength / 8 + 8, CRYPTO_RSA_CIPHER, encrypt, key.hash, key.bytes,
    given.label ?? EMPTY, data);
}
