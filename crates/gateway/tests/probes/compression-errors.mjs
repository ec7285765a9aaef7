// Broken streams, chunks that are none, aborts and cancels.
const text = (string) => new TextEncoder().encode(string);
const hex = (string) => Uint8Array.from(string.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const GZIP = '1f8b0800000000000003cb48cdc9c9070086a6103605000000';
const ZLIB = '789ccb48cdc9c90700062c0215';
const RAW = 'cb48cdc9c90700';
const said = async (promise) => {
  try {
    const value = await promise;
    return value instanceof ArrayBuffer ? new TextDecoder().decode(value) : ['done', value === undefined ? 'undefined' : value];
  } catch (error) { return [error?.constructor?.name, error?.message ?? String(error)]; }
};

// What write, close and the reader each say.
const feed = (format, ...chunks) => async () => {
  const stream = new DecompressionStream(format);
  const writer = stream.writable.getWriter();
  const read = said(new Response(stream.readable).arrayBuffer());
  const all = [];
  for (const chunk of chunks) all.push(await said(writer.write(chunk)));
  all.push(await said(writer.close()), await read, await said(writer.closed));
  return all;
};
const broken = (string, at) => { const bytes = hex(string); bytes[at < 0 ? bytes.length + at : at] ^= 0x80; return bytes; };

export const errors = {
  'whole': feed('gzip', hex(GZIP)),
  'no gzip': feed('gzip', text('hello, this is no gzip')),
  'no zlib': feed('deflate', text('hello, this is no zlib')),
  'no deflate': feed('deflate-raw', hex('ffffffffff')),
  'gzip as zlib': feed('deflate', hex(GZIP)),
  'zlib as gzip': feed('gzip', hex(ZLIB)),
  'zlib as raw': feed('deflate-raw', hex(ZLIB)),
  'nothing gzip': feed('gzip'),
  'nothing deflate': feed('deflate'),
  'nothing raw': feed('deflate-raw'),
  'empty chunk': feed('gzip', new Uint8Array()),
  'cut gzip': feed('gzip', hex(GZIP).subarray(0, -1)),
  'cut gzip in the data': feed('gzip', hex(GZIP).subarray(0, 14)),
  'cut gzip in the header': feed('gzip', hex(GZIP).subarray(0, 5)),
  'cut zlib': feed('deflate', hex(ZLIB).subarray(0, -2)),
  'cut raw': feed('deflate-raw', hex(RAW).subarray(0, -2)),
  'more gzip': feed('gzip', hex(`${GZIP}00`)),
  'more zlib': feed('deflate', hex(`${ZLIB}00`)),
  'more raw': feed('deflate-raw', hex(`${RAW}00`)),
  'more in another chunk': feed('gzip', hex(GZIP), hex('00')),
  'two members': feed('gzip', hex(GZIP + GZIP)),
  'two members in two chunks': feed('gzip', hex(GZIP), hex(GZIP)),
  'empty chunk behind the end': feed('gzip', hex(GZIP), new Uint8Array()),
  'wrong checksum gzip': feed('gzip', broken(GZIP, -8)),
  'wrong length gzip': feed('gzip', broken(GZIP, -1)),
  'wrong checksum zlib': feed('deflate', broken(ZLIB, -1)),
  'wrong method': feed('gzip', broken(GZIP, 2)),
  'reserved flags': feed('gzip', broken(GZIP, 3)),
  'zlib with a dictionary': feed('deflate', hex('78bb12345678cb48cdc9c90700')),
  'text chunk': feed('gzip', 'text'),
  'number chunk': feed('gzip', 5),
  'undefined chunk': feed('gzip', undefined),
  'null chunk': feed('gzip', null),
  'object chunk': feed('gzip', {}),
  'array chunk': feed('gzip', [1, 2]),
  'shared chunk': feed('gzip', new SharedArrayBuffer(4)),
  'text chunk to compress': async () => {
    const stream = new CompressionStream('gzip');
    const writer = stream.writable.getWriter();
    const read = said(new Response(stream.readable).arrayBuffer().then((bytes) => bytes.byteLength > 0));
    return [await said(writer.write('text')), await said(writer.close()), await read];
  },
  'number chunk to compress': async () => {
    const writer = new CompressionStream('gzip').writable.getWriter();
    return [await said(writer.write(5)), await said(writer.write(text('x'))), await said(writer.close())];
  },
  'write after close': async () => {
    const stream = new CompressionStream('gzip');
    const writer = stream.writable.getWriter();
    new Response(stream.readable).arrayBuffer();
    await writer.close();
    return [await said(writer.write(text('x'))), await said(writer.close())];
  },
  'abort': async () => {
    const stream = new CompressionStream('gzip');
    const writer = stream.writable.getWriter();
    const reader = stream.readable.getReader();
    return [await said(writer.abort(new RangeError('why'))), await said(reader.read()), await said(writer.write(text('x')))];
  },
  'cancel': async () => {
    const stream = new CompressionStream('gzip');
    const writer = stream.writable.getWriter();
    return [await said(stream.readable.cancel(new RangeError('why'))), (await said(writer.write(text('x'))))[0] === 'done' ? 'writes' : 'refuses'];
  },
  'the source fails': async () => {
    const source = new ReadableStream({ pull(c) { c.error(new RangeError('source')); } });
    return said(new Response(source.pipeThrough(new CompressionStream('gzip'))).arrayBuffer());
  },
  'a pipe of what is no gzip': async () => said(new Response(new Response('no gzip at all').body.pipeThrough(new DecompressionStream('gzip'))).arrayBuffer()),
  'a pipe of texts': async () => said(new Response(new ReadableStream({ start(c) { c.enqueue('text'); c.close(); } })
    .pipeThrough(new CompressionStream('gzip')).pipeThrough(new DecompressionStream('gzip'))).text()),
  'a pipe of numbers': async () => said(new Response(new ReadableStream({ start(c) { c.enqueue(5); c.close(); } }).pipeThrough(new CompressionStream('gzip'))).arrayBuffer()),
};
