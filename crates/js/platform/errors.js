// The errors the platform raises in its own name, and how an error that crossed the wire as
// (name, message) becomes an object again. Texts are those of workerd, which applications match on.
import * as host from 'switchyard:host';
import { REFUSED_OVER, SYNC_GLOBAL_SCOPE } from './abi.js';

export { DOMException } from './dom-exception.js';

const GLOBAL_SCOPE =
  'Disallowed operation called within global scope. Asynchronous I/O (ex: fetch() or connect()), setting a ' +
  'timeout, and generating random values are not allowed within global scope. To fix this error, perform this ' +
  'operation within a handler. https://developers.cloudflare.com/workers/runtime-apis/handlers/';

const NATIVE = {
  __proto__: null, Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError,
};

export function globalScopeError() {
  return new Error(GLOBAL_SCOPE);
}

// Throws where I/O is refused. A running request always has a context, so the host is asked only without one.
export function refuseGlobalScope() {
  if (host.contextGet() === undefined && host.sync(SYNC_GLOBAL_SCOPE)) throw globalScopeError();
}

// What an operation that the host did not accept means.
export function refusal(code) {
  if (code === REFUSED_OVER) return overError();
  return code === 1 ? globalScopeError() : new Error('Too many concurrent operations.');
}

// workerd's names of what a request may have that no other may use.
export const SOURCE = 'ReadableStreamSource>';
export const SINK = 'Writable';

// Throws where something belongs to another request than the one that runs. `owner` is a context, undefined for
// what belongs to none.
export function refuseForeign(owner, type) {
  if (owner === undefined || owner === host.contextGet()) return;
  throw new Error('Cannot perform I/O on behalf of a different request. I/O objects (such as streams, ' +
    'request/response bodies, and others) created in the context of one request handler cannot be accessed from a ' +
    "different request's handler. This is a limitation of Cloudflare Workers which allows us to improve overall " +
    `performance. (I/O type: ${type})`);
}

// What others get that wait for a promise of a request that is over.
export function overError() {
  return new Error('This promise was created by a request that has since ended, so it can never settle. With the ' +
    'handle_cross_request_promise_resolution compatibility flag, a promise can only settle in the request that ' +
    'created it, and settling it after that request ends is dropped.');
}

export function hostError(name, message) {
  return new (NATIVE[name] ?? Error)(message);
}

// A stack without the platform's own frames, nor the native call that leads from them into the script.
export function scriptStack(stack) {
  if (typeof stack !== 'string') return '';
  if (!stack.includes('platform:')) return stack;
  const lines = stack.split('\n');
  const ours = (line) => line !== undefined && /^\s+at (?:.* \()?platform:/.test(line);
  return lines.filter((line, i) => !ours(line) && !(line.endsWith('(<anonymous>)') && ours(lines[i + 1]))).join('\n');
}

// (name, message, stack) of whatever was thrown: values that are no errors are named as workerd names them.
export function describeThrown(value) {
  try {
    return describe(value);
  } catch {
    return ['Error', '#<Object>', '']; // its own getters throw
  }
}

function describe(value) {
  if (value instanceof Error) {
    return [String(value.name), String(value.message), scriptStack(value.stack)];
  }
  let message;
  if (typeof value === 'function') message = '#<Function>';
  else if (typeof value === 'object' && value !== null) message = `#<${value.constructor?.name || 'Object'}>`;
  else message = String(value);
  return ['Error', message, ''];
}

// Web classes name themselves through Symbol.toStringTag.
export function tag(target, name = target.name) {
  Object.defineProperty(target.prototype, Symbol.toStringTag, { value: name, configurable: true });
}
