// Response: construction, statuses, texts, statics, copies.
import { describe, each, list, members, stream } from './fetch-tools.mjs';

const P = (...all) => new Response(...all);

export const responses = {
  'response: surface': () => [members(Response.prototype), members(Response), Response.length, String(P()), members(P()), Object.keys(Response.prototype),
    Object.getPrototypeOf(Response) === Body, Object.getPrototypeOf(Response.prototype) === Body.prototype, members(Body.prototype), members(Body)],
  'response: members on the instance': () => ['status', 'statusText', 'ok', 'redirected', 'url', 'type', 'headers', 'webSocket', 'cf', 'body', 'bodyUsed', 'bodyEncoding', 'useFinalURL', 'trailer', 'encodeBody'].map((name) => [name, name in P()]),
  'response: descriptors': () => [[Response.prototype, 'status'], [Response.prototype, 'clone'], [Response, 'json'], [Response, 'error'], [Response, 'redirect'], [Response.prototype, 'webSocket'], [Body.prototype, 'text'], [Body.prototype, 'body'], [Body.prototype, 'bodyUsed']].map(([object, name]) => {
    const it = Object.getOwnPropertyDescriptor(object, name);
    return it && [name, it.enumerable, it.writable, it.configurable, typeof it.value, typeof it.get, typeof it.set, (it.value ?? it.get).name, (it.value ?? it.get).length];
  }),
  'response: for in': () => { const all = []; for (const name in P()) all.push(name); return all.sort(); },
  'response: globals': () => ['Request', 'Response', 'Headers', 'Body', 'FormData', 'Blob', 'File', 'fetch'].map((name) => {
    const owner = Object.hasOwn(globalThis, name);
    return [name, typeof globalThis[name], globalThis[name].name, globalThis[name].length, name in globalThis || owner];
  }),
  'response: new Body': () => each(() => new Body()),
  'response: default': () => [describe(P()), describe(P('x')), P().webSocket, P().cf],
  'response: statuses': () => each(...[0, 1, 99, 100, 101, 102, 199, 200, 200.9, 299, 599, 600, 999, -200, NaN, Infinity, '204', '200', 'abc', '', null, undefined, true, {}, [200], 200n, 65736, 4294967496, { valueOf: () => 201 }, Symbol('x')].map((status) => () => P(null, { status }).status)),
  'response: null body statuses': () => each(...[101, 204, 205, 304].flatMap((status) => [() => P('x', { status }), () => P('', { status }).body, () => P(null, { status }).body, () => P(undefined, { status }).body, () => P(stream('x'), { status }), () => P(new Uint8Array(0), { status }).body, () => P(new Blob([]), { status }).body])),
  'response: null body statuses, type': () => each(() => list(P('', { status: 204 }).headers), () => list(P(new Blob([], { type: 'a/b' }), { status: 204 }).headers)),
  'response: status texts': () => each(...['', 'OK', 'x y', 'é', '日', '\n', '\t', '\0', '\x7f', 'a\r', null, undefined, 1, {}, Symbol('x')].map((statusText) => () => P(null, { statusText }).statusText)),
  'response: init types': () => each(() => describe(P('x', null)), () => describe(P('x', undefined)), () => P('x', 1), () => P('x', 'y'), () => describe(P('x', [])), () => describe(P('x', () => {})), () => P('x', true)),
  'response: init is a response': () => each(() => describe(P('x', P('y', { status: 201, statusText: 'T', headers: { a: '1' } }))), () => describe(P('x', Response.json({}))), () => describe(P(null, Response.redirect('http://a/'))), () => P(null, Response.error()),
    () => describe(P('x', new Request('http://a/', { headers: { a: '1' } })))),
  'response: init is headers': () => describe(P('x', new Headers({ a: '1' }))),
  'response: headers of an init': () => each(() => list(P(null, { headers: { A: '1' } }).headers), () => P(null, { headers: null }), () => P(null, { headers: 'x' }), () => P(null, { headers: 1 }), () => list(P(null, { headers: undefined }).headers),
    () => { const headers = new Headers({ a: '1' }); const made = P(null, { headers }); headers.set('a', '2'); return [made.headers.get('a'), made.headers === headers]; }, () => { const made = P(); return made.headers === made.headers; }),
  'response: content types': () => each(...['x', '', new URLSearchParams('a=b'), new Blob(['x']), new Blob(['x'], { type: 'A/B' }), new Uint8Array(1), new ArrayBuffer(1), {}, 1, true, false, 0, null, undefined, new DataView(new ArrayBuffer(1)), [1, 2], Symbol('x'), 1n, () => 1]
    .map((body) => async () => { const made = P(body); return [list(made.headers), await made.text()]; }), () => list(P('x', { headers: { 'content-type': 'mine' } }).headers), () => list(P('x', { headers: { 'Content-Type': '' } }).headers),
    () => P(new FormData()).headers.get('content-type').replace(/=.*/, '')),
  'response: inits read': () => {
    const seen = [];
    P('x', new Proxy({}, { get: (_, key) => { seen.push(String(key)); return undefined; } }));
    return seen;
  },
  'response: encodeBody': () => each(...['automatic', 'manual', 'x', '', null, undefined, 1].map((encodeBody) => () => describe(P('x', { encodeBody })))),
  'response: webSocket': () => each(() => P(null, { webSocket: null }).webSocket, () => P(null, { webSocket: undefined }).webSocket, () => P(null, { webSocket: {} }), () => P(null, { webSocket: 1 }), () => P(null, { status: 101 }), () => P(null, { status: 101, webSocket: null })),
  'response: cf': () => each(() => P(null, { cf: { a: 1 } }).cf, () => P(null, { cf: null }).cf, () => P(null, { cf: 1 }).cf, () => P(null, { cf: 'x' }).cf, () => P(null, P(null, { cf: { a: 1 } })).cf, () => P(null, { cf: { a: 1 } }).clone().cf,
    () => P().cf, () => { const cf = { a: 1 }; const made = P(null, { cf }); return [made.cf === cf, made.cf === made.cf]; }),
  'response: error': () => [describe(Response.error()), ...['set', 'append'].map((method) => { const made = Response.error(); made.headers[method]('a', 'b'); return list(made.headers); })],
  'response: redirect': () => each(() => describe(Response.redirect('http://a/x y')), ...[301, 302, 303, 307, 308, 200, 300, 304, 305, 306, 0, '301', 'x', null, undefined, 301.5, NaN].map((status) => () => Response.redirect('http://a/', status).status),
    () => Response.redirect(), () => Response.redirect('/rel'), () => Response.redirect(''), () => Response.redirect(null), () => list(Response.redirect(new URL('http://a/#x')).headers), () => list(Response.redirect('HTTP://ü.de:80/a/../b').headers),
    () => Response.redirect('http://a/').headers.set('a', 'b'), () => Response.redirect('http://a/').headers.append('a', 'b'), () => Response.redirect('http://a/').headers.delete('a'), () => list(Response.redirect('ftp://a/').headers),
    () => { const made = P(null, Response.redirect('http://a/')); made.headers.set('a', 'b'); return list(made.headers); }, () => Response.redirect('http://a/').clone().headers.set('a', 'b')),
  'response: json': () => each(async () => [describe(Response.json({ a: 1 })), await Response.json({ a: 1 }).text()], ...[undefined, null, 1, 'x', [], () => 1, Symbol('x'), 1n, NaN, new Date(0), { toJSON: () => 5 }].map((value) => () => Response.json(value).text()),
    () => Response.json(), () => describe(Response.json({}, { status: 201, statusText: 'T', headers: { 'content-type': 'mine', a: '1' } })), () => Response.json({}, { status: 204 }), () => Response.json({}, { status: 101 }), () => Response.json({}, { status: 700 }),
    () => Response.json({ get a() { throw new RangeError('mine'); } }), () => { const cycle = {}; cycle.a = cycle; try { Response.json(cycle); } catch (error) { return error.name; } }, () => describe(Response.json({}, null)), () => Response.json({}, 1), () => list(Response.json({}, { headers: new Headers({ a: 'b' }) }).headers),
    () => describe(Response.json('é', P('x', { status: 203, headers: { b: '2' } })))),
  'response: clone': async () => {
    const first = P('body', { status: 201, statusText: 'T', headers: { a: '1' } });
    const second = first.clone();
    second.headers.set('a', '2');
    return [describe(first), describe(second), await first.text(), second.bodyUsed, await second.text()];
  },
  'response: clone of a stream': async () => {
    const first = P(stream('a', 'b'));
    const held = first.body;
    const second = first.clone();
    return [held === first.body, held.locked, await second.text(), await first.text()];
  },
  'response: clone that cannot be': () => each(async () => { const made = P('x'); await made.text(); return made.clone(); }, () => { const made = P('x'); made.body.getReader(); return made.clone(); }, () => describe(P(null).clone()),
    async () => { const made = P(stream('x')); const reader = made.body.getReader(); await reader.read(); reader.releaseLock(); return made.clone(); }),
  'response: of a body in use': () => each(() => { const it = stream('x'); it.getReader(); return P(it); }, async () => { const it = stream('x', 'y'); const reader = it.getReader(); await reader.read(); reader.releaseLock(); return P(it); },
    () => { const it = stream('x'); P(it); return P(it).text(); }, async () => { const first = P('x'); const second = P(first.body); return [await second.text(), first.bodyUsed]; }, () => { const first = P('x'); P(first.body); return first.text(); }),
  'response: body is one object': () => { const made = P('x'); return [made.body === made.body, P(null).body, String(made.body), made.body.locked]; },
  'response: unbound': () => each(() => Object.getOwnPropertyDescriptor(Response.prototype, 'status').get.call({}), () => Response.prototype.clone.call({}), () => Response.prototype.text.call({}), () => Response.prototype.status,
    () => Object.getOwnPropertyDescriptor(Body.prototype, 'body')?.get.call({})),
  'constructors without new': () => each(() => Headers(), () => Request('http://a/'), () => Response(), () => Body()),
  'response: statics unbound': async () => { const { json, error, redirect } = Response; return [await json({ a: 1 }).text(), error().status, redirect('http://a/').status]; },
  'response: subclass': async () => {
    class Mine extends Response { get status() { return 299; } extra() { return 'extra'; } }
    const made = new Mine('x');
    return [made.status, made.extra(), made instanceof Response, String(made), await made.text(), new Mine('x').clone().constructor.name, Mine.json({}).constructor.name, made.constructor.name];
  },
  'response: fields are read only': () => each(() => { 'use strict'; const made = P(); try { made.status = 1; } catch (error) { return error.name; } }, () => { 'use strict'; const made = P(); made.mine = 1; return made.mine; }),
  'response: JSON': () => [JSON.stringify(P('x')), { ...P('x') }, Object.keys(P())],
};
