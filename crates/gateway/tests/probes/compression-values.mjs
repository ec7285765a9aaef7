// What goes through: round trips, chunks, other programs' files, pipes, bodies.
const text = (string) => new TextEncoder().encode(string);
const hex = (string) => Uint8Array.from(string.match(/../g), (pair) => parseInt(pair, 16));
const all = (stream) => new Response(stream).arrayBuffer();
const through = (bytes, ...streams) => streams.reduce((stream, next) => stream.pipeThrough(next), new Response(bytes).body);
const back = (format, bytes) => async () => {
  const out = new Uint8Array(await all(through(bytes, new CompressionStream(format), new DecompressionStream(format))));
  return out.length === bytes.length && out.every((byte, i) => byte === bytes[i]) ? `same ${out.length}` : out;
};
const inflate = (format, bytes) => async () => all(through(bytes, new DecompressionStream(format)));
const noise = (length) => { let s = 1; return Uint8Array.from({ length }, () => (s = (s * 48271) % 2147483647) & 255); };
const formats = ['gzip', 'deflate', 'deflate-raw'];
const GZIP = '1f8b0800000000000003cb48cdc9c9070086a6103605000000';
const ZLIB = '789ccb48cdc9c90700062c0215';
const RAW = 'cb48cdc9c90700';
const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const values = {
  ...Object.fromEntries(formats.flatMap((format) => [
    [`${format} nothing`, back(format, new Uint8Array())], [`${format} text`, back(format, text('hello, hello, hello'))],
    [`${format} noise`, back(format, noise(300_000))], [`${format} zeros`, back(format, new Uint8Array(1_000_000))],
  ])),
  'gzip of another program': inflate('gzip', hex(GZIP)),
  'gzip with a name': inflate('gzip', hex(`1f8b080800000000000361${'00'}${GZIP.slice(20)}`)),
  'gzip with everything': inflate('gzip', hex(`1f8b081c0000000000030200aabb6100${'6200'}${GZIP.slice(20)}`)),
  'deflate of another program': inflate('deflate', hex(ZLIB)),
  'deflate-raw of another program': inflate('deflate-raw', hex(RAW)),
  'gzip begins as gzip': async () => new Uint8Array(await all(through(text('x'), new CompressionStream('gzip')))).slice(0, 10),
  'gzip of nothing begins as gzip': async () => new Uint8Array(await all(through(new Uint8Array(), new CompressionStream('gzip')))).slice(0, 10),
  'deflate begins as zlib': async () => new Uint8Array(await all(through(text('x'), new CompressionStream('deflate')))).slice(0, 2),
  'zeros become few': async () => (await all(through(new Uint8Array(1_000_000), new CompressionStream('gzip')))).byteLength < 5000,
  'byte by byte': async () => {
    const stream = new DecompressionStream('gzip');
    const writer = stream.writable.getWriter();
    const out = all(stream.readable);
    for (const byte of hex(GZIP)) await writer.write(new Uint8Array([byte]));
    await writer.close();
    return out;
  },
  'kinds of chunks': async () => {
    const stream = new CompressionStream('deflate');
    const writer = stream.writable.getWriter();
    writer.write(text('a').buffer);
    writer.write(new DataView(text('xbx').buffer, 1, 1));
    writer.write(new Uint16Array([0x6463]));
    writer.write(text('xex').subarray(1, 2));
    writer.write(new Uint8Array());
    writer.close();
    return new Response(stream.readable.pipeThrough(new DecompressionStream('deflate'))).text();
  },
  'chunks are taken when written': async () => {
    const stream = new CompressionStream('deflate');
    const writer = stream.writable.getWriter();
    const bytes = text('before');
    const written = writer.write(bytes);
    bytes.fill(120);
    await written;
    writer.close();
    return new Response(stream.readable.pipeThrough(new DecompressionStream('deflate'))).text();
  },
  'written before it is read': async () => {
    const stream = new CompressionStream('gzip');
    const writer = stream.writable.getWriter();
    await writer.write(noise(200_000));
    await writer.close();
    return (await all(stream.readable.pipeThrough(new DecompressionStream('gzip')))).byteLength;
  },
  'much written before it is read': async () => {
    const packed = await all(through(new Uint8Array(6_000_000), new CompressionStream('gzip')));
    const stream = new DecompressionStream('gzip');
    const writer = stream.writable.getWriter();
    await writer.write(packed);
    await writer.close();
    return (await all(stream.readable)).byteLength;
  },
  'read before it is written': async () => {
    const stream = new DecompressionStream('deflate');
    const reader = stream.readable.getReader();
    const read = reader.read();
    const writer = stream.writable.getWriter();
    await writer.write(hex(ZLIB));
    const { value } = await read;
    await writer.close();
    return [value, await reader.read()];
  },
  'output before the end': async () => {
    const stream = new DecompressionStream('deflate-raw');
    const writer = stream.writable.getWriter();
    const reader = stream.readable.getReader();
    writer.write(hex(RAW).subarray(0, 5)).catch(() => {});
    return Promise.race([reader.read().then(({ value }) => value.length > 0), later(200).then(() => 'nothing yet')]);
  },
  'byob reader': async () => {
    const reader = through(hex(GZIP), new DecompressionStream('gzip')).getReader({ mode: 'byob' });
    const parts = [];
    for (;;) {
      const { value, done } = await reader.read(new Uint8Array(3));
      if (done) return parts;
      parts.push(value);
    }
  },
  'desired size': async () => {
    const writer = new CompressionStream('gzip').writable.getWriter();
    const sizes = [writer.desiredSize];
    const written = writer.write(text('abc'));
    sizes.push(writer.desiredSize);
    await written;
    sizes.push(writer.desiredSize);
    return sizes;
  },
  'closed promises': async () => {
    const stream = new CompressionStream('gzip');
    const writer = stream.writable.getWriter();
    const reader = stream.readable.getReader();
    writer.close();
    let size = 0;
    for (let part; !(part = await reader.read()).done;) size += part.value.length;
    return [await writer.closed, await reader.closed, size > 0];
  },
  'as the body of a response': async () => {
    const stream = new CompressionStream('gzip');
    const writer = stream.writable.getWriter();
    writer.write(text('body'));
    writer.close();
    const response = new Response(stream.readable, { headers: { 'content-type': 'x/y' } });
    return [response.headers.get('content-length'), await new Response(response.body.pipeThrough(new DecompressionStream('gzip'))).text()];
  },
  'a rewriter between': async () => {
    const packed = through(text('<p>x</p>'), new CompressionStream('gzip'));
    const page = new Response(packed.pipeThrough(new DecompressionStream('gzip')));
    return new HTMLRewriter().on('p', { element(e) { e.append('y'); } }).transform(page).text();
  },
  'tee': async () => {
    const [one, two] = through(hex(GZIP), new DecompressionStream('gzip')).tee();
    return [await new Response(one).text(), await new Response(two).text()];
  },
};
