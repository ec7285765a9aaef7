// Buffers and views: resizing, transfer, detaching, base64 and hex, half floats, shared memory, atomics.

const tried = (f) => { try { const v = f(); return typeof v === 'bigint' ? String(v) : v } catch (e) { return e.name } };

export const binary = {
  'buffers: resize': () => { const b = new ArrayBuffer(4, { maxByteLength: 16 }); const v = new Uint8Array(b), w = new Uint8Array(b, 2, 2); v[3] = 7; b.resize(8); const first = [v.length, w.length, b.resizable, b.maxByteLength]; b.resize(3); return [first, v.length, w.length, w.byteOffset, tried(() => b.resize(17)), tried(() => new DataView(b, 2, 2))]; },
  'buffers: resize of a fixed one': () => tried(() => new ArrayBuffer(4).resize(2)),
  'buffers: transfer': () => { const b = new Uint8Array([1, 2, 3]).buffer; const c = b.transfer(5); const d = c.transferToFixedLength(2); return [b.detached, b.byteLength, c.detached, new Uint8Array(d), tried(() => b.slice()), tried(() => b.transfer())]; },
  'buffers: detached views': () => { const a = new Uint8Array([1, 2]); const d = new DataView(a.buffer); a.buffer.transfer(); return [a.length, a.byteOffset, a[0], tried(() => a.fill(1)), tried(() => d.getInt8(0)), tried(() => d.byteLength), tried(() => [...a]), tried(() => a.set([1])), tried(() => new Uint8Array(a)), tried(() => a.subarray(0))]; },
  'buffers: slice species': () => { class B extends ArrayBuffer {} const b = new B(4); return [b.slice(1) instanceof B, b.slice(1, -1).byteLength, ArrayBuffer.isView(new DataView(b))]; },
  'buffers: sizes refused': () => [-1, 2 ** 53, Infinity, 'x', 1.9].map((n) => tried(() => new ArrayBuffer(n).byteLength)),
  'base64: to': () => [new Uint8Array([251, 255]).toBase64(), new Uint8Array([251, 255]).toBase64({ alphabet: 'base64url' }), new Uint8Array([1]).toBase64({ omitPadding: true }), new Uint8Array().toBase64()],
  'base64: from': () => ['+/8=', ' + / 8 =\n', 'AQ', 'AQ==', 'AR==', 'A', 'AQ=', '-_8', '=', 'AAAA='].map((t) => tried(() => Uint8Array.fromBase64(t))),
  'base64: strict': () => ['AQ==', 'AQ', 'AR=='].map((t) => tried(() => Uint8Array.fromBase64(t, { lastChunkHandling: 'strict' }))),
  'base64: stop before partial': () => tried(() => Uint8Array.fromBase64('AQIDBA', { lastChunkHandling: 'stop-before-partial' })),
  'base64: set': () => { const a = new Uint8Array(4); const r = a.setFromBase64('AQIDBAUG'); return [a, r.read, r.written]; },
  'base64: bad options': () => [tried(() => Uint8Array.fromBase64('', { alphabet: 'x' })), tried(() => Uint8Array.fromBase64(1)), tried(() => new Uint8Array(1).toBase64({ alphabet: 5 }))],
  'hex': () => [new Uint8Array([1, 254]).toHex(), Uint8Array.fromHex('01FE'), tried(() => Uint8Array.fromHex('1')), tried(() => Uint8Array.fromHex('zz')), new Uint8Array(2).setFromHex('0a0b0c').written],
  'half floats': () => { const f = new Float16Array([1.337, 1e9, -0, NaN]); const d = new DataView(new ArrayBuffer(2)); d.setFloat16(0, 1.5); return [[...f].map(String), f.BYTES_PER_ELEMENT, d.getUint16(0), d.getFloat16(0), Float16Array.name]; },
  'typed arrays: conversions': () => [new Uint8ClampedArray([300, -5, 1.5, 2.5, NaN]), new Int8Array([200, -129]), new Uint16Array(['7', null, undefined]), tried(() => new BigInt64Array([1])), tried(() => new Uint8Array([1n]))],
  'typed arrays: constructor arguments': () => [tried(() => new Uint16Array(new ArrayBuffer(3)).length), tried(() => new Uint16Array(new ArrayBuffer(4), 1)), tried(() => new Uint8Array(new ArrayBuffer(4), 5)), tried(() => new Uint8Array({ length: 2, 0: 5 })), tried(() => new Uint8Array('3').length), tried(() => Uint8Array(1)), tried(() => new Uint8Array(-1)), tried(() => new Uint8Array(Symbol()))],
  'typed arrays: out of bounds writes': () => { 'use strict'; const a = new Uint8Array(1); a[5] = 1; a['-0'] = 1; a['1.5'] = 1; return [Object.keys(a), '-0' in a, Reflect.set(a, 9, 1), tried(() => Object.defineProperty(a, 9, { value: 1 }))]; },
  'typed arrays: methods': () => { const a = Uint8Array.of(3, 1, 2); return [a.toSorted(), a.toReversed(), a.with(0, 9), a.at(-1), a.findLast((x) => x > 1), a.subarray(1).byteOffset, a.slice(1), a.copyWithin(0, 1), a.includes(2), a.join('-')]; },
  'typed arrays: sort': () => [new Float64Array([3, -0, 0, NaN, -Infinity]).sort(), new BigInt64Array([3n, -1n]).sort().join(), new Int32Array([10, 9, 1]).sort((x, y) => y - x)].map((a) => String(a)),
  'typed arrays: species': () => { class A extends Uint8Array {} return [new A(3).map((x) => x) instanceof A, new A(3).subarray(1) instanceof A, new A(2).toSorted() instanceof A]; },
  'typed arrays: set overlaps': () => { const a = new Uint8Array([1, 2, 3, 4]); a.set(a.subarray(0, 3), 1); return [a, tried(() => a.set([1], 4)), tried(() => a.set([1], -1))]; },
  'data views': () => { const d = new DataView(new ArrayBuffer(8), 1, 4); d.setInt16(0, -2); d.setUint16(2, 258, true); return [d.getUint32(0), d.getInt16(2, true), tried(() => d.getInt32(1)), tried(() => d.getInt8(-1)), tried(() => d.setBigInt64(0, 1n)), d.byteOffset, tried(() => d.getInt8(Infinity))]; },
  'shared memory': () => { const s = new SharedArrayBuffer(4, { maxByteLength: 8 }); s.grow(8); return [s.byteLength, s.growable, s.maxByteLength, tried(() => s.grow(4)), s.slice(1).byteLength, Object.prototype.toString.call(s), new Uint8Array(s).buffer === s]; },
  'atomics': () => { const a = new Int32Array(new SharedArrayBuffer(8)); return [Atomics.add(a, 0, 5), Atomics.load(a, 0), Atomics.exchange(a, 0, 9), Atomics.compareExchange(a, 0, 9, 1), Atomics.or(a, 0, 6), Atomics.sub(a, 0, 1), Atomics.xor(a, 0, 1), Atomics.store(a, 1, -0), Atomics.notify(a, 0), Atomics.isLockFree(4), tried(() => Atomics.load(a, 2)), tried(() => Atomics.add(new Float64Array(1), 0, 1)), tried(() => Atomics.load([1], 0))]; },
  'atomics: wait': () => { try { return Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1) } catch (e) { return `${e.name}: ${e.message}` } },
  'atomics: waitAsync': () => { const r = Atomics.waitAsync?.(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 1); return [r?.async, r?.value] },
};
