// Requests: what handlers may be, what they may return and throw, waitUntil, signals, start-up checks.
const BAD = "Callback returned incorrect type; expected 'Promise'";

test('dispatch returns', async () => {
  assert.equal((await answer(() => new Response('a'))).body, 'a');
  assert.equal((await answer(async () => new Response('b'))).body, 'b');
  assert.equal((await answer(() => ({ then(f) { f(new Response('c')); } }))).body, 'c');
  for (const bad of [undefined, 'x', 5, null, {}]) {
    assert.equal((await answer(() => bad)).message, BAD);
    assert.equal((await answer(async () => bad)).message, BAD);
  }
  assert.equal((await answer((request) => request)).message, BAD);
  assert.equal((await answer(() => Response.error())).message,
    'Return value from serve handler must not be an error response (like Response.error())');
});
test('dispatch throws', async () => {
  const thrown = async (value) => {
    const { name, message } = await answer(() => { throw value; });
    const again = await answer(async () => { throw value; });
    assert.equal(again.message, message);
    return `${name}: ${message}`;
  };
  assert.equal(await thrown('a string'), 'Error: a string');
  assert.equal(await thrown(null), 'Error: null');
  assert.equal(await thrown(undefined), 'Error: undefined');
  assert.equal(await thrown({}), 'Error: #<Object>');
  assert.equal(await thrown(new Response()), 'Error: #<Response>');
  assert.equal(await thrown(new RangeError('r')), 'RangeError: r');
  assert.equal((await answer(() => { throw new Error('x'); })).done, true);
});
test('dispatch arguments', async () => {
  control.event(4, 0, 0, 0, 'A', '1');
  const worker = { name: 'me', fetch(request, env, ctx) {
    return Response.json([this.name, request.method, request.url, env.A, String(ctx), ctx.props, arguments.length]);
  } };
  const { body } = await answer({ default: worker }, { props: '{"p":1}', method: 'PUT', url: 'http://h/../x?%zz' });
  assert.equal(body, '["me","PUT","http://h/../x?%zz","1","[object ExecutionContext]",{"p":1},3]');
  let reads = 0;
  const once = { get fetch() { reads++; return () => new Response('g'); } };
  await answer({ default: once });
  await answer(null);
  assert.equal(reads, 1);
});
test('dispatch entrypoint classes', async () => {
  const { WorkerEntrypoint } = await import('cloudflare:workers');
  control.event(4, 0, 0, 0, 'A', '1');
  let made = 0;
  class Main extends WorkerEntrypoint {
    constructor(ctx, env) { super(ctx, env); made++; }
    async fetch(request) { return new Response(`${this.env.A} ${typeof this.ctx.waitUntil} ${arguments.length}`); }
    other() {}
  }
  assert.equal((await answer({ default: Main, Named: { fetch: () => new Response('n') } })).body, '1 function 3');
  assert.equal((await answer(null, { entrypoint: 'Named' })).body, 'n');
  assert.equal((await answer(null)).body, '1 function 3');
  assert.equal(made, 2);
  assert.equal((await answer(null, { entrypoint: 'Missing' })).message, 'Handler does not export a fetch() function.');
  control.ops.length = 0;
  control.start({ default: Main, Named: { fetch() {}, scheduled() {} } });
  assert.deepEqual(JSON.parse(control.take(14)[2]), {
    handlers: ['fetch', 'other'], named: [{ name: 'Named', handlers: ['fetch', 'scheduled'], class: false }], class: true,
  });
});
test('dispatch start checks', async () => {
  throws(() => control.start({ default: {}, a: 5 }), 'TypeError',
    "Incorrect type for map entry 'a': the provided value is not of type 'function or ExportedHandler'.");
  throws(() => control.start({ default: {}, a: null }), 'TypeError',
    'Cannot initialize N7workerd3api15ExportedHandlerE with required members from an undefined or null value.');
  throws(() => control.start({ default: 5 }), 'TypeError');
  control.start({ default: {}, a: () => 1, b: [], c: {} });
  assert.equal((await answer({ default: {} })).message, 'Handler does not export a fetch() function.');
  assert.equal((await answer({})).message, 'Handler does not export a fetch() function.');
  assert.equal((await answer({ default: { fetch: 5 } })).message, 'Handler does not export a fetch() function.');
});
test('dispatch waitUntil', async () => {
  const reply = await answer((request, env, ctx) => {
    ctx.waitUntil(new Promise((r) => setTimeout(r, 5)));
    ctx.waitUntil(Promise.reject(new Error('nobody cares')));
    return new Response('w');
  });
  assert.equal(reply.done, false);
  assert.equal((await control.wait(13))[1], reply.id);
  const early = await answer(async (request, env, ctx) => {
    ctx.waitUntil(Promise.resolve());
    await new Promise((r) => setTimeout(r, 5));
    return new Response();
  });
  assert.equal(early.done, true);
  assert.equal(control.take(13), undefined);
  const bad = await answer((request, env, ctx) => ctx.waitUntil(5));
  assert.equal(bad.message, "Failed to execute 'waitUntil' on 'ExecutionContext': parameter 1 is not of type 'Promise'.");
  const unbound = await answer((request, env, { waitUntil }) => waitUntil(Promise.resolve()));
  assert.ok(unbound.message.startsWith('Illegal invocation: function called with incorrect `this` reference. See https'));
  const { waitUntil } = await import('cloudflare:workers');
  const imported = await answer(async () => {
    await 1;
    waitUntil(new Promise((r) => setTimeout(r, 2)));
    return new Response();
  });
  assert.equal(imported.done, false);
  await control.wait(13);
});
test('dispatch concurrently', async () => {
  control.start({ default: { async fetch(request) {
    await new Promise((r) => setTimeout(r, request.url.endsWith('1') ? 10 : 1));
    return new Response(request.url);
  } } });
  const slow = dispatch(null, { url: 'http://h/1' });
  const quick = dispatch(null, { url: 'http://h/2' });
  assert.equal((await control.wait(1, quick))[6], 'http://h/2');
  assert.equal((await control.wait(1, slow))[6], 'http://h/1');
});
test('dispatch client leaves', async () => {
  let seen;
  const id = dispatch(async (request) => {
    await new Promise((resolve) => request.signal.addEventListener('abort', resolve));
    seen = request.signal.reason;
    return new Response('late');
  });
  control.event(2, id, 0);
  await control.wait(1, id);
  assert.equal(`${seen.name}: ${seen.message}`, 'AbortError: The client has disconnected');
  control.event(2, id, 0);
});
test('dispatch env of cloudflare:workers', async () => {
  const { env } = await import('cloudflare:workers');
  control.event(4, 0, 0, 0, 'A', '1');
  env.B = 'mine';
  assert.deepEqual({ ...env }, { A: '1', B: 'mine' });
  assert.equal('A' in env, true);
  const seen = await answer((request, handlerEnv) => new Response(`${handlerEnv.B} ${handlerEnv === env}`));
  assert.equal(seen.body, 'mine false');
  control.event(5, 0, 0);
});
test('dispatch leaves nothing behind', async () => {
  let fired = 0;
  await answer(() => {
    setInterval(() => fired++, 1);
    return new Response('gone');
  });
  await new Promise((r) => control.native.setTimeout(r, 10));
  assert.equal(fired, 0);
  // Not over while a body is written: a timer may be what feeds it.
  const reply = await answer(() => new Response(new ReadableStream({
    async pull(c) {
      await new Promise((r) => setTimeout(r, 2));
      c.enqueue('x');
      c.close();
    },
  })));
  await control.wait(9);
  await control.wait(10, reply.body);
});
test('dispatch the same response twice', async () => {
  let kept;
  assert.equal((await answer(() => (kept = new Response('kept')))).body, 'kept');
  assert.ok((await answer(() => kept)).message.startsWith('Body has already been used.'));
  assert.equal(kept.bodyUsed, true);
  const empty = new Response(null, { status: 204 });
  assert.equal((await answer(() => empty)).status, 204);
  assert.equal((await answer(() => empty)).status, 204);
});
test('dispatch what belongs to another request', async () => {
  const foreign = (type) => 'Cannot perform I/O on behalf of a different request. I/O objects (such as streams, ' +
    'request/response bodies, and others) created in the context of one request handler cannot be accessed from a ' +
    "different request's handler. This is a limitation of Cloudflare Workers which allows us to improve overall " +
    `performance. (I/O type: ${type})`;
  const kept = {};
  await answer((request, env, ctx) => {
    Object.assign(kept, {
      request, ctx, text: new Response('t'), json: Response.json({}), empty: new Response(null),
      js: new Response(ReadableStream.from(['js'])), reader: new Response('r').body.getReader(),
      byob: new Response('r').body.getReader({ mode: 'byob' }), pipe: new IdentityTransformStream(),
      ours: new Request('http://o/', { method: 'POST', body: 'x' }),
    });
    return new Response('');
  }, { method: 'POST', body: control.stream('body') });
  for (const value of [kept.text, kept.json]) assert.equal((await answer(() => value)).message, foreign('ReadableStreamSource>'));
  for (const read of [
    () => kept.request.text(), () => kept.request.body.getReader().read(), () => kept.text.clone(),
    () => kept.text.text(), () => kept.reader.read(), () => kept.reader.cancel(), () => kept.byob.read(new Uint8Array(1)),
    () => kept.byob.cancel(), () => kept.text.body.tee(), () => kept.text.body.pipeTo(new WritableStream()),
    () => kept.text.body.cancel(), () => kept.text.body.values().next(), () => new Request(kept.ours),
    () => fetch(kept.ours), () => kept.pipe.readable.getReader().read(),
  ]) {
    const answered = await answer(async () => new Response(String(await read())));
    assert.equal(answered.message, foreign('ReadableStreamSource>'), String(read));
  }
  for (const write of [
    () => kept.pipe.writable.getWriter().write(new Uint8Array(1)), () => ReadableStream.from(['x']).pipeTo(kept.pipe.writable),
    () => kept.pipe.writable.close(), () => kept.pipe.writable.abort(),
  ]) {
    const answered = await answer(async () => new Response(String(await write())));
    assert.ok([foreign('Writable'), 'This WritableStream is currently locked to a writer.'].includes(answered.message),
      `${write}: ${answered.message}`);
  }
  assert.equal((await answer(() => kept.empty)).status, 200);
  assert.equal((await answer(async () => new Response(await kept.js.text() + kept.request.url))).body, 'jshttp://host/');
  assert.equal((await answer((request, env, ctx) => {
    kept.ctx.waitUntil(Promise.resolve());
    return new Response('waited');
  })).body, 'waited');
});
test('dispatch of promises and timers of other requests', async () => {
  const kept = {};
  const first = dispatch(async () => {
    kept.fired = 0;
    kept.timer = setTimeout(() => kept.fired++, 5);
    kept.fetched = fetch('http://o/never');
    kept.waited = scheduler.wait(1e6);
    for (const promise of [kept.fetched, kept.waited]) promise.catch(() => {});
    kept.alive = new Promise((resolve) => (kept.resolve = resolve));
    return new Response(await kept.alive);
  });
  // Another request cannot stop the timer, and what it resolves is seen by the one that waits.
  assert.equal((await answer(() => {
    clearTimeout(kept.timer);
    return new Response('cleared');
  })).body, 'cleared');
  await new Promise((r) => control.native.setTimeout(r, 20));
  assert.equal(kept.fired, 1);
  dispatch(() => {
    kept.resolve('resolved');
    return new Response('');
  });
  assert.equal((await control.wait(1, first))[6], 'resolved');
  const over = 'This promise was created by a request that has since ended, so it can never settle.';
  for (const name of ['fetched', 'waited']) {
    assert.ok((await answer(async () => new Response(await kept[name]))).message.startsWith(over), name);
  }
  // The host ends one that waits.
  const hangs = dispatch(async () => new Response((kept.hangs = scheduler.wait(1e6)).catch(() => {}) && await new Promise(() => {})));
  control.event(6, hangs, 0);
  assert.ok((await answer(async () => new Response(await kept.hangs))).message.startsWith(over));
});
test('dispatch thrown values with throwing getters', async () => {
  const { message } = await answer(() => {
    throw Object.defineProperty(new Error(), 'message', { get() { throw 1; } });
  });
  assert.equal(message, '#<Object>');
});
test('parameters are in the env of their request alone', async () => {
  control.event(4, 0, 0, 0, 'A', '1', 0, 'B', '2');
  const { env: imported } = await import('cloudflare:workers');
  const seen = { fetch: async (request, env) => {
    const first = env === (await Promise.resolve(env));
    return Response.json([env.A, env.B, env.who ?? null, imported.who ?? null, Object.keys(imported), first]);
  } };
  const body = async (parameters) => (await answer({ default: seen }, { parameters })).body;
  assert.equal(await body('{"B":{"x":[1]},"who":"a"}'), '["1",{"x":[1]},"a","a",["A","B","who"],true]');
  assert.equal(await body(null), '["1","2",null,null,["A","B"],true]');
  assert.equal(await body('{"who":"b","__proto__":{"A":"z"}}'), '["1","2","b","b",["A","B","who","__proto__"],true]');
});
