// Numbers as decimal digits: read exactly, and rounded as asked for. A value is `0.digits` times ten to the `point`;
// zero has no digits.

export function decimalOf(value) {
  if (typeof value === 'bigint') {
    const text = String(value);
    const negative = text[0] === '-';
    const digits = negative ? text.slice(1) : text;
    return digits === '0' ? { negative, digits: '', point: 0 } : { negative, digits, point: digits.length };
  }
  if (Number.isNaN(value)) return { negative: false, special: 'NaN' };
  const negative = value < 0 || Object.is(value, -0);
  if (!Number.isFinite(value)) return { negative, special: '∞' };
  return parsed(String(Math.abs(value)), negative);
}

function parsed(text, negative) {
  const [mantissa, exponent = '0'] = text.toLowerCase().split('e');
  const [whole, fraction = ''] = mantissa.split('.');
  const all = whole + fraction;
  const digits = all.replace(/^0+/, '');
  if (digits === '') return { negative, digits: '', point: 0 };
  return { negative, digits: digits.replace(/0+$/, ''), point: whole.length - (all.length - digits.length) + Number(exponent) };
}

// What `format` takes: a string is read as it stands, so that no digit of it is lost.
export function decimalOfAny(value) {
  const plain = typeof value === 'object' && value !== null ? primitive(value) : value;
  if (typeof plain === 'bigint') return decimalOf(plain);
  if (typeof plain === 'string') {
    const text = plain.trim();
    const found = /^([+-]?)((?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?)$/i.exec(text);
    if (found !== null && Math.abs(Number(/e(.*)$/i.exec(text)?.[1] ?? 0)) < 400) return parsed(found[2], found[1] === '-');
  }
  return decimalOf(Number(plain));
}

function primitive(value) {
  const convert = value[Symbol.toPrimitive];
  if (convert !== undefined) return convert.call(value, 'number');
  const number = value.valueOf();
  return typeof number === 'object' ? String(value) : number;
}

// The multiple of a power of ten.
export const shifted = (decimal, places) => (decimal.digits ? { ...decimal, point: decimal.point + places } : decimal);

const AWAY = {
  ceil: (rest, negative) => !negative && rest !== 0,
  floor: (rest, negative) => negative && rest !== 0,
  expand: (rest) => rest !== 0,
  trunc: () => false,
  halfCeil: (rest, negative) => rest > 0.5 || rest === 0.5 && !negative,
  halfFloor: (rest, negative) => rest > 0.5 || rest === 0.5 && negative,
  halfExpand: (rest) => rest >= 0.5,
  halfTrunc: (rest) => rest > 0.5,
  halfEven: (rest, negative, odd) => rest > 0.5 || rest === 0.5 && odd,
};

// Rounded behind `places` digits after the point (before it, where that is negative).
export function rounded(decimal, places, mode) {
  const kept = decimal.point + places;
  if (!decimal.digits || kept >= decimal.digits.length) return decimal;
  const head = kept > 0 ? decimal.digits.slice(0, kept) : '';
  const tail = kept >= 0 ? decimal.digits.slice(kept) : '0'.repeat(Math.min(-kept, 2)) + decimal.digits;
  const first = Number(tail[0]);
  const rest = /^0*$/.test(tail) ? 0 : first < 5 ? 0.25 : first === 5 && /^50*$/.test(tail) ? 0.5 : 0.75;
  const odd = head !== '' && Number(head[head.length - 1]) % 2 === 1;
  const negative = decimal.negative;
  if (!AWAY[mode](rest, negative, odd)) return trimmed(negative, head, decimal.point);
  if (kept < 0) return { negative, digits: '1', point: 1 - places };
  const next = String(BigInt(head || '0') + 1n);
  return trimmed(negative, next, decimal.point + next.length - Math.max(kept, 0));
}

function trimmed(negative, head, point) {
  const digits = head.replace(/0+$/, '');
  return digits === '' ? { negative, digits: '', point: 0 } : { negative, digits, point };
}

// With so many significant digits at most.
export const significant = (decimal, most, mode) => rounded(decimal, most - decimal.point, mode);

// The digits before and after the point, at least so many.
export function written(decimal, leastWhole, leastFraction) {
  const { digits, point } = decimal;
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '';
  const fraction = digits === '' ? '' : point >= 0 ? digits.slice(point) : '0'.repeat(-point) + digits;
  return { whole: whole.padStart(leastWhole, '0'), fraction: fraction.padEnd(leastFraction, '0') };
}
