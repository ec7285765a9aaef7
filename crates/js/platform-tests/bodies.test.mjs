// Bodies of every kind, read in every way.
test('body kinds', async () => {
  assert.equal(await new Response('h\u00e9').text(), 'hé');
  assert.equal(await new Response('\ud800').text(), '\ufffd');
  assert.equal(await new Response('\ufeffx').text(), 'x');
  assert.deepEqual(await new Response('[1]').json(), [1]);
  assert.equal((await new Response('abc').arrayBuffer()).byteLength, 3);
  assert.deepEqual(await new Response('ab').bytes(), new Uint8Array([97, 98]));
  const bytes = new Uint8Array([1, 2, 3, 4]);
  const r = new Response(bytes.subarray(1, 3));
  bytes.fill(9);
  assert.deepEqual([...await r.bytes()], [2, 3]);
  assert.deepEqual([...await new Response(new Uint16Array([1, 2])).bytes()], [1, 0, 2, 0]);
  const params = new Response(new URLSearchParams({ a: 'b c' }));
  assert.equal(params.headers.get('content-type'), 'application/x-www-form-urlencoded;charset=UTF-8');
  assert.equal(await params.text(), 'a=b+c');
  const blob = new Response(new Blob(['x'], { type: 'a/B' }));
  assert.equal(blob.headers.get('content-type'), 'a/b');
  assert.equal(await blob.text(), 'x');
  assert.equal(await new Response(12).text(), '12');
  assert.equal(await new Response({}).text(), '[object Object]');
  await rejects(new Response('{').json(), 'SyntaxError');
  await rejects(new Response().json(), 'SyntaxError');
  const b = await new Response('q', { headers: { 'content-type': 'text/x' } }).blob();
  assert.equal(b.type, 'text/x');
});
test('body stream of a whole body', async () => {
  const r = new Response('abc');
  let text = '';
  for await (const chunk of r.body) text += new TextDecoder().decode(chunk);
  assert.equal(text, 'abc');
  assert.equal(r.bodyUsed, true);
  const one = new Response('abc');
  assert.equal(one.body, one.body);
  assert.equal(one.bodyUsed, false);
  assert.equal(await one.text(), 'abc');
  assert.equal(one.body.locked, false);
});
test('body clone', async () => {
  const r = new Response('abc', { status: 201 });
  const c = r.clone();
  assert.equal(c.status, 201);
  assert.equal(await r.text() + await c.text(), 'abcabc');
  const s = new Response(new ReadableStream({ start(c) { c.enqueue('a'); c.enqueue(new Uint8Array([98])); c.close(); } }));
  const t = s.clone();
  assert.equal(await s.text(), 'ab');
  assert.equal(await t.text(), 'ab');
});
test('body from a script stream', async () => {
  const stream = () => new ReadableStream({ start(c) { c.enqueue('a'); c.enqueue(new Uint8Array([98, 99])); c.close(); } });
  const r = new Response(stream());
  assert.equal(r.headers.get('content-type'), null);
  assert.equal(await r.text(), 'abc');
  await rejects(new Response(new ReadableStream({ start(c) { c.enqueue(5); } })).text(), 'TypeError');
  await rejects(new Response(new ReadableStream({ start(c) { c.error(new RangeError('no')); } })).text(), 'RangeError', 'no');
});
test('host stream read whole', async () => {
  for (const small of [true, false]) {
    control.small = small;
    const { body } = await answer(async (request) => new Response((await request.text()).toUpperCase()), {
      method: 'POST', body: control.stream('abc', 'def'), length: 6,
    });
    assert.equal(body, 'ABCDEF');
  }
});
test('host stream read in pieces', async () => {
  const { body } = await answer(async (request) => {
    const sizes = [];
    for await (const chunk of request.body) sizes.push(chunk.byteLength);
    return new Response(sizes.join());
  }, { method: 'POST', body: control.stream('abc', 'de') });
  assert.equal(body, '3,2');
});
test('host stream byob', async () => {
  const { body } = await answer(async (request) => {
    const reader = request.body.getReader({ mode: 'byob' });
    let text = '';
    for (;;) {
      const { value, done } = await reader.read(new Uint8Array(2));
      if (done) return new Response(`${text}/${value.byteLength}`);
      text += `${new TextDecoder().decode(value)}.`;
    }
  }, { method: 'POST', body: control.stream('abc', 'de') });
  assert.equal(body, 'ab.c.de./0');
});
test('host stream passes through', async () => {
  for (const make of [(r) => new Response(r.body), (r) => new Response(r.body, { headers: { a: 'b' } })]) {
    const stream = control.stream('abc');
    const reply = await answer(make, { method: 'POST', body: stream, length: 3 });
    assert.equal(reply.kind, 3);
    assert.equal(reply.body, stream);
    assert.equal(reply.length, 3);
  }
});
test('host stream errors and cancel', async () => {
  control.small = false;
  const { message } = await answer(async (request) => new Response(await request.text()), {
    method: 'POST', body: control.stream('abc', new TypeError('gone')),
  });
  assert.equal(message, 'gone');
  const stream = control.stream('abc', 'x');
  dispatch(async (request) => {
    await request.body.cancel('enough');
    return new Response();
  }, { method: 'POST', body: stream });
  assert.equal((await control.wait(8))[1], stream);
});
test('host stream clone', async () => {
  const { body } = await answer(async (request) => {
    const copy = request.clone();
    return new Response(`${await copy.text()} ${await request.text()}`);
  }, { method: 'POST', body: control.stream('abc', 'd') });
  assert.equal(body, 'abcd abcd');
});
test('guest stream out', async () => {
  const reply = await answer(() => new Response(new ReadableStream({
    start(c) {
      c.enqueue('one');
      c.enqueue(new Uint8Array([50]));
      c.close();
    },
  })));
  assert.equal(reply.kind, 2);
  assert.equal(reply.length, null);
  const first = await control.wait(9);
  assert.equal(first[2], reply.body);
  assert.equal(new TextDecoder().decode(first[3]), 'one');
  assert.deepEqual([...(await control.wait(9))[3]], [50]);
  assert.equal((await control.wait(10))[1], reply.body);
});
test('guest stream credit', async () => {
  control.writeDelay = 20;
  const reply = await answer(() => new Response(ReadableStream.from(['a', 'b'])));
  await control.wait(9);
  assert.equal(control.take(9), undefined);
  await control.wait(9);
  await control.wait(10);
  control.writeDelay = 0;
  assert.equal(reply.kind, 2);
});
test('guest stream failing', async () => {
  const bad = await answer(() => new Response(new ReadableStream({ start(c) { c.enqueue({}); } })));
  assert.equal((await control.wait(11))[1], bad.body);
  const reply = await answer(() => new Response(new ReadableStream({
    async pull(c) {
      await 1;
      throw new Error('cut');
    },
  })));
  assert.deepEqual(await control.wait(11), [11, reply.body, 'cut']);
});
test('guest stream cancelled', async () => {
  let reason = 'none';
  const reply = await answer(() => new Response(new ReadableStream({
    pull(c) { c.enqueue('x'); },
    cancel(r) { reason = r; },
  })));
  await control.wait(9);
  control.event(3, reply.body, 0);
  await 1;
  assert.equal(reason, undefined);
  assert.equal(control.take(10), undefined);
});
test('locked and used bodies returned', async () => {
  const locked = await answer(() => {
    const r = new Response(new ReadableStream());
    r.body.getReader();
    return r;
  });
  assert.equal(locked.message, 'The ReadableStream has been locked to a reader.');
  const used = await answer(async () => {
    const r = new Response('x');
    await r.text();
    return r;
  });
  assert.equal(used.name, 'TypeError');
  assert.ok(used.message.startsWith('Body has already been used.'));
});
test('fixed length stream', async () => {
  const send = (size, ...chunks) => answer((request, env, ctx) => {
    const { readable, writable } = new FixedLengthStream(size);
    const writer = writable.getWriter();
    for (const chunk of chunks) writer.write(new TextEncoder().encode(chunk)).catch(() => {});
    writer.close().catch(() => {});
    return new Response(readable);
  });
  const good = await send(3, 'ab', 'c');
  assert.equal(good.length, 3);
  await control.wait(9);
  await control.wait(9);
  await control.wait(10);
  await send(3, 'ab');
  assert.equal((await control.wait(11))[2], 'FixedLengthStream did not see all expected bytes before close().');
  await send(1, 'ab');
  assert.equal((await control.wait(11))[2], 'Attempt to write too many bytes through a FixedLengthStream.');
});
test('identity transform stream', async () => {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  writer.write(new Uint8Array([104, 105]));
  writer.close();
  assert.equal(await new Response(readable).text(), 'hi');
  const other = new IdentityTransformStream();
  await rejects(Promise.race([other.writable.getWriter().write('text'), other.readable.getReader().read()]), 'TypeError');
});
test('form data round trip', async () => {
  const form = new FormData();
  form.append('a', 'x\ny');
  form.append('a', 'z');
  form.append('quo"te', new File(['bytes\r\n--x'], 'f "1".bin', { type: 'a/b' }));
  const r = new Response(form);
  assert.match(r.headers.get('content-type'), /^multipart\/form-data; boundary=/);
  const back = await r.formData();
  assert.deepEqual(back.getAll('a'), ['x\r\ny', 'z']);
  const file = back.get('quo"te');
  assert.equal(file.name, 'f "1".bin');
  assert.equal(file.type, 'a/b');
  assert.equal(await file.text(), 'bytes\r\n--x');
  const plain = await new Response(new URLSearchParams('q=1&q=2&r=%20')).formData();
  assert.deepEqual([...plain], [['q', '1'], ['q', '2'], ['r', ' ']]);
  await rejects(new Response('x').formData(), 'TypeError');
});
test('form data methods', () => {
  const form = new FormData();
  form.set('a', new Blob(['x']));
  assert.equal(form.get('a').name, 'blob');
  form.append('b', '1');
  form.append('a', '2');
  form.set('a', '3');
  assert.deepEqual([...form.keys()], ['a', 'b']);
  assert.equal(form.has('b'), true);
  form.delete('b');
  assert.equal(form.get('b'), null);
  throws(() => form.append('a', 'x', 'name'), 'TypeError');
});
test('blob', async () => {
  const b = new Blob(['ab', new Uint8Array([99]), new Blob(['d'])], { type: 'Text/X' });
  assert.equal(b.size, 4);
  assert.equal(b.type, 'text/x');
  assert.equal(await b.slice(1, -1).text(), 'bc');
  assert.equal(await new Response(b.stream()).text(), 'abcd');
  assert.equal((await b.arrayBuffer()).byteLength, 4);
  const f = new File(['x'], 'n', { lastModified: 5 });
  assert.equal(f.name + f.lastModified, 'n5');
  assert.ok(f instanceof Blob);
});
