// unhandledrejection and rejectionhandled, as on workerd: the engine tells of each promise that is rejected without
// a handler, and of each that gets one after all; listeners of the global hear of it in a microtask, those of a newer
// Worker once no job is left.
import * as host from 'switchyard:host';
import { CALL_REJECTION, OP_TURN } from './abi.js';
import { isOn } from './compatibility.js';
import { dispatch, hasListeners, trusted } from './events.js';
import { rejectionEvent } from './global-scope.js';
import { expect, nextId } from './ops.js';

const { queueMicrotask } = globalThis;
let waiting = null; // promise -> reason, until the next microtask
const told = new WeakSet();

// The end of the jobs, as an operation's entry.
class Turn {
  complete() {
    tell();
  }

  // The request is over before it.
  dropped() {
    queueMicrotask(tell);
  }
}

function soon() {
  if (isOn('unhandled_rejection_after_microtask_checkpoint')) {
    const id = nextId();
    if (host.op(OP_TURN, id) === 0) {
      expect(id, new Turn());
      return;
    }
  }
  queueMicrotask(tell);
}

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
      soon();
    }
    waiting.set(promise, reason);
  });
}
