// HKDF and PBKDF2: secrets to derive from.
import { CRYPTO_HKDF, CRYPTO_PBKDF2 } from './abi.js';
import { copyOf, hashBytes, hashOf, refuse, sizeOf } from './crypto-idl.js';
import { DERIVATION, makeKey } from './crypto-key.js';
import { MOST_AT_ONCE, compute } from './crypto-run.js';
import { usagesOf } from './crypto-usages.js';

const MOST_ITERATIONS = 100_000; // as on Cloudflare
const SHORT_WORK = 2000; // iterations times blocks that are not worth a hand-over

export function importKdf(name, format, data, given, extractable, list) {
  const usages = usagesOf(name, 'import secret', list, DERIVATION);
  if (extractable) refuse('SyntaxError', `${name} key cannot be extractable.`);
  if (format !== 'raw') {
    refuse('NotSupportedError',
      `${name} key must be imported in "raw" format (requested "${format}")${name === 'PBKDF2' ? '.' : ''}`);
  }
  return makeKey(name, 'secret', false, usages, copyOf(data), {});
}

function needed(given, member) {
  if (given[member] === undefined) throw new TypeError(`Missing field "${member}" in "algorithm".`);
  return given[member];
}

function bytesWanted(name, bits) {
  if (bits === undefined) refuse('OperationError', `${name} cannot derive a key with null length.`);
  if (bits % 8 !== 0) {
    refuse('OperationError', `${name} requires a derived key length that is a multiple of eight (requested ${bits}).`);
  }
  return bits / 8;
}

export function deriveHkdf(given, key, bits, done) {
  const hash = hashOf(given);
  const salt = needed(given, 'salt');
  const info = needed(given, 'info');
  const length = bytesWanted('HKDF', bits);
  if (length > 255 * hashBytes(hash)) refuse('OperationError', 'HKDF deriveBits failed.');
  const slow = sizeOf(salt) + sizeOf(info) + sizeOf(key.bytes) > MOST_AT_ONCE;
  return compute(slow, done, length, CRYPTO_HKDF, hash, key.bytes, salt, info, length);
}

export function derivePbkdf2(given, key, bits, done) {
  const hash = hashOf(given);
  const salt = needed(given, 'salt');
  const iterations = needed(given, 'iterations');
  const length = bytesWanted('PBKDF2', bits);
  if (iterations <= 0) {
    refuse('OperationError', `PBKDF2 requires a positive iteration count (requested ${iterations}).`);
  }
  if (iterations > MOST_ITERATIONS) {
    refuse('NotSupportedError', `Pbkdf2 failed: iteration counts above ${MOST_ITERATIONS} are not supported (requested ` +
      `${iterations}).`);
  }
  const work = iterations * Math.ceil(length / hashBytes(hash));
  const slow = work > SHORT_WORK || sizeOf(salt) + sizeOf(key.bytes) > 65536;
  return compute(slow, done, length, CRYPTO_PBKDF2, hash, key.bytes, salt, iterations, length);
}
