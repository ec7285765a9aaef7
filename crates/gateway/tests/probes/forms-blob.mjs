// Blob and File: parts, types, slices, readers.
import { each, file, members, text } from './forms-tools.mjs';

const B = (...all) => new Blob(...all);

export const blobs = {
  'blob: surface': () => [members(Blob.prototype), members(File.prototype), Blob.length, File.length, String(B()), String(new File([], 'n')), members(B()), Object.keys(Blob.prototype), Object.keys(File.prototype), Object.getPrototypeOf(File.prototype) === Blob.prototype],
  'blob: descriptors': () => [[Blob.prototype, 'size'], [Blob.prototype, 'slice'], [File.prototype, 'name']].map(([object, name]) => { const it = Object.getOwnPropertyDescriptor(object, name); return [it.enumerable, it.writable, it.configurable, typeof it.get, (it.get ?? it.value).name, (it.get ?? it.value).length]; }),
  'blob: parts': () => each(...[undefined, [], ['a', 'b'], [1, null, undefined, {}], [text('ab').subarray(1)], [new ArrayBuffer(2)], [B(['x']), 'y'], [new DataView(new ArrayBuffer(3), 1)], ['\ud800'], ['é'], [Symbol('x')], new Set(['a', 'b']), new Uint8Array(3), 'text', null, 1, {}, { length: 1, 0: 'a' }, (function* () { yield 'a'; })(), [[1, 2]], ['a\nb\r\n'], new String('ab'), [new URLSearchParams('a=b')]]
    .map((parts) => async () => { const made = B(parts); return [made.size, await made.text()]; })),
  'blob: types': () => each(...[undefined, null, '', 'text/plain', 'TEXT/Plain', 'é', 'a\x7f', 'a\0', 'a\n', 1, {}, ' a ', Symbol('x')].map((type) => () => B([], { type }).type)),
  'blob: options': () => each(() => B([], null).type, () => B([], undefined).type, () => B([], 1), () => B([], 'x'), () => B([], () => {}).type, () => B([], []).type, () => B(['a\nb'], { endings: 'native' }).size, () => B(['a\nb'], { endings: 'transparent' }).size, () => B([], { endings: 'x' }).size),
  'blob: options are read in order': () => { const seen = []; const options = new Proxy({}, { get: (_, key) => { seen.push(String(key)); return undefined; } }); B([], options); new File([], 'n', options); return seen; },
  'blob: slices': () => each(...[[], [1], [1, 3], [-2], [-3, -1], [3, 1], [10], [0, 100], [NaN], [undefined, 2], [null, 2], ['1', '3'], [1.9, 3.9], [0, 0], [Infinity], [-Infinity, Infinity], [2 ** 40], [0, undefined, 'T/T'], [0, 2, 'é'], [0, 2, null], [1n], [0, NaN], [0, null]].map((args) => async () => { const made = B(['abcde'], { type: 'a/b' }).slice(...args); return [made.type, await made.text(), made.constructor.name]; })),
  'blob: slice of a file': async () => { const made = new File(['abc'], 'n', { type: 'a/b' }).slice(1); return [made.constructor.name, made.name, made.type, await made.text()]; },
  'blob: readers': async () => { const made = B([new Uint8Array([0xef, 0xbb, 0xbf, 0x61, 0xff])]); return [await made.text(), await made.arrayBuffer(), await made.bytes(), await made.text()]; },
  'blob: bytes are copies': async () => { const made = B(['abc']); const first = await made.bytes(); first[0] = 0; return [await made.text(), (await made.bytes())[0]]; },
  'blob: parts are copied': async () => { const given = text('abc'); const made = B([given]); given[0] = 0; return made.text(); },
  'blob: stream': async () => { const reader = B(['abc']).stream().getReader(); return [await reader.read(), await reader.read()]; },
  'blob: stream of nothing': async () => { const reader = B().stream().getReader(); return [await reader.read()]; },
  'blob: stream with a buffer of one\'s own': async () => { const reader = B(['abcdef']).stream().getReader({ mode: 'byob' }); return [await reader.read(new Uint8Array(4)), await reader.read(new Uint8Array(4)), await reader.read(new Uint8Array(4))]; },
  'blob: two streams': async () => { const made = B(['abc']); return [await new Response(made.stream()).text(), await new Response(made.stream()).text()]; },
  'blob: as a body': async () => { const made = B(['x'], { type: 'a/b' }); const message = new Response(made); return [message.headers.get('content-type'), await message.text(), await new Response(new File(['y'], 'n', { type: 'c/d' })).blob().then(file)]; },
  'blob: unbound': () => each(() => Blob.prototype.text.call({}), () => Blob.prototype.slice.call({}), () => Object.getOwnPropertyDescriptor(Blob.prototype, 'size').get.call({}), () => Object.getOwnPropertyDescriptor(File.prototype, 'name').get.call(B())),
  'blob: subclass': async () => { class Mine extends Blob { get size() { return 99; } } const made = new Mine(['x']); return [made.size, await made.text(), made instanceof Blob, made.slice().constructor.name, B([made]).size]; },
  'blob: fields are read only': () => { const made = B(['x']); try { made.size = 5; } catch {} return [made.size, { ...made }, JSON.stringify(made)]; },
  'blob: large': async () => { const part = new Uint8Array(1 << 16).fill(97); const made = B(Array.from({ length: 16 }, () => part)); return [made.size, (await made.slice(1000, 2000).text()).length]; },
  'file: constructor': () => each(() => new File(), () => new File([]), () => new File([], undefined).name, () => new File([], null).name, () => new File([], 1).name, () => new File(null, 'n'), () => new File(undefined, 'n').size, () => new File('x', 'n'), () => new File(['a'], '').name, () => new File([], 'a/b:c').name, () => new File([], '\ud800').name, () => new File([], Symbol('x')), () => new File([], 'n', null).name, () => new File([], 'n', 1)),
  'file: lastModified': () => each(...[5, 5.9, -1, '7', NaN, undefined, null, new Date(9), 2 ** 53, Infinity, true, {}].map((lastModified) => () => { const made = new File([], 'n', { lastModified }); return lastModified === undefined ? Math.abs(Date.now() - made.lastModified) < 10_000 : made.lastModified; })),
  'constructors without new': () => each(() => Blob(), () => File(), () => FormData()),
  'file: type and readers': async () => { const made = new File(['abc'], 'n', { type: 'A/B' }); return [made.type, made.size, await made.text(), await made.bytes(), made instanceof Blob]; },
  'file: webkitRelativePath': () => ['webkitRelativePath' in new File([], 'n'), 'stream' in new File([], 'n')],
  'file: of files and blobs': () => file(new File([new File(['a'], 'x'), B(['b'])], 'n')),
};
