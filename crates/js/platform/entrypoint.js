// What the module `cloudflare:workers` offers (cloudflare-workers.js): classes that entrypoints extend, the
// environment, and waitUntil for code that has no ctx at hand.
import * as host from 'switchyard:host';
import { ExecutionContext } from './context.js';
import { importedEnv } from './env.js';
import { globalScopeError, tag } from './errors.js';

export class WorkerEntrypoint {
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }
}
tag(WorkerEntrypoint);

export class RpcTarget {}
tag(RpcTarget);

export const env = importedEnv;

export function waitUntil(promise) {
  const ctx = host.contextGet();
  if (!(ctx instanceof ExecutionContext)) throw globalScopeError();
  ctx.waitUntil(promise);
}
