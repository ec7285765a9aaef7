// While a module is evaluated: what works there, and goes on working.
import { tries } from './show.mjs';

export async function moduleScope() {
  const seen = await tries(
    () => Date.now(), () => performance.now(), () => performance.timeOrigin, () => setTimeout(() => {}), () => setInterval(() => {}), () => clearTimeout(1),
    () => queueMicrotask(() => {}), () => structuredClone({ a: 1 }), () => scheduler.wait(1), () => AbortSignal.timeout(1), () => new AbortController().signal.aborted,
    () => AbortSignal.abort().aborted, () => AbortSignal.any([]).aborted, () => typeof new MessageChannel().port1, () => new EventSource('http://a'), () => navigator.sendBeacon('http://a'),
    () => new IdentityTransformStream(), () => new FixedLengthStream(1), () => typeof new TransformStream(), () => typeof new TextDecoderStream(), () => typeof new TextEncoderStream(),
    () => new TextDecoder('shift_jis').decode(new Uint8Array([0x93, 0xfa])), () => new URL('http://a/b').pathname, () => typeof new Event('x'), () => reportError(new Error('x')), () => atob('YQ=='),
    () => fetch('http://a'), () => new Date().getTime(), () => typeof Math.random(), () => ReadableStream.from(['a']).getReader().read(), () => dispatchEvent(new Event('x')),
  );
  const decoder = new TextDecoder('euc-kr');
  const url = new URL('http://a/?q=1');
  const controller = new AbortController();
  const target = new EventTarget();
  const heard = [];
  target.addEventListener('x', (e) => heard.push(e.type));
  const { port1, port2 } = new MessageChannel();
  const stream = new ReadableStream({ start(c) { c.enqueue('kept'); } });
  const transform = new TransformStream();
  const composite = AbortSignal.any([controller.signal]);
  return {
    'module scope': () => seen,
    'kept from module scope': async () => {
      url.searchParams.set('q', '2');
      target.dispatchEvent(new Event('x'));
      const message = new Promise((resolve) => { port2.onmessage = (e) => resolve(e.data); });
      port1.postMessage('hello');
      const writer = transform.writable.getWriter();
      writer.write('through').catch(() => {});
      const out = [decoder.decode(new Uint8Array([0xb0, 0xa1])), url.href, heard, await message, (await stream.getReader().read()).value, (await transform.readable.getReader().read()).value];
      controller.abort('kept');
      return [...out, composite.reason];
    },
  };
}
