// What is there: classes, members, getRandomValues, randomUUID, timingSafeEqual, digests, DigestStream; and what was
// made while the module was evaluated, used in a handler.
const { subtle } = crypto;
const bytes = (...all) => new Uint8Array(all);
const text = (string) => new TextEncoder().encode(string);
const members = (object) => Object.getOwnPropertyNames(object).sort();
const described = (object, name) => {
  const it = Object.getOwnPropertyDescriptor(object, name);
  return it && { ...it, get: typeof it.get, set: typeof it.set, value: typeof it.value };
};

export async function moduleScope() {
  const made = {};
  const attempt = async (name, run) => {
    try {
      made[name] = await run();
    } catch (error) {
      made[name] = error;
    }
  };
  await attempt('digest', () => subtle.digest('SHA-256', text('module')));
  await attempt('big', () => subtle.digest('SHA-256', new Uint8Array(3_000_000)));
  await attempt('aes', () => subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', false, ['encrypt', 'decrypt']));
  await attempt('hmac', () => subtle.importKey('raw', text('k'), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']));
  await attempt('pair', () => subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']));
  await attempt('ed', () => subtle.generateKey('Ed25519', false, ['sign', 'verify']));
  await attempt('aesMade', () => subtle.generateKey({ name: 'AES-GCM', length: 128 }, false, ['encrypt']));
  await attempt('hmacMade', () => subtle.generateKey({ name: 'HMAC', hash: 'SHA-1' }, false, ['sign']));
  await attempt('random', () => crypto.getRandomValues(new Uint8Array(4)));
  await attempt('none', () => crypto.getRandomValues(new Uint8Array(0)));
  await attempt('uuid', () => crypto.randomUUID());
  await attempt('equal', () => subtle.timingSafeEqual(bytes(1), bytes(1)));
  await attempt('pbkdf2', async () => {
    const key = await subtle.importKey('raw', text('p'), 'PBKDF2', false, ['deriveBits']);
    return subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: text('s'), iterations: 1000 }, key, 128);
  });
  await attempt('stream', () => new crypto.DigestStream('SHA-256'));
  return made;
}

export const surface = (made) => ({
  'module scope digest': () => made.digest,
  'module scope long digest': () => made.big,
  'module scope keys': () => [made.aes, made.hmac, made.pair, made.ed],
  'module scope refusals': () => [made.aesMade, made.hmacMade, made.random, made.none, made.uuid],
  'module scope equal, pbkdf2': () => [made.equal, made.pbkdf2],
  'module scope aes key works': () => subtle.encrypt({ name: 'AES-GCM', iv: new Uint8Array(12) }, made.aes, text('x')),
  'module scope hmac key works': () => subtle.sign('HMAC', made.hmac, text('x')),
  'module scope pair works': async () => {
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
    return subtle.verify(algorithm, made.pair.publicKey, await subtle.sign(algorithm, made.pair.privateKey, bytes(1)), bytes(1));
  },
  'module scope stream works': async () => {
    const writer = made.stream.getWriter();
    await writer.write(text('abc'));
    await writer.close();
    return made.stream.digest;
  },
  'tags': () => [String(crypto), String(subtle), String(made.aes), String(made.stream)],
  'crypto members': () => [members(crypto), members(Crypto.prototype), Crypto.name, Crypto.length],
  'subtle members': () => [members(subtle), members(SubtleCrypto.prototype)],
  'key members': () => [members(made.aes), members(CryptoKey.prototype)],
  'stream members': () => [members(made.stream), members(crypto.DigestStream.prototype), Object.getPrototypeOf(crypto.DigestStream) === WritableStream],
  'descriptors': () => [described(Crypto.prototype, 'subtle'), described(Crypto.prototype, 'getRandomValues'),
    described(Crypto.prototype, 'randomUUID'), described(SubtleCrypto.prototype, 'digest'),
    described(CryptoKey.prototype, 'type'), described(made.aes, 'type'), described(globalThis, 'crypto'),
    described(Crypto.prototype, 'DigestStream'), described(crypto, 'DigestStream')],
  'method lengths': () => members(SubtleCrypto.prototype).map((name) => [name, SubtleCrypto.prototype[name].length]),
  'new Crypto': () => new Crypto(),
  'new SubtleCrypto': () => new SubtleCrypto(),
  'new CryptoKey': () => new CryptoKey(),
  'unbound digest': () => (0, subtle.digest)('SHA-256', bytes()),
  'unbound getRandomValues': () => (0, crypto.getRandomValues)(bytes(1)),
  'unbound randomUUID': () => (0, crypto.randomUUID)(),
  'unbound subtle': () => Object.getOwnPropertyDescriptor(Crypto.prototype, 'subtle').get.call({}),
  'key algorithm is fresh': () => [made.aes.algorithm === made.aes.algorithm, made.aes.usages === made.aes.usages],
  'key is read only': () => { made.aes.type = 'x'; made.aes.usages.push('sign'); return made.aes; },
  'structuredClone of a key': async () => {
    const copy = structuredClone({ key: made.aes });
    return [copy.key === made.aes, copy.key];
  },
  'keys of a key': () => [Object.keys(made.aes), JSON.stringify(made.aes)],
  'uuid': () => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()),
  'random returns its argument': () => {
    const array = new Uint32Array(4);
    return [crypto.getRandomValues(array) === array, array.some((word) => word !== 0)];
  },
  'random all types': () => [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array,
    BigInt64Array, BigUint64Array].map((type) => crypto.getRandomValues(new type(8)).length),
  'random part of a buffer': () => {
    const buffer = new Uint8Array(64);
    crypto.getRandomValues(new Uint8Array(buffer.buffer, 16, 32));
    return [buffer.slice(0, 16), buffer.slice(48), buffer.slice(16, 48).some((byte) => byte !== 0)];
  },
  'random 65536': () => crypto.getRandomValues(new Uint8Array(65536)).length,
  'random 65537': () => crypto.getRandomValues(new Uint8Array(65537)),
  'random too many words': () => crypto.getRandomValues(new Uint32Array(16385)),
  'random float': () => crypto.getRandomValues(new Float32Array(1)),
  'random float64': () => crypto.getRandomValues(new Float64Array(1)),
  'random DataView': () => crypto.getRandomValues(new DataView(new ArrayBuffer(4))),
  'random ArrayBuffer': () => crypto.getRandomValues(new ArrayBuffer(4)),
  'random array': () => crypto.getRandomValues([1, 2]),
  'random nothing': () => crypto.getRandomValues(),
  'random null': () => crypto.getRandomValues(null),
  'random empty': () => crypto.getRandomValues(new Uint8Array()),
  'equal': () => [subtle.timingSafeEqual(bytes(1, 2), bytes(1, 2)), subtle.timingSafeEqual(bytes(1, 2), bytes(1, 3)),
    subtle.timingSafeEqual(new Uint16Array([1]), new Uint8Array([1, 0]).buffer), subtle.timingSafeEqual(bytes(), bytes())],
  'equal long': () => {
    const [a, b] = [new Uint8Array(3 << 20), new Uint8Array(3 << 20)];
    const same = subtle.timingSafeEqual(a, b);
    b[(2 << 20) + 5] = 1;
    return [same, subtle.timingSafeEqual(a, b)];
  },
  'equal lengths': () => subtle.timingSafeEqual(bytes(1), bytes(1, 2)),
  'equal strings': () => subtle.timingSafeEqual('a', 'a'),
  'equal second string': () => subtle.timingSafeEqual(bytes(1), 'a'),
  'equal nothing': () => subtle.timingSafeEqual(),
  'digest names': () => Promise.all(['SHA-1', 'sha-256', 'Sha-384', 'SHA-512', 'MD5', 'md5'].map((name) => subtle.digest(name, text('abc')))),
  'digest object': () => subtle.digest({ name: 'SHA-256' }, bytes().buffer),
  'digest of a view': () => subtle.digest('SHA-1', new DataView(text('xabcx').buffer, 1, 3)),
  'digest long': async () => {
    const data = new Uint8Array(2_500_001).map((_, i) => i * 7);
    return Promise.all(['MD5', 'SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'].map((name) => subtle.digest(name, data)));
  },
  'digest unknown': () => subtle.digest('SHA-3', bytes()),
  'digest SHA-224': () => subtle.digest('SHA-224', bytes()),
  'digest empty name': () => subtle.digest('', bytes()),
  'digest no name': () => subtle.digest({}, bytes()),
  'digest null': () => subtle.digest(null, bytes()),
  'digest number': () => subtle.digest(5, bytes()),
  'digest undefined': () => subtle.digest(undefined, bytes()),
  'digest nothing': () => subtle.digest(),
  'digest string data': () => subtle.digest('SHA-256', 'abc'),
  'digest no data': () => subtle.digest('SHA-256'),
  'digest null data': () => subtle.digest('SHA-256', null),
  'digest array data': () => subtle.digest('SHA-256', [1]),
  'digest detached': () => {
    const data = bytes(1, 2, 3);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    return subtle.digest('SHA-256', data);
  },
  'digest getter name': () => subtle.digest({ get name() { return 'SHA-1'; } }, bytes()),
  'digest throwing name': () => subtle.digest({ get name() { throw new RangeError('mine'); } }, bytes()),
  'digest symbol name': () => subtle.digest({ name: Symbol('x') }, bytes()),
  'import raw variants': () => Promise.all([['raw-secret', 'AES-GCM', ['encrypt']], ['raw-public', 'AES-GCM', ['encrypt']], ['raw-private', 'AES-GCM', ['encrypt']], ['raw-seed', { name: 'HMAC', hash: 'SHA-1' }, ['sign']],
    ['raw-secret', { name: 'HMAC', hash: 'SHA-1' }, ['sign']], ['raw-secret', 'HKDF', ['deriveBits']], ['raw-public', 'PBKDF2', ['deriveBits']], ['raw-secret', 'Ed25519', ['verify']], ['raw-private', 'Ed25519', ['sign']],
    ['raw-seed', 'X25519', ['deriveBits']], ['raw-secret', { name: 'ECDSA', namedCurve: 'P-256' }, ['verify']], ['raw-public', { name: 'ECDSA', namedCurve: 'P-256' }, ['verify']], ['raw', { name: 'RSA-PSS', hash: 'SHA-1' }, ['verify']]].map(([format, algorithm, usages]) =>
    subtle.importKey(format, new Uint8Array(16), algorithm, true, usages).catch((error) => error))),
  'export raw variants': async () => {
    const key = await subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', true, ['encrypt']);
    const mac = await subtle.importKey('raw', new Uint8Array(16), { name: 'HMAC', hash: 'SHA-1' }, true, ['sign']);
    const { publicKey } = await subtle.generateKey('Ed25519', true, ['sign']);
    return Promise.all([['raw-secret', key], ['raw-seed', key], ['raw-secret', mac], ['raw-public', publicKey], ['raw-seed', made.pair.publicKey]].map(([format, it]) =>
      subtle.exportKey(format, it).then(() => 'exported', (error) => error)));
  },
  'missing arguments': () => Promise.all([subtle.importKey('raw', bytes(1), 'AES-GCM'), subtle.importKey('raw', bytes(1), 'AES-GCM', true), subtle.importKey('raw', bytes(1)), subtle.importKey('raw'), subtle.generateKey('HMAC'),
    subtle.generateKey('HMAC', true), subtle.exportKey('raw'), subtle.encrypt('AES-GCM'), subtle.encrypt('AES-GCM', made.aes), subtle.verify('HMAC', made.hmac), subtle.deriveKey('HKDF', made.hmac), subtle.wrapKey('raw', made.aes), subtle.wrapKey('raw', made.aes, made.aes),
    subtle.unwrapKey('raw', bytes(1)), subtle.unwrapKey('raw', bytes(1), made.aes), subtle.unwrapKey('raw', bytes(1), made.aes, 'AES-GCM'), subtle.unwrapKey('raw', bytes(1), made.aes, 'AES-GCM', 'AES-GCM')].map((promise) => promise.catch((error) => error))),
  'digest is a promise': () => subtle.digest('SHA-1', bytes()) instanceof Promise,
  'stream sha': async () => {
    const stream = new crypto.DigestStream('SHA-512');
    const writer = stream.getWriter();
    for (let i = 0; i < 40; i++) await writer.write(new Uint8Array(i * 11).fill(i));
    await writer.close();
    return [await stream.digest, String(stream.bytesWritten), typeof stream.bytesWritten, stream.digest === stream.digest];
  },
  'stream of each hash': () => Promise.all(['MD5', 'SHA-1', 'SHA-256', 'SHA-384', 'SHA-512', 'crc32', 'crc32c', 'crc64nvme'].map(async (name) => {
    const stream = new crypto.DigestStream(name);
    await new Response('123456789').body.pipeTo(stream);
    return [name, await stream.digest];
  })),
  'stream in pieces': () => Promise.all(['MD5', 'SHA-1', 'SHA-384', 'crc32', 'crc64nvme'].map(async (name) => {
    const stream = new crypto.DigestStream({ name });
    const writer = stream.getWriter();
    for (const part of [63, 1, 64, 65, 0, 200]) writer.write(new Uint8Array(part).fill(part));
    await writer.close();
    return [name, await stream.digest];
  })),
  'stream text': async () => {
    const stream = new crypto.DigestStream('SHA-256');
    const writer = stream.getWriter();
    await writer.write('grüße');
    await writer.close();
    return stream.digest;
  },
  'stream of nothing': async () => {
    const stream = new crypto.DigestStream('MD5');
    await stream.getWriter().close();
    return stream.digest;
  },
  'stream unknown': () => new crypto.DigestStream('SHA-3'),
  'stream no name': () => new crypto.DigestStream(),
  'stream CRC32': () => new crypto.DigestStream('CRC32'),
  'stream without new': () => crypto.DigestStream('SHA-1'),
  'stream number chunk': async () => {
    const stream = new crypto.DigestStream('SHA-1');
    const writer = stream.getWriter();
    const out = [];
    await writer.write(5).catch((error) => out.push(error));
    await stream.digest.catch((error) => out.push(error));
    return out;
  },
  'stream abort': async () => {
    const stream = new crypto.DigestStream('SHA-1');
    const reason = new Error('mine');
    await stream.abort(reason);
    return stream.digest.then(() => 'resolved', (error) => error === reason);
  },
  'stream dispose': async () => {
    const stream = new crypto.DigestStream('SHA-1');
    stream[Symbol.dispose]();
    return stream.digest.catch((error) => error);
  },
});
