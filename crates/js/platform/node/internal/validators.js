// Checks of arguments, each throwing what Node throws.
import { invalidArgType, invalidArgValue, outOfRange } from './errors.js';

export function validateString(value, name) {
  if (typeof value !== 'string') throw invalidArgType(name, 'string', value);
}

export function validateBoolean(value, name) {
  if (typeof value !== 'boolean') throw invalidArgType(name, 'boolean', value);
}

export function validateFunction(value, name) {
  if (typeof value !== 'function') throw invalidArgType(name, 'Function', value);
}

export function validateNumber(value, name, min = undefined, max = undefined) {
  if (typeof value !== 'number') throw invalidArgType(name, 'number', value);
  if ((min !== undefined && value < min) || (max !== undefined && value > max) ||
      ((min !== undefined || max !== undefined) && Number.isNaN(value))) {
    const range = `${min === undefined ? '' : `>= ${min}`}${min !== undefined && max !== undefined ? ' && ' : ''}${
      max === undefined ? '' : `<= ${max}`}`;
    throw outOfRange(name, range, value);
  }
}

export function validateObject(value, name, { allowArray = false, allowFunction = false } = {}) {
  if (value === null || (!allowArray && Array.isArray(value)) ||
      (typeof value !== 'object' && !(allowFunction && typeof value === 'function'))) {
    throw invalidArgType(name, 'Object', value);
  }
}

export function validateOneOf(value, name, allowed) {
  if (allowed.includes(value)) return;
  const list = allowed.map((one) => (typeof one === 'string' ? `'${one}'` : String(one))).join(', ');
  throw invalidArgValue(name, value, `must be one of: ${list}`);
}

export function validateAbortSignal(signal, name) {
  if (signal === undefined) return;
  if (signal === null || typeof signal !== 'object' || !('aborted' in signal)) {
    throw invalidArgType(name, 'AbortSignal', signal);
  }
}
