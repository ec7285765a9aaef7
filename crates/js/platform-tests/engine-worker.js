// The tenant of wasm-engine.mjs: each check is a path and answers 'ok', or says what was wrong.
import { WorkerEntrypoint, env as imported, waitUntil } from 'cloudflare:workers';

const early = imported.A;
const same = (a, b) => {
  if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`${JSON.stringify(a)} is not ${JSON.stringify(b)}`);
};
const globalScope = [];
for (const run of [() => new Response('x'), () => setTimeout(() => {}), () => crypto.randomUUID()]) {
  try {
    run();
    globalScope.push('no error');
  } catch (e) {
    globalScope.push(e.message.slice(0, 30));
  }
}
const floating = fetch('http://x/').catch((e) => e.message.slice(0, 30));

const checks = {
  async env(request, env) {
    same([early, env.A, imported.A], ['early', 'bound', 'bound']);
    same(globalScope, Array(3).fill('Disallowed operation called wi'));
    same(await floating, 'Disallowed operation called wi');
  },
  async body(request) {
    same(await request.json(), { a: 1 });
  },
  async stream(request) {
    let text = '';
    for await (const chunk of request.body) text += new TextDecoder().decode(chunk);
    same(text, '{"a":1}');
  },
  async context() {
    await new Promise((resolve) => setTimeout(resolve, 1));
    await null;
    waitUntil(Promise.resolve());
  },
  async fetch() {
    const response = await fetch('http://up/x');
    same([response.status, response.headers.get('x-f'), await response.text()], [200, '1', 'fetched http://up/x']);
  },
  async dispatch(request, env) {
    const worker = env.NS.get('user');
    same(typeof worker.fetch, 'function');
    let message;
    try {
      await worker.fetch('http://missing/');
    } catch (e) {
      message = e.message;
    }
    same(message, 'Worker not found.');
  },
  async streams() {
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    writer.write('a');
    writer.close();
    same(await new Response(readable).text(), 'a');
    const [a, b] = ReadableStream.from(['x', 'y']).tee();
    same([await new Response(a).text(), await new Response(b).text()], ['xy', 'xy']);
  },
  async clone() {
    same(structuredClone({ a: [1], b: new Map([[1, new Set([2])]]) }).b.get(1).has(2), true);
    const buffer = new ArrayBuffer(3);
    same(structuredClone(buffer, { transfer: [buffer] }).byteLength, 3);
    same(buffer.byteLength, 0);
    let name;
    try {
      structuredClone(() => {});
    } catch (e) {
      name = e.name;
    }
    same(name, 'DataCloneError');
    same(structuredClone(new TypeError('m')).message, 'm');
    same(structuredClone(new DOMException('m', 'AbortError')).code, 20);
  },
  async stack() {
    const stack = new Error('here').stack;
    console.log(JSON.stringify(stack));
    console.log(new Error('here'));
  },
  async inspect() {
    console.log({ a: 1, p: Promise.resolve(1), d: new Date(0), e: new Error('x').message, n: Object(5), f: class A {} });
    console.log(new Error('with stack'), new Uint8Array(3), new WeakMap(), Symbol('q'), new DOMException('m', 'AbortError'));
  },
  async url(request) {
    const url = new URL(request.url);
    url.searchParams.append('y', 'ä b');
    same(url.href, 'http://h/url?x=1&y=%C3%A4+b');
    same([...url.searchParams].length, 2);
  },
  async misc() {
    same(Object.keys(globalThis).includes('Response'), false);
    same(typeof performance.now(), 'number');
    same(Object.prototype.toString.call(new Headers()), '[object Headers]');
    same((await crypto.subtle.digest('SHA-256', new Uint8Array(3))).byteLength, 32);
    same(crypto.randomUUID().length, 36);
    same(new DOMException('x', 'TimeoutError').code, 23);
    same(atob(btoa('xyz')), 'xyz');
    let error;
    try {
      atob('*');
    } catch (e) {
      error = e;
    }
    same([error.name, error instanceof DOMException], ['InvalidCharacterError', true]);
    const form = new FormData();
    form.append('f', new File(['abc'], 'n'));
    same(await (await new Response(form).formData()).get('f').text(), 'abc');
    same(await new Response('h\ud800').text(), 'h\ufffd');
  },
};

export class Named extends WorkerEntrypoint {
  fetch() {
    return new Response('named');
  }
}

console.log(JSON.stringify(Object.keys(checks)));

export default {
  fetch(request, env, ctx) {
    if (request.url === 'http://h/hello') return new Response('hi');
    if (request.url === 'http://h/hello-async') return (async () => new Response('hi'))();
    const name = new URL(request.url).pathname.slice(1);
    if (name === 'json') {
      return Response.json({ agent: request.headers.get('user-agent'), q: new URL(request.url).searchParams.get('q') });
    }
    return checks[name](request, env, ctx).then(() => new Response('ok'));
  },
};
