// fetch to the network and to bindings, redirects, aborting, dispatch namespaces.
test('fetch simple', async () => {
  control.fetch = (op) => [200, 'OK', 'content-type\ntext/x', 'http://x/y', true, control.stream('body'), 4];
  const r = await fetch('http://x/');
  assert.deepEqual(control.take(3).slice(2), [-1, null, null, 'GET', 'http://x/', '', 0, 0, null, null]);
  assert.equal(r.status, 200);
  assert.equal(r.url, 'http://x/y');
  assert.equal(r.redirected, true);
  throws(() => r.headers.set('a', 'b'), 'TypeError', "Can't modify immutable headers.");
  throws(() => r.clone().headers.set('a', 'b'), 'TypeError', "Can't modify immutable headers.");
  new Response(null, r).headers.set('a', 'b');
});
test('fetch with a body', async () => {
  control.fetch = () => [201, null, '', 'http://x/', false, -1, null];
  const r = await fetch('http://x/', { method: 'post', body: 'hi', redirect: 'manual', headers: { A: 'b' } });
  assert.deepEqual(control.take(3).slice(5), ['POST', 'http://x/', 'a\nb\ncontent-type\ntext/plain;charset=UTF-8', 1, 1, 'hi', null]);
  assert.equal(await r.text(), '');
  assert.equal(r.body, null);
});
test('fetch streams its body', async () => {
  let release;
  control.fetch = () => new Promise((resolve) => (release = resolve));
  const fetching = fetch('http://x/', { method: 'PUT', body: ReadableStream.from(['a', 'b']) });
  const op = control.take(3);
  assert.equal(op[9], 2);
  assert.equal((await control.wait(9))[2], op[10]);
  await control.wait(9);
  await control.wait(10, op[10]);
  release([200, null, '', '', false, -1, null]);
  await fetching;
});
test('fetch failures', async () => {
  control.fetch = () => { throw new Error('Network connection lost.'); };
  await rejects(fetch('http://x/'), 'Error', 'Network connection lost.');
  control.fetch = () => { throw new RangeError('r'); };
  await assert.rejects(fetch('http://x/'), (e) => e instanceof RangeError && e.message === 'r');
  await rejects(fetch('/x'), 'TypeError', 'Invalid URL: /x');
  await rejects(fetch('ftp://x/'), 'TypeError', 'Fetch API cannot load: ftp://x/');
  control.refuse = 2;
  await rejects(fetch('http://x/'), 'Error', 'Too many concurrent operations.');
});
test('fetch aborted', async () => {
  const early = new AbortController();
  early.abort();
  await rejects(fetch('http://x/', { signal: early.signal }), 'AbortError');
  assert.equal(control.take(3), undefined);
  const controller = new AbortController();
  const fetching = fetch('http://x/', { signal: controller.signal });
  const op = control.take(3);
  controller.abort(new Error('mine'));
  await rejects(fetching, 'Error', 'mine');
  assert.equal(control.take(4)[1], op[1]);
  control.small = false;
  const late = new AbortController();
  control.fetch = () => [200, null, '', '', false, control.stream('a', 'b', 'c'), null];
  const r = await fetch('http://x/', { signal: late.signal });
  late.abort(new Error('later'));
  await rejects(r.text(), 'Error', 'later');
});
test('fetch passes an incoming request on', async () => {
  control.bindings = [];
  control.event(4, 0, 0, 2, 'SERVICE', null, 3, 'NS', null, 0, 'VAR', 'v', 1, 'DATA', '{"a":1}', 4, 'V', '{"id":"x"}');
  control.fetch = () => [200, null, 'a\nb', 'http://h/', false, control.stream('ok'), 2];
  const stream = control.stream('abc');
  const id = dispatch((request, env) => env.NS.get('user', {}, { limits: { cpuMs: 5 } }).fetch(request), {
    method: 'POST', url: 'http://h/p?q', headers: 'x\ny', body: stream, length: 3,
  });
  const op = await control.wait(3);
  assert.deepEqual(op.slice(2), [1, 'user', '{"limits":{"cpuMs":5}}', 'POST', 'http://h/p?q', 'x\ny', 1, 3, stream, 3]);
  const reply = await control.wait(1, id);
  assert.equal(reply[5 + 0], 3);
  assert.equal(reply[4], 'a\nb');
  const seen = await answer((request, env) => Response.json([env.VAR, env.DATA, env.V, String(env.SERVICE), typeof env.SERVICE.fetch]));
  assert.equal(seen.body, '["v",{"a":1},{"id":"x"},"[object Fetcher]","function"]');
});
test('dispatch namespace names and errors', async () => {
  control.event(4, 0, 0, 3, 'NS', null);
  control.fetch = (op) => { throw new Error(`Worker not found.`); };
  const seen = await answer(async (request, env) => {
    try {
      return await env.NS.get(5).fetch('http://a/b');
    } catch (e) {
      return new Response(e.message);
    }
  });
  assert.equal(seen.body, 'Worker not found.');
  assert.deepEqual(control.take(3).slice(2, 5), [0, '5', null]);
});
test('fetch aborted while its body is read', async () => {
  control.small = false;
  const controller = new AbortController();
  control.fetch = () => [200, null, '', '', false, control.stream('a', 'b', 'c'), null];
  const r = await fetch('http://x/', { signal: controller.signal });
  const reading = r.text();
  controller.abort(new Error('during'));
  await rejects(reading, 'Error', 'during');
  const s = await fetch('http://x/', { signal: AbortSignal.any([]) });
  assert.equal(await s.text(), 'abc');
});
