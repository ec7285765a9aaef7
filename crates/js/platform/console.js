// console, by the Console standard, with Node's formatting (inspect.js) for terminals; tails get the values, as on
// workerd. Each call is one LOG, and nothing where nobody listens. Groups indent a terminal's lines. Counters, timers
// and the indentation are an instance's, and there is nothing of them until used.
import * as host from 'switchyard:host';
import { CONSOLE_TEXT, CONSOLE_VALUES, OP_LOG } from './abi.js';
import { consoleWanted } from './context.js';
import { format } from './format.js';
import { inspect } from './inspect.js';
import { table } from './table.js';

const DEBUG = 0;
const LOG = 1;
const INFO = 2;
const WARN = 3;
const ERROR = 4;

let indent = '';
let counts = null;
let timers = null;

// The values as they are, for a method that prints its arguments.
function write(level, values) {
  const wanted = consoleWanted(host.contextGet());
  if (wanted !== 0) send(level, wanted, values, format);
}

// For the others: what `show` makes of the value goes to a terminal. Tails are told of none of them, as on workerd.
function print(level, value, show) {
  if (consoleWanted(host.contextGet()) & CONSOLE_TEXT) send(level, CONSOLE_TEXT, value, show);
}

function send(level, wanted, values, show) {
  let text = null;
  if (wanted & CONSOLE_TEXT) {
    text = show(values);
    if (indent !== '') text = indent + text.replaceAll('\n', `\n${indent}`);
  }
  host.op(OP_LOG, level, text, wanted & CONSOLE_VALUES ? message(values) : null);
}

const { stringify } = host;
const { getPrototypeOf } = Object;
const { isArray } = Array;
const plain = Object.prototype;

// The arguments as a JSON array, by workerd's rules.
export function message(values) {
  let text = '[';
  for (let i = 0; i < values.length; i++) text += i === 0 ? argument(values[i]) : `,${argument(values[i])}`;
  return `${text}]`;
}

// Plain objects, arrays and what has toJSON as JSON; other objects, functions and bigints as their strings; what
// throws there as {}.
function argument(value) {
  try {
    if (isJson(value)) return stringify(value) ?? 'null';
    return stringify(`${value}`);
  } catch {
    return '{}';
  }
}

function isJson(value) {
  if (typeof value !== 'object' && typeof value !== 'function') {
    return typeof value !== 'bigint' && typeof value !== 'symbol';
  }
  if (value === null || isArray(value)) return true;
  const prototype = getPrototypeOf(value);
  return prototype === plain || prototype === null || typeof value.toJSON === 'function';
}

function label(value) {
  if (typeof value === 'symbol') return String(value);
  return value === undefined ? 'default' : `${value}`;
}

function elapsed(name) {
  return `${name}: ${Math.floor(host.now()) - timers.get(name)}ms`;
}

const methods = {
  debug(...values) {
    write(DEBUG, values);
  },
  error(...values) {
    write(ERROR, values);
  },
  info(...values) {
    write(INFO, values);
  },
  log(...values) {
    write(LOG, values);
  },
  warn(...values) {
    write(WARN, values);
  },
  trace(...values) {
    const stack = new Error().stack ?? '';
    print(LOG, values, () => `Trace${values.length > 0 ? `: ${format(values)}` : ''}\n${stack}`.trimEnd());
  },
  assert(condition, ...values) {
    if (condition) return;
    if (typeof values[0] === 'string') values[0] = `Assertion failed: ${values[0]}`;
    else values.unshift(values.length > 0 ? 'Assertion failed:' : 'Assertion failed');
    print(ERROR, values, format);
  },
  clear() {},
  count(name = undefined) {
    name = label(name);
    const count = ((counts ??= new Map()).get(name) ?? 0) + 1;
    counts.set(name, count);
    print(LOG, `${name}: ${count}`, String);
  },
  countReset(name = undefined) {
    counts?.delete(label(name));
  },
  dir(value, options = undefined) {
    print(LOG, value, () => inspect(value, options ?? {}));
  },
  dirxml(...values) {
    print(LOG, values, format);
  },
  group(...values) {
    if (values.length > 0) print(LOG, values, format);
    indent += '  ';
  },
  groupCollapsed(...values) {
    methods.group(...values);
  },
  groupEnd() {
    indent = indent.slice(2);
  },
  table(data, columns = undefined) {
    print(LOG, data, () => (typeof data === 'object' && data !== null ? table(data, columns) : format([data])));
  },
  time(name = undefined) {
    (timers ??= new Map()).set(label(name), Math.floor(host.now()));
  },
  timeEnd(name = undefined) {
    name = label(name);
    if (!timers?.has(name)) return;
    print(LOG, name, elapsed);
    timers.delete(name);
  },
  timeLog(name = undefined, ...values) {
    name = label(name);
    if (!timers?.has(name)) return;
    print(LOG, name, () => (values.length > 0 ? `${elapsed(name)} ${format(values)}` : elapsed(name)));
  },
};

// In workerd's order. What only a debugger would show does nothing.
const ORDER = ['debug', 'error', 'info', 'log', 'warn', 'dir', 'dirxml', 'table', 'trace', 'group', 'groupCollapsed',
  'groupEnd', 'clear', 'count', 'countReset', 'assert', 'profile', 'profileEnd', 'time', 'timeLog', 'timeEnd',
  'timeStamp', 'context'];
export const console = Object.create({});
for (const name of ORDER) {
  const method = methods[name] ?? { [name]() {} }[name];
  Object.defineProperty(method, 'length', { value: 0 });
  Object.defineProperty(method, 'name', { value: '' });
  console[name] = method;
}
// A console of a part of the program: the same here.
console.context = () => {
  const { context, ...same } = console;
  return same;
};
Object.defineProperty(console, Symbol.toStringTag, { value: 'console', configurable: true });
