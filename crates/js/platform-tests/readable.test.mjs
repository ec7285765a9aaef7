// ReadableStream by the Streams standard.
const collect = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
};
test('readable pull and high water mark', async () => {
  let pulls = 0;
  const s = new ReadableStream({ pull(c) { c.enqueue(++pulls); if (pulls === 5) c.close(); } }, { highWaterMark: 2 });
  await new Promise((r) => control.native.setTimeout(r, 5));
  assert.equal(pulls, 2);
  assert.deepEqual(await collect(s), [1, 2, 3, 4, 5]);
  assert.equal(s.locked, false);
});
test('readable errors', async () => {
  const s = new ReadableStream({ start(c) { c.error(new Error('x')); } });
  const reader = s.getReader();
  await rejects(reader.read(), 'Error', 'x');
  await rejects(reader.closed, 'Error', 'x');
  throws(() => s.getReader(), 'TypeError');
  await rejects(s.cancel(), 'TypeError');
  reader.releaseLock();
  await rejects(reader.read(), 'TypeError');
  await rejects(reader.closed, 'TypeError');
  await rejects(s.cancel(), 'Error', 'x');
  throws(() => new ReadableStream({ type: 'nope' }), 'TypeError');
  throws(() => new ReadableStream({}, { highWaterMark: -1 }), 'RangeError');
  throws(() => new ReadableStreamDefaultController(), 'TypeError', 'Illegal constructor');
  throws(() => new ReadableStream(null), 'TypeError');
});
test('readable cancel', async () => {
  let reason;
  const s = new ReadableStream({ start(c) { c.enqueue(1); }, cancel(r) { reason = r; } });
  const reader = s.getReader();
  assert.equal(await s.locked, true);
  await reader.cancel('why');
  assert.equal(reason, 'why');
  assert.deepEqual(await reader.read(), { value: undefined, done: true });
  await reader.closed;
});
test('readable pending reads', async () => {
  let controller;
  const s = new ReadableStream({ start(c) { controller = c; } });
  const reader = s.getReader();
  const reads = [reader.read(), reader.read(), reader.read()];
  controller.enqueue('a');
  controller.enqueue('b');
  controller.close();
  assert.deepEqual((await Promise.all(reads)).map((r) => r.value), ['a', 'b', undefined]);
  throws(() => controller.enqueue('c'), 'TypeError');
  throws(() => controller.close(), 'TypeError');
  const t = new ReadableStream({ start(c) { controller = c; } });
  const other = t.getReader();
  const waiting = other.read();
  other.releaseLock();
  await rejects(waiting, 'TypeError');
  controller.enqueue(1);
  assert.equal((await t.getReader().read()).value, 1);
});
test('readable sizes', async () => {
  let controller;
  new ReadableStream({ start(c) { controller = c; } }, new ByteLengthQueuingStrategy({ highWaterMark: 10 }));
  controller.enqueue(new Uint8Array(4));
  assert.equal(controller.desiredSize, 6);
  assert.equal(new CountQueuingStrategy({ highWaterMark: 3 }).size(), 1);
  new ReadableStream({ start(c) { controller = c; } }, { size: () => -1 });
  throws(() => controller.enqueue(1), 'RangeError');
  assert.equal(controller.desiredSize, null);
});
test('readable tee', async () => {
  const [a, b] = ReadableStream.from([1, 2, 3]).tee();
  assert.deepEqual(await collect(a), [1, 2, 3]);
  assert.deepEqual(await collect(b), [1, 2, 3]);
  let reason;
  const [c, d] = new ReadableStream({ cancel(r) { reason = r; } }).tee();
  c.cancel('x');
  await d.cancel('y');
  assert.deepEqual(reason, ['x', 'y']);
  const [e, f] = new ReadableStream({ start(c) { c.error(new Error('bad')); } }).tee();
  await rejects(e.getReader().read(), 'Error', 'bad');
  await rejects(f.getReader().read(), 'Error', 'bad');
});
test('readable from', async () => {
  assert.deepEqual(await collect(ReadableStream.from(['a', Promise.resolve('b')])), ['a', 'b']);
  async function* generate() {
    try {
      yield 1;
      yield 2;
    } finally {
      ended = true;
    }
  }
  let ended = false;
  const s = ReadableStream.from(generate());
  for await (const chunk of s) {
    assert.equal(chunk, 1);
    break;
  }
  assert.equal(ended, true);
  throws(() => ReadableStream.from(5), 'TypeError');
});
test('readable iteration keeps', async () => {
  const s = ReadableStream.from([1, 2]);
  for await (const chunk of s.values({ preventCancel: true })) {
    assert.equal(chunk, 1);
    break;
  }
  assert.deepEqual(await collect(s), [2]);
});
test('readable pipes', async () => {
  const written = [];
  let closed = false;
  await ReadableStream.from([1, 2, 3]).pipeTo(new WritableStream({
    write(chunk) { written.push(chunk); },
    close() { closed = true; },
  }));
  assert.deepEqual(written, [1, 2, 3]);
  assert.equal(closed, true);
  const upper = new TransformStream({ transform(chunk, c) { c.enqueue(chunk.toUpperCase()); }, flush(c) { c.enqueue('!'); } });
  assert.deepEqual(await collect(ReadableStream.from(['a', 'b']).pipeThrough(upper)), ['A', 'B', '!']);
  let aborted;
  const failing = new ReadableStream({ start(c) { c.error(new Error('src')); } });
  await rejects(failing.pipeTo(new WritableStream({ abort(r) { aborted = r.message; } })), 'Error', 'src');
  assert.equal(aborted, 'src');
  let cancelled;
  const endless = new ReadableStream({ pull(c) { c.enqueue(1); }, cancel(r) { cancelled = r.message; } });
  await rejects(endless.pipeTo(new WritableStream({ write() { throw new Error('sink'); } })), 'Error', 'sink');
  assert.equal(cancelled, 'sink');
  assert.equal(endless.locked, false);
});
test('readable pipe options', async () => {
  const controller = new AbortController();
  let cancelled;
  const s = new ReadableStream({ cancel(r) { cancelled = r; } });
  const target = new WritableStream();
  const piping = s.pipeTo(target, { signal: controller.signal, preventAbort: true });
  controller.abort('stop');
  await piping.then(() => assert.fail(), (r) => assert.equal(r, 'stop'));
  assert.equal(cancelled, 'stop');
  assert.equal(target.locked, false);
  let closed = false;
  const open = new WritableStream({ close() { closed = true; } });
  await ReadableStream.from([1]).pipeTo(open, { preventClose: true });
  assert.equal(closed, false);
  await rejects(ReadableStream.from([1]).pipeTo({}), 'TypeError');
});
test('readable bytes', async () => {
  const s = new ReadableStream({
    type: 'bytes',
    pull(c) {
      const view = c.byobRequest.view;
      view[0] = 7;
      c.byobRequest.respond(1);
    },
  });
  const reader = s.getReader({ mode: 'byob' });
  const { value } = await reader.read(new Uint8Array(4));
  assert.deepEqual([...value], [7]);
  assert.equal(value.buffer.byteLength, 4);
  reader.releaseLock();
  const queued = new ReadableStream({ type: 'bytes', start(c) { c.enqueue(new Uint8Array([1, 2, 3])); c.close(); } });
  const r = queued.getReader({ mode: 'byob' });
  assert.deepEqual([...(await r.read(new Uint8Array(2))).value], [1, 2]);
  assert.deepEqual([...(await r.read(new Uint8Array(2))).value], [3]);
  const end = await r.read(new Uint8Array(2));
  assert.equal(end.done, true);
  assert.equal(end.value.byteLength, 0);
  const words = new ReadableStream({ type: 'bytes', start(c) { c.enqueue(new Uint8Array([1, 0, 2])); c.enqueue(new Uint8Array([0])); c.close(); } });
  const w = words.getReader({ mode: 'byob' });
  assert.deepEqual([...(await w.read(new Uint16Array(2), { min: 2 })).value], [1, 2]);
  const auto = new ReadableStream({
    type: 'bytes', autoAllocateChunkSize: 8,
    pull(c) { c.byobRequest.view[0] = 5; c.byobRequest.respond(1); },
  });
  assert.deepEqual([...(await auto.getReader().read()).value], [5]);
  throws(() => new ReadableStream().getReader({ mode: 'byob' }), 'TypeError');
});
