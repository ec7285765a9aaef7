// atob and btoa: the engine's, with workerd's words.
import { DOMException } from './errors.js';
import { notOfType } from './idl.js';

const { atob: decode, btoa: encode } = globalThis;

function text(value) {
  if (typeof value === 'symbol') throw new TypeError('Cannot convert a Symbol value to a string');
  return `${value}`;
}

export function atob(data) {
  if (arguments.length === 0) throw notOfType('atob', 'ServiceWorkerGlobalScope', 1, 'string');
  data = text(data);
  try {
    return decode(data);
  } catch {
    throw new DOMException('atob() called with invalid base64-encoded data. (Only whitespace, \'+\', \'/\', alphanumeric ' +
      'ASCII, and up to two terminal \'=\' signs when the input data length is divisible by 4 are allowed.)',
    'InvalidCharacterError');
  }
}

export function btoa(data) {
  if (arguments.length === 0) throw notOfType('btoa', 'ServiceWorkerGlobalScope', 1, 'String');
  data = text(data);
  try {
    return encode(data);
  } catch {
    throw new DOMException('btoa() can only operate on characters in the Latin1 (ISO/IEC 8859-1) range.',
      'InvalidCharacterError');
  }
}
