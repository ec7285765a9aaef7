// Language tags: which are well formed, how they are written, and which of them this node speaks. It knows English, as
// in the United States and in Britain; whoever asks for another language gets the first, as with any that is not there.

const TAG = /^(?:[a-z]{2,3}|[a-z]{5,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[a-wy-z0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?$/i;
const KNOWN = ['en', 'en-US', 'en-GB'];
const DEFAULT = 'en-US';

export function canonical(tag) {
  if (!TAG.test(tag)) throw new RangeError(`Invalid language tag: ${tag}`);
  const parts = tag.toLowerCase().split('-');
  const single = parts.findIndex((part, at) => at > 0 && part.length === 1);
  const plain = single < 0 ? parts.length : single;
  return parts.map((part, at) => {
    if (at === 0 || at >= plain) return part;
    if (part.length === 4 && part > '9') return part[0].toUpperCase() + part.slice(1);
    return part.length === 2 ? part.toUpperCase() : part;
  }).join('-');
}

const isTag = (value) => Object.prototype.toString.call(value) === '[object Intl.Locale]';

export function canonicalList(locales) {
  if (locales === undefined) return [];
  if (locales === null) throw new TypeError('Cannot convert undefined or null to object');
  if (typeof locales === 'string' || isTag(locales)) return [canonical(String(locales))];
  const list = Object(locales);
  const tags = [];
  for (let at = 0; at < (Number(list.length) || 0); at++) {
    if (!(at in list)) continue;
    const tag = list[at];
    if (typeof tag !== 'string' && (typeof tag !== 'object' || tag === null)) throw new TypeError('Language ID should be string or object.');
    const written = canonical(String(tag));
    if (!tags.includes(written)) tags.push(written);
  }
  return tags;
}

// Without what follows `-u-`, and then without its last parts, one after the other.
function lookUp(tag) {
  for (let rest = tag.replace(/-[a-z0-9]-.*$/, ''); ; rest = rest.slice(0, rest.lastIndexOf('-'))) {
    if (KNOWN.includes(rest)) return rest;
    if (!rest.includes('-')) return undefined;
  }
}

// The locale that answers to the list, and what its `-u-` asks for by two-letter keys.
export function resolve(locales) {
  const tags = canonicalList(locales);
  for (const tag of tags) {
    const locale = lookUp(tag);
    if (locale !== undefined) return { locale, keys: unicodeKeys(tag) };
  }
  return { locale: DEFAULT, keys: {} };
}

export function unicodeKeys(tag) {
  const keys = {};
  const found = /-u((?:-[a-z0-9]{2,8})+)/.exec(tag);
  let key;
  for (const part of found === null ? [] : found[1].slice(1).split('-')) {
    if (part.length === 2) keys[key = part] = '';
    else if (key !== undefined) keys[key] += keys[key] === '' ? part : `-${part}`;
  }
  return keys;
}

export function supported(locales, options) {
  const tags = canonicalList(locales);
  if (options !== undefined) chooser('supportedLocalesOf')(optionsOf(options), 'localeMatcher', ['lookup', 'best fit']);
  return tags.filter((tag) => lookUp(tag) !== undefined);
}

export function optionsOf(options) {
  if (options === undefined) return Object.create(null);
  if (options === null) throw new TypeError('Cannot convert undefined or null to object');
  return Object(options);
}

// For the younger classes, which take nothing but objects.
export function objectOf(options) {
  if (options === undefined) return Object.create(null);
  if (typeof options !== 'object' && typeof options !== 'function' || options === null) throw new TypeError('Incorrect options information provided');
  return options;
}

// Reads an option of that class that has to be one of some words.
export function chooser(owner) {
  return (options, name, allowed, otherwise) => {
    const given = options[name];
    if (given === undefined) return otherwise;
    const value = String(given);
    if (!allowed.includes(value)) throw new RangeError(`Value ${value} out of range for ${owner} options property ${name}`);
    return value;
  };
}

export function within(options, name, least, most, otherwise) {
  const given = options[name];
  if (given === undefined) return otherwise;
  const value = Number(given);
  if (!(value >= least && value <= most)) throw new RangeError(`${name} value is out of range.`);
  return Math.floor(value);
}

export const flag = (options, name, otherwise) => (options[name] === undefined ? otherwise : Boolean(options[name]));
