// `node:querystring`: queries as objects, by Node's own rules, which are not those of URLSearchParams.
import { Buffer } from 'node:buffer';
import { coded } from './internal/errors.js';

const KEPT = /[^A-Za-z0-9\-_.!~*'()]/;

export function escape(text) {
  if (typeof text !== 'string') text = typeof text === 'object' ? String(text) : `${text}`;
  if (!KEPT.test(text)) return text;
  try {
    return encodeURIComponent(text);
  } catch {
    throw coded(URIError, 'ERR_INVALID_URI', 'URI malformed');
  }
}

// Bytes of a text with escapes, those that are wrong left as they are.
export function unescapeBuffer(text, plusIsSpace) {
  const bytes = Buffer.from(text, 'latin1');
  const out = Buffer.alloc(bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length; i++) {
    const pair = bytes[i] === 0x25 && /^[0-9a-fA-F]{2}$/.test(text.slice(i + 1, i + 3));
    if (pair) {
      out[length++] = parseInt(text.slice(i + 1, i + 3), 16);
      i += 2;
    } else out[length++] = plusIsSpace && bytes[i] === 0x2b ? 0x20 : bytes[i];
  }
  return out.subarray(0, length);
}

export function unescape(text, plusIsSpace) {
  try {
    return decodeURIComponent(text);
  } catch {
    return querystring.unescapeBuffer(text, plusIsSpace).toString();
  }
}

function primitive(value) {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return `${value}`;
  if (typeof value === 'bigint') return `${value}`;
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return '';
}

export function stringify(object, separator, equals, options) {
  const sep = separator || '&';
  const eq = equals || '=';
  const encode = typeof options?.encodeURIComponent === 'function' ? options.encodeURIComponent : querystring.escape;
  if (object === null || typeof object !== 'object') return '';
  const fields = [];
  for (const key of Object.keys(object)) {
    const name = `${encode(primitive(key))}${eq}`;
    const value = object[key];
    if (Array.isArray(value)) for (const one of value) fields.push(name + encode(primitive(one)));
    else fields.push(name + encode(primitive(value)));
  }
  return fields.join(sep);
}

export function parse(text, separator, equals, options) {
  const object = Object.create(null);
  if (typeof text !== 'string' || text.length === 0) return object;
  const sep = separator ? `${separator}` : '&';
  const eq = equals ? `${equals}` : '=';
  let most = typeof options?.maxKeys === 'number' ? options.maxKeys : 1000;
  if (!(most > 0)) most = Infinity;
  const own = typeof options?.decodeURIComponent === 'function' ? options.decodeURIComponent : querystring.unescape;
  const decode = (part) => {
    const spaced = part.replaceAll('+', ' ');
    if (own === unescape && !spaced.includes('%')) return spaced;
    try {
      return own(spaced.replaceAll(' ', '%20'));
    } catch {
      return unescape(spaced, true);
    }
  };
  for (const field of text.split(sep)) {
    if (field === '') continue;
    const at = field.indexOf(eq);
    const key = decode(at < 0 ? field : field.slice(0, at));
    const value = at < 0 ? '' : decode(field.slice(at + eq.length));
    const known = object[key];
    if (known === undefined) object[key] = value;
    else if (Array.isArray(known)) known.push(value);
    else object[key] = [known, value];
    if (--most === 0) break;
  }
  return object;
}

export { parse as decode, stringify as encode };

const querystring = { decode: parse, encode: stringify, escape, parse, stringify, unescape, unescapeBuffer };
export default querystring;
