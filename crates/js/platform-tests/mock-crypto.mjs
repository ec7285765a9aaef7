// The few computations of Web Crypto that these tests need, by node's own. The rest is tested on the real host.
import { createCipheriv, createHash, createHmac } from 'node:crypto';

const named = (hash) => hash.replace('-', '').toLowerCase();
const bytes = (value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value);

// Bytes, or an array of values.
export function compute(what, values) {
  switch (what) {
    case 1:
      return createHash(named(values[0])).update(bytes(values[1])).digest();
    case 4:
      return createHmac(named(values[0]), bytes(values[1])).update(bytes(values[2])).digest();
    case 8:
      return Buffer.of(Buffer.from(bytes(values[0])).equals(Buffer.from(bytes(values[1]))) ? 1 : 0);
    case 9: {
      if (values[0] !== 'AES-GCM' || !values[1]) break;
      const cipher = createCipheriv('aes-128-gcm', bytes(values[2]), bytes(values[3]));
      return Buffer.concat([cipher.update(bytes(values[6])), cipher.final(), cipher.getAuthTag()]);
    }
    case 32:
      return [true, Buffer.from(bytes(values[0])).toString('base64url')];
  }
  throw new Error(`unknown computation ${what}`);
}
