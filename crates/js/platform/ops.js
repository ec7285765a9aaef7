// Operations in flight: each has a number that is never reused in an instance, and an entry that is told of
// its completion. What a request leaves unfinished when it ends is forgotten: a warm instance keeps nothing of it,
// and only other requests that wait for its promises are told, by the next event. Entries run in the context of
// the request that started the operation.
import * as host from 'switchyard:host';
import { contextGet, contextSet } from 'switchyard:host';
import { EVENT_COMPLETE, OP_READ, STATUS_OK, STATUS_END } from './abi.js';
import { countOperations } from './context.js';
import { hostError, overError, refusal } from './errors.js';

const pending = new Map();
// The oldest of them, which is mostly the only one: it needs no table. Its number is 0 where there is none.
let oldest = null;
let oldestId = 0;
export let left = null; // promises of requests that are over, until the next event
let last = 0;

// Numbers of operations and of guest streams come from one counter.
export function nextId() {
  return ++last;
}

// `entry.complete(status, ...values)` is called once, unless the operation is forgotten before.
export function expect(id, entry) {
  const owner = (entry.owner = contextGet());
  if (owner !== undefined) countOperations(owner, 1);
  if (oldestId === 0 && pending.size === 0) {
    oldest = entry;
    oldestId = id;
  } else pending.set(id, entry);
}

// A request is over: the host completes nothing more for it.
export function forgetOwned(owns) {
  if (oldestId !== 0 && owns(oldest.owner)) drop(oldestId);
  for (const [id, entry] of pending) if (owns(entry.owner)) drop(id);
}

function drop(id) {
  const entry = take(id);
  entry.dropped?.();
  if (entry.reject !== undefined) (left ??= []).push(entry);
}

// Nothing of those requests runs any more, so that only others can notice. To be called where `left` is not null.
export function rejectLeft() {
  const entries = left;
  left = null;
  for (const entry of entries) entry.reject(overError());
}

export function entryOf(id) {
  return id === oldestId ? oldest ?? undefined : pending.get(id);
}

export function forget(id) {
  return take(id) !== undefined;
}

function take(id) {
  let entry = oldest;
  if (id === oldestId && entry !== null) {
    oldest = null;
    oldestId = 0;
  } else {
    entry = pending.get(id);
    if (entry === undefined) return undefined;
    pending.delete(id);
  }
  if (entry.owner !== undefined) countOperations(entry.owner, -1);
  return entry;
}

class PromiseEntry {
  constructor(resolve, reject) {
    this.resolve = resolve;
    this.reject = reject;
    this.owner = undefined;
  }
  complete(status, a, b) {
    if (status === STATUS_OK) this.resolve(a);
    else if (status === STATUS_END) this.resolve(null);
    else this.reject(hostError(a, b));
  }
}

// An operation as a promise of its first value; the end of a stream is null.
export function operation(kind, a, b) {
  return new Promise((resolve, reject) => {
    const id = nextId();
    const code = b === undefined ? host.op(kind, id, a) : host.op(kind, id, a, b);
    if (code !== 0) reject(refusal(code));
    else expect(id, new PromiseEntry(resolve, reject));
  });
}

// The next bytes of a host stream, for a callback object rather than a promise: body readers loop on it.
export function readHost(stream, entry) {
  const id = nextId();
  const code = host.op(OP_READ, id, stream);
  if (code !== 0) throw refusal(code);
  expect(id, entry);
  return id;
}

function completed(id, status, a, b, c, d, e, f, g) {
  const entry = take(id);
  if (entry === undefined) return; // cancelled while the answer was under way
  if (left !== null) rejectLeft();
  contextSet(entry.owner);
  entry.complete(status, a, b, c, d, e, f, g);
}

export function installOps() {
  host.register(EVENT_COMPLETE, completed);
}
