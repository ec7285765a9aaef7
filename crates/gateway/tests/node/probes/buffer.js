import { Buffer, constants, isAscii, isUtf8, kMaxLength, transcode, Blob, File, atob, btoa } from 'node:buffer';
import bare from 'buffer';

const from = (...args) => Buffer.from(...args);
const num = (method, bytes, ...args) => from(bytes)[method](...args);
const put = (method, ...args) => {
  const b = Buffer.alloc(10);
  const end = b[method](...args);
  return [end, b.toString('hex')];
};

export default {
  'global is the module\'s': () => [globalThis.Buffer === Buffer, bare.Buffer === Buffer, Blob === globalThis.Blob, File === globalThis.File],
  'constants': () => [constants.MAX_LENGTH > 1e9, constants.MAX_STRING_LENGTH, kMaxLength > 1e9],
  'atob, btoa': () => [atob('aGk='), btoa('hi')],
  'from text': () => from('héllo €😀'),
  'from lone surrogate': () => from('a\ud800b'),
  'from hex': () => from('deadBEEF', 'hex'),
  'from odd hex': () => from('abc', 'hex'),
  'from bad hex': () => from('abzz12', 'hex'),
  'from base64': () => from('aGVsbG8gd29ybGQ=', 'base64'),
  'from base64 without padding': () => from('aGVsbG8', 'base64'),
  'from base64 with noise': () => from('aG Vs\nbG8=', 'base64'),
  'from base64 after padding': () => from('YQ==YQ==', 'base64'),
  'from base64url in base64': () => from('-_-_', 'base64'),
  'from base64url': () => from('-_-_YQ', 'base64url'),
  'from base64 of nothing': () => from('', 'base64'),
  'from latin1': () => from('é€', 'latin1'),
  'from ascii': () => from('é', 'ascii'),
  'from ucs2': () => from('aé€', 'ucs2'),
  'from utf-16le': () => from('aé', 'UTF-16LE'),
  'from unknown encoding': () => from('a', 'nope'),
  'from array': () => from([1, 2, 300, -1, 'x', 4.7]),
  'from array-like': () => from({ length: 2, 0: 7, 1: 8 }),
  'from JSON': () => from({ type: 'Buffer', data: [1, 2] }),
  'from ArrayBuffer': () => from(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2),
  'from ArrayBuffer shares': () => {
    const u = new Uint8Array(2);
    from(u.buffer)[0] = 9;
    return u;
  },
  'from Uint16Array': () => from(new Uint16Array([1, 256, 65535])),
  'from String object': () => from(new String('abc')),
  'from toPrimitive': () => from({ [Symbol.toPrimitive]: () => 'prim' }),
  'from number': () => from(5),
  'from null': () => from(null),
  'from undefined': () => from(undefined),
  'from function': () => from(() => {}),
  'from symbol': () => from(Symbol('s')),
  'from boolean': () => from(true),
  'from bad offset': () => from(new ArrayBuffer(2), 5),
  'from bad length': () => from(new ArrayBuffer(2), 1, 5),
  'alloc': () => [Buffer.alloc(3), Buffer.alloc(3, 1), Buffer.alloc(5, 'ab'), Buffer.alloc(4, 'YQ==', 'base64')],
  'alloc negative': () => Buffer.alloc(-1),
  'alloc text': () => Buffer.alloc('5'),
  'alloc NaN': () => Buffer.alloc(NaN),
  'allocUnsafe': () => Buffer.allocUnsafe(2).length,
  'constructor': () => [new Buffer(2), new Buffer('a'), Buffer([1])],
  'of': () => Buffer.of(1, 2, 257),
  'isBuffer': () => [Buffer.isBuffer(from('')), Buffer.isBuffer(new Uint8Array(1)), Buffer.isBuffer(null)],
  'isEncoding': () => ['utf8', 'UTF-8', 'hex', 'binary', 'base64url', 'nope', '', 5].map((e) => Buffer.isEncoding(e)),
  'byteLength': () => [Buffer.byteLength('é€'), Buffer.byteLength('abcd', 'base64'), Buffer.byteLength('ab==', 'base64'), Buffer.byteLength('abc', 'hex'), Buffer.byteLength('ab', 'ucs2'), Buffer.byteLength(new ArrayBuffer(3))],
  'byteLength of number': () => Buffer.byteLength(5),
  'concat': () => [Buffer.concat([from('a'), new Uint8Array([66])]), Buffer.concat([from('abc')], 2), Buffer.concat([from('a')], 3), Buffer.concat([])],
  'concat of strings': () => Buffer.concat(['a']),
  'concat of nothing': () => Buffer.concat(),
  'compare': () => [Buffer.compare(from('a'), from('b')), from('b').compare(from('a')), from('a').compare(from('a')), from('abc').compare(from('xbcx'), 1, 3, 1, 3)],
  'compare of strings': () => Buffer.compare('a', 'b'),
  'equals': () => [from('a').equals(from('a')), from('a').equals(new Uint8Array([97])), from('a').equals(from('ab'))],
  'equals of string': () => from('a').equals('a'),
  'toString encodings': () => ['utf8', 'hex', 'base64', 'base64url', 'latin1', 'ascii', 'ucs2', 'binary'].map((e) => from([0xff, 0xfe, 0x41, 0xc3, 0xa9, 0x42]).toString(e)),
  'toString with bounds': () => [from('hello').toString('utf8', 1, 3), from('hello').toString('utf8', -1, 99), from('hello').toString('hex', 3, 1), from('abc').toString(undefined, 1)],
  'toString unknown': () => from('a').toString('nope'),
  'toString null': () => from('a').toString(null),
  'toString of broken utf8': () => from([0xe2, 0x82, 0x41, 0xf0, 0x9f, 0x98, 0xc0, 0x80]).toString(),
  'toString keeps BOM': () => from([0xef, 0xbb, 0xbf, 0x61]).toString(),
  'toJSON': () => JSON.stringify(from('hi')),
  'slice shares': () => {
    const b = from('abc');
    b.slice(1)[0] = 0x58;
    return [b.toString(), b.slice(-2).toString(), b.subarray(0, -1).toString(), b.slice('1').toString(), b.slice() instanceof Buffer];
  },
  'species': () => [from('ab').map((x) => x + 1), from('ab').filter((x) => x > 97) instanceof Buffer],
  'write': () => {
    const b = Buffer.alloc(8);
    return [b.write('abc', 1), b.write('zz', 'latin1'), b.write('ff', 6, 'hex'), b.write('€€€', 2, 4), b.toString('hex')];
  },
  'write beyond': () => Buffer.alloc(2).write('a', 5),
  'write number': () => Buffer.alloc(2).write(5),
  'fill': () => [Buffer.alloc(5).fill('abc'), Buffer.alloc(4).fill(257), Buffer.alloc(4).fill('x', 1, 3), Buffer.alloc(4).fill('6162', 'hex'), Buffer.alloc(3).fill(''), Buffer.alloc(4).fill(from([1, 2, 3]))],
  'fill out of range': () => Buffer.alloc(2).fill('a', 0, 5),
  'fill with bad hex': () => Buffer.alloc(2).fill('zz', 'hex'),
  'copy': () => {
    const b = Buffer.alloc(5);
    return [from('hello').copy(b, 1, 1, 3), b.toString('hex'), from('hello').copy(b, 9), from('abcdefgh').copy(b)];
  },
  'copy out of range': () => from('a').copy(Buffer.alloc(1), -1),
  'indexOf': () => {
    const b = from('this is a buffer');
    return [b.indexOf('is'), b.indexOf('is', 3), b.indexOf(from('a buffer')), b.indexOf(97), b.indexOf(97 + 256), b.indexOf('zz'), b.indexOf('is', -5), b.indexOf(''), b.indexOf('', 99), b.lastIndexOf('is'), b.lastIndexOf('is', 3), b.lastIndexOf(115), b.includes('buf'), b.includes('buf', 12)];
  },
  'indexOf in ucs2': () => from('\u039a\u0391\u03a3\u03a3\u0395', 'utf16le').indexOf('\u03a3', -4, 'utf16le'),
  'indexOf of object': () => from('a').indexOf({}),
  'swap': () => [from([1, 2, 3, 4]).swap16(), from([1, 2, 3, 4]).swap32(), from([1, 2, 3, 4, 5, 6, 7, 8]).swap64()],
  'swap odd': () => from([1, 2, 3]).swap16(),
  'readUInt': () => [num('readUInt8', [1, 255], 1), num('readUInt16LE', [1, 2]), num('readUInt16BE', [1, 2]), num('readUInt32LE', [1, 2, 3, 255]), num('readUint32BE', [255, 2, 3, 4])],
  'readInt': () => [num('readInt8', [255]), num('readInt16LE', [0, 128]), num('readInt16BE', [255, 254]), num('readInt32LE', [1, 2, 3, 255]), num('readInt32BE', [128, 0, 0, 0])],
  'readBig': () => [num('readBigUInt64LE', [1, 2, 3, 4, 5, 6, 7, 255]), num('readBigInt64BE', [255, 2, 3, 4, 5, 6, 7, 8])],
  'readFloat': () => [num('readFloatLE', [0, 0, 128, 63]), num('readDoubleBE', [63, 240, 0, 0, 0, 0, 0, 0])],
  'readUIntLE': () => [num('readUIntLE', [1, 2, 3, 4, 5, 6], 0, 6), num('readUIntBE', [1, 2, 3], 0, 3), num('readIntLE', [255, 255, 255], 0, 3), num('readIntBE', [128, 0, 0, 0, 0, 1], 0, 6)],
  'read out of range': () => num('readUInt16LE', [1], 0),
  'read beyond': () => num('readInt32BE', [1, 2, 3, 4, 5], 2),
  'read fraction': () => num('readInt8', [1], 0.5),
  'read text offset': () => num('readInt8', [1], '0'),
  'read bad byteLength': () => num('readUIntLE', [1], 0, 7),
  'read no byteLength': () => num('readUIntLE', [1], 0),
  'writeUInt': () => [put('writeUInt8', 255, 1), put('writeUInt16LE', 258), put('writeUInt16BE', 258, 2), put('writeUInt32LE', 4294967295), put('writeUInt32BE', 1)],
  'writeInt': () => [put('writeInt8', -1), put('writeInt16LE', -2), put('writeInt32BE', -3, 4)],
  'writeBig': () => [put('writeBigUInt64LE', 255n), put('writeBigInt64BE', -2n)],
  'writeFloat': () => [put('writeFloatBE', 1.5), put('writeDoubleLE', -0.1)],
  'writeUIntLE': () => [put('writeUIntLE', 0x123456, 0, 3), put('writeIntBE', -5, 1, 6), put('writeUIntBE', 1099511627775, 0, 5)],
  'write too large': () => put('writeUInt8', 256),
  'write too large 16': () => put('writeInt16LE', 40000),
  'write too large 32': () => put('writeUInt32LE', 4294967296),
  'write too large 48': () => put('writeUIntBE', 2 ** 48, 0, 6),
  'write too large big': () => put('writeBigUInt64LE', -1n),
  'write too large big, signed': () => [2n ** 63n, -(2n ** 63n) - 1n].map((value) => { try { return put('writeBigInt64LE', value); } catch (error) { return error; } }),
  'write past the end': () => put('writeDoubleLE', 1, 5),
  'inspect': () => [from('a'.repeat(60)).inspect(), from('').inspect()],
  'parent and offset': () => [from('abc').slice(1).offset - from('abc').offset, from('x').parent instanceof ArrayBuffer],
  'slices by encoding': () => [from('abc').hexSlice(1), from('abc').utf8Slice(0, 2), from('abc').base64Slice(), from('é').latin1Slice()],
  'writes by encoding': () => {
    const b = Buffer.alloc(4);
    return [b.hexWrite('abcd', 1), b.utf8Write('é'), b.latin1Write('é', 3), b];
  },
  'transcode': () => [transcode(from('€é'), 'utf8', 'latin1'), transcode(from('é'), 'utf8', 'ucs2'), transcode(from([0xe9]), 'latin1', 'utf8'), transcode(from('aé'), 'utf8', 'ascii')],
  'transcode unknown': () => transcode(from('a'), 'utf8', 'hex'),
  'isAscii, isUtf8': () => [isAscii(from('abc')), isAscii(from('é')), isUtf8(from('é')), isUtf8(from([0xff]))],
  'isUtf8 of string': () => isUtf8('a'),
  'iteration': () => [[...from('ab')], [...from('ab').entries()], Object.keys(from('ab'))],
  'statics': () => Object.keys(Buffer).sort(),
  'poolSize': () => Buffer.poolSize,
};
