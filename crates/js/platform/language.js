// The language as scripts find it: what the engine has that V8 does not is taken away, so that nobody comes to lean on
// it, and what is missing is put in its place.

const NOT_IN_V8 = [
  [ArrayBuffer.prototype, ['immutable', 'sliceToImmutable', 'transferToImmutable']],
  [Function.prototype, ['fileName', 'lineNumber', 'columnNumber']],
  [Iterator.prototype, ['chunks', 'windows']],
  [globalThis, ['InternalError']],
];

const { toString } = BigInt.prototype;

// Groups of three, as where the language is English, which is the only one there is.
const methods = {
  toLocaleString() {
    return toString.call(this).replace(/\B(?=(?:\d{3})+$)/g, ',');
  },
};

export function mendLanguage() {
  for (const [target, names] of NOT_IN_V8) for (const name of names) delete target[name];
  Object.defineProperty(String.prototype, 'length', { configurable: false });
  Object.defineProperty(BigInt.prototype, 'toLocaleString', {
    value: methods.toLocaleString, writable: true, enumerable: false, configurable: true,
  });
}
