// What is refused, and with which words.
const { subtle } = crypto;
const text = (string) => new TextEncoder().encode(string);
const aes = (usages = ['encrypt', 'decrypt'], name = 'AES-GCM') => subtle.importKey('raw', new Uint8Array(16), name, true, usages);
const iv = new Uint8Array(12);
const hmacAlgorithm = { name: 'HMAC', hash: 'SHA-256' };
const hmac = (usages = ['sign', 'verify']) => subtle.importKey('raw', text('k'), hmacAlgorithm, true, usages);
const kdf = (name, usages = ['deriveBits', 'deriveKey']) => subtle.importKey('raw', text('k'), name, false, usages);
const each = (list, run) => async () => {
  const out = [];
  for (const item of list) {
    try {
      out.push(await run(item));
    } catch (error) {
      out.push(error);
    }
  }
  return out;
};
const encrypts = (name, list) => each(list, async (parameters) => subtle.encrypt({ name, ...parameters }, await aes(undefined, name), text('x')));
const decrypts = (name, list, length = 32) => each(list, async (parameters) => subtle.decrypt({ name, ...parameters }, await aes(undefined, name), new Uint8Array(length)));
const pbkdf2 = { name: 'PBKDF2', hash: 'SHA-256', salt: text('s'), iterations: 10 };
const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: text('s'), info: text('i') };
const derives = (base, list) => each(list, async ([parameters, length]) => subtle.deriveBits({ ...base, ...parameters }, await kdf(base.name), length));

export const errors = {
  'gcm parameters': encrypts('AES-GCM', [{}, { iv: new Uint8Array() }, { iv: 'x' }, { iv: null }, { iv, tagLength: 16 }, { iv, tagLength: 0 }, { iv, tagLength: 'x' }, { iv, tagLength: 129 }, { iv, additionalData: 'x' }, { iv, additionalData: null }, { iv, tagLength: null }]),
  'gcm decrypt': decrypts('AES-GCM', [{ iv }, { iv, tagLength: 32 }, {}], 33),
  'gcm too short': decrypts('AES-GCM', [{ iv }, { iv, tagLength: 64 }], 7),
  'cbc parameters': encrypts('AES-CBC', [{}, { iv }, { iv: new Uint8Array(17) }]),
  'cbc decrypt': decrypts('AES-CBC', [{ iv: new Uint8Array(16) }, { iv }]),
  'cbc decrypt part': decrypts('AES-CBC', [{ iv: new Uint8Array(16) }], 31),
  'cbc decrypt nothing': decrypts('AES-CBC', [{ iv: new Uint8Array(16) }], 0),
  'ctr parameters': encrypts('AES-CTR', [{}, { counter: new Uint8Array(16) }, { counter: new Uint8Array(15), length: 1 }, { counter: new Uint8Array(16), length: 0 }, { counter: new Uint8Array(16), length: 129 }, { counter: new Uint8Array(16), length: -1 }]),
  'ctr repeats': async () => subtle.encrypt({ name: 'AES-CTR', counter: new Uint8Array(16), length: 1 }, await aes(undefined, 'AES-CTR'), new Uint8Array(33)),
  'kw encrypts': async () => subtle.encrypt('AES-KW', await aes(['wrapKey'], 'AES-KW'), new Uint8Array(16)),
  'kw usages': () => aes(['encrypt'], 'AES-KW'),
  'kw wraps odd': async () => subtle.wrapKey('raw', await subtle.importKey('raw', new Uint8Array(9), hmacAlgorithm, true, ['sign']), await aes(['wrapKey'], 'AES-KW'), 'AES-KW'),
  'kw wraps short': async () => subtle.wrapKey('raw', await subtle.importKey('raw', new Uint8Array(8), hmacAlgorithm, true, ['sign']), await aes(['wrapKey'], 'AES-KW'), 'AES-KW'),
  'kw unwraps': each([new Uint8Array(24), new Uint8Array(23), new Uint8Array(16)], async (wrapped) =>
    subtle.unwrapKey('raw', wrapped, await aes(['unwrapKey'], 'AES-KW'), 'AES-KW', 'AES-GCM', true, ['encrypt'])),
  'usage missing': each(['encrypt', 'decrypt'], async (what) => subtle[what]({ name: 'AES-GCM', iv }, await aes(['wrapKey']), text('x'))),
  'another algorithm': async () => subtle.encrypt({ name: 'AES-CBC', iv: new Uint8Array(16) }, await aes(), text('x')),
  'unknown algorithm': async () => subtle.encrypt({ name: 'x', iv }, await aes(), text('x')),
  'key is no key': each([{}, null, undefined, 'x', 5], async (key) => subtle.encrypt({ name: 'AES-GCM', iv }, key, text('x'))),
  'data is none': each(['x', null, undefined, {}, [1], 5], async (data) => subtle.encrypt({ name: 'AES-GCM', iv }, await aes(), data)),
  'too few arguments': each(['encrypt', 'sign', 'verify', 'generateKey', 'importKey', 'exportKey', 'deriveBits', 'deriveKey', 'wrapKey', 'unwrapKey'], (name) => subtle[name]()),
  'throws at once or later': () => {
    const out = [];
    for (const run of [() => subtle.encrypt(), () => subtle.encrypt({}, {}, {}), () => subtle.digest('x', new Uint8Array()), () => subtle.importKey('raw', new Uint8Array(1), 'AES-GCM', true, [])]) {
      try {
        run().catch(() => {});
        out.push('later');
      } catch {
        out.push('at once');
      }
    }
    return out;
  },
  'hmac signs wrongly': each(['x', {}, null, text('k')], async (data) => subtle.sign('HMAC', await hmac(), data)),
  'hmac verify arguments': each([['x', text('x')], [text('x'), 'x'], [text('x')]], async ([signature, data]) => subtle.verify('HMAC', await hmac(), signature, data)),
  'hmac usages': each([['encrypt'], [], ['sign', 'x'], ['SIGN']], (usages) => hmac(usages)),
  'hmac import': each([{ name: 'HMAC' }, { name: 'HMAC', hash: 'x' }, { name: 'HMAC', hash: {} }, { name: 'HMAC', hash: null }, { ...hmacAlgorithm, length: 0 }, { ...hmacAlgorithm, length: 9 }, { ...hmacAlgorithm, length: 7 }, { ...hmacAlgorithm, length: 1 }, { ...hmacAlgorithm, length: -1 }, 'HMAC'],
    (algorithm) => subtle.importKey('raw', text('k'), algorithm, true, ['sign'])),
  'hmac empty': () => subtle.importKey('raw', new Uint8Array(), hmacAlgorithm, true, ['sign']),
  'hmac formats': each(['pkcs8', 'spki', 'x', 'RAW', undefined], (format) => subtle.importKey(format, new Uint8Array(4), hmacAlgorithm, true, ['sign'])),
  'hmac jwk': each([{ kty: 'oct' }, { kty: 'RSA', k: 'AA' }, { k: 'AA' }, { kty: 'oct', k: 'AA', alg: 'HS256' }, { kty: 'oct', k: 'AA', alg: 'HS1' }, { kty: 'oct', k: 'AA', ext: false }, { kty: 'oct', k: 'AA', use: 'enc' }, { kty: 'oct', k: 'AA', key_ops: ['verify'] }, { kty: 'oct', k: 5 }, 'x', null, new Uint8Array(3)],
    (jwk) => subtle.importKey('jwk', jwk, hmacAlgorithm, true, ['sign'])),
  'hmac generate': each([{ name: 'HMAC' }, { ...hmacAlgorithm, length: 0 }, { ...hmacAlgorithm, length: -5 }, { name: 'HMAC', hash: 'x' }], (algorithm) => subtle.generateKey(algorithm, true, ['sign'])),
  'hmac generate no usages': () => subtle.generateKey(hmacAlgorithm, true, []),
  'hmac md5 jwk': async () => subtle.exportKey('jwk', await subtle.importKey('raw', text('k'), { name: 'HMAC', hash: 'MD5' }, true, ['sign'])),
  'hmac export formats': each(['pkcs8', 'spki', 'x'], async (format) => subtle.exportKey(format, await hmac())),
  'aes import lengths': each([0, 1, 15, 17, 33], (length) => subtle.importKey('raw', new Uint8Array(length), 'AES-GCM', true, ['encrypt'])),
  'aes import usages': each([['sign'], [], ['encrypt', 'x'], 'encrypt', null, undefined, [5]], (usages) => subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', true, usages)),
  'aes import data': each(['x', null, undefined, {}, 5], (data) => subtle.importKey('raw', data, 'AES-GCM', true, ['encrypt'])),
  'aes import formats': each(['pkcs8', 'spki', 'x'], (format) => subtle.importKey(format, new Uint8Array(16), 'AES-GCM', true, ['encrypt'])),
  'aes jwk': each([{ kty: 'RSA', k: 'AA' }, { kty: 'oct', k: 'AA' }, { kty: 'oct' }, { kty: 'oct', k: 'AAECAwQFBgcICQoLDA0ODw', alg: 'A256GCM' }, { kty: 'oct', k: 'AAECAwQFBgcICQoLDA0ODw', use: 'sig' }, { kty: 'oct', k: 'AAECAwQFBgcICQoLDA0ODw', key_ops: ['decrypt'] },
    { kty: 'oct', k: 'AAECAwQFBgcICQoLDA0ODw', key_ops: ['encrypt', 'encrypt'] }, { kty: 'oct', k: 'AAECAwQFBgcICQoLDA0ODw', ext: false }, {}], (jwk) => subtle.importKey('jwk', jwk, 'AES-GCM', true, ['encrypt'])),
  'aes generate': each([{ name: 'AES-GCM' }, { name: 'AES-GCM', length: 100 }, { name: 'AES-GCM', length: '128' }, { name: 'AES-GCM', length: 'x' }, 'AES-GCM', { name: 'AES-CCM', length: 128 }], async (algorithm) => (await subtle.generateKey(algorithm, true, ['encrypt'])).algorithm),
  'aes generate usages': each([[], ['sign'], undefined], (usages) => subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, usages)),
  'import unknown': each(['x', 'SHA-256', '', {}, null, 5], (algorithm) => subtle.importKey('raw', new Uint8Array(16), algorithm, true, ['encrypt'])),
  'generate unknown': each(['x', 'SHA-256', 'HKDF', 'PBKDF2', 'RSA-RAW', 'ML-KEM-768'], (algorithm) => subtle.generateKey(algorithm, true, ['encrypt'])),
  'export not extractable': async () => subtle.exportKey('raw', await subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', false, ['encrypt'])),
  'export aes formats': each(['pkcs8', 'spki', 'x', undefined], async (format) => subtle.exportKey(format, await aes())),
  'export no key': () => subtle.exportKey('raw', {}),
  'wrap not extractable': async () => subtle.wrapKey('raw', await subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', false, ['encrypt']), await aes(['wrapKey']), { name: 'AES-GCM', iv }),
  'wrap without usage': async () => subtle.wrapKey('raw', await aes(), await aes(), { name: 'AES-GCM', iv }),
  'unwrap without usage': async () => subtle.unwrapKey('raw', new Uint8Array(32), await aes(), { name: 'AES-GCM', iv }, 'AES-GCM', true, ['encrypt']),
  'unwrap nonsense': async () => subtle.unwrapKey('raw', new Uint8Array(32), await aes(['unwrapKey']), { name: 'AES-GCM', iv }, 'AES-GCM', true, ['encrypt']),
  'unwrap no jwk': async () => {
    const key = await aes(['wrapKey', 'unwrapKey', 'encrypt']);
    const out = [];
    for (const json of ['{', '5', '{}', '{"kty":"oct","k":"AA"}', 'null']) {
      const wrapped = await subtle.encrypt({ name: 'AES-GCM', iv }, key, text(json));
      out.push(await subtle.unwrapKey('jwk', wrapped, key, { name: 'AES-GCM', iv }, 'AES-GCM', true, ['encrypt']).catch((error) => error));
    }
    return out;
  },
  'unwrap without usages': async () => {
    const key = await aes(['wrapKey', 'unwrapKey']);
    const wrapped = await subtle.wrapKey('raw', await aes(), key, { name: 'AES-GCM', iv });
    return subtle.unwrapKey('raw', wrapped, key, { name: 'AES-GCM', iv }, 'AES-GCM', true, []);
  },
  'kdf import': each([['PBKDF2', true, ['deriveBits'], 'raw'], ['HKDF', true, ['deriveBits'], 'raw'], ['PBKDF2', false, ['sign'], 'raw'], ['HKDF', false, [], 'raw'], ['HKDF', false, ['deriveKey'], 'pkcs8']],
    ([name, extractable, usages, format]) => subtle.importKey(format, text('k'), name, extractable, usages)),
  'kdf jwk': each(['PBKDF2', 'HKDF'], (name) => subtle.importKey('jwk', { kty: 'oct', k: 'AA' }, name, false, ['deriveBits'])),
  'kdf export': each(['PBKDF2', 'HKDF'], async (name) => subtle.exportKey('raw', await kdf(name))),
  'pbkdf2 parameters': derives(pbkdf2, [[{ hash: undefined }, 256], [{ salt: undefined }, 256], [{ salt: 'x' }, 256], [{ iterations: undefined }, 256], [{ iterations: 0 }, 256], [{ iterations: -1 }, 256], [{ iterations: 100001 }, 256], [{ iterations: 'x' }, 256], [{ hash: 'x' }, 256], [{}, 0], [{}, 7], [{}, null], [{}, undefined], [{}, -8]]),
  'hkdf parameters': derives(hkdf, [[{ hash: undefined }, 256], [{ salt: undefined }, 256], [{ info: undefined }, 256], [{ info: 'x' }, 256], [{}, 0], [{}, 7], [{}, null], [{}, 255 * 256 + 8], [{ hash: 'x' }, 8]]),
  'derive usage': async () => subtle.deriveBits(pbkdf2, await kdf('PBKDF2', ['deriveKey']), 256),
  'derive with another': async () => subtle.deriveBits(hkdf, await kdf('PBKDF2'), 256),
  'derive with aes': async () => subtle.deriveBits('AES-GCM', await aes(), 256),
  'derive length kinds': each(['256', 256.9, '0x10', true, {}, NaN, 2 ** 31, 2 ** 32 + 8], async (length) => (await subtle.deriveBits(hkdf, await kdf('HKDF'), length)).byteLength),
  'derive key kinds': each(['AES-GCM', { name: 'AES-GCM', length: 100 }, { name: 'HMAC' }, { name: 'HMAC', hash: 'SHA-1', length: 0 }, { name: 'HMAC', hash: 'SHA-1', length: 7 }, 'HKDF', 'PBKDF2', 'ECDSA', 'x', { name: 'AES-KW', length: 128 }],
    async (algorithm) => subtle.deriveKey(hkdf, await kdf('HKDF'), algorithm, false, ['deriveBits'])),
  'ecdsa without hash': async () => {
    const { privateKey, publicKey } = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    return each([() => subtle.sign('ECDSA', privateKey, text('x')), () => subtle.sign({ name: 'ECDSA', hash: 'x' }, privateKey, text('x')), () => subtle.verify('ECDSA', publicKey, new Uint8Array(64), text('x')),
      () => subtle.sign({ name: 'ECDSA', hash: 'SHA-1' }, publicKey, text('x')), () => subtle.sign({ name: 'ECDSA', hash: 'SHA-1' }, privateKey, 'x')], (run) => run())();
  },
  'ecdh signs': async () => {
    const { privateKey } = await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
    return subtle.sign({ name: 'ECDH', hash: 'SHA-1' }, privateKey, text('x'));
  },
  'ecdh public usages': each([['deriveBits'], []], async (usages) => {
    const { publicKey } = await subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
    return subtle.importKey('raw', await subtle.exportKey('raw', publicKey), { name: 'ECDH', namedCurve: 'P-256' }, true, usages);
  }),
  'algorithm getters': async () => {
    const seen = [];
    const algorithm = new Proxy({ name: 'AES-GCM', iv }, { get: (target, key) => { seen.push(String(key)); return target[key]; } });
    await subtle.encrypt(algorithm, await aes(), text('x'));
    return seen;
  },
  'extractable is coerced': each([1, 0, 'x', undefined, null], async (extractable) => (await subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', extractable, ['encrypt'])).extractable),
  'usages are any iterable': each([new Set(['encrypt']), 'e', { 0: 'encrypt', length: 1 }], async (usages) => (await subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', true, usages)).usages),
  'views as keys': each([new Uint16Array(8), new DataView(new ArrayBuffer(16)), new ArrayBuffer(16)], async (data) => (await subtle.importKey('raw', data, 'AES-GCM', true, ['encrypt'])).algorithm),
  'cloned key of another shape': () => structuredClone(Object.create(CryptoKey.prototype)),
  'getter of no key': () => Object.getOwnPropertyDescriptor(CryptoKey.prototype, 'type')?.get?.call({}),
};
