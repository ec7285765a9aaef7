// What is on globalThis.
test('globals', () => {
  assert.equal(navigator.userAgent, 'Cloudflare-Workers');
  assert.equal(self, globalThis);
  assert.equal(performance.timeOrigin, 0);
  assert.ok(Math.abs(performance.now() - Date.now()) < 5);
  assert.equal(Number.isInteger(performance.now()), true);
  assert.equal(typeof queueMicrotask, 'function');
  for (const name of ['Response', 'Headers', 'ReadableStream', 'TextDecoder', 'console']) {
    assert.equal(Object.getOwnPropertyDescriptor(globalThis, name).enumerable, false, name);
  }
  assert.equal(Object.prototype.toString.call(crypto), '[object Crypto]');
  assert.equal(Object.prototype.toString.call(new URL('http://a')), '[object URL]');
});
