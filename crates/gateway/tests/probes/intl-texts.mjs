// Order of texts, plurals, lists, relative times, pieces of text, language tags, and the shape of it all.
import { members, tries } from './show.mjs';

const WORDS = ['a', 'A', 'b', 'B', 'z', 'Z', 'ä', 'Ä', 'á', 'é', 'e', 'ß', 'ss', 'æ', 'ø', 'o', 'ñ', 'n', '', ' ', ' a', 'a b', 'ab', 'a-b', 'a_b', "a'b", '1', '2', '10', '9', '01', 'a1', 'a10', 'a2', '_', '-', '.', ',', '!', '?', '@', '#', '$', '%', '&', '(', ')', '+', '=', '<', '/', '\\', '|', '~', 'résumé', 'resume', 'Resume', 'RESUME', 'Résumé', 'co-op', 'coop', 'α', 'я', 'а', 'Я', 'ё', 'е', '中', 'あ', '한', 'ł', 'l', 'đ', 'd', 'þ', '€', '😀', 'zebra', 'Äpfel', 'apple', 'Apple', 'éclair', '_x'];
const sorted = (options, locale) => () => [...WORDS].sort(new Intl.Collator(locale, options).compare);
const UNITS = ['second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'];
const relative = (options, locale = 'en') => () => UNITS.map((unit) => [-2, -1, -0, 0, 1, 2, 1.5, 1000].map((value) => new Intl.RelativeTimeFormat(locale, options).format(value, unit)));
const LISTS = [[], ['a'], ['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'c', 'd']];
const segments = (granularity, text) => () => [...new Intl.Segmenter('en', { granularity }).segment(text)].map(({ segment, index, isWordLike }) => [segment, index, isWordLike]);
const CLASSES = ['Collator', 'DateTimeFormat', 'ListFormat', 'NumberFormat', 'PluralRules', 'RelativeTimeFormat', 'Segmenter'];

export const texts = {
  'sorted': sorted(),
  'sorted by base letters': sorted({ sensitivity: 'base' }),
  'sorted by accents': sorted({ sensitivity: 'accent' }),
  'sorted by case': sorted({ sensitivity: 'case' }),
  'sorted by numbers': sorted({ numeric: true }),
  'sorted by a key': sorted(undefined, 'en-u-kn-true'),
  'sorted capitals first': sorted({ caseFirst: 'upper' }),
  'sorted without punctuation': sorted({ ignorePunctuation: true }),
  'localeCompare': () => WORDS.map((word, at) => [word.localeCompare(WORDS[at * 7 % WORDS.length]), word.localeCompare(WORDS[at * 13 % WORDS.length], undefined, { sensitivity: 'base' })]),
  'cases': () => ['İI ıi', 'ß', 'ŉ'].map((text) => ['en', 'tr', 'az', undefined].map((locale) => [text.toLocaleLowerCase(locale), text.toLocaleUpperCase(locale)])),
  'plurals': () => [0, 1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 101, 111, 1.5, -1].map((value) => [new Intl.PluralRules('en').select(value), new Intl.PluralRules('en', { type: 'ordinal' }).select(value)]),
  'plurals with digits': () => [new Intl.PluralRules('en', { minimumFractionDigits: 1 }).select(1), new Intl.PluralRules('en').selectRange(1, 2)],
  'lists': () => ['en', 'en-GB'].map((locale) => ['conjunction', 'disjunction', 'unit'].map((type) => ['long', 'short', 'narrow'].map((style) => LISTS.map((list) => new Intl.ListFormat(locale, { type, style }).format(list))))),
  'parts of a list': () => new Intl.ListFormat('en').formatToParts(['a', 'b', 'c']),
  'relative times': relative(),
  'relative times in words': relative({ numeric: 'auto' }),
  'short relative times': relative({ style: 'short', numeric: 'auto' }),
  'narrow relative times': relative({ style: 'narrow' }),
  'parts of relative times': () => [new Intl.RelativeTimeFormat('en').formatToParts(-3, 'day'), new Intl.RelativeTimeFormat('en', { numeric: 'auto' }).formatToParts(-1, 'days')],
  'relative times refused': () => tries(() => new Intl.RelativeTimeFormat('en').format(1, 'foo'), () => new Intl.RelativeTimeFormat('en').format('x', 'day')),
  'characters': segments('grapheme', 'a👨‍👩‍👧é🇩🇪e\u0301\r\n한👍🏽'),
  'words': segments('word', "Hello, world! It's 3.5  now"),
  'sentences': segments('sentence', 'Hi. There! Yes? No 3.5 end'),
  'tags': () => tries(() => Intl.getCanonicalLocales(['EN-us', 'de', 'zh-hans-cn', 'en-u-KN']), () => Intl.getCanonicalLocales('x_y'), () => Intl.getCanonicalLocales(''), () => Intl.NumberFormat.supportedLocalesOf(['en-US', 'xx'])),
  'locales': () => tries(() => new Intl.Locale('en-Latn-US-u-ca-buddhist').toString(), () => new Intl.Locale('en', { region: 'GB' }).baseName, () => new Intl.Locale('en').maximize().toString(), () => new Intl.Locale('de-Latn-DE').minimize().toString(), () => [new Intl.Locale('en-US').language, new Intl.Locale('en-US').region, new Intl.Locale('en-US').script]),
  'called without new': () => tries(() => typeof Intl.NumberFormat(), () => typeof Intl.Collator(), () => typeof Intl.DateTimeFormat().format(0)),
  'locale of nobody': () => CLASSES.map((name) => [name, new Intl[name]().resolvedOptions().locale, new Intl[name]('xx').resolvedOptions().locale]),
  'tags of objects': () => [String(Intl), ...CLASSES.map((name) => `${new Intl[name]()} ${Intl[name].length} ${Intl[name].name}`)],
  'members': () => CLASSES.map((name) => members(Intl[name].prototype)),
  'functions bound': () => [1, 2].map(new Intl.NumberFormat('en').format).concat(['b', 'a'].sort(new Intl.Collator().compare)),
  'values': () => [Intl.supportedValuesOf('timeZone').includes('Europe/Berlin'), Intl.DateTimeFormat().resolvedOptions().timeZone],
  'classes of Intl': () => members(Intl),
};
