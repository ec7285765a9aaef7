// fetch() of a `data:` URL (Fetch standard, data: URL processor): the response is in the URL itself.
import { essenceText } from './mime.js';

const decodeBase64 = atob;

// The bytes of a text in which `%` and two digits are a byte.
function percentDecoded(text) {
  let binary = '';
  for (let i = 0; i < text.length; i++) {
    const digits = text[i] === '%' ? text.slice(i + 1, i + 3) : '';
    if (/^[0-9a-f]{2}$/i.test(digits)) {
      binary += String.fromCharCode(parseInt(digits, 16));
      i += 2;
    } else {
      binary += text[i];
    }
  }
  return binary;
}

// A serialised URL -> { bytes, type }, or null where it is none. What is no base64 is nothing.
export function readDataUrl(url) {
  const fragment = url.indexOf('#');
  const text = url.slice('data:'.length, fragment < 0 ? undefined : fragment);
  const comma = text.indexOf(',');
  if (comma < 0) return null;
  let type = text.slice(0, comma).trim();
  let binary = percentDecoded(text.slice(comma + 1));
  const base64 = /; *base64$/i.exec(type);
  if (base64 !== null) {
    type = type.slice(0, base64.index);
    try {
      binary = decodeBase64(binary);
    } catch {
      binary = '';
    }
  }
  if (type.startsWith(';')) type = `text/plain${type}`;
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return { bytes, type: essenceText(type) || 'text/plain;charset=US-ASCII' };
}
