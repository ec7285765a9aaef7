// ECDSA and ECDH on the NIST curves, Ed25519 and X25519.
import {
  CRYPTO_ECDH, CRYPTO_ECDSA_SIGN, CRYPTO_ECDSA_VERIFY, CRYPTO_EC_GENERATE, CRYPTO_EC_JWK, CRYPTO_EC_RAW,
  CRYPTO_BASE64URL_DECODE, CRYPTO_ED25519_SIGN, CRYPTO_ED25519_VERIFY, CRYPTO_OKP_GENERATE, CRYPTO_OKP_PRIVATE,
  CRYPTO_X25519,
} from './abi.js';
import { copyOf, hashNamed, refuse, sizeOf } from './crypto-idl.js';
import { DERIVATION, PRIVATE, PUBLIC, USAGE, makeKey } from './crypto-key.js';
import { exportDer, firstBits, importPair, jwkFields, noSuchExport } from './crypto-pairs.js';
import { noPrivateUsages } from './crypto-rsa.js';
import { MOST_AT_ONCE, ask, compute } from './crypto-run.js';
import { exportedJwk, usagesOf } from './crypto-usages.js';

const SIGNING = USAGE.sign | USAGE.verify;
const FIELD = { __proto__: null, 'P-256': 32, 'P-384': 48, 'P-521': 66 };
const ALG = { __proto__: null, ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };
const { toUpperCase } = String.prototype;
const { apply } = Reflect;

function curveOf(given) {
  if (given.namedCurve === undefined) throw new TypeError('Missing field "namedCurve" in "algorithm".');
  const curve = apply(toUpperCase, given.namedCurve, []);
  if (FIELD[curve] === undefined) {
    refuse('NotSupportedError', `Unrecognized or unimplemented EC curve "${given.namedCurve}" requested.`);
  }
  return curve;
}

// Twice the same name where the old NODE-ED25519 is meant.
function okpCurve(name, given) {
  if (name !== 'NODE-ED25519') return undefined;
  if (given.namedCurve === undefined) throw new TypeError('Missing field "namedCurve" in "algorithm".');
  if (given.namedCurve !== name) refuse('NotSupportedError', `EDDSA curve "${given.namedCurve}" isn't supported.`);
  return name;
}

function pair(name, usages, extractable, known, privateBytes, publicBytes) {
  if ((usages & PRIVATE) === 0) noPrivateUsages();
  return {
    publicKey: makeKey(name, 'public', true, usages & PUBLIC, publicBytes, known),
    privateKey: makeKey(name, 'private', extractable, usages & PRIVATE, privateBytes, known),
  };
}

export function generateEc(name, given, extractable, list) {
  const usages = usagesOf(name, 'generate', list, name === 'ECDH' ? DERIVATION : SIGNING);
  const curve = curveOf(given);
  const answer = ask(0, CRYPTO_EC_GENERATE, curve);
  return pair(name, usages, extractable, { kind: 'EC', curve }, answer[1], answer[2]);
}

export function generateOkp(name, given, extractable, list) {
  const usages = usagesOf(name, 'generate', list, name === 'X25519' ? DERIVATION : SIGNING);
  const curve = okpCurve(name, given);
  const answer = ask(0, CRYPTO_OKP_GENERATE, name === 'X25519');
  return pair(name, usages, extractable, { kind: kindOf(name), curve }, answer[1], answer[2]);
}

const kindOf = (name) => (name === 'X25519' ? 'X25519' : 'Ed25519');

function readEcJwk(jwk, name, curve) {
  if (jwk.kty !== 'EC') {
    refuse('DataError', 'Elliptic curve "jwk" key import requires a JSON Web Key with Key Type parameter "kty" ' +
      `("${jwk.kty}") equal to "EC".`);
  }
  if (name === 'ECDSA' && jwk.alg !== undefined) {
    if (ALG[jwk.alg] === undefined) {
      refuse('NotSupportedError', `Unrecognized or unimplemented algorithm "${jwk.alg}" listed in JSON Web Key Algorithm ` +
        'parameter.');
    }
    if (ALG[jwk.alg] !== curve) {
      refuse('DataError', `JSON Web Key Algorithm parameter "alg" ("${jwk.alg}") does not match requested curve.`);
    }
  }
  return ask(0, CRYPTO_EC_JWK, curve, jwk.x, jwk.y, jwk.d);
}

export function importEc(name, format, data, given, extractable, list) {
  const curve = curveOf(given);
  const known = { kind: 'EC', curve };
  if (format === 'raw') {
    const usages = usagesOf(name, 'import public', list, name === 'ECDH' ? 0 : USAGE.verify);
    return makeKey(name, 'public', extractable, usages, ask(0, CRYPTO_EC_RAW, curve, data)[3], known);
  }
  const allowed = name === 'ECDH' ? DERIVATION : SIGNING;
  const read = (jwk) => readEcJwk(jwk, name, curve);
  const { answer, type, usages } = importPair(name, format, data, list, allowed, read);
  if (answer[1] !== 'EC') {
    refuse('DataError', name === 'ECDH' ? 'Input was not an EC public key nor a DH key.' : 'Input was not an EC key.');
  }
  if (answer[2] !== curve) {
    refuse('DataError', `"algorithm.namedCurve" "${given.namedCurve}"${name === 'ECDH' ? ',' : ''} does not match the curve ` +
      'specified by the input key data.');
  }
  return makeKey(name, type, extractable, usages, answer[3], known);
}

function okpField(text, message) {
  return new Uint8Array(ask(text === undefined ? 0 : text.length, CRYPTO_BASE64URL_DECODE, text, message));
}

function readOkpJwk(jwk, name) {
  const kind = kindOf(name);
  if (jwk.kty !== 'OKP') {
    refuse('DataError', `${kind} "jwk" key imports requires a JSON Web Key with Key Type parameter "kty" ("${jwk.kty}") ` +
      'equal to "OKP".');
  }
  if (jwk.crv === undefined) refuse('DataError', `Missing field "crv" for ${kind} key.`);
  if (jwk.crv !== kind) refuse('NotSupportedError', `Only ${kind} is supported but "${jwk.crv}" was requested.`);
  if (jwk.alg !== undefined && kind === 'Ed25519' && jwk.alg !== 'EdDSA') {
    refuse('DataError', `JSON Web Key Algorithm parameter "alg" ("${jwk.alg}") does not match requested Ed25519 curve.`);
  }
  const x = okpField(jwk.x, `Invalid ${jwk.crv} key in JSON WebKey; missing or invalid public key component ("x").`);
  if (sizeOf(x) !== 32) refuse('DataError', `Invalid length ${sizeOf(x)} for public key`);
  if (jwk.d === undefined) return [true, kind, null, x];
  const d = okpField(jwk.d, `Invalid ${kind} key in JSON Web Key; missing or invalid private key component ("d").`);
  if (sizeOf(d) !== 32) refuse('DataError', `Invalid length ${sizeOf(d)} for private key`);
  return [true, kind, null, new Uint8Array(ask(64, CRYPTO_OKP_PRIVATE, kind === 'X25519', d))];
}

export function importOkp(name, format, data, given, extractable, list) {
  const known = { kind: kindOf(name), curve: okpCurve(name, given) };
  if (format === 'raw') {
    const usages = usagesOf(name, 'import public', list, name === 'X25519' ? 0 : USAGE.verify);
    if (sizeOf(data) !== 32) {
      refuse('DataError', `${known.kind} raw keys must be exactly 32-bytes (provided ${sizeOf(data)}).`);
    }
    return makeKey(name, 'public', extractable, usages, copyOf(data), known);
  }
  const allowed = name === 'X25519' ? DERIVATION : SIGNING;
  const read = (jwk) => readOkpJwk(jwk, name);
  const { answer, type, usages } = importPair(name, format, data, list, allowed, read);
  if (answer[1] !== known.kind) refuse('DataError', `Input was not an ${known.kind} key.`);
  return makeKey(name, type, extractable, usages, answer[3], known);
}

function rawPublic(key, message) {
  if (key.type !== 'public') refuse('InvalidAccessError', message);
  return copyOf(key.bytes).buffer;
}

export function exportEc(key, format) {
  if (format === 'spki' || format === 'pkcs8') return exportDer(key, format);
  if (format === 'raw') return rawPublic(key, 'Raw export of elliptic curve keys is only allowed for public keys.');
  if (format !== 'jwk') noSuchExport(key, format);
  const fields = jwkFields(key);
  return exportedJwk(key, { kty: 'EC', crv: key.curve, x: fields[1], y: fields[2], d: fields[3] ?? undefined });
}

export function exportOkp(key, format) {
  if (format === 'spki' || format === 'pkcs8') return exportDer(key, format);
  if (format === 'raw') return rawPublic(key, `Raw export of ${key.name} keys is only allowed for public keys.`);
  if (format !== 'jwk') noSuchExport(key, format);
  const fields = jwkFields(key);
  const alg = key.name === 'Ed25519' ? 'EdDSA' : undefined;
  return exportedJwk(key, { kty: 'OKP', crv: key.kind, alg, x: fields[1], d: fields[3] ?? undefined });
}

function hashAtCall(given) {
  if (given.hash === undefined) {
    throw new TypeError('Missing "hash" in AlgorithmIdentifier. (ECDSA requires that the hash algorithm be specified at ' +
      'call time rather than on the key. This differs from other WebCrypto algorithms for historical reasons.)');
  }
  return hashNamed(given.hash);
}

const isTrue = (done) => (flag) => done(new Uint8Array(flag)[0] === 1);

export function signEcdsa(given, key, data, done) {
  if (key.type !== 'private') refuse('InvalidAccessError', 'Asymmetric signing requires a private key.');
  return compute(sizeOf(data) > MOST_AT_ONCE, done, 2 * FIELD[key.curve], CRYPTO_ECDSA_SIGN, hashAtCall(given), key.curve,
    key.bytes, data);
}

export function verifyEcdsa(given, key, signature, data, done) {
  if (key.type !== 'public') refuse('InvalidAccessError', 'Asymmetric verification requires a public key.');
  return compute(sizeOf(data) + sizeOf(signature) > MOST_AT_ONCE, isTrue(done), 1, CRYPTO_ECDSA_VERIFY, hashAtCall(given),
    key.curve, key.bytes, signature, data);
}

export function signEd25519(given, key, data, done) {
  if (key.type !== 'private') refuse('InvalidAccessError', 'Asymmetric signing requires a private key.');
  return compute(sizeOf(data) > MOST_AT_ONCE / 2, done, 64, CRYPTO_ED25519_SIGN, key.bytes, data);
}

export function verifyEd25519(given, key, signature, data, done) {
  if (key.type !== 'public') refuse('InvalidAccessError', 'Asymmetric verification requires a public key.');
  if (sizeOf(signature) !== 64) {
    refuse('OperationError', `Invalid ${key.name} signature length ${sizeOf(signature)}`);
  }
  return compute(sizeOf(data) > MOST_AT_ONCE / 2, isTrue(done), 1, CRYPTO_ED25519_VERIFY, key.bytes, signature, data);
}

function agreeing(given, key) {
  if (key.type !== 'private') {
    refuse('InvalidAccessError', `The deriveBits operation is only valid for a private key, not "${key.type}".`);
  }
  const other = given.public;
  if (other === undefined) throw new TypeError('Missing field "public" in "derivedKeyParams".');
  if (other.type !== 'public') {
    refuse('InvalidAccessError', `The provided key has type "${other.type}", not "public"`);
  }
  if (other.name !== key.name) {
    // Keys of named curves are of one sort on workerd, and told apart by their names.
    if ((other.curve === undefined) === (key.curve === undefined)) {
      refuse('InvalidAccessError', `Private key for derivation is using "${key.name}" while public key is using ` +
        `"${other.name}".`);
    }
    refuse('InvalidAccessError', `Base ${key.name} private key cannot be used to derive a key from a peer ${other.name} ` +
      'public key');
  }
  if (other.curve !== key.curve) {
    refuse('InvalidAccessError', `Private key for derivation is using curve "${key.curve}" while public key is using ` +
      `"${other.curve}".`);
  }
  return other;
}

export function deriveEcdh(given, key, bits, done) {
  const other = agreeing(given, key);
  return done(firstBits(ask(FIELD[key.curve], CRYPTO_ECDH, key.curve, key.bytes, other.bytes), bits));
}

export function deriveX25519(given, key, bits, done) {
  const other = agreeing(given, key);
  if (bits !== undefined && bits > 256) {
    refuse('OperationError', `Derived key length (${bits} bits) is too long (should be at most 256 bits).`);
  }
  return done(firstBits(ask(32, CRYPTO_X25519, key.bytes, other.bytes), bits));
}
