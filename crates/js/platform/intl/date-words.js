// What English calls days, months and times of day, and the order it puts the fields of a date and of a time in.

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December',
];

const cut = (name, width, british) => {
  if (width === 'long') return name;
  if (width === 'narrow') return name[0];
  return british && name === 'September' ? 'Sept' : name.slice(0, 3);
};
const two = (number) => String(number).padStart(2, '0');
const figures = (number, width) => (width === '2-digit' ? two(number % 100) : String(number));
const literal = (value) => ({ type: 'literal', value });

function periodOf({ hour, minute }, width, british, exact) {
  if (width === undefined) return hour < 12 ? (british ? 'am' : 'AM') : british ? 'pm' : 'PM';
  if (hour === 12 && (minute === 0 || !exact)) return width === 'narrow' ? 'n' : 'noon';
  if (hour >= 21) return 'at night';
  return hour < 12 ? 'in the morning' : hour < 18 ? 'in the afternoon' : 'in the evening';
}

const isText = (width) => width !== undefined && width !== 'numeric' && width !== '2-digit';

// The widths that Britain gives to numbers: it pads day and month where both are told in full.
export function britishWidths(shape) {
  const { weekday, year, month, day } = shape;
  if (isText(month) || month === undefined) return shape;
  if (day === undefined) return year === undefined ? shape : { ...shape, month: '2-digit' };
  const both = weekday !== undefined || month === 'numeric' && day === 'numeric';
  return both ? { ...shape, month: '2-digit', day: '2-digit' } : shape;
}

export function dateParts(shape, at, british) {
  const { weekday, year, month, day, era } = shape;
  const name = weekday && { type: 'weekday', value: cut(WEEKDAYS[at.weekday], weekday) };
  const shown = {
    year: year && { type: 'year', value: figures(at.year > 0 ? at.year : 1 - at.year, year) },
    month: month && { type: 'month', value: isText(month) ? cut(MONTHS[at.month - 1], month, british) : figures(at.month, month) },
    day: day && { type: 'day', value: figures(at.day, day) },
  };
  const text = isText(month);
  const order = british ? ['day', 'month', 'year'] : ['month', 'day', 'year'];
  const parts = [];
  for (const field of order) {
    if (!shown[field]) continue;
    if (parts.length > 0) parts.push(literal(!month ? ' ' : !text ? '/' : field === 'year' && day && !british ? ', ' : ' '));
    parts.push(shown[field]);
  }
  // Year and day without a month, which nobody writes.
  if (year && day && !month && !weekday && !(year === '2-digit' && day === 'numeric')) {
    parts.splice(0, parts.length, shown.year, literal(' (day: '), shown.day, literal(')'));
  }
  if (era) {
    if (parts.length > 0) parts.push(literal(' '));
    const before = at.year <= 0;
    const value = { long: ['Anno Domini', 'Before Christ'], short: ['AD', 'BC'], narrow: ['A', 'B'] }[era][before ? 1 : 0];
    parts.push({ type: 'era', value });
  }
  if (name === undefined) return parts;
  if (parts.length === 0) return [name];
  if (month && day) {
    const comma = !british || year;
    return [name, literal(comma ? ', ' : ' '), ...parts];
  }
  if (day) return british ? [name, literal(' '), ...parts] : dayFirst(name, shown, parts);
  return [...parts, literal(' '), name];
}

function dayFirst(name, shown, parts) {
  return [shown.day, literal(' '), name, ...parts.slice(1)];
}

export function timeParts(shape, at, british) {
  const { hour, minute, second, fractionalSecondDigits: digits, cycle, dayPeriod } = shape;
  const parts = [];
  const add = (between, type, value) => {
    if (parts.length > 0) parts.push(literal(between));
    parts.push({ type, value });
  };
  if (hour) {
    const value = { h12: at.hour % 12 || 12, h11: at.hour % 12, h23: at.hour, h24: at.hour || 24 }[cycle];
    add('', 'hour', figures(value, hour));
  }
  if (minute) add(':', 'minute', figures(at.minute, minute));
  if (second && (!hour || minute)) add(':', 'second', figures(at.second, second));
  if (digits) add('.', 'fractionalSecond', String(at.millisecond).padStart(3, '0').slice(0, digits));
  if (hour && (cycle === 'h12' || cycle === 'h11')) add(' ', 'dayPeriod', periodOf(at, dayPeriod, british, minute));
  else if (dayPeriod && !hour) add(' ', 'dayPeriod', periodOf(at, dayPeriod, british, minute));
  if (hour && second && !minute) parts.push(literal(' (second: '), { type: 'second', value: String(at.second) }, literal(')'));
  return parts;
}
