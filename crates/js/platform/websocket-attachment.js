// How many bytes a value takes once it is serialized, as workerd counts an attachment: the format's tags, lengths
// as variable-length integers, text in one byte a character where that is enough.
function lengthBytes(length) {
  let bytes = 1;
  for (let rest = length; rest >= 128; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}

function textBytes(text) {
  const bytes = /^[\0-\xff]*$/.test(text) ? text.length : 2 * text.length;
  return 1 + lengthBytes(bytes) + bytes;
}

function bytesOf(value, seen) {
  switch (typeof value) {
    case 'string':
      return textBytes(value);
    case 'number':
      return Number.isInteger(value) && Math.abs(value) < 2 ** 30 ? 1 + lengthBytes(Math.abs(value) * 2) : 9;
    case 'bigint':
      return 2 + 8 * Math.ceil(value.toString(16).length / 16);
    case 'object':
      break;
    default:
      return 1;
  }
  if (value === null) return 1;
  if (seen.has(value)) return 2;
  seen.add(value);
  if (ArrayBuffer.isView(value)) return value.byteLength + 8;
  if (value instanceof ArrayBuffer) return value.byteLength + 1 + lengthBytes(value.byteLength);
  if (value instanceof Date) return 9;
  let bytes = 4;
  if (value instanceof Map || value instanceof Set) {
    for (const item of value) bytes += bytesOf(item, seen);
  }
  for (const key of Object.keys(value)) bytes += textBytes(key) + bytesOf(value[key], seen);
  return bytes;
}

export function weigh(value) {
  return 2 + bytesOf(value, new Set());
}
