// Probes of modules: kinds, cycles, names, what may be imported when, `import.meta`, and the platform's own modules.
import { runAll } from './show.mjs';
import * as leaf from './modules-leaf.mjs';
import leafDefault, { counter, increase, renamed as other } from './modules-leaf.mjs';
import * as reexported from './modules-reexport.mjs';
import { a, readB } from './modules-cycle-a.mjs';
import { settled, order } from './modules-await.mjs';
import text from './modules-text.txt';
import object from './modules-object.json';
import part, * as partNamespace from './modules-part.cjs';
import * as workers from 'cloudflare:workers';

const atStart = {};
for (const [name, run] of Object.entries({
  waitUntil: () => workers.waitUntil(Promise.resolve()),
  exports: () => Object.keys(workers.exports),
  env: () => typeof workers.env,
  this: () => typeof this,
  timeout: () => setTimeout(() => {}, 1),
  random: () => typeof Math.random(),
  now: () => [Date.now(), performance.now(), new Date().getTime()],
  uuid: () => crypto.randomUUID(),
  response: () => new Response('x'),
  emptyResponse: () => new Response().status,
  request: () => new Request('http://x/').url,
  eval: () => eval('1 + 1'),
  Function: () => new Function('return 2')(),
  microtask: () => queueMicrotask(() => {}),
  clone: () => structuredClone({ a: [1] }).a[0],
  abort: () => AbortSignal.abort().aborted,
  abortTimeout: () => AbortSignal.timeout(1),
  addEventListener: () => addEventListener('fetch', () => {}),
  atob: () => atob('YQ=='),
  blob: () => new Blob(['x']).size,
  file: () => new File(['x'], 'f').lastModified,
})) {
  try { atStart[name] = run() } catch (error) { atStart[name] = `${error.name}: ${error.message}` }
}
atStart.fetch = await fetch('http://x/').catch((error) => `${error.name}: ${error.message}`);
atStart.imported = await import('./modules-late.mjs').then((m) => Object.keys(m));
atStart.missing = await import('./nothing.mjs').catch((error) => `${error.name}: ${error.message}`);

const failed = (promise) => promise.then((m) => Object.keys(m), (error) => `${error.name}: ${error.message}`);

const probes = {
  ...Object.fromEntries(Object.entries(atStart).map(([name, value]) => [`start: ${name}`, () => value])),
  'namespace: keys': () => Object.keys(leaf),
  'namespace: tag': () => [Object.prototype.toString.call(leaf), Object.getPrototypeOf(leaf), Object.isExtensible(leaf), Object.isFrozen(leaf), Object.isSealed(leaf)],
  'namespace: descriptor': () => { const d = Object.getOwnPropertyDescriptor(leaf, 'counter'); return [d.writable, d.enumerable, d.configurable] },
  'namespace: written': () => { try { leaf.counter = 5 } catch (e) { return e.name } },
  'namespace: added': () => { try { leaf.more = 5 } catch (e) { return e.name } },
  'namespace: deleted': () => { try { delete leaf.counter } catch (e) { return e.name } },
  'namespace: missing': () => [leaf.nope, 'nope' in leaf, Reflect.has(leaf, 'default')],
  'binding: is live': () => { const before = counter; increase(); return [before, counter, leaf.counter] },
  'binding: written': () => { try { counter = 1 } catch (e) { return `${e.name}: ${e.message}` } },
  'default: function': () => [typeof leafDefault, leafDefault.name, leafDefault()],
  'renamed': () => other,
  'string names': () => leaf['a string'],
  'reexports': () => [Object.keys(reexported), reexported.counter === leaf.counter, reexported.all.counter === leaf.counter, reexported.own],
  'cycles': () => [a, readB()],
  'top-level await': () => [settled, order],
  'text': () => [typeof text, text],
  'json': () => [object, Object.isFrozen(object)],
  'commonjs: default': () => [part.name, part.add(1, 2), Object.keys(partNamespace)],
  'commonjs: this and filename': () => [part.thisIsExports, typeof part.required],
  'meta: keys': () => [Object.keys(import.meta), Object.getPrototypeOf(import.meta), typeof import.meta.url, typeof import.meta.resolve, import.meta === import.meta],
  'meta: extensible': () => { import.meta.mine = 1; return [import.meta.mine, leaf.meta().mine] },
  'import: in a handler': () => failed(import('./modules-leaf.mjs')),
  'import: same namespace': async () => (await import('./modules-leaf.mjs')) === leaf,
  'import: bare name': () => failed(import('modules-leaf.mjs')),
  'import: absolute': () => failed(import('/modules-leaf.mjs')),
  'import: missing': () => failed(import('./nothing.mjs')),
  'import: query': () => failed(import('./modules-leaf.mjs?x')),
  'import: url': () => failed(import('https://example.com/x.js')),
  'import: data url': () => failed(import('data:text/javascript,export default 1')),
  'import: number': () => failed(import(5)),
  'import: symbol': () => failed(import(Symbol.iterator)),
  'import: throws': () => failed(import('./modules-throws.mjs')),
  'import: throws again': () => failed(import('./modules-throws.mjs')),
  'import: never settles': () => failed(import('./modules-never.mjs')),
  'import: text': () => failed(import('./modules-text.txt')),
  'import: json with attributes': () => failed(import('./modules-object.json', { with: { type: 'json' } })),
  'import: odd attributes': () => failed(import('./modules-leaf.mjs', { with: { type: 5 } })),
  'import: options that are none': () => failed(import('./modules-leaf.mjs', 5)),
  'import: node': () => failed(import('node:fs')),
  'import: unknown of cloudflare': () => failed(import('cloudflare:nope')),
  'import: of the platform': () => failed(import('platform:main.js')),
  'import: sockets': () => failed(import('cloudflare:sockets')),
  'import: workflows': () => failed(import('cloudflare:workflows')),
  'import: eval in a late module': async () => (await import('./modules-later.mjs')).outcome,
  'workers: names': () => Object.keys(workers),
  'workers: classes': () => ['DurableObject', 'RpcPromise', 'RpcProperty', 'RpcStub', 'RpcTarget', 'ServiceStub', 'WorkerEntrypoint', 'WorkflowEntrypoint'].map((name) => { try { return Object.prototype.toString.call(new workers[name]()) } catch (e) { return e.message } }),
  'workers: withEnv': async () => [workers.withEnv({ X: 1 }, () => workers.env.X), await workers.withEnv({ X: 2 }, async () => { await null; return workers.env.X }), workers.env.X === undefined],
  'workers: withEnv without a function': () => workers.withEnv({}, 5),
  'workers: waitUntil': () => workers.waitUntil(Promise.resolve()),
  'workers: env is written': () => { workers.env.WRITTEN = 1; return workers.env.WRITTEN },
  'workers: restore': () => String(workers.restore),
};

export default {
  async fetch(request, env, ctx) {
    return Response.json(await runAll(probes, env));
  },
  scheduled() {},
  notAHandler: 5,
};
export class Named extends workers.WorkerEntrypoint { fetch() {} other() {} }
export const object2 = { fetch() {} };
