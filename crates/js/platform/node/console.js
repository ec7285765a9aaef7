// `node:console`: the global console, and a class of consoles that write to streams.
import { console } from '../console.js';
import { formatWith } from '../format.js';
import { inspect } from '../inspect.js';
import { table } from '../table.js';
import { coded, methodNotImplemented } from './internal/errors.js';

const METHODS = [
  'assert', 'clear', 'count', 'countReset', 'debug', 'dir', 'dirxml', 'error', 'group', 'groupCollapsed', 'groupEnd', 'info',
  'log', 'table', 'time', 'timeEnd', 'timeLog', 'trace', 'warn',
];

export class Console {
  #out;
  #err;
  #options;
  #indent = '';
  #counts = new Map();
  #timers = new Map();

  constructor(optionsOrStdout, stderr = undefined) {
    const isStream = typeof optionsOrStdout?.write === 'function';
    const options = isStream ? { stdout: optionsOrStdout, stderr } : optionsOrStdout ?? {};
    if (typeof options.stdout?.write !== 'function') throw notWritable('stdout');
    this.#out = options.stdout;
    this.#err = options.stderr ?? options.stdout;
    if (typeof this.#err.write !== 'function') throw notWritable('stderr');
    this.#options = options.inspectOptions;
    for (const name of METHODS) this[name] = this[name].bind(this);
  }

  #write(stream, text) {
    stream.write(`${this.#indent}${text.replaceAll('\n', `\n${this.#indent}`)}\n`);
  }
  log(...values) {
    this.#write(this.#out, formatWith(this.#options, values));
  }
  debug(...values) {
    this.log(...values);
  }
  info(...values) {
    this.log(...values);
  }
  dirxml(...values) {
    this.log(...values);
  }
  error(...values) {
    this.#write(this.#err, formatWith(this.#options, values));
  }
  warn(...values) {
    this.error(...values);
  }
  trace(...values) {
    this.error(`Trace${values.length > 0 ? `: ${formatWith(this.#options, values)}` : ''}`);
  }
  assert(condition, ...values) {
    if (condition) return;
    if (typeof values[0] === 'string') values[0] = `Assertion failed: ${values[0]}`;
    else values.unshift('Assertion failed');
    this.warn(...values);
  }
  clear() {}
  dir(value, options) {
    this.#write(this.#out, inspect(value, { customInspect: false, ...this.#options, ...options }));
  }
  count(label = 'default') {
    const count = (this.#counts.get(`${label}`) ?? 0) + 1;
    this.#counts.set(`${label}`, count);
    this.log(`${label}: ${count}`);
  }
  countReset(label = 'default') {
    this.#counts.delete(`${label}`);
  }
  group(...values) {
    if (values.length > 0) this.log(...values);
    this.#indent += '  ';
  }
  groupCollapsed(...values) {
    this.group(...values);
  }
  groupEnd() {
    this.#indent = this.#indent.slice(2);
  }
  table(data, columns) {
    if (typeof data === 'object' && data !== null) this.log(table(data, columns));
    else this.log(data);
  }
  time(label = 'default') {
    this.#timers.set(`${label}`, Date.now());
  }
  timeEnd(label = 'default') {
    this.timeLog(label);
    this.#timers.delete(`${label}`);
  }
  timeLog(label = 'default', ...values) {
    const began = this.#timers.get(`${label}`);
    if (began !== undefined) this.log(`${label}: ${Date.now() - began}ms`, ...values);
  }
}

function notWritable(name) {
  return coded(TypeError, 'ERR_CONSOLE_WRITABLE_STREAM', `Console expects a writable stream instance for ${name}`);
}

export function context() {
  throw methodNotImplemented('Console.context');
}
export function createTask() {
  throw methodNotImplemented('Console.createTask');
}
export function profile() {}
export function profileEnd() {}
export function timeStamp() {}

export const {
  assert, clear, count, countReset, debug, dir, dirxml, error, group, groupCollapsed, groupEnd, info, log, time, timeEnd, timeLog,
  trace, warn,
} = console;
const { table: globalTable } = console;
export { globalTable as table };

export default console;
