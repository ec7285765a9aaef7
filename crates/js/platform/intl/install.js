// Puts `Intl` and the methods of the language that speak it in place.
import { Collator, compareText } from './collation.js';
import { DateTimeFormat } from './date-format.js';
import { Locale } from './locale.js';
import { canonicalList } from './locales.js';
import { NumberFormat } from './number-format.js';
import { ListFormat } from './list-format.js';
import { PluralRules } from './plurals.js';
import { RelativeTimeFormat } from './relative-time.js';
import { Segmenter } from './segmenter.js';
import { allZones } from './zones.js';

const CLASSES = { Collator, DateTimeFormat, ListFormat, Locale, NumberFormat, PluralRules, RelativeTimeFormat, Segmenter };
const LENGTHS = { Locale: 1 };
const CALLABLE = ['Collator', 'DateTimeFormat', 'NumberFormat']; // also without `new`
const VALUES = { calendar: ['gregory'], collation: ['default'], numberingSystem: ['latn'] };

const { toLowerCase, toUpperCase } = String.prototype;
const { valueOf: numberOf } = Number.prototype;
const { valueOf: bigintOf } = BigInt.prototype;
const { getTime } = Date.prototype;
const KEPT = 32;
const kept = new Map(); // formatters of the methods below, which are called with the same words over and over

function keyOf(locales, options) {
  if (locales !== undefined && typeof locales !== 'string') return undefined;
  let key = `${locales}`;
  if (options === undefined) return key;
  if (typeof options !== 'object' || options === null || Object.getPrototypeOf(options) !== Object.prototype) return undefined;
  for (const name of Object.keys(options)) {
    const value = options[name];
    if (value === null || typeof value === 'object' || typeof value === 'function' || typeof value === 'symbol') return undefined;
    key += `|${name}=${typeof value}${value}`;
  }
  return key;
}

function formatter(Class, locales, options, ...more) {
  const key = keyOf(locales, options);
  if (key === undefined) return new Class(locales, options, ...more);
  const whole = `${Class.name}|${more.join()}|${key}`;
  let made = kept.get(whole);
  if (made === undefined) {
    made = new Class(locales, options, ...more);
    if (kept.size >= KEPT) kept.clear();
    kept.set(whole, made);
  }
  return made;
}

function valueOf(method, value, name) {
  if (typeof value === name.toLowerCase()) return value;
  if (Object.prototype.toString.call(value) !== `[object ${name}]`) {
    throw new TypeError(`${name}.prototype.toLocaleString requires that 'this' be a ${name}`);
  }
  return method.call(value);
}

function numbers(value, locales, options) {
  return formatter(NumberFormat, locales, options).format(value);
}

function dates(date, locales, options, needed, defaults) {
  const time = getTime.call(date);
  if (Number.isNaN(time)) return 'Invalid Date';
  return formatter(DateTimeFormat, locales, options, needed, defaults).format(time);
}

function textOf(value, name) {
  if (value === undefined || value === null) throw new TypeError(`String.prototype.${name} called on null or undefined`);
  return String(value);
}

function languageOf(locales) {
  const [tag] = locales === undefined ? [] : canonicalList(locales);
  return tag === undefined ? '' : tag.split('-')[0];
}

const isTurkic = (language) => language === 'tr' || language === 'az';

const methods = [
  [Number.prototype, {
    toLocaleString(locales = undefined, options = undefined) {
      return numbers(valueOf(numberOf, this, 'Number'), locales, options);
    },
  }],
  [BigInt.prototype, {
    toLocaleString(locales = undefined, options = undefined) {
      return numbers(valueOf(bigintOf, this, 'BigInt'), locales, options);
    },
  }],
  [Date.prototype, {
    toLocaleString(locales = undefined, options = undefined) {
      return dates(this, locales, options, 'any', 'all');
    },
    toLocaleDateString(locales = undefined, options = undefined) {
      return dates(this, locales, options, 'date', 'date');
    },
    toLocaleTimeString(locales = undefined, options = undefined) {
      return dates(this, locales, options, 'time', 'time');
    },
  }],
  [String.prototype, {
    localeCompare(that, locales = undefined, options = undefined) {
      const text = textOf(this, 'localeCompare');
      const other = String(that);
      if (locales === undefined && options === undefined) return compareText(text, other);
      return formatter(Collator, locales, options).compare(text, other);
    },
    toLocaleLowerCase(locales = undefined) {
      const text = textOf(this, 'toLocaleLowerCase');
      if (!isTurkic(languageOf(locales))) return toLowerCase.call(text);
      return toLowerCase.call(text.replaceAll('I\u0307', 'i').replaceAll('I', 'ı').replaceAll('İ', 'i'));
    },
    toLocaleUpperCase(locales = undefined) {
      const text = textOf(this, 'toLocaleUpperCase');
      return toUpperCase.call(isTurkic(languageOf(locales)) ? text.replaceAll('i', 'İ') : text);
    },
  }],
];

const functions = {
  getCanonicalLocales(locales) {
    return canonicalList(locales);
  },
  supportedValuesOf(key) {
    const name = String(key);
    if (name === 'timeZone') return allZones();
    if (VALUES[name] === undefined) throw new RangeError(`Invalid key : ${name}`);
    return [...VALUES[name]];
  },
};

const hidden = (value) => ({ value, writable: true, enumerable: false, configurable: true });

function present(name, Class) {
  Object.defineProperty(Class.prototype, Symbol.toStringTag, { value: `Intl.${name}`, configurable: true });
  Object.defineProperty(Class, 'length', { value: LENGTHS[name] ?? 0, configurable: true });
  if (!CALLABLE.includes(name)) return Class;
  const callable = new Proxy(Class, {
    apply: (made, self, values) => new made(values[0], values[1]),
    construct: (made, values, target) => Reflect.construct(made, values.slice(0, 2), target),
  });
  Object.defineProperty(Class.prototype, 'constructor', hidden(callable));
  return callable;
}

export function installIntl() {
  const Intl = {};
  for (const name of Object.keys(CLASSES)) Object.defineProperty(Intl, name, hidden(present(name, CLASSES[name])));
  for (const name of Object.keys(functions)) Object.defineProperty(Intl, name, hidden(functions[name]));
  Object.defineProperty(Intl, Symbol.toStringTag, { value: 'Intl', configurable: true });
  Object.defineProperty(globalThis, 'Intl', hidden(Intl));
  for (const [target, own] of methods) {
    for (const name of Object.keys(own)) Object.defineProperty(target, name, hidden(own[name]));
  }
}
