// Errors as Node raises them: a class of the language with a `code`, which their text shows.
// Texts are Node's, which applications and their tests match on.
import { describeReceived } from './received.js';

class NodeError extends Error {
  toString() {
    return `${this.name} [${this.code}]: ${this.message}`;
  }
}

const OUT_OF_RANGE = 'ERR_OUT_OF_RANGE';
const classes = new Map();

// Errors that are no mistakes of a type or a size have each a class of their own, named as their code.
function classOf(code, Base) {
  let Class = classes.get(code);
  if (Class === undefined) {
    Class = class extends Base {};
    Object.defineProperty(Class, 'name', { value: code, configurable: true });
    classes.set(code, Class);
  }
  return Class;
}

// As on workerd code and name lie on the error, and so does the method of those of the language's own classes.
export function coded(Base, code, message) {
  const own = (Base === TypeError || Base === RangeError) && code !== OUT_OF_RANGE;
  const Class = own ? Base : classOf(code, code === OUT_OF_RANGE ? RangeError : NodeError);
  const error = new Class(message);
  error.code = code;
  error.name = Base.name;
  if (own) [error.toString] = [() => `${error.name} [${code}]: ${error.message}`];
  if (code === OUT_OF_RANGE && typeof error.stack === 'string') {
    const value = error.stack.replace(/^[^:]*/, `${error.name} [${code}]`);
    Object.defineProperty(error, 'stack', { value, writable: true, configurable: true });
  }
  return error;
}

const CLASS_NAME = /^[A-Z][a-zA-Z0-9]*$/;
const KINDS = new Set([
  'string', 'function', 'number', 'object', 'Function', 'Object', 'boolean', 'bigint', 'symbol',
]);

function listed(words, last = 'or') {
  if (words.length <= 2) return words.join(` ${last} `);
  return `${words.slice(0, -1).join(', ')}, ${last} ${words.at(-1)}`;
}

// What an argument had to be: kinds of the language, instances of classes, or one of the rest.
function expectation(expected) {
  const kinds = [];
  const classes = [];
  const others = [];
  for (const word of Array.isArray(expected) ? expected : [expected]) {
    if (KINDS.has(word)) kinds.push(word.toLowerCase());
    else if (CLASS_NAME.test(word)) classes.push(word);
    else others.push(word);
  }
  if (classes.length > 0 && kinds.includes('object')) {
    kinds.splice(kinds.indexOf('object'), 1);
    classes.push('Object');
  }
  const parts = [];
  if (kinds.length > 0) parts.push(`${kinds.length > 1 ? 'one of type' : 'of type'} ${listed(kinds)}`);
  if (classes.length > 0) parts.push(`an instance of ${listed(classes)}`);
  if (others.length > 0) {
    if (others.length > 1) parts.push(`one of ${listed(others)}`);
    else parts.push(others[0]);
  }
  return listed(parts);
}

export function invalidArgType(name, expected, actual) {
  const kind = name.includes('.') ? 'property' : 'argument';
  const subject = name.endsWith(' argument') ? `The ${name}` : `The "${name}" ${kind}`;
  return coded(TypeError, 'ERR_INVALID_ARG_TYPE',
    `${subject} must be ${expectation(expected)}.${describeReceived(actual)}`);
}

// With words of its own for what it must be.
export function invalidArgWords(name, words, actual) {
  return coded(TypeError, 'ERR_INVALID_ARG_TYPE', `The "${name}" argument must be ${words}.${describeReceived(actual)}`);
}

export function invalidArgValue(name, value, reason = 'is invalid') {
  return coded(TypeError, 'ERR_INVALID_ARG_VALUE', argValueText(name, value, reason));
}

let show = String;

// Set by util's inspect, which itself needs this module.
export function showWith(inspect) {
  show = inspect;
}

function argValueText(name, value, reason) {
  let shown = show(value);
  if (shown.length > 128) shown = `${shown.slice(0, 128)}...`;
  return `The ${name.includes('.') ? 'property' : 'argument'} '${name}' ${reason}. Received ${shown}`;
}

function grouped(text) {
  const sign = text.startsWith('-') ? '-' : '';
  return sign + text.slice(sign.length).replace(/\B(?=(\d{3})+$)/g, '_');
}

export function outOfRange(name, range, received, replaces = false) {
  let shown;
  if (Number.isInteger(received) && Math.abs(received) > 2 ** 32) shown = grouped(String(received));
  else if (typeof received === 'bigint') {
    shown = received > 2n ** 32n || received < -(2n ** 32n) ? grouped(String(received)) : String(received);
    shown += 'n';
  } else shown = show(received);
  return coded(RangeError, 'ERR_OUT_OF_RANGE',
    `${replaces ? name : `The value of "${name}" is out of range.`} It must be ${range}. Received ${shown}`);
}

export function bufferOutOfBounds(name = undefined) {
  return coded(RangeError, 'ERR_BUFFER_OUT_OF_BOUNDS',
    name === undefined ? 'Attempt to access memory outside buffer bounds' : `"${name}" is outside of buffer bounds`);
}

export function unknownEncoding(name) {
  return coded(TypeError, 'ERR_UNKNOWN_ENCODING', `Unknown encoding: ${name}`);
}

export function methodNotImplemented(name) {
  return coded(Error, 'ERR_METHOD_NOT_IMPLEMENTED', `The ${name} method is not implemented`);
}

export function invalidThis(name) {
  return coded(TypeError, 'ERR_INVALID_THIS', `Value of "this" must be of type ${name}`);
}

// A DOMException-like error that Node makes itself: an Error named AbortError with a code.
export class AbortError extends Error {
  constructor(message = 'The operation was aborted', options = undefined) {
    super(message, options);
    this.code = 'ABORT_ERR';
    this.name = 'AbortError';
  }
}
