// URL and URLSearchParams.
test('url parts', () => {
  const u = new URL('/p?a=1#h', 'https://u:p@h.test:81/x');
  assert.deepEqual([u.href, u.origin, u.protocol, u.username, u.password, u.host, u.hostname, u.port, u.pathname, u.search, u.hash],
    ['https://u:p@h.test:81/p?a=1#h', 'https://h.test:81', 'https:', 'u', 'p', 'h.test:81', 'h.test', '81', '/p', '?a=1', '#h']);
  u.port = '';
  u.pathname = 'q';
  u.hash = '';
  u.protocol = 'http';
  u.host = 'z:9';
  u.hostname = 'y';
  u.username = '';
  u.password = '';
  assert.equal(u.href, 'http://y:9/q?a=1');
  assert.equal(JSON.stringify(u), '"http://y:9/q?a=1"');
  assert.equal(`${u}`, u.toString());
  throws(() => new URL('nope'), 'TypeError', 'Invalid URL string.');
  throws(() => { u.href = 'x'; }, 'TypeError', 'Invalid URL string.');
  assert.equal(URL.canParse('x'), false);
  assert.equal(URL.canParse('x', 'http://a'), true);
  assert.equal(URL.parse('x'), null);
  assert.equal(URL.parse('http://a').href, 'http://a/');
});
test('url searchParams are linked', () => {
  const u = new URL('http://a/?x=1&x=2');
  const p = u.searchParams;
  p.append('y', 'a b');
  assert.equal(u.search, '?x=1&x=2&y=a+b');
  u.search = '?z=3';
  assert.equal(p.get('z'), '3');
  assert.equal(p.has('x'), false);
  p.delete('z');
  assert.equal(u.href, 'http://a/');
  u.href = 'http://b/?q=1';
  assert.equal(p.get('q'), '1');
  assert.equal(u.searchParams, p);
});
test('search params', () => {
  const p = new URLSearchParams('?a=1&b=%C3%A9&a=+2&c&=d&%zz=%4');
  assert.deepEqual([...p], [['a', '1'], ['b', 'é'], ['a', ' 2'], ['c', ''], ['', 'd'], ['%zz', '%4']]);
  assert.equal(p.size, 6);
  assert.deepEqual(p.getAll('a'), ['1', ' 2']);
  assert.equal(p.has('a', '1'), true);
  assert.equal(p.has('a', '9'), false);
  p.delete('a', '1');
  assert.equal(p.get('a'), ' 2');
  p.set('n', 'ü&=~*');
  assert.equal(p.toString(), 'b=%C3%A9&a=+2&c=&=d&%25zz=%254&n=%C3%BC%26%3D%7E*');
  p.sort();
  assert.deepEqual([...p.keys()], ['', '%zz', 'a', 'b', 'c', 'n']);
  assert.equal(String(new URLSearchParams({ a: 1, b: 'x y' })), 'a=1&b=x+y');
  assert.equal(String(new URLSearchParams([['a', 'b'], ['a', 'c']])), 'a=b&a=c');
  assert.equal(String(new URLSearchParams(new URLSearchParams('q=r'))), 'q=r');
  throws(() => new URLSearchParams([['a']]), 'TypeError');
  const q = new URLSearchParams('a=1&a=2&a=3');
  q.set('a', '9');
  assert.equal(String(q), 'a=9');
  assert.equal(String(new URLSearchParams('\ud800')), '%EF%BF%BD=');
});
