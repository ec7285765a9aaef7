// CryptoKey: what a script sees of a key, and the key itself, bytes in a private field. The host keeps nothing of it,
// so a key made while a module is evaluated is in the script's pages like any other value.
import { isOn } from './compatibility.js';
import { tag } from './errors.js';

const TOKEN = Symbol('key');
const { defineProperty } = Reflect;
const ORDER = ['encrypt', 'decrypt', 'sign', 'verify', 'deriveKey', 'deriveBits', 'wrapKey', 'unwrapKey'];

export const USAGE = {
  __proto__: null,
  encrypt: 1, decrypt: 2, sign: 4, verify: 8, deriveKey: 16, deriveBits: 32, wrapKey: 64, unwrapKey: 128,
};
export const PUBLIC = USAGE.encrypt | USAGE.verify | USAGE.wrapKey;
export const PRIVATE = USAGE.decrypt | USAGE.sign | USAGE.unwrapKey | USAGE.deriveKey | USAGE.deriveBits;
export const DERIVATION = USAGE.deriveKey | USAGE.deriveBits;

export let keyOf; // the inside of a CryptoKey; undefined for anything else

export class CryptoKey {
  #inner;

  constructor() {
    if (arguments[0] !== TOKEN) throw new TypeError('Illegal constructor');
    const inner = (this.#inner = arguments[1]);
    // As on workerd: properties of the object itself, in this order.
    shown(this, 'usages', usageNames(inner.usages));
    shown(this, 'algorithm', inner.algorithm());
    shown(this, 'extractable', inner.extractable);
    shown(this, 'type', inner.type);
  }

  static {
    keyOf = (value) => (typeof value === 'object' && value !== null && #inner in value ? value.#inner : undefined);
  }
}
tag(CryptoKey);

function shown(key, name, value) {
  defineProperty(key, name, { value, writable: false, enumerable: true, configurable: true });
}

export function usageNames(mask) {
  const names = [];
  for (let i = 0; i < ORDER.length; i++) if (mask & (1 << i)) names[names.length] = ORDER[i];
  return names;
}

// The inside: name, type ('secret', 'public', 'private'), extractable, usages (mask), bytes, and what the algorithm
// knows: kind ('RSA', 'EC', 'Ed25519', 'X25519'), curve, hash, length, modulusLength, exponent.
class Inner {
  constructor(name, type, extractable, usages, bytes, known) {
    this.name = name;
    this.type = type;
    this.extractable = extractable;
    this.usages = usages;
    this.bytes = bytes;
    this.kind = known.kind;
    this.curve = known.curve;
    this.hash = known.hash;
    this.length = known.length;
    this.modulusLength = known.modulusLength;
    this.exponent = known.exponent;
  }

  algorithm() {
    const { name, hash } = this;
    if (this.kind === 'RSA') {
      const bytes = new Uint8Array(this.exponent);
      const publicExponent = isOn('crypto_preserve_public_exponent') ? bytes : bytes.buffer;
      return { name, modulusLength: this.modulusLength, publicExponent, hash: { name: hash } };
    }
    if (this.curve !== undefined) return { name, namedCurve: this.curve };
    if (hash !== undefined) return { name, hash: { name: hash }, length: this.length };
    return this.length === undefined ? { name } : { name, length: this.length };
  }
}

export function makeKey(name, type, extractable, usages, bytes, known) {
  return new CryptoKey(TOKEN, new Inner(name, type, extractable, usages, bytes, known));
}
