// Probes of what flags take back that most Workers never name: run with all of them, with none, and with those that
// are not obeyed here.
import { runAll, tries } from './show.mjs';

const read = (reader, length) => reader.read(new Uint8Array(length));

// What a call does at once, and what its promise does.
async function calls(...runs) {
  const told = [];
  for (const run of runs) {
    try {
      const result = run();
      told.push('returned');
      await Promise.resolve(result).catch(() => {});
    } catch (error) {
      told.push(`threw ${error.name}: ${error.message}`);
    }
  }
  return told;
}

const probes = {
  'arguments of promises': () => calls(
    () => fetch(), () => fetch('/x'), () => crypto.subtle.digest(), () => crypto.subtle.digest('nope', new Uint8Array(1)),
    () => crypto.subtle.importKey('raw', 5, 'x', true, []), () => new ReadableStream().pipeTo(5), () => scheduler.wait(),
    () => caches.open(), () => new Response('x').body.getReader({ mode: 'byob' }).read(), () => new Response('x').formData(),
  ),
  'buffers of byte readers': async () => {
    const reader = new Response('abc').body.getReader({ mode: 'byob' });
    const [one, two] = [new Uint8Array(8), new Uint8Array(8)];
    const first = await reader.read(one);
    const told = [one.byteLength, one.buffer.byteLength, first, first.value.buffer === one.buffer, one[0]];
    return [told, await reader.read(two), two.byteLength];
  },
  'parts of buffers of byte readers': async () => {
    const reader = new Response('abcdef').body.getReader({ mode: 'byob' });
    const buffer = new ArrayBuffer(10);
    const { value } = await reader.read(new Uint8Array(buffer, 3, 4));
    return [value.byteOffset, value.length, value, buffer.byteLength];
  },
  'the end of byte readers': async () => {
    const { readable, writable } = new IdentityTransformStream();
    const reader = readable.getReader({ mode: 'byob' });
    const end = read(reader, 4);
    await writable.close();
    return [await end, await read(reader, 2)];
  },
  'aborting with writes that wait': async () => {
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    const told = (promise) => promise.then(() => 'done', (error) => `${error.name}: ${error.message}`);
    const all = [writer.write(new Uint8Array([1])), writer.write(new Uint8Array([2])), writer.abort(new RangeError('no')), writer.closed].map(told);
    await new Promise((resolve) => setTimeout(resolve, 2));
    const reader = readable.getReader();
    const reads = [];
    for (let i = 0; i < 2; i++) reads.push(await reader.read().then(({ value }) => value, (error) => `${error.name}: ${error.message}`));
    return [reads, await Promise.all(all)];
  },
  'a public exponent': async () => {
    const pair = await crypto.subtle.generateKey({ name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, true, ['sign', 'verify']);
    return [pair.publicKey.algorithm.publicExponent, pair.privateKey.algorithm.publicExponent];
  },
  'unknown protocols': () => tries(() => fetch('ftp://127.0.0.1:1/x'), () => fetch(new Request('gopher://127.0.0.1:1/')), () => fetch('foo:bar'), () => fetch('blob:null/x'), () => fetch('about:blank'), async () => (await fetch('data:,x')).text()),
  'URLs of requests': () => tries(...['http://A/../x?é#h', 'http://a', 'http://a b', '/x', 'HTTP://a/%zz', 'http://u:p@a/', ''].map((url) => () => [new Request(url).url, new Request(new Request(url)).url])),
  'fetching what is no URL': () => tries(() => fetch('/x'), () => fetch('http://a b'), () => fetch(new Request('http://127.0.0.1:1/../x'))),
  'prototypes cannot be replaced': () => [Request, Response, Headers, URL].map((made) => [Reflect.setPrototypeOf(made.prototype, Reflect.getPrototypeOf(made.prototype)), Object.isExtensible(made.prototype), Object.isFrozen(made)]),

  'own properties of objects': () => [new Request('http://a/'), new Response('x'), new Event('x'), new Blob([])].map((object) => Object.keys(object)),
  'URLs that the standard takes': () => tries(() => new URL('foo:bar').href, () => new URL('http://é.com/').href, () => new URL('http://a/%zz?é').href, () => URL.canParse('x')),
  'what a pattern is without': () => tries(() => new URLPattern('http://a.com/*').search, () => 'hasRegExpGroups' in URLPattern.prototype, () => new URLPattern({ pathname: '/(x' })),
  'Temporal': () => typeof Temporal,
  'import.meta': () => [Object.keys(import.meta), import.meta.main, import.meta.url?.split('/').slice(0, 4)],
};

export default {
  async fetch() {
    return Response.json(await runAll(probes));
  },
};
