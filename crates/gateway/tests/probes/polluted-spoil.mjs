// (All but Promise.prototype.then, by which workerd itself waits for a handler.) Puts a function that throws in the place of all methods and statics of the language, and setters where lists grow.

export const before = { Uint8Array: globalThis.Uint8Array };

const { defineProperty } = Object;
const { ownKeys, getOwnPropertyDescriptor } = Reflect;
const evil = function evil() {
  throw new EvalError('a changed built-in was called');
};
const spoil = (object, but) => {
  const keys = ownKeys(object);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if (key === 'constructor' || key === '__proto__' || key === 'name' || key === 'message' || key === 'then' || key === but) continue;
    const { configurable } = getOwnPropertyDescriptor(object, key);
    if (configurable) defineProperty(object, key, { __proto__: null, value: evil, writable: true, configurable: true });
  }
};
const names = ['Array', 'String', 'Number', 'Boolean', 'RegExp', 'Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'Date', 'Error',
  'TypeError', 'ArrayBuffer', 'DataView', 'Uint8Array', 'Iterator', 'BigInt', 'Symbol', 'Promise', 'Object', 'Function'];
const made = [];
for (let i = 0; i < names.length; i++) made[i] = globalThis[names[i]];
const typed = Object.getPrototypeOf(Uint8Array);
const iterators = [Object.getPrototypeOf([][Symbol.iterator]()), Object.getPrototypeOf(new Map().entries()),
  Object.getPrototypeOf(new Set().values()), Object.getPrototypeOf(''[Symbol.iterator]()),
  Object.getPrototypeOf(''.matchAll(/x/g)), Object.getPrototypeOf(function* () {}).prototype,
  Object.getPrototypeOf(async function* () {}).prototype];
const spaces = [JSON, Reflect, Math, Atomics];
const { species, toPrimitive, hasInstance } = Symbol;
for (let i = 0; i < iterators.length; i++) spoil(iterators[i]);
for (let i = 0; i < made.length; i++) {
  spoil(made[i].prototype, made[i] === Function ? hasInstance : toPrimitive);
  spoil(made[i], species);
}
spoil(typed.prototype, Symbol.toStringTag);
for (let i = 0; i < spaces.length; i++) spoil(spaces[i]);
for (let i = 0; i < 4; i++) defineProperty(made[0].prototype, i, { __proto__: null, set: evil, get: evil, configurable: true });
for (let i = 0; i < names.length; i++) {
  defineProperty(globalThis, names[i], { __proto__: null, value: evil, writable: true, configurable: true });
}
