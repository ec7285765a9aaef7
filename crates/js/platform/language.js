// The language as scripts find it: what the engine has that V8 does not is taken away, so that nobody comes to lean on
// it, and what is missing is put in its place.

const NOT_IN_V8 = [
  [ArrayBuffer.prototype, ['immutable', 'sliceToImmutable', 'transferToImmutable']],
  [Function.prototype, ['fileName', 'lineNumber', 'columnNumber']],
  [Iterator.prototype, ['chunks', 'windows']],
  [globalThis, ['InternalError']],
];

const { abs, expm1, max, sqrt } = Math;
const SYNTAX = /[\^$\\.*+?()[\]{}|/]/;
const CONTROLS = { '\t': '\\t', '\n': '\\n', '\v': '\\v', '\f': '\\f', '\r': '\\r' };
const OTHERS = /[,\-=<>#&!%:;@~'`"\s\ud800-\udfff]/;

function escaped(char, first) {
  if (char.length > 1) return char;
  if (SYNTAX.test(char)) return `\\${char}`;
  if (CONTROLS[char] !== undefined) return CONTROLS[char];
  if (!OTHERS.test(char) && !(first && /[0-9A-Za-z]/.test(char))) return char;
  const code = char.charCodeAt(0).toString(16);
  return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u${code.padStart(4, '0')}`;
}

// Of the engine's own the first would escape what is no ASCII, and the last digits of the others are not V8's.
const regexps = {
  escape(text) {
    if (typeof text !== 'string') throw new TypeError('input argument must be a string');
    let result = '';
    for (const char of text) result += escaped(char, result === '');
    return result;
  },
};

// Of two, as nearly all calls have: what the sums of more lose is nothing yet.
function hypotenuse(a, b) {
  if (a === Infinity || b === Infinity) return Infinity;
  const greatest = a > b || b !== b ? a : b;
  if (greatest === 0 || a !== a || b !== b) return a + b;
  const x = a / greatest;
  const y = b / greatest;
  return sqrt(x * x + y * y) * greatest;
}

const functions = {
  hypot(x, y) {
    if (arguments.length === 2) return hypotenuse(abs(x), abs(y));
    const sizes = Array.from(arguments, (value) => abs(value));
    if (sizes.includes(Infinity)) return Infinity;
    const greatest = max(0, ...sizes);
    if (greatest === 0 || greatest !== greatest) return greatest;
    let sum = 0;
    let lost = 0; // what an addition has rounded away
    for (const size of sizes) {
      const part = size / greatest;
      const summand = part * part - lost;
      const next = sum + summand;
      lost = next - sum - summand;
      sum = next;
    }
    return sqrt(sum) * greatest;
  },
  tanh(value) {
    const x = +value;
    const size = abs(x);
    if (size !== size || size < 2 ** -28) return x;
    let result = 1;
    if (size < 1) {
      const t = expm1(-2 * size);
      result = -t / (t + 2);
    } else if (size < 22) result = 1 - 2 / (expm1(2 * size) + 2);
    return x < 0 ? -result : result;
  },
};

export function mendLanguage() {
  for (const [target, names] of NOT_IN_V8) for (const name of names) delete target[name];
  Object.defineProperty(String.prototype, 'length', { configurable: false });
  for (const [target, own] of [[RegExp, regexps], [Math, functions]]) {
    for (const name of Object.keys(own)) {
      Object.defineProperty(target, name, { value: own[name], writable: true, enumerable: false, configurable: true });
    }
  }
}
