// Classes, arguments, and what kind of streams the two sides are.
const members = (prototype) => Reflect.ownKeys(prototype).filter((key) => typeof key === 'string' || key === Symbol.toStringTag)
  .map((key) => [String(key), typeof Object.getOwnPropertyDescriptor(prototype, key).value]).sort((a, b) => (a[0] < b[0] ? -1 : 1));
const make = (Class, ...args) => () => Object.prototype.toString.call(new Class(...args));

export const surface = {
  'classes': () => [CompressionStream, DecompressionStream].map((Class) => [Class.name, Class.length, Object.getPrototypeOf(Class).name,
    Object.getPrototypeOf(Class.prototype) === TransformStream.prototype, members(Class.prototype)]),
  'instances': () => [new CompressionStream('gzip'), new DecompressionStream('gzip')].map((stream) => [stream instanceof TransformStream,
    stream.readable instanceof ReadableStream, stream.writable instanceof WritableStream, stream.readable === stream.readable, stream.constructor.name]),
  'formats': () => ['gzip', 'deflate', 'deflate-raw'].map((format) => [make(CompressionStream, format)(), make(DecompressionStream, format)()]),
  'format gzip in capitals': make(CompressionStream, 'GZIP'),
  'format brotli': make(CompressionStream, 'brotli'),
  'format brotli out': make(DecompressionStream, 'brotli'),
  'format br': make(DecompressionStream, 'br'),
  'format zstd': make(CompressionStream, 'zstd'),
  'format zstd out': make(DecompressionStream, 'zstd'),
  'format unknown out': make(DecompressionStream, 'x'),
  'format missing': make(CompressionStream),
  'format missing out': make(DecompressionStream),
  'format null': make(CompressionStream, null),
  'format converts': make(CompressionStream, { toString: () => 'deflate' }),
  'called without new': () => CompressionStream('gzip'),
  'subclass': () => { class Mine extends CompressionStream {} return new Mine('gzip') instanceof Mine; },
  'reading both ways': () => {
    const stream = new CompressionStream('gzip');
    return [stream.readable.getReader({ mode: 'byob' }).constructor.name, stream.writable.getWriter().desiredSize];
  },
};

export function moduleScope() {
  const all = {};
  for (const Class of [CompressionStream, DecompressionStream]) {
    let made;
    try { made = new Class('gzip'); } catch (error) { made = error; }
    all[`module scope ${Class.name}`] = () => { if (made instanceof Error) throw made; return made.constructor.name; };
    let bad;
    try { bad = new Class('x'); } catch (error) { bad = error; }
    all[`module scope ${Class.name} of no format`] = () => { if (bad instanceof Error) throw bad; return bad.constructor.name; };
  }
  return all;
}
