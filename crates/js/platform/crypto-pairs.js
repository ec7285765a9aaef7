// What all kinds of key pair share: import from PKCS #8, SubjectPublicKeyInfo and JWK, and export.
import { CRYPTO_EXPORT_DER, CRYPTO_EXPORT_JWK, CRYPTO_IMPORT_DER } from './abi.js';
import { refuse, sizeOf } from './crypto-idl.js';
import { PRIVATE, PUBLIC } from './crypto-key.js';
import { ask } from './crypto-run.js';
import { unrecognizedFormat, usagesOf } from './crypto-usages.js';

const ENCODED = 16384; // room for an encoded key: one of 16,384 bits takes 10 KB

const { toSorted } = Array.prototype;
const { apply } = Reflect;

const agrees = (name) => name === 'ECDH' || name === 'X25519';

// Public keys that agree have no usages.
const publicUsages = (name, allowed) => (name === 'ECDH' ? 0 : allowed & PUBLIC);

function checkJwkUse(name, jwk, list) {
  let use = 'sig';
  let first = 'sign';
  let second = 'verify';
  if (name === 'RSA-OAEP') [use, first, second] = ['enc', 'encrypt', 'wrapKey'];
  else if (agrees(name)) [use, first, second] = ['enc', 'unused', 'unused'];
  if (list.length > 0 && jwk.use !== undefined && jwk.use !== use) {
    refuse('DataError', 'Asymmetric "jwk" key import with usages requires a JSON Web Key with Public Key Use parameter ' +
      `"use" ("${jwk.use}") equal to "sig".`);
  }
  const ops = jwk.key_ops;
  if (ops === undefined) return;
  const seen = { __proto__: null };
  for (let i = 0; i < ops.length; i++) {
    if (seen[ops[i]]) {
      refuse('DataError', 'A JSON Web Key\'s Key Operations parameter ("key_ops") must not contain duplicates.');
    }
    seen[ops[i]] = true;
  }
  if (jwk.use !== undefined) checkConsistent(name, jwk, use, first, second);
  for (let i = 0; i < list.length; i++) {
    if (!seen[list[i]]) {
      refuse('DataError', 'All specified key usages must be present in the JSON Web Key\'s Key Operations parameter ' +
        '("key_ops").');
    }
  }
}

function checkConsistent(name, jwk, use, first, second) {
  if (jwk.use !== use) {
    refuse('DataError', `Asymmetric "jwk" import requires a JSON Web Key with Public Key Use "use" ("${jwk.use}") equal ` +
      `to "${use}".`);
  }
  const both = 'A JSON Web Key should have either a Public Key Use parameter ("use") or a Key Operations parameter ' +
    '("key_ops"); otherwise, the parameters must be consistent with each other. ';
  for (const op of apply(toSorted, jwk.key_ops, [])) {
    if (agrees(name)) {
      refuse('DataError', `${both}For public ${name} keys, there are no valid usages,so keys with a non-empty "key_ops" ` +
        'parameter are not allowed.');
    }
    if (op !== first && op !== second) {
      refuse('DataError', `${both}A Public Key Use for ${name} would allow a Key Operations array with only "${first}" ` +
        `and/or "${second}" values (not "${op}").`);
    }
  }
}

// { answer, type, usages }: what the host made of it. `readJwk` asks it for one in JWK.
export function importPair(name, format, data, list, allowed, readJwk) {
  if (format === 'jwk') {
    const type = data.d === undefined ? 'public' : 'private';
    const mask = type === 'private' ? allowed & PRIVATE : publicUsages(name, allowed);
    const usages = usagesOf(name, `import ${type}`, list, mask);
    if (type === 'private' && data.oth !== undefined) {
      refuse('NotSupportedError', 'Multi-prime private keys not supported.');
    }
    checkJwkUse(name, data, list);
    return { answer: readJwk(data), type, usages };
  }
  if (format !== 'spki' && format !== 'pkcs8') unrecognizedFormat(format);
  const type = format === 'spki' ? 'public' : 'private';
  const answer = ask(0, CRYPTO_IMPORT_DER, type === 'private', data);
  const mask = type === 'private' ? allowed & PRIVATE : publicUsages(name, allowed);
  return { answer, type, usages: usagesOf(name, `import ${type}`, list, mask) };
}

export function exportDer(key, format) {
  const wanted = format === 'spki' ? 'public' : 'private';
  if (key.type !== wanted) {
    refuse('InvalidAccessError', `Asymmetric ${format} export requires ${wanted} key (not "${key.type}").`);
  }
  return ask(ENCODED, CRYPTO_EXPORT_DER, key.kind, key.curve ?? null, wanted === 'private', key.bytes);
}

// The fields of its JWK, from the second on.
export function jwkFields(key) {
  return ask(0, CRYPTO_EXPORT_JWK, key.kind, key.curve ?? null, key.type === 'private', key.bytes);
}

export function noSuchExport(key, format) {
  refuse('InvalidAccessError', `Cannot export "${key.name}" in "${format}" format.`);
}

// The first bits of a shared secret.
export function firstBits(secret, bits) {
  const most = sizeOf(secret) * 8;
  const wanted = bits ?? most;
  if (wanted > most) {
    refuse('OperationError', `Derived key length (${wanted} bits) is too long (should be at most ${most} bits).`);
  }
  const bytes = new Uint8Array(secret, 0, Math.ceil(wanted / 8));
  if (wanted % 8 !== 0) bytes[bytes.length - 1] &= 0xff << (8 - (wanted % 8));
  return wanted === most ? secret : new Uint8Array(bytes).buffer;
}

