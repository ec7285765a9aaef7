// A Worker whose first module has spoilt every built-in that it could before the handler runs, for good: it answers all
// the same. What is told is put together by operators alone.
import { before } from './polluted-spoil.mjs';

const { Request, Response, Headers, URL, ReadableStream, TextEncoder } = globalThis;
const { Uint8Array } = before;

export default {
  async fetch(request, env, ctx) {
    let told = `{"method":"${request.method}"`;
    told += `,"url":"${new URL(request.url).pathname}","body":"${await request.text()}"`;
    const { a, b } = await new Response('{"a":[1,2],"b":{"c":"d"}}').json();
    told += `,"json":"${a[1]}${b.c}"`;
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('str'));
        controller.enqueue(new TextEncoder().encode('eam'));
        controller.close();
      },
    });
    told += `,"stream":"${await new Response(stream).text()}"`;
    const copied = new Request('https://example.com/', { method: 'PUT', body: 'x', headers: new Headers({ a: '1' }) });
    told += `,"request":"${copied.method} ${copied.headers.get('a')} ${await copied.text()}"`;
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode('abc')));
    told += `,"digest":"${digest[0]} ${digest[31]}"`;
    const waited = new URL('https://example.com/?a=1');
    waited.searchParams.append('b', '2');
    told += `,"params":"${waited.href}"`;
    let pairs = '';
    new Headers({ x: '1', y: '2' }).forEach((value, name) => { pairs += name + value; });
    told += `,"pairs":"${pairs}"`;
    let event = '';
    const target = new EventTarget();
    target.addEventListener('e', () => { event += 'heard'; });
    target.dispatchEvent(new Event('e'));
    told += `,"event":"${event}"`;
    ctx.waitUntil(scheduler.wait(1));
    console.log('told', 1, true);
    try {
      new URL('nowhere');
    } catch (error) {
      told += `,"error":"${error.name} ${error.message}"`;
    }
    told += '}';
    const { readable, writable } = new IdentityTransformStream();
    const writer = writable.getWriter();
    ctx.waitUntil((async () => {
      await writer.write(new TextEncoder().encode(told));
      await writer.close();
    })());
    return new Response(readable, { headers: { 'content-type': 'application/json', 'x-answer': 'whole' } });
  },
};
