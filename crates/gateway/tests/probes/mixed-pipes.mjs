// Streams joined with each other, and each way in which a pipe may end.
import { each } from './show.mjs';

const bytes = (text) => new TextEncoder().encode(text);
const wait = (time) => new Promise((resolve) => setTimeout(resolve, time));
const settled = (promise) => Promise.race([promise.then((v) => ['fulfilled', v], (e) => ['rejected', String(e)]), wait(30).then(() => 'pending')]);

// A source and a sink that tell what is done to them; how the pipe between them ends with those options.
async function piped(end, options = {}) {
  const seen = [];
  let readable;
  let writable;
  const source = new ReadableStream({ start(c) { readable = c; }, cancel(reason) { seen.push(`cancel ${reason}`); } });
  const sink = new WritableStream({ start(c) { writable = c; }, write(chunk) { seen.push(`write ${chunk}`); }, close() { seen.push('close'); }, abort(reason) { seen.push(`abort ${reason}`); } });
  const controller = new AbortController();
  const pipe = source.pipeTo(sink, { ...options, signal: options.signal ? controller.signal : undefined });
  readable.enqueue('a');
  await wait(1);
  if (end === 'close') readable.close();
  else if (end === 'error') readable.error(new Error('source'));
  else if (end === 'sink') writable.error(new Error('sink'));
  else if (end === 'abort') controller.abort(new Error('signal'));
  const outcome = await settled(pipe);
  await wait(1);
  return [outcome, seen, source.locked, sink.locked];
}

const OPTIONS = ['preventClose', 'preventAbort', 'preventCancel'];
const matrix = (end, more = {}) => async () => {
  const all = [];
  for (let bits = 0; bits < 8; bits++) {
    const options = { ...more };
    OPTIONS.forEach((name, at) => { if (bits >> at & 1) options[name] = true; });
    all.push(await piped(end, options));
  }
  return all;
};

export const pipes = {
  'pipe: source closes, all options': matrix('close'),
  'pipe: source fails, all options': matrix('error'),
  'pipe: sink fails before more comes, then the source closes': async () => { const all = []; for (const preventCancel of [false, true]) { const seen = []; let c; let w; const source = new ReadableStream({ start(x) { c = x; }, cancel(r) { seen.push(`cancel ${r}`); } }); const sink = new WritableStream({ start(x) { w = x; } }); const pipe = source.pipeTo(sink, { preventCancel }); await wait(1); w.error(new Error('sink')); await wait(1); try { c.enqueue('x'); } catch (e) { seen.push(e.message); } all.push([await settled(pipe), seen]); } return all; },
  'pipe: signal, all options': matrix('abort', { signal: true }),
  'pipe: a signal that is aborted already': () => each(() => new ReadableStream().pipeTo(new WritableStream(), { signal: AbortSignal.abort(new RangeError('before')) }), () => new ReadableStream().pipeTo(new WritableStream(), { signal: {} }), () => new ReadableStream().pipeThrough(new TransformStream(), { signal: AbortSignal.abort() }).getReader().read()),
  'pipe: to what is closed, all ways': async () => { const all = []; for (const preventCancel of [false, true]) { const seen = []; const source = new ReadableStream({ start(c) { c.enqueue(1); }, cancel(r) { seen.push(`cancel ${r}`); } }); const sink = new WritableStream(); await sink.close(); all.push([await settled(source.pipeTo(sink, { preventCancel })), seen]); } return all; },
  'pipe: a write fails': async () => { const seen = []; const source = new ReadableStream({ start(c) { c.enqueue(1); c.enqueue(2); }, cancel(r) { seen.push(`cancel ${r}`); } }); const sink = new WritableStream({ write() { throw new RangeError('write'); }, abort() { seen.push('abort'); } }); return [await settled(source.pipeTo(sink)), seen]; },
  'pipe: a close fails': async () => settled(new ReadableStream({ start(c) { c.close(); } }).pipeTo(new WritableStream({ close() { throw new RangeError('close'); } }))),
  'pipe: an abort fails': async () => settled(new ReadableStream({ start(c) { c.error(new Error('source')); } }).pipeTo(new WritableStream({ abort() { throw new RangeError('abort'); } }))),
  'pipe: a cancel fails': async () => { const sink = new WritableStream({ start(c) { c.error(new Error('sink')); } }); return settled(new ReadableStream({ cancel() { throw new RangeError('cancel'); } }).pipeTo(sink)); },
  'pipe: prevented, then used on': async () => { const seen = []; const sink = new WritableStream({ write(c) { seen.push(c); }, close() { seen.push('close'); } }); await ReadableStream.from(['a', 'b']).pipeTo(sink, { preventClose: true }); const writer = sink.getWriter(); await writer.write('c'); await writer.close(); return seen; },
  'pipe: two sources, one after the other': async () => { const { readable, writable } = new IdentityTransformStream(); const text = new Response(readable).text(); await new Response('one ').body.pipeTo(writable, { preventClose: true }); await new Response('two').body.pipeTo(writable); return text; },
  'pipe: through a tee into two': async () => { const [a, b] = new Response('shared').body.tee(); const { readable, writable } = new TransformStream(); const done = a.pipeTo(writable); return [await new Response(b).text(), await new Response(readable).text(), await done]; },
  'pipe: text through many': async () => { const upper = () => new TransformStream({ transform(c, k) { k.enqueue(c.toUpperCase()); } }); const lines = () => { let rest = ''; return new TransformStream({ transform(c, k) { const parts = (rest + c).split('\n'); rest = parts.pop(); for (const p of parts) k.enqueue(p); }, flush(k) { if (rest) k.enqueue(rest); } }); }; const all = []; for await (const line of new Response('ab\nc').body.pipeThrough(new TextDecoderStream()).pipeThrough(lines()).pipeThrough(upper())) all.push(line); return all; },
  'pipe: gzip there and back': async () => new Response(new Blob(['packed '.repeat(50)]).stream().pipeThrough(new CompressionStream('gzip')).pipeThrough(new DecompressionStream('gzip'))).text(),
  'pipe: a digest on the way': async () => { const digest = new crypto.DigestStream('SHA-256'); const [a, b] = new Response('abc').body.tee(); const [, text] = await Promise.all([a.pipeTo(digest), new Response(b).text()]); return [new Uint8Array(await digest.digest), text, digest.bytesWritten]; },
  'pipe: the number of bytes of a fixed length': async () => { const { readable, writable } = new FixedLengthStream(6); const done = settled(new Response('too long').body.pipeTo(writable)); return [await settled(new Response(readable).text()), await done]; },
  'pipe: too few bytes of a fixed length': async () => { const { readable, writable } = new FixedLengthStream(6); const done = settled(new Response('few').body.pipeTo(writable)); return [await settled(new Response(readable).text()), await done]; },
  'pipe: strings into a body': async () => settled(new Response(new ReadableStream({ start(c) { c.enqueue('text'); c.close(); } })).text()),
  'pipe: numbers into a body': async () => settled(new Response(new ReadableStream({ start(c) { c.enqueue(5); c.close(); } })).text()),
  'pipe: buffers and views into a body': async () => settled(new Response(new ReadableStream({ start(c) { c.enqueue(bytes('a').buffer); c.enqueue(new DataView(bytes('xbx').buffer, 1, 1)); c.enqueue(new Uint16Array([0x6463])); c.close(); } })).text()),
  'size: desiredSize about a read': async () => { const { readable, writable } = new TransformStream(); const writer = writable.getWriter(); const reader = readable.getReader(); await wait(1); const told = [writer.desiredSize]; const write = writer.write('a'); told.push(writer.desiredSize); await reader.read(); told.push(writer.desiredSize); await write; told.push(writer.desiredSize); const pending = reader.read(); writer.write('b'); told.push(writer.desiredSize); await pending; told.push(writer.desiredSize); await wait(1); told.push(writer.desiredSize); const close = writer.close(); await reader.read(); told.push(writer.desiredSize); await close; return told; },
  'size: desiredSize of a transformer about a read': async () => { const { readable, writable } = new TransformStream({ transform(c, k) { k.enqueue(c); } }); const writer = writable.getWriter(); const reader = readable.getReader(); await wait(1); const told = [writer.desiredSize]; const write = writer.write('a'); told.push(writer.desiredSize); await reader.read(); told.push(writer.desiredSize); await write; told.push(writer.desiredSize); const pending = reader.read(); writer.write('b'); told.push(writer.desiredSize); await pending; told.push(writer.desiredSize); await wait(1); told.push(writer.desiredSize); return told; },
  'size: desiredSize while writes wait': async () => { const { readable, writable } = new TransformStream({}, { highWaterMark: 2 }, { highWaterMark: 1 }); const writer = writable.getWriter(); const told = [writer.desiredSize]; for (const chunk of ['a', 'b', 'c']) writer.write(chunk); told.push(writer.desiredSize); await wait(1); told.push(writer.desiredSize); const reader = readable.getReader(); for (let i = 0; i < 3; i++) { await reader.read(); told.push(writer.desiredSize); await wait(1); told.push(writer.desiredSize); } return told; },
  'size: desiredSize of an identity': async () => { const { readable, writable } = new IdentityTransformStream({ highWaterMark: 4 }); const writer = writable.getWriter(); const told = [writer.desiredSize]; const one = writer.write(bytes('abc')); told.push(writer.desiredSize); const reader = readable.getReader(); await reader.read(); told.push(writer.desiredSize); await one; told.push(writer.desiredSize); return told; },
  'size: sizes of all kinds': () => each(() => new ReadableStream({}, { highWaterMark: 5 }).locked, () => { let d; new ReadableStream({ start(c) { d = c.desiredSize; c.enqueue('abc'); d = [d, c.desiredSize]; } }, { highWaterMark: 5, size: (c) => c.length }); return d; }, () => { let d; new ReadableStream({ start(c) { c.enqueue(bytes('abc')); d = c.desiredSize; } }, new ByteLengthQueuingStrategy({ highWaterMark: 8 })); return d; }, () => { let d; new ReadableStream({ start(c) { c.enqueue(1); c.enqueue(1); d = c.desiredSize; } }, new CountQueuingStrategy({ highWaterMark: 1 })); return d; }),
  'reader: release and take again': async () => { const source = ReadableStream.from(['a', 'b', 'c']); const one = source.getReader(); const first = await one.read(); one.releaseLock(); const two = source.getReader(); return [first.value, (await two.read()).value, await settled(one.read()), await settled(one.closed), source.locked]; },
  'reader: cancel tells the source once': async () => { const seen = []; const source = new ReadableStream({ cancel(r) { seen.push(r); } }); const reader = source.getReader(); await Promise.all([reader.cancel('one'), reader.cancel('two')]); return [seen, await reader.read(), await settled(reader.closed)]; },
  'writer: ready through a slow sink': async () => { const seen = []; const sink = new WritableStream({ async write(c) { await wait(2); seen.push(c); } }, { highWaterMark: 1 }); const writer = sink.getWriter(); const told = []; for (const c of [1, 2, 3]) { await writer.ready; told.push(writer.desiredSize); writer.write(c); } await writer.close(); return [seen, told]; },
  'writer: an abort while a write runs': async () => { const seen = []; const sink = new WritableStream({ async write() { await wait(3); seen.push('written'); }, abort(r) { seen.push(`abort ${r}`); } }); const writer = sink.getWriter(); await wait(1); const write = settled(writer.write(1)); const abort = settled(writer.abort('why')); return [await write, await abort, await settled(writer.closed), await settled(writer.ready), seen]; },
  'bytes: respond, enlarge, close': async () => { const source = new ReadableStream({ type: 'bytes', autoAllocateChunkSize: 4, pull(c) { const { view } = c.byobRequest; view[0] = 65; c.byobRequest.respond(1); c.close(); } }); const reader = source.getReader(); return [await reader.read(), await reader.read()]; },
  'bytes: a reader with min': async () => { const parts = ['a', 'bc', 'defg']; const source = new ReadableStream({ type: 'bytes', pull(c) { if (parts.length === 0) { c.close(); c.byobRequest?.respond(0); } else c.enqueue(bytes(parts.shift())); } }); const reader = source.getReader({ mode: 'byob' }); const told = []; for (let i = 0; i < 3; i++) told.push(await reader.read(new Uint8Array(4), { min: 3 }).then(({ value, done }) => [value, done], String)); return told; },
  'from: all that iterates': async () => { const all = []; for (const of of [() => ['a'], () => new Set(['b']), () => (function* () { yield 'c'; })(), () => (async function* () { yield 'd'; })(), () => new ReadableStream({ start(c) { c.enqueue('e'); c.close(); } }), () => 'fg', () => [Promise.resolve('h')]]) all.push(await Array.fromAsync(ReadableStream.from(of()))); return all; },
  'from: a generator is returned to': async () => { const seen = []; const source = ReadableStream.from((async function* () { try { yield 1; yield 2; } finally { seen.push('finally'); } })()); const reader = source.getReader(); await reader.read(); await reader.cancel('why'); return seen; },
};
