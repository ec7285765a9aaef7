// What English calls currencies and units, and how it writes them.

const NO_MINOR = `AFN ALL BIF CLP COP DJF GNF HUF IDR IQD IRR ISK JPY KMF KPW KRW LAK LBP MGA MMK PKR PYG RSD RWF SLL SOS SYP UGX
  UYI VND VUV XAF XOF XPF YER`.split(/\s+/);
const THREE_MINOR = 'BHD JOD KWD LYD OMR TND'.split(' ');

export const minorDigits = (currency) => (NO_MINOR.includes(currency) ? 0 : THREE_MINOR.includes(currency) ? 3 : 2);

const SYMBOLS = {
  AUD: 'A$', BRL: 'R$', CAD: 'CA$', CNY: 'CN¥', EUR: '€', GBP: '£', HKD: 'HK$', ILS: '₪', INR: '₹', JPY: '¥', KRW: '₩',
  MXN: 'MX$', NZD: 'NZ$', PHP: '₱', TWD: 'NT$', USD: '$', VND: '₫', XAF: 'FCFA', XCD: 'EC$', XOF: 'F\u202fCFA', XPF: 'CFPF',
};
const BRITISH = { USD: 'US$', JPY: 'JP¥' };
const NARROW = {
  AUD: '$', BRL: 'R$', CAD: '$', CNY: '¥', CZK: 'Kč', DKK: 'kr', HKD: '$', HUF: 'Ft', IDR: 'Rp', MXN: '$', MYR: 'RM',
  NGN: '₦', NOK: 'kr', NZD: '$', PLN: 'zł', RON: 'lei', RUB: '₽', SEK: 'kr', SGD: '$', THB: '฿', TRY: '₺', TWD: '$',
  UAH: '₴', USD: '$', ZAR: 'R', ARS: '$', CLP: '$', COP: '$', EGP: 'E£', ISK: 'kr', KZT: '₸', PKR: 'Rs', XCD: '$',
};
const NAMES = {
  AUD: 'Australian dollar', BRL: 'Brazilian real', CAD: 'Canadian dollar', CHF: 'Swiss franc', CNY: 'Chinese yuan',
  CZK: 'Czech koruna', DKK: 'Danish krone', EUR: 'euro', GBP: 'British pound', HKD: 'Hong Kong dollar',
  INR: 'Indian rupee', JPY: 'Japanese yen', KRW: 'South Korean won', MXN: 'Mexican peso', NOK: 'Norwegian krone',
  NZD: 'New Zealand dollar', PLN: 'Polish zloty', SEK: 'Swedish krona', SGD: 'Singapore dollar', TRY: 'Turkish lira',
  USD: 'US dollar', ZAR: 'South African rand',
};
const PLURALS = {
  CNY: 'Chinese yuan', CZK: 'Czech korunas', DKK: 'Danish kroner', JPY: 'Japanese yen', KRW: 'South Korean won',
  NOK: 'Norwegian kroner', PLN: 'Polish zlotys', SEK: 'Swedish kronor', TRY: 'Turkish Lira', ZAR: 'South African rand',
};
const BRITISH_NAMES = { GBP: ['British pound', 'British pounds'] };

export function currencySymbol(currency, display, locale) {
  if (display === 'code') return currency;
  if (display === 'narrowSymbol' && NARROW[currency] !== undefined) return NARROW[currency];
  return (locale === 'en-GB' ? BRITISH[currency] : undefined) ?? SYMBOLS[currency] ?? currency;
}

export function currencyName(currency, one) {
  const [single, many] = BRITISH_NAMES[currency] ?? [NAMES[currency], PLURALS[currency] ?? `${NAMES[currency]}s`];
  if (single === undefined) return currency;
  return one ? single : many;
}

// Short form, narrow form with what comes before it, name; where it has another plural than with an s, that as well.
const UNITS = {
  acre: ['ac', 'ac', 'acre'], bit: ['bit', 'bit', 'bit'], byte: ['byte', 'B', 'byte'],
  celsius: ['°C', '°C', 'degree Celsius', 'degrees Celsius'], centimeter: ['cm', 'cm', 'centimeter'],
  day: ['day|days', 'd', 'day'], degree: ['deg', '°', 'degree'],
  fahrenheit: ['°F', '°', 'degree Fahrenheit', 'degrees Fahrenheit'], 'fluid-ounce': ['fl oz', 'fl oz', 'fluid ounce'],
  foot: ['ft', '′', 'foot', 'feet'], gallon: ['gal', 'gal', 'gallon'], gigabit: ['Gb', 'Gb', 'gigabit'],
  gigabyte: ['GB', 'GB', 'gigabyte'], gram: ['g', 'g', 'gram'], hectare: ['ha', 'ha', 'hectare'], hour: ['hr', 'h', 'hour'],
  inch: ['in', '″', 'inch', 'inches'], kilobit: ['kb', 'kb', 'kilobit'], kilobyte: ['kB', 'kB', 'kilobyte'],
  kilogram: ['kg', 'kg', 'kilogram'], kilometer: ['km', 'km', 'kilometer'], liter: ['L', 'L', 'liter'],
  megabit: ['Mb', 'Mb', 'megabit'], megabyte: ['MB', 'MB', 'megabyte'], meter: ['m', 'm', 'meter'],
  microsecond: ['μs', 'μs', 'microsecond'], mile: ['mi', 'mi', 'mile'],
  'mile-scandinavian': ['smi', 'smi', 'mile-scandinavian', 'miles-scandinavian'], milliliter: ['mL', 'mL', 'milliliter'],
  millimeter: ['mm', 'mm', 'millimeter'], millisecond: ['ms', 'ms', 'millisecond'], minute: ['min', 'm', 'minute'],
  month: ['mth|mths', 'm', 'month'], nanosecond: ['ns', 'ns', 'nanosecond'], ounce: ['oz', 'oz', 'ounce'],
  percent: ['%', '%', 'percent', 'percent'], petabyte: ['PB', 'PB', 'petabyte'], pound: ['lb', '#', 'pound'],
  second: ['sec', 's', 'second'], stone: ['st', 'st', 'stone', 'stones'], terabit: ['Tb', 'Tb', 'terabit'],
  terabyte: ['TB', 'TB', 'terabyte'], week: ['wk|wks', 'w', 'week'], yard: ['yd', 'yd', 'yard'], year: ['yr|yrs', 'y', 'year'],
};
const RATES = { 'kilometer-per-hour': 'km/h', 'mile-per-hour': 'mph', 'mile-per-gallon': 'mpg', 'meter-per-second': 'm/s' };
const TOGETHER = ['celsius', 'fahrenheit', 'percent', 'degree'];

export function isUnit(unit) {
  const parts = unit.split('-per-');
  return parts.length <= 2 && parts.every((part) => UNITS[part] !== undefined);
}

const singular = (unit) => UNITS[unit][2];
const plural = (unit) => UNITS[unit][3] ?? `${UNITS[unit][2]}s`;

// What stands behind the number, and what between the two.
export function unitText(unit, display, one) {
  const [of, per] = unit.split('-per-');
  if (display === 'long') {
    const name = one ? singular(of) : plural(of);
    return [' ', per === undefined ? name : `${name} per ${singular(per)}`];
  }
  const [short, narrow] = UNITS[of];
  if (per !== undefined) {
    const rate = RATES[unit] ?? `${of === 'byte' && display === 'narrow' ? 'B' : shortOf(short, one)}/${UNITS[per][1]}`;
    return [display === 'narrow' ? '' : ' ', rate];
  }
  if (display === 'narrow') return ['', narrow];
  return [TOGETHER.includes(of) && of !== 'degree' ? '' : ' ', shortOf(short, one)];
}

function shortOf(short, one) {
  const [single, many = single] = short.split('|');
  return one ? single : many;
}
