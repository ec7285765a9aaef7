// Other places than the United States and Britain: how they write numbers, sums of money, and dates and times that are
// figures alone. Words of other languages are not known; what needs any of them is told in English.

// Place | point, then that of money where it differs | groups, then those of money where they differ | groups where so
// many digits are before the first | minus | percent | money, then less than nothing | date | between | time |
// currencies of its own writing | currencies that it tells by their code.
const PLACES = `
de|,|.|1|-|-#\u00a0%|-#\u00a0¤|d.M.y|, |HH:mm:ss|AUD:AU$ THB:฿|
de-AT|,|\u00a0.|1|-|-#\u00a0%|-¤\u00a0#|d.M.y|, |HH:mm:ss|AUD:AU$ THB:฿|
de-CH|.|'|1|-|-#%|¤\u00a0#;¤-#|d.M.y|, |HH:mm:ss|AUD:AU$ THB:฿|EUR
fr|,|\u202f|1|-|-#\u00a0%|-#\u00a0¤|dd/MM/y| |HH:mm:ss|USD:$US GBP:£GB CAD:$CA AUD:$AU MXN:$MX NZD:$NZ SGD:$SG|JPY CNY HKD TWD
fr-CA|,|\u00a0|1|-|-#\u00a0%|-#\u00a0¤|y-MM-dd|||USD:$\u00a0US CAD:$ AUD:$\u00a0AU NZD:$\u00a0NZ HKD:$\u00a0HK SGD:$\u00a0SG|INR KRW MXN TWD ILS VND
fr-CH|,.|\u202f|1|-|-#%|-#\u00a0¤|dd.MM.y| |HH:mm:ss|USD:$US GBP:£GB CAD:$CA AUD:$AU MXN:$MX NZD:$NZ SGD:$SG|JPY CNY HKD TWD
es|,|.|2|-|-#\u00a0%|-#\u00a0¤|d/M/y|, |H:mm:ss|USD:US$ THB:฿|GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS
es-MX|.|,|1|-|-#%|-¤#|d/M/y|, |h:mm:ss a.m.|MXN:$|USD EUR GBP JPY CNY INR KRW BRL CAD AUD NZD HKD TWD ILS VND
es-AR|,|.|1|-|-#%|-¤#|d/M/y|||USD:US$|EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-US|.|,|1|-|-#%|-¤#|d/M/y|, |h:mm:ss a.m.||EUR GBP CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
it|,|.|2|-|-#%|-#\u00a0¤|dd/MM/y|, |HH:mm:ss|THB:฿|USD JPY INR KRW BRL MXN HKD TWD VND
pt|,|.|1|-|-#%|-¤\u00a0#|dd/MM/y|, |HH:mm:ss|USD:US$ JPY:JP¥ AUD:AU$ THB:฿|
pt-PT|,|\u00a0|2|-|-#%|-#\u00a0¤|dd/MM/y|, |HH:mm:ss|USD:US$ JPY:JP¥ AUD:AU$ THB:฿|
nl|,|.|1|-|-#%|¤\u00a0-#|d-M-y|, |HH:mm:ss|USD:US$ JPY:JP¥ CAD:C$ AUD:AU$ THB:฿|
nl-BE|,|.|1|-|-#%|¤\u00a0-#|d/M/y|, |HH:mm:ss|USD:US$ JPY:JP¥ CAD:C$ AUD:AU$ THB:฿|
sv|,|\u00a0|1|−|-#\u00a0%|-#\u00a0¤|y-MM-dd| |HH:mm:ss|USD:US$ BRL:BR$ SEK:kr NOK:Nkr DKK:Dkr|GBP JPY CNY INR KRW AUD NZD HKD TWD VND
da|,|.|1|-|-#\u00a0%|-#\u00a0¤|d.M.y|, |HH.mm.ss|USD:US$ JPY:JP¥ AUD:AU$ DKK:kr. THB:฿|
nb|,|\u00a0|1|−|-#\u00a0%|-#\u00a0¤|d.M.y|, |HH:mm:ss|NOK:kr|USD JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
no|,|\u00a0|1|−|-#\u00a0%|-#\u00a0¤|d.M.y|, |HH:mm:ss|NOK:kr|USD JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
fi|,|\u00a0|1|−|-#\u00a0%|-#\u00a0¤|d.M.y| klo |H.mm.ss||CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
pl|,|\u00a0|2|-|-#%|-#\u00a0¤|d.MM.y|, |HH:mm:ss|PLN:zł|USD GBP JPY CNY INR KRW CAD AUD MXN NZD HKD TWD ILS VND
cs|,|\u00a0|1|-|-#\u00a0%|-#\u00a0¤|d. M. y| |H:mm:ss|USD:US$ JPY:JP¥ AUD:AU$ CZK:Kč|INR ILS VND
sk|,|\u00a0|1|-|-#\u00a0%|-#\u00a0¤|d. M. y| |H:mm:ss|ILS:NIS|USD GBP JPY CNY INR KRW BRL CAD AUD NZD HKD TWD VND
hu|,|\u00a0|2|-|-#%|-#\u00a0¤|y. MM. dd.|||HUF:Ft|USD EUR GBP CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
ro|,|.|1|-|-#\u00a0%|-#\u00a0¤|dd.MM.y|, |HH:mm:ss||USD EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
ru|,|\u00a0|1|-|-#\u00a0%|-#\u00a0¤|dd.MM.y|, |HH:mm:ss|RUB:₽ THB:฿ UAH:грн.|
uk|,|\u00a0|1|-|-#%|-#\u00a0¤|dd.MM.y|, |HH:mm:ss|UAH:грн|USD EUR GBP CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
el|,|.|1|-|-#%|-#\u00a0¤|d/M/y|||JPY:JP¥ THB:฿|
tr|,|.|1|-|-%#|-¤#|dd.MM.y| |HH:mm:ss|AUD:AU$ TRY:₺ THB:฿|
ja|.|,|1|-|-#%|-¤#|y/M/d| |H:mm:ss|JPY:￥ CNY:元|
ko|.|,|1|-|-#%|-¤#|y. M. d.|||USD:US$ JPY:JP¥ AUD:AU$|
zh|.|,|1|-|-#%|-¤#|y/M/d| |HH:mm:ss|USD:US$ JPY:JP¥ CNY:¥ AUD:AU$|
zh-TW|.|,|1|-|-#%|-¤#|y/M/d|||USD:US$ KRW:￦ AUD:AU$ TWD:$|
vi|,|.|1|-|-#%|-#\u00a0¤|d/M/y|||USD:US$ AUD:AU$ THB:฿|
id|,|.|1|-|-#%|-¤#|d/M/y|, |HH.mm.ss|USD:US$ JPY:JP¥ INR:Rs AUD:AU$ THB:฿ IDR:Rp|
en-AU|.|,|1|-|-#%|-¤#|dd/MM/y|, |h:mm:ss am|AUD:$|USD EUR GBP JPY CNY INR KRW BRL CAD MXN NZD HKD TWD ILS VND
en-CA|.|,|1|-|-#%|-¤#|y-MM-dd|, |h:mm:ss a.m.|USD:US$ JPY:JP¥ CAD:$|
en-NZ|.|,|1|-|-#%|-¤#|d/MM/y|, |h:mm:ss am|USD:US$ JPY:JP¥ NZD:$|
en-IE|.|,|1|-|-#%|-¤#|d/M/y|, |HH:mm:ss|USD:US$ JPY:JP¥|
en-ZA|,|\u00a0|1|-|-#%|-¤#|y/MM/dd|, |HH:mm:ss|USD:US$ JPY:JP¥ ZAR:R|
en-IN|.|,|1|-|-#%|-¤#|d/M/y|, |h:mm:ss am|JPY:JP¥|
hi|.|,|1|-|-#%|-¤#|d/M/y|, |h:mm:ss am|JPY:JP¥ THB:฿|
ca|,|.|1|-|-#\u00a0%|-#\u00a0¤||||AUD:AU$ THB:฿|USD CNY BRL CAD MXN
`;

const FIELDS = ['point', 'group', 'least', 'minus', 'percent', 'money', 'date', 'between', 'time', 'symbols', 'codes'];
const INDIAN = ['en-IN', 'hi', 'hi-IN'];
const known = new Map();

// The place that the first tag that is known names, if it is another than where English is spoken as a matter of course,
// and the tag that it answers to: language and country.
export function placeFor(tags) {
  for (const tag of tags) {
    const place = placeOf(tag);
    if (place !== undefined) return { place, tag: tag.replace(/-[a-z0-9]-.*$/, '').replace(/-[A-Z][a-z]{3}(?=-|$)/, '') };
    if (tag === 'en' || tag.startsWith('en-')) return undefined;
  }
  return undefined;
}

// The place that a tag names, or else its language; without a country that we know of, that as well.
function placeOf(tag) {
  const plain = tag.replace(/-[a-z0-9]-.*$/, '');
  for (let name = plain; ; name = name.slice(0, name.lastIndexOf('-'))) {
    if (known.has(name)) return known.get(name);
    const line = PLACES.split('\n').find((of) => of.startsWith(`${name}|`));
    if (line !== undefined) return remember(name, plain, line);
    if (!name.includes('-')) return undefined;
  }
}

function remember(name, tag, line) {
  const place = { indian: INDIAN.includes(name) };
  line.split('|').slice(1).forEach((value, at) => { place[FIELDS[at]] = value; });
  place.symbols = Object.fromEntries(place.symbols.split(' ').filter((pair) => pair !== '').map((pair) => pair.split(':')));
  place.codes = place.codes.split(' ');
  if (known.size < 64) known.set(name, place);
  return place;
}

const literal = (value) => ({ type: 'literal', value });
const two = (number) => String(number).padStart(2, '0');

// A number in the pattern of a percentage or of money: `-` stands for the sign, `#` for the digits.
export function fill(pattern, sign, digits, mark) {
  const parts = [];
  for (const char of pattern) {
    if (char === '-') parts.push(...sign);
    else if (char === '#') {
      const last = parts[parts.length - 1];
      if (last?.type === 'currency' && /\p{L}$/u.test(last.value) && digits[0].type === 'integer') parts.push(literal('\u00a0'));
      parts.push(...digits);
    } else if (char === '%' || char === '¤') parts.push(mark);
    else if (parts[parts.length - 1]?.type === 'literal') parts[parts.length - 1].value += char;
    else parts.push(literal(char));
  }
  return parts;
}

// A date of figures alone: day, month and year as the place orders them, with two digits where that is asked for.
export function placeDate(place, shape, at) {
  return pieces(place.date, (letters) => {
    const [type, wide] = { d: ['day', 'day'], M: ['month', 'month'], y: ['year', 'year'] }[letters[0]];
    const padded = letters.length === 2 || shape[wide] === '2-digit';
    return { type, value: type === 'year' ? String(at.year) : padded ? two(at[type]) : String(at[type]) };
  });
}

// A time of figures alone.
export function placeTime(place, shape, at) {
  const [clock, marks] = place.time.split(/ (?=a)/);
  const short = shape.second === undefined ? clock.slice(0, -3) : clock;
  const parts = pieces(shape.cycle === 'h23' && marks !== undefined ? short.replace('h', 'HH') : short, (letters) => {
    const type = { H: 'hour', h: 'hour', m: 'minute', s: 'second' }[letters[0]];
    if (type !== 'hour') return { type, value: two(at[type]) };
    const hour = letters[0] === 'h' ? at.hour % 12 || 12 : at.hour;
    return { type, value: shape.hour === '2-digit' ? two(hour) : String(hour) };
  });
  if (marks !== undefined && shape.cycle !== 'h23') {
    parts.push(literal(' '), { type: 'dayPeriod', value: at.hour < 12 ? marks : marks.replace('a', 'p') });
  }
  return parts;
}

function pieces(pattern, field) {
  return pattern.match(/d+|M+|y+|H+|h+|m+|s+|[^dMyHhms]+/g).map((part) => (/^[dMyHhms]/.test(part) ? field(part) : literal(part)));
}
