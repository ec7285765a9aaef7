// URLPattern, by the URL Pattern standard. The host makes a component's regular expression from its pattern, and the
// parts of a URL from what is matched; matching is the engine's own RegExp, so a pattern lives in the guest alone.
import * as host from 'switchyard:host';
import { SYNC_PATTERN, SYNC_PATTERN_INPUT } from './abi.js';
import { isObject, notConstructed, present } from './idl.js';

const PARTS = ['protocol', 'username', 'password', 'hostname', 'port', 'pathname', 'search', 'hash'];
const FIELDS = [...PARTS, 'baseURL'];
const { RegExp: Expression } = globalThis;
const { exec } = Expression.prototype;
const { apply } = Reflect;
const ANYTHING = new Expression('^([\\s\\S]*)$', 'u'); // a lone asterisk's, shared by all patterns

function text(value) {
  if (typeof value === 'symbol') throw new TypeError('Cannot convert a Symbol value to a string');
  return `${value}`;
}

// An input as it is shown in a result, and as it goes to the host.
class Input {
  constructor(given) {
    this.isText = given !== undefined && given !== null && !isObject(given);
    if (this.isText) {
      this.shown = text(given);
      return;
    }
    this.shown = {};
    for (const field of FIELDS) {
      const value = given === undefined || given === null ? undefined : given[field];
      this.shown[field] = value === undefined ? undefined : text(value);
    }
  }

  // `before`: what the question begins with.
  ask(question, before, base) {
    if (this.isText) return host.sync(question, ...before, true, this.shown, base ?? null);
    return host.sync(question, ...before, false, ...FIELDS.map((field) => this.shown[field] ?? null), base ?? null);
  }
}

// How each component is matched.
class Part {
  constructor(pattern, source, names, ignoreCase) {
    this.pattern = pattern;
    this.names = names === '' ? [] : names.split('\n');
    this.expression = pattern === '*' ? ANYTHING : new Expression(source, ignoreCase ? 'ui' : 'u');
  }

  match(input) {
    const found = apply(exec, this.expression, [input]);
    if (found === null) return null;
    const groups = {};
    for (let i = 0; i < this.names.length; i++) groups[this.names[i]] = found[i + 1];
    return { input, groups };
  }
}

export class URLPattern {
  #parts = [];
  #regExpGroups;

  constructor(input = undefined, base = undefined, options = undefined) {
    if (isObject(base)) {
      options = base;
      base = undefined;
    }
    if (options !== undefined && options !== null && !isObject(options)) {
      throw notConstructed('URLPattern', 3, 'URLPatternOptions');
    }
    const ignoreCase = Boolean(options?.ignoreCase);
    const answer = new Input(input).ask(SYNC_PATTERN, [ignoreCase], base === undefined || base === null ? null : text(base));
    try {
      for (let i = 0; i < PARTS.length; i++) {
        this.#parts.push(new Part(answer[1 + i * 3], answer[2 + i * 3], answer[3 + i * 3], ignoreCase && i >= 5));
      }
    } catch {
      throw new TypeError('Failed to construct URLPattern'); // the host refused it, or the engine its expression
    }
    this.#regExpGroups = answer[0];
  }

  #match(given, base, doing) {
    const input = new Input(given);
    base = base === undefined || base === null ? null : text(base);
    if (base !== null && !input.isText) throw new TypeError(`Failed to ${doing} URLPattern`);
    const values = input.ask(SYNC_PATTERN_INPUT, [], base);
    if (values === undefined || values === null) return null;
    const result = { inputs: base === null ? [input.shown] : [input.shown, base] };
    for (let i = 0; i < PARTS.length; i++) {
      const found = this.#parts[i].match(values[i]);
      if (found === null) return null;
      result[PARTS[i]] = found;
    }
    return result;
  }

  get protocol() {
    return this.#parts[0].pattern;
  }
  get username() {
    return this.#parts[1].pattern;
  }
  get password() {
    return this.#parts[2].pattern;
  }
  get hostname() {
    return this.#parts[3].pattern;
  }
  get port() {
    return this.#parts[4].pattern;
  }
  get pathname() {
    return this.#parts[5].pattern;
  }
  get search() {
    return this.#parts[6].pattern;
  }
  get hash() {
    return this.#parts[7].pattern;
  }
  get hasRegExpGroups() {
    return this.#regExpGroups;
  }

  test(input = undefined, base = undefined) {
    return this.#match(input, base, 'test') !== null;
  }

  exec(input = undefined, base = undefined) {
    return this.#match(input, base, 'exec');
  }
}
present(URLPattern);
