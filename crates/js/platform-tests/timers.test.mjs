// Timers and the scheduler.
test('timers', async () => {
  const seen = [];
  await new Promise((resolve) => {
    const id = setTimeout((...args) => { seen.push(args); resolve(); }, 2, 'a', 'b');
    assert.equal(typeof id, 'number');
    const gone = setTimeout(() => seen.push('gone'), 1);
    clearTimeout(gone);
    assert.equal(control.take(16)[1], gone);
  });
  assert.deepEqual(seen, [['a', 'b']]);
  throws(() => setTimeout('code'), 'TypeError',
    "Failed to execute 'setTimeout' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'function'.");
  clearTimeout(undefined);
  clearTimeout(123456);
  setTimeout(() => {}, -5);
  setTimeout(() => {}, NaN);
  assert.deepEqual(control.ops.filter((op) => op[0] === 5).slice(-2).map((op) => op[2]), [0, 0]);
});
test('timers interval', async () => {
  let count = 0;
  await new Promise((resolve) => {
    const id = setInterval(() => {
      if (++count === 3) {
        clearInterval(id);
        resolve();
      }
    }, 1);
  });
  await new Promise((r) => setTimeout(r, 10));
  assert.equal(count, 3);
});
test('timers survive a throw', async () => {
  let count = 0;
  const id = setInterval(() => { count++; throw new Error('x'); }, 1);
  await new Promise((r) => setTimeout(r, 15));
  clearInterval(id);
  assert.ok(count > 1);
});
test('timers do not clear other operations', async () => {
  control.fetch = () => [200, null, '', '', false, -1, null];
  const fetching = fetch('http://x/');
  clearTimeout(control.take(3)[1]);
  assert.equal((await fetching).status, 200);
});
test('scheduler', async () => {
  await scheduler.wait(1);
  const controller = new AbortController();
  const waiting = scheduler.wait(1000, { signal: controller.signal });
  controller.abort();
  await rejects(waiting, 'AbortError');
});
