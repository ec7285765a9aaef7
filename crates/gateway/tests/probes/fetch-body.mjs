// Bodies: every kind through every reader, what using one up means, and errors' words.
import { each, list, stream } from './fetch-tools.mjs';

const text = (string) => new TextEncoder().encode(string);
const P = (...all) => new Response(...all);
const blob = async (value) => [value.constructor.name, value.type, value.size, await value.text()];
const readers = ['text', 'json', 'arrayBuffer', 'bytes', 'blob', 'formData'];

export const bodies = {
  'body: empty ones': () => each(...readers.filter((how) => how !== 'json').flatMap((how) => [() => P()[how](), () => P('')[how](), () => P(null)[how](), () => P(stream())[how]()])),
  'body: json behind a mark': async () => (await each(() => P(new Uint8Array([0xef, 0xbb, 0xbf, 0x31])).json())).map((it) => String(it).split(':')[0]),
  'body: null is never used': async () => { const made = P(); await made.text(); await made.arrayBuffer(); return [made.bodyUsed, await made.text()]; },
  'body: empty is used': async () => { const made = P(''); await made.text(); return [made.bodyUsed, await each(() => made.text())]; },
  'body: each reader': async () => {
    const told = [];
    for (const make of [() => P('{"a":1}'), () => P(text('{"a":1}')), () => P(stream('{"a"', ':1}')), () => P(new Blob(['{"a":1}'], { type: 'x/y' }))]) {
      told.push([await make().text(), await make().json(), await make().arrayBuffer(), await make().bytes(), await blob(await make().blob())]);
    }
    return told;
  },
  'body: bytes are a Uint8Array of their own': async () => { const given = text('abc'); const made = P(given); given[0] = 0; const got = await made.bytes(); return [got, got.constructor.name, got.byteOffset, got.buffer.byteLength]; },
  'body: parts of buffers': async () => { const whole = text('abcdefgh'); return [await P(whole.subarray(2, 5)).text(), await P(new DataView(whole.buffer, 1, 2)).text(), await P(new Uint16Array(whole.buffer, 2, 1)).text()]; },
  'body: a shared or detached buffer': () => each(() => { const buffer = new ArrayBuffer(3); structuredClone(buffer, { transfer: [buffer] }); return P(buffer).text(); }, () => { const it = new Uint8Array(3); structuredClone(it.buffer, { transfer: [it.buffer] }); return P(it).text(); },
    () => P(new Uint8Array(new SharedArrayBuffer(2))).text(), () => P(new SharedArrayBuffer(2)).text(), () => P(new Uint8Array(new ArrayBuffer(3, { maxByteLength: 9 }))).bytes()),
  'body: marks and broken bytes': async () => [await P(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])).text(), await P('\ufeffa').text(), await P(new Uint8Array([0xff, 0x61])).text(), await P('\ud800').text(), await P('\ufeff').bytes(), await P('a\ud800').bytes()],
  'body: json that is none': async () => { const told = await each(...['', '{', 'x', '{"a":}', 'undefined'].map((it) => () => P(it).json())); return told.map((it) => it.split(':')[0]); },
  'body: used twice': () => each(...readers.flatMap((how) => [async () => { const made = P('a=1', { headers: { 'content-type': 'application/x-www-form-urlencoded' } }); await made[how === 'json' ? 'text' : how](); return made[how](); }])),
  'body: used while reading': () => each(async () => { const made = P('x'); const first = made.text(); const used = made.bodyUsed; return [used, await each(() => made.text()), await first]; }, async () => { const made = P(stream('x')); made.text(); return [made.bodyUsed, made.body.locked]; }),
  'body: locked': () => each(...readers.map((how) => () => { const made = P('x'); made.body.getReader(); return made[how](); })),
  'body: read in part': () => each(...readers.map((how) => async () => { const made = P(stream('x', 'y')); const reader = made.body.getReader(); await reader.read(); reader.releaseLock(); return [made.bodyUsed, await made[how]()]; })),
  'body: cancelled': () => each(async () => { const made = P('x'); await made.body.cancel(); return [made.bodyUsed, await made.text()]; }, async () => { const made = P(stream('x')); await made.body.cancel('why'); return [made.bodyUsed, await made.text()]; }),
  'body: stream that fails': () => each(() => P(new ReadableStream({ pull(c) { c.error(new RangeError('mine')); } })).text(), () => P(new ReadableStream({ pull() { throw 'thrown'; } })).text(), () => P(new ReadableStream({ start(c) { c.enqueue(text('a')); c.error(undefined); } })).text()),
  'body: chunks that are no bytes': () => each(...[1, null, undefined, {}, 'text', [1]].map((chunk) => () => P(new ReadableStream({ start(c) { c.enqueue(chunk); c.close(); } })).text()),
    ...[new ArrayBuffer(1), new Uint16Array([0x6261]), new DataView(new ArrayBuffer(1)), new Uint8Array(0)].map((chunk) => () => P(new ReadableStream({ start(c) { c.enqueue(chunk); c.close(); } })).bytes())),
  'body: a byte stream': () => P(new ReadableStream({ type: 'bytes', start(c) { c.enqueue(text('ab')); c.enqueue(text('c')); c.close(); } })).text(),
  'body: a closed and an empty stream': () => each(() => P(new ReadableStream({ start(c) { c.close(); } })).text(), () => P(new ReadableStream({ type: 'bytes', start(c) { c.close(); } })).bytes()),
  'body: identity and fixed length': () => each(async () => { const { readable, writable } = new IdentityTransformStream(); const writer = writable.getWriter(); writer.write(text('ab')); writer.close(); return P(readable).text(); },
    async () => { const { readable, writable } = new FixedLengthStream(2); const writer = writable.getWriter(); writer.write(text('ab')); writer.close(); return P(readable).text(); }),
  'body: stream of a whole one': async () => {
    const made = P('abc');
    const reader = made.body.getReader();
    return [await reader.read(), await reader.read(), made.bodyUsed];
  },
  'body: whole one, own buffer at the reader': async () => {
    const reader = P('abcdef').body.getReader({ mode: 'byob' });
    const first = await reader.read(new Uint8Array(4));
    const second = await reader.read(new Uint8Array(4));
    const third = await reader.read(new Uint8Array(4));
    return [first, second, third];
  },
  'body: async iteration': async () => { const all = []; for await (const chunk of P('abc').body) all.push(chunk); return all; },
  'body: iteration of what a stream gave': async () => { const all = []; const decode = new TextDecoder(); for await (const chunk of P(stream('a', 'b')).body) all.push(decode.decode(chunk)); return all; },
  'body: tee': async () => { const [a, b] = P('abc').body.tee(); return [await P(a).text(), await P(b).text()]; },
  'body: piped': async () => { const made = P('abc').body.pipeThrough(new TransformStream({ transform(chunk, c) { c.enqueue(text(new TextDecoder().decode(chunk).toUpperCase())); } })); return P(made).text(); },
  'body: async iterables': () => each(async () => P({ async *[Symbol.asyncIterator]() { yield text('a'); } }).text(), async () => P((function* () { yield text('a'); })()).text(), async () => P(ReadableStream.from([text('a')])).text()),
  'body: blob type': () => each(async () => (await P('x').blob()).type, async () => (await P('x', { headers: { 'content-type': 'A/B; c=D' } }).blob()).type, async () => (await P(new Uint8Array(1)).blob()).type, async () => (await P(null).blob()).type, async () => (await P('x', { headers: { 'content-type': 'ä' } }).blob()).type),
  'body: method names and lengths': () => readers.map((how) => [how, P.name, Response.prototype[how].name, Response.prototype[how].length]),
  'body: request readers': async () => { const R = (body) => new Request('http://a/', { method: 'POST', body }); return [await R('x').text(), await R('1').json(), await R('x').arrayBuffer(), await R('x').bytes(), await blob(await R(new Blob(['x'], { type: 'a/b' })).blob()), (await R(new URLSearchParams('a=1&b=2')).formData()).get('b')]; },
  'body: promises are native': () => [P('x').text() instanceof Promise, P('x').json().constructor === Promise],
  'body: a getter does not disturb': async () => { const made = P('x'); void made.body; void made.bodyUsed; return [made.bodyUsed, await made.text()]; },
  'body: large': async () => { const made = P('é'.repeat(300_000)); const got = await made.bytes(); return [got.length, (await P(got).text()).length]; },
  'body: headers do not follow the body': async () => list(P(P('x', { headers: { a: '1' } }).body).headers),
};
