// console, by the Console standard, with Node's formatting (inspect.js). Each call is one LOG; groups indent the
// lines. Counters, timers and the indentation are an instance's, and there is nothing of them until used.
import * as host from 'switchyard:host';
import { OP_LOG } from './abi.js';
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

function write(level, text) {
  if (indent !== '') text = indent + text.replaceAll('\n', `\n${indent}`);
  host.op(OP_LOG, level, text);
}

function label(value) {
  return value === undefined ? 'default' : `${value}`;
}

function elapsed(name) {
  return `${name}: ${Math.floor(host.now()) - timers.get(name)}ms`;
}

export const console = {
  debug(...values) {
    write(DEBUG, format(values));
  },
  log(...values) {
    write(LOG, format(values));
  },
  info(...values) {
    write(INFO, format(values));
  },
  warn(...values) {
    write(WARN, format(values));
  },
  error(...values) {
    write(ERROR, format(values));
  },
  trace(...values) {
    const stack = new Error().stack ?? '';
    write(LOG, `Trace${values.length > 0 ? `: ${format(values)}` : ''}\n${stack}`.trimEnd());
  },
  assert(condition, ...values) {
    if (condition) return;
    if (typeof values[0] === 'string') values[0] = `Assertion failed: ${values[0]}`;
    else values.unshift(values.length > 0 ? 'Assertion failed:' : 'Assertion failed');
    write(ERROR, format(values));
  },
  clear() {},
  count(name = undefined) {
    name = label(name);
    const count = ((counts ??= new Map()).get(name) ?? 0) + 1;
    counts.set(name, count);
    write(LOG, `${name}: ${count}`);
  },
  countReset(name = undefined) {
    counts?.delete(label(name));
  },
  dir(value, options = undefined) {
    write(LOG, inspect(value, options ?? {}));
  },
  dirxml(...values) {
    write(LOG, format(values));
  },
  group(...values) {
    if (values.length > 0) write(LOG, format(values));
    indent += '  ';
  },
  groupCollapsed(...values) {
    console.group(...values);
  },
  groupEnd() {
    indent = indent.slice(2);
  },
  table(data, columns = undefined) {
    write(LOG, typeof data === 'object' && data !== null ? table(data, columns) : format([data]));
  },
  time(name = undefined) {
    (timers ??= new Map()).set(label(name), Math.floor(host.now()));
  },
  timeEnd(name = undefined) {
    name = label(name);
    if (!timers?.has(name)) return;
    write(LOG, elapsed(name));
    timers.delete(name);
  },
  timeLog(name = undefined, ...values) {
    name = label(name);
    if (timers?.has(name)) write(LOG, values.length > 0 ? `${elapsed(name)} ${format(values)}` : elapsed(name));
  },
};
Object.defineProperty(console, Symbol.toStringTag, { value: 'console', configurable: true });
