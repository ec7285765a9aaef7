// Intl.RelativeTimeFormat, in English.
import { NumberFormat } from './number-format.js';
import { objectOf, chooser, resolve, supported } from './locales.js';

const oneOf = chooser('Intl.RelativeTimeFormat');

const UNITS = ['second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'];
const SHORT = { second: 'sec.', minute: 'min.', hour: 'hr.', day: 'day|days', week: 'wk.', month: 'mo.', quarter: 'qtr.|qtrs.', year: 'yr.' };
const NARROW = { second: 's', minute: 'm', hour: 'h', day: 'd', week: 'w', month: 'mo', quarter: 'q', year: 'y' };
const BRITISH = (text) => text.replaceAll('.', '');
const DAYS = { '-1': 'yesterday', 0: 'today', 1: 'tomorrow' };
const NEAR = { '-1': 'last', 0: 'this', 1: 'next' };

export class RelativeTimeFormat {
  #locale;
  #style;
  #numeric;
  #numbers;

  constructor(locales = undefined, options = undefined) {
    this.#locale = resolve(locales).locale;
    const given = options === undefined ? {} : Object(options);
    oneOf(given, 'localeMatcher', ['lookup', 'best fit']);
    this.#style = oneOf(given, 'style', ['long', 'short', 'narrow'], 'long');
    this.#numeric = oneOf(given, 'numeric', ['always', 'auto'], 'always');
    this.#numbers = new NumberFormat(this.#locale);
  }

  static supportedLocalesOf(locales, options = undefined) {
    return supported(locales, options);
  }

  #word(unit, one) {
    if (this.#style === 'long') return ` ${unit}${one ? '' : 's'}`;
    const british = this.#locale === 'en-GB' ? BRITISH : (text) => text;
    if (this.#style === 'narrow') return NARROW[unit];
    const [single, many = single] = SHORT[unit].split('|');
    return ` ${british(one ? single : many)}`;
  }

  #parts(value, unit, name) {
    const number = Number(value);
    const text = String(unit);
    const single = UNITS.includes(text) ? text : UNITS.find((known) => `${known}s` === text);
    if (single === undefined) throw new RangeError(`Invalid unit argument for Intl.RelativeTimeFormat.prototype.${name}() '${text}'`);
    if (!Number.isFinite(number)) throw new RangeError(`Value need to be finite number for Intl.RelativeTimeFormat.prototype.${name}()`);
    const near = this.#numeric === 'auto' ? this.#near(number, single) : undefined;
    if (near !== undefined) return [{ type: 'literal', value: near }];
    const past = number < 0 || Object.is(number, -0);
    const size = Math.abs(number);
    const digits = this.#numbers.formatToParts(size).map((part) => ({ ...part, unit: single }));
    const word = this.#word(single, digits.length === 1 && digits[0].value === '1');
    if (past) return [...digits, { type: 'literal', value: `${word} ago` }];
    return [{ type: 'literal', value: 'in ' }, ...digits, { type: 'literal', value: word }];
  }

  #near(number, unit) {
    if (unit === 'second') return number === 0 ? 'now' : undefined;
    if (unit === 'minute' || unit === 'hour') return number === 0 ? `this ${unit}` : undefined;
    if (unit === 'day') return DAYS[number];
    const which = NEAR[number];
    return which === undefined ? undefined : `${which}${this.#style === 'long' ? ` ${unit}` : this.#shortNear(unit)}`;
  }

  #shortNear(unit) {
    const [word] = SHORT[unit].split('|');
    return ` ${this.#locale === 'en-GB' ? BRITISH(word) : word}`;
  }

  format(value, unit) {
    return this.#parts(value, unit, 'format').map((part) => part.value).join('');
  }

  formatToParts(value, unit) {
    return this.#parts(value, unit, 'formatToParts');
  }

  resolvedOptions() {
    return { locale: this.#locale, style: this.#style, numeric: this.#numeric, numberingSystem: 'latn' };
  }
}
