// Request and Response: constructors, statuses, methods, workerd's messages.
const USED = 'Body has already been used. It can only be used once. Use tee() first if you need to read it twice.';

test('response statuses', () => {
  const range = 'Responses may only be constructed with status codes in the range 200 to 599, inclusive.';
  for (const status of [0, 100, 101, 199, 600, 999, 'abc']) {
    throws(() => new Response('', { status }), 'RangeError', range);
  }
  assert.equal(new Response('', { status: 200.7 }).status, 200);
  assert.equal(new Response('', { status: 599 }).status, 599);
  for (const status of [204, 205, 304]) {
    throws(() => new Response('b', { status }), 'TypeError',
      'Response with null body status (101, 204, 205, or 304) cannot have a body.');
    assert.equal(new Response('', { status }).body, null);
  }
  throws(() => new Response('', { statusText: 'a\nb' }), 'TypeError', 'Invalid statusText');
  assert.equal(new Response('x', { statusText: 'Fine' }).statusText, 'Fine');
  assert.equal(new Response('x').ok, true);
});
test('response statics', async () => {
  const e = Response.error();
  assert.equal(e.status, 0);
  assert.equal(e.type, 'error');
  e.headers.set('a', 'b');
  throws(() => Response.redirect('/rel'), 'TypeError', 'Unable to parse URL: /rel');
  throws(() => Response.redirect('http://a/', 200), 'RangeError',
    '200 is not a redirect status code. It must be one of: 301, 302, 303, 307, or 308.');
  const r = Response.redirect('http://a/b', 301);
  assert.equal(r.status, 301);
  assert.equal(r.headers.get('location'), 'http://a/b');
  throws(() => r.headers.set('a', 'b'), 'TypeError', "Can't modify immutable headers.");
  assert.equal(await Response.json(undefined).text(), 'undefined');
  const j = Response.json({ a: 1 }, { status: 201, headers: { 'content-type': 'x/y' } });
  assert.equal(j.headers.get('content-type'), 'x/y');
  assert.deepEqual(await j.json(), { a: 1 });
});
test('response from response', async () => {
  const a = new Response('x', { status: 404, statusText: 'Nope', headers: { a: 'b' } });
  const b = new Response(a.body, a);
  assert.equal(b.status, 404);
  assert.equal(b.statusText, 'Nope');
  assert.equal(b.headers.get('a'), 'b');
  assert.equal(await b.text(), 'x');
});
test('request constructor', async () => {
  const r = new Request('http://A.test/x y', { method: 'post', headers: { a: 'b' }, body: 'hi' });
  assert.equal(r.method, 'POST');
  assert.equal(r.url, 'http://a.test/x%20y');
  assert.equal(r.headers.get('content-type'), 'text/plain;charset=UTF-8');
  assert.equal(r.redirect, 'follow');
  throws(() => new Request('/x'), 'TypeError', 'Invalid URL: /x');
  throws(() => new Request('http://x/', { method: 'FOO' }), 'TypeError', 'Invalid HTTP method string: FOO');
  throws(() => new Request('http://x/', { method: 'CONNECT' }), 'TypeError', 'Invalid HTTP method string: CONNECT');
  throws(() => new Request('http://x/', { body: 'b' }), 'TypeError',
    'Request with a GET or HEAD method cannot have a body.');
  throws(() => new Request('http://x/', { cache: 'default' }), 'TypeError', 'Unsupported cache mode: default');
  throws(() => new Request('http://x/', { redirect: 'error' }), 'TypeError');
  assert.equal(new Request('http://x/', { method: 'trace' }).method, 'TRACE');
  const again = new Request(r, { headers: { c: 'd' } });
  assert.equal(again.headers.get('a'), null);
  assert.equal(await again.text(), 'hi');
  assert.equal(r.bodyUsed, true);
  throws(() => new Request(r), 'TypeError', 'Cannot reconstruct a Request with a used body.');
  await rejects(fetch(r), 'TypeError', 'Cannot reconstruct a Request with a used body.');
});
test('used and locked bodies', async () => {
  const r = new Response('x');
  await r.text();
  await rejects(r.text(), 'TypeError', USED);
  await rejects(r.json(), 'TypeError', USED);
  throws(() => r.clone(), 'TypeError', 'This ReadableStream is currently locked to a reader,');
  const empty = new Response(null);
  assert.equal(await empty.text(), '');
  assert.equal(await empty.text(), '');
  const locked = new Response('y');
  locked.body.getReader();
  await rejects(locked.text(), 'TypeError', 'This ReadableStream is currently locked to a reader.');
  throws(() => new Response(locked.body), 'TypeError',
    'This ReadableStream is locked to a reader, and cannot be used as a body.');
  const s = new ReadableStream({ start(c) { c.enqueue('a'); } });
  const reader = s.getReader();
  await reader.read();
  reader.releaseLock();
  throws(() => new Response(s), 'TypeError',
    'This ReadableStream is disturbed (has already been read from), and cannot be used as a body.');
});
test('brands', () => {
  throws(() => Response.prototype.status, 'TypeError');
  throws(() => Request.prototype.url, 'TypeError');
  assert.equal(String(new Response()), '[object Response]');
  assert.ok(new Response() instanceof Body);
  assert.equal(Object.getOwnPropertyDescriptor(globalThis, 'Response').enumerable, false);
});
test('global scope refuses bodies', () => {
  const start = 'Disallowed operation called within global scope.';
  for (const make of [() => new Response('x'), () => Response.json(1), () => Response.redirect('http://x/'),
    () => new Request('http://x/', { method: 'POST', body: 'x' }), () => new FixedLengthStream(1),
    () => new IdentityTransformStream(), () => new Blob(['x']).stream(), () => setTimeout(() => {}),
    () => clearTimeout(1), () => crypto.randomUUID(), () => crypto.getRandomValues(new Uint8Array(0)),
    () => AbortSignal.timeout(1)]) {
    assert.throws(make, (e) => e.message.startsWith(start), String(make));
  }
  new Response();
  new Response(null);
  new Response(new ReadableStream());
  new Request('http://x/');
  new TransformStream();
  new FormData();
  Response.error();
}, { globalScope: true });
test('global scope refuses fetch', async () => {
  const start = 'Disallowed operation called within global scope.';
  await assert.rejects(fetch('http://x/'), (e) => e.message.startsWith(start));
  await assert.rejects(scheduler.wait(1), (e) => e.message.startsWith(start));
}, { globalScope: true });
