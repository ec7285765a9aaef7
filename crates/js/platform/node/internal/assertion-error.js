// AssertionError, and the text of it that shows where two values differ.
import { inspect } from '../../inspect.js';

const READABLE = {
  __proto__: null,
  deepStrictEqual: 'Expected values to be strictly deep-equal:',
  deepEqual: 'Expected values to be loosely deep-equal:',
  strictEqual: 'Expected values to be strictly equal:',
  strictEqualObject: 'Expected "actual" to be reference-equal to "expected":',
  notDeepStrictEqual: 'Expected "actual" not to be strictly deep-equal to:',
  notStrictEqual: 'Expected "actual" to be strictly unequal to:',
  notStrictEqualObject: 'Expected "actual" not to be reference-equal to "expected":',
  notDeepEqual: 'Expected "actual" not to be loosely deep-equal to:',
  notIdentical: 'Values identical but not reference-equal:',
  notDeepEqualUnequal: 'Expected values not to be loosely deep-equal:',
};

const SHORT = 12; // together, of values shown side by side
const COLUMNS = 80;
const ROWS = 50;

export function shown(value) {
  return inspect(value, {
    compact: true, customInspect: false, depth: 1000, maxArrayLength: Infinity, showHidden: false, showProxy: false,
    sorted: true, getters: true,
  });
}

const isReference = (value) => (typeof value === 'object' && value !== null) || typeof value === 'function';

// Of lines that are alike, the first two after a difference and the last two before the next are shown.
function lastAlike(result, lines, i, alike) {
  if (alike <= 2) return;
  if (alike > 3) {
    if (alike === 5) result.add(`\n  ${lines[i - 3]}`);
    else if (alike > 5) {
      result.text += '\n...';
      result.skipped = true;
    }
    result.add(`\n  ${lines[i - 2]}`);
  }
  result.add(`\n  ${lines[i - 1]}`);
}

function sameButComma(one, other) {
  return one === other || (one.endsWith(',') && one.slice(0, -1) === other);
}

function difference(actual, expected, operator) {
  const whole = shown(actual);
  const left = whole.split('\n');
  const right = shown(expected).split('\n');
  let indicator = '';
  let tail = 0;
  if (operator === 'strictEqual' && isReference(actual) && isReference(expected)) operator = 'strictEqualObject';
  if (left.length === 1 && right.length === 1 && left[0] !== right[0]) {
    const length = left[0].length + right[0].length;
    if (length <= SHORT) {
      const plain = (value) => typeof value !== 'object' || value === null;
      if (plain(actual) && plain(expected) && (actual !== 0 || expected !== 0)) {
        return `${READABLE[operator]}\n\n${left[0]} !== ${right[0]}\n`;
      }
    } else if (operator !== 'strictEqualObject' && length < COLUMNS) {
      let i = 0;
      while (left[0][i] === right[0][i]) i++;
      if (i > 2) indicator = `\n  ${' '.repeat(i)}^`;
      else tail = i;
    }
  }
  let end = '';
  let other = '';
  while (left.length > 0 && right.length > 0 && left.at(-1) === right.at(-1)) {
    if (tail++ < 3) end = `\n  ${left.at(-1)}${end}`;
    else other = left.at(-1);
    left.pop();
    right.pop();
  }
  const rows = Math.max(left.length, right.length);
  if (rows === 0) {
    const lines = whole.split('\n');
    if (lines.length > ROWS) lines.splice(46, lines.length - 46, '...');
    return `${READABLE.notIdentical}\n\n${lines.join('\n')}\n`;
  }
  const result = {
    text: '', printed: 0, skipped: false,
    add(text) {
      this.text += text;
      this.printed++;
    },
  };
  if (tail >= 5) {
    end = `\n...${end}`;
    result.skipped = true;
  }
  if (other !== '') {
    end = `\n  ${other}${end}`;
    other = '';
  }
  const head = `${READABLE[operator]}\n+ actual - expected`;
  const [longer, mark] = left.length < rows ? [right, '-'] : [left, '+'];
  const both = Math.min(left.length, right.length);
  let alike = 0;
  for (let i = 0; i < rows; i++) {
    if (i >= both) {
      lastAlike(result, longer, i, alike);
      alike = 0;
      if (longer === left) result.text += `\n${mark} ${longer[i]}`;
      else other += `\n${mark} ${longer[i]}`;
      result.printed++;
    } else {
      const differs = !sameButComma(left[i], right[i]) && !sameButComma(right[i], left[i]);
      if (differs) {
        lastAlike(result, left, i, alike);
        alike = 0;
        result.text += `\n+ ${left[i]}`;
        other += `\n- ${right[i]}`;
        result.printed += 2;
      } else {
        result.text += other;
        other = '';
        alike++;
        const line = left[i] !== right[i] && right[i].endsWith(',') ? `${left[i]},` : left[i];
        if (alike <= 2) result.add(`\n  ${line}`);
      }
    }
    if (result.printed > ROWS && i < rows - 2) return `${head} ... Lines skipped\n${result.text}\n...${other}\n...`;
  }
  return `${head}${result.skipped ? ' ... Lines skipped' : ''}\n${result.text}${other}${end}${indicator}`;
}

function messageOf({ actual, expected, operator }) {
  if (operator === 'deepStrictEqual' || operator === 'strictEqual') return difference(actual, expected, operator);
  if (operator === 'notDeepStrictEqual' || operator === 'notStrictEqual') {
    const base = READABLE[operator === 'notStrictEqual' && isReference(actual) ? 'notStrictEqualObject' : operator];
    const lines = shown(actual).split('\n');
    if (lines.length > ROWS) lines.splice(46, lines.length - 46, '...');
    return lines.length === 1 ? `${base} ${lines[0]}` : `${base}\n\n${lines.join('\n')}\n`;
  }
  let left = shown(actual);
  let right = shown(expected);
  const known = READABLE[operator];
  if (operator === 'notDeepEqual' && left === right) {
    left = `${known}\n\n${left}`;
    return left.length > 1024 ? `${left.slice(0, 1021)}...` : left;
  }
  if (left.length > 512) left = `${left.slice(0, 509)}...`;
  if (right.length > 512) right = `${right.slice(0, 509)}...`;
  if (operator === 'deepEqual') return `${known}\n\n${left}\n\nshould loosely deep-equal\n\n${right}`;
  return `${left} ${operator} ${right}`;
}

export class AssertionError extends Error {
  constructor(options) {
    if (typeof options !== 'object' || options === null) {
      const error = new TypeError(`The "options" argument must be of type object. Received ${inspect(options)}`);
      error.code = 'ERR_INVALID_ARG_TYPE';
      throw error;
    }
    const { message, operator, stackStartFn, actual, expected } = options;
    super(message !== undefined && message !== null ? String(message) : messageOf(options));
    this.generatedMessage = message === undefined || message === null;
    Object.defineProperty(this, 'name', { value: 'AssertionError', writable: true, configurable: true });
    this.code = 'ERR_ASSERTION';
    this.actual = actual;
    this.expected = expected;
    this.operator = operator;
    // The stack is taken with the code in the name.
    this.name = 'AssertionError [ERR_ASSERTION]';
    Error.captureStackTrace?.(this, stackStartFn);
    this.name = 'AssertionError';
  }

  toString() {
    return `${this.name} [${this.code}]: ${this.message}`;
  }
}
