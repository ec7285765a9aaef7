// What a script does with the platform: each gives one text, by nothing but the platform's own objects and operators.

const { Headers, Request, Response, URL, URLSearchParams, ReadableStream, TransformStream, Blob, FormData, TextEncoder,
  TextDecoder, EventTarget, Event, AbortController, structuredClone, queueMicrotask, setTimeout, crypto, console, atob, btoa,
  Uint8Array, DOMException, Promise } = globalThis;
// Methods as they were, to be called on the platform's objects whatever their prototypes say by then.
const { apply } = Reflect;
const method = (made, name) => {
  const found = Object.getOwnPropertyDescriptor(made.prototype, name);
  if (found === undefined) return (self) => self[name];
  const run = found.value ?? found.get;
  return (self, a, b) => apply(run, self, [a, b]);
};
const call = {
  append: method(Headers, 'append'), get: method(Headers, 'get'), set: method(Headers, 'set'), has: method(Headers, 'has'),
  entries: method(Headers, 'entries'), cookies: method(Headers, 'getSetCookie'), each: method(Headers, 'forEach'),
  requestText: method(Body, 'text'), json: method(Body, 'json'), bytes: method(Body, 'arrayBuffer'), form: method(Body, 'formData'),
  headers: method(Response, 'headers'), status: method(Response, 'status'), clone: method(Response, 'clone'),
  body: method(Body, 'body'), url: method(Request, 'url'), method: method(Request, 'method'), asked: method(Request, 'headers'),
  reader: method(ReadableStream, 'getReader'), tee: method(ReadableStream, 'tee'), through: method(ReadableStream, 'pipeThrough'),
  read: method(ReadableStreamDefaultReader, 'read'), enqueue: method(ReadableStreamDefaultController, 'enqueue'),
  close: method(ReadableStreamDefaultController, 'close'), writer: method(WritableStream, 'getWriter'),
  write: method(WritableStreamDefaultWriter, 'write'), end: method(WritableStreamDefaultWriter, 'close'),
  readable: method(TransformStream, 'readable'), writable: method(TransformStream, 'writable'),
  give: method(TransformStreamDefaultController, 'enqueue'),
  href: method(URL, 'href'), host: method(URL, 'host'), params: method(URL, 'searchParams'), path: method(URL, 'pathname'),
  add: method(URLSearchParams, 'append'), param: method(URLSearchParams, 'get'), sort: method(URLSearchParams, 'sort'),
  written: method(URLSearchParams, 'toString'), encode: method(TextEncoder, 'encode'), decode: method(TextDecoder, 'decode'),
  listen: method(EventTarget, 'addEventListener'), dispatch: method(EventTarget, 'dispatchEvent'), abort: method(AbortController, 'abort'),
  signal: method(AbortController, 'signal'), aborted: method(AbortSignal, 'aborted'), blobText: method(Blob, 'text'), size: method(Blob, 'size'),
  field: method(FormData, 'append'), got: method(FormData, 'get'), digest: method(SubtleCrypto, 'digest'), subtle: method(Crypto, 'subtle'),
  random: method(Crypto, 'getRandomValues'), uuid: method(Crypto, 'randomUUID'), sign: method(SubtleCrypto, 'sign'),
  importKey: method(SubtleCrypto, 'importKey'), message: method(DOMException, 'message'),
};
const length = (view) => view.byteLength;

export const actions = {
  'a text answer': async () => {
    const response = new Response('answer', { status: 201, headers: { 'x-a': '1' } });
    return `${call.status(response)} ${call.get(call.headers(response), 'x-a')} ${await call.requestText(response)}`;
  },
  'a JSON body': async () => {
    const { a, b } = await call.json(new Response('{"a":[1,{"c":2}],"b":"x"}'));
    return `${a[0]} ${a[1].c} ${b}`;
  },
  'a cloned response': async () => {
    const response = new Response('twice');
    const other = call.clone(response);
    return `${await call.requestText(response)} ${await call.requestText(other)}`;
  },
  'a request': async () => {
    const request = new Request('https://example.com/a?b', { method: 'post', body: 'told', headers: { 'x-b': '2' } });
    const next = new Request(request);
    return `${call.method(next)} ${call.url(next)} ${call.get(call.asked(next), 'x-b')} ${length(await call.bytes(next))}`;
  },
  headers: () => {
    const headers = new Headers({ b: '1', a: '2' });
    call.append(headers, 'a', '3');
    call.append(headers, 'set-cookie', 'c=1');
    call.append(headers, 'set-cookie', 'd=2');
    call.set(headers, 'b', '4');
    const cookies = call.cookies(headers);
    let told = '';
    call.each(headers, (value, name) => { told += `${name}=${value};`; });
    return `${call.get(headers, 'a')} ${call.has(headers, 'b')} ${cookies.length} ${cookies[1]} ${told}`;
  },
  streams: async () => {
    let pulls = 0;
    const source = new ReadableStream({
      pull(controller) {
        if (++pulls > 3) call.close(controller);
        else call.enqueue(controller, pulls);
      },
    });
    const doubled = new TransformStream({ transform(chunk, controller) { call.give(controller, chunk * 2); } });
    const reader = call.reader(call.through(source, doubled));
    let told = '';
    for (;;) {
      const { value, done } = await call.read(reader);
      if (done) return told;
      told += `${value} `;
    }
  },
  'a body that is a stream': async () => {
    const { readable, writable } = new IdentityTransformStream();
    const writer = call.writer(writable);
    call.write(writer, call.encode(new TextEncoder(), 'through'));
    call.end(writer);
    return await call.requestText(new Response(readable));
  },
  URLs: () => {
    const url = new URL('../c?x=1&y=2&x=3#f', 'https://user@example.com:8080/a/b/');
    const params = call.params(url);
    call.add(params, 'z', 'ä ö');
    call.sort(params);
    return `${call.href(url)} ${call.host(url)} ${call.path(url)} ${call.param(params, 'y')} ${call.written(new URLSearchParams('q=1&r'))}`;
  },
  texts: () => {
    const bytes = call.encode(new TextEncoder(), 'größe');
    return `${length(bytes)} ${call.decode(new TextDecoder('utf-16le'), new Uint8Array([65, 0, 66, 0]))} ${call.decode(new TextDecoder(), bytes)}`
      + ` ${atob('YWJj')} ${btoa('abc')}`;
  },
  events: async () => {
    const target = new EventTarget();
    const controller = new AbortController();
    let told = '';
    call.listen(target, 'x', () => { told += 'x'; });
    call.listen(call.signal(controller), 'abort', () => { told += 'abort'; });
    call.dispatch(target, new Event('x'));
    call.abort(controller);
    await new Promise((resolve) => { queueMicrotask(() => { told += 'm'; setTimeout(resolve, 1); }); });
    return `${told} ${call.aborted(call.signal(controller))}`;
  },
  forms: async () => {
    const form = new FormData();
    call.field(form, 'a', 'x');
    call.field(form, 'b', new Blob(['bl', 'ob']));
    const back = await call.form(new Response(form));
    const file = call.got(back, 'b');
    return `${call.got(back, 'a')} ${call.size(file)} ${await call.blobText(file)}`;
  },
  crypto: async () => {
    const subtle = call.subtle(crypto);
    const data = new Uint8Array([1, 2, 3]);
    const key = await apply(importKey, subtle, ['raw', data, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']]);
    const signed = await apply(sign, subtle, ['HMAC', key, data]);
    const digest = new Uint8Array(await call.digest(subtle, 'SHA-256', data));
    return `${length(signed)} ${digest[0]} ${digest[31]} ${call.uuid(crypto).length} ${length(call.random(crypto, data))}`;
  },
  clones: () => {
    const made = structuredClone({ a: [1, 'x'], b: { c: null }, d: new Uint8Array([7]) });
    return `${made.a[0]} ${made.a[1]} ${made.b.c} ${made.d[0]}`;
  },
  console: () => {
    console.log('told', 1, null, true);
    return 'told';
  },
  errors: () => {
    let told = '';
    const attempts = { 0: () => new URL('nowhere'), 1: () => new Response('x', { status: 1 }), 2: () => new Headers([['a']]), 3: () => atob('*') };
    for (let i = 0; i < 4; i++) {
      try {
        attempts[i]();
        told += 'no error;';
      } catch (error) {
        told += `${error instanceof DOMException ? call.message(error) : error.message};`;
      }
    }
    return told;
  },
};
const { importKey, sign } = SubtleCrypto.prototype;
