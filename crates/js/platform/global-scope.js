// What globalThis inherits from: on workerd the web's names lie on ServiceWorkerGlobalScope.prototype, and the global
// is an EventTarget. Also the functions of the scope that have no file of their own, and the event of a rejection.
import * as host from 'switchyard:host';
import { reportException } from './context.js';
import { describeThrown } from './errors.js';
import { ErrorEvent, Event, EventTarget, dispatch, makeTarget, setReport, trusted } from './events.js';
import { notOfType, present } from './idl.js';

const { queueMicrotask: enqueue } = globalThis;
const PLACE = /\(?([^\s()]+):(\d+):(\d+)\)?$/m;

export class WorkerGlobalScope extends EventTarget {
  constructor() {
    throw new TypeError('Illegal constructor');
  }
}
present(WorkerGlobalScope);

export class ServiceWorkerGlobalScope extends WorkerGlobalScope {
  constructor() {
    throw new TypeError('Illegal constructor');
  }
}
present(ServiceWorkerGlobalScope);

// Puts the two between the global object and EventTarget.
export function inherit(global) {
  Reflect.deleteProperty(global, Symbol.toStringTag);
  Object.setPrototypeOf(global, ServiceWorkerGlobalScope.prototype);
  makeTarget(global);
}

export function queueMicrotask(callback) {
  if (typeof callback !== 'function') throw notOfType('queueMicrotask', 'ServiceWorkerGlobalScope', 1, 'function');
  enqueue(callback);
}

// Tells the listeners for `error`; unless one prevents it, those who watch the request hear of it too.
export function reportError(error) {
  if (arguments.length === 0) throw notOfType('reportError', 'ServiceWorkerGlobalScope', 1, 'Value');
  const [name, message, stack] = describeThrown(error);
  const [, filename = '', line = 0, column = 0] = PLACE.exec(stack) ?? [];
  const text = error instanceof Error && name !== '' ? `${name}: ${message}` : message;
  const event = new ErrorEvent('error', {
    message: `Uncaught ${text}`, filename, lineno: Number(line), colno: Number(column), error,
  });
  if (dispatch(globalThis, trusted(event))) reportException(host.contextGet(), error);
}

setReport((error) => reportError(error));

const TOKEN = Symbol('rejection');

export class PromiseRejectionEvent extends Event {
  constructor(token, type, promise, reason) {
    if (token !== TOKEN) throw new TypeError('Illegal constructor');
    super(type);
    for (const [name, value] of [['promise', promise], ['reason', reason]]) {
      Object.defineProperty(this, name, { value, enumerable: true, configurable: true });
    }
  }
}
present(PromiseRejectionEvent);

export function rejectionEvent(type, promise, reason) {
  return new PromiseRejectionEvent(TOKEN, type, promise, reason);
}
