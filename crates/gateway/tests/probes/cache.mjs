// Probes of the Cache API: each answers the same here and on workerd, or throws the same. What workerd leaves to the
// service behind it (freshness, ranges, conditions) is not among them.
import { runAll, show } from './show.mjs';

const members = (object) => Object.getOwnPropertyNames(object).sort();
const described = (error) => (error instanceof Error ? `${error.constructor.name}: ${error.message}` : JSON.stringify(show(error)) ?? String(error));

async function each(...attempts) {
  const told = [];
  for (const attempt of attempts) {
    let value;
    try {
      value = attempt();
    } catch (error) {
      told.push(`throws ${described(error)}`);
      continue;
    }
    try {
      const settled = await value;
      told.push(settled instanceof Response ? `Response ${settled.status}` : String(settled));
    } catch (error) {
      told.push(`rejects ${described(error)}`);
    }
  }
  return told;
}

let scope;
try {
  scope = [String(caches), String(caches.default), caches.default === caches.default, String(await caches.open('module'))];
} catch (error) {
  scope = described(error);
}
const early = await each(() => caches.default.match('http://a.example/'), () => caches.default.put('http://a.example/', new Response(null)), () => caches.default.delete('http://a.example/'));
const held = caches.default;

let counter = 0;
const fresh = () => `http://cache.example/${counter++}`;
const KEEP = { 'cache-control': 'max-age=60' };
const R = (body, headers = KEEP, status = 200) => new Response(body, { status, headers });
const cache = () => caches.default;
const bytes = (string) => new TextEncoder().encode(string);
const stream = (...chunks) => new ReadableStream({ start(c) { for (const chunk of chunks) c.enqueue(bytes(chunk)); c.close(); } });
const told = async (found) => (found === undefined ? undefined : [found.status, found.statusText, found.url, found.redirected, found.ok, found.type,
  [...found.headers].filter(([name]) => name !== 'age').map((line) => line.join(': ')), found.body === null, await found.text()]);
async function back(response) {
  const url = fresh();
  await cache().put(url, response);
  return told(await cache().match(url));
}

const probes = {
  'module scope': () => [scope, early],
  'module scope: used later': async () => { const url = fresh(); await held.put(url, R('x')); return (await held.match(url)).text(); },
  'surface': () => [members(Cache.prototype), members(CacheStorage.prototype), members(caches), String(caches), String(caches.default), Object.keys(Cache.prototype), Object.keys(CacheStorage.prototype), Cache.length, CacheStorage.length],
  'method lengths': () => ['put', 'match', 'delete', 'add'].map((name) => [Cache.prototype[name].length, Object.getOwnPropertyDescriptor(Cache.prototype, name).enumerable]),
  'constructors': () => each(() => new Cache(), () => new CacheStorage()),
  'the same objects': async () => [caches.default === caches.default, await caches.open('a') === await caches.open('a'), caches === caches],
  'open': () => each(() => caches.open(), () => caches.open(''), () => caches.open(1), () => caches.open(null), () => caches.open('default'), () => caches.open('x'.repeat(1024)), () => caches.open('x'.repeat(1025)), () => caches.open('a b\n'), () => caches.open(Symbol('x'))),
  'not implemented': () => each(() => caches.has('x'), () => caches.keys(), () => caches.delete('x'), () => caches.match('x'), () => cache().add('x'), () => cache().addAll([]), () => cache().keys(), () => cache().matchAll('x')),
  'unbound': () => each(() => Cache.prototype.match.call({}, 'x'), () => Cache.prototype.put.call(undefined, 'x'), () => CacheStorage.prototype.open.call({}, 'x')),
  'put: arguments': () => each(() => cache().put(), () => cache().put(fresh()), () => cache().put(fresh(), 'x'), () => cache().put(fresh(), {}), () => cache().put('/rel', R('x')), () => cache().put(null, R('x')), () => cache().put(new URL(fresh()), R('x')), () => cache().put(new Request(fresh()), R('x')), () => cache().put(Symbol('x'), R('x'))),
  'put: methods': () => each(...['POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'].map((method) => () => cache().put(new Request(fresh(), { method }), R('x')))),
  'put: what cannot be stored': () => each(() => cache().put(fresh(), R('x', KEEP, 206)), () => cache().put(fresh(), R('x', { vary: '*' })), () => cache().put(fresh(), R('x', { vary: 'a, *' })), () => cache().put(fresh(), R('x', { vary: '**' })), () => cache().put(fresh(), R('x', { vary: 'accept' })), () => cache().put(fresh(), Response.error())),
  'put: which refusal comes first': async () => { const used = R('x', KEEP, 206); await used.text(); return each(() => cache().put(new Request(fresh(), { method: 'POST' }), used), () => cache().put(fresh(), used), () => cache().put('/rel', R('x', KEEP, 206)), () => cache().put(fresh(), R('x', { vary: '*' }, 206))); },
  'put: a used body': async () => { const used = R('x'); await used.text(); const locked = R('x'); locked.body.getReader(); return each(() => cache().put(fresh(), used), () => cache().put(fresh(), locked)); },
  'put: uses the body up': async () => { const made = R('x'); await cache().put(fresh(), made); return [made.bodyUsed, await each(() => made.text())]; },
  'put: a body that fails': () => each(() => cache().put(fresh(), R(new ReadableStream({ pull() { throw new RangeError('mine'); } })))),
  'put: says nothing of what is not kept': () => each(() => cache().put(fresh(), R('x', { 'cache-control': 'no-store' })), () => cache().put(fresh(), R('x', { 'set-cookie': 'a=1' })), () => cache().put(fresh(), R('x', KEEP, 500))),
  'put and match: texts': async () => [await back(R('body')), await back(R('')), await back(R('é日'))],
  'put and match: bytes and streams': async () => [(await back(R(bytes('ab')))).at(-1), (await back(R(stream('abc')))).at(-1), (await back(R(new Blob(['ab'], { type: 'a/b' })))).at(-3)],
  'put and match: no body': async () => (await back(R(null))).slice(0, 2),
  'put and match: statuses': async () => { const all = []; for (const status of [200, 201, 204, 301, 302, 404, 410, 500]) all.push((await back(R(status === 204 ? null : 'x', KEEP, status)))?.slice(0, 2)); return all; },
  'put and match: headers': async () => (await back(R('x', { ...KEEP, 'x-a': '1', etag: '"e"', 'content-type': 'a/b', 'last-modified': 'Wed, 21 Oct 2015 07:28:00 GMT' })))[6],
  'put and match: json': async () => { const url = fresh(); await cache().put(url, Response.json({ a: 1 }, { headers: KEEP })); return (await cache().match(url)).json(); },
  'put and match: a clone': async () => { const url = fresh(); const made = R('body'); await cache().put(url, made.clone()); return [made.bodyUsed, await made.text(), await (await cache().match(url)).text()]; },
  'put and match: twice': async () => { const url = fresh(); await cache().put(url, R('one')); await cache().put(url, R('two')); return [await (await cache().match(url)).text(), await (await cache().match(url)).text()]; },
  'put and match: a request': async () => { const request = new Request(fresh(), { headers: { a: '1' } }); await cache().put(request, R('x')); return [await each(() => cache().match(request), () => cache().match(request.url)), request.bodyUsed]; },
  'put and match: what it was when it was put': async () => { const url = fresh(); const made = R('x', { ...KEEP, 'x-a': '1' }); const done = cache().put(url, made); made.headers.set('x-a', '2'); await done; return (await cache().match(url)).headers.get('x-a'); },
  'match: arguments': () => each(() => cache().match(), () => cache().match('/rel'), () => cache().match(null), () => cache().match(fresh()), () => cache().match(fresh(), 1), () => cache().match(fresh(), 'x'), () => cache().match(fresh(), null), () => cache().match(fresh(), {}), () => cache().match(fresh(), [])),
  'match: options': async () => { const url = fresh(); await cache().put(url, R('x')); return each(() => cache().match(url, { ignoreSearch: true }), () => cache().match(url, { ignoreVary: false }), () => cache().match(url, { ignoreSearch: undefined }), () => cache().match(url, { ignoreMethod: 'x' })); },
  'match: methods': async () => { const url = fresh(); await cache().put(url, R('x')); return each(...['GET', 'POST', 'HEAD'].flatMap((method) => [() => cache().match(new Request(url, { method })), () => cache().match(new Request(url, { method }), { ignoreMethod: true })])); },
  'match: headers are immutable': async () => { const url = fresh(); await cache().put(url, R('x')); const found = await cache().match(url); return each(() => found.headers.set('a', 'b'), () => { const made = new Response(found.body, found); made.headers.set('a', 'b'); return made.headers.get('a'); }); },
  'match: cf-cache-status': async () => { const url = fresh(); await cache().put(url, R('x')); return (await cache().match(url)).headers.get('cf-cache-status'); },
  'match: urls': async () => { const url = `${fresh()}?a=1`; await cache().put(url, R('x')); return each(() => cache().match(url), () => cache().match(url.toUpperCase()), () => cache().match(`${url}&b`), () => cache().match(url.replace('http:', 'https:')), () => cache().match(url.split('?')[0]), () => cache().match(url.replace('cache.example', 'CACHE.example:80'))); },
  'delete': async () => { const url = fresh(); await cache().put(url, R('x')); return each(() => cache().delete(url), () => cache().delete(url), () => cache().match(url), () => cache().delete(fresh())); },
  'delete: arguments': () => each(() => cache().delete(), () => cache().delete('/rel'), () => cache().delete(fresh(), 1), () => cache().delete(fresh(), { ignoreSearch: false })),
  'delete: methods': async () => { const url = fresh(); await cache().put(url, R('x')); return each(() => cache().delete(new Request(url, { method: 'POST' })), () => cache().delete(new Request(url, { method: 'HEAD' })), () => cache().delete(new Request(url, { method: 'POST' }), { ignoreMethod: true })); },
  'named ones are apart': async () => { const url = fresh(); const one = await caches.open('one'); const two = await caches.open('two'); await one.put(url, R('in one')); return [await each(() => two.match(url), () => cache().match(url)), await (await one.match(url)).text(), await (await (await caches.open('one')).match(url)).text()]; },
};

export default {
  async fetch(request, env) {
    return Response.json(await runAll(probes, env));
  },
};
