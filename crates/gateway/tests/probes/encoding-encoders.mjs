// TextEncoder, TextEncoderStream, atob and btoa.
import { tries } from './show.mjs';

const encoder = new TextEncoder();
const into = (text, room) => () => { const view = new Uint8Array(room); const { read, written } = encoder.encodeInto(text, view); return [read, written, view]; };
const through = async (list) => {
  const stream = new TextEncoderStream();
  const writer = stream.writable.getWriter();
  const write = (async () => {
    for (const piece of list) await writer.write(piece);
    await writer.close();
  })();
  write.catch(() => {});
  const out = [];
  for await (const chunk of stream.readable) out.push(chunk);
  await write;
  return out;
};

export const encoders = {
  'encode': () => ['', 'aé☕𝒳', '\ud800', '\udc00x', 'a\ud800\ud800\udc00', '\u0000'].map((text) => encoder.encode(text)),
  'encode coerces': () => tries(() => encoder.encode(), () => encoder.encode(undefined), () => encoder.encode(null), () => encoder.encode(5), () => encoder.encode({}), () => encoder.encode(Symbol('x'))),
  'encodeInto': () => tries(into('aé☕𝒳', 10), into('aé☕𝒳', 9), into('aé☕𝒳', 6), into('aé☕𝒳', 5), into('aé', 2), into('aé', 0), into('', 3), into('\ud800x', 3), into('\ud800x', 4), into('x\ud83d\ude00', 4)),
  'encodeInto refuses': () => tries(() => encoder.encodeInto('a'), () => encoder.encodeInto('a', new Uint16Array(1)), () => encoder.encodeInto('a', new ArrayBuffer(1)), () => encoder.encodeInto('a', null), () => encoder.encodeInto(5, new Uint8Array(1)).written, () => encoder.encodeInto(), () => encoder.encodeInto('a', new DataView(new ArrayBuffer(1))), () => encoder.encodeInto('a', new Uint8ClampedArray(1)), () => encoder.encodeInto('ab', new Uint8Array(new SharedArrayBuffer(1))).read),
  'encodeInto a part': () => { const all = new Uint8Array(6); const gave = encoder.encodeInto('é', all.subarray(2, 5)); return [all, gave]; },
  'encoder shape': () => [encoder.encoding, Object.getOwnPropertyNames(TextEncoder.prototype).sort(), Object.keys(TextEncoder.prototype).sort(), String(encoder), TextEncoder.length, encoder.encode.length, encoder.encodeInto.length],
  'encode gives its own buffer': () => { const gave = encoder.encode('abc'); return [gave.byteOffset, gave.buffer.byteLength, gave.constructor.name]; },
  'encoder stream': () => through(['a', 'é', '\ud83d', '\ude00', '', 'x\ud800', 'y']),
  'encoder stream ends in half a pair': () => through(['a\ud83d']),
  'encoder stream empty after half': () => through(['\ud83d', '', '\ude00']),
  'encoder stream coerces': () => tries(() => through([5, null, undefined, { toString: () => 'z' }, true]), () => through([Symbol('x')])),
  'encoder stream shape': () => [new TextEncoderStream().encoding, Object.getOwnPropertyNames(TextEncoderStream.prototype).sort(), String(new TextEncoderStream()), new TextEncoderStream() instanceof TransformStream],
  'btoa': () => tries(() => btoa(''), () => btoa('a'), () => btoa('ab'), () => btoa('abc'), () => btoa('\u00ff'), () => btoa('\u0100'), () => btoa('☕'), () => btoa(), () => btoa(null), () => btoa(undefined), () => btoa(12), () => btoa(Symbol('x')), () => btoa({})),
  'atob': () => tries(() => atob(''), () => atob('YQ=='), () => atob('YQ'), () => atob('YWI='), () => atob('YWI'), () => atob(' Y W\tI\n= '), () => atob('YQ='), () => atob('Y'), () => atob('YWJj='), () => atob('Y@=='), () => atob('===='), () => atob('_-'), () => atob('/+'), () => atob(), () => atob(null), () => atob(undefined), () => atob(12), () => atob('YR=='), () => atob('\u00a0'), () => atob('é'), () => atob(Symbol('x'))),
  'base64 shape': () => [typeof atob, atob.length, btoa.length, atob.name],
  'base64 errors': () => { try { atob('*'); } catch (error) { return [error instanceof DOMException, error.code, error.name, typeof error.stack]; } },
};
