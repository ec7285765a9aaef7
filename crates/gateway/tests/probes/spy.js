// Replaces what a script can replace, and looks for the bytes of keys that cannot be exported.
const { subtle } = crypto;
const joined = Array.prototype.join, isView = ArrayBuffer.isView, apply = Reflect.apply;
export default { async fetch(r, env) {
  const secret = '0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15';
  const key = await subtle.importKey('raw', new Uint8Array(16).map((_, i) => i), 'AES-GCM', false, ['encrypt', 'wrapKey']);
  const mac = await subtle.importKey('raw', new Uint8Array(16).map((_, i) => i), { name: 'HMAC', hash: 'SHA-1' }, false, ['sign']);
  let seen = 0, busy = false, where = '';
  const look = (it, name) => {
    if (busy) return;
    busy = true;
    try { if (isView(it) && apply(joined, it, [',']) === secret) { seen++; where += ' ' + String(name); } } catch {}
    busy = false;
  };
  for (const proto of [Array.prototype, Object.getPrototypeOf(Uint8Array.prototype), ArrayBuffer.prototype, Promise.prototype, Object.getPrototypeOf([][Symbol.iterator]()), String.prototype]) {
    for (const name of Reflect.ownKeys(proto)) {
      const it = Object.getOwnPropertyDescriptor(proto, name);
      const old = it.value ?? it.get;
      if (!it.configurable || name === 'constructor' || typeof old !== 'function') continue;
      const spy = function (a, b, c) { look(this, name); look(a, name); look(b, name); return apply(old, this, arguments); };
      Object.defineProperty(proto, name, it.get ? { ...it, get: spy } : { ...it, value: spy });
    }
  }
  for (let i = 0; i < 12; i++) Object.defineProperty(Array.prototype, i, { configurable: true, get() {}, set(value) { look(value, i); Object.defineProperty(this, i, { value, writable: true, configurable: true, enumerable: true }); } });
  const iv = new Uint8Array(12);
  await subtle.encrypt({ name: 'AES-GCM', iv }, key, iv);
  await subtle.encrypt({ name: 'AES-GCM', iv }, env.KEY, iv);
  await subtle.encrypt({ name: 'AES-GCM', iv }, key, new Uint8Array(2 << 20));
  await subtle.sign('HMAC', mac, new Uint8Array(2 << 20));
  const open = await subtle.importKey('raw', iv, { name: 'HMAC', hash: 'SHA-1' }, true, ['sign']);
  await subtle.wrapKey('raw', open, key, { name: 'AES-GCM', iv });
  const told = `seen ${seen}${where}`;
  Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15).slice(); // what the spies would have seen
  return new Response(`${told}, then ${seen}`);
} };
