// Intl.Collator and `localeCompare`: text in the order of dictionaries. Letters first by what they are, then by their
// accents, then by their case; the order of signs is the one that Unicode gives to all languages. Scripts that are not
// Latin lie by the numbers of their characters, which is near enough to their own order.
import { flag, chooser, optionsOf, resolve, supported } from './locales.js';

const oneOf = chooser('Intl.Collator');

// From the least to the greatest. Spaces and quotation marks of many widths are told apart by the third level alone.
const SIGNS = '\t\n\v\f\r\u0085\u2028\u2029 ‾_‗-‐‒–—―⁓,;⁏:!‼⁉¡?⁈⁇¿‽.‥…·\'‹›"«»()[]{}⁅⁆‖§¶⁋@*⁎⁑/\\&⁊#%‰‱†‡•‣‧⁃⁌⁍′″‴⁗‵‶‷‸※‿⁔⁀⁐⁁⁂`´^¯¨¸°©®←→↑↓+±÷×<=>¬|¦~⁒⁄■□○●★☆♥✓✗¤¢$£¥₠₡₢₣₤₥₦₩₪₫€₭₮₯₰₱₲₳₴₵₶₷₸₹₺₻₼₽₾₿₧₨';
const VARIANTS = { '\u00a0': ' ', '\u2007': ' ', '\u202f': ' ', '‑': '‐', '․': '.', '‘': "'", '’': "'", '‚': "'", '‛': "'", '“': '"', '”': '"', '„': '"', '‟': '"' };
const CURRENCIES = SIGNS.indexOf('¤'); // other symbols lie before them
const PUNCTUATION_ENDS = SIGNS.indexOf('`'); // what is behind it are symbols, which are no punctuation

// Letters that are others with something to them, for the first level.
const BASES = {
  ª: 'a', º: 'o', ß: 'ss', ẞ: 'SS', æ: 'ae', Æ: 'AE', œ: 'oe', Œ: 'OE', ø: 'o', Ø: 'O', đ: 'd', Đ: 'D', ð: 'd', Ð: 'D',
  ħ: 'h', Ħ: 'H', ĳ: 'ij', Ĳ: 'IJ', ŀ: 'l', Ŀ: 'L', ł: 'l', Ł: 'L', ſ: 's', '²': '2', '³': '3', '¹': '1',
};
const AFTER = { ı: 'i', ĸ: 'q', ŋ: 'n', Ŋ: 'N', ŧ: 't', Ŧ: 'T', þ: 'z', Þ: 'Z' };
const ACCENTS = '\u0301\u0300\u0306\u0302\u030c\u030a\u0308\u030b\u0303\u0307\u0328\u0327\u0304';
const IGNORED = /[\0-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe0f]/;
const DIGITS = 1_000;
const LETTERS = 2_000;
const OTHERS = 10_000;
// Of these the order of small letters is that of their numbers.
const SIMPLE = /^[0-9A-Za-z ]*$/;
const IS_ASCII = /^[\0-\x7f]*$/;

// The elements of a text: what it is, its accent, its case. An accent belongs to the element before it.
function elementsOf(text, numeric) {
  const elements = [];
  const add = (primary, secondary, tertiary) => elements.push({ primary, secondary, tertiary });
  const plain = IS_ASCII.test(text) ? text : text.normalize('NFD');
  for (let at = 0; at < plain.length; at++) {
    let char = plain[at];
    const code = plain.codePointAt(at);
    if (code < 128 && !(numeric && char >= '0' && char <= '9')) {
      if (ASCII[code] !== undefined) elements.push(ASCII[code]);
      continue;
    }
    if (code > 0xffff) char = plain.slice(at, ++at + 1);
    if (IGNORED.test(char)) continue;
    const last = elements[elements.length - 1];
    if (code >= 0x300 && code < 0x370) {
      const accent = 2 + (ACCENTS.indexOf(char) + 1 || code - 0x2e0);
      if (last !== undefined) elements[elements.length - 1] = { ...last, secondary: last.secondary * 64 + accent };
      continue;
    }
    if (char >= '0' && char <= '9') {
      let end = at + 1;
      while (plain[end] >= '0' && plain[end] <= '9') end++;
      const digits = plain.slice(at, end).replace(/^0+(?=.)/, '');
      add(DIGITS + 10, 1, 1);
      add(DIGITS + digits.length, 1, 1);
      for (const digit of digits) add(DIGITS + Number(digit), 1, 1);
      at = end - 1;
      continue;
    }
    const base = BASES[char];
    if (base !== undefined) {
      for (const letter of base) addLetter(add, letter, letter === base[0] ? 60 : 1, char);
    } else if (AFTER[char] !== undefined) {
      add(LETTERS + AFTER[char].toLowerCase().charCodeAt(0) * 8 + 4, 1, char === char.toLowerCase() ? 1 : 3);
    } else addSign(add, char, code);
  }
  return elements;
}

function addLetter(add, letter, secondary, from) {
  const small = letter.toLowerCase();
  const accent = /[ªº²³¹ſ]/.test(from ?? '') ? 1 : secondary;
  add(LETTERS + small.charCodeAt(0) * 8, accent, (letter === small ? 1 : 3) + (from === undefined ? 0 : 1));
}

function addSign(add, char, code) {
  const known = SIGNS.indexOf(VARIANTS[char] ?? char);
  if (known >= 0) return add(known + 1, 1, VARIANTS[char] === undefined ? 1 : 2 + char.charCodeAt(0) % 16);
  const small = char.toLowerCase();
  const letter = /\p{L}/u.test(char);
  return add(letter ? OTHERS + small.codePointAt(0) : CURRENCIES + code / 0x200000, 1, char === small ? 1 : 3);
}

const ASCII = Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  let element;
  const add = (primary, secondary, tertiary) => { element = { primary, secondary, tertiary }; };
  if (IGNORED.test(char)) return undefined;
  if (/[0-9]/.test(char)) add(DIGITS + Number(char), 1, 1);
  else if (/[a-z]/i.test(char)) addLetter(add, char, 1, undefined);
  else addSign(add, char, code);
  return element;
});

// Small or capital, and nothing else of the third level.
const cased = ({ tertiary }) => ({ tertiary: tertiary >= 3 ? 2 : 1 });

const LEVELS = ['primary', 'secondary', 'tertiary'];

function compareBy(a, b, level) {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    const difference = a[at][level] - b[at][level];
    if (difference !== 0) return difference < 0 ? -1 : 1;
  }
  return Math.sign(a.length - b.length);
}

const KEPT = 1_024;
const kept = new Map(); // what sorting asks for again and again

function heldElements(text, numeric) {
  if (numeric || text.length > 64) return elementsOf(text, numeric);
  let elements = kept.get(text);
  if (elements === undefined) {
    if (kept.size >= KEPT) kept.clear();
    kept.set(text, elements = elementsOf(text, numeric));
  }
  return elements;
}

const USUAL = { numeric: false, sensitivity: 'variant', ignorePunctuation: false, caseFirst: 'false' };

export function compareText(a, b, { numeric, sensitivity, ignorePunctuation, caseFirst } = USUAL) {
  if (a === b) return 0;
  if (!numeric && !ignorePunctuation && caseFirst === 'false' && SIMPLE.test(a) && SIMPLE.test(b)) {
    const [small, other] = [a.toLowerCase(), b.toLowerCase()];
    if (small !== other) return small < other ? -1 : 1;
    return sensitivity === 'base' || sensitivity === 'accent' ? 0 : a < b ? 1 : -1;
  }
  let [first, second] = [heldElements(a, numeric), heldElements(b, numeric)];
  if (ignorePunctuation) {
    const heard = ({ primary }) => primary > PUNCTUATION_ENDS;
    [first, second] = [first.filter(heard), second.filter(heard)];
  }
  const levels = { base: 1, accent: 2, variant: 3 }[sensitivity] ?? 1;
  for (let level = 0; level < levels; level++) {
    const upper = level === 2 && caseFirst === 'upper' ? compareBy(second.map(cased), first.map(cased), 'tertiary') : 0;
    const order = upper || compareBy(first, second, LEVELS[level]);
    if (order !== 0) return order;
  }
  return sensitivity === 'case' ? compareBy(first.map(cased), second.map(cased), 'tertiary') : 0;
}

export class Collator {
  #locale;
  #options;
  #compare;

  constructor(locales = undefined, options = undefined) {
    const { locale, keys } = resolve(locales);
    const given = optionsOf(options);
    const byKey = keys.kn !== undefined && keys.kn !== 'false' && given.numeric === undefined;
    this.#locale = byKey ? `${locale}-u-kn` : locale;
    const usage = oneOf(given, 'usage', ['sort', 'search'], 'sort');
    oneOf(given, 'localeMatcher', ['lookup', 'best fit']);
    const numeric = flag(given, 'numeric', keys.kn !== undefined && keys.kn !== 'false');
    const caseFirst = oneOf(given, 'caseFirst', ['upper', 'lower', 'false'], keys.kf || 'false');
    const sensitivity = oneOf(given, 'sensitivity', ['base', 'accent', 'case', 'variant'], 'variant');
    const ignorePunctuation = flag(given, 'ignorePunctuation', false);
    this.#options = { usage, sensitivity, ignorePunctuation, collation: 'default', numeric, caseFirst };
  }

  static supportedLocalesOf(locales, options = undefined) {
    return supported(locales, options);
  }

  get compare() {
    return (this.#compare ??= (x, y) => compareText(String(x), String(y), this.#options));
  }

  resolvedOptions() {
    return { locale: this.#locale, ...this.#options };
  }
}
