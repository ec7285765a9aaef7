// Values as text, as Node's util.inspect shows them: for the console and for `node:util`. What stands here decides
// what is shown of each kind of object; inspect-layout.js breaks lines, inspect-names.js names classes and keys.
import * as host from 'switchyard:host';
import {
  bufferContents, elements, isIndex, mapEntries, plural, promiseEntry, setEntries, typedElements,
} from './inspect-entries.js';
import { DOMException } from './errors.js';
import { ITERATED, hiddenOf, shownOf } from './inspect-platform.js';
import { COLORS, STYLES, withColor, withoutColor } from './inspect-styles.js';
import { reduceToOneText } from './inspect-layout.js';
import {
  classLabel, constructorName, errorText, functionLabel, prefixOf, quoted, shownKey, shownNumber,
} from './inspect-names.js';

export const CUSTOM = Symbol.for('nodejs.util.inspect.custom');

const PLAIN = 0;
export const ELEMENT = 1;
const LIST = 2;

const DEFAULTS = {
  showHidden: false, depth: 2, colors: false, customInspect: true, showProxy: false, maxArrayLength: 100,
  maxStringLength: 10000, breakLength: 80, compact: 3, sorted: false, getters: false, numericSeparator: false,
};

export function inspect(value, options) {
  const state = {
    ...DEFAULTS, budget: {}, indentation: 0, seen: [], currentDepth: 0, circular: undefined, stylize: withoutColor,
    userOptions: undefined,
  };
  if (arguments.length > 1) {
    if (arguments.length > 2) {
      if (arguments[2] !== undefined) state.depth = arguments[2];
      if (arguments.length > 3 && arguments[3] !== undefined) state.colors = arguments[3];
    }
    if (typeof options === 'boolean') state.showHidden = options;
    else if (options !== null && options !== undefined) {
      for (const key of Object.keys(options)) {
        if (Object.hasOwn(DEFAULTS, key) || key === 'stylize') state[key] = options[key];
        else state.userOptions ??= options;
      }
    }
  }
  if (state.colors) state.stylize = withColor;
  if (state.maxArrayLength === null) state.maxArrayLength = Infinity;
  if (state.maxStringLength === null) state.maxStringLength = Infinity;
  return show(state, value, 0);
}
inspect.custom = CUSTOM;
Object.defineProperty(inspect, 'defaultOptions', {
  get: () => DEFAULTS,
  set(options) {
    if (options === null || typeof options !== 'object') {
      const error = new TypeError('The "options" argument must be of type object.' +
        ` Received ${options === null ? 'null' : `type ${typeof options} (${inspect(options)})`}`);
      error.code = 'ERR_INVALID_ARG_TYPE';
      throw error;
    }
    Object.assign(DEFAULTS, options);
  },
});
inspect.colors = COLORS;
inspect.styles = STYLES;

export function primitive(state, value) {
  const { stylize } = state;
  switch (typeof value) {
    case 'string':
      return string(state, value);
    case 'number':
      return stylize(shownNumber(value, state.numericSeparator), 'number');
    case 'bigint':
      return stylize(shownNumber(value, state.numericSeparator), 'bigint');
    case 'boolean':
      return stylize(`${value}`, 'boolean');
    case 'undefined':
      return stylize('undefined', 'undefined');
    default:
      return stylize(Symbol.prototype.toString.call(value), 'symbol');
  }
}

function string(state, value) {
  const { stylize } = state;
  let rest = '';
  if (value.length > state.maxStringLength) {
    const more = value.length - state.maxStringLength;
    value = value.slice(0, state.maxStringLength);
    rest = `... ${more} more character${plural(more)}`;
  }
  if (state.compact !== true && value.length > 16 && value.length > state.breakLength - state.indentation - 4) {
    const lines = value.split(/(?<=\n)/).map((line) => stylize(quoted(line), 'string'));
    return lines.join(` +\n${' '.repeat(state.indentation + 2)}`) + rest;
  }
  return stylize(quoted(value), 'string') + rest;
}

// The options as a custom inspection gets them.
function optionsFor(state) {
  const options = { ...state.userOptions };
  for (const key of Object.keys(DEFAULTS)) options[key] = state[key];
  options.stylize = state.stylize;
  return options;
}

export function show(state, value, depth, typed = false) {
  if (typeof value !== 'object' && typeof value !== 'function') return primitive(state, value);
  if (value === null) return state.stylize('null', 'null');
  const seen = value;
  const proxy = host.proxyParts(value);
  if (proxy !== undefined) {
    if (proxy === null) return state.stylize('<Revoked Proxy>', 'special');
    if (state.showProxy) return shownProxy(state, proxy, depth);
    const text = show(state, proxy[0], depth);
    return `${state.stylize('Proxy(', 'special')}${text}${state.stylize(')', 'special')}`;
  }
  if (state.customInspect) {
    const custom = value[CUSTOM];
    if (typeof custom === 'function' && custom !== inspect && value.constructor?.prototype !== value) {
      const left = state.depth === null ? null : state.depth - depth;
      const shown = custom.call(seen, left, optionsFor(state), inspect);
      if (shown !== seen) {
        if (typeof shown !== 'object' || shown === null) {
          return `${shown}`.replaceAll('\n', `\n${' '.repeat(state.indentation)}`);
        }
        return show(state, shown, depth);
      }
    }
  }
  if (state.seen.includes(value)) {
    state.circular ??= new Map();
    let index = state.circular.get(value);
    if (index === undefined) {
      index = state.circular.size + 1;
      state.circular.set(value, index);
    }
    return state.stylize(`[Circular *${index}]`, 'special');
  }
  return raw(state, value, depth, typed);
}

function shownProxy(state, parts, depth) {
  if (state.depth !== null && depth > state.depth) return state.stylize('Proxy [Array]', 'special');
  state.indentation += 2;
  const output = [show(state, parts[0], depth + 1), show(state, parts[1], depth + 1)];
  state.indentation -= 2;
  return reduceToOneText(state, output, '', ['Proxy [', ']'], false, depth + 1, undefined);
}

function isEnumerable(object, key) {
  return Object.prototype.propertyIsEnumerable.call(object, key);
}

function keysOf(value, showHidden) {
  const symbols = Object.getOwnPropertySymbols(value);
  if (showHidden) return [...Object.getOwnPropertyNames(value), ...symbols];
  let keys;
  try {
    keys = Object.keys(value);
  } catch {
    keys = Object.getOwnPropertyNames(value); // a module that is not evaluated yet
  }
  if (symbols.length > 0) keys.push(...symbols.filter((key) => isEnumerable(value, key)));
  return keys;
}

function keysButIndexes(value, showHidden) {
  const all = showHidden ? Reflect.ownKeys(value) : [...Object.keys(value),
    ...Object.getOwnPropertySymbols(value).filter((key) => isEnumerable(value, key))];
  return all.filter((key) => !isIndex(key));
}

const TypedArray = Object.getPrototypeOf(Uint8Array);
const typedArrayName = Object.getOwnPropertyDescriptor(TypedArray.prototype, Symbol.toStringTag).get;

// How an object is shown: `keys` after what `entries` gives, between `braces`, `base` before them.
function shapeOf(state, value, depth, typed) {
  const hidden = state.showHidden;
  const constructor = constructorName(value, state, depth, inspect);
  let tag = value[Symbol.toStringTag];
  if (typeof tag !== 'string' || (tag !== '' && (hidden ? Object.hasOwn : isEnumerable)(value, Symbol.toStringTag))) {
    tag = '';
  }
  const shape = {
    constructor, tag, prefix: '', base: '', braces: ['{', '}'], keys: [], list: false, entries: () => [], whole: null,
  };
  const opening = (fallback, size = '') => prefixOf(constructor, tag, fallback, size);
  if (Array.isArray(value)) {
    const prefix = constructor !== 'Array' || tag !== '' ? opening('Array', `(${value.length})`) : '';
    shape.keys = keysButIndexes(value, hidden);
    shape.braces = [`${prefix}[`, ']'];
    shape.list = true;
    if (value.length === 0 && shape.keys.length === 0) shape.whole = `${shape.braces[0]}]`;
    else shape.entries = (level) => elements(state, value, level);
    return shape;
  }
  const kind = host.kind(value);
  if (ArrayBuffer.isView(value) && kind !== 'DataView') {
    const name = typedArrayName.call(value);
    shape.keys = keysButIndexes(value, hidden);
    shape.braces = [`${opening(name, `(${value.length})`)}[`, ']'];
    shape.list = true;
    if (value.length === 0 && shape.keys.length === 0 && !hidden) shape.whole = `${shape.braces[0]}]`;
    else shape.entries = (level) => typedElements(state, value, level);
    return shape;
  }
  if (typeof value === 'function') {
    shape.base = classLabel(value, constructor, tag) ?? functionLabel(value, kind, constructor, tag);
    shape.keys = keysOf(value, hidden);
    if (shape.keys.length === 0) shape.whole = state.stylize(shape.base, 'special');
    return shape;
  }
  shape.keys = keysOf(value, hidden);
  const bare = shape.keys.length === 0;
  const beyond = depth > state.depth && state.depth !== null;
  switch (kind) {
    case 'Set':
    case 'Map': {
      const size = Reflect.get((kind === 'Set' ? Set : Map).prototype, 'size', value);
      const prefix = opening(kind, `(${size})`);
      shape.braces = [`${prefix}{`, '}'];
      if (size === 0 && bare) shape.whole = `${prefix}{}`;
      else shape.entries = (level) => (kind === 'Set' ? setEntries : mapEntries)(state, value, size, level);
      return shape;
    }
    case 'Map Iterator':
    case 'Set Iterator':
      shape.braces = [`[${tag}] {`, '}'];
      shape.entries = () => [state.stylize('<items unknown>', 'special')];
      return shape;
    case 'Arguments':
      shape.braces[0] = '[Arguments] {';
      if (bare) shape.whole = '[Arguments] {}';
      return shape;
    case 'RegExp': {
      shape.base = RegExp.prototype.toString.call(value);
      const prefix = opening('RegExp');
      if (prefix !== 'RegExp ') shape.base = `${prefix}${shape.base}`;
      if (bare || beyond) shape.whole = state.stylize(shape.base, 'regexp');
      else shape.base = state.stylize(shape.base, 'regexp');
      return shape;
    }
    case 'Date': {
      const time = Date.prototype.getTime.call(value);
      shape.base = Number.isNaN(time) ? 'Invalid Date' : Date.prototype.toISOString.call(value);
      const prefix = opening('Date');
      if (prefix !== 'Date ') shape.base = `${prefix}${shape.base}`;
      shape.base = state.stylize(shape.base, 'date');
      if (bare) shape.whole = shape.base;
      return shape;
    }
    case 'ArrayBuffer':
    case 'SharedArrayBuffer':
      shape.braces[0] = `${opening(kind)}{`;
      shape.keys = ['byteLength', ...shape.keys];
      if (!typed) shape.entries = () => bufferContents(state, value);
      return shape;
    case 'DataView':
      shape.braces[0] = `${opening('DataView')}{`;
      shape.keys = ['byteLength', 'byteOffset', 'buffer', ...shape.keys];
      return shape;
    case 'Promise':
      shape.braces[0] = `${opening('Promise')}{`;
      shape.entries = (level) => promiseEntry(state, value, level);
      return shape;
    case 'WeakSet':
    case 'WeakMap':
      shape.braces[0] = `${opening(kind)}{`;
      shape.entries = () => [state.stylize('<items unknown>', 'special')];
      return shape;
    case 'Module':
      shape.braces[0] = `${prefixOf(constructor, tag, 'Module')}{`;
      return shape;
    case 'Number':
    case 'String':
    case 'Boolean':
    case 'BigInt':
    case 'Symbol':
      boxed(state, shape, value, kind);
      return shape;
    default:
  }
  if ((kind === 'Error' || value instanceof Error) && !(value instanceof DOMException)) {
    shape.base = errorText(state, value, constructor, tag, shape.keys);
    if (shape.keys.length === 0) shape.whole = shape.base;
    return shape;
  }
  if (host.kind(value) === 'Generator') {
    shape.braces[0] = `${opening('Generator')}{`;
    if (bare) shape.whole = `${shape.braces[0]}}`;
    return shape;
  }
  const shown = constructor === null ? undefined : shownOf(value, tag);
  if (shown !== undefined) {
    platformObject(state, shape, value, shown, beyond);
    return shape;
  }
  shape.braces[0] = constructor === 'Object' && tag === '' ? '{' : `${opening('Object')}{`;
  if (bare) shape.whole = `${shape.braces[0]}}`;
  return shape;
}

function boxed(state, shape, value, kind) {
  let name = kind;
  const { constructor, tag } = shape;
  const inner = { Number, String, Boolean, BigInt, Symbol }[kind].prototype.valueOf.call(value);
  if (kind === 'String') shape.keys = shape.keys.filter((key) => !isIndex(key));
  if (constructor !== kind) name += constructor === null ? ' (null prototype)' : ` (${constructor})`;
  let text = `[${name}: ${primitive({ ...state, stylize: withoutColor, maxStringLength: Infinity }, inner)}]`;
  if (tag !== '' && tag !== constructor) text += ` [${tag}]`;
  shape.base = shape.keys.length > 0 ? text : state.stylize(text, kind.toLowerCase());
  if (shape.keys.length === 0) shape.whole = shape.base;
}

function raw(state, value, depth, typed) {
  const shape = shapeOf(state, value, depth, typed);
  if (shape.whole !== null) return shape.whole;
  if (depth > state.depth && state.depth !== null) {
    const name = prefixOf(shape.constructor, shape.tag, Array.isArray(value) ? 'Array' : 'Object').slice(0, -1);
    return state.stylize(`[${name}]`, 'special');
  }
  depth++;
  state.seen.push(value);
  state.currentDepth = depth;
  let output;
  const indentation = state.indentation;
  try {
    output = shape.entries(depth);
    for (const key of shape.keys) output.push(property(state, value, depth, key, shape.list ? LIST : PLAIN));
  } catch (error) {
    if (!(error instanceof RangeError || error?.name === 'InternalError') || !/stack/i.test(error.message)) throw error;
    state.seen.pop();
    state.indentation = indentation;
    return state.stylize(`[${shape.constructor}: Inspection interrupted prematurely. Maximum call stack size exceeded.]`,
      'special');
  }
  let { base } = shape;
  if (state.circular !== undefined) {
    const index = state.circular.get(value);
    if (index !== undefined) {
      const reference = state.stylize(`<ref *${index}>`, 'special');
      if (shape.prefix !== '') shape.prefix = `${reference} ${shape.prefix}`;
      else if (state.compact !== true) base = base === '' ? reference : `${reference} ${base}`;
      else shape.braces[0] = `${reference} ${shape.braces[0]}`;
    }
  }
  state.seen.pop();
  if (state.sorted) {
    const compare = state.sorted === true ? undefined : state.sorted;
    if (!shape.list) output.sort(compare);
    else if (shape.keys.length > 1) {
      const sorted = output.slice(output.length - shape.keys.length).sort(compare);
      output.splice(output.length - shape.keys.length, shape.keys.length, ...sorted);
    }
  }
  const text = shape.prefix +
    reduceToOneText(state, output, base, shape.braces, shape.list, depth, value, shape.prefix === '' ? 0 : 2);
  const spent = (state.budget[state.indentation] ?? 0) + text.length;
  state.budget[state.indentation] = spent;
  if (spent > 2 ** 27) state.depth = -1;
  return text;
}

export function property(state, object, depth, key, kind) {
  const descriptor = Object.getOwnPropertyDescriptor(object, key) ??
    { value: object[key], configurable: true, enumerable: true };
  const { stylize } = state;
  let space = ' ';
  let text;
  if (descriptor.value !== undefined) {
    const indent = state.compact !== true || kind !== PLAIN ? 2 : 3;
    state.indentation += indent;
    text = show(state, descriptor.value, depth);
    if (indent === 3 && state.breakLength < text.length) space = `\n${' '.repeat(state.indentation)}`;
    state.indentation -= indent;
  } else if (descriptor.get !== undefined) text = accessor(state, descriptor, object, depth);
  else text = descriptor.set !== undefined ? stylize('[Setter]', 'special') : stylize('undefined', 'undefined');
  if (kind === ELEMENT) return text;
  return `${shownKey(key, descriptor.enumerable, stylize)}:${space}${text}`;
}

function accessor(state, descriptor, object, depth) {
  const { stylize } = state;
  const label = descriptor.set !== undefined ? 'Getter/Setter' : 'Getter';
  const wanted = state.getters === true || (state.getters === 'get' && descriptor.set === undefined) ||
    (state.getters === 'set' && descriptor.set !== undefined);
  if (!wanted) return stylize(`[${label}]`, 'special');
  try {
    const value = descriptor.get.call(object);
    state.indentation += 2;
    let text;
    if (typeof value === 'object' && value !== null) {
      text = `${stylize(`[${label}]`, 'special')} ${show(state, value, depth)}`;
    } else {
      text = `${stylize(`[${label}:`, 'special')} ${show(state, value, depth)}${stylize(']', 'special')}`;
    }
    state.indentation -= 2;
    return text;
  } catch (error) {
    return `${stylize(`[${label}:`, 'special')} <Inspection threw (${error.message})>${stylize(']', 'special')}`;
  }
}

// An object of the platform's own. As on workerd what lies in it is shown with its hidden properties; entries are not.
function platformObject(state, shape, value, shown, beyond) {
  const { constructor, tag, keys } = shape;
  const iterated = shown === ITERATED;
  const entries = iterated ? [...value] : [];
  const own = keys.filter((key) => !shown.includes(key));
  const last = value instanceof DOMException; // what is shown are its own properties as well, the first of them
  const hidden = hiddenOf(value, tag);
  shape.keys = [];
  if (iterated) shape.braces[0] = `${constructor}(${entries.length}) {`;
  else shape.prefix = `${constructor} `; // it counts for nothing where lines are broken
  if (entries.length + own.length + shown.length + hidden.length === 0) {
    if (!beyond) shape.whole = `${shape.braces[0]}}`;
    return;
  }
  shape.entries = (depth) => {
    state.indentation += 2;
    const output = entries.map(([k, v]) => `${primitive(state, k)} => ${show(state, v, depth)}`);
    const before = state.showHidden;
    state.showHidden = true;
    state.indentation -= 2;
    const showOwn = () => { for (const key of own) output.push(property(state, value, depth, key, PLAIN)); };
    if (!last) showOwn();
    state.indentation += 2;
    for (const key of shown) output.push(`${key}: ${show(state, value[key], depth)}`);
    for (const [key, what] of hidden) output.push(`[${key}]: ${show(state, what, depth)}`);
    state.indentation -= 2;
    if (last) showOwn();
    state.showHidden = before;
    return output;
  };
}
