// Which words go with a number in English, and Intl.PluralRules.
import { decimalOfAny } from './decimals.js';
import { digitOptions, roundDigits } from './number-digits.js';
import { chooser, optionsOf, resolve, supported } from './locales.js';

const oneOf = chooser('Intl.PluralRules');

// "1" alone is one: "1.0" is not.
export const isOne = (whole, fraction) => whole === '1' && fraction === '';

function ordinal(whole, fraction) {
  if (fraction !== '') return 'other';
  const [ten, one] = [whole.slice(-2, -1), whole.slice(-1)];
  if (ten === '1') return 'other';
  return { 1: 'one', 2: 'two', 3: 'few' }[one] ?? 'other';
}

export class PluralRules {
  #locale;
  #type;
  #notation;
  #digits;

  constructor(locales = undefined, options = undefined) {
    const { locale } = resolve(locales);
    const given = optionsOf(options);
    this.#locale = locale;
    oneOf(given, 'localeMatcher', ['lookup', 'best fit']);
    this.#type = oneOf(given, 'type', ['cardinal', 'ordinal'], 'cardinal');
    this.#notation = oneOf(given, 'notation', ['standard', 'scientific', 'engineering', 'compact'], 'standard');
    this.#digits = digitOptions(given, 0, 3, this.#notation);
  }

  static supportedLocalesOf(locales, options = undefined) {
    return supported(locales, options);
  }

  select(value) {
    return this.#of(Number(value));
  }

  #of(number) {
    const decimal = decimalOfAny(Math.abs(number));
    if (decimal.special !== undefined) return 'other';
    const { whole, fraction } = roundDigits(decimal, this.#digits);
    if (this.#type === 'ordinal') return ordinal(whole, fraction);
    return isOne(whole, fraction) ? 'one' : 'other';
  }

  selectRange(start, end) {
    if (start === undefined || end === undefined) throw new TypeError('start or end of range is undefined');
    if (Number.isNaN(Number(start)) || Number.isNaN(Number(end))) throw new RangeError('Invalid argument');
    return this.#type === 'ordinal' ? this.#of(Number(end)) : 'other';
  }

  resolvedOptions() {
    const { digits } = this.#digits;
    return {
      locale: this.#locale, type: this.#type, notation: this.#notation, ...digits,
      pluralCategories: this.#type === 'ordinal' ? ['one', 'two', 'few', 'other'] : ['one', 'other'],
      roundingIncrement: 1, roundingMode: this.#digits.mode, roundingPriority: this.#digits.priority,
      trailingZeroDisplay: this.#digits.zeros,
    };
  }
}
