// Probes of what follows the compatibility date: run with several.
import { runAll, tries } from './show.mjs';

const types = (...names) => () => names.map((name) => `${name} ${typeof globalThis[name]}`);
const tag = (value) => Object.prototype.toString.call(value);

const atStart = (() => {
  try {
    return [(0, eval)('1 + 1'), new Function('return 3')()];
  } catch (error) {
    return [error.name, error.message];
  }
})();

const probes = {
  'eval while the module is evaluated': () => atStart,
  'names': types('navigator', 'importScripts', 'WeakRef', 'FinalizationRegistry', 'MessageChannel', 'MessagePort', 'Temporal'),
  'language of the navigator': () => [typeof globalThis.navigator?.language, typeof globalThis.navigator?.languages],
  'importScripts': () => tries(() => globalThis.importScripts?.('x')),
  'deleting a parameter of a value': () => {
    const params = new URLSearchParams('a=1&a=2&b=3');
    const has = [params.has('a', '9'), params.has('a', '1')];
    params.delete('a', '1');
    return [has, params.toString()];
  },
  'cookies of headers': () => {
    const headers = new Headers([['set-cookie', 'a'], ['set-cookie', 'b'], ['x', '1']]);
    return [[...headers], [...headers.keys()], headers.get('set-cookie'), typeof headers.getSetCookie, headers.getAll('set-cookie')];
  },
  'where redirects lead': () => tries(...['http://a.b', 'http://a.b/', 'http://a.b/c d?é#x', '/rel'].map((url) => () => Response.redirect(url).headers.get('location'))),
  'tags': () => [tag(new Headers()), tag(new URL('http://a')), tag(new Response()), tag(crypto)],
  'tags of the language': () => [tag(new Map()), tag(Promise.resolve()), tag(new Uint8Array(1))],
  'constructors of streams': () => tries(
    () => typeof new ReadableStream({ start(c) { c.close(); } }),
    () => typeof new WritableStream(),
    () => new Response('x').body instanceof ReadableStream,
    () => new Response('x').body.constructor === ReadableStream,
    () => new (class extends ReadableStream {})() instanceof ReadableStream,
    () => [ReadableStream.name, ReadableStream.length],
  ),
  'a transform stream': async () => {
    const stream = new TransformStream({ transform(chunk, controller) { controller.enqueue(new Uint8Array([9])); } });
    const writer = stream.writable.getWriter();
    writer.write(new Uint8Array([1, 2])).catch(() => {});
    const { value } = await stream.readable.getReader().read();
    return [value, stream.constructor.name, stream instanceof TransformStream, stream instanceof IdentityTransformStream];
  },
  'this of a listener': () => {
    const target = new EventTarget();
    let told;
    target.addEventListener('x', function () { told = this === target ? 'target' : this === globalThis ? 'global' : typeof this; });
    target.dispatchEvent(new Event('x'));
    return told;
  },
  'methods': () => tries(() => new Request('http://a', { method: 'patch' }).method),
  'cache': () => tries(() => new Request('http://a', { cache: 'no-store' }).cache, () => new Request('http://a', { cache: 'no-cache' }).cache),
  'types of blobs': async () => (await new Response('', { headers: { 'content-type': 'Text/HTML;Charset="UTF-8"' } }).blob()).type,
  'a byte order mark': async () => (await new Response('\ufeffabc').text()).length,
  'files of forms': async () => {
    const body = '--x\r\ncontent-disposition: form-data; name="a"; filename="b"\r\n\r\nc\r\n--x--';
    return typeof (await new Response(body, { headers: { 'content-type': 'multipart/form-data; boundary=x' } }).formData()).get('a');
  },
  'closing a WebSocket': () => tries(() => {
    const socket = new WebSocketPair()[0];
    socket.accept();
    socket.close(1000, 'x'.repeat(200));
    return socket.binaryType;
  }),
};

export default {
  async fetch() {
    return Response.json(await runAll(probes));
  },
};
