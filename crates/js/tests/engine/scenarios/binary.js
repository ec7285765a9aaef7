// Buffers and their views: bytes in frozen memory written in place, resizable buffers grown out of it, detached ones.
import { look, attempt } from "script:look.js";

const buffer = new ArrayBuffer(256), bytes = new Uint8Array(buffer), words = new Int32Array(buffer, 16, 20), floats = new Float64Array(buffer, 64, 8);
const view = new DataView(buffer, 8);
const resizable = new ArrayBuffer(32, { maxByteLength: 2048 });
const tracking = new Uint8Array(resizable), offsetTracking = new Uint16Array(resizable, 8), fixed = new Uint8Array(resizable, 4, 8);
const clamped = new Uint8ClampedArray(16), bigs = new BigInt64Array(8), ubigs = new BigUint64Array(bigs.buffer);
const f16 = typeof Float16Array === "function" ? new Float16Array(8) : new Float32Array(8);
const large = new Uint8Array(40000);
const moved = { buffer: new ArrayBuffer(64) };
class Bytes extends Uint8Array { sum() { return this.reduce((a, b) => a + b, 0); } }
const own = new Bytes([1, 2, 3, 4]);
const expando = new Uint8Array(4); expando.note = "x";
const iter = bytes.entries();
let held = iter;
const pool = [];
const shorts = Int16Array.of(5, -3, 9, 0, -32768, 32767);
const sum = (a) => { let h = 7; for (let k = 0; k < a.length; k++) h = (h * 31 + Number(a[k])) % 1000003; return h; };

export const scenarios = {
  aliasing(i) { words[i % 20] = i * 65537; bytes[(i * 7) % 256] ^= i; return sum(bytes) + ":" + words[(i * 3) % 20]; },
  floats(i) { floats[i % 8] = i / 3; floats[(i + 1) % 8] = i % 2 ? NaN : -0; return floats.map((x) => x * 2).join() .length + ":" + bytes[70] + Object.is(floats[(i + 1) % 8], -0); },
  dataView(i) { view.setInt16(i % 200, -i, i % 2 === 0); view.setFloat32((i * 3) % 200, i / 7); view.setBigUint64((i * 5) % 200, BigInt(i) << 33n, true); return view.getUint32((i * 7) % 200) + ":" + view.getBigInt64((i * 5) % 200) + attempt(() => view.getInt8(248)); },
  fillSetCopy(i) { bytes.fill(i, i % 100, i % 100 + 30); bytes.set([1, 2, 3, i], (i * 3) % 250); bytes.copyWithin(i % 128, 100, 164); bytes.set(bytes.subarray(3, 40), i % 40); return sum(bytes); },
  setOverlapping(i) { shorts.set(new Uint8Array(shorts.buffer, 1, 6)); shorts[i % 6] = i * 1000; return look(Array.from(shorts)) + attempt(() => shorts.set([1, 2], 5)); },
  sortReverse(i) { shorts[i % 6] = -i; shorts.sort(); const a = shorts.join(); shorts.reverse(); return a + shorts.toSorted((x, y) => (x % 7) - (y % 7)).join() + shorts.with(0, i)[0]; },
  resizeGrow(i) { resizable.resize((i * 67) % 2048); for (let k = 0; k < tracking.length; k += 97) tracking[k] = i + k; return [resizable.byteLength, tracking.length, attempt(() => offsetTracking.length), fixed.length, attempt(() => fixed[0]), sum(tracking)].join(); },
  resizeOutOfBounds(i) { resizable.resize(i % 2 ? 6 : 40); const r = [fixed.length, fixed.byteOffset, offsetTracking.length, attempt(() => fixed.fill(1)), attempt(() => offsetTracking.map((x) => x))].join(); resizable.resize(32); return r + fixed.length + attempt(() => resizable.resize(5000)); },
  resizeInsideCallback(i) { resizable.resize(64); const seen = []; tracking.forEach((v, k) => { if (k === 5) resizable.resize(20 + i % 20); if (k % 8 === 0) seen.push(v ?? "gone"); }); resizable.resize(32); return seen.join(); },
  resizableSlice(i) { resizable.resize(48); tracking.fill(i); const s = resizable.slice(4, 20), t = tracking.slice(10, 14), u = tracking.subarray(40); resizable.resize(32); return [s.byteLength, s.resizable, t.join(), u.length].join(); },
  transferBuffer(i) { const old = moved.buffer; new Uint8Array(old)[i % 8] = i; moved.view = new Uint8Array(old); moved.buffer = i % 2 ? old.transfer(16 + i % 300) : old.transferToFixedLength(); const r = [old.detached, old.byteLength, moved.view.length, attempt(() => old.slice(0)), sum(new Uint8Array(moved.buffer))].join(); if (moved.buffer.byteLength > 400) moved.buffer = new ArrayBuffer(64); return r; },
  transferResizable(i) { const r = new ArrayBuffer(8, { maxByteLength: 64 }); const v = new Uint8Array(r); v[0] = i; const t = r.transfer(); pool.push(t); if (pool.length > 6) pool.shift(); t.resize(i % 64); return [t.resizable, t.maxByteLength, v.length, pool.map((p) => p.byteLength).join("-")].join(); },
  clamped(i) { clamped[i % 16] = i * 1.5 - 20; clamped[(i + 1) % 16] = "12.5"; clamped[20] = 1; return clamped.join() + clamped[20]; },
  bigInts(i) { bigs[i % 8] = BigInt(i) * -12345678901n; ubigs[(i + 3) % 8] += 1n << 63n; return ubigs[i % 8] + ":" + bigs[(i + 3) % 8] + attempt(() => { bigs[0] = i; }); },
  halfFloats(i) { f16[i % 8] = i / 3; f16[(i + 1) % 8] = 65520 + i; return f16.join(); },
  largeBuffer(i) { large.set(bytes, (i * 331) % 39000); large[(i * 977) % 40000] = i; return large.indexOf(i % 256) + ":" + large.lastIndexOf(255) + ":" + sum(large.subarray((i * 331) % 39000, (i * 331) % 39000 + 50)); },
  subclassSpecies(i) { own[i % 4] = i; const m = own.map((x) => x * 2), s = own.slice(1), f = own.filter((x) => x % 2); return [m.sum(), s instanceof Bytes, s.sum(), f.length, own.subarray(1).sum(), Bytes.from("123").sum()].join(); },
  expandoProperties(i) { expando["n" + i % 5] = i; expando[i % 8] = i; expando["-0"] = 1; expando["1.5"] = 2; delete expando["n" + (i * 2) % 5]; return Object.keys(expando).join() + look(Object.getOwnPropertyDescriptor(expando, "0")) + attempt(() => delete expando[0]) + (9 in expando); },
  heldIterator(i) { const r = held.next(); if (r.done || i % 90 === 0) held = bytes.subarray(0, 30).entries(); return look(r.done ? "done" : r.value[0]); },
  fromSources(i) { return [Uint8Array.from({ length: 3, 0: i, 1: 2 }), new Int8Array(new Set([i, -i])), new Uint16Array(words.subarray(0, 2)), Float32Array.of(i / 2), new Uint8Array([i, "3", null, undefined, 1.9])].map((a) => a.join()).join("|"); },
  badLengths(i) { return attempt(() => new Uint8Array(-1)) + attempt(() => new Uint16Array(buffer, 1)) + attempt(() => new Uint32Array(buffer, 0, 100)) + attempt(() => new ArrayBuffer(4, { maxByteLength: 2 })) + attempt(() => new Uint32Array(new ArrayBuffer(7))); },
  searchNaN(i) { const a = Float32Array.of(1, NaN, i); return [a.includes(NaN), a.indexOf(NaN), a.findLastIndex((x) => x === i), a.at(-1)].join(); },
  mixedConversion(i) { const a = new Uint8Array(8); a.set(new Float64Array([i + 0.9, -1, 300, NaN])); return a.join() + attempt(() => a.set(bigs)); },
  sliceDetach(i) { const b = new ArrayBuffer(16), a = new Uint8Array(b).fill(i); return attempt(() => a.map((x, k) => { if (k === 3) b.transfer(); return x; }).join()) + a.length; },
  sharedPrototype(i) { const P = Object.getPrototypeOf(Uint8Array.prototype); P.first = function () { return this[0]; }; const r = [bytes.first(), words.first(), clamped.first()].join(); delete P.first; return r; },
  hexAndBase64(i) { bytes[i % 256] = i; return typeof bytes.toHex === "function" ? bytes.subarray(0, 12).toHex() + bytes.subarray(0, 9).toBase64({ alphabet: "base64url" }) + Uint8Array.fromHex("0a0b" + (16 + i % 200).toString(16)).join() + attempt(() => Uint8Array.fromBase64("a" + i + "=")) : "none"; },
};
