// console.log's arguments as one text: a format string where there is one, the rest separated by spaces.
import { inspect } from './inspect.js';
import { shownNumber } from './inspect-names.js';

export function format(values) {
  return formatWith(undefined, values);
}

export function formatWith(options, values) {
  if (values.length === 1 && typeof values[0] === 'string') return values[0];
  let text = '';
  let next = 0;
  if (typeof values[0] === 'string') {
    next = 1;
    text = values[0];
    if (values.length > 1 && text.includes('%')) {
      text = text.replace(/%[sdifjoOc%]/g, (mark) => {
        if (mark === '%%') return '%';
        return next >= values.length ? mark : directive(mark[1], values[next++], options);
      });
    }
  }
  for (; next < values.length; next++) {
    const value = values[next];
    text += `${next > 0 ? ' ' : ''}${typeof value === 'string' ? value : inspect(value, options)}`;
  }
  return text;
}

const BUILT_IN = new Set(Object.getOwnPropertyNames(globalThis).filter((name) => /^[A-Z][a-zA-Z0-9]+$/.test(name)));

// Whether String(value) would say no more than that it is an object.
function hasOwnText(value) {
  if (typeof value[Symbol.toPrimitive] === 'function' && !(value instanceof Date)) return true;
  if (typeof value.toString !== 'function') return false;
  if (Object.hasOwn(value, 'toString')) return true;
  let at = value;
  do at = Object.getPrototypeOf(at);
  while (at !== null && !Object.hasOwn(at, 'toString'));
  const constructor = at === null ? undefined : Object.getOwnPropertyDescriptor(at, 'constructor')?.value;
  return typeof constructor === 'function' && !BUILT_IN.has(constructor.name);
}

function directive(mark, value, options) {
  switch (mark) {
    case 's':
      if (typeof value === 'number') return shownNumber(value, false);
      if (typeof value === 'bigint') return `${value}n`;
      if (typeof value !== 'object' || value === null || hasOwnText(value)) return String(value);
      return inspect(value, { ...options, depth: 0, colors: false, compact: 3 });
    case 'd':
      if (typeof value === 'bigint') return `${value}n`;
      return typeof value === 'symbol' ? 'NaN' : shownNumber(Number(value), false);
    case 'i':
      if (typeof value === 'bigint') return `${value}n`;
      return typeof value === 'symbol' ? 'NaN' : shownNumber(parseInt(value), false);
    case 'f':
      return typeof value === 'symbol' ? 'NaN' : shownNumber(parseFloat(value), false);
    case 'j':
      try {
        return `${JSON.stringify(value)}`;
      } catch (error) {
        if (/circular/i.test(error.message)) return '[Circular]';
        throw error;
      }
    case 'o':
      return inspect(value, { ...options, showHidden: true, showProxy: true, depth: 4 });
    case 'O':
      return inspect(value, options);
    default:
      return '';
  }
}
