// Other places than the United States and Britain: how they write numbers, sums of money, and dates and times that are
// figures alone. Words of other languages are not known; what needs any of them is told in English.

// Place | point, then that of money where it differs | groups, then those of money where they differ | groups where so
// many digits are before the first | minus | percent | money, then less than nothing | date, with `*` where day and month
// are as they are asked for if only one has two digits | date of the style `short`; of `medium` | between, with `<` where
// the time comes first | time; then by the other cycle, and of an hour with seconds whose digits nobody asks for |
// currencies of its own writing | currencies that it tells by their code.
const PLACES = `
de|,|.|1|-|-#\u00a0%|-#\u00a0¤|d.M.y|dd.MM.yy;dd.MM.y|, |HH:mm:ss|AUD:AU$ THB:฿|
de-AT|,|\u00a0.|1|-|-#\u00a0%|-¤\u00a0#|d.M.y|dd.MM.yy;dd.MM.y|, |HH:mm:ss|AUD:AU$ THB:฿|
de-CH|.|'|1|-|-#%|¤\u00a0#;¤-#|d.M.y|dd.MM.yy;dd.MM.y|, |HH:mm:ss|AUD:AU$ THB:฿|EUR
fr|,|\u202f|1|-|-#\u00a0%|-#\u00a0¤|dd/MM/y*|dd/MM/y| |HH:mm:ss|USD:$US GBP:£GB CAD:$CA AUD:$AU MXN:$MX NZD:$NZ SGD:$SG|JPY CNY HKD TWD
fr-CA|,|\u00a0|1|-|-#\u00a0%|-#\u00a0¤|y-MM-dd*|y-MM-dd| |HH' h 'mm' min 'ss' s';h' h 'mm' min 'ss' s' {a.m./p.m.}|USD:$\u00a0US CAD:$ AUD:$\u00a0AU NZD:$\u00a0NZ HKD:$\u00a0HK SGD:$\u00a0SG|INR KRW MXN TWD ILS VND
fr-CH|,.|\u202f|1|-|-#%|-#\u00a0¤|dd.MM.y|dd.MM.yy| |HH:mm:ss|USD:$US GBP:£GB CAD:$CA AUD:$AU MXN:$MX NZD:$NZ SGD:$SG|JPY CNY HKD TWD
es|,|.|2|-|-#\u00a0%|-#\u00a0¤|d/M/y|d/M/yy|, |H:mm:ss;h:mm:ss {a. m./p. m.}|USD:US$ THB:฿|GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS
es-MX|.|,|1|-|-#%|-¤#|d/M/y|dd/MM/yy|, |h:mm:ss {a.m./p.m.}|MXN:$|USD EUR GBP JPY CNY INR KRW BRL CAD AUD NZD HKD TWD ILS VND
es-AR|,|.|1|-|-#%|-¤\u00a0#|d/M/y|d/M/yy|, |h:mm:ss {a. m./p. m.};hh:mm:ss|USD:US$ ARS:$|EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-US|.|,|1|-|-#%|-¤#|d/M/y|d/M/y|, |h:mm:ss {a.m./p.m.}||EUR GBP CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-419|.|,|1|-|-#%|-¤#|d/M/y|d/M/yy|, |h:mm:ss {a.m./p.m.}||USD EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-BO|,|.|1|-|-#%|-¤#|d/M/y|d/M/yy|, |h:mm:ss {a. m./p. m.}|BOB:Bs|USD EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-CL|,|.|1|-|-#%|¤#;¤-#|dd-MM-y*|dd-MM-yy;dd-MM-y|, |h:mm:ss {a. m./p. m.}|USD:US$ CLP:$|EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-CO|,|.|1|-|-#%|-¤\u00a0#|d/M/y|d/MM/yy;d/MM/y|, |h:mm:ss {a. m./p. m.};H:mm:ss|USD:US$ COP:$|EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-CR|,|\u00a0|1|-|-#%|-¤#|d/M/y|d/M/yy|, |h:mm:ss {a. m./p. m.}|CRC:₡|USD EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-CU|.|,|1|-|-#%|-¤#|d/M/y|d/M/yy|, |h:mm:ss {a.m./p.m.}|USD:US$ CUP:$|EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-DO|.|,|1|-|-#%|-¤#|d/M/y|d/M/yy|, |h:mm:ss {a. m./p. m.}|USD:US$ DOP:RD$|EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-EC|,|.|1|-|-#%|¤#;¤-#|d/M/y|d/M/yy|, |h:mm:ss {a. m./p. m.}||EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-GT|.|,|1|-|-#%|-¤#|d/M/y|d/MM/yy;d/MM/y|, |h:mm:ss {a. m./p. m.}|GTQ:Q|USD EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-HN|.|,|1|-|-#%|-¤#|d/M/y|d/M/yy|, |h:mm:ss {a. m./p. m.}|HNL:L|USD EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-NI|.|,|1|-|-#%|-¤#|d/M/y|d/M/yy|, |h:mm:ss {a. m./p. m.}|NIO:C$|USD EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-PA|.|,|1|-|-#%|-¤#|MM/dd/y*|MM/dd/yy;MM/dd/y|, |h:mm:ss {a. m./p. m.}|PAB:B/.|USD EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-PE|.|,|1|-|-#%|-¤#|d/M/y|d/MM/yy|, |h:mm:ss {a. m./p. m.}|PEN:S/|USD EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-PR|.|,|1|-|-#%|-¤#|MM/dd/y*|MM/dd/yy;MM/dd/y|, |h:mm:ss {a. m./p. m.}||EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-PY|,|.|1|-|-#%|¤\u00a0#;¤\u00a0-#|d/M/y|d/M/yy|, |h:mm:ss {a. m./p. m.}|PYG:Gs.|USD EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-SV|.|,|1|-|-#%|-¤#|d/M/y|d/M/yy|, |h:mm:ss {a. m./p. m.}||EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-UY|,|.|1|-|-#%|-¤\u00a0#|d/M/y|d/M/yy|, |h:mm:ss {a. m./p. m.}|USD:US$ UYU:$|EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
es-VE|,|.|1|-|-#%|¤#;¤-#|d/M/y|d/M/yy|, |h:mm:ss {a. m./p. m.}|VES:Bs.S|USD EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
it|,|.|2|-|-#%|-#\u00a0¤|dd/MM/y|dd/MM/yy|, |HH:mm:ss|THB:฿|USD JPY INR KRW BRL MXN HKD TWD VND
pt|,|.|1|-|-#%|-¤\u00a0#|dd/MM/y*|dd/MM/y|, |HH:mm:ss|USD:US$ JPY:JP¥ AUD:AU$ THB:฿|
pt-PT|,|\u00a0|2|-|-#%|-#\u00a0¤|dd/MM/y*|dd/MM/yy;dd/MM/y|, |HH:mm:ss;h:mm:ss {a.m./p.m.}|USD:US$ JPY:JP¥ AUD:AU$ THB:฿|
nl|,|.|1|-|-#%|¤\u00a0-#|d-M-y|dd-MM-y|, |HH:mm:ss;h:mm:ss {a.m./p.m.}|USD:US$ JPY:JP¥ CAD:C$ AUD:AU$ THB:฿|
nl-BE|,|.|1|-|-#%|¤\u00a0-#|d/M/y|d/MM/y|, |HH:mm:ss;h:mm:ss {a.m./p.m.}|USD:US$ JPY:JP¥ CAD:C$ AUD:AU$ THB:฿|
sv|,|\u00a0|1|−|-#\u00a0%|-#\u00a0¤|y-MM-dd*|y-MM-dd| |HH:mm:ss;h:mm:ss {fm/em}|USD:US$ BRL:BR$ SEK:kr NOK:Nkr DKK:Dkr|GBP JPY CNY INR KRW AUD NZD HKD TWD VND
da|,|.|1|-|-#\u00a0%|-#\u00a0¤|d.M.y|dd.MM.y|, |HH.mm.ss|USD:US$ JPY:JP¥ AUD:AU$ DKK:kr. THB:฿|
nb|,|\u00a0|1|−|-#\u00a0%|-#\u00a0¤|d.M.y|dd.MM.y|, |HH:mm:ss;h:mm:ss {a.m./p.m.}|NOK:kr|USD JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
no|,|\u00a0|1|−|-#\u00a0%|-#\u00a0¤|d.M.y|dd.MM.y|, |HH:mm:ss;h:mm:ss {a.m./p.m.}|NOK:kr|USD JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
fi|,|\u00a0|1|−|-#\u00a0%|-#\u00a0¤|d.M.y|d.M.y;d.M.y| klo |H.mm.ss;h.mm.ss {ap./ip.}||CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
pl|,|\u00a0|2|-|-#%|-#\u00a0¤|d.MM.y|d.MM.y|, |HH:mm:ss|PLN:zł|USD GBP JPY CNY INR KRW CAD AUD MXN NZD HKD TWD ILS VND
cs|,|\u00a0|1|-|-#\u00a0%|-#\u00a0¤|d. M. y|dd.MM.yy;d. M. y| |H:mm:ss;h:mm:ss {dop./odp.}|USD:US$ JPY:JP¥ AUD:AU$ CZK:Kč|INR ILS VND
sk|,|\u00a0|1|-|-#\u00a0%|-#\u00a0¤|d. M. y|d. M. y;d. M. y| |H:mm:ss|ILS:NIS|USD GBP JPY CNY INR KRW BRL CAD AUD NZD HKD TWD VND
hu|,|\u00a0|2|-|-#%|-#\u00a0¤|y. MM. dd.*|y. MM. dd.| |H:mm:ss;{de./du.} h:mm:ss|HUF:Ft|USD EUR GBP CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
ro|,|.|1|-|-#\u00a0%|-#\u00a0¤|dd.MM.y*|dd.MM.y|, |HH:mm:ss;h:mm:ss {a.m./p.m.}||USD EUR GBP JPY CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
ru|,|\u00a0|1|-|-#\u00a0%|-#\u00a0¤|dd.MM.y*|dd.MM.y|, |HH:mm:ss|RUB:₽ THB:฿ UAH:грн.|
uk|,|\u00a0|1|-|-#%|-#\u00a0¤|dd.MM.y|dd.MM.yy|, |HH:mm:ss;h:mm:ss {дп/пп}|UAH:грн|USD EUR GBP CNY INR KRW BRL CAD AUD MXN NZD HKD TWD ILS VND
el|,|.|1|-|-#%|-#\u00a0¤|d/M/y|d/M/yy|, |h:mm:ss {π.μ./μ.μ.}|JPY:JP¥ THB:฿|
tr|,|.|1|-|-%#|-¤#|dd.MM.y|d.MM.y| |HH:mm:ss;{ÖÖ/ÖS} h:mm:ss|AUD:AU$ TRY:₺ THB:฿|
ja|.|,|1|-|-#%|-¤#|y/M/d|y/MM/dd;y/MM/dd| |H:mm:ss;{午前/午後}h:mm:ss|JPY:￥ CNY:元|
ko|.|,|1|-|-#%|-¤#|y. M. d.|yy. M. d.;y. M. d.| |{오전/오후} h:mm:ss;HH:mm:ss;H시 m분 s초|USD:US$ JPY:JP¥ AUD:AU$|
zh|.|,|1|-|-#%|-¤#|y/M/d|y/M/d| |HH:mm:ss;{上午/下午}h:mm:ss|USD:US$ JPY:JP¥ CNY:¥ AUD:AU$|
zh-TW|.|,|1|-|-#%|-¤#|y/M/d|y/M/d| |{上午/下午}h:mm:ss|USD:US$ KRW:￦ AUD:AU$ TWD:$|
zh-HK|.|,|1|-|-#%|-¤#|d/M/y|d/M/y| |{上午/下午}h:mm:ss|USD:US$ AUD:AU$|
vi|,|.|1|-|-#%|-#\u00a0¤|d/M/y|d/M/yy|< |HH:mm:ss;h:mm:ss {SA/CH}|USD:US$ AUD:AU$ THB:฿|
id|,|.|1|-|-#%|-¤#|d/M/y|dd/MM/yy|, |HH.mm.ss|USD:US$ JPY:JP¥ INR:Rs AUD:AU$ THB:฿ IDR:Rp|
en-AU|.|,|1|-|-#%|-¤#|dd/MM/y|d/M/yy|, |h:mm:ss {am/pm}|AUD:$|USD EUR GBP JPY CNY INR KRW BRL CAD MXN NZD HKD TWD ILS VND
en-CA|.|,|1|-|-#%|-¤#|y-MM-dd*|y-MM-dd|, |h:mm:ss {a.m./p.m.}|USD:US$ JPY:JP¥ CAD:$|
en-NZ|.|,|1|-|-#%|-¤#|d/MM/y|dd/MM/y|, |h:mm:ss {am/pm}|USD:US$ JPY:JP¥ NZD:$|
en-IE|.|,|1|-|-#%|-¤#|d/M/y|dd/MM/y|, |HH:mm:ss;h:mm:ss {a.m./p.m.}|USD:US$ JPY:JP¥|
en-ZA|,|\u00a0|1|-|-#%|-¤#|y/MM/dd*|y/MM/dd|, |HH:mm:ss;h:mm:ss {am/pm}|USD:US$ JPY:JP¥ ZAR:R|
en-IN|.|,|1|-|-#%|-¤#|d/M/y|dd/MM/yy|, |h:mm:ss {am/pm}|JPY:JP¥|
hi|.|,|1|-|-#%|-¤#|d/M/y|d/M/yy|, |h:mm:ss {am/pm}|JPY:JP¥ THB:฿|
ca|,|.|1|-|-#\u00a0%|-#\u00a0¤|d/M/y|d/M/yy| |H:mm:ss;h:mm:ss {a. m./p. m.}|AUD:AU$ THB:฿|USD CNY BRL CAD MXN
`;

const FIELDS = ['point', 'group', 'least', 'minus', 'percent', 'money', 'date', 'styles', 'between', 'time', 'symbols', 'codes'];
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
      if (last?.type === 'currency' && /[^\p{S}\p{Z}]$/u.test(last.value) && digits[0].type === 'integer') parts.push(literal('\u00a0'));
      parts.push(...digits);
    } else if (char === '%' || char === '¤') parts.push(mark);
    else if (parts[parts.length - 1]?.type === 'literal') parts[parts.length - 1].value += char;
    else parts.push(literal(char));
  }
  return parts;
}

// A date of figures alone: day, month and year as the place orders them, with two digits where that is asked for.
export function placeDate(place, shape, at) {
  const asked = place.date.endsWith('*') && shape.day !== shape.month;
  return pieces(place.date.replace('*', ''), (of) => {
    const type = { d: 'day', M: 'month', y: 'year' }[of[0]];
    const padded = shape[type] === '2-digit' || of.length === 2 && !asked;
    if (type === 'year') return { type, value: of === 'yy' ? two(at.year % 100) : String(at.year) };
    return { type, value: padded ? two(at[type]) : String(at[type]) };
  });
}

const letters = (clock) => clock.replace(/'[^']*'|\{[^}]*\}/g, '');

export const cycleOf = (place) => (letters(place.time.split(';')[0]).includes('H') ? 'h23' : 'h12');

// How a place writes a time of those fields by that cycle.
export function clockOf(place, { hour, second }, cycle) {
  const clocks = place.time.split(';');
  const letter = cycle === 'h23' ? 'H' : 'h';
  const [usual = otherCycle(clocks[0]), whole = usual] = clocks.filter((clock) => letters(clock).includes(letter));
  if (second === undefined) return usual.replace(/(?<=mm).*?(?= ?\{|$)/, '');
  return hour === 'numeric' ? whole : usual;
}

function otherCycle(clock) {
  if (letters(clock).includes('h')) return clock.replace(/ ?\{.*\} ?/, '').replace('h', 'HH');
  return `${clock.replace(/HH?/, 'h')} {AM/PM}`;
}

// A time of figures, and what the place calls the halves of the day.
export function placeTime(clock, shape, at) {
  return pieces(clock, (of) => {
    if (of[0] === '{') return { type: 'dayPeriod', value: of.slice(1, -1).split('/')[at.hour < 12 ? 0 : 1] };
    const type = { H: 'hour', h: 'hour', m: 'minute', s: 'second' }[of[0]];
    if (type !== 'hour') return { type, value: of.length === 1 ? String(at[type]) : two(at[type]) };
    const hour = of[0] === 'h' ? at.hour % 12 || 12 : at.hour;
    return { type, value: shape.hour === '2-digit' ? two(hour) : String(hour) };
  });
}

function pieces(pattern, field) {
  return pattern.match(/'[^']*'|\{[^}]*\}|d+|M+|y+|H+|h+|m+|s+|[^dMyHhms{']+/g).map((part) => {
    return /^[dMyHhms{]/.test(part) ? field(part) : literal(part.replaceAll("'", ''));
  });
}
