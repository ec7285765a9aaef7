// SHA-256 of 4 KiB in JavaScript: integer arithmetic over arrays.
const K = new Uint32Array(64);
const START = new Uint32Array(8);
const primes = [];
for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
primes.forEach((p, i) => {
  K[i] = (Math.cbrt(p) % 1) * 2 ** 32;
  if (i < 8) START[i] = (Math.sqrt(p) % 1) * 2 ** 32;
});
const data = new Uint8Array(4096).map((_, i) => i * 31);
const rotate = (x, n) => (x >>> n) | (x << (32 - n));

function sha256(message) {
  const blocks = ((message.length + 72) >> 6) << 6;
  const padded = new Uint8Array(blocks);
  padded.set(message);
  padded[message.length] = 0x80;
  new DataView(padded.buffer).setUint32(blocks - 4, message.length * 8);
  const state = START.slice();
  const w = new Uint32Array(64);
  for (let at = 0; at < blocks; at += 64) {
    for (let i = 0; i < 16; i++) {
      const j = at + i * 4;
      w[i] = (padded[j] << 24) | (padded[j + 1] << 16) | (padded[j + 2] << 8) | padded[j + 3];
    }
    for (let i = 16; i < 64; i++) {
      const s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >>> 3);
      const s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const t1 = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t1) | 0;
      d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((x, i) => { state[i] += x; });
  }
  return Array.from(state, (x) => x.toString(16).padStart(8, '0')).join('');
}

export const run = () => sha256(data);
