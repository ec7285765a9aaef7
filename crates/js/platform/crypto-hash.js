// Digests and HMAC over buffers of any length: the host takes a piece at a time, so that none takes long, and what is
// under way between two pieces is bytes in the guest.
import {
  CRYPTO_DIGEST, CRYPTO_HASH_FINISH, CRYPTO_HASH_UPDATE, CRYPTO_HMAC, CRYPTO_HMAC_BEGIN, CRYPTO_HMAC_FINISH,
} from './abi.js';
import { EMPTY, hashBytes, part, sizeOf } from './crypto-idl.js';
import { MOST_AT_ONCE, ask } from './crypto-run.js';

export const STATE = 256; // room for a digest's state

// The state after all whole pieces, and the rest.
function pieces(hash, state, source) {
  const size = sizeOf(source);
  let at = 0;
  for (; size - at > MOST_AT_ONCE; at += MOST_AT_ONCE) {
    state = ask(STATE, CRYPTO_HASH_UPDATE, hash, state, part(source, at, MOST_AT_ONCE));
  }
  return { state, rest: part(source, at, size - at) };
}

export function digest(hash, source) {
  if (sizeOf(source) <= MOST_AT_ONCE) return ask(hashBytes(hash), CRYPTO_DIGEST, hash, source);
  const { state, rest } = pieces(hash, EMPTY, source);
  return ask(hashBytes(hash), CRYPTO_HASH_FINISH, hash, state, rest);
}

export function hmac(hash, key, source) {
  if (sizeOf(source) + sizeOf(key) <= MOST_AT_ONCE) return ask(hashBytes(hash), CRYPTO_HMAC, hash, key, source);
  const { state, rest } = pieces(hash, ask(STATE, CRYPTO_HMAC_BEGIN, hash, key), source);
  return ask(hashBytes(hash), CRYPTO_HMAC_FINISH, hash, key, state, rest);
}
