// What inspect.js calls things: names of classes, of functions and keys, strings and numbers, the head of an error.
import * as host from 'switchyard:host';
import { scriptStack } from './errors.js';

const SHORT = {
  '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r', '\v': '\\x0B', '\\': '\\\\', "'": "\\'",
};
const SPECIAL = /[\x00-\x1f\x5c\x7f-\x9f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const SPECIAL_OR_QUOTE = /[\x00-\x1f\x27\x5c\x7f-\x9f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;
const MAY_BE_SPECIAL = /[\x00-\x1f\x27\x5c\x7f-\x9f\ud800-\udfff]/;

function escaped(char) {
  const short = SHORT[char];
  if (short !== undefined) return short;
  const code = char.charCodeAt(0);
  if (code < 256) return `\\x${code.toString(16).toUpperCase().padStart(2, '0')}`;
  return `\\u${code.toString(16)}`;
}

// In the kind of quotes that needs the fewest escapes.
export function quoted(text) {
  if (!MAY_BE_SPECIAL.test(text)) return `'${text}'`;
  let mark = "'";
  if (text.includes("'")) {
    if (!text.includes('"')) mark = '"';
    else if (!text.includes('`') && !text.includes('${')) mark = '`';
  }
  return mark + text.replace(mark === "'" ? SPECIAL_OR_QUOTE : SPECIAL, escaped) + mark;
}

export function shownNumber(value, separated) {
  if (typeof value === 'bigint') return separated ? `${separate(`${value}`)}n` : `${value}n`;
  if (Object.is(value, -0)) return '-0';
  const text = `${value}`;
  if (!separated || !/^-?\d+(\.\d+)?$/.test(text)) return text;
  const [whole, fraction] = text.split('.');
  if (fraction === undefined) return separate(whole);
  return `${separate(whole)}.${fraction.replace(/(\d{3})(?=\d)/g, '$1_')}`;
}

function separate(digits) {
  const sign = digits.startsWith('-') ? '-' : '';
  return sign + digits.slice(sign.length).replace(/\B(?=(\d{3})+$)/g, '_');
}

export function shownKey(key, enumerable, stylize) {
  if (typeof key === 'symbol') {
    const text = Symbol.prototype.toString.call(key).replace(SPECIAL, escaped);
    return enumerable === false ? `[${stylize(text, 'symbol')}]` : stylize(text, 'symbol');
  }
  if (key === '__proto__') return "['__proto__']";
  if (enumerable === false) return `[${key.replace(SPECIAL_OR_QUOTE, escaped)}]`;
  return /^[a-zA-Z_][a-zA-Z_0-9]*$/.test(key) ? stylize(key, 'name') : stylize(quoted(key), 'string');
}

function isInstance(object, Class) {
  try {
    return object instanceof Class;
  } catch {
    return false;
  }
}

// The name of the object's class; null for an object without prototype.
export function constructorName(object, state, depth, inspect) {
  let first;
  for (let at = object; at !== null && at !== undefined;) {
    const descriptor = Object.getOwnPropertyDescriptor(at, 'constructor');
    if (descriptor !== undefined && typeof descriptor.value === 'function' && descriptor.value.name !== '' &&
        isInstance(object, descriptor.value)) {
      return String(descriptor.value.name);
    }
    at = Object.getPrototypeOf(at);
    if (first === undefined) first = at;
  }
  if (first === null) return null;
  const name = host.kind(object) ?? 'Object';
  if (depth > state.depth && state.depth !== null) return `${name} <Complex prototype>`;
  const parent = constructorName(first, state, depth + 1, inspect);
  if (parent === null) return `${name} <${inspect(first, { ...optionsOf(state), customInspect: false, depth: -1 })}>`;
  return `${name} <${parent}>`;
}

function optionsOf({ showHidden, colors, showProxy, maxArrayLength, breakLength, compact }) {
  return { showHidden, colors, showProxy, maxArrayLength, breakLength, compact };
}

export function prefixOf(constructor, tag, fallback, size = '') {
  if (constructor === null) {
    return tag !== '' && fallback !== tag ? `[${fallback}${size}: null prototype] [${tag}] `
      : `[${fallback}${size}: null prototype] `;
  }
  return tag !== '' && constructor !== tag ? `${constructor}${size} [${tag}] ` : `${constructor}${size} `;
}

// `[class A extends B]`, or undefined for a function that is no class.
export function classLabel(value, constructor, tag) {
  const source = Function.prototype.toString.call(value);
  if (!source.startsWith('class') || !source.endsWith('}')) return undefined;
  const name = Object.hasOwn(value, 'name') && value.name ? value.name : '(anonymous)';
  let text = `class ${name}`;
  if (constructor !== 'Function' && constructor !== null) text += ` [${constructor}]`;
  if (tag !== '' && constructor !== tag) text += ` [${tag}]`;
  if (constructor === null) text += ' extends [null prototype]';
  else {
    const parent = Object.getPrototypeOf(value)?.name;
    if (parent) text += ` extends ${parent}`;
  }
  return `[${text}]`;
}

export function functionLabel(value, kind, constructor, tag) {
  const type = kind !== null && kind.endsWith('Function') && !kind.startsWith('Bound') ? kind : 'Function';
  let text = `[${type}`;
  if (constructor === null) text += ' (null prototype)';
  text += value.name === '' ? ' (anonymous)' : `: ${typeof value.name === 'string' ? value.name : '(anonymous)'}`;
  text += ']';
  if (constructor !== type && constructor !== null) text += ` ${constructor}`;
  if (tag !== '' && constructor !== tag) text += ` [${tag}]`;
  return text;
}

function stackOf(error) {
  const { stack } = error;
  if (!stack) return Error.prototype.toString.call(error);
  const text = scriptStack(String(stack)).trimEnd();
  return text === '' ? Error.prototype.toString.call(error) : text;
}

// `Name: message` and the stack below it. What the stack says already is taken out of `keys`.
export function errorText(state, error, constructor, tag, keys) {
  const name = error.name === null || error.name === undefined ? 'Error' : String(error.name);
  let stack = stackOf(error);
  if (!state.showHidden) {
    for (const key of ['name', 'message', 'stack']) {
      const at = keys.indexOf(key);
      if (at >= 0 && (typeof error[key] !== 'string' || stack.includes(error[key]))) keys.splice(at, 1);
    }
  }
  if ('cause' in error && !keys.includes('cause')) keys.push('cause');
  if (Array.isArray(error.errors) && !keys.includes('errors')) keys.push('errors');
  stack = withName(stack, constructor, name, tag);
  const at = (error.message && stack.indexOf(error.message)) || -1;
  const frames = stack.indexOf('\n    at', at < 0 ? 0 : at + String(error.message).length);
  if (frames < 0) stack = `[${stack}]`;
  if (state.indentation > 0) stack = stack.replaceAll('\n', `\n${' '.repeat(state.indentation)}`);
  return stack;
}

// The class's name goes into the first line where it says more than the error's.
function withName(stack, constructor, name, tag) {
  let { length } = name;
  const named = name.endsWith('Error') && stack.startsWith(name) &&
    (stack.length === length || stack[length] === ':' || stack[length] === '\n');
  if (constructor !== null && !named) return stack;
  let fallback = 'Error';
  if (constructor === null) {
    const start = /^([A-Z][a-z_ A-Z0-9[\]()-]+)(?::|\n\s+at)/.exec(stack) ?? /^([a-z_A-Z0-9-]*Error)$/.exec(stack);
    fallback = start?.[1] ?? '';
    ({ length } = fallback);
    fallback ||= 'Error';
  }
  const prefix = prefixOf(constructor, tag, fallback).slice(0, -1);
  if (name === prefix) return stack;
  if (prefix.includes(name)) return length === 0 ? `${prefix}: ${stack}` : `${prefix}${stack.slice(length)}`;
  return `${prefix} [${name}]${stack.slice(length)}`;
}
