// Intl.ListFormat, in English.
import { chooser, objectOf, resolve, supported } from './locales.js';

const oneOf = chooser('Intl.ListFormat');

const BETWEEN = {
  conjunction: { long: ' and ', short: ' & ', narrow: ', ' },
  disjunction: { long: ' or ', short: ' or ', narrow: ' or ' },
  unit: { long: ', ', short: ', ', narrow: ' ' },
};

export class ListFormat {
  #locale;
  #type;
  #style;

  constructor(locales = undefined, options = undefined) {
    this.#locale = resolve(locales).locale;
    const given = objectOf(options);
    oneOf(given, 'localeMatcher', ['lookup', 'best fit']);
    this.#type = oneOf(given, 'type', ['conjunction', 'disjunction', 'unit'], 'conjunction');
    this.#style = oneOf(given, 'style', ['long', 'short', 'narrow'], 'long');
  }

  static supportedLocalesOf(locales, options = undefined) {
    return supported(locales, options);
  }

  #parts(list) {
    const elements = [];
    for (const element of list ?? []) {
      if (typeof element !== 'string') throw new TypeError(`Iterable yielded ${String(element)} which is not a string`);
      elements.push(element);
    }
    const british = this.#locale === 'en-GB';
    const last = british && this.#type === 'conjunction' && this.#style === 'short' ? ' and ' : BETWEEN[this.#type][this.#style];
    const inner = this.#type === 'unit' && this.#style === 'narrow' ? ' ' : ', ';
    const parts = [];
    elements.forEach((value, at) => {
      if (at > 0) {
        const ends = at === elements.length - 1;
        const serial = elements.length > 2 && !british && last !== inner ? `,${last}` : last;
        parts.push({ type: 'literal', value: ends ? serial : inner });
      }
      parts.push({ type: 'element', value });
    });
    return parts;
  }

  format(list) {
    return this.#parts(list).map((part) => part.value).join('');
  }

  formatToParts(list) {
    return this.#parts(list);
  }

  resolvedOptions() {
    return { locale: this.#locale, type: this.#type, style: this.#style };
  }
}
