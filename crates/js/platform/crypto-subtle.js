// SubtleCrypto: which algorithm does what. Arguments are converted in their order, then the key is checked, then its
// algorithm does the work.
import * as host from 'switchyard:host';
import { CRYPTO_BASE64URL_DECODE } from './abi.js';
import { tag } from './errors.js';
import {
  deriveEcdh, deriveX25519, exportEc, exportOkp, generateEc, generateOkp, importEc, importOkp, signEcdsa, signEd25519,
  verifyEcdsa, verifyEd25519,
} from './crypto-ec.js';
import { digest } from './crypto-hash.js';
import {
  DERIVE, DIGEST, EMPTY, ENCRYPT, GENERATE, IMPORT, JWK, SIGN, algorithm, algorithmArgument, blockBits, bufferArgument,
  flagArgument, hashNamed, isBuffer, keyArgument, lower, notOfType, refuse, sizeOf, struct,
  textArgument, textsArgument, toInt,
} from './crypto-idl.js';
import { illegalInvocation } from './idl.js';
import { USAGE } from './crypto-key.js';
import { deriveHkdf, derivePbkdf2, importKdf } from './crypto-kdf.js';
import { exportRsa, generateRsa, importRsa, oaep, signRsa, verifyRsa } from './crypto-rsa.js';
import { ask, promised } from './crypto-run.js';
import {
  CIPHERS, equalBytes, exportAes, exportHmac, generateAes, generateHmac, importAes, importHmac, signHmac, verifyHmac,
  wrapKw,
} from './crypto-symmetric.js';

const AES = { generate: generateAes, import: importAes, export: exportAes };
const KDF = { import: importKdf };
const RSA = { generate: generateRsa, import: importRsa, export: exportRsa };
const EC = { generate: generateEc, import: importEc, export: exportEc };
const OKP = { generate: generateOkp, import: importOkp, export: exportOkp };
const ALGORITHMS = {
  __proto__: null,
  'AES-CTR': AES,
  'AES-CBC': AES,
  'AES-GCM': AES,
  'AES-KW': AES,
  HMAC: { generate: generateHmac, import: importHmac, export: exportHmac, sign: signHmac, verify: verifyHmac },
  PBKDF2: { ...KDF, derive: derivePbkdf2 },
  HKDF: { ...KDF, derive: deriveHkdf },
  'RSASSA-PKCS1-v1_5': { ...RSA, sign: signRsa, verify: verifyRsa },
  'RSA-PSS': { ...RSA, sign: signRsa, verify: verifyRsa },
  'RSA-OAEP': RSA,
  ECDSA: { ...EC, sign: signEcdsa, verify: verifyEcdsa },
  ECDH: { ...EC, derive: deriveEcdh },
  'NODE-ED25519': { ...OKP, sign: signEd25519, verify: verifyEd25519 },
  Ed25519: { ...OKP, sign: signEd25519, verify: verifyEd25519 },
  X25519: { ...OKP, derive: deriveX25519 },
};
const NAMES = Object.assign(Object.create(null),
  Object.fromEntries(Object.keys(ALGORITHMS).map((name) => [name.toLowerCase(), name])));

const same = (value) => value;
const parse = JSON.parse;
const stringify = JSON.stringify;
const utf8 = (text) => host.utf8Encode(text);

function checkUse(key, requested, usage) {
  if (lower(requested) !== lower(key.name)) {
    refuse('InvalidAccessError', `Requested algorithm "${requested}" does not match this CryptoKey's algorithm "${key.name}".`);
  }
  if ((key.usages & USAGE[usage]) === 0) {
    refuse('InvalidAccessError', `Requested key usage "${usage}" does not match any usage listed in this CryptoKey.`);
  }
}

function cipher(encrypt, given, key, data, done) {
  const run = CIPHERS[key.name];
  if (run !== undefined) return run(encrypt, given, key, data, done);
  if (key.name === 'RSA-OAEP') return oaep(encrypt, given, key, data, done);
  refuse('NotSupportedError', `The ${encrypt ? 'encrypt' : 'decrypt'} operation is not implemented for "${key.name}".`);
}

function wrapping(wrap, given, key, data, done) {
  return key.name === 'AES-KW' ? wrapKw(wrap, key, data, done) : cipher(wrap, given, key, data, done);
}

function checkFormat(format) {
  if (format === 'raw-public' || format === 'raw-private' || format === 'raw-seed' || format === 'raw-secret') {
    refuse('NotSupportedError', `Key format "${format}" requires the webcrypto_modern_algorithms flag.`);
  }
}

function exported(key, format) {
  if (!key.extractable) {
    refuse('InvalidAccessError', `Attempt to export non-extractable ${key.name} key.`);
  }
  checkFormat(format);
  const run = ALGORITHMS[key.name].export;
  if (run === undefined) refuse('NotSupportedError', `Unrecognized key export format "${format}".`);
  return run(key, format);
}

// `data`: a buffer source, or a JWK that was read already.
export function imported(format, data, given, extractable, list) {
  checkFormat(format);
  switch (format) {
    case 'raw': case 'pkcs8': case 'spki':
      if (!isBuffer(data)) {
        throw new TypeError('Import data provided for buffer-based import formats must be a buffer source.');
      }
      break;
    case 'jwk':
      if (isBuffer(data)) throw new TypeError('Import data provided for "jwk" import format must be a JsonWebKey.');
      if (data.ext === false && extractable) {
        refuse('DataError', `JWK ext field for "${given.name}" is set to false but extractable is true`);
      }
      break;
    default:
      refuse('NotSupportedError', `Unrecognized key import format "${format}".`);
  }
  const name = NAMES[lower(given.name)];
  if (name === undefined) {
    refuse('NotSupportedError', `Unrecognized key import algorithm "${given.name}" requested.`);
  }
  const key = ALGORITHMS[name].import(name, format, data, given, extractable, list);
  if (key.type !== 'public' && key.usages.length === 0) noUsages();
  return key;
}

function noUsages() {
  refuse('SyntaxError', 'Secret/private CryptoKeys must have at least one usage.');
}

function keyData(args, at, place) {
  const data = args[at - 1];
  if (isBuffer(data)) return sizeOf(data) === 0 ? EMPTY : data;
  if (args.length < at || (data !== undefined && data !== null && typeof data !== 'object' && typeof data !== 'function')) {
    throw notOfType(place, at, 'BufferSource or JsonWebKey');
  }
  return struct(data, JWK);
}

// Bits of a key to be derived; undefined where the algorithm has no length of its own.
function derivedBits(given) {
  const name = NAMES[lower(given.name)];
  switch (name) {
    case 'AES-CTR': case 'AES-CBC': case 'AES-GCM': case 'AES-KW':
      if (given.length === undefined) throw new TypeError('Missing field "length" in "derivedKeyParams".');
      if (given.length !== 128 && given.length !== 192 && given.length !== 256) {
        refuse('OperationError', `Derived AES key must be 128, 192, or 256 bits in length but provided ${given.length}.`);
      }
      return given.length;
    case 'HMAC':
      if (given.length !== undefined) {
        if (given.length > 0) return given.length;
        throw new TypeError('HMAC key length must be a non-zero unsigned long integer.');
      }
      if (given.hash === undefined) throw new TypeError('Missing field "hash" in "derivedKeyParams".');
      return blockBits(hashNamed(given.hash));
    case 'HKDF': case 'PBKDF2':
      return undefined;
  }
  refuse('NotSupportedError', `Unrecognized derived key type "${given.name}" requested.`);
}

const place = (method) => [method, 'SubtleCrypto'];
const AT = Object.fromEntries(['encrypt', 'decrypt', 'sign', 'verify', 'digest', 'generateKey', 'deriveKey', 'deriveBits',
  'importKey', 'exportKey', 'wrapKey', 'unwrapKey', 'timingSafeEqual'].map((method) => [method, place(method)]));

let made = false;

export class SubtleCrypto {
  #brand;

  constructor() {
    if (made) throw new TypeError('Illegal constructor');
    made = true;
  }

  static #check(subtle) {
    if (typeof subtle !== 'object' || subtle === null || !(#brand in subtle)) throw illegalInvocation();
  }

  encrypt(...args) {
    SubtleCrypto.#check(this);
    return promised(() => crypt(true, args, AT.encrypt));
  }

  decrypt(...args) {
    SubtleCrypto.#check(this);
    return promised(() => crypt(false, args, AT.decrypt));
  }

  sign(...args) {
    SubtleCrypto.#check(this);
    return promised(() => {
      const given = algorithmArgument(args, 1, AT.sign, SIGN);
      const key = keyArgument(args, 2, AT.sign);
      const data = bufferArgument(args, 3, AT.sign);
      checkUse(key, given.name, 'sign');
      return ALGORITHMS[key.name].sign(given, key, data, same);
    });
  }

  verify(...args) {
    SubtleCrypto.#check(this);
    return promised(() => {
      const given = algorithmArgument(args, 1, AT.verify, SIGN);
      const key = keyArgument(args, 2, AT.verify);
      const signature = bufferArgument(args, 3, AT.verify);
      const data = bufferArgument(args, 4, AT.verify);
      checkUse(key, given.name, 'verify');
      return ALGORITHMS[key.name].verify(given, key, signature, data, same);
    });
  }

  digest(...args) {
    SubtleCrypto.#check(this);
    return promised(() => {
      const given = algorithmArgument(args, 1, AT.digest, DIGEST);
      const data = bufferArgument(args, 2, AT.digest);
      return digest(hashNamed(given.name), data);
    });
  }

  generateKey(...args) {
    SubtleCrypto.#check(this);
    return promised(() => {
      const given = algorithmArgument(args, 1, AT.generateKey, GENERATE);
      const extractable = flagArgument(args, 2, AT.generateKey);
      const list = textsArgument(args, 3, AT.generateKey);
      const name = NAMES[lower(given.name)];
      const generate = name === undefined ? undefined : ALGORITHMS[name].generate;
      if (generate === undefined) {
        refuse('NotSupportedError', `Unrecognized key generation algorithm "${given.name}" requested.`);
      }
      const key = generate(name, given, extractable, list);
      if (list.length === 0 && key.type === 'secret') noUsages();
      return key;
    });
  }

  deriveKey(...args) {
    SubtleCrypto.#check(this);
    return promised(() => {
      const given = algorithmArgument(args, 1, AT.deriveKey, DERIVE);
      const key = keyArgument(args, 2, AT.deriveKey);
      const wanted = algorithmArgument(args, 3, AT.deriveKey, IMPORT);
      const extractable = flagArgument(args, 4, AT.deriveKey);
      const list = textsArgument(args, 5, AT.deriveKey);
      checkUse(key, given.name, 'deriveKey');
      const bits = derivedBits(wanted);
      return ALGORITHMS[key.name].derive(given, key, bits,
        (secret) => imported('raw', secret, wanted, extractable, list));
    });
  }

  deriveBits(...args) {
    SubtleCrypto.#check(this);
    return promised(() => {
      const given = algorithmArgument(args, 1, AT.deriveBits, DERIVE);
      const key = keyArgument(args, 2, AT.deriveBits);
      const bits = args[2] === undefined || args[2] === null ? undefined : toInt(args[2]);
      if (bits < 0) throw new TypeError('deriveBits length must be an unsigned long integer.');
      checkUse(key, given.name, 'deriveBits');
      return ALGORITHMS[key.name].derive(given, key, bits, same);
    });
  }

  importKey(...args) {
    SubtleCrypto.#check(this);
    return promised(() => {
      const format = textArgument(args, 1, AT.importKey);
      const data = keyData(args, 2, AT.importKey);
      const given = algorithmArgument(args, 3, AT.importKey, IMPORT);
      const extractable = flagArgument(args, 4, AT.importKey);
      return imported(format, data, given, extractable, textsArgument(args, 5, AT.importKey));
    });
  }

  exportKey(...args) {
    SubtleCrypto.#check(this);
    return promised(() => {
      const format = textArgument(args, 1, AT.exportKey);
      return exported(keyArgument(args, 2, AT.exportKey), format);
    });
  }

  wrapKey(...args) {
    SubtleCrypto.#check(this);
    return promised(() => {
      const format = textArgument(args, 1, AT.wrapKey);
      const key = keyArgument(args, 2, AT.wrapKey);
      const wrapper = keyArgument(args, 3, AT.wrapKey);
      const given = algorithmArgument(args, 4, AT.wrapKey, ENCRYPT);
      checkUse(wrapper, given.name, 'wrapKey');
      const data = exported(key, format);
      return wrapping(true, given, wrapper, isBuffer(data) ? data : utf8(stringify(data)), same);
    });
  }

  unwrapKey(...args) {
    SubtleCrypto.#check(this);
    return promised(() => {
      const format = textArgument(args, 1, AT.unwrapKey);
      const wrapped = bufferArgument(args, 2, AT.unwrapKey);
      const wrapper = keyArgument(args, 3, AT.unwrapKey);
      const given = algorithmArgument(args, 4, AT.unwrapKey, ENCRYPT);
      const wanted = algorithmArgument(args, 5, AT.unwrapKey, IMPORT);
      const extractable = flagArgument(args, 6, AT.unwrapKey);
      const list = textsArgument(args, 7, AT.unwrapKey);
      checkUse(wrapper, given.name, 'unwrapKey');
      return wrapping(false, given, wrapper, wrapped, (bytes) =>
        imported(format, format === 'jwk' ? unwrappedJwk(bytes) : bytes, wanted, extractable, list));
    });
  }

  timingSafeEqual(...args) {
    SubtleCrypto.#check(this);
    const a = bufferArgument(args, 1, AT.timingSafeEqual);
    const b = bufferArgument(args, 2, AT.timingSafeEqual);
    if (sizeOf(a) !== sizeOf(b)) throw new TypeError('Input buffers must have the same byte length.');
    return equalBytes(a, b);
  }
}
tag(SubtleCrypto);

function crypt(encrypt, args, where) {
  const given = algorithmArgument(args, 1, where, ENCRYPT);
  const key = keyArgument(args, 2, where);
  const data = bufferArgument(args, 3, where);
  checkUse(key, given.name, encrypt ? 'encrypt' : 'decrypt');
  return cipher(encrypt, given, key, data, same);
}

function unwrappedJwk(bytes) {
  const value = parse(host.utf8Decode(bytes, false, false));
  if (value !== null && typeof value !== 'object') {
    refuse('DataError', 'Missing "kty" field or corrupt JSON unwrapping key?');
  }
  return struct(value, JWK);
}

for (const method of Object.keys(AT)) {
  Reflect.defineProperty(SubtleCrypto.prototype, method, { enumerable: true });
}

// The key of a `secret_key` binding, which no script may export.
export function boundKey(name, json) {
  const { format, algorithm: wanted, usages, key } = parse(json);
  try {
    const data = format === 'jwk' ? struct(parse(key), JWK)
      : ask(key.length, CRYPTO_BASE64URL_DECODE, key, 'key_base64 is not base64.');
    return imported(format, data, algorithm(wanted, IMPORT), false, usages);
  } catch (error) {
    throw new TypeError(`binding "${name}" of type secret_key: ${error.message}`);
  }
}

export const subtle = new SubtleCrypto();
