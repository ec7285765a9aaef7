// Intl.Locale: a language tag taken apart.
import { canonical, flag, chooser, unicodeKeys } from './locales.js';

const oneOf = chooser('Intl.Locale');

const LIKELY = {
  ar: ['Arab', 'EG'], bn: ['Beng', 'BD'], da: ['Latn', 'DK'], de: ['Latn', 'DE'], el: ['Grek', 'GR'], en: ['Latn', 'US'],
  es: ['Latn', 'ES'], fa: ['Arab', 'IR'], fi: ['Latn', 'FI'], fr: ['Latn', 'FR'], he: ['Hebr', 'IL'], hi: ['Deva', 'IN'],
  hu: ['Latn', 'HU'], id: ['Latn', 'ID'], it: ['Latn', 'IT'], ja: ['Jpan', 'JP'], ko: ['Kore', 'KR'], nb: ['Latn', 'NO'],
  nl: ['Latn', 'NL'], pl: ['Latn', 'PL'], pt: ['Latn', 'BR'], ro: ['Latn', 'RO'], ru: ['Cyrl', 'RU'], sv: ['Latn', 'SE'],
  th: ['Thai', 'TH'], tr: ['Latn', 'TR'], uk: ['Cyrl', 'UA'], vi: ['Latn', 'VN'], zh: ['Hans', 'CN'],
};

export class Locale {
  #tag;
  #base;
  #keys;

  constructor(tag, options = undefined) {
    if (typeof tag !== 'string' && (typeof tag !== 'object' || tag === null)) {
      throw new TypeError('First argument to Intl.Locale constructor can\'t be empty or missing');
    }
    const written = canonical(String(tag));
    const given = options === undefined ? {} : Object(options);
    const at = written.search(/-[a-z0-9]-/);
    const [language, ...rest] = (at < 0 ? written : written.slice(0, at)).split('-');
    const script = rest.find((part) => /^[A-Z][a-z]{3}$/.test(part));
    const region = rest.find((part) => /^([A-Z]{2}|[0-9]{3})$/.test(part));
    const variants = rest.filter((part) => part !== script && part !== region);
    const text = (name, otherwise) => (given[name] === undefined ? otherwise : String(given[name]));
    const parts = [text('language', language), text('script', script), text('region', region), ...variants];
    this.#base = canonical(parts.filter((part) => part !== undefined).join('-'));
    const keys = { ...unicodeKeys(written) };
    const set = (key, value) => { if (value !== undefined) keys[key] = value; };
    set('ca', text('calendar'));
    set('co', text('collation'));
    set('hc', oneOf(given, 'hourCycle', ['h11', 'h12', 'h23', 'h24']));
    set('kf', oneOf(given, 'caseFirst', ['upper', 'lower', 'false']));
    const numeric = flag(given, 'numeric', undefined);
    if (numeric !== undefined) keys.kn = numeric ? '' : 'false';
    set('nu', text('numberingSystem'));
    this.#keys = keys;
    const shown = Object.keys(keys).sort().map((key) => (keys[key] === '' || keys[key] === 'true' ? key : `${key}-${keys[key]}`));
    this.#tag = shown.length === 0 ? this.#base : `${this.#base}-u-${shown.join('-')}`;
  }

  #part(test) {
    return this.#base.split('-').slice(1).find((part) => test.test(part));
  }

  get baseName() { return this.#base; }
  get language() { return this.#base.split('-')[0]; }
  get script() { return this.#part(/^[A-Z][a-z]{3}$/); }
  get region() { return this.#part(/^([A-Z]{2}|[0-9]{3})$/); }
  get calendar() { return this.#keys.ca; }
  get collation() { return this.#keys.co; }
  get hourCycle() { return this.#keys.hc; }
  get caseFirst() { return this.#keys.kf; }
  get numeric() { return this.#keys.kn !== undefined && this.#keys.kn !== 'false'; }
  get numberingSystem() { return this.#keys.nu; }

  maximize() {
    const [script, region] = LIKELY[this.language] ?? [];
    return this.#with(this.script ?? script, this.region ?? region);
  }

  minimize() {
    const [script, region] = LIKELY[this.language] ?? [];
    const own = this.script === script ? undefined : this.script;
    return this.#with(own, own === undefined && this.region === region ? undefined : this.region);
  }

  #with(script, region) {
    const base = [this.language, script, region].filter((part) => part !== undefined).join('-');
    return new Locale(base + this.#tag.slice(this.#base.length));
  }

  toString() {
    return this.#tag;
  }
}
