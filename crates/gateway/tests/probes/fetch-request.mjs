// Request: construction from everything, coercions, methods, modes, signals, copies.
import { describe, each, list, members, stream } from './fetch-tools.mjs';

const R = (...all) => new Request(...all);
const url = 'http://example.com/';

export const requests = {
  'request: surface': () => [members(Request.prototype), members(Request), Request.length, String(R(url)), members(R(url)), Object.keys(Request.prototype),
    Object.getPrototypeOf(Request) === Body, Object.getPrototypeOf(Request.prototype) === Body.prototype],
  'request: members on the instance': () => ['method', 'url', 'headers', 'cf', 'signal', 'redirect', 'fetcher', 'integrity', 'cache', 'keepalive', 'mode', 'credentials',
    'referrer', 'referrerPolicy', 'destination', 'duplex', 'body', 'bodyUsed', 'priority', 'isHistoryNavigation', 'clone'].map((name) => [name, name in R(url)]),
  'request: descriptors': () => ['method', 'clone', 'url', 'headers', 'signal', 'cf'].map((name) => {
    const it = Object.getOwnPropertyDescriptor(Request.prototype, name);
    return it && [name, it.enumerable, it.writable, it.configurable, typeof it.value, typeof it.get, typeof it.set, (it.value ?? it.get).name, (it.value ?? it.get).length];
  }),
  'request: for in': () => { const all = []; for (const name in R(url)) all.push(name); return all.sort(); },
  'request: urls': () => each(...['http://a', 'HTTP://A:80/x/../y', 'http://a/#frag', 'http://u:p@a/', 'http://a/ b?c d', 'ftp://a/', 'data:,x', 'about:blank', 'blob:x', '/rel', '', 'x',
    'http://', 'https://a:443/', 'http://ü.de/ä', 'file:///x', 'ws://a/', 'javascript:1', 'http://a\n/b', '  http://a/  ', 'http://[::1]/', 'http://a:99999/'].map((it) => () => R(it).url)),
  'request: inputs': () => each(() => R(), () => R(undefined), () => R(null), () => R(1), () => R({}), () => R(new URL(url)).url, () => R({ toString: () => url }).url, () => R([url]).url,
    () => R(Symbol('x')), () => R({ url }).url, () => R({ toString() { throw new RangeError('mine'); } })),
  'request: init types': () => each(() => describe(R(url, null)), () => describe(R(url, undefined)), () => R(url, 1), () => R(url, 'x'), () => describe(R(url, [])),
    () => describe(R(url, () => {})), () => R(url, true), () => R(url, Symbol('x'))),
  'request: default': () => describe(R(url)),
  'request: methods': () => each(...['get', 'GET', 'gEt', 'head', 'post', 'put', 'delete', 'patch', 'PATCH', 'options', 'trace', 'TRACE', 'connect', 'CONNECT', 'TRACK', 'foo', '', ' get', 'a b',
    'é', 'propfind', 'PURGE', 'purge', 'QUERY', 'query', 'BAN', 'SEARCH', 'copy', 'lock', 'mkcol', 'move', 'proppatch', 'unlock', 'acl', 'report', 'mkactivity', 'checkout', 'merge', 'm-search', 'MSEARCH', 'notify',
    'subscribe', 'unsubscribe', 'link', 'unlink', 'bind', 'rebind', 'source', 'mkcalendar', 'view'].map((method) => () => R(url, { method }).method)),
  'request: methods coerced': () => each(...[null, undefined, 1, {}, ['POST'], { toString: () => 'put' }, Symbol('x'), true].map((method) => () => R(url, { method }).method)),
  'request: redirect modes': () => each(...['follow', 'manual', 'error', 'FOLLOW', '', null, undefined, 1, { toString: () => 'manual' }].map((redirect) => () => R(url, { redirect }).redirect)),
  'request: cache modes': () => each(...['default', 'no-store', 'reload', 'no-cache', 'force-cache', 'only-if-cached', '', null, undefined, 'NO-STORE', 1].map((cache) => () => R(url, { cache }).cache)),
  'request: cache mode and its headers': () => each(...['no-store', 'no-cache'].map((cache) => () => [R(url, { cache }).cache, list(R(url, { cache }).headers), R(R(url, { cache })).cache, R(R(url, { cache }), { cache: undefined }).cache])),
  'request: other inits are read or not': () => {
    const seen = [];
    const init = new Proxy({}, { get: (_, key) => { seen.push(String(key)); return undefined; }, has: () => true, ownKeys: () => [] });
    R(url, init);
    return seen;
  },
  'request: inits without effect': () => each(() => describe(R(url, { mode: 'x', credentials: 'x', referrer: 'x', referrerPolicy: 'x', keepalive: 'yes', duplex: 'x', priority: 'x', window: 'x', dispatcher: 1 })),
    () => describe(R(url, { integrity: 'sha' })), () => describe(R(url, { integrity: '' })), () => describe(R(url, { integrity: 5 })), () => describe(R(url, { integrity: null })),
    () => describe(R(url, { fetcher: null })), () => R(url, { fetcher: {} }), () => R(url, { fetcher: 1 }), () => describe(R(url, { keepalive: true })), () => describe(R(url, { window: 1 }))),
  'request: duplex': () => each(() => R(url, { method: 'POST', body: stream('a'), duplex: 'half' }).text(), () => R(url, { method: 'POST', body: stream('a'), duplex: 'full' }).text(),
    () => R(url, { method: 'POST', body: stream('a') }).text(), () => 'duplex' in R(url)),
  'request: cf': () => each(() => R(url, { cf: { a: 1 } }).cf, () => R(url, { cf: null }).cf, () => R(url, { cf: undefined }).cf, () => R(url, { cf: 1 }).cf, () => R(url, { cf: 'x' }).cf,
    () => R(R(url, { cf: { a: 1 } })).cf, () => R(R(url, { cf: { a: 1 } }), { cf: { b: 2 } }).cf, () => R(url, { cf: { a: 1 } }).clone().cf, () => R(R(url, { cf: { a: 1 } }), { method: 'POST' }).cf,
    () => { const cf = { a: 1 }; const made = R(url, { cf }); return [made.cf === cf, made.cf === made.cf]; },
    () => { const made = R(url, { cf: { a: { b: 1 } } }); made.cf.a.b = 2; return made.cf; }, () => R(url, { cf: [] }).cf, () => R(url, { cf: { f() {} } }).cf,
    () => R(url, { cf: { big: 1n } }).cf, () => { const cf = { a: 1 }; const made = R(url, { cf }); cf.a = 2; return [made.cf, Object.isFrozen(made.cf)]; }),
  'request: signal': () => each(() => String(R(url).signal), () => R(url).signal === R(url).signal, () => { const made = R(url); return made.signal === made.signal; },
    () => { const { signal } = new AbortController(); return [R(url, { signal }).signal === signal, R(R(url, { signal })).signal === signal, R(url, { signal }).clone().signal === signal]; },
    () => R(url, { signal: null }).signal?.aborted, () => R(url, { signal: 1 }), () => R(url, { signal: {} }), () => R(url, { signal: 'x' }), () => R(url, { signal: undefined }).signal.aborted,
    () => R(R(url, { signal: AbortSignal.abort() }), { signal: null }).signal?.aborted, () => R(url, { signal: AbortSignal.abort('why') }).signal.reason),
  'request: headers of an init': () => each(() => list(R(url, { headers: { A: '1' } }).headers), () => R(url, { headers: null }), () => list(R(url, { headers: [['a', 'b']] }).headers),
    () => R(url, { headers: 1 }), () => R(url, { headers: 'x' }), () => list(R(url, { headers: undefined }).headers), () => { const headers = new Headers({ a: '1' }); const made = R(url, { headers }); headers.set('a', '2'); return [made.headers.get('a'), made.headers === headers]; },
    () => list(R(R(url, { headers: { a: '1' } }), { headers: { b: '2' } }).headers), () => list(R(R(url, { headers: { a: '1' } })).headers), () => R(url, { headers: { 'a b': '1' } }), () => { const made = R(url); return made.headers === made.headers; }),
  'request: content types': () => each(...['x', new URLSearchParams('a=b'), new Blob(['x']), new Blob(['x'], { type: 'A/B' }), new Uint8Array(1), new ArrayBuffer(1), {}, 1, true, new DataView(new ArrayBuffer(1)), [1, 2], new Date(0) && /x/]
    .map((body) => () => list(R(url, { method: 'POST', body }).headers)), () => list(R(url, { method: 'POST', body: 'x', headers: { 'content-type': 'mine' } }).headers),
    () => list(R(R(url, { method: 'POST', body: 'x' }), { body: new URLSearchParams() }).headers), () => R(url, { method: 'POST', body: new FormData() }).headers.get('content-type').replace(/=.*/, '')),
  'request: bodies with GET and HEAD': () => each(...['GET', 'HEAD', 'get'].flatMap((method) => [() => R(url, { method, body: 'x' }), () => R(url, { method, body: '' }), () => describe(R(url, { method, body: null })), () => describe(R(url, { method, body: undefined }))]),
    () => R(url, { body: 'x' }), () => R(R(url, { method: 'POST', body: 'x' }), { method: 'GET' }), () => describe(R(R(url, { method: 'POST', body: 'x' }), { method: 'GET', body: null })),
    () => describe(R(R(url, { method: 'POST', body: 'x' }), { body: undefined })), () => R(R(url), { body: 'x' })),
  'request: methods without a body allow one': () => each(...['DELETE', 'OPTIONS', 'TRACE', 'PURGE', 'PROPFIND'].map((method) => () => R(url, { method, body: 'x' }).text())),
  'request: from a request': async () => {
    const first = R(url, { method: 'PUT', headers: { a: '1' }, body: 'body', redirect: 'manual' });
    const second = R(first);
    return [describe(first), describe(second), await second.text(), describe(second), first.bodyUsed];
  },
  'request: from a request with another body': async () => {
    const first = R(url, { method: 'PUT', body: 'one' });
    const second = R(first, { body: 'two' });
    return [first.bodyUsed, await second.text(), await first.text()];
  },
  'request: url and a request as init': () => each(() => describe(R('http://b/', R(url, { method: 'PUT', headers: { a: '1' }, body: 'x', redirect: 'manual' }))),
    async () => { const first = R(url, { method: 'PUT', body: 'x' }); const second = R('http://b/', first); return [await second.text(), first.bodyUsed]; },
    () => R('http://b/', R(url, { cf: { a: 1 } })).cf, () => { const { signal } = new AbortController(); return R('http://b/', R(url, { signal })).signal === signal; },
    async () => { const first = R(url, { method: 'PUT', body: 'x' }); await first.text(); return describe(R('http://b/', first)); },
    () => describe(R('http://b/', new Response('x', { headers: { a: '1' } })))),
  'request: from a used one': () => each(async () => { const first = R(url, { method: 'PUT', body: 'x' }); await first.text(); return R(first); },
    async () => { const first = R(url, { method: 'PUT', body: 'x' }); await first.text(); return describe(R(first, { body: 'y' })); },
    () => { const first = R(url, { method: 'PUT', body: 'x' }); first.body.getReader(); return R(first); },
    async () => { const first = R(url, { method: 'PUT', body: 'x' }); await first.text(); return describe(R(first, { body: null })); },
    async () => { const first = R(url, { method: 'PUT', body: 'x' }); await first.text(); return first.clone(); }),
  'request: clone': async () => {
    const first = R(url, { method: 'PUT', headers: { a: '1' }, body: 'body', redirect: 'manual' });
    const second = first.clone();
    second.headers.set('a', '2');
    return [describe(first), describe(second), await first.text(), second.bodyUsed, await second.text(), second.constructor.name];
  },
  'request: clone of a stream': async () => {
    const first = R(url, { method: 'PUT', body: stream('a', 'b') });
    const held = first.body;
    const second = first.clone();
    return [held === first.body, held.locked, await second.text(), await first.text()];
  },
  'request: fields are read only': () => each(() => { 'use strict'; try { R(url).method = 'POST'; } catch (error) { return error.name; } }, () => { const made = R(url); try { made.cf = 1; } catch {} return made.cf; }),
  'request: unbound': () => each(() => Object.getOwnPropertyDescriptor(Request.prototype, 'url').get.call({}), () => Request.prototype.clone.call({}), () => Request.prototype.text.call({}), () => Request.prototype.json.call(undefined),
    () => Request.prototype.method, () => Request.prototype.headers, () => Request.prototype.body),
  'request: subclass': async () => {
    class Mine extends Request { get url() { return `mine ${super.url}`; } async text() { return `mine ${await super.text()}`; } }
    const made = new Mine(url, { method: 'POST', body: 'x' });
    return [made.url, made instanceof Request, made instanceof Body, String(made), await made.text(), made.clone === Request.prototype.clone, new Mine(url).clone().constructor.name, R(new Mine(url)).url];
  },
  'request: a proxy of one': () => each(() => R(new Proxy(R(url), {})), () => new Proxy(R(url), {}).url, () => new Proxy(R(url), { get: (it, key) => { const value = it[key]; return typeof value === 'function' ? value.bind(it) : value; } }).url),
  'request: JSON': () => [JSON.stringify(R(url)), { ...R(url) }, Object.keys(R(url))],
  'request: init getters': () => each(() => R(url, { get method() { throw new RangeError('mine'); } }), () => R(url, { get body() { throw new RangeError('mine'); } }), () => R(url, Object.create({ method: 'put' })).method,
    () => { let count = 0; R(url, { get method() { count++; return 'PUT'; } }); return count; }, () => { let count = 0; R(url, { method: 'PUT', get body() { count++; return 'x'; } }); return count; }),
  'request: url stays as given': () => [R('http://a/?x=%zz&y=ä').url, R('http://a/a%2Fb//c').url, R('http://a/#x').url, R(R('http://a/#x')).url, R('http://A/').clone().url],
};
