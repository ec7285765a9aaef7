// `node:assert`. As on workerd the default is strict: equal is strictEqual, deepEqual is deepStrictEqual.
import { inspect } from '../inspect.js';
import { AssertionError } from './internal/assertion-error.js';
import { isDeepStrictEqual, isPartialStrictEqual } from './internal/deep-equal.js';
import { coded, invalidArgType, invalidArgValue } from './internal/errors.js';
import { lineDifference } from './internal/line-difference.js';
import { describeReceived } from './internal/received.js';

export { AssertionError };

function fails(message, options) {
  if (message instanceof Error) throw message;
  throw new AssertionError({ ...options, message: message ?? options.message });
}

function failsAsGenerated(message, options) {
  if (message instanceof Error) throw message;
  const error = new AssertionError({ ...options, message: message ?? options.message });
  error.generatedMessage = message === undefined;
  throw error;
}

export function ok(value, message) {
  if (arguments.length === 0) {
    throw new AssertionError({ message: 'No value argument passed to `assert.ok()`', stackStartFn: ok });
  }
  if (value) return;
  throw new AssertionError({
    message, actual: value, expected: true, operator: '==', stackStartFn: ok,
  });
}

function assert(...args) {
  return ok(...args);
}

function needTwo(count) {
  if (count >= 2) return;
  throw coded(TypeError, 'ERR_MISSING_ARGS', 'The "actual" and "expected" arguments must be specified');
}

export function strictEqual(actual, expected, message) {
  needTwo(arguments.length);
  if (Object.is(actual, expected)) return;
  fails(message, {
    message: lineDifference(actual, expected), actual, expected, operator: 'strictEqual', stackStartFn: strictEqual,
  });
}

export function notStrictEqual(actual, expected, message) {
  needTwo(arguments.length);
  if (!Object.is(actual, expected)) return;
  fails(message, {
    message: 'Expected actual to be strictly unequal to expected', actual, expected, operator: 'notStrictEqual',
    stackStartFn: notStrictEqual,
  });
}

export function deepStrictEqual(actual, expected, message) {
  needTwo(arguments.length);
  if (isDeepStrictEqual(actual, expected)) return;
  if (message instanceof Error) throw message;
  throw new AssertionError({ message, actual, expected, operator: 'deepStrictEqual', stackStartFn: deepStrictEqual });
}

export function notDeepStrictEqual(actual, expected, message) {
  needTwo(arguments.length);
  if (!isDeepStrictEqual(actual, expected)) return;
  fails(message, {
    message: 'Expected actual to not be deeply strictly equal to expected', actual, expected,
    operator: 'notDeepStrictEqual', stackStartFn: notDeepStrictEqual,
  });
}

export function partialDeepStrictEqual(actual, expected, message) {
  needTwo(arguments.length);
  if (isPartialStrictEqual(actual, expected)) return;
  fails(message, {
    message: 'Expected actual to be partially deeply strictly equal to expected', actual, expected,
    operator: 'partialDeepStrictEqual', stackStartFn: partialDeepStrictEqual,
  });
}

export {
  deepStrictEqual as deepEqual, notDeepStrictEqual as notDeepEqual, notStrictEqual as notEqual, strictEqual as equal,
};

export function fail(message = undefined) {
  if (message instanceof Error) throw message;
  const error = new AssertionError({ message: message ?? 'Failed', operator: 'fail', stackStartFn: fail });
  if (message === undefined || message === null) error.generatedMessage = true;
  throw error;
}

export function ifError(value) {
  if (value === null || value === undefined) return;
  let text = 'ifError got unwanted exception: ';
  if (typeof value === 'object' && typeof value.message === 'string') {
    text += value.message.length === 0 && value.constructor ? value.constructor.name : value.message;
  } else text += inspect(value);
  const error = new AssertionError({
    actual: value, expected: null, operator: 'ifError', message: text, stackStartFn: ifError,
  });
  throw error;
}

export function match(text, pattern, message) {
  if (!(pattern instanceof RegExp)) throw invalidArgType('regexp', 'RegExp', pattern);
  if (typeof text === 'string' && pattern.test(text)) return;
  fails(message, {
    message: `actual: "${text}" expected to match: "${pattern}"`, actual: text, expected: pattern, operator: 'match',
    stackStartFn: match,
  });
}

export function doesNotMatch(text, pattern, message) {
  if (!(pattern instanceof RegExp)) throw invalidArgType('regexp', 'RegExp', pattern);
  if (typeof text !== 'string' || !pattern.test(text)) return;
  fails(message, {
    message: `actual: "${text}" expected to not match: "${pattern}"`, actual: text, expected: pattern,
    operator: 'doesNotMatch', stackStartFn: doesNotMatch,
  });
}

// Whether what was thrown is what was wanted; throws an AssertionError that says how not.
function checkThrown(thrown, wanted, message, caller) {
  if (typeof wanted === 'function') {
    if (wanted.prototype !== undefined && thrown instanceof wanted) return;
    if (Error.isPrototypeOf(wanted) || wanted === Error) {
      failsAsGenerated(message, {
        message: `The error is expected to be an instance of "${wanted.name}". Received "${
          thrown?.constructor?.name ?? inspect(thrown)}"\n\nError message:\n\n${thrown?.message}`,
        actual: thrown, expected: wanted, operator: caller.name, stackStartFn: caller,
      });
    }
    const result = Reflect.apply(wanted, {}, [thrown]);
    if (result === true) return;
    failsAsGenerated(message, {
      message: `The ${wanted.name ? `"${wanted.name}" ` : ''}validation function is expected to return "true". Received ${
        inspect(result)}\n\nCaught error:\n\n${thrown}`,
      actual: thrown, expected: wanted, operator: caller.name, stackStartFn: caller,
    });
  }
  if (wanted instanceof RegExp) {
    const text = String(thrown);
    if (wanted.test(text)) return;
    if (message instanceof Error) throw message;
    const error = new AssertionError({
      message: message ??
        `The input did not match the regular expression ${inspect(wanted)}. Input:\n\n${inspect(text)}\n`,
      actual: thrown, expected: wanted, operator: caller.name, stackStartFn: caller,
    });
    error.generatedMessage = message === undefined;
    throw error;
  }
  const keys = Object.keys(wanted);
  if (wanted instanceof Error) keys.push('name', 'message');
  else if (keys.length === 0) throw invalidArgValue('error', wanted, 'may not be an empty object');
  for (const key of keys) {
    const text = typeof thrown?.[key] === 'string' && wanted[key] instanceof RegExp;
    if (text ? wanted[key].test(thrown[key]) : isDeepStrictEqual(thrown?.[key], wanted[key])) continue;
    if (message instanceof Error) throw message;
    const error = new AssertionError({
      message, actual: thrown?.[key], expected: wanted[key], operator: 'deepStrictEqual', stackStartFn: caller,
    });
    throw error;
  }
}

function checkWanted(wanted, message, thrown) {
  if (typeof wanted === 'string') {
    if (message !== undefined) {
      throw invalidArgType('error', ['Object', 'Error', 'Function', 'RegExp'], wanted);
    }
    const same = typeof thrown === 'object' && thrown !== null ? thrown.message === wanted : thrown === wanted;
    if (same) {
      const what = typeof thrown === 'object' && thrown !== null ? `error message "${wanted}"` : `error "${thrown}"`;
      throw coded(TypeError, 'ERR_AMBIGUOUS_ARGUMENT',
        `The "error/message" argument is ambiguous. The ${what} is identical to the message.`);
    }
    return [undefined, wanted];
  }
  if (wanted !== undefined && wanted !== null && typeof wanted !== 'object' && typeof wanted !== 'function') {
    throw invalidArgType('error', ['Object', 'Error', 'Function', 'RegExp'], wanted);
  }
  return [wanted ?? undefined, message];
}

const NOTHING = Symbol('nothing thrown');

function thrownBy(callback) {
  if (typeof callback !== 'function') throw invalidArgType('fn', 'Function', callback);
  try {
    callback();
  } catch (error) {
    return error;
  }
  return NOTHING;
}

async function rejectedBy(source) {
  let promise = source;
  if (typeof source === 'function') {
    promise = source();
    if (typeof promise?.then !== 'function') {
      throw coded(TypeError, 'ERR_INVALID_RETURN_VALUE',
        `Expected instance of Promise to be returned from the "promiseFn" function but got${
          describeReceived(promise).slice(' Received'.length)}.`);
    }
  } else if (typeof source?.then !== 'function') throw invalidArgType('promiseFn', ['Function', 'Promise'], source);
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return NOTHING;
}

function expectThrown(caller, thrown, error, message) {
  const wantedText = caller === rejects ? 'rejection' : 'exception';
  if (thrown === NOTHING) {
    const name = typeof error === 'function' && error.name ? ` (${error.name})` : '';
    const more = typeof error === 'string' ? error : message;
    if (message instanceof Error) throw message;
    const failure = new AssertionError({
      message: `Missing expected ${wantedText}${name}${more ? `: ${more}` : '.'}`, expected: error,
      operator: caller.name, stackStartFn: caller,
    });
    if (caller === rejects) failure.generatedMessage = true;
    throw failure;
  }
  const [wanted, text] = checkWanted(error, message, thrown);
  if (wanted !== undefined) checkThrown(thrown, wanted, text, caller);
}

function expectNothing(caller, thrown, error, message) {
  if (thrown === NOTHING) return;
  if (typeof error === 'string') {
    message = error;
    error = undefined;
  }
  const wanted = typeof error === 'function' ? thrown instanceof error : error?.test(String(thrown));
  if (error !== undefined && !wanted) throw thrown;
  const text = message ? `: ${message}` : '.';
  throw new AssertionError({
    message: `Got unwanted exception${text}\nActual message: "${thrown?.message}"`, actual: caller === doesNotReject ? undefined : thrown, expected: error,
    operator: caller.name, stackStartFn: caller,
  });
}

export function throws(callback, error, message) {
  expectThrown(throws, thrownBy(callback), error, message);
}

export function doesNotThrow(callback, error, message) {
  expectNothing(doesNotThrow, thrownBy(callback), error, message);
}

export async function rejects(source, error, message) {
  expectThrown(rejects, await rejectedBy(source), error, message);
}

export async function doesNotReject(source, error, message) {
  expectNothing(doesNotReject, await rejectedBy(source), error, message);
}

// Assertions with options of their own.
export class Assert {
  constructor(options = {}) {
    Object.defineProperty(this, 'options', { value: options });
  }
}

const all = {
  Assert, AssertionError, deepEqual: deepStrictEqual, deepStrictEqual, doesNotMatch, doesNotReject, doesNotThrow,
  equal: strictEqual, fail, ifError, match, notDeepEqual: notDeepStrictEqual, notDeepStrictEqual,
  notEqual: notStrictEqual, notStrictEqual, ok, partialDeepStrictEqual, rejects, strictEqual, throws,
};
for (const name of Object.keys(all)) if (!name.startsWith('Assert')) Assert.prototype[name] = all[name];
export function strict(...args) {
  return ok(...args);
}
for (const target of [assert, strict]) Object.assign(target, all, { strict });

export default assert;
