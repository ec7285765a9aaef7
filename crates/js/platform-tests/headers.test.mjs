// Headers: laziness, guards, normalisation, iteration and messages.
test('headers basics', () => {
  const h = new Headers({ 'Content-Type': 'a', 'X-B': 1 });
  h.append('x-b', ' 2 ');
  assert.equal(h.get('X-B'), '1, 2');
  assert.equal(h.get('nope'), null);
  h.set('x-b', '3');
  assert.deepEqual([...h], [['content-type', 'a'], ['x-b', '3']]);
  h.delete('X-b');
  assert.equal(h.has('x-b'), false);
  assert.deepEqual([...h.keys()], ['content-type']);
  assert.deepEqual([...h.values()], ['a']);
  const seen = [];
  h.forEach((value, name, all) => seen.push(value, name, all === h));
  assert.deepEqual(seen, ['a', 'content-type', true]);
  assert.equal(String(h), '[object Headers]');
});
test('headers set-cookie', () => {
  const h = new Headers([['b', '1'], ['Set-Cookie', 'x=1'], ['set-cookie', 'y=2'], ['a', '0']]);
  assert.deepEqual([...h], [['a', '0'], ['b', '1'], ['set-cookie', 'x=1'], ['set-cookie', 'y=2']]);
  assert.deepEqual(h.getSetCookie(), ['x=1', 'y=2']);
  assert.deepEqual(h.getAll('Set-Cookie'), ['x=1', 'y=2']);
  throws(() => h.getAll('a'), 'TypeError', 'getAll() can only be used with the header name "Set-Cookie".');
});
test('headers messages', () => {
  throws(() => new Headers({ 'a b': '1' }), 'TypeError', 'Invalid header name.');
  throws(() => new Headers({ a: 'x\ny' }), 'TypeError', 'Invalid header value.');
  throws(() => new Headers({ a: 'x\0y' }), 'TypeError', 'Invalid header value.');
  throws(() => new Headers([['a']]), 'TypeError',
    'To initialize a Headers object from a sequence, each inner sequence must have exactly two elements.');
  throws(() => new Headers(null), 'TypeError',
    "Failed to construct 'Headers': constructor parameter 1 is not of type 'Headers or Sequence or object'.");
  const h = new Headers([['', 'x'], ['é', 'ü'], ['a', '\x01']]);
  assert.equal(h.get('é'), 'ü');
  assert.equal(h.get('a'), '\x01');
  throws(() => Headers.prototype.get.call({}, 'a'), 'TypeError');
});
test('headers copy', () => {
  const a = new Headers({ x: '1' });
  const b = new Headers(a);
  b.set('x', '2');
  assert.equal(a.get('x'), '1');
  assert.deepEqual([...new Headers(new Map([['q', 'r']]))], [['q', 'r']]);
});
test('headers sent once each', async () => {
  const { headers } = await answer(() => {
    const r = new Response(null, { headers: { 'X-A': '1' } });
    r.headers.append('x-a', '2');
    return r;
  });
  assert.equal(headers, 'x-a\n1\nx-a\n2');
});
test('headers of an incoming request are immutable', async () => {
  const { body } = await answer((request) => {
    let message;
    try {
      request.headers.set('a', 'b');
    } catch (e) {
      message = e.message;
    }
    const copy = new Request(request);
    copy.headers.set('a', 'b');
    return new Response(`${message} ${copy.headers.get('a')} ${request.headers.get('x')}`);
  }, { headers: 'x\n1\nx\n2' });
  assert.equal(body, "Can't modify immutable headers. b 1, 2");
});
