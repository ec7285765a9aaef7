// Intl.DateTimeFormat, in English and by the Gregorian calendar.
import { britishWidths, dateParts, timeParts } from './date-words.js';
import { canonicalList, chooser, flag, optionsOf, resolve, supported, within } from './locales.js';
import { clockOf, cycleOf, placeDate, placeFor, placeTime } from './places.js';
import { offsetAt, zoneName, zoneOf } from './zones.js';

const oneOf = chooser('Intl.DateTimeFormat');

const DATE_FIELDS = ['weekday', 'era', 'year', 'month', 'day'];
const TIME_FIELDS = ['dayPeriod', 'hour', 'minute', 'second', 'fractionalSecondDigits'];
const TEXT = ['narrow', 'short', 'long'];
const FIGURES = ['2-digit', 'numeric'];
const NEEDED = {
  date: ['weekday', 'year', 'month', 'day'],
  time: ['dayPeriod', 'hour', 'minute', 'second', 'fractionalSecondDigits'],
};
NEEDED.any = [...NEEDED.date, ...NEEDED.time];
const CYCLES = ['h11', 'h12', 'h23', 'h24'];
const STYLES = ['full', 'long', 'medium', 'short'];
const NUMERIC = { date: { year: 'numeric', month: 'numeric', day: 'numeric' }, time: { hour: 'numeric', minute: 'numeric', second: 'numeric' } };

const DATE_STYLES = {
  full: { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' },
  long: { year: 'numeric', month: 'long', day: 'numeric' },
  medium: { year: 'numeric', month: 'short', day: 'numeric' },
  short: { year: '2-digit', month: 'numeric', day: 'numeric' },
};
const TIME_STYLES = {
  full: { hour: 'numeric', minute: '2-digit', second: '2-digit', timeZoneName: 'long' },
  long: { hour: 'numeric', minute: '2-digit', second: '2-digit', timeZoneName: 'short' },
  medium: { hour: 'numeric', minute: '2-digit', second: '2-digit' },
  short: { hour: 'numeric', minute: '2-digit' },
};

function fieldsOf(given) {
  const fields = {
    weekday: oneOf(given, 'weekday', TEXT),
    era: oneOf(given, 'era', TEXT),
    year: oneOf(given, 'year', FIGURES),
    month: oneOf(given, 'month', [...FIGURES, ...TEXT]),
    day: oneOf(given, 'day', FIGURES),
    dayPeriod: oneOf(given, 'dayPeriod', TEXT),
    hour: oneOf(given, 'hour', FIGURES),
    minute: oneOf(given, 'minute', FIGURES),
    second: oneOf(given, 'second', FIGURES),
    fractionalSecondDigits: within(given, 'fractionalSecondDigits', 1, 3),
    timeZoneName: oneOf(given, 'timeZoneName', ['short', 'long', 'shortOffset', 'longOffset', 'shortGeneric', 'longGeneric']),
  };
  for (const name of Object.keys(fields)) if (fields[name] === undefined) delete fields[name];
  return fields;
}

// Whether Britain leaves an hour up to 23 as it is asked for: mostly beside minutes and seconds of two digits.
function keepsHour({ weekday, year, month, day, minute, second, timeZoneName: zone }) {
  if (second !== undefined && (zone === 'short' || zone === 'long')) return true;
  if (second !== undefined && zone !== undefined) return minute === '2-digit' || second === '2-digit';
  const alone = weekday !== undefined && (year ?? month ?? day) === undefined;
  return minute === '2-digit' && second !== 'numeric' && zone === undefined && !alone;
}

// As the fields come out: minutes and seconds that follow something have two digits, and so do hours up to 23.
function shaped(fields, cycle, british) {
  const shape = { ...fields };
  if (shape.hour !== undefined) {
    shape.cycle = cycle;
    if ((cycle === 'h23' || cycle === 'h24') && !(british && keepsHour(fields))) shape.hour = '2-digit';
    if (shape.minute !== undefined) shape.minute = '2-digit';
  }
  if (shape.second !== undefined) shape.second = shape.minute === undefined ? 'numeric' : '2-digit';
  if (shape.minute !== undefined) shape.minute = shape.hour !== undefined || shape.second !== undefined ? '2-digit' : 'numeric';
  return british ? britishWidths(shape) : shape;
}

export class DateTimeFormat {
  #locale;
  #zone;
  #shape;
  #styles = {};
  #calendar = 'gregory';
  #format;
  #place;
  #clock;

  constructor(locales = undefined, options = undefined, needed = 'any', defaults = 'date') {
    const { locale, keys } = resolve(locales);
    this.#locale = locale;
    const given = optionsOf(options);
    oneOf(given, 'localeMatcher', ['lookup', 'best fit']);
    const hour12 = flag(given, 'hour12');
    const hourCycle = oneOf(given, 'hourCycle', CYCLES, CYCLES.find((name) => name === keys.hc));
    const british = locale === 'en-GB';
    const cycle = hour12 === undefined ? hourCycle ?? (british ? 'h23' : 'h12') : hour12 ? 'h12' : 'h23';
    this.#zone = zoneOf(given.timeZone === undefined ? 'UTC' : String(given.timeZone));
    const fields = fieldsOf(given);
    oneOf(given, 'formatMatcher', ['basic', 'best fit']);
    const dateStyle = oneOf(given, 'dateStyle', STYLES);
    const timeStyle = oneOf(given, 'timeStyle', STYLES);
    if (dateStyle !== undefined || timeStyle !== undefined) {
      const [explicit] = Object.keys(fields);
      if (explicit !== undefined) {
        throw new TypeError(`Can't set option ${explicit} when ${dateStyle === undefined ? 'timeStyle' : 'dateStyle'} is used`);
      }
      if (needed === 'date' && timeStyle !== undefined) throw new TypeError('Invalid option : timeStyle');
      if (needed === 'time' && dateStyle !== undefined) throw new TypeError('Invalid option : dateStyle');
      this.#styles = { dateStyle, timeStyle };
      const asked = hour12 === undefined ? hourCycle : hour12 ? 'h12' : 'h23';
      if (locales !== undefined && this.#inStyle(placeFor(canonicalList(locales)), asked)) return;
      const clock = { ...TIME_STYLES[timeStyle] };
      if (timeStyle !== undefined && (british || cycle === 'h23')) clock.hour = '2-digit';
      this.#shape = shaped({ ...DATE_STYLES[dateStyle], ...clock }, cycle, british);
      this.#shape.style = dateStyle;
      if (british && dateStyle === 'short') this.#shape.year = 'numeric';
      return;
    }
    if (!NEEDED[needed].some((name) => fields[name] !== undefined)) {
      if (defaults !== 'time') Object.assign(fields, NUMERIC.date);
      if (defaults !== 'date') Object.assign(fields, NUMERIC.time);
    }
    const found = locales === undefined || !isFigures(fields) ? undefined : placeFor(canonicalList(locales));
    if (found !== undefined) this.#inPlace(found, fields, hour12 === undefined ? hourCycle : hour12 ? 'h12' : 'h23');
    else this.#shape = shaped(fields, cycle, british);
  }

  // Where it is in figures alone, and the place has its own order of them.
  #inPlace({ place, tag }, fields, asked) {
    const cycle = asked ?? cycleOf(place);
    if (cycle === 'h11' || cycle === 'h24') {
      this.#shape = shaped(fields, cycle, false);
      return;
    }
    this.#place = place;
    this.#locale = tag;
    this.#shape = { ...fields };
    if (fields.hour === undefined) return;
    this.#clock = clockOf(place, fields, cycle);
    // Beside two digits of minutes the hour is left as it is asked for.
    const exact = cycle === 'h23' && cycle === cycleOf(place) && fields.minute === '2-digit' && fields.second === undefined;
    Object.assign(this.#shape, { cycle, minute: '2-digit' }, /HH|hh/.test(this.#clock) && !exact ? { hour: '2-digit' } : {});
    if (fields.second !== undefined) this.#shape.second = '2-digit';
  }

  // A style that the place writes in figures alone.
  #inStyle(found, asked) {
    const { dateStyle, timeStyle } = this.#styles;
    if (found === undefined || asked === 'h11' || asked === 'h24' || timeStyle === 'full' || timeStyle === 'long') return false;
    const [short, medium] = found.place.styles.split(';');
    const date = { short, medium }[dateStyle];
    if (dateStyle !== undefined && date === undefined) return false;
    this.#place = { ...found.place, date };
    this.#locale = found.tag;
    this.#shape = dateStyle === undefined ? {} : { ...NUMERIC.date };
    this.#shape.style = dateStyle;
    if (timeStyle === undefined) return true;
    const cycle = asked ?? cycleOf(found.place);
    const clock = { hour: '2-digit', minute: '2-digit', second: timeStyle === 'medium' ? '2-digit' : undefined };
    this.#clock = clockOf(found.place, clock, cycle);
    if (!`${this.#clock} ${found.place.time.split(';')[0]}`.includes('HH')) clock.hour = 'numeric';
    Object.assign(this.#shape, clock, { cycle });
    return true;
  }

  static supportedLocalesOf(locales, options = undefined) {
    return supported(locales, options);
  }

  get format() {
    return (this.#format ??= (date) => this.#text(date));
  }

  #text(date) {
    let text = '';
    for (const part of this.#parts(instant(date))) text += part.value;
    return text;
  }

  formatToParts(date = undefined) {
    return this.#parts(instant(date));
  }

  formatRange(start, end) {
    return this.formatRangeToParts(start, end).map((part) => part.value).join('');
  }

  formatRangeToParts(start, end) {
    if (start === undefined || end === undefined) throw new TypeError('startDate or endDate cannot be undefined');
    const [from, to] = [this.#parts(instant(start)), this.#parts(instant(end))];
    const text = (parts) => parts.map((part) => part.value).join('');
    const mark = (parts, source) => parts.map((part) => ({ ...part, source }));
    if (text(from) === text(to)) return mark(from, 'shared');
    return [...mark(from, 'startRange'), { type: 'literal', value: ' – ', source: 'shared' }, ...mark(to, 'endRange')];
  }

  #parts(time) {
    const { minutes } = offsetAt(this.#zone, time);
    const there = new Date(time + minutes * 60_000);
    const at = {
      weekday: there.getUTCDay(), year: there.getUTCFullYear(), month: there.getUTCMonth() + 1, day: there.getUTCDate(),
      hour: there.getUTCHours(), minute: there.getUTCMinutes(), second: there.getUTCSeconds(), millisecond: there.getUTCMilliseconds(),
    };
    const shape = this.#shape;
    const british = this.#locale === 'en-GB';
    const place = this.#place;
    const date = place === undefined ? dateParts(shape, at, british) : shape.year ? placeDate(place, shape, at) : [];
    const clock = place === undefined ? timeParts(shape, at, british) : shape.hour ? placeTime(this.#clock, shape, at) : [];
    const parts = date.length > 0 && clock.length > 0 ? joined(date, this.#between(), clock) : [...date, ...clock];
    if (shape.timeZoneName !== undefined) {
      if (parts.length > 0) parts.push({ type: 'literal', value: clock.length > 0 ? ' ' : ', ' });
      parts.push({ type: 'timeZoneName', value: zoneName(this.#zone, time, shape.timeZoneName, british) });
    }
    return parts;
  }

  // Between the date and the time.
  #between() {
    if (this.#place !== undefined) return this.#place.between;
    const { weekday, year, month, day, era, minute, timeZoneName, cycle } = this.#shape;
    if (month === 'long') return ' at ';
    if (weekday === undefined || (year ?? month ?? day ?? era ?? timeZoneName) !== undefined) return ', ';
    return cycle !== undefined && (minute !== undefined || cycle.startsWith('h1')) ? ' ' : ', ';
  }

  resolvedOptions() {
    const { style, cycle, ...fields } = this.#shape;
    const shown = { locale: this.#locale, calendar: this.#calendar, numberingSystem: 'latn', timeZone: this.#zone.name };
    if (cycle !== undefined) Object.assign(shown, { hourCycle: cycle, hour12: cycle === 'h11' || cycle === 'h12' });
    if (style === undefined && this.#styles.timeStyle === undefined) {
      for (const name of [...DATE_FIELDS, ...TIME_FIELDS, 'timeZoneName']) if (fields[name] !== undefined) shown[name] = fields[name];
    }
    for (const name of ['dateStyle', 'timeStyle']) if (this.#styles[name] !== undefined) shown[name] = this.#styles[name];
    return shown;
  }
}

// Date and time, in that order or the other.
function joined(date, between, time) {
  const [first, second] = between[0] === '<' ? [time, date] : [date, time];
  const sign = between.replace('<', '');
  const last = first[first.length - 1];
  if (last.type !== 'literal') return [...first, { type: 'literal', value: sign }, ...second];
  return [...first.slice(0, -1), { type: 'literal', value: last.value + sign }, ...second];
}

// A whole date or a time of day or both, and nothing that is told by words.
function isFigures({ weekday, era, year, month, day, dayPeriod, hour, minute, fractionalSecondDigits, timeZoneName }) {
  if ((weekday ?? era ?? dayPeriod ?? fractionalSecondDigits ?? timeZoneName) !== undefined) return false;
  const date = year === 'numeric' && FIGURES.includes(month) && day !== undefined;
  const noDate = (year ?? month ?? day) === undefined;
  const time = hour !== undefined && minute !== undefined;
  return (date || noDate) && (time || hour === undefined && minute === undefined) && (date || time);
}

function instant(date) {
  const time = date === undefined ? Date.now() : Number(date);
  if (!(Math.abs(time) <= 8.64e15)) throw new RangeError('Invalid time value');
  return Math.trunc(time);
}
