// Exercises the platform in the base, before it is frozen: properties that the engine makes lazily, shapes and
// atoms then exist once, in pages that all tenants share. Leaves nothing behind. train() needs no host;
// `trainingWorker` takes the requests that the host sends with the entrypoint `__train`.
import * as host from 'switchyard:host';
import { message } from './console.js';
import { CONTEXT } from './context.js';
import { trainingEnv } from './env.js';
import { format } from './format.js';
import { traceItems } from './trace.js';

const swallow = () => {};

function headers() {
  const h = new Headers({ 'Content-Type': 'text/html', 'X-A': 'b' });
  h.append('x-a', 'c');
  h.set('Cache-Control', 'no-store');
  h.delete('x-none');
  h.forEach(swallow);
  return [...h, ...new Headers([...h]).keys(), h.get('x-a'), h.has('vary'), h.getSetCookie()];
}

async function bodies() {
  const values = [
    await new Response('text').text(),
    await new Response('{"a":[1,"b"]}').json(),
    await new Response(new Uint8Array([104, 105])).arrayBuffer(),
    await Response.json({ a: 1 }).clone().bytes(),
    await (await new Response(new URLSearchParams('a=1&b=%20')).formData()).get('a'),
    await (await new Response('blob').blob()).text(),
  ];
  const { readable, writable } = new TransformStream({ transform: (chunk, c) => c.enqueue(chunk) });
  const writer = writable.getWriter();
  writer.write('a').catch(swallow);
  writer.close().catch(swallow);
  for await (const chunk of readable) values.push(chunk);
  const [one, two] = ReadableStream.from([new Uint8Array([120])]).tee();
  await Promise.all([new Response(one).text(), two.pipeTo(new WritableStream())]);
  const bytes = new ReadableStream({
    type: 'bytes',
    pull(c) {
      c.enqueue(new Uint8Array([1, 2]));
      c.close();
    },
  });
  const reader = bytes.getReader({ mode: 'byob' });
  await reader.read(new Uint8Array(2));
  reader.releaseLock();
  return values;
}

function errors() {
  const made = [];
  for (const run of [
    () => new Response('', { status: 99 }),
    () => new Headers({ 'a b': '' }),
    () => JSON.parse('{'),
    () => null.x,
    () => new AbortSignal(),
    () => { throw new DOMException('m', 'AbortError'); },
  ]) {
    try {
      run();
    } catch (error) {
      made.push(error.name, error.message, error.stack, error instanceof Error);
    }
  }
  return made;
}

function language() {
  class Base {
    #x = 1;
    static y = 2;
    get x() {
      return this.#x;
    }
  }
  class Derived extends Base {}
  const { a, ...rest } = { a: 1, b: 2, c: [3, 4] };
  const map = new Map([['k', 1]]);
  const text = `${a} ${JSON.stringify(rest)} ${'a-b'.split('-').map((s) => s.toUpperCase()).join('+')}`;
  return [new Derived().x, map.get('k'), /(\d+)-(?<w>\w+)/.exec('12-ab')?.groups.w, text.replace(/\s+/g, '_'),
    Object.entries(rest).flat(), [...new Set([1, 1])], new Date(0).toISOString(), Number('5').toFixed(2),
    [3, 1, 2].sort((x, y) => x - y), encodeURIComponent('é'), decodeURIComponent('%20'), parseInt('7'), btoa('a'),
    atob('YQ==')];
}

function events() {
  const controller = new AbortController();
  controller.signal.addEventListener('abort', swallow, { once: true });
  controller.abort();
  return [controller.signal.aborted, structuredClone({ a: [1, new Date(0)], m: new Map() }),
    new TextDecoder().decode(new TextEncoder().encode('é'))];
}

const ITEM = {
  wallTime: 1, cpuTime: 1, truncated: false, executionModel: 'stateless', outcome: 'ok', scriptName: 'a',
  exceptions: [{ name: 'Error', message: 'm', timestamp: 1 }], logs: [{ message: ['a'], level: 'log', timestamp: 1 }],
  eventTimestamp: 1,
  event: { request: { url: 'a', method: 'GET', headers: { a: 'b' }, redacted: {} }, response: { status: 200 } },
};

export function train() {
  const previous = host.contextSet(host.make(CONTEXT, 0, null, null, 0));
  format(['%s', 'x', headers(), errors(), language(), events(), new Map([[1, { a: [] }]]), new Error('e'), () => {}]);
  message(['a', 1, { b: [null, 2.5] }, new Error('e'), new Date(0), () => {}]);
  traceItems(JSON.stringify([ITEM])).map((item) => item.event.request.getUnredacted());
  bodies().catch(swallow);
  host.contextSet(previous);
}

// One object of each kind that requests make is kept: the engine drops a shape (the layout that objects of a kind
// share) with the last object that has it, and every clean instance would have to make it anew.
const kept = [];

function keep(request, env, ctx) {
  const url = new URL(request.url);
  const controller = new AbortController();
  kept.push(request, ctx, new Response('kept'), new Response(null, { headers: {} }), Response.json({}), url,
    url.searchParams, new Headers({ a: 'b' }), new Request(url), request.clone(), controller, new ReadableStream(),
    new TransformStream(), new ReadableStream({ type: 'bytes' }), new Error('kept'), new TypeError('kept'),
    Promise.resolve(), new Map(), new Set(), [1], { value: undefined, done: true }, { a: 1 }, () => {},
    new TextDecoder(), new TextEncoder(), new Date(0), new Uint8Array(1), new Event('kept'), new FormData(),
    new Blob(['kept']));
  request.headers.get('host');
  for (const value of kept) if (value instanceof Response) value.headers.get('content-type');
  return new Response('kept');
}

const pages = {
  '/keep': keep,
  '/hello': () => new Response('hello'),
  '/headers': (request) => new Response(request.headers.get('user-agent'), {
    status: 201, headers: { 'content-type': 'text/plain', 'x-all': String([...request.headers].length) },
  }),
  '/json': async (request) => {
    const body = request.body === null ? new Response('{"a":1}') : request;
    return Response.json({ got: await body.json(), method: request.method });
  },
  '/echo': (request) => new Response(request.body, request),
  '/stream': () => new Response(ReadableStream.from(['a', 'b'])),
  '/bodies': async () => Response.json(await bodies()),
  '/throw': () => {
    throw new TypeError('training');
  },
  '/fetch': async (request) => {
    const answer = await fetch('http://train.localhost/', { method: 'POST', body: request.body ?? 'x', headers: { a: 'b' } });
    await new Promise((resolve) => setTimeout(resolve, 1));
    await (await trainingEnv().dispatcher.get('user').fetch(request)).text();
    return new Response(answer.body, answer);
  },
  '/wait': async (request, env, ctx) => {
    ctx.waitUntil(Promise.resolve());
    await null;
    return new Response(format([headers(), errors(), language(), events(), request, env, ctx]));
  },
  '/crypto': async () => {
    const { subtle } = crypto;
    const data = new TextEncoder().encode('a');
    const mac = await subtle.importKey('raw', data, { name: 'HMAC', hash: 'SHA-256' }, true, ['sign', 'verify']);
    const tag = await subtle.sign('HMAC', mac, data);
    const sealing = await subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', false, ['encrypt']);
    await subtle.encrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, sealing, data);
    return new Response(`${crypto.randomUUID()} ${(await subtle.digest('SHA-256', data)).byteLength} ${
      await subtle.verify('HMAC', mac, tag, data)} ${(await subtle.exportKey('jwk', mac)).kty}`);
  },
};

// Any other path takes its turn through the pages that answer.
const turns = Object.keys(pages).filter((path) => path !== '/throw');
let turn = 0;

export const trainingWorker = {
  fetch(request, env, ctx) {
    const url = new URL(request.url);
    url.searchParams.get('q');
    const page = pages[url.pathname] ?? pages[turns[turn++ % turns.length]];
    return page(request, env, ctx);
  },
};
