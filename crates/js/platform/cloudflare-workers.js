// The module `cloudflare:workers` as scripts import it. It holds nothing itself: the classes must be the very
// ones dispatch.js compares with, so they live in a module of the platform, named in full because a relative
// name would be looked for beside `cloudflare:workers`.
export {
  DurableObject, RpcPromise, RpcProperty, RpcStub, RpcTarget, ServiceStub, WorkerEntrypoint, WorkflowEntrypoint,
  abortIsolate, cache, env, exports, restore, tracing, waitUntil, withEnv, withEnvAndExports, withExports,
} from 'platform:entrypoint.js';
