// Intl.NumberFormat, in English.
import { decimalOfAny, shifted } from './decimals.js';
import { canonicalList, chooser, optionsOf, resolve, supported } from './locales.js';
import { digitOptions, roundDigits } from './number-digits.js';
import { currencyName, currencySymbol, isUnit, minorDigits, unitText } from './number-words.js';
import { fill, placeFor } from './places.js';
import { isOne } from './plurals.js';

const oneOf = chooser('Intl.NumberFormat');

const COMPACT = { short: ['', 'K', 'M', 'B', 'T'], long: ['', ' thousand', ' million', ' billion', ' trillion'] };

function groupingOf(given, notation) {
  const usual = notation === 'compact' ? 'min2' : 'auto';
  const asked = given.useGrouping;
  if (asked === undefined) return usual;
  if (asked === true) return 'always';
  if (asked === false || asked === null || asked === 0 || asked === '') return false;
  const text = String(asked);
  if (text === 'true' || text === 'false') return usual;
  return oneOf({ useGrouping: text }, 'useGrouping', ['min2', 'auto', 'always']);
}

function grouped(whole, grouping, place) {
  const least = grouping === 'min2' || grouping === 'auto' && place.least === '2' ? 5 : 4;
  if (grouping === false || whole.length < least) return [whole];
  const groups = [whole.slice(-3)];
  const size = place.indian ? 2 : 3;
  for (let end = whole.length - 3; end > 0; end -= size) groups.unshift(whole.slice(Math.max(0, end - size), end));
  return groups;
}

const ENGLISH = { point: '.', group: ',', least: '1', minus: '-', indian: false, percent: '-#%', money: '-¤#' };

export class NumberFormat {
  #locale;
  #place = ENGLISH;
  #options;
  #digits;
  #format;

  constructor(locales = undefined, options = undefined) {
    this.#locale = resolve(locales).locale;
    const given = optionsOf(options);
    oneOf(given, 'localeMatcher', ['lookup', 'best fit']);
    const style = oneOf(given, 'style', ['decimal', 'percent', 'currency', 'unit'], 'decimal');
    const currency = given.currency === undefined ? undefined : String(given.currency);
    if (currency !== undefined && !/^[a-z]{3}$/i.test(currency)) throw new RangeError(`Invalid currency code : ${currency}`);
    if (style === 'currency' && currency === undefined) throw new TypeError('Currency code is required with currency style.');
    const currencyDisplay = oneOf(given, 'currencyDisplay', ['code', 'symbol', 'narrowSymbol', 'name'], 'symbol');
    const currencySign = oneOf(given, 'currencySign', ['standard', 'accounting'], 'standard');
    const unit = given.unit === undefined ? undefined : String(given.unit);
    if (unit !== undefined && !isUnit(unit)) throw new RangeError(`Invalid unit argument for Intl.NumberFormat() '${unit}'`);
    if (style === 'unit' && unit === undefined) throw new TypeError("Invalid unit argument for Intl.NumberFormat() ''");
    const unitDisplay = oneOf(given, 'unitDisplay', ['short', 'narrow', 'long'], 'short');
    const notation = oneOf(given, 'notation', ['standard', 'scientific', 'engineering', 'compact'], 'standard');
    const own = style === 'currency' && notation === 'standard' ? minorDigits(currency.toUpperCase()) : 0;
    this.#digits = digitOptions(given, own, style === 'currency' && notation === 'standard' ? own : style === 'percent' ? 0 : 3, notation);
    const compactDisplay = oneOf(given, 'compactDisplay', ['short', 'long'], 'short');
    const grouping = groupingOf(given, notation);
    const signDisplay = oneOf(given, 'signDisplay', ['auto', 'never', 'always', 'exceptZero', 'negative'], 'auto');
    this.#options = { style, notation, grouping, signDisplay, compactDisplay };
    if (style === 'currency') Object.assign(this.#options, { currency: currency.toUpperCase(), currencyDisplay, currencySign });
    if (style === 'unit') Object.assign(this.#options, { unit, unitDisplay });
    const words = style === 'unit' || style === 'currency' && (currencyDisplay === 'name' || currencySign === 'accounting');
    const figures = notation === 'standard' && !words;
    const found = locales === undefined || !figures ? undefined : placeFor(canonicalList(locales));
    if (found !== undefined) [this.#place, this.#locale] = [found.place, found.tag];
  }

  static supportedLocalesOf(locales, options = undefined) {
    return supported(locales, options);
  }

  get format() {
    return (this.#format ??= (value) => this.#text(value));
  }

  #text(value) {
    let text = '';
    for (const part of this.#parts(value)) text += part.value;
    return text;
  }

  formatToParts(value = undefined) {
    return this.#parts(value);
  }

  formatRange(start, end) {
    return this.#range(start, end).map((part) => part.value).join('');
  }

  formatRangeToParts(start, end) {
    return this.#range(start, end);
  }

  #range(start, end) {
    if (start === undefined || end === undefined) throw new TypeError('start or end of range is undefined');
    const [from, to] = [this.#parts(start), this.#parts(end)];
    if (Number.isNaN(Number(start)) || Number.isNaN(Number(end))) throw new RangeError('Invalid argument');
    const text = (parts) => parts.map((part) => part.value).join('');
    const mark = (parts, source) => parts.map((part) => ({ ...part, source }));
    if (text(from) === text(to)) return mark([{ type: 'approximatelySign', value: '~' }, ...to], 'shared');
    const { style, notation } = this.#options;
    const suffix = style === 'percent' ? 0 : commonEnd(from, to);
    const head = from.slice(0, from.length - suffix);
    const plain = style === 'decimal' && notation !== 'scientific' && notation !== 'engineering';
    const between = { type: 'literal', value: plain || suffix > 0 ? '–' : ' – ', source: 'shared' };
    const [rest, shared] = [to.slice(0, to.length - suffix), to.slice(to.length - suffix)];
    return [...mark(head, 'startRange'), between, ...mark(rest, 'endRange'), ...mark(shared, 'shared')];
  }

  #parts(value) {
    const { style, signDisplay, notation } = this.#options;
    const decimal = decimalOfAny(value);
    const { special, negative } = decimal;
    const number = special !== undefined
      ? { parts: [{ type: special === 'NaN' ? 'nan' : 'infinity', value: special }], zero: special === 'NaN', one: false }
      : this.#number(style === 'percent' ? shifted(decimal, 2) : decimal, notation);
    const zeroToo = signDisplay === 'auto' || signDisplay === 'always';
    const minus = signDisplay !== 'never' && negative && (zeroToo || !number.zero);
    const plus = !minus && (signDisplay === 'always' || signDisplay === 'exceptZero' && !number.zero);
    const sign = minus ? [{ type: 'minusSign', value: this.#place.minus }] : plus ? [{ type: 'plusSign', value: '+' }] : [];
    if (style === 'percent') return fill(this.#place.percent, sign, number.parts, { type: 'percentSign', value: '%' });
    if (style === 'currency') return this.#money(sign, number, minus);
    if (style === 'unit') return this.#measured(sign, number);
    return [...sign, ...number.parts];
  }

  #money(sign, number, minus) {
    const { currency, currencyDisplay, currencySign } = this.#options;
    if (currencyDisplay === 'name') {
      return [...sign, ...number.parts, { type: 'literal', value: ' ' }, { type: 'currency', value: currencyName(currency, number.one) }];
    }
    const { symbols = {}, codes = [] } = this.#place;
    const own = currencyDisplay === 'symbol' ? symbols[currency] ?? (codes.includes(currency) ? currency : undefined) : undefined;
    const mark = { type: 'currency', value: own ?? currencySymbol(currency, currencyDisplay, this.#locale) };
    if (minus && currencySign === 'accounting') return fill('(¤#)', sign, number.parts, mark);
    const [positive, negative = positive] = this.#place.money.split(';');
    return fill(minus ? negative : positive, sign, number.parts, mark);
  }

  #measured(sign, number) {
    const { unit, unitDisplay } = this.#options;
    const [space, value] = unitText(unit, unitDisplay, number.one);
    const end = { type: unit === 'percent' && unitDisplay !== 'long' ? 'percentSign' : 'unit', value };
    return [...sign, ...number.parts, ...(space === '' ? [] : [{ type: 'literal', value: space }]), end];
  }

  #number(decimal, notation) {
    const { grouping, compactDisplay, style } = this.#options;
    const { group, point } = this.#place;
    let exponent = notation === 'standard' ? 0 : exponentOf(decimal, notation);
    let result = roundDigits(shifted(decimal, -exponent), this.#digits);
    // 999,999 is one million when it is rounded.
    if (notation !== 'standard' && result.value.digits) {
      const again = exponentOf(shifted(result.value, exponent), notation);
      if (again !== exponent) result = roundDigits(shifted(decimal, -(exponent = again)), this.#digits);
    }
    const { whole, fraction, value } = result;
    const parts = [];
    for (const digits of grouped(whole, grouping, this.#place)) {
      if (parts.length > 0) parts.push({ type: 'group', value: style === 'currency' ? group[group.length - 1] : group[0] });
      parts.push({ type: 'integer', value: digits });
    }
    if (fraction !== '') parts.push({ type: 'decimal', value: style === 'currency' ? point[point.length - 1] : point[0] }, { type: 'fraction', value: fraction });
    const zero = value.digits === '';
    if (notation === 'compact' && exponent > 0) {
      const word = COMPACT[compactDisplay][exponent / 3];
      if (word[0] === ' ') parts.push({ type: 'literal', value: ' ' });
      parts.push({ type: 'compact', value: word.trim() });
    } else if (notation === 'scientific' || notation === 'engineering') {
      parts.push({ type: 'exponentSeparator', value: 'E' });
      if (exponent < 0) parts.push({ type: 'exponentMinusSign', value: '-' });
      parts.push({ type: 'exponentInteger', value: String(Math.abs(exponent)) });
    }
    return { parts, zero, one: exponent === 0 && isOne(whole, fraction) };
  }

  resolvedOptions() {
    const { style, notation, grouping, signDisplay, compactDisplay, ...own } = this.#options;
    const { digits, mode, priority, zeros } = this.#digits;
    const shown = { locale: this.#locale, numberingSystem: 'latn', style, ...own, ...digits, useGrouping: grouping, notation };
    if (notation === 'compact') shown.compactDisplay = compactDisplay;
    return Object.assign(shown, {
      signDisplay, roundingIncrement: 1, roundingMode: mode, roundingPriority: priority, trailingZeroDisplay: zeros,
    });
  }
}

function exponentOf(decimal, notation) {
  if (!decimal.digits) return 0;
  const power = decimal.point - 1;
  if (notation === 'scientific') return power;
  const thousands = Math.floor(power / 3) * 3;
  return notation === 'engineering' ? thousands : Math.min(12, Math.max(0, thousands));
}

function commonEnd(from, to) {
  const [a, b] = [from[from.length - 1], to[to.length - 1]];
  if ((a.type !== 'unit' && a.type !== 'currency') || a.value !== b.value) return 0;
  return from[from.length - 2].type === 'literal' ? 2 : 1;
}
