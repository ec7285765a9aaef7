// Run by engine-check.mjs under qjs: the platform loads, answers, and streams.
import * as host from './switchyard-host.js';
import './platform/main.js';

const results = [];
function check(name, good) {
  results.push([name, good]);
}

host.start({ default: { fetch: (request) => new Response(`hi ${request.method}`, { headers: { 'X-A': '1' } }) } });
host.ops.length = 0;
host.event(0, 1, 0, 'GET', 'http://x/', 'host\nx', -1, null, null, null);
check('hello', JSON.stringify(host.ops) ===
  '[[1,1,200,null,"x-a\\n1\\ncontent-type\\ntext/plain;charset=UTF-8",1,"hi GET",null,true]]');

// The slot follows promises only in the real engine: one request's context is set for all of this.
host.contextSet({});
const { readable, writable } = new TransformStream();
const writer = writable.getWriter();
writer.write('a');
writer.write('b');
writer.close();
let text = '';
for await (const chunk of readable) text += chunk;
check('streams', text === 'ab');

const bytes = new ReadableStream({ type: 'bytes', start(c) { c.enqueue(new Uint8Array([1, 2, 3])); c.close(); } });
const read = await bytes.getReader({ mode: 'byob' }).read(new Uint8Array(2));
check('byob', read.value.length === 2 && read.value[1] === 2);

const url = new URL('http://a.test:8080/p?x=1#h');
url.searchParams.get('x');
check('url', url.host === 'a.test:8080' && url.searchParams.get('x') === '1');
check('inspect', (console.log({ a: [1, 'x'], m: new Map([[1, { b: 2 }]]) }), host.ops.at(-1)[2]) ===
  "{ a: [ 1, 'x' ], m: Map(1) { 1 => { b: 2 } } }");
console.log(new TypeError('boom'), class A {}, () => {}, Symbol('x'), new Headers({ a: 'b' }));
check('inspect errors', host.ops.at(-1)[2].startsWith('TypeError: boom\n'));
check('clone', structuredClone({ a: new Map([[1, new Date(5)]]) }).a.get(1).getTime() === 5);
check('exception', new DOMException('m', 'AbortError').code === 20 && new DOMException('m') instanceof Error);
check('base64', atob(btoa('hello')) === 'hello');
check('brand', (() => { try { Response.prototype.status; return false; } catch (e) { return e instanceof TypeError; } })());
check('text', (await new Response('héé').text()) === 'héé');
check('uuid', /^[0-9a-f]{8}-/.test(crypto.randomUUID()));
const form = new FormData();
form.append('a', 'b');
form.append('f', new File(['xyz'], 'f.txt'));
const back = await new Response(form).formData();
check('form', back.get('a') === 'b' && (await back.get('f').text()) === 'xyz');

const failed = results.filter(([, good]) => !good);
print(failed.length === 0 ? `${results.length} checks passed` : `FAILED: ${failed.map(([name]) => name).join(', ')}`);
if (failed.length > 0) throw new Error('failed');
