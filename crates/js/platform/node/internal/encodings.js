// Buffer's encodings: strings to bytes and back. Each is lenient as Node's are: what cannot be decoded is skipped,
// or ends the result.
import * as host from 'switchyard:host';

const NAMES = {
  __proto__: null, utf8: 'utf8', 'utf-8': 'utf8', hex: 'hex', base64: 'base64', base64url: 'base64url',
  ascii: 'ascii', latin1: 'latin1', binary: 'latin1', ucs2: 'utf16le', 'ucs-2': 'utf16le', utf16le: 'utf16le',
  'utf-16le': 'utf16le',
};

// The encoding's own name; undefined when there is none of that name.
export function encodingName(name) {
  const known = NAMES[name];
  if (known !== undefined) return known;
  return typeof name === 'string' ? NAMES[name.toLowerCase()] : undefined;
}

const { fromCharCode } = String;
const PIECE = 8192; // arguments of one call

function charCodes(units) {
  if (units.length <= PIECE) return fromCharCode.apply(null, units);
  let text = '';
  for (let at = 0; at < units.length; at += PIECE) text += fromCharCode.apply(null, units.subarray(at, at + PIECE));
  return text;
}

function utf16(bytes) {
  const units = new Uint16Array(bytes.byteLength >> 1);
  new Uint8Array(units.buffer).set(bytes.subarray(0, units.length * 2));
  return charCodes(units);
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const toBase64 = Uint8Array.prototype.toBase64;
const toHex = Uint8Array.prototype.toHex;
const fromBase64 = Uint8Array.fromBase64;
const apply = Reflect.apply;

function hex(bytes) {
  if (toHex !== undefined) return apply(toHex, bytes, []);
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += HEX[bytes[i]];
  return text;
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const STANDARD = `${ALPHABET}+/`;
const URL_SAFE = `${ALPHABET}-_`;

function base64(bytes, letters, padded) {
  let text = '';
  let i = 0;
  for (; i + 2 < bytes.length; i += 3) {
    const n = (bytes[i] << 16) | (bytes[i + 1] << 8) | bytes[i + 2];
    text += letters[n >> 18] + letters[(n >> 12) & 63] + letters[(n >> 6) & 63] + letters[n & 63];
  }
  if (i + 1 === bytes.length) text += letters[bytes[i] >> 2] + letters[(bytes[i] & 3) << 4] + (padded ? '==' : '');
  else if (i < bytes.length) {
    const n = (bytes[i] << 8) | bytes[i + 1];
    text += letters[n >> 10] + letters[(n >> 4) & 63] + letters[(n & 15) << 2] + (padded ? '=' : '');
  }
  return text;
}

const URL_OPTIONS = { alphabet: 'base64url', omitPadding: true };

// `bytes` is a Uint8Array; `encoding` an encoding's own name.
export function decodeBytes(bytes, encoding) {
  switch (encoding) {
    case 'utf8':
      return host.utf8Decode(bytes, false, true);
    case 'hex':
      return hex(bytes);
    case 'base64':
      return toBase64 !== undefined ? apply(toBase64, bytes, []) : base64(bytes, STANDARD, true);
    case 'base64url':
      return toBase64 !== undefined ? apply(toBase64, bytes, [URL_OPTIONS]) : base64(bytes, URL_SAFE, false);
    case 'latin1':
      return charCodes(bytes);
    case 'ascii':
      return charCodes(Uint8Array.prototype.map.call(new Uint8Array(bytes), (byte) => byte & 127));
    default:
      return utf16(bytes);
  }
}

function latin1Bytes(text) {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function utf16Bytes(text) {
  const bytes = new Uint8Array(text.length * 2);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    bytes[2 * i] = unit;
    bytes[2 * i + 1] = unit >> 8;
  }
  return bytes;
}

const DIGIT = new Int8Array(128).fill(-1);
for (let i = 0; i < 16; i++) {
  DIGIT['0123456789abcdef'.charCodeAt(i)] = i;
  DIGIT['0123456789ABCDEF'.charCodeAt(i)] = i;
}

function digit(text, i) {
  const code = text.charCodeAt(i);
  return code < 128 ? DIGIT[code] : -1;
}

function hexBytes(text) {
  const bytes = new Uint8Array(text.length >> 1);
  for (let i = 0; i < bytes.length; i++) {
    const high = digit(text, 2 * i);
    const low = digit(text, 2 * i + 1);
    if (high < 0 || low < 0) return bytes.subarray(0, i);
    bytes[i] = (high << 4) | low;
  }
  return bytes;
}

const LETTER = new Int8Array(128).fill(-1);
for (let i = 0; i < 64; i++) LETTER[STANDARD.charCodeAt(i)] = i;
LETTER[0x2d] = 62;
LETTER[0x5f] = 63;

function base64Bytes(text) {
  if (fromBase64 !== undefined && text.length > 64 && !/[^A-Za-z0-9+/=]/.test(text)) {
    try {
      return fromBase64(text);
    } catch {
      // Not canonical: letter by letter.
    }
  }
  const bytes = new Uint8Array(Math.ceil((text.length * 3) / 4));
  let length = 0;
  let held = 0;
  let bits = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x3d) break; // padding ends it
    const value = code < 128 ? LETTER[code] : -1;
    if (value < 0) continue;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[length++] = held >> bits;
    }
  }
  return bytes.subarray(0, length);
}

export function encodeText(text, encoding) {
  switch (encoding) {
    case 'utf8':
      return host.utf8Encode(text);
    case 'hex':
      return hexBytes(text);
    case 'base64':
    case 'base64url':
      return base64Bytes(text);
    case 'latin1':
    case 'ascii':
      return latin1Bytes(text);
    default:
      return utf16Bytes(text);
  }
}

// Bytes that `text` takes, by its length alone where that says it.
export function encodedLength(text, encoding) {
  switch (encoding) {
    case 'utf8':
      return host.utf8Length(text);
    case 'hex':
      return text.length >>> 1;
    case 'base64':
    case 'base64url': {
      let { length } = text;
      if (text.endsWith('=')) length--;
      if (length > 1 && text.charCodeAt(length - 1) === 0x3d) length--;
      return (length * 3) >>> 2;
    }
    case 'latin1':
    case 'ascii':
      return text.length;
    default:
      return text.length * 2;
  }
}
