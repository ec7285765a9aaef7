// What the algorithms compute: fixed keys and data, each way round.
const { subtle } = crypto;
const text = (string) => new TextEncoder().encode(string);
const count = (length, from = 0) => Uint8Array.from({ length }, (_, i) => from + i);
const secret = (name, usages, length = 16) => subtle.importKey('raw', count(length), name, true, usages);
const both = ['encrypt', 'decrypt'];

const cipher = (name, parameters, length, data) => async () => {
  const key = await secret(name, both, length);
  const sealed = await subtle.encrypt({ name, ...parameters }, key, data);
  const opened = await subtle.decrypt({ name, ...parameters }, key, sealed);
  return [sealed, opened];
};

const hmac = (hash, length) => async () => {
  const key = await subtle.importKey('raw', count(length), { name: 'HMAC', hash }, true, ['sign', 'verify']);
  const tag = await subtle.sign('HMAC', key, text('data'));
  const wrong = new Uint8Array(tag.slice(0));
  wrong[0] ^= 1;
  return [tag, key, await subtle.verify('HMAC', key, tag, text('data')), await subtle.verify('HMAC', key, wrong, text('data')),
    await subtle.verify('HMAC', key, tag.slice(1), text('data'))];
};

const derived = (name, parameters, length) => async () => {
  const key = await subtle.importKey('raw', text('password'), name, false, ['deriveBits', 'deriveKey']);
  return [await subtle.deriveBits({ name, ...parameters }, key, length),
    await subtle.exportKey('raw', await subtle.deriveKey({ name, ...parameters }, key, { name: 'AES-CBC', length: 256 }, true, ['encrypt'])),
    await subtle.exportKey('jwk', await subtle.deriveKey({ name, ...parameters }, key, { name: 'HMAC', hash: 'SHA-1' }, true, ['sign']))];
};

const pbkdf2 = (hash, iterations) => derived('PBKDF2', { hash, salt: text('salt'), iterations }, 264);
const hkdf = (hash) => derived('HKDF', { hash, salt: text('salt'), info: text('info') }, 520);

const wraps = (wrapName, parameters, format) => async () => {
  const wrapping = await secret(wrapName, ['wrapKey', 'unwrapKey'], 32);
  const key = await subtle.importKey('raw', count(16, 50), 'AES-CTR', true, both);
  const wrapped = await subtle.wrapKey(format, key, wrapping, { name: wrapName, ...parameters });
  const back = await subtle.unwrapKey(format, wrapped, wrapping, { name: wrapName, ...parameters }, 'AES-CTR', true, ['encrypt']);
  return [wrapped, back, await subtle.exportKey('raw', back)];
};

export const values = {
  'gcm 128': cipher('AES-GCM', { iv: count(12) }, 16, text('hello')),
  'gcm 192': cipher('AES-GCM', { iv: count(12) }, 24, text('hello')),
  'gcm 256': cipher('AES-GCM', { iv: count(12), additionalData: text('aad') }, 32, text('hello')),
  'gcm empty': cipher('AES-GCM', { iv: count(12) }, 16, text('')),
  'gcm empty with data': cipher('AES-GCM', { iv: count(12), additionalData: count(40) }, 16, text('')),
  'gcm long nonce': cipher('AES-GCM', { iv: count(60) }, 16, count(100)),
  'gcm short nonce': cipher('AES-GCM', { iv: count(1) }, 16, count(100)),
  ...Object.fromEntries([32, 64, 96, 104, 112, 120, 128].map((tagLength) =>
    [`gcm tag ${tagLength}`, cipher('AES-GCM', { iv: count(12), tagLength }, 16, count(33))])),
  'gcm 2 MiB': async () => {
    const key = await secret('AES-GCM', both);
    const data = new Uint8Array(2 << 20).map((_, i) => i * 3);
    const sealed = await subtle.encrypt({ name: 'AES-GCM', iv: count(12) }, key, data);
    const opened = await subtle.decrypt({ name: 'AES-GCM', iv: count(12) }, key, sealed);
    return [sealed.byteLength, await subtle.digest('SHA-256', sealed), await subtle.digest('SHA-256', opened)];
  },
  'gcm lower case': async () => subtle.encrypt({ name: 'aes-gcm', iv: count(12) }, await secret('aes-gcm', both), text('x')),
  'cbc 128': cipher('AES-CBC', { iv: count(16) }, 16, text('hello')),
  'cbc 192': cipher('AES-CBC', { iv: count(16) }, 24, count(16)),
  'cbc 256': cipher('AES-CBC', { iv: count(16) }, 32, count(100)),
  'cbc empty': cipher('AES-CBC', { iv: count(16) }, 32, count(0)),
  'ctr 128': cipher('AES-CTR', { counter: count(16), length: 64 }, 16, count(70)),
  'ctr all bits': cipher('AES-CTR', { counter: new Uint8Array(16).fill(255), length: 128 }, 32, count(70)),
  'ctr wraps': cipher('AES-CTR', { counter: new Uint8Array(16).fill(255), length: 8 }, 16, count(70)),
  'ctr wraps odd': cipher('AES-CTR', { counter: new Uint8Array(16).fill(253), length: 5 }, 24, count(99)),
  'ctr one bit': cipher('AES-CTR', { counter: count(16), length: 1 }, 16, count(32)),
  'ctr empty': cipher('AES-CTR', { counter: count(16), length: 1 }, 16, count(0)),
  'hmac SHA-1': hmac('SHA-1', 20),
  'hmac SHA-256': hmac('SHA-256', 32),
  'hmac SHA-384': hmac('SHA-384', 200),
  'hmac SHA-512': hmac({ name: 'sha-512' }, 1),
  'hmac MD5': hmac('MD5', 16),
  'hmac of much': async () => {
    const key = await subtle.importKey('raw', count(70), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify']);
    const data = new Uint8Array(3_000_000).map((_, i) => i);
    const tag = await subtle.sign('HMAC', key, data);
    return [tag, await subtle.verify('HMAC', key, tag, data)];
  },
  'hmac odd length': async () => {
    const key = await subtle.importKey('raw', new Uint8Array([255, 255]), { name: 'HMAC', hash: 'SHA-256', length: 11 }, true, ['sign']);
    return [key, await subtle.exportKey('raw', key), await subtle.sign('HMAC', key, text('x'))];
  },
  'pbkdf2 SHA-1': pbkdf2('SHA-1', 1),
  'pbkdf2 SHA-256': pbkdf2('SHA-256', 4096),
  'pbkdf2 SHA-384': pbkdf2('SHA-384', 100),
  'pbkdf2 SHA-512': pbkdf2('SHA-512', 1000),
  'pbkdf2 MD5': pbkdf2('MD5', 10),
  'pbkdf2 100,000': pbkdf2('SHA-256', 100_000),
  'pbkdf2 empty password': async () => {
    const key = await subtle.importKey('raw', text(''), 'PBKDF2', false, ['deriveBits']);
    return subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: text(''), iterations: 3 }, key, 256);
  },
  'hkdf SHA-1': hkdf('SHA-1'),
  'hkdf SHA-256': hkdf('SHA-256'),
  'hkdf SHA-384': hkdf('SHA-384'),
  'hkdf SHA-512': hkdf('SHA-512'),
  'hkdf most': async () => {
    const key = await subtle.importKey('raw', text('k'), 'HKDF', false, ['deriveBits']);
    const most = await subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: text(''), info: text('') }, key, 255 * 256);
    return subtle.digest('SHA-256', most);
  },
  'wrap kw raw': wraps('AES-KW', {}, 'raw'),
  'wrap gcm raw': wraps('AES-GCM', { iv: count(12) }, 'raw'),
  'wrap gcm jwk': wraps('AES-GCM', { iv: count(12) }, 'jwk'),
  'wrap cbc jwk': wraps('AES-CBC', { iv: count(16) }, 'jwk'),
  'wrap ctr raw': wraps('AES-CTR', { counter: count(16), length: 64 }, 'raw'),
  'wrap kw jwk': wraps('AES-KW', {}, 'jwk'),
  'export aes jwk': async () => Promise.all(['AES-GCM', 'AES-CBC', 'AES-CTR'].map(async (name) =>
    subtle.exportKey('jwk', await secret(name, both, 32)))),
  'export kw jwk': async () => subtle.exportKey('jwk', await secret('AES-KW', ['unwrapKey', 'wrapKey'], 24)),
  'export hmac jwk': async () => Promise.all(['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512'].map(async (hash) =>
    subtle.exportKey('jwk', await subtle.importKey('raw', count(5), { name: 'HMAC', hash }, true, ['verify', 'sign'])))),
  'import jwk': async () => {
    const key = await subtle.importKey('jwk', { kty: 'oct', k: 'AAECAwQFBgcICQoLDA0ODw', alg: 'A128GCM', ext: true, key_ops: both, use: 'enc' },
      'AES-GCM', true, ['encrypt']);
    return [key, await subtle.exportKey('raw', key)];
  },
  'import jwk encodings': () => Promise.all(['AAECAwQFBgcICQoLDA0ODw==', 'AAECAwQFBgcICQoLDA0OD_', '++__AwQFBgcICQoLDA0ODw', '', ' AAECAwQFBgcICQoLDA0ODw',
    'AAECAwQFBgcICQoL\nDA0ODw', 'AAECAwQFBgcICQoLDA0OD$', 'AAECAwQFBgcICQoLDA0OD'].map(async (k) => {
    try {
      return await subtle.exportKey('raw', await subtle.importKey('jwk', { kty: 'oct', k }, { name: 'HMAC', hash: 'SHA-1' }, true, ['sign']));
    } catch (error) {
      return error;
    }
  })),
  'generate aes': async () => Promise.all([128, 192, 256].map(async (length) => {
    const key = await subtle.generateKey({ name: 'AES-CBC', length }, true, ['decrypt', 'encrypt', 'wrapKey', 'unwrapKey']);
    return [key, (await subtle.exportKey('raw', key)).byteLength];
  })),
  'generate hmac': async () => Promise.all([['SHA-1'], ['SHA-384'], ['SHA-512'], ['MD5'], ['SHA-256', 100]].map(async ([hash, length]) => {
    const key = await subtle.generateKey({ name: 'HMAC', hash, length }, true, ['sign']);
    return [key, (await subtle.exportKey('raw', key)).byteLength];
  })),
  'usages are ordered and once': () => subtle.importKey('raw', count(16), 'AES-GCM', true, ['unwrapKey', 'decrypt', 'encrypt', 'decrypt', 'wrapKey']),
  'derive hmac length': async () => {
    const key = await subtle.importKey('raw', text('p'), 'HKDF', false, ['deriveKey']);
    const parameters = { name: 'HKDF', hash: 'SHA-256', salt: text(''), info: text('') };
    return subtle.deriveKey(parameters, key, { name: 'HMAC', hash: 'SHA-512', length: 160 }, true, ['sign']);
  },
  'input is copied at the call': async () => {
    const key = await secret('AES-CTR', both);
    const data = text('hello');
    const promise = subtle.encrypt({ name: 'AES-CTR', counter: count(16), length: 64 }, key, data);
    data.fill(0);
    return promise;
  },
  'bound secret keys': async (env) => {
    const out = [];
    for (const name of ['AES_KEY', 'JWK_KEY', 'EC_KEY', 'PUBLIC_KEY']) out.push([name, env[name], String(env[name])]);
    out.push(await subtle.encrypt({ name: 'AES-GCM', iv: count(12) }, env.AES_KEY, text('x')));
    out.push(await subtle.sign('HMAC', env.JWK_KEY, text('x')));
    const signed = await subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, env.EC_KEY, text('x'));
    out.push(await subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, env.PUBLIC_KEY, signed, text('x')));
    out.push(await subtle.exportKey('raw', env.AES_KEY).catch((error) => error));
    return out;
  },
};
