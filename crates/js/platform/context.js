// ExecutionContext: what a handler gets as `ctx`, and the platform's record of one request in flight. It is the
// value of the context slot, so whatever a job does is known to be done for this request.
import * as host from 'switchyard:host';
import { EVENT_ABORTED, EVENT_ENDED, OP_DONE, OP_EXCEPTION, OP_WAITING } from './abi.js';
import { newSignal, signalAbort } from './abort.js';
import { DOMException, describeThrown, tag } from './errors.js';
import { forgetOwned, left, rejectLeft } from './ops.js';

const watched = new Map(); // request number -> ExecutionContext: those that want to hear that the client left

export let requestId; // (ctx)
export let answered; // (ctx): the response or the error goes out; true when the host has nothing else to wait for
export let streamBegun; // (context slot's value): a body begins to be written in pieces
export let streamEnded;
export let clientSignal; // (ctx): the signal that fires when the client leaves
export let consoleWanted; // (context slot's value): bits of who listens to the console; 0 where nobody does
export let countOperations; // (context slot's value, by): it has so many more in flight
export let carry; // (ctx, request): the request it is of, for a handler that goes on
export let passes; // (ctx): whether an exception is to pass the request on; true once
export let carried; // (ctx): what carry() gave
export let ownEnv; // (ctx, make): the env of this request alone, made by make(JSON) at the first look; null without one

const RUNNING = 0;
const ANSWERED = 1; // the response or the error has gone out
const TOLD = 2; // … and the host knows that nothing is waited for

const TOKEN = Symbol('context');

export class ExecutionContext {
  // The first four are what CONTEXT is made with.
  #id = 0;
  #props = null; // JSON until somebody looks, as the next
  #env = null;
  #console = 0;
  #waiting = 0; // waitUntil promises not settled
  #operations = 0; // in flight
  #streams = 0; // bodies still being written, of the response and of fetches
  #stage = 0; // RUNNING: a constant, so that the engine gives all fields at once
  #signal = null;
  #request = null;
  #passes = false; // passThroughOnException() was called

  constructor(token) {
    if (token !== TOKEN) throw new TypeError('Illegal constructor');
  }

  static {
    requestId = (ctx) => ctx.#id;
    consoleWanted = (ctx) => (ctx instanceof ExecutionContext ? ctx.#console : 0);
    countOperations = (ctx, by) => {
      ctx.#operations += by;
    };
    carry = (ctx, request) => {
      ctx.#request = request;
    };
    passes = (ctx) => {
      const passing = ctx.#passes && ctx.#stage === RUNNING;
      ctx.#passes = false;
      return passing;
    };
    carried = (ctx) => ctx.#request;
    ownEnv = (ctx, make) => {
      if (typeof ctx.#env === 'string') ctx.#env = make(ctx.#env);
      return ctx.#env;
    };
    answered = (ctx) => {
      if (ctx.#waiting === 0 && ctx.#operations === 0) {
        ctx.#stage = TOLD;
        return true;
      }
      ctx.#stage = ctx.#waiting === 0 ? TOLD : ANSWERED;
      ctx.#release();
      return ctx.#stage === TOLD;
    };
    streamBegun = (ctx) => {
      if (ctx instanceof ExecutionContext) ctx.#streams++;
    };
    streamEnded = (ctx) => {
      if (!(ctx instanceof ExecutionContext)) return;
      ctx.#streams--;
      ctx.#release();
    };
    clientSignal = (ctx) => {
      if (ctx.#signal === null) {
        ctx.#signal = newSignal();
        watched.set(ctx.#id, ctx);
      }
      return ctx.#signal;
    };
  }

  // Nothing that belongs to the request stays behind it.
  #release() {
    if (this.#stage === RUNNING || this.#waiting > 0 || this.#streams > 0) return;
    if (this.#signal !== null) watched.delete(this.#id);
    if (this.#operations > 0) forgetOwned((owner) => owner === this);
  }

  get props() {
    if (typeof this.#props !== 'object' || this.#props === null) {
      this.#props = typeof this.#props === 'string' ? JSON.parse(this.#props) : {};
    }
    return this.#props;
  }

  waitUntil(promise) {
    if (typeof this !== 'object' || this === null || !(#id in this)) throw illegalInvocation();
    if (!host.isPromise(promise) && typeof promise?.then !== 'function') {
      throw new TypeError(
        "Failed to execute 'waitUntil' on 'ExecutionContext': parameter 1 is not of type 'Promise'.");
    }
    const settled = () => {
      this.#waiting--;
      if (this.#waiting > 0 || this.#stage === RUNNING) return;
      this.#release();
      if (this.#stage !== TOLD) {
        this.#stage = TOLD;
        host.op(OP_DONE, this.#id);
      }
    };
    const resolved = Promise.resolve(promise);
    // Whoever calls it: it is this request that goes on, and that hears of the promise.
    const previous = host.contextSet(this);
    try {
      if (this.#waiting++ === 0) {
        // Where the answer goes on, in a body or a WebSocket, it may have been told already.
        if (this.#stage === TOLD) this.#stage = ANSWERED;
        host.op(OP_WAITING, this.#id);
      }
      resolved.then(settled, (error) => {
        reportException(this, error);
        settled();
      });
    } finally {
      host.contextSet(previous);
    }
  }

  passThroughOnException() {
    if (typeof this !== 'object' || this === null || !(#id in this)) throw illegalInvocation();
    this.#passes = true;
  }
}
tag(ExecutionContext);

export const CONTEXT = host.template(new ExecutionContext(TOKEN)); // make(CONTEXT, id, props, parameters, console)

// What nobody caught beside the handler: told to those who listen, and nothing else comes of it.
export function reportException(ctx, error) {
  if (!consoleWanted(ctx)) return;
  const [name, message, stack] = describeThrown(error);
  host.op(OP_EXCEPTION, requestId(ctx), name, message, stack);
}

function illegalInvocation() {
  return new TypeError('Illegal invocation: function called with incorrect `this` reference. See ' +
    'https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.');
}

export function installContext(forgetPumps) {
  // The host has ended the request, whatever it may still wait for: nothing of it runs from now on.
  host.register(EVENT_ENDED, (id) => {
    watched.delete(id);
    const owns = (owner) => owner instanceof ExecutionContext && requestId(owner) === id;
    forgetPumps(owns);
    forgetOwned(owns);
    if (left !== null) rejectLeft();
  });
  host.register(EVENT_ABORTED, (id) => {
    const ctx = watched.get(id);
    if (ctx === undefined) return;
    const previous = host.contextSet(ctx);
    try {
      signalAbort(clientSignal(ctx), new DOMException('The client has disconnected', 'AbortError'));
    } catch (error) {
      reportException(ctx, error);
    } finally {
      host.contextSet(previous);
    }
  });
}
