// Names of hosts in ASCII and in Unicode. The host's URL parser knows IDNA; Punycode back is done here.
import { parseUrl } from '../../url.js';

const HOSTNAME = 5;

// The empty string for what is no name.
export function toAscii(domain) {
  if (/^[a-z0-9.\-_+]*$/.test(domain)) return domain;
  const parts = parseUrl(`ws://${domain}`, null);
  return parts === null ? '' : parts[HOSTNAME];
}

function decodeLabel(label) {
  const digits = label.lastIndexOf('-');
  const output = digits > 0 ? [...label.slice(0, digits)].map((char) => char.codePointAt(0)) : [];
  let [n, i, bias] = [128, 0, 72];
  for (let at = digits > 0 ? digits + 1 : 0; at < label.length;) {
    const before = i;
    for (let weight = 1, k = 36; ; k += 36) {
      if (at >= label.length) return null;
      const code = label.charCodeAt(at++);
      const digit = code >= 48 && code < 58 ? code - 22 : code >= 97 && code < 123 ? code - 97 : 36;
      if (digit >= 36) return null;
      i += digit * weight;
      const threshold = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
      if (digit < threshold) break;
      weight *= 36 - threshold;
    }
    const count = output.length + 1;
    let delta = before === 0 ? Math.floor((i - before) / 700) : (i - before) >> 1;
    delta += Math.floor(delta / count);
    let k = 0;
    for (; delta > 455; k += 36) delta = Math.floor(delta / 35);
    bias = k + Math.floor((36 * delta) / (delta + 38));
    n += Math.floor(i / count);
    i %= count;
    if (n > 0x10ffff) return null;
    output.splice(i++, 0, n);
  }
  return String.fromCodePoint(...output);
}

export function toUnicode(domain) {
  return toAscii(domain).split('.').map((label) => {
    return label.startsWith('xn--') ? decodeLabel(label.slice(4)) ?? label : label;
  }).join('.');
}
