// setTimeout, setInterval and their clearing, scheduler.wait, by the HTML standard. The number of a timer is the
// number of the operation behind it; an interval keeps its first number while its operations change.
import * as host from 'switchyard:host';
import { OP_CLEAR, OP_TIMER } from './abi.js';
import { describeThrown, refusal, refuseGlobalScope } from './errors.js';
import { isObject, notField, notOfType, present, toNumber } from './idl.js';
import { entryOf, expect, forget, nextId } from './ops.js';
import { isAbortSignal, offAbort, onAbort } from './abort.js';
import { reportException } from './context.js';

const { apply } = Reflect;
const NONE = [];
const intervals = new Map(); // timer number -> Timer, only while its operation has another number

class Timer {
  constructor(callback, delay, args, repeat) {
    this.callback = callback;
    this.delay = delay;
    this.args = args;
    this.repeat = repeat;
    this.owner = undefined; // the request, set with each operation
    this.reject = undefined; // of the promise that waits for it, if one does
    this.slot = undefined; // the request with what its async context stores, as it was when the timer was made
    this.id = 0;
    this.operation = 0;
  }

  start() {
    const operation = nextId();
    const code = host.op(OP_TIMER, operation, this.delay);
    if (code !== 0) throw refusal(code);
    this.slot = host.contextRaw();
    expect(operation, this);
    this.operation = operation;
  }

  dropped() {
    intervals.delete(this.id);
  }

  // A throwing callback is the end of it, but for those who listen, as on workerd; an interval goes on.
  complete() {
    const previous = host.contextSet(this.slot);
    try {
      if (this.repeat) {
        this.start();
        intervals.set(this.id, this);
      }
      const { callback, args } = this;
      apply(callback, globalThis, args);
    } catch (error) {
      reportException(this.owner, error);
    } finally {
      host.contextSet(previous);
    }
  }
}

function milliseconds(value) {
  const delay = Math.trunc(toNumber(value));
  return delay > 0 ? Math.min(delay, 2147483647) : 0;
}

export function startTimer(callback, delay, args = NONE, repeat = false, reject = undefined) {
  const timer = new Timer(callback, milliseconds(delay), args, repeat);
  timer.reject = reject;
  timer.start();
  return (timer.id = timer.operation);
}

function check(callback, name) {
  if (typeof callback !== 'function') throw notOfType(name, 'ServiceWorkerGlobalScope', 1, 'function');
}

export function setTimeout(callback, delay = 0, ...args) {
  check(callback, 'setTimeout');
  return startTimer(callback, delay, args);
}

export function setInterval(callback, delay = 0, ...args) {
  check(callback, 'setInterval');
  return startTimer(callback, delay, args, true);
}

export function clearTimeout(id = undefined) {
  if (arguments.length === 0) throw notOfType('clearTimeout', 'ServiceWorkerGlobalScope', 1, 'Number');
  refuseGlobalScope();
  id = toNumber(id);
  const interval = intervals.get(id);
  const operation = interval === undefined ? id : interval.operation;
  const timer = entryOf(operation);
  // Over already, the number of something else, or another request's.
  if (!(timer instanceof Timer) || timer.owner !== host.contextGet()) return;
  intervals.delete(id);
  forget(operation);
  host.op(OP_CLEAR, operation);
}

export function clearInterval(id = undefined) {
  if (arguments.length === 0) throw notOfType('clearInterval', 'ServiceWorkerGlobalScope', 1, 'Number');
  clearTimeout(id);
}

// A reason crosses the runtime on workerd, and is an error afterwards.
function asError(reason) {
  return reason instanceof Error ? reason : new Error(describeThrown(reason)[1]);
}

export class Scheduler {
  wait(delay, options = undefined) {
    const given = arguments.length;
    return new Promise((resolve, reject) => {
      if (given === 0) throw notOfType('wait', 'Scheduler', 1, 'number');
      if (options !== undefined && options !== null && !isObject(options)) throw notOfType('wait', 'Scheduler', 2, 'WaitOptions');
      const signal = options?.signal;
      if (signal !== undefined && !isAbortSignal(signal)) throw notField('signal', 'WaitOptions', 'AbortSignal');
      if (signal === undefined) {
        startTimer(resolve, delay, NONE, false, reject);
        return;
      }
      if (signal.aborted) {
        reject(asError(signal.reason));
        return;
      }
      const abort = () => {
        clearTimeout(id);
        reject(asError(signal.reason));
      };
      const id = startTimer(() => {
        offAbort(signal, abort);
        resolve();
      }, delay, NONE, false, reject);
      onAbort(signal, abort);
    });
  }
}
present(Scheduler);
