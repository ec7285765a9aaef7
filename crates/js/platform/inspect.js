// Values as text for the console, in the manner of Node's util.inspect: depth limit, circular references, class
// names, Map, Set, typed arrays, errors with stacks, and a line break where one line would be too long.
import * as host from 'switchyard:host';
import { scriptStack } from './errors.js';

const WIDTH = 72; // what fits on one line
const MOST = 100; // elements shown of a collection
const PROMISE_STATES = ['<pending>', '<resolved>', '<rejected>'];
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

export function inspect(value, options = {}) {
  const depth = options.depth === null ? Infinity : options.depth ?? 2;
  return new Inspector(depth).value(value, 0, false);
}

// console.log's arguments: a format string where there is one, the rest separated by spaces.
export function format(values) {
  if (values.length === 1 && typeof values[0] === 'string') return values[0];
  let text = '';
  let next = 0;
  if (typeof values[0] === 'string') {
    next = 1;
    text = values[0];
    if (text.includes('%')) {
      text = text.replace(/%[sdifjoOc%]/g, (mark) => {
        if (mark === '%%') return values.length > 1 ? '%' : mark;
        if (next >= values.length) return mark;
        return directive(mark[1], values[next++]);
      });
    }
  }
  for (; next < values.length; next++) {
    const value = values[next];
    text += `${next > 0 ? ' ' : ''}${typeof value === 'string' ? value : inspect(value)}`;
  }
  return text;
}

function directive(mark, value) {
  switch (mark) {
    case 's':
      if (typeof value === 'string') return value;
      if (typeof value === 'bigint') return `${value}n`;
      if (typeof value === 'object' && value !== null && !(value instanceof Error)) return inspect(value, { depth: 0 });
      return String(value);
    case 'd':
      return typeof value === 'bigint' ? `${value}n` : typeof value === 'symbol' ? 'NaN' : String(Number(value));
    case 'i':
      return typeof value === 'bigint' ? `${value}n` : typeof value === 'symbol' ? 'NaN' : String(parseInt(value));
    case 'f':
      return typeof value === 'symbol' ? 'NaN' : String(parseFloat(value));
    case 'j':
      try {
        return JSON.stringify(value);
      } catch {
        return '[Circular]';
      }
    case 'c':
      return '';
    case 'o':
      return inspect(value, { depth: 4 });
    default:
      return inspect(value, { depth: 2 });
  }
}

function quoted(text) {
  const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes('`') ? '`' : "'";
  const escaped = text.replace(/[\\\n\r\t\b\f\v\0-\x1f\x7f]/g, (char) => {
    const short = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f', '\v': '\\v' }[char];
    return short ?? `\\x${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}

function primitive(value) {
  switch (typeof value) {
    case 'string':
      return quoted(value.length > 10000 ? `${value.slice(0, 10000)}...` : value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'symbol':
      return value.toString();
    default:
      return String(value);
  }
}

// The name of the object's class, null for an object without prototype.
function className(object) {
  for (let at = object; at !== null; at = Object.getPrototypeOf(at)) {
    const descriptor = Object.getOwnPropertyDescriptor(at, 'constructor');
    if (descriptor !== undefined && typeof descriptor.value === 'function' && descriptor.value.name !== '') {
      return descriptor.value.name;
    }
  }
  return null;
}

class Inspector {
  constructor(depth) {
    this.depth = depth;
    this.path = []; // the objects we are within
    this.circular = [];
  }

  value(value, level) {
    if (typeof value !== 'object' && typeof value !== 'function' || value === null) return primitive(value);
    if (this.path.includes(value)) {
      if (!this.circular.includes(value)) this.circular.push(value);
      return `[Circular *${this.circular.indexOf(value) + 1}]`;
    }
    const shape = this.shape(value);
    if (level > this.depth && shape.deep) return `[${shape.short}]`;
    this.path.push(value);
    let entries;
    try {
      entries = shape.entries(level + 1);
      for (const key of keysOf(value, shape.indexed)) entries.push(this.property(value, key, level + 1));
    } catch (error) {
      entries = [`<threw ${error}>`];
    }
    this.path.pop();
    const reference = this.circular.indexOf(value);
    const prefix = (reference < 0 ? '' : `<ref *${reference + 1}> `) + shape.prefix;
    if (entries.length === 0) return prefix + (shape.braces === null ? '' : shape.braces.join(''));
    const [open, close] = shape.braces ?? ['{', '}'];
    return join(`${prefix}${prefix === '' || prefix.endsWith(' ') ? '' : ' '}${open}`, entries, close, level, shape);
  }

  property(object, key, level) {
    const descriptor = Object.getOwnPropertyDescriptor(object, key);
    const name = typeof key === 'symbol' ? `[${key.toString()}]` : IDENTIFIER.test(key) ? key : quoted(key);
    if (descriptor.get !== undefined) return `${name}: [${descriptor.set !== undefined ? 'Getter/Setter' : 'Getter'}]`;
    if (descriptor.set !== undefined) return `${name}: [Setter]`;
    return `${name}: ${this.value(descriptor.value, level)}`;
  }

  list(values, level, show) {
    const entries = [];
    for (const value of values) {
      if (entries.length === MOST) {
        const more = (values.length ?? values.size) - MOST;
        entries.push(`... ${more} more item${more > 1 ? 's' : ''}`);
        break;
      }
      entries.push(show(value));
    }
    return entries;
  }

  // How a kind of object is shown: what stands before the braces, the braces, entries besides properties.
  shape(object) {
    const name = className(object);
    const plain = (extra) => ({
      prefix: '', short: name ?? 'Object', braces: ['{', '}'], entries: () => [], indexed: false, deep: true, ...extra,
    });
    if (typeof object === 'function') return plain({ prefix: functionLabel(object), braces: null, deep: false });
    if (Array.isArray(object)) {
      return plain({
        prefix: name === 'Array' ? '' : `${name}(${object.length}) `, short: name ?? 'Array', braces: ['[', ']'],
        indexed: true, entries: (level) => this.elements(object, level),
      });
    }
    const kind = host.kind(object);
    if (kind === 'Error' || object instanceof Error) {
      return plain({ prefix: errorText(object), braces: null, deep: false });
    }
    if (ArrayBuffer.isView(object) && kind !== 'DataView') {
      return plain({
        prefix: `${name}(${object.length}) `, braces: ['[', ']'], indexed: true,
        entries: (level) => this.list(object, level, primitive),
      });
    }
    switch (kind) {
      case 'Map':
        return plain({
          prefix: `${name}(${object.size}) `,
          entries: (level) => this.list(object, level, ([k, v]) => `${this.value(k, level)} => ${this.value(v, level)}`),
        });
      case 'Set':
        return plain({
          prefix: `${name}(${object.size}) `, entries: (level) => this.list(object, level, (v) => this.value(v, level)),
        });
      case 'Date':
        return plain({ prefix: isNaN(object) ? 'Invalid Date' : object.toISOString(), braces: null, deep: false });
      case 'RegExp':
        return plain({ prefix: String(object), braces: null, deep: false });
      case 'Promise':
        return plain({ prefix: 'Promise ', entries: () => [PROMISE_STATES[host.promiseState(object)]] });
      case 'ArrayBuffer':
      case 'SharedArrayBuffer':
        return plain({ prefix: `${kind} `, entries: () => [`byteLength: ${object.byteLength}`] });
      case 'DataView':
        return plain({
          prefix: 'DataView ',
          entries: () => [`byteLength: ${object.byteLength}`, `byteOffset: ${object.byteOffset}`],
        });
      case 'Number':
      case 'String':
      case 'Boolean':
      case 'BigInt':
      case 'Symbol':
        return plain({ prefix: `[${kind}: ${primitive(object.valueOf())}]`, braces: null, indexed: true, deep: false });
    }
    let prefix = name === 'Object' ? '' : `${name ?? '[Object: null prototype]'} `;
    const tag = object[Symbol.toStringTag];
    if (typeof tag === 'string' && tag !== '' && tag !== name) prefix = `${name ?? 'Object'} [${tag}] `;
    return plain({ prefix, entries: (level) => this.accessors(object, level) });
  }

  elements(array, level) {
    const entries = [];
    let holes = 0;
    const flush = () => {
      if (holes > 0) entries.push(`<${holes} empty item${holes > 1 ? 's' : ''}>`);
      holes = 0;
    };
    for (let i = 0; i < array.length && entries.length < MOST; i++) {
      if (!Object.hasOwn(array, i)) holes++;
      else {
        flush();
        entries.push(this.value(array[i], level));
      }
    }
    flush();
    if (array.length > MOST && entries.length >= MOST) {
      const more = array.length - MOST;
      entries.push(`... ${more} more item${more > 1 ? 's' : ''}`);
    }
    return entries;
  }

  // The platform's own objects keep their state in private fields: what their classes' getters say is shown.
  accessors(object, level) {
    const show = SHOWN[object[Symbol.toStringTag]];
    if (show === undefined) return [];
    if (show === ITERATED) {
      return this.list([...object], level, ([k, v]) => `${primitive(k)} => ${this.value(v, level)}`);
    }
    return show.map((key) => `${key}: ${this.value(object[key], level)}`);
  }
}

const ITERATED = [];
const SHOWN = {
  __proto__: null,
  Headers: ITERATED,
  URLSearchParams: ITERATED,
  FormData: ITERATED,
  Request: ['method', 'url', 'headers', 'redirect', 'bodyUsed'],
  Response: ['status', 'statusText', 'headers', 'ok', 'redirected', 'url', 'bodyUsed'],
  URL: ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'],
  Blob: ['size', 'type'],
  File: ['size', 'type', 'name', 'lastModified'],
  AbortSignal: ['aborted'],
  ReadableStream: ['locked'],
  WritableStream: ['locked'],
  Event: ['type', 'defaultPrevented', 'cancelable', 'timeStamp'],
};

function keysOf(object, indexed) {
  const keys = Object.keys(object).filter((key) => !indexed || !/^\d+$/.test(key));
  for (const symbol of Object.getOwnPropertySymbols(object)) {
    if (Object.prototype.propertyIsEnumerable.call(object, symbol)) keys.push(symbol);
  }
  return keys;
}

function functionLabel(value) {
  const source = Function.prototype.toString.call(value);
  const name = typeof value.name === 'string' ? value.name : '';
  if (source.startsWith('class')) {
    const parent = Object.getPrototypeOf(value);
    const extending = typeof parent === 'function' && parent.name ? ` extends ${parent.name}` : '';
    return `[class ${name || '(anonymous)'}${extending}]`;
  }
  const kind = Object.prototype.toString.call(value).slice(8, -1); // Function, AsyncFunction, …
  return name === '' ? `[${kind} (anonymous)]` : `[${kind}: ${name}]`;
}

// `Name: message` and the stack below it, whether or not the engine's stacks begin with that line.
function errorText(error) {
  const head = String(error);
  let stack = scriptStack(error.stack).trimEnd();
  if (!/^\s+at /.test(stack)) {
    const frames = stack.indexOf('\n    at ');
    if (!stack.startsWith(head)) stack = frames < 0 ? '' : stack.slice(frames + 1);
  }
  const text = stack.startsWith(head) ? stack : stack === '' ? `[${head}]` : `${head}\n${stack}`;
  const cause = Object.getOwnPropertyDescriptor(error, 'cause');
  if (cause === undefined) return text;
  return `${text} {\n  [cause]: ${inspect(cause.value, { depth: 1 }).replaceAll('\n', '\n  ')}\n}`;
}

function join(open, entries, close, level, shape) {
  const total = entries.reduce((sum, entry) => sum + entry.length + 2, open.length + close.length);
  const single = !entries.some((entry) => entry.includes('\n'));
  const pad = '  '.repeat(level);
  if (single && total + pad.length <= WIDTH) return `${open} ${entries.join(', ')} ${close}`;
  if (single && shape.indexed && entries.length > 6) return `${open}\n${grouped(entries, pad)}\n${pad}${close}`;
  return `${open}\n${pad}  ${entries.join(`,\n${pad}  `)}\n${pad}${close}`;
}

// Many short elements stand several to a line.
function grouped(entries, pad) {
  const lines = [];
  let line = '';
  for (const entry of entries) {
    if (line !== '' && line.length + entry.length + 2 > WIDTH) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? entry : `, ${entry}`;
  }
  lines.push(line);
  return lines.map((text) => `${pad}  ${text}`).join(',\n');
}
