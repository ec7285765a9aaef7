// What the module `cloudflare:workers` offers (cloudflare-workers.js): classes that entrypoints extend, the
// environment, and waitUntil for code that has no ctx at hand. What needs calls between Workers, Durable Objects or
// Workflows is there by name, so that packages start, and says that it is missing when it is used.
import * as host from 'switchyard:host';
import { ExecutionContext } from './context.js';
import { currentEnv, importedEnv, overrideEnv } from './env.js';
import { globalScopeError, tag } from './errors.js';

const missing = (what) => new Error(`${what} of cloudflare:workers is not implemented by this server.`);

function construct(name, value, kind, shown = name) {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`Failed to construct '${shown}': constructor parameter 1 is not of type '${kind}'.`);
  }
}

export class WorkerEntrypoint {
  constructor(ctx, env) {
    construct('WorkerEntrypoint', ctx, 'Object');
    this.ctx = ctx;
    this.env = env;
  }
}
tag(WorkerEntrypoint);

export class WorkflowEntrypoint {
  constructor(ctx, env) {
    construct('WorkflowEntrypoint', ctx, 'ExecutionContext');
    this.ctx = ctx;
    this.env = env;
  }
}
tag(WorkflowEntrypoint);

export class DurableObject {
  constructor(ctx, env) {
    construct('DurableObject', ctx, 'DurableObjectState', 'DurableObjectBase');
    this.ctx = ctx;
    this.env = env;
  }
}
tag(DurableObject, 'DurableObjectBase');

export class RpcTarget {}
tag(RpcTarget, 'JsRpcTarget');

const unmade = (name) => ({
  [name]: class {
    constructor() {
      throw new TypeError('Illegal constructor');
    }
  },
})[name];

export const RpcPromise = unmade('RpcPromise');
export const RpcProperty = unmade('RpcProperty');
export const ServiceStub = unmade('ServiceStub');

export class RpcStub {
  constructor(target) {
    construct('RpcStub', target, 'Object', 'JsRpcStub');
    throw missing('RpcStub');
  }
}

export const restore = Symbol('cloudflare:workers:restore');
export const cache = {};
export const tracing = {};
export const exports = {};
export const env = importedEnv;

export function waitUntil(promise) {
  const ctx = host.contextGet();
  if (!(ctx instanceof ExecutionContext)) throw globalScopeError();
  ctx.waitUntil(promise);
}

export function abortIsolate(reason) {
  throw missing('abortIsolate()');
}

// Runs with another env for whoever imports it, in all that comes of the call.
function withImports(name, position, value, run) {
  if (typeof run !== 'function') {
    throw new TypeError(`Failed to execute '${name}' on 'EnvModule': parameter ${position} is not of type 'function'.`);
  }
  return value === undefined ? run() : overrideEnv(value ?? currentEnv(), run);
}

export function withEnv(newEnv, run) {
  return withImports('withEnv', 2, newEnv, run);
}

export function withExports(newExports, run) {
  return withImports('withExports', 2, undefined, run);
}

export function withEnvAndExports(newEnv, newExports, run) {
  return withImports('withEnvAndExports', 3, newEnv, run);
}
