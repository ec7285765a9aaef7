// What all kinds of key share: their usages, the names of formats, the shape of an exported JWK.
import { refuse } from './crypto-idl.js';
import { USAGE, usageNames } from './crypto-key.js';

export function usagesOf(name, verb, list, allowed) {
  let mask = 0;
  for (let i = 0; i < list.length; i++) {
    const usage = USAGE[list[i]];
    if (usage === undefined || (usage & allowed) === 0) {
      refuse('SyntaxError', `Attempt to ${verb} ${name} key with invalid usage "${list[i]}".`);
    }
    mask |= usage;
  }
  return mask;
}

export function unrecognizedFormat(format) {
  refuse('NotSupportedError', `Unrecognized key import format "${format}".`);
}

// As on workerd all members are there.
export function exportedJwk(key, { kty, alg, crv, x, y, d, n, e, p, q, dp, dq, qi, k }) {
  return {
    kty, use: undefined, key_ops: usageNames(key.usages), alg, ext: true, crv, x, y, d, n, e, p, q, dp, dq, qi,
    oth: undefined, k, pub: undefined, priv: undefined,
  };
}
