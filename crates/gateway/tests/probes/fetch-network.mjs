// fetch() to an origin: what goes out for each init, what comes back, redirects, encodings, abort, failures.
import { describe, each, list, stream } from './fetch-tools.mjs';

let origin = '';
export const setOrigin = (url) => { origin = url; };

const say = (spec) => `${origin}/say?${encodeURIComponent(JSON.stringify(spec))}`;
const to = (status, location, more = []) => say({ status, headers: [['location', location], ...more], text: 'moved' });
const text = (string) => new TextEncoder().encode(string);

// What an origin saw; headers that only one of the two platforms adds, or that name the origin, are left out.
const HIDDEN = ['host', 'accept-encoding', 'cdn-loop', 'traceparent', 'tracestate', 'connection', 'cf-worker', 'cf-ew-via', 'cf-connecting-ip'];
async function seen(response) {
  const shown = await (await response).json();
  const headers = Object.keys(shown.headers).filter((name) => !HIDDEN.includes(name)).sort().map((name) => `${name}: ${shown.headers[name]}`);
  return [shown.method, shown.target, headers, shown.body];
}
const show = (init, path = '/show') => seen(fetch(`${origin}${path}`, init));
const plain = (value) => JSON.parse(JSON.stringify(value).replaceAll(origin, 'http://origin').replaceAll(encodeURIComponent(origin), 'origin'));
// The head and the text of a response, without the headers that servers add.
async function told(response) {
  const it = await response;
  const shown = describe(it);
  shown.headers = shown.headers.filter((line) => !/^(date|connection|keep-alive|transfer-encoding|server):/.test(line));
  shown.url = shown.url.replace(/\?.*/, '?');
  return plain([shown, await it.text()]);
}
async function packed(format, string) {
  const bytes = new Uint8Array(await new Response(stream(string).pipeThrough(new CompressionStream(format))).arrayBuffer());
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
const BROTLI = '8b02807061636b656403'; // "packed"
const refused = async (promise) => { try { return await promise; } catch (error) { return error; } };
const words = async (promise) => { const error = await refused(promise); return error instanceof Error ? `${error.constructor.name} ${error.name}: ${error.message}` : error; };

export const network = {
  'fetch: methods': async () => each(...['GET', 'get', 'POST', 'PUT', 'DELETE', 'PATCH', 'patch', 'OPTIONS', 'TRACE', 'PROPFIND'].map((method) => async () => (await show({ method })).slice(0, 1))),
  'fetch: default headers': () => show(),
  'fetch: bodies': () => each(...['text', '', new URLSearchParams('a=b'), new Blob(['x'], { type: 'a/b' }), text('bytes'), text('buffer').buffer, 5, {}, stream('a', 'b')].map((body) => () => show({ method: 'POST', body })),
    () => show({ method: 'POST' }), () => show({ method: 'POST', body: null }), () => show({ method: 'PUT' }), () => show({ method: 'PATCH' }), () => show({ method: 'DELETE' }), () => show({ method: 'DELETE', body: 'x' })),
  'fetch: a form': async () => { const form = new FormData(); form.append('a', '1'); const [method, , headers, body] = await show({ method: 'POST', body: form }); return [method, headers.map((line) => line.replace(/boundary=.*/, 'boundary')), body.includes('name="a"')]; },
  'fetch: fixed length': async () => { const { readable, writable } = new FixedLengthStream(3); const writer = writable.getWriter(); writer.write(text('abc')); writer.close(); return show({ method: 'POST', body: readable }); },
  'fetch: identity': async () => { const { readable, writable } = new IdentityTransformStream(); const writer = writable.getWriter(); writer.write(text('abc')); writer.close(); return show({ method: 'POST', body: readable }); },
  'fetch: headers that are the connection\'s': () => show({ headers: { 'keep-alive': 'x', te: 'trailers', upgrade: 'h2c', 'transfer-encoding': 'chunked', 'content-length': '99', trailer: 'x', 'proxy-authorization': 'x', 'x-stays': '1' } }),
  'fetch: host is the url\'s': async () => { const shown = await (await fetch(`${origin}/show`, { headers: { host: 'other.example' } })).json(); return plain(`http://${shown.headers.host}`); },
  'fetch: accept-encoding of one\'s own': async () => (await (await fetch(`${origin}/show`, { headers: { 'accept-encoding': 'identity' } })).json()).headers['accept-encoding'],
  'fetch: range': () => show({ headers: { range: 'bytes=0-1' } }),
  'fetch: several values': () => show({ headers: [['x-a', '1'], ['X-A', '2'], ['cookie', 'a=1'], ['cookie', 'b=2']] }),
  'fetch: other letters': () => show({ headers: { 'x-a': 'é日' } }),
  'fetch: user agent and others': () => show({ headers: { 'user-agent': 'mine', accept: 'text/x', origin: 'http://a', referer: 'http://b', 'accept-language': 'de' } }),
  'fetch: urls': () => each(() => show({}, '/a/../show?x=%zz&y=ä#frag'), () => show({}, '/show?'), () => show({}, '//show'), () => show({}, '/%41/ä b')),
  'fetch: credentials in the url': async () => { const url = new URL(`${origin}/show`); url.username = 'u'; url.password = 'p'; const outcome = await refused(fetch(url)); return outcome instanceof Error ? `${outcome.name}: ${outcome.message}`.replaceAll(origin.slice(7), 'origin') : [outcome.url.replace(origin.slice(7), 'origin'), (await seen(outcome))[2]]; },
  'fetch: inputs': () => each(async () => (await fetch(new URL(`${origin}/show`))).status, async () => (await fetch({ toString: () => `${origin}/show` })).status, async () => (await fetch(new Request(`${origin}/show`))).status, () => fetch(), () => fetch('/rel'), () => fetch(''), () => fetch(null), () => fetch('ftp://a/'), () => fetch('about:blank'), () => fetch('blob:x'), () => fetch('ws://a/x'), () => fetch('file:///x'), () => fetch(Symbol('x'))),
  'fetch: data urls': () => each(...['data:,x', 'data:text/x,a%20b', 'data:;base64,eHk=', 'data:text/x;charset=y;base64,eHk', 'data:a/b;base64,e H\tk=', 'data:,%ff', 'data:nope', 'data:;base64,!', 'data:,x#frag', 'data:TEXT/X,', 'data:x;y,z', 'data:,a?b', 'data: text/x ,y', 'data:;base64 ,eHk=', 'data:;charset=x,y'].map((url) => async () => { const it = await fetch(url); return [it.status, it.statusText, it.url, list(it.headers), it.redirected, await it.bytes(), it.type]; }),
    async () => (await fetch('data:,x', { method: 'HEAD' })).text(), async () => (await fetch('data:,x', { method: 'POST', body: 'y' })).text(), async () => { (await fetch('data:,x')).headers.set('a', 'b'); }, async () => (await fetch(new Request('data:,x'))).text(), () => fetch('data:,x', { signal: AbortSignal.abort('why') })),
  'fetch: inits that are none': () => each(() => fetch(`${origin}/show`, 1), () => fetch(`${origin}/show`, 'x'), async () => (await fetch(`${origin}/show`, null)).status, () => fetch(`${origin}/show`, { method: 'x' }), () => fetch(`${origin}/show`, { body: 'x' }), () => fetch(`${origin}/show`, { headers: { 'a b': '1' } }), () => fetch(`${origin}/show`, { signal: 1 }), () => fetch(`${origin}/show`, { redirect: 'error' }), () => fetch(`${origin}/show`, { cache: 'x' }), () => fetch(`${origin}/show`, { integrity: 'x' })),
  'fetch: is no method': () => { const alone = globalThis.fetch; return each(async () => (await alone(`${origin}/show`)).status, async () => (await alone.call({}, `${origin}/show`)).status, () => alone.name, () => alone.length); },
  'fetch: cf is taken': async () => (await show({ cf: { cacheTtl: 5, cacheEverything: true, polish: 'lossy' } })).slice(0, 2),
  'fetch: cache modes': () => each(...['no-store', 'no-cache'].map((cache) => () => show({ cache }))),
  'fetch: a request and an init': () => each(() => seen(fetch(new Request(`${origin}/show`, { method: 'POST', body: 'one', headers: { a: '1' } }))), () => seen(fetch(new Request(`${origin}/show`, { method: 'POST', body: 'one', headers: { a: '1' } }), { method: 'PUT' })), () => seen(fetch(new Request(`${origin}/show`, { method: 'POST', body: 'one', headers: { a: '1' } }), { body: 'two', headers: { b: '2' } }))),
  'fetch: a request is used up': () => each(async () => { const request = new Request(`${origin}/show`, { method: 'POST', body: 'x' }); await fetch(request); return [request.bodyUsed, await each(() => fetch(request), () => request.text())]; }, async () => { const request = new Request(`${origin}/show`); await fetch(request); return (await fetch(request)).status; }, async () => { const request = new Request(`${origin}/show`, { method: 'POST', body: 'x' }); request.body.getReader(); return fetch(request); }),
  'fetch: a stream in pieces': async () => { let at = 0; return show({ method: 'POST', body: new ReadableStream({ async pull(c) { await new Promise((resolve) => setTimeout(resolve, 1)); if (at === 5) c.close(); else c.enqueue(text(`${at++}`)); } }) }); },

  'response: of a fetch': () => told(fetch(say({ headers: [['x-a', '1'], ['X-A', '2'], ['content-type', 'text/x']], text: 'body' }))),
  'response: statuses of a fetch': () => each(...[200, 201, 204, 206, 300, 304, 400, 404, 500, 503].map((status) => async () => { const it = await fetch(say({ status, text: status === 204 || status === 304 ? undefined : 'x' })); return [it.status, it.statusText, it.ok, it.body === null, await it.text()]; })),
  'response: 205': async () => { const it = await fetch(say({ status: 205, text: '' })); return [it.status, it.body === null, await it.text()]; },
  'response: reasons': () => each(...['Mine', '', 'x y z'].map((reason) => async () => (await fetch(say({ reason }))).statusText)),
  'response: HEAD': async () => { const it = await fetch(say({ text: 'body', headers: [['content-length', '4']] }), { method: 'HEAD' }); return [it.status, it.body === null, it.headers.get('content-length'), await it.text()]; },
  'response: cookies': async () => { const it = await fetch(say({ headers: [['Set-Cookie', 'a=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT'], ['set-cookie', 'b=2'], ['x', '1']] })); return [it.headers.getSetCookie(), it.headers.getAll('set-cookie'), it.headers.get('set-cookie'), list(it.headers).filter((line) => line.startsWith('set-cookie'))]; },
  'response: headers are immutable': async () => { const it = await fetch(say({})); return each(...['set', 'append', 'delete'].map((method) => () => it.headers[method]('a', 'b')), () => it.clone().headers.set('a', 'b'), () => { const made = new Response(it.body, it); made.headers.set('a', 'b'); return made.headers.get('a'); }, () => { const made = new Headers(it.headers); made.set('a', 'b'); return made.get('a'); }); },
  'response: remade': async () => { const it = await fetch(say({ status: 201, reason: 'Mine', headers: [['x-a', '1']], text: 'body' })); return told(new Response(it.body, it)); },
  'response: url and redirected of a remade one': async () => { const it = await fetch(say({ text: 'x' })); const made = new Response(it.body, it); return [made.url, made.redirected, it.url.replace(/\?.*/, '').replace(origin, '')]; },
  'response: clone of a fetched one': async () => { const it = await fetch(say({ text: 'body' })); const other = it.clone(); return [await it.text(), await other.text(), other.url === it.url]; },
  'response: content-length': async () => { const it = await fetch(say({ text: 'body' })); return [it.headers.get('content-length'), (await it.arrayBuffer()).byteLength]; },
  'response: readers': () => each(async () => (await fetch(say({ text: '{"a":1}' }))).json(), async () => (await fetch(say({ text: 'ab' }))).bytes(), async () => (await (await fetch(say({ text: 'ab', headers: [['content-type', 'A/B']] }))).blob()).type, async () => [...await (await fetch(say({ text: 'a=1&b=2', headers: [['content-type', 'application/x-www-form-urlencoded']] }))).formData()]),
  'response: read by hand': async () => { const it = await fetch(say({ text: 'body' })); const reader = it.body.getReader(); const all = []; for (let step = await reader.read(); !step.done; step = await reader.read()) all.push(...step.value); return [new TextDecoder().decode(new Uint8Array(all)), it.bodyUsed]; },
  'response: form that is multipart': async () => [...await (await fetch(say({ text: '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B--', headers: [['content-type', 'multipart/form-data; boundary=B']] }))).formData()],

  'encoding: gzip': async () => told(fetch(say({ hex: await packed('gzip', 'packed'), headers: [['content-encoding', 'gzip']] }))),
  'encoding: brotli': () => told(fetch(say({ hex: BROTLI, headers: [['content-encoding', 'br']] }))),
  'encoding: deflate and others': async () => each(...['deflate', 'identity', 'x', 'GZIP', 'gzip, gzip', 'x-gzip', 'zstd'].map((coding) => async () => { const it = await fetch(say({ hex: await packed('gzip', 'packed'), headers: [['content-encoding', coding]] })); const bytes = new Uint8Array(await it.arrayBuffer()); return [it.headers.get('content-encoding'), bytes.length > 6]; })),
  'encoding: length of what is decoded': async () => { const it = await fetch(say({ hex: await packed('gzip', 'packed'), headers: [['content-encoding', 'gzip']] })); return [it.headers.get('content-length'), await it.text()]; },
  'encoding: broken': () => words(fetch(say({ hex: '1f8b0800000000000003ffff', headers: [['content-encoding', 'gzip']] })).then((it) => it.text())),
  'encoding: none at all': () => words(fetch(say({ text: 'plain text that is no gzip', headers: [['content-encoding', 'gzip']] })).then((it) => it.text())),
  'encoding: as it comes': async () => { const it = await fetch(say({ hex: await packed('gzip', 'packed'), headers: [['content-encoding', 'gzip']] }), { encodeResponseBody: 'manual' }); const bytes = new Uint8Array(await it.arrayBuffer()); return [it.headers.get('content-encoding'), bytes[0], bytes[1], bytes.length > 6]; },
  'encoding: word for it': () => each(() => new Request('http://a/', { encodeResponseBody: 'x' }), () => new Request('http://a/', { encodeResponseBody: null }), () => 'encodeResponseBody' in new Request('http://a/', { encodeResponseBody: 'automatic' })),
  'encoding: brotli that is none': () => words(fetch(say({ text: 'plain text that is no brotli', headers: [['content-encoding', 'br']] })).then((it) => it.text())),
  'encoding: brotli cut short': () => words(fetch(say({ hex: BROTLI.slice(0, -4), headers: [['content-encoding', 'br']] })).then((it) => it.text())),
  'encoding: gzip cut short': async () => words(fetch(say({ hex: (await packed('gzip', 'packed')).slice(0, -8), headers: [['content-encoding', 'gzip']] })).then((it) => it.text())),
  'encoding: gzip, and more behind': async () => words(fetch(say({ hex: `${await packed('gzip', 'packed')}${await packed('gzip', ' twice')}`, headers: [['content-encoding', 'gzip']] })).then((it) => it.text())),
  'encoding: gzip, and something else behind': async () => words(fetch(say({ hex: `${await packed('gzip', 'packed')}00112233`, headers: [['content-encoding', 'gzip']] })).then((it) => it.text())),
  'encoding: empty bodies': () => each(async () => { const it = await fetch(say({ text: '', headers: [['content-encoding', 'gzip']] })); return [it.status, await it.text()]; }, async () => { const it = await fetch(say({ headers: [['content-encoding', 'gzip'], ['content-length', '5']] }), { method: 'HEAD' }); return [it.headers.get('content-encoding'), await it.text()]; }),

  'redirect: followed': () => each(...[301, 302, 303, 307, 308].map((status) => () => told(fetch(to(status, `${origin}/say?{}`))))),
  'redirect: statuses that are none': () => each(...[300, 304, 305, 306, 200, 201].map((status) => async () => { const it = await fetch(to(status, `${origin}/show`)); return [it.status, it.redirected]; })),
  'redirect: methods': () => each(...[301, 302, 303, 307, 308].flatMap((status) => ['POST', 'PUT', 'HEAD', 'DELETE'].map((method) => async () => { const it = await fetch(to(status, `${origin}/show`), { method, body: method === 'HEAD' ? undefined : 'body' }); return [status, method, it.redirected, method === 'HEAD' ? it.status : (await seen(it)).filter((_, i) => i !== 1)]; }))),
  'redirect: manual': () => each(...[301, 302, 303, 307, 308].map((status) => () => told(fetch(to(status, '/show'), { redirect: 'manual' })))),
  'redirect: manual is made into a response': async () => told(new Response(null, await fetch(to(302, '/show'), { redirect: 'manual' }))),
  'redirect: relative places': () => each(...['/show', 'show', '?x', '//' + '127.0.0.1:1/', '#frag', ''].map((location) => async () => { const it = await refused(fetch(to(302, location), { redirect: 'manual' })); return it.headers.get('location'); }), async () => (await seen(fetch(to(302, '/show?a=b')))).slice(0, 2), async () => (await seen(fetch(to(302, 'show')))).slice(0, 2), async () => (await seen(fetch(to(302, './x/../show')))).slice(0, 2)),
  'redirect: places that are none': async () => plain(await each(...['http://', 'data:,x', 'http://a:99999/'].map((location) => () => fetch(to(302, location))))),
  'redirect: no place': async () => { const it = await fetch(say({ status: 302, text: 'x' })); return [it.status, it.redirected, await it.text()]; },
  'redirect: url and fragment': async () => { const it = await fetch(`${to(302, '/show#there')}#here`); return [plain(it.url), it.redirected]; },
  'redirect: url keeps no fragment': async () => plain((await fetch(`${origin}/show#here`)).url),
  'redirect: headers stay at home': async () => (await seen(fetch(to(302, '/show'), { headers: { authorization: 'a', cookie: 'c', 'x-a': '1', 'proxy-authorization': 'p' } })))[2],
  'redirect: headers abroad': async () => { const abroad = origin.replace('127.0.0.1', 'localhost'); return (await seen(fetch(to(302, `${abroad}/show`), { headers: { authorization: 'a', cookie: 'c', 'x-a': '1', 'proxy-authorization': 'p', 'www-authenticate': 'w' } })))[2]; },
  'redirect: headers of a body that goes': async () => (await seen(fetch(to(303, '/show'), { method: 'POST', body: 'x', headers: { 'content-type': 't/t', 'content-language': 'de', 'content-location': '/x', 'content-encoding': 'identity', 'x-a': '1' } })))[2],
  'redirect: a stream': () => each(() => seen(fetch(to(303, '/show'), { method: 'POST', body: stream('x') })), () => seen(fetch(to(307, '/show'), { method: 'POST', body: stream('x') })), () => seen(fetch(to(307, '/show'), { method: 'POST', body: text('x') })), () => seen(fetch(to(307, '/show'), { method: 'POST', body: new Blob(['x']) })), () => seen(fetch(to(307, '/show'), { method: 'POST', body: new Response('x').body })), () => seen(fetch(to(307, '/show'), new Request('http://a/', { method: 'POST', body: 'x' })))),
  'redirect: without end': async () => { let place = '/show'; for (let i = 0; i < 3; i++) place = to(302, place).slice(origin.length); const it = await fetch(`${origin}${place}`); return [it.status, it.redirected]; },
  'redirect: endless': async () => words(fetch(`${origin}/loop`)),
  'redirect: how many': () => each(...[19, 20, 21, 25].map((count) => async () => { const it = await fetch(`${origin}/count${count}`); return [it.status, it.redirected]; })),
  'redirect: cookies on the way': async () => { const it = await fetch(to(302, '/show', [['set-cookie', 'a=1']])); return [it.headers.getSetCookie(), (await seen(it))[2].filter((line) => line.startsWith('cookie'))]; },

  'abort: before': () => each(() => fetch(`${origin}/show`, { signal: AbortSignal.abort() }), () => fetch(`${origin}/show`, { signal: AbortSignal.abort('why') }), () => fetch(`${origin}/show`, { signal: AbortSignal.abort(new RangeError('mine')) }), () => fetch(`${origin}/show`, { signal: AbortSignal.abort(null) }), () => fetch(new Request(`${origin}/show`, { signal: AbortSignal.abort('in the request') })), async () => (await fetch(new Request(`${origin}/show`, { signal: AbortSignal.abort() }), { signal: null })).status),
  'abort: before, and its body': async () => { const request = new Request(`${origin}/show`, { method: 'POST', body: 'x', signal: AbortSignal.abort('why') }); return [await each(() => fetch(request)), request.bodyUsed]; },
  'abort: while it waits': () => each(...['why', undefined, new RangeError('mine')].map((reason) => async () => { const controller = new AbortController(); const promise = fetch(`${origin}/never`, { signal: controller.signal }); setTimeout(() => controller.abort(reason), 5); return promise; })),
  'abort: reasons that are no errors': () => each(...[null, 5, {}, { message: 'm' }, 'x'].map((reason) => async () => { const controller = new AbortController(); const promise = fetch(`${origin}/never`, { signal: controller.signal }); setTimeout(() => controller.abort(reason), 5); return promise; })),
  'abort: the reason itself': async () => { const controller = new AbortController(); const reason = Object.assign(new RangeError('mine'), { more: 1 }); const promise = fetch(`${origin}/never`, { signal: controller.signal }); setTimeout(() => controller.abort(reason), 5); const error = await refused(promise); return [error === reason, error.more, error.stack === reason.stack]; },
  'abort: the reason itself, in a body': async () => { const controller = new AbortController(); const reason = new RangeError('mine'); const it = await fetch(`${origin}/slow`, { signal: controller.signal }); controller.abort(reason); return (await refused(it.text())) === reason; },
  'abort: timeout': () => words(fetch(`${origin}/never`, { signal: AbortSignal.timeout(20) })),
  'abort: any': () => words(fetch(`${origin}/never`, { signal: AbortSignal.any([AbortSignal.timeout(20), new AbortController().signal]) })),
  'abort: while the body comes': async () => { const controller = new AbortController(); const it = await fetch(`${origin}/slow`, { signal: controller.signal }); setTimeout(() => controller.abort('why'), 5); return [it.status, await each(() => it.text())]; },
  'abort: while a reader waits': async () => { const controller = new AbortController(); const it = await fetch(`${origin}/slow`, { signal: controller.signal }); const reader = it.body.getReader(); const first = await reader.read(); setTimeout(() => controller.abort('why'), 5); return [new TextDecoder().decode(first.value), await each(() => reader.read(), () => reader.read(), () => reader.closed)]; },
  'abort: between head and body': async () => { const controller = new AbortController(); const it = await fetch(`${origin}/slow`, { signal: controller.signal }); controller.abort('why'); return each(() => it.text()); },
  'abort: after the end': async () => { const controller = new AbortController(); const it = await fetch(`${origin}/show`, { signal: controller.signal }); await it.text(); controller.abort('why'); return [it.status, it.bodyUsed]; },
  'abort: a clone': async () => { const controller = new AbortController(); const it = await fetch(`${origin}/slow`, { signal: controller.signal }); const other = it.clone(); controller.abort('why'); return each(() => it.text(), () => other.text()); },

  'failure: nobody listens': () => words(fetch('http://127.0.0.1:1/')),
  'failure: closed at once': () => words(fetch(`${origin}/gone`)),
  'failure: cut in the body': async () => { const it = await fetch(`${origin}/cut`); return [it.status, await words(it.text())]; },
  'failure: cut, read by hand': async () => { const reader = (await fetch(`${origin}/cut`)).body.getReader(); const first = await reader.read(); return [new TextDecoder().decode(first.value), await words(reader.read())]; },
  'failure: cancelled by the reader': async () => { const it = await fetch(`${origin}/slow`); const reader = it.body.getReader(); await reader.read(); return [await reader.cancel('why'), await reader.read(), it.bodyUsed]; },
};
