// Text by characters: a tokeniser, a hash and base64, as template engines and parsers do them.
const source = Array.from({ length: 60 }, (_, i) => `let value${i} = compute(${i}, "text ${i}") + other[${i * 3}] * 1.5; // note\n`).join('');
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const isLetter = (c) => (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === 95;
const isDigit = (c) => c >= 48 && c <= 57;

function tokens(text) {
  const found = [];
  let at = 0;
  while (at < text.length) {
    const c = text.charCodeAt(at), from = at;
    if (c === 32 || c === 10) { at++; continue; }
    if (isLetter(c)) {
      while (at < text.length && (isLetter(text.charCodeAt(at)) || isDigit(text.charCodeAt(at)))) at++;
      found.push({ type: 'name', text: text.slice(from, at) });
    } else if (isDigit(c)) {
      while (isDigit(text.charCodeAt(at)) || text[at] === '.') at++;
      found.push({ type: 'number', text: text.slice(from, at) });
    } else if (text[at] === '"') {
      at = text.indexOf('"', at + 1) + 1;
      found.push({ type: 'string', text: text.slice(from, at) });
    } else if (text[at] === '/' && text[at + 1] === '/') {
      while (at < text.length && text[at] !== '\n') at++;
    } else {
      found.push({ type: 'mark', text: text[at++] });
    }
  }
  return found;
}

export function run() {
  const all = tokens(source);
  let hash = 0x811c9dc5;
  for (let i = 0; i < source.length; i++) hash = Math.imul(hash ^ source.charCodeAt(i), 0x01000193) >>> 0;
  let encoded = '';
  for (let i = 0; i + 2 < source.length; i += 3) {
    const bits = (source.charCodeAt(i) << 16) | (source.charCodeAt(i + 1) << 8) | source.charCodeAt(i + 2);
    encoded += ALPHABET[bits >> 18] + ALPHABET[(bits >> 12) & 63] + ALPHABET[(bits >> 6) & 63] + ALPHABET[bits & 63];
  }
  return `${all.length} ${all.filter((token) => token.type === 'name').length} ${hash} ${encoded.length}`;
}
