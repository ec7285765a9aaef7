import { AsyncLocalStorage, AsyncResource, executionAsyncId, triggerAsyncId, createHook } from 'node:async_hooks';
import * as bare from 'async_hooks';
import { EventEmitter } from 'node:events';
import timers from 'node:timers';

const als = new AsyncLocalStorage();
const other = new AsyncLocalStorage();
const store = () => als.getStore();
const tick = (ms = 1) => new Promise((r) => setTimeout(r, ms));

export default {
  'bare is the same': () => bare.AsyncLocalStorage === AsyncLocalStorage,
  'outside': () => store(),
  'run': () => [als.run(1, store), store(), als.run(1, (a, b) => [a, b, store()], 2, 3)],
  'nested': () => als.run(1, () => [als.run(2, store), store(), other.run('x', () => [store(), other.getStore()])]),
  'exit': () => als.run(1, () => [als.exit(store), store(), als.exit((a) => a, 5)]),
  'throwing': () => {
    try { als.run(1, () => { throw new Error('x'); }); } catch (e) { return [e.message, store()]; }
  },
  'over await': () => als.run(1, async () => {
    await null;
    const a = store();
    await tick();
    return [a, store()];
  }),
  'over then': () => als.run(1, () => Promise.resolve().then(store)),
  'over catch and finally': () => als.run(1, () => Promise.reject(0).catch(store)),
  'then outside of run': () => als.run(1, () => Promise.resolve()).then(store),
  'over setTimeout': () => als.run(1, () => new Promise((r) => setTimeout(() => r(store()), 1))),
  'over setInterval': () => als.run(1, () => new Promise((r) => {
    const i = setInterval(() => { clearInterval(i); r(store()); }, 1);
  })),
  'over setImmediate': () => als.run(1, () => new Promise((r) => setImmediate(() => r(store())))),
  'over node:timers': () => als.run(1, () => new Promise((r) => timers.setTimeout(() => r(store()), 1))),
  'over queueMicrotask': () => als.run(1, () => new Promise((r) => queueMicrotask(() => r(store())))),
  'over nextTick': () => als.run(1, () => new Promise((r) => process.nextTick(() => r(store())))),
  'over a host operation': () => als.run(1, async () => {
    await crypto.subtle.digest('SHA-256', new Uint8Array(2e6));
    return store();
  }),
  'over streams': () => als.run(1, async () => {
    const { readable, writable } = new TransformStream();
    const w = writable.getWriter();
    w.write('a').catch(() => {});
    await readable.getReader().read();
    return store();
  }),
  'over a body': () => als.run(1, async () => {
    await new Response('text').text();
    return store();
  }),
  'resolver in another context': async () => {
    let resolve;
    const p = als.run(1, () => new Promise((r) => { resolve = r; }).then(store));
    als.run(2, () => resolve());
    return p;
  },
  'parallel': () => Promise.all([1, 2, 3].map((n) => als.run(n, async () => {
    await tick(4 - n);
    return store();
  }))),
  'generators': () => als.run(1, async () => {
    async function* g() { yield store(); await tick(); yield store(); }
    const seen = [];
    for await (const v of g()) seen.push(v);
    return seen;
  }),
  'bind': () => {
    const bound = als.run(1, () => AsyncLocalStorage.bind((x) => [x, store()]));
    return als.run(2, () => [bound('a'), store()]);
  },
  'bind of nothing': () => AsyncLocalStorage.bind(5),
  'snapshot': () => {
    const inside = als.run(1, () => AsyncLocalStorage.snapshot());
    return als.run(2, () => [inside(store), inside((a, b) => a + b, 1, 2), store()]);
  },
  'emitters are synchronous': () => {
    const e = new EventEmitter();
    als.run(1, () => e.on('x', () => seen.push(store())));
    const seen = [];
    als.run(2, () => e.emit('x'));
    return seen;
  },
  'enterWith': () => als.enterWith(1),
  'disable': () => als.disable(),
  'run without function': () => als.run(1, 5),
  'default value': () => [new AsyncLocalStorage({ defaultValue: 3 }).getStore(), new AsyncLocalStorage({ name: 'n' }).name, als.name],
  'AsyncResource': () => {
    const r = als.run(1, () => new AsyncResource('T'));
    return als.run(2, () => [r.runInAsyncScope(store), r.runInAsyncScope(function (a) { return [this.x, a]; }, { x: 1 }, 2), r.asyncId(), r.triggerAsyncId()]);
  },
  'AsyncResource bind': () => {
    const bound = als.run(1, () => AsyncResource.bind(function (a, b) { return [this?.x, a, b, store()]; }));
    return als.run(2, () => [bound.call({ x: 9 }, 1, 2), bound.length]);
  },
  'AsyncResource bind with this': () => new AsyncResource('t').bind(function () { return this.y; }, { y: 4 })(),
  'AsyncResource extended': () => {
    class Mine extends AsyncResource { constructor() { super('MINE'); } run(f) { return this.runInAsyncScope(f, null); } }
    const mine = als.run(7, () => new Mine());
    return mine.run(store);
  },
  'ids': () => [executionAsyncId(), triggerAsyncId(), typeof createHook({}).enable],
  'values': () => [als.run(undefined, store), als.run(null, store), als.run(0, store)],
  'abort listener': () => {
    const c = new AbortController();
    const seen = [];
    als.run(1, () => c.signal.addEventListener('abort', () => seen.push(store())));
    als.run(2, () => c.abort());
    return seen;
  },
  'waitUntil': ({ ctx }) => als.run(1, () => {
    let r;
    const p = new Promise((x) => { r = x; });
    ctx.waitUntil((async () => { await tick(); r(store()); })());
    return p;
  }),
};
