// WritableStream and TransformStream by the Streams standard.
test('writable order and backpressure', async () => {
  const log = [];
  const s = new WritableStream({
    start() { log.push('start'); },
    async write(chunk) { await 1; log.push(chunk); },
    close() { log.push('close'); },
  }, { highWaterMark: 2 });
  const writer = s.getWriter();
  assert.equal(writer.desiredSize, 2);
  writer.write('a');
  const ready = writer.ready;
  writer.write('b');
  assert.notEqual(writer.ready, ready);
  await writer.ready;
  await writer.close();
  assert.deepEqual(log, ['start', 'a', 'b', 'close']);
  await writer.closed;
  assert.equal(writer.desiredSize, 0);
  await rejects(writer.write('c'), 'TypeError');
});
test('writable errors', async () => {
  const s = new WritableStream({ write() { throw new Error('w'); } });
  const writer = s.getWriter();
  await rejects(writer.write(1), 'Error', 'w');
  await rejects(writer.closed, 'Error', 'w');
  await rejects(writer.ready, 'Error', 'w');
  await rejects(writer.write(1), 'Error', 'w');
  let aborted;
  let signalled;
  const t = new WritableStream({
    start(c) { c.signal.addEventListener('abort', () => (signalled = c.signal.reason)); },
    abort(r) { aborted = r; },
  });
  await t.abort('why');
  assert.equal(aborted, 'why');
  assert.equal(signalled, 'why');
  const u = new WritableStream({ start(c) { c.error(new Error('early')); } });
  await rejects(u.getWriter().closed, 'Error', 'early');
  throws(() => new WritableStreamDefaultController(), 'TypeError', 'Illegal constructor');
});
test('writable lock', async () => {
  const s = new WritableStream();
  const writer = s.getWriter();
  throws(() => s.getWriter(), 'TypeError');
  await rejects(s.close(), 'TypeError');
  writer.releaseLock();
  await rejects(writer.closed, 'TypeError');
  await rejects(writer.ready, 'TypeError');
  throws(() => writer.desiredSize, 'TypeError');
  await s.close();
});
test('writable close while writing fails', async () => {
  const s = new WritableStream({ async write() { await 1; throw new Error('late'); } });
  const writer = s.getWriter();
  writer.write(1).catch(() => {});
  await rejects(writer.close(), 'Error', 'late');
});
test('transform', async () => {
  const t = new TransformStream({
    start(c) { c.enqueue('s'); },
    transform(chunk, c) { c.enqueue(chunk); c.enqueue(chunk); },
  });
  const writer = t.writable.getWriter();
  writer.write('a');
  writer.close();
  const seen = [];
  for await (const chunk of t.readable) seen.push(chunk);
  assert.deepEqual(seen, ['s', 'a', 'a']);
});
test('transform errors', async () => {
  const t = new TransformStream({ transform() { throw new Error('t'); } });
  const writer = t.writable.getWriter();
  const writing = writer.write('a');
  await rejects(t.readable.getReader().read(), 'Error', 't');
  await rejects(writing, 'Error', 't');
  const u = new TransformStream({ start(c) { c.terminate(); } });
  assert.equal((await u.readable.getReader().read()).done, true);
  await rejects(u.writable.getWriter().closed, 'TypeError');
  let cancelled;
  const v = new TransformStream({ cancel(r) { cancelled = r; } });
  await v.readable.cancel('no');
  assert.equal(cancelled, 'no');
  const w = new TransformStream();
  await w.writable.abort(new Error('a'));
  await rejects(w.readable.getReader().read(), 'Error', 'a');
});
