// pipeTo and pipeThrough: what is carried over, prevented and aborted.
import { tries } from './show.mjs';

const log = (run) => async () => { const seen = []; const gave = await run((x) => seen.push(x)); return [seen, gave]; };
const turn = () => new Promise((resolve) => setTimeout(resolve));
const all = async (stream) => { const out = []; for await (const chunk of stream) out.push(chunk); return out; };
const of = (...chunks) => new ReadableStream({ start(c) { for (const chunk of chunks) c.enqueue(chunk); c.close(); } });
const failing = (see = () => {}) => new ReadableStream({ start(c) { c.error(new RangeError('source')); }, cancel(r) { see(['cancel', r]); } });
const waiting = (see) => new ReadableStream({ cancel(r) { see(['cancel', r]); } });
const sink = (see, more) => new WritableStream({ write(x) { see(x); }, close() { see('close'); }, abort(r) { see(['abort', r]); }, ...more });
const outcome = (promise) => promise.then((x) => ['ok', x], (e) => ['no', e]);

export const pipes = {
  'pipeTo': log((see) => outcome(of(1, 2).pipeTo(sink(see)))),
  'pipeTo locks': log(async (see) => { const s = of(1); const w = sink(see); const p = s.pipeTo(w); see([s.locked, w.locked]); await p; see([s.locked, w.locked]); }),
  'pipeTo refuses': () => tries(() => of().pipeTo(), () => of().pipeTo({}), () => of().pipeTo(null), () => of().pipeTo(new WritableStream(), 5), () => of().pipeTo(new WritableStream(), null), () => of().pipeTo(new WritableStream(), { signal: 5 }), () => of().pipeTo(new WritableStream(), { signal: null }), () => { const w = new WritableStream(); w.getWriter(); return of().pipeTo(w); }),
  'pipeTo preventClose': log(async (see) => { const w = sink(see); const gave = await outcome(of(1).pipeTo(w, { preventClose: true })); see(w.locked); await w.getWriter().write('more'); return gave; }),
  'pipeTo of a failing source': log((see) => outcome(failing().pipeTo(sink(see)))),
  'pipeTo preventAbort': log(async (see) => { const w = sink(see); const gave = await outcome(failing().pipeTo(w, { preventAbort: true })); await w.getWriter().write('still'); return gave; }),
  'pipeTo a failing sink': log((see) => outcome(new ReadableStream({ pull(c) { c.enqueue(1); }, cancel(r) { see(['cancel', r]); } }).pipeTo(sink(see, { write() { throw new RangeError('sink'); } })))),
  'pipeTo preventCancel': log(async (see) => { const s = new ReadableStream({ pull(c) { c.enqueue(1); }, cancel(r) { see(['cancel', r]); } }); const gave = await outcome(s.pipeTo(sink(see, { write() { throw new RangeError('sink'); } }), { preventCancel: true })); see(s.locked); return gave; }),
  'pipeTo a closed sink': log(async (see) => { const w = sink(see); await w.close(); return outcome(waiting(see).pipeTo(w)); }),
  'pipeTo an errored sink': log(async (see) => { const w = sink(see, { start(c) { c.error(new RangeError('early')); } }); await turn(); return outcome(waiting(see).pipeTo(w)); }),
  'pipeTo close fails': log((see) => outcome(of(1).pipeTo(sink(see, { close() { throw new RangeError('close'); } })))),
  'pipeTo signal': log(async (see) => { const controller = new AbortController(); const p = outcome(waiting(see).pipeTo(sink(see), { signal: controller.signal })); await turn(); controller.abort(new RangeError('enough')); return p; }),
  'pipeTo signal aborted before': log((see) => outcome(waiting(see).pipeTo(sink(see), { signal: AbortSignal.abort('before') }))),
  'pipeTo signal without a reason': log((see) => outcome(waiting(see).pipeTo(sink(see), { signal: AbortSignal.abort() }))),
  'pipeTo signal and prevented': log((see) => outcome(waiting(see).pipeTo(sink(see), { signal: AbortSignal.abort('x'), preventAbort: true, preventCancel: true }))),
  'pipeTo signal during a write': async () => { const seen = []; const see = (x) => seen.push(x); const controller = new AbortController(); const p = outcome(new ReadableStream({ pull(c) { c.enqueue(1); }, cancel(r) { see(['cancel', r]); } }).pipeTo(sink(see, { async write() { await turn(); see('written'); } }), { signal: controller.signal })); await new Promise((resolve) => setTimeout(resolve, 1)); controller.abort('stop'); return [(await p)[1], seen.slice(-3)]; },
  'pipeTo waits for backpressure': log(async (see) => { let n = 0; const s = new ReadableStream({ pull(c) { c.enqueue(++n); if (n === 5) c.close(); } }, { highWaterMark: 0 }); let open; const gate = new Promise((resolve) => { open = resolve; }); s.pipeTo(new WritableStream({ write: () => gate })).catch(() => {}); await turn(); see(n <= 2); open(); }),
  'pipeThrough': async () => all(of('a', 'b').pipeThrough(new TransformStream({ transform(x, c) { c.enqueue(x.toUpperCase()); } }))),
  'pipeThrough of three': async () => all(of(1).pipeThrough(new TransformStream()).pipeThrough(new TransformStream({ transform(x, c) { c.enqueue(x + 1); } })).pipeThrough(new TransformStream())),
  'pipeThrough a pair': async () => { const t = new TransformStream(); const pair = { readable: t.readable, writable: t.writable }; return [of(1).pipeThrough(pair) === t.readable, await all(t.readable)]; },
  'pipeThrough refuses': () => tries(() => of().pipeThrough(), () => of().pipeThrough({}), () => of().pipeThrough({ readable: of() }), () => of().pipeThrough({ writable: new WritableStream() }), () => of().pipeThrough({ readable: 5, writable: 5 }), () => { const t = new TransformStream(); t.writable.getWriter(); return of().pipeThrough(t); }, () => { const t = new TransformStream(); t.readable.getReader(); return of().pipeThrough(t).locked; }, () => of().pipeThrough(new TransformStream(), 5), () => of().pipeThrough(new TransformStream(), { signal: 'x' })),
  'pipeThrough fails': () => tries(() => all(failing().pipeThrough(new TransformStream())), () => all(of(1).pipeThrough(new TransformStream({ transform() { throw new RangeError('mine'); } })))),
  'pipeThrough is cancelled': log(async (see) => { const r = new ReadableStream({ pull(c) { c.enqueue(1); }, cancel(x) { see(['cancel', x]); } }).pipeThrough(new TransformStream()); await r.cancel('down'); await turn(); }),
  'pipeThrough text': async () => all(of(new Uint8Array([0xc3]), new Uint8Array([0xa9])).pipeThrough(new TextDecoderStream())),
  'pipeThrough encoder and decoder': async () => all(of('é', '☕').pipeThrough(new TextEncoderStream()).pipeThrough(new TextDecoderStream())),
  'pipe a body to a writable': log(async (see) => { await new Response('body').body.pipeTo(new WritableStream({ write(x) { see(x); }, close() { see('close'); } })); }),
  'pipe a body through a transform': async () => new Response(new Response('body').body.pipeThrough(new TransformStream({ transform(x, c) { c.enqueue(x); c.enqueue(new Uint8Array([33])); } }))).text(),
  'pipe a body through an identity': async () => new Response(new Response('body').body.pipeThrough(new IdentityTransformStream())).text(),
  'pipe into an identity': async () => { const t = new IdentityTransformStream(); const p = outcome(of(new Uint8Array([65]), new Uint8Array([66])).pipeTo(t.writable)); return [await new Response(t.readable).text(), await p]; },
  'pipe text into an identity': async () => { const t = new IdentityTransformStream(); const p = outcome(of('text').pipeTo(t.writable)); return [await outcome(new Response(t.readable).text()), await p]; },
  'pipe a tee': log(async (see) => { const [a, b] = of(1, 2).tee(); await Promise.all([a.pipeTo(sink((x) => see(['a', x]))), b.pipeTo(sink((x) => see(['b', x])))]); }),
};
