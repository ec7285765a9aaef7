// TextEncoder, TextDecoder, base64, digests, random values.
test('text encoder', () => {
  const e = new TextEncoder();
  assert.equal(e.encoding, 'utf-8');
  assert.deepEqual([...e.encode('é')], [0xc3, 0xa9]);
  assert.deepEqual([...e.encode()], []);
  const into = new Uint8Array(4);
  assert.deepEqual(e.encodeInto('aé😀', into), { read: 2, written: 3 });
  assert.deepEqual(e.encodeInto('😀', into), { read: 2, written: 4 });
});
test('text decoder', () => {
  const bytes = new TextEncoder().encode('\ufeffhé😀');
  assert.equal(new TextDecoder().decode(bytes), 'hé😀');
  assert.equal(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes), '\ufeffhé😀');
  const d = new TextDecoder();
  let text = '';
  for (const byte of bytes.subarray(3)) text += d.decode(new Uint8Array([byte]), { stream: true });
  assert.equal(text + d.decode(), 'hé😀');
  throws(() => new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([255])), 'TypeError', 'Failed to decode input.');
  throws(() => new TextDecoder('nope'), 'RangeError', '"nope" is not a valid encoding.');
  throws(() => new TextDecoder('replacement'), 'RangeError', '"replacement" is not a valid encoding.');
  assert.equal(new TextDecoder('latin1').encoding, 'windows-1252');
  assert.equal(new TextDecoder('shift_jis').decode(new Uint8Array([0x82, 0xa0])), 'あ');
  assert.equal(new TextDecoder().decode(new TextEncoder().encode('ab').buffer), 'ab');
});
test('crypto', async () => {
  const hex = (b) => Buffer.from(b).toString('hex');
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode('abc'));
  assert.ok(digest instanceof ArrayBuffer);
  assert.equal(hex(digest), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.equal((await crypto.subtle.digest({ name: 'sha-1' }, new ArrayBuffer(70000))).byteLength, 20);
  await rejects(crypto.subtle.digest('X', new Uint8Array(1)), 'NotSupportedError');
  assert.match(crypto.randomUUID(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const array = new Uint32Array(8);
  assert.equal(crypto.getRandomValues(array), array);
  assert.ok(array.some((n) => n > 0));
  throws(() => crypto.getRandomValues(new Float32Array(1)), 'TypeMismatchError');
  throws(() => crypto.getRandomValues(new Uint8Array(65537)), 'QuotaExceededError');
});
test('text streams', async () => {
  const bytes = ReadableStream.from(['h', '\ud83d', '\ude00é']).pipeThrough(new TextEncoderStream());
  let text = '';
  for await (const part of bytes.pipeThrough(new TextDecoderStream())) text += part;
  assert.equal(text, 'h😀é');
});
