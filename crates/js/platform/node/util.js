// `node:util`, as Node documents it.
import * as host from 'switchyard:host';
import { formatWith } from '../format.js';
import { TextDecoder, TextEncoder } from '../encoding.js';
import { inspect } from '../inspect.js';
import { isDeepStrictEqual } from './internal/deep-equal.js';
import { coded, invalidArgType, outOfRange, showWith } from './internal/errors.js';
import { MIMEParams, MIMEType } from './internal/mime.js';
import { briefWith } from './internal/received.js';
import { systemErrors } from './internal/system-errors.js';
import { parseEnv } from './internal/parse-env.js';
import { diff } from './internal/text-diff.js';
import {
  validateAbortSignal, validateFunction, validateNumber, validateObject, validateOneOf, validateString,
} from './internal/validators.js';
import { Buffer } from 'node:buffer';
import types from 'node:util/types';

showWith((value) => inspect(value));
briefWith(inspect);

export { MIMEParams, MIMEType, TextDecoder, TextEncoder, diff, inspect, isDeepStrictEqual, parseEnv, types };

export function format(...values) {
  return formatWith(undefined, values);
}

export function formatWithOptions(options, ...values) {
  validateObject(options, 'inspectOptions', { allowArray: true });
  return formatWith(options, values);
}

export function inherits(constructor, parent) {
  if (constructor === undefined || constructor === null) throw invalidArgType('ctor', 'Function', constructor);
  if (parent === undefined || parent === null) throw invalidArgType('superCtor', 'Function', parent);
  if (parent.prototype === undefined) throw invalidArgType('superCtor.prototype', 'Object', parent.prototype);
  Object.defineProperty(constructor, 'super_', { value: parent, writable: true, configurable: true });
  Object.setPrototypeOf(constructor.prototype, parent.prototype);
}

export function _extend(target, source) {
  return source === null || typeof source !== 'object' ? target : Object.assign(target, source);
}

const customPromisify = Symbol.for('nodejs.util.promisify.custom');

export function promisify(original) {
  validateFunction(original, 'original');
  const custom = original[customPromisify];
  if (custom) {
    validateFunction(custom, 'The "util.promisify.custom" property');
    return Object.defineProperty(custom, customPromisify, { value: custom, configurable: true });
  }
  function promisified(...args) {
    return new Promise((resolve, reject) => {
      Reflect.apply(original, this, [...args, (error, value) => {
        if (error) reject(error);
        else resolve(value);
      }]);
    });
  }
  Object.setPrototypeOf(promisified, Object.getPrototypeOf(original));
  Object.defineProperty(promisified, customPromisify, { value: promisified, configurable: true });
  const descriptors = Object.getOwnPropertyDescriptors(original);
  return Object.defineProperties(promisified, descriptors);
}
promisify.custom = customPromisify;

export function callbackify(original) {
  validateFunction(original, 'original');
  function callbackified(...args) {
    const callback = args.pop();
    validateFunction(callback, 'last argument');
    Reflect.apply(original, this, args).then(
      (value) => queueMicrotask(() => callback.call(this, null, value)),
      (reason) => {
        let error = reason;
        if (!reason) {
          error = coded(Error, 'ERR_FALSY_VALUE_REJECTION', 'Promise was rejected with falsy value');
          error.reason = reason;
        }
        queueMicrotask(() => callback.call(this, error));
      },
    );
  }
  const descriptors = Object.getOwnPropertyDescriptors(original);
  if (typeof descriptors.length.value === 'number') descriptors.length.value++;
  if (typeof descriptors.name.value === 'string') descriptors.name.value += 'Callbackified';
  return Object.defineProperties(callbackified, descriptors);
}

const warned = new Set();

export function deprecate(original, message, code = undefined) {
  validateFunction(original, 'fn');
  if (code !== undefined) validateString(code, 'code');
  let told = false;
  function deprecated(...args) {
    if (!told) {
      told = true;
      if (code === undefined || !warned.has(code)) {
        if (code !== undefined) warned.add(code);
        globalThis.console.warn(`${code === undefined ? '' : `[${code}] `}DeprecationWarning: ${message}`);
      }
    }
    return new.target ? Reflect.construct(original, args, new.target) : Reflect.apply(original, this, args);
  }
  Object.setPrototypeOf(deprecated, original);
  if (original.prototype) deprecated.prototype = original.prototype;
  Object.defineProperty(deprecated, 'length', { ...Object.getOwnPropertyDescriptor(original, 'length') });
  return deprecated;
}

export function debuglog(set) {
  validateString(set, 'set');
  const debug = () => {};
  Object.defineProperty(debug, 'enabled', { get: () => false, configurable: true, enumerable: true });
  return debug;
}
export const debug = debuglog;

export function parseArgs() {
  throw new Error('node:util parseArgs is not implemented');
}

// Of ECMA-48: control sequences, operating system commands, other escapes.
const CONTROL_SEQUENCE = new RegExp(
  '(?:\\u001b\\[|\\u009b)[0-?]*[ -/]*[@-~]|\\u001b\\][^\\u0007\\u001b\\u009c]*(?:\\u0007|\\u001b\\\\|\\u009c)|' +
  '\\u001b[@-Z\\\\^_]', 'g');

export function stripVTControlCharacters(text) {
  validateString(text, 'str');
  return text.replace(CONTROL_SEQUENCE, '');
}

export function styleText(style, text, options = undefined) {
  validateString(text, 'text');
  if (options !== undefined) validateObject(options, 'options');
  // There is no terminal, so that nothing is styled unless it is asked not to look for one.
  const styled = options?.validateStream === false;
  let before = '';
  let after = '';
  for (const name of Array.isArray(style) ? style : [style]) {
    const codes = inspect.colors[name];
    if (codes === undefined) validateOneOf(name, 'format', Object.keys(inspect.colors));
    before += `\u001b[${codes[0]}m`;
    after = `\u001b[${codes[1]}m${after}`;
  }
  return styled ? `${before}${text}${after}` : text;
}

export function toUSVString(value) {
  return String(value).toWellFormed();
}

export function getSystemErrorMap() {
  return new Map(systemErrors);
}

function systemError(number) {
  validateNumber(number, 'err');
  if (number >= 0 || !Number.isSafeInteger(number)) throw outOfRange('err', 'a negative integer', number);
  return systemErrors.get(number);
}

export function getSystemErrorName(number) {
  return systemError(number)?.[0] ?? `Unknown system error ${number}`;
}

export function getSystemErrorMessage(number) {
  return systemError(number)?.[1];
}

export function _errnoException(number, syscall, original) {
  const code = getSystemErrorName(number);
  const error = new Error(original ? `${syscall} ${code} ${original}` : `${syscall} ${code}`);
  error.errno = number;
  error.code = code;
  error.syscall = syscall;
  return error;
}

export function _exceptionWithHostPort(number, syscall, address, port, additional) {
  const code = getSystemErrorName(number);
  let details = port > 0 ? ` ${address}:${port}` : address ? ` ${address}` : '';
  if (additional) details += ` - Local (${additional})`;
  const error = new Error(`${syscall} ${code}${details}`);
  error.errno = number;
  error.code = code;
  error.syscall = syscall;
  error.address = address;
  if (port) error.port = port;
  return error;
}

export function aborted(signal, resource) {
  if (signal === undefined) return Promise.reject(invalidArgType('signal', 'AbortSignal', signal));
  try {
    validateAbortSignal(signal, 'signal');
    validateObject(resource, 'resource', { allowFunction: true, allowArray: true });
  } catch (error) {
    return Promise.reject(error);
  }
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

export function transferableAbortController() {
  return new AbortController();
}

export function transferableAbortSignal(signal) {
  if (!(signal instanceof AbortSignal)) throw invalidArgType('signal', 'AbortSignal', signal);
  return signal;
}

export function getCallSites(count = 8) {
  validateNumber(count, 'frameCount', 1, 200);
  return sites(count);
}
export const getCallSite = getCallSites;

function sites(count) {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.stackTraceLimit = count + 2;
  Error.prepareStackTrace = (_, all) => all;
  const { stack } = new Error();
  Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  return stack.slice(2, count + 2).map((site) => ({
    functionName: site.getFunctionName() ?? '', scriptId: '', scriptName: site.getFileName() ?? '',
    lineNumber: site.getLineNumber() ?? 0, columnNumber: site.getColumnNumber() ?? 0,
    column: site.getColumnNumber() ?? 0,
  }));
}

const SIGNALS = {
  SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15,
};

export function convertProcessSignalToExitCode(signal) {
  validateOneOf(signal, 'signalCode', Object.keys(SIGNALS));
  return 128 + SIGNALS[signal];
}

export function setTraceSigInt() {}

export function log(...values) {
  globalThis.console.log('%s - %s', new Date(Math.floor(host.now())).toUTCString(), format(...values));
}

export const isArray = Array.isArray;
export const isBoolean = (value) => typeof value === 'boolean';
export const isBuffer = (value) => value instanceof Buffer;
export const isDate = types.isDate;
export const isError = (value) => types.isNativeError(value) || value instanceof Error;
export const isFunction = (value) => typeof value === 'function';
export const isNull = (value) => value === null;
export const isNullOrUndefined = (value) => value === null || value === undefined;
export const isNumber = (value) => typeof value === 'number';
export const isObject = (value) => value !== null && typeof value === 'object';
export const isPrimitive = (value) => value === null || (typeof value !== 'object' && typeof value !== 'function');
export const isRegExp = types.isRegExp;
export const isString = (value) => typeof value === 'string';
export const isSymbol = (value) => typeof value === 'symbol';
export const isUndefined = (value) => value === undefined;

export default {
  MIMEParams, MIMEType, TextDecoder, TextEncoder, _errnoException, _exceptionWithHostPort, _extend, aborted, callbackify,
  convertProcessSignalToExitCode, debug, debuglog, deprecate, diff, format, formatWithOptions, getCallSite, getCallSites,
  getSystemErrorMap, getSystemErrorMessage, getSystemErrorName, inherits, inspect, isArray, isBoolean, isBuffer, isDate,
  isDeepStrictEqual, isError, isFunction, isNull, isNullOrUndefined, isNumber, isObject, isPrimitive, isRegExp, isString,
  isSymbol, isUndefined, log, parseArgs, parseEnv, promisify, setTraceSigInt, stripVTControlCharacters, styleText,
  toUSVString, transferableAbortController, transferableAbortSignal, types,
};
