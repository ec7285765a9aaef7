// Deep equality, strict and loose, as `assert` and util.isDeepStrictEqual have it.
import * as host from 'switchyard:host';

const LOOSE = 0;
export const STRICT = 1;
export const PARTIAL = 2;

const enumerable = (object, key) => Object.prototype.propertyIsEnumerable.call(object, key);

export function isDeepEqual(a, b) {
  return compare(a, b, LOOSE, null);
}

export function isDeepStrictEqual(a, b) {
  return compare(a, b, STRICT, null);
}

export function isPartialStrictEqual(a, b) {
  return compare(a, b, PARTIAL, null);
}

function compare(a, b, mode, memory) {
  if (a === b) return mode === LOOSE || a !== 0 || Object.is(a, b);
  const objects = typeof a === 'object' && a !== null && typeof b === 'object' && b !== null;
  if (mode !== LOOSE) {
    if (!objects) {
      return typeof a === 'number' && Number.isNaN(a) && Number.isNaN(b);
    }
    if (mode === STRICT && Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  } else if (!objects) {
    if ((a === null || typeof a !== 'object') && (b === null || typeof b !== 'object')) {
      return a == b || (Number.isNaN(a) && Number.isNaN(b));
    }
    return false;
  }
  const kind = host.kind(a);
  if (kind !== host.kind(b)) return false;
  if (Object.prototype.toString.call(a) !== Object.prototype.toString.call(b)) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || (mode === PARTIAL ? b.length > a.length : a.length !== b.length)) return false;
    return byKeys(a, b, mode, memory, true, kind);
  }
  switch (kind) {
    case 'Date':
      if (Date.prototype.getTime.call(a) !== Date.prototype.getTime.call(b)) return false;
      break;
    case 'RegExp':
      if (String(a) !== String(b) || a.lastIndex !== b.lastIndex) return false;
      break;
    case 'Number':
    case 'String':
    case 'Boolean':
    case 'BigInt':
    case 'Symbol':
      if (!Object.is(a.valueOf(), b.valueOf())) return false;
      break;
    case 'ArrayBuffer':
    case 'SharedArrayBuffer':
      if (!sameBytes(new Uint8Array(a), new Uint8Array(b))) return false;
      break;
    case 'WeakMap':
    case 'WeakSet':
      if (mode !== LOOSE) return false;
      break;
    default:
      if (kind === 'Error' || a instanceof Error) {
        if (!(b instanceof Error)) return false;
        if (!enumerable(a, 'message') && a.message !== b.message) return false;
        if (!enumerable(a, 'name') && a.name !== b.name) return false;
        for (const key of ['cause', 'errors']) {
          if (Object.hasOwn(a, key) !== Object.hasOwn(b, key)) return false;
          if (Object.hasOwn(a, key) && !enumerable(a, key) && !compare(a[key], b[key], mode, memory)) return false;
        }
      } else if (ArrayBuffer.isView(a)) {
        if (kind !== 'DataView' && mode === LOOSE && /Float/.test(kind ?? '')) {
          if (a.length !== b.length) return false;
          const same = (x, y) => x === y || (Number.isNaN(x) && Number.isNaN(y));
          for (let i = 0; i < a.length; i++) if (!same(a[i], b[i])) return false;
        } else if (!sameBytes(bytesOf(a), bytesOf(b))) return false;
        return byKeys(a, b, mode, memory, true, kind);
      }
  }
  return byKeys(a, b, mode, memory, false, kind);
}

function bytesOf(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function sameBytes(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function keysOf(object, indexed, mode) {
  let keys = Object.keys(object);
  if (indexed) keys = keys.filter((key) => !/^(0|[1-9]\d*)$/.test(key));
  if (mode !== LOOSE) keys.push(...Object.getOwnPropertySymbols(object).filter((key) => enumerable(object, key)));
  return keys;
}

function byKeys(a, b, mode, memory, indexed, kind) {
  const bKeys = keysOf(b, indexed, mode);
  if (mode !== PARTIAL && keysOf(a, indexed, mode).length !== bKeys.length) return false;
  for (const key of bKeys) if (!(mode === LOOSE ? Object.hasOwn(a, key) : enumerable(a, key))) return false;
  // Circles: two objects that are being compared already are taken for equal.
  memory ??= { a: new Map(), b: new Map(), depth: 0 };
  const knownA = memory.a.get(a);
  if (knownA !== undefined) {
    const knownB = memory.b.get(b);
    if (knownB !== undefined) return knownA === knownB;
  }
  memory.depth++;
  memory.a.set(a, memory.depth);
  memory.b.set(b, memory.depth);
  const equal = contents(a, b, bKeys, mode, memory, indexed, kind);
  memory.a.delete(a);
  memory.b.delete(b);
  return equal;
}

function contents(a, b, keys, mode, memory, indexed, kind) {
  if (kind === 'Set' && !sets(a, b, mode, memory)) return false;
  if (kind === 'Map' && !maps(a, b, mode, memory)) return false;
  if (Array.isArray(a)) {
    if (mode === PARTIAL) {
      let at = 0;
      for (const wanted of b) {
        while (at < a.length && !compare(a[at], wanted, mode, memory)) at++;
        if (at++ >= a.length) return false;
      }
    } else {
      for (let i = 0; i < a.length; i++) {
        if (Object.hasOwn(a, i) !== Object.hasOwn(b, i) || !compare(a[i], b[i], mode, memory)) return false;
      }
    }
  } else if (indexed && mode === PARTIAL && a.length !== b.length) return false;
  return keys.every((key) => compare(a[key], b[key], mode, memory));
}

const isObject = (value) => typeof value === 'object' && value !== null;

// Each of b finds an equal in a that no other took.
function sets(a, b, mode, memory) {
  if (mode === PARTIAL ? b.size > a.size : a.size !== b.size) return false;
  const rest = [...a].filter((value) => !b.has(value));
  for (const value of b) {
    if (a.has(value)) continue;
    if (mode !== LOOSE && !isObject(value)) return false;
    const at = rest.findIndex((other) => compare(other, value, mode, memory));
    if (at < 0) return false;
    rest.splice(at, 1);
  }
  return true;
}

function maps(a, b, mode, memory) {
  if (mode === PARTIAL ? b.size > a.size : a.size !== b.size) return false;
  const rest = [...a].filter(([key]) => !b.has(key));
  for (const [key, value] of b) {
    if (a.has(key)) {
      if (!compare(a.get(key), value, mode, memory)) return false;
      continue;
    }
    if (mode !== LOOSE && !isObject(key)) return false;
    const at = rest.findIndex(([otherKey, other]) =>
      compare(otherKey, key, mode, memory) && compare(other, value, mode, memory));
    if (at < 0) return false;
    rest.splice(at, 1);
  }
  return true;
}
