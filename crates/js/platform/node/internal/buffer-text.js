// buffer's questions about text: isAscii, isUtf8, transcode.
import * as host from 'switchyard:host';
import { decodeBytes, encodeText, encodingName } from './encodings.js';
import { invalidArgType } from './errors.js';

function bytesOf(value, method) {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return new Uint8Array(value);
  throw new TypeError(`Failed to execute '${method}' on 'BufferUtil': parameter 1 is not of type 'Uint8Array'.`);
}

export function isAscii(value) {
  return bytesOf(value, 'isAscii').every((byte) => byte < 128);
}

export function isUtf8(value) {
  const bytes = bytesOf(value, 'isUtf8');
  try {
    host.utf8Decode(bytes, true, true);
    return true;
  } catch {
    return false;
  }
}

// From 0x80 on, as the Encoding standard's latin1 has it; a space where there is no character.
const WINDOWS_1252 = '\u20ac \u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152 \u017d  ' +
  '\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153 \u017e\u0178';

const TRANSCODED = new Set(['utf8', 'utf16le', 'latin1', 'ascii']);

// The bytes of `source`, a text in one encoding, in another.
export function transcodeBytes(source, from, to) {
  if (!(source instanceof Uint8Array)) throw invalidArgType('source', ['Buffer', 'Uint8Array'], source);
  const [input, output] = [encodingName(from), encodingName(to)];
  if (!TRANSCODED.has(input) || !TRANSCODED.has(output)) {
    throw new Error('Unable to transcode buffer due to unsupported encoding');
  }
  const text = decodeBytes(bytesOf(source), input);
  if (output === 'utf8' || output === 'utf16le') return encodeText(text, output);
  return Uint8Array.from(text, (char) => {
    const code = char.codePointAt(0);
    if (code < 256) return code;
    const place = WINDOWS_1252.indexOf(char);
    return place < 0 ? 0x3f : 0x80 + place;
  });
}
