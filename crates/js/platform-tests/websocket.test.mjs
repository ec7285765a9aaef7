// WebSocket: what the host is told and tells; two ends of a pair in one instance are compared with workerd elsewhere.
const upgrade = (webSocket) => new Response(null, { status: 101, webSocket });

test('websocket: one end goes out, the host has the other', async () => {
  const log = [];
  const worker = () => {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.send('early');
    server.onmessage = ({ data }) => { log.push(data); server.send(data); };
    server.onclose = ({ code, reason, wasClean }) => { log.push(code, reason, wasClean); server.close(code, 'too'); };
    return upgrade(client);
  };
  const { id, status } = await answer(worker);
  assert.equal(status, 101);
  const [, socket] = control.take(50);
  assert.deepEqual(control.take(53), [53, socket, 'early']);
  assert.deepEqual(control.take(52), [52, socket]);
  const tell = (kind, status, ...values) => control.within(undefined, () => control.event(kind, socket, status, ...values));
  tell(20, 0, 'hello');
  tell(20, 0, new Uint8Array([1, 2]));
  assert.deepEqual(control.take(53), [53, socket, 'hello']);
  assert.equal(control.take(53)[2].byteLength, 2);
  tell(21, 0, 4000, 'bye');
  assert.deepEqual(control.take(54), [54, socket, 4000, 'too']);
  assert.deepEqual([log[0], log[1].byteLength, ...log.slice(2)], ['hello', 2, 4000, 'bye', true]);
  tell(20, 0, 'late');
  assert.equal(log.length, 5);
  assert.equal(control.take(13, id), undefined);
});
test('websocket: an untouched end is passed on', async () => {
  control.fetch = () => [101, '', 'x-a\n1', 'http://x/', false, -2, null];
  const worker = () => fetch('http://x/', { headers: { upgrade: 'websocket' } });
  const { status, headers } = await answer(worker);
  assert.equal(status, 101);
  assert.equal(headers, 'x-a\n1');
  assert.ok(control.take(51)[1] > 0);
  assert.equal(control.take(52), undefined);
});
test('websocket: what ends otherwise', async () => {
  const log = [];
  let ws;
  const worker = () => {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener('error', ({ message }) => log.push(message));
    server.addEventListener('close', ({ code, wasClean }) => log.push(code, wasClean));
    ws = server;
    return upgrade(client);
  };
  for (const [kind, status, values, told] of [
    [22, 0, [], [1006, false]],
    [22, 1, [], ['Uncaught Error: Network connection lost.', 1006, false]],
    [23, 0, ['broke'], ['Uncaught Error: broke']],
  ]) {
    await answer(worker);
    const [, socket] = control.take(50);
    control.within(undefined, () => control.event(kind, socket, status, ...values));
    assert.deepEqual(log.splice(0), told);
    assert.equal(ws.readyState, WebSocket.CLOSED);
  }
});
