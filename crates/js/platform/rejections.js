// unhandledrejection and rejectionhandled, as on workerd: the engine tells of each promise that is rejected without
// a handler, and of each that gets one after all; listeners of the global hear of it in a microtask.
import * as host from 'switchyard:host';
import { CALL_REJECTION } from './abi.js';
import { dispatch, hasListeners, trusted } from './events.js';
import { rejectionEvent } from './global-scope.js';

const { queueMicrotask } = globalThis;
let waiting = null; // promise -> reason, until the next microtask
const told = new WeakSet();

function tell() {
  const list = waiting;
  waiting = null;
  for (const [promise, reason] of list) {
    told.add(promise);
    dispatch(globalThis, trusted(rejectionEvent('unhandledrejection', promise, reason)));
  }
}

export function installRejections() {
  host.register(CALL_REJECTION, (promise, reason, handled) => {
    if (handled) {
      if (waiting !== null && waiting.delete(promise)) return;
      if (!told.delete(promise) || !hasListeners(globalThis, 'rejectionhandled')) return;
      queueMicrotask(() => dispatch(globalThis, trusted(rejectionEvent('rejectionhandled', promise, undefined))));
      return;
    }
    if (!hasListeners(globalThis, 'unhandledrejection')) return;
    if (waiting === null) {
      waiting = new Map();
      queueMicrotask(tell);
    }
    waiting.set(promise, reason);
  });
}
