// Key pairs: imported, exported, signing, verifying, encrypting, agreeing, generated.
import * as material from './crypto-material.mjs';

const { subtle } = crypto;
const text = (string) => new TextEncoder().encode(string);
const bytes = (base64) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
const open = ({ kty, crv, x, y, n, e }) => ({ kty, crv, x, y, n, e });

// A pair in all of its encodings: each private one signs alike to each public one.
const imports = (pair, algorithm, privateUsages, publicUsages) => async () => {
  const out = [];
  for (const [format, data, usages] of [['pkcs8', bytes(pair.pkcs8), privateUsages], ['spki', bytes(pair.spki), publicUsages],
    ['jwk', pair.jwk, privateUsages], ['jwk', open(pair.jwk), publicUsages]]) {
    const key = await subtle.importKey(format, data, algorithm, true, usages);
    out.push(key, await subtle.exportKey('jwk', key), await subtle.exportKey(key.type === 'private' ? 'pkcs8' : 'spki', key));
    if (key.type === 'public') out.push(await subtle.exportKey('raw', key).catch((error) => error));
  }
  return out;
};

const pairOf = async (pair, algorithm, privateUsages, publicUsages) => [
  await subtle.importKey('pkcs8', bytes(pair.pkcs8), algorithm, true, privateUsages),
  await subtle.importKey('spki', bytes(pair.spki), algorithm, true, publicUsages),
];

// Told only where signing has one answer.
const signs = (pair, algorithm, parameters, fixed) => async () => {
  const [privateKey, publicKey] = await pairOf(pair, algorithm, ['sign'], ['verify']);
  const signature = await subtle.sign(parameters, privateKey, text('data'));
  const wrong = new Uint8Array(signature.slice(0));
  wrong[9] ^= 4;
  return [fixed ? signature : signature.byteLength, await subtle.verify(parameters, publicKey, signature, text('data')),
    await subtle.verify(parameters, publicKey, signature, text('other')), await subtle.verify(parameters, publicKey, wrong, text('data')),
    await subtle.verify(parameters, publicKey, signature.slice(1), text('data')).catch((error) => error),
    await subtle.verify(parameters, publicKey, new Uint8Array(signature.byteLength), text('data'))];
};

const oaep = (hash, label) => async () => {
  const [privateKey, publicKey] = await pairOf(material.rsa, { name: 'RSA-OAEP', hash }, ['decrypt', 'unwrapKey'], ['encrypt', 'wrapKey']);
  const sealed = await subtle.encrypt({ name: 'RSA-OAEP', label }, publicKey, text('data'));
  const aes = await subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', true, ['encrypt']);
  const wrapped = await subtle.wrapKey('raw', aes, publicKey, { name: 'RSA-OAEP', label });
  const back = await subtle.unwrapKey('raw', wrapped, privateKey, { name: 'RSA-OAEP', label }, 'AES-GCM', true, ['encrypt']);
  return [sealed.byteLength, await subtle.decrypt({ name: 'RSA-OAEP', label }, privateKey, sealed), await subtle.exportKey('raw', back),
    await subtle.decrypt({ name: 'RSA-OAEP', label: text('another') }, privateKey, sealed).catch((error) => error)];
};

const agrees = (pair, other, algorithm, lengths) => async () => {
  const [privateKey] = await pairOf(pair, algorithm, ['deriveBits', 'deriveKey'], []);
  const [, publicKey] = await pairOf(other, algorithm, ['deriveBits'], []);
  const name = algorithm.name ?? algorithm;
  const out = [];
  for (const length of lengths) {
    out.push(await subtle.deriveBits({ name, public: publicKey }, privateKey, length).catch((error) => error));
  }
  const key = await subtle.deriveKey({ name, public: publicKey }, privateKey, { name: 'AES-GCM', length: 256 }, true, ['encrypt']);
  return [...out, await subtle.exportKey('raw', key)];
};

const generates = (algorithm, usages, use) => async () => {
  const pair = await subtle.generateKey(algorithm, false, usages);
  return [Object.keys(pair), pair.publicKey, pair.privateKey, use && await use(pair)];
};

const signsItself = (parameters) => async ({ publicKey, privateKey }) =>
  subtle.verify(parameters, publicKey, await subtle.sign(parameters, privateKey, text('x')), text('x'));

const exponent = new Uint8Array([1, 0, 1]);
const rsa = (name, modulusLength = 2048, publicExponent = exponent) => ({ name, modulusLength, publicExponent, hash: 'SHA-256' });

export const keys = {
  'ecdsa P-256 imports': imports(material.p256, { name: 'ECDSA', namedCurve: 'P-256' }, ['sign'], ['verify']),
  'ecdsa P-384 imports': imports(material.p384, { name: 'ECDSA', namedCurve: 'P-384' }, ['sign'], ['verify']),
  'ecdsa P-521 imports': imports(material.p521, { name: 'ECDSA', namedCurve: 'P-521' }, ['sign'], ['verify']),
  'ecdh P-256 imports': imports(material.p256, { name: 'ECDH', namedCurve: 'P-256' }, ['deriveBits', 'deriveKey'], []),
  'ed25519 imports': imports(material.ed25519, 'Ed25519', ['sign'], ['verify']),
  'x25519 imports': imports(material.x25519, { name: 'X25519' }, ['deriveKey'], []),
  'node-ed25519 imports': imports(material.ed25519, { name: 'NODE-ED25519', namedCurve: 'NODE-ED25519' }, ['sign'], ['verify']),
  'rsassa imports': imports(material.rsa, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, ['sign'], ['verify']),
  'rsa-pss imports': imports(material.rsa, { name: 'RSA-PSS', hash: 'SHA-512' }, ['sign'], ['verify']),
  'rsa-oaep imports': imports(material.rsa, { name: 'RSA-OAEP', hash: 'SHA-1' }, ['unwrapKey', 'decrypt'], ['wrapKey', 'encrypt']),
  'rsa 1024 imports': imports(material.rsa1024, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-1' }, ['sign'], ['verify']),
  'ecdsa P-256': signs(material.p256, { name: 'ECDSA', namedCurve: 'P-256' }, { name: 'ECDSA', hash: 'SHA-256' }),
  'ecdsa P-256 SHA-512': signs(material.p256, { name: 'ECDSA', namedCurve: 'P-256' }, { name: 'ECDSA', hash: { name: 'SHA-512' } }),
  'ecdsa P-384 SHA-1': signs(material.p384, { name: 'ECDSA', namedCurve: 'P-384' }, { name: 'ECDSA', hash: 'SHA-1' }),
  'ecdsa P-521 SHA-384': signs(material.p521, { name: 'ECDSA', namedCurve: 'P-521' }, { name: 'ECDSA', hash: 'SHA-384' }),
  'ed25519': signs(material.ed25519, 'Ed25519', 'Ed25519', true),
  'node-ed25519': signs(material.ed25519, { name: 'NODE-ED25519', namedCurve: 'NODE-ED25519' }, 'NODE-ED25519', true),
  ...Object.fromEntries(['SHA-1', 'SHA-256', 'SHA-384', 'SHA-512', 'MD5'].map((hash) =>
    [`rsassa ${hash}`, signs(material.rsa, { name: 'RSASSA-PKCS1-v1_5', hash }, 'RSASSA-PKCS1-v1_5', true)])),
  'rsassa 1024': signs(material.rsa1024, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, 'RSASSA-PKCS1-v1_5', true),
  'rsassa 1024 SHA-512': signs(material.rsa1024, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-512' }, 'RSASSA-PKCS1-v1_5', true),
  ...Object.fromEntries([['SHA-1', 20], ['SHA-256', 32], ['SHA-384', 48], ['SHA-512', 64], ['SHA-256', 17]].map(([hash, saltLength]) =>
    [`rsa-pss ${hash} ${saltLength}`, signs(material.rsa, { name: 'RSA-PSS', hash }, { name: 'RSA-PSS', saltLength })])),
  'rsa-pss no salt': signs(material.rsa, { name: 'RSA-PSS', hash: 'SHA-256' }, { name: 'RSA-PSS', saltLength: 0 }, true),
  'rsa-pss too much salt': signs(material.rsa, { name: 'RSA-PSS', hash: 'SHA-256' }, { name: 'RSA-PSS', saltLength: 300 }),
  'rsa-pss negative salt': signs(material.rsa, { name: 'RSA-PSS', hash: 'SHA-256' }, { name: 'RSA-PSS', saltLength: -1 }),
  'rsa-pss without salt': signs(material.rsa, { name: 'RSA-PSS', hash: 'SHA-256' }, 'RSA-PSS'),
  'oaep SHA-1': oaep('SHA-1'),
  'oaep SHA-256 label': oaep('SHA-256', text('label')),
  'oaep SHA-384': oaep('SHA-384', text('')),
  'oaep SHA-512': oaep('SHA-512'),
  'oaep too long': async () => {
    const [, publicKey] = await pairOf(material.rsa, { name: 'RSA-OAEP', hash: 'SHA-512' }, ['decrypt'], ['encrypt']);
    return subtle.encrypt('RSA-OAEP', publicKey, new Uint8Array(200));
  },
  'oaep wrong length': async () => {
    const [privateKey] = await pairOf(material.rsa, { name: 'RSA-OAEP', hash: 'SHA-1' }, ['decrypt'], ['encrypt']);
    return subtle.decrypt('RSA-OAEP', privateKey, new Uint8Array(5));
  },
  'ecdh P-256': agrees(material.p256, material.other256, { name: 'ECDH', namedCurve: 'P-256' }, [undefined, null, 256, 128, 250, 0, 264]),
  'ecdh P-384 itself': agrees(material.p384, material.p384, { name: 'ECDH', namedCurve: 'P-384' }, [384, 391]),
  'ecdh P-521 itself': agrees(material.p521, material.p521, { name: 'ECDH', namedCurve: 'P-521' }, [null, 521, 528, 529]),
  'x25519': agrees(material.x25519, material.otherX25519, { name: 'X25519' }, [undefined, 256, 128, 13, 0, 257]),
  'x25519 small order': async () => {
    const [privateKey] = await pairOf(material.x25519, 'X25519', ['deriveBits'], []);
    const zero = await subtle.importKey('raw', new Uint8Array(32), 'X25519', true, []);
    return subtle.deriveBits({ name: 'X25519', public: zero }, privateKey, 256);
  },
  'ecdh two curves': async () => {
    const [privateKey] = await pairOf(material.p256, { name: 'ECDH', namedCurve: 'P-256' }, ['deriveBits'], []);
    const [, publicKey] = await pairOf(material.p384, { name: 'ECDH', namedCurve: 'P-384' }, ['deriveBits'], []);
    return subtle.deriveBits({ name: 'ECDH', public: publicKey }, privateKey, 256);
  },
  'ecdh with a private key': async () => {
    const [privateKey] = await pairOf(material.p256, { name: 'ECDH', namedCurve: 'P-256' }, ['deriveBits'], []);
    return subtle.deriveBits({ name: 'ECDH', public: privateKey }, privateKey, 256);
  },
  'ecdh with an x25519 key': async () => {
    const [privateKey] = await pairOf(material.p256, { name: 'ECDH', namedCurve: 'P-256' }, ['deriveBits'], []);
    const [, publicKey] = await pairOf(material.x25519, 'X25519', ['deriveBits'], []);
    return subtle.deriveBits({ name: 'ECDH', public: publicKey }, privateKey, 256);
  },
  'ecdh without public': async () => {
    const [privateKey] = await pairOf(material.p256, { name: 'ECDH', namedCurve: 'P-256' }, ['deriveBits'], []);
    return subtle.deriveBits({ name: 'ECDH' }, privateKey, 256);
  },
  'ecdh public that is no key': async () => {
    const [privateKey] = await pairOf(material.p256, { name: 'ECDH', namedCurve: 'P-256' }, ['deriveBits'], []);
    return subtle.deriveBits({ name: 'ECDH', public: {} }, privateKey, 256);
  },
  'raw points': async () => {
    const key = await subtle.importKey('spki', bytes(material.p256.spki), { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify']);
    const point = new Uint8Array(await subtle.exportKey('raw', key));
    const compressed = new Uint8Array([2 + (point[64] & 1), ...point.slice(1, 33)]);
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
    const out = [];
    for (const data of [point, compressed, point.slice(1), new Uint8Array(65), new Uint8Array([4, ...new Uint8Array(64)]), new Uint8Array([2, ...new Uint8Array(32).fill(255)]), new Uint8Array()]) {
      out.push(await subtle.importKey('raw', data, algorithm, true, ['verify']).then((it) => subtle.exportKey('raw', it)).catch((error) => error));
    }
    return out;
  },
  'raw ed25519': async () => {
    const key = await subtle.importKey('spki', bytes(material.ed25519.spki), 'Ed25519', true, ['verify']);
    const raw = await subtle.exportKey('raw', key);
    return [raw, await subtle.importKey('raw', raw, 'Ed25519', false, ['verify']),
      await subtle.importKey('raw', new Uint8Array(31), 'Ed25519', false, ['verify']).catch((error) => error),
      await subtle.importKey('raw', new Uint8Array(33), 'X25519', false, []).catch((error) => error)];
  },
  'raw private': async () => {
    const [privateKey] = await pairOf(material.p256, { name: 'ECDSA', namedCurve: 'P-256' }, ['sign'], ['verify']);
    return subtle.exportKey('raw', privateKey);
  },
  'exports of the wrong side': async () => {
    const [privateKey, publicKey] = await pairOf(material.p256, { name: 'ECDSA', namedCurve: 'P-256' }, ['sign'], ['verify']);
    const [ed, edPublic] = await pairOf(material.ed25519, 'Ed25519', ['sign'], ['verify']);
    const [rsaKey, rsaPublic] = await pairOf(material.rsa, { name: 'RSA-PSS', hash: 'SHA-1' }, ['sign'], ['verify']);
    const out = [];
    for (const [format, key] of [['spki', privateKey], ['pkcs8', publicKey], ['raw', ed], ['raw', rsaKey], ['raw', rsaPublic], ['pkcs8', edPublic], ['x', privateKey], ['', publicKey], ['RAW', publicKey]]) {
      out.push(await subtle.exportKey(format, key).catch((error) => error));
    }
    return out;
  },
  'wrong type signs': async () => {
    const out = [];
    const { d, ...open } = material.p256.jwk;
    const key = await subtle.importKey('jwk', open, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify']);
    out.push(await subtle.sign({ name: 'ECDSA', hash: 'SHA-1' }, key, text('x')).catch((error) => error));
    return out;
  },
  'rsa jwk n e d alone': async () => {
    const { n, e, d, kty } = material.rsa.jwk;
    const key = await subtle.importKey('jwk', { n, e, d, kty }, { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, true, ['sign']);
    return [key, await subtle.sign('RSASSA-PKCS1-v1_5', key, text('data')).catch((error) => error)];
  },
  'rsa jwk some factors': () => {
    const { n, e, d, kty, p } = material.rsa.jwk;
    return subtle.importKey('jwk', { n, e, d, kty, p }, { name: 'RSA-PSS', hash: 'SHA-256' }, true, ['sign']);
  },
  'rsa jwk no n': () => subtle.importKey('jwk', { kty: 'RSA', e: 'AQAB' }, { name: 'RSA-PSS', hash: 'SHA-256' }, true, ['verify']),
  'rsa jwk bad e': () => subtle.importKey('jwk', { kty: 'RSA', n: material.rsa.jwk.n, e: '$' }, { name: 'RSA-PSS', hash: 'SHA-256' }, true, ['verify']),
  'rsa jwk oth': () => subtle.importKey('jwk', { ...material.rsa.jwk, oth: [] }, { name: 'RSA-PSS', hash: 'SHA-256' }, true, ['sign']),
  'rsa jwk alg': () => Promise.all([['RSA-PSS', 'PS256', 'SHA-256'], ['RSA-PSS', 'PS256', 'SHA-1'], ['RSA-PSS', 'RS256', 'SHA-256'], ['RSASSA-PKCS1-v1_5', 'RS512', 'SHA-512'],
    ['rsa-pss', 'PS256', 'SHA-256'], ['RSASSA-PKCS1-v1_5', 'none', 'SHA-512'], ['RSASSA-PKCS1-v1_5', 'PS256', 'SHA-256'], ['RSASSA-PKCS1-v1_5', 'RSA-OAEP-256', 'SHA-256'],
    ['RSA-OAEP', 'RS256', 'SHA-256'], ['RSA-OAEP', 'RSA-OAEP', 'SHA-256'], ['RSA-PSS', 'RS256', 'SHA-1'], ['RSA-PSS', 'x', 'SHA-256']].map(([name, alg, hash]) =>
    subtle.importKey('jwk', { ...open(material.rsa.jwk), alg }, { name, hash }, true, [name === 'RSA-OAEP' ? 'encrypt' : 'verify']).catch((error) => error))),
  'ec jwk refusals': () => Promise.all([{ crv: 'P-384' }, { crv: undefined }, { x: undefined }, { y: '' }, { y: 'AAAA' }, { kty: 'RSA' }, { kty: undefined }, { d: '$' },
    { d: 'AAAA' }, { alg: 'ES256' }, { alg: 'ES384' }, { alg: 'HS256' }, { x: material.other256.jwk.x }, { d: material.other256.jwk.d }, { use: 'sig' }, { use: 'enc' },
    { key_ops: ['sign'] }, { key_ops: ['verify'] }, { key_ops: ['sign', 'sign'] }, { key_ops: [] }, { use: 'sig', key_ops: ['sign', 'deriveBits'] }, { ext: false }, { ext: true }, { key_ops: 'sign' }, { ext: 0 }].map((part) =>
    subtle.importKey('jwk', { ...material.p256.jwk, ...part }, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign']).catch((error) => error))),
  'okp jwk refusals': () => Promise.all([{ crv: 'X25519' }, { crv: undefined }, { x: undefined }, { x: 'AAAA' }, { d: 'AAAA' }, { d: '$' }, { kty: 'EC' }, { alg: 'EdDSA' }, { alg: 'Ed25519' }, { alg: 'x' }].map((part) =>
    subtle.importKey('jwk', { ...material.ed25519.jwk, ...part }, 'Ed25519', true, ['sign']).catch((error) => error))),
  'der refusals': () => Promise.all([['pkcs8', new Uint8Array(5)], ['spki', new Uint8Array(5)], ['pkcs8', new Uint8Array()], ['spki', bytes(material.p256.pkcs8)], ['pkcs8', bytes(material.p256.spki)],
    ['pkcs8', new Uint8Array([...bytes(material.p256.pkcs8), 0, 0])], ['spki', new Uint8Array([...bytes(material.p256.spki), 0])], ['pkcs8', bytes(material.p384.pkcs8)], ['spki', bytes(material.p521.spki)],
    ['pkcs8', bytes(material.rsa.pkcs8)], ['spki', bytes(material.ed25519.spki)]].map(([format, data]) =>
    subtle.importKey(format, data, { name: 'ECDSA', namedCurve: 'P-256' }, true, [format === 'spki' ? 'verify' : 'sign']).catch((error) => error))),
  'der of another kind': () => Promise.all([['pkcs8', material.p256.pkcs8, { name: 'RSA-PSS', hash: 'SHA-1' }], ['spki', material.ed25519.spki, { name: 'RSA-OAEP', hash: 'SHA-1' }],
    ['pkcs8', material.p384.pkcs8, { name: 'ECDH', namedCurve: 'P-256' }]].map(([format, data, algorithm]) =>
    subtle.importKey(format, bytes(data), algorithm, true, [algorithm.name === 'ECDH' ? 'deriveBits' : algorithm.name === 'RSA-OAEP' ? 'encrypt' : 'sign']).catch((error) => error))),
  'generates ecdsa': generates({ name: 'ECDSA', namedCurve: 'P-256' }, ['verify', 'sign'], signsItself({ name: 'ECDSA', hash: 'SHA-256' })),
  'generates ecdsa P-521': generates({ name: 'ecdsa', namedCurve: 'P-521' }, ['sign'], null),
  'generates ecdh': generates({ name: 'ECDH', namedCurve: 'P-384' }, ['deriveKey', 'deriveBits'], null),
  'generates ed25519': generates('ed25519', ['sign', 'verify'], signsItself('Ed25519')),
  'generates x25519': generates({ name: 'X25519' }, ['deriveBits'], ({ publicKey, privateKey }) =>
    subtle.deriveBits({ name: 'X25519', public: publicKey }, privateKey, 256).then((it) => it.byteLength)),
  'generates rsassa': generates(rsa('RSASSA-PKCS1-v1_5'), ['sign', 'verify'], signsItself('RSASSA-PKCS1-v1_5')),
  'generates rsa-pss': generates(rsa('RSA-PSS', 1024), ['sign', 'verify'], signsItself({ name: 'RSA-PSS', saltLength: 32 })),
  'generates rsa-oaep 3': generates(rsa('RSA-OAEP', 2048, new Uint8Array([3])), ['encrypt', 'decrypt', 'wrapKey', 'unwrapKey'], null),
  'generate refusals': () => Promise.all([rsa('RSA-PSS', 2047), rsa('RSA-PSS', 128), rsa('RSA-PSS', 16392), rsa('RSA-PSS', 0), rsa('RSA-PSS', -1), rsa('RSA-PSS', 2048, new Uint8Array([5])),
    rsa('RSA-PSS', 2048, new Uint8Array()), rsa('RSA-PSS', 2048, new Uint8Array(9).fill(1)), rsa('RSA-PSS', 2048, [1, 0, 1]), rsa('RSA-PSS', undefined), { name: 'RSA-PSS', modulusLength: 2048, hash: 'SHA-1' },
    { name: 'RSA-PSS', modulusLength: 2048, publicExponent: exponent }, { name: 'ECDSA' }, { name: 'ECDSA', namedCurve: 'P-192' }, { name: 'ECDSA', namedCurve: 5 }, { name: 'ECDSA', namedCurve: 'secp256k1' }].map((algorithm) =>
    subtle.generateKey(algorithm, true, ['sign']).catch((error) => error))),
  'generate with usages of the public side': () => Promise.all([[{ name: 'ECDSA', namedCurve: 'P-256' }, ['verify']], ['Ed25519', ['verify']], ['Ed25519', []], [rsa('RSA-OAEP', 1024), ['encrypt']],
    [{ name: 'ECDH', namedCurve: 'P-256' }, []], ['X25519', ['sign']], [{ name: 'ECDH', namedCurve: 'P-256' }, ['sign']]].map(([algorithm, usages]) => subtle.generateKey(algorithm, true, usages).catch((error) => error))),
};
