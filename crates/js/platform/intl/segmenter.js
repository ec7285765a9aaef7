// Intl.Segmenter: text cut into what people take for characters, words or sentences.
import { objectOf, chooser, resolve, supported } from './locales.js';

const oneOf = chooser('Intl.Segmenter');

const CLUSTER = /\r\n|\p{RI}{2}|(?:[\u1100-\u115f]*[\uac00-\ud7a3][\u1160-\u11ff]*|\p{Extended_Pictographic}(?:[\p{M}\u{1f3fb}-\u{1f3ff}\ufe0f]*\u200d\p{Extended_Pictographic})*|[^\r\n])[\p{M}\u200c\u200d\ufe0f\u{1f3fb}-\u{1f3ff}\u{e0020}-\u{e007f}]*|[\r\n]/gsu;
const WORD = /\r\n|(?:[\p{L}\p{N}_\p{M}](?:['’.·:](?=[\p{L}])|(?<=\p{N})[.,'](?=\p{N}))?\p{M}*)+|[\p{Zs}\t]+|./gsu;
const SENTENCE = /(?:[^.!?\r\n]|\.(?=\p{N})|[.!?](?=[^\s.!?"'”’)\]]))*[.!?]*["'”’)\]]*(?:[^\S\r\n]*(?:\r\n|[\r\n])?)/gsu;
const CUTS = { grapheme: CLUSTER, word: WORD, sentence: SENTENCE };
const LIKE = /[\p{L}\p{N}]/u;

function* pieces(text, granularity) {
  for (const found of text.matchAll(CUTS[granularity])) {
    const [segment] = found;
    if (segment !== '') yield piece(segment, found.index, text, granularity);
  }
}

function piece(segment, index, input, granularity) {
  const made = { segment, index, input };
  if (granularity === 'word') made.isWordLike = LIKE.test(segment);
  return made;
}

class Segments {
  #text;
  #granularity;

  constructor(text, granularity) {
    this.#text = text;
    this.#granularity = granularity;
  }

  containing(index = undefined) {
    const at = Math.trunc(Number(index)) || 0;
    if (at < 0 || at >= this.#text.length) return undefined;
    for (const found of pieces(this.#text, this.#granularity)) if (found.index + found.segment.length > at) return found;
    return undefined;
  }

  [Symbol.iterator]() {
    return pieces(this.#text, this.#granularity);
  }
}

export class Segmenter {
  #locale;
  #granularity;

  constructor(locales = undefined, options = undefined) {
    this.#locale = resolve(locales).locale;
    const given = objectOf(options);
    oneOf(given, 'localeMatcher', ['lookup', 'best fit']);
    this.#granularity = oneOf(given, 'granularity', ['grapheme', 'word', 'sentence'], 'grapheme');
  }

  static supportedLocalesOf(locales, options = undefined) {
    return supported(locales, options);
  }

  segment(text) {
    return new Segments(String(text), this.#granularity);
  }

  resolvedOptions() {
    return { locale: this.#locale, granularity: this.#granularity };
  }
}
