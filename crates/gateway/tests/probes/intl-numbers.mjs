// Numbers: digits, groups, money, percentages, units, and those of other places.
import { tries } from './show.mjs';

const VALUES = [0, -0, 1, 1234.5, -1234567.891, 0.5, 1.005, 2.5, 0.000123, 1e21, 999.9999, NaN, -Infinity, 12345n, 99999, 123456789012345678901234567890n];
const all = (options, locale = 'en-US', values = VALUES) => () => {
  const format = new Intl.NumberFormat(locale, options);
  return values.map((value) => format.format(value));
};
const money = (locale, ...currencies) => () => currencies.map((currency) => [1234.5, -1234567.891].map((value) => value.toLocaleString(locale, { style: 'currency', currency })));
const PLACES = 'de-DE de-AT de-CH fr-FR fr-CA fr-CH es-ES es-MX it-IT pt-BR pt-PT nl-NL sv-SE da-DK nb pl-PL cs-CZ hu-HU ru-RU uk-UA tr-TR ja-JP ko-KR zh-CN zh-TW vi-VN id-ID en-GB en-AU en-CA en-IN en-NZ en-ZA hi-IN'.split(' ');

export const numbers = {
  'plain': () => VALUES.map((value) => value.toLocaleString()),
  'in a list': () => [[1234.5, null, 'x', undefined].toLocaleString(), new Uint16Array([1234, 5]).toLocaleString()],
  'percent': all({ style: 'percent' }),
  'percent with digits': all({ style: 'percent', maximumFractionDigits: 2 }),
  'dollars': all({ style: 'currency', currency: 'USD' }),
  'yen': all({ style: 'currency', currency: 'JPY' }),
  'dollars without cents': all({ style: 'currency', currency: 'usd', minimumFractionDigits: 0, maximumFractionDigits: 0 }),
  'money by code': all({ style: 'currency', currency: 'EUR', currencyDisplay: 'code' }),
  'money by name': all({ style: 'currency', currency: 'USD', currencyDisplay: 'name' }),
  'money in books': all({ style: 'currency', currency: 'USD', currencySign: 'accounting' }),
  'francs': all({ style: 'currency', currency: 'CHF', currencyDisplay: 'narrowSymbol' }),
  'digits of money': () => ['USD', 'JPY', 'KWD', 'XXX'].map((currency) => new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits),
  'two digits': all({ minimumFractionDigits: 2, maximumFractionDigits: 2 }),
  'no fraction': all({ maximumFractionDigits: 0 }),
  'many digits': all({ maximumFractionDigits: 20 }),
  'significant digits': all({ maximumSignificantDigits: 3 }),
  'least significant digits': all({ minimumSignificantDigits: 5 }),
  'least whole digits': all({ minimumIntegerDigits: 4, useGrouping: false }),
  'compact': all({ notation: 'compact' }),
  'compact in words': all({ notation: 'compact', compactDisplay: 'long' }),
  'compact money': all({ notation: 'compact', style: 'currency', currency: 'USD' }),
  'scientific': all({ notation: 'scientific' }),
  'engineering': all({ notation: 'engineering' }),
  'signs': () => ['auto', 'always', 'never', 'exceptZero', 'negative'].map((signDisplay) => all({ signDisplay })()),
  'rounding': () => ['ceil', 'floor', 'expand', 'trunc', 'halfCeil', 'halfFloor', 'halfExpand', 'halfTrunc', 'halfEven'].map((roundingMode) => all({ roundingMode, maximumFractionDigits: 0 }, 'en', [1.5, 2.5, -1.5, -2.5, 1.2, -1.2, 1.7])()),
  'units': () => ['kilometer', 'mile', 'celsius', 'byte', 'megabyte', 'day', 'hour', 'second', 'liter', 'percent', 'kilometer-per-hour', 'mile-per-hour'].map((unit) => ['short', 'long', 'narrow'].map((unitDisplay) => [1, 2.5].map((value) => value.toLocaleString('en', { style: 'unit', unit, unitDisplay })))),
  'parts': () => [{}, { style: 'currency', currency: 'USD' }, { style: 'percent' }, { notation: 'compact' }, { notation: 'scientific' }, { style: 'unit', unit: 'liter' }].map((options) => [-1234.5, NaN, 1e7].map((value) => new Intl.NumberFormat('en', options).formatToParts(value))),
  'ranges': () => [{}, { style: 'currency', currency: 'USD' }, { style: 'unit', unit: 'liter' }, { style: 'percent' }].map((options) => new Intl.NumberFormat('en', options).formatRange(3, 5)),
  'options told': () => [undefined, { style: 'currency', currency: 'usd' }, { style: 'percent' }, { notation: 'compact' }, { maximumSignificantDigits: 3 }].map((options) => JSON.stringify(new Intl.NumberFormat('en-US', options).resolvedOptions())),
  'strings': () => ['1234.50', ' 12 ', '123456789012345678901234567890.5', 'x', '', '1e3'].map((value) => new Intl.NumberFormat('en').format(value)),
  'refused': () => tries(
    () => new Intl.NumberFormat('x_y'), () => (1).toLocaleString('x_y'), () => new Intl.NumberFormat('en', { style: 'currency' }),
    () => new Intl.NumberFormat('en', { style: 'currency', currency: 'x' }), () => new Intl.NumberFormat('en', { style: 'foo' }),
    () => new Intl.NumberFormat('en', { maximumFractionDigits: 101 }), () => new Intl.NumberFormat('en', { style: 'unit', unit: 'foo' }),
    () => new Intl.NumberFormat('en', { minimumFractionDigits: 5, maximumFractionDigits: 2 }), () => new Intl.NumberFormat(null),
    () => Number.prototype.toLocaleString.call('x'),
  ),
  'other places': () => PLACES.map((place) => [1234.5, -1234567.891, 0.256].map((value) => [value.toLocaleString(place), value.toLocaleString(place, { style: 'percent' }), value.toLocaleString(place, { minimumFractionDigits: 2 })])),
  'euros in other places': () => PLACES.map((place) => money(place, 'EUR')()),
  'dollars in other places': () => PLACES.map((place) => money(place, 'USD')()),
  'money of Latin America': () => [['es-AR', 'ARS'], ['es-BO', 'BOB'], ['es-CL', 'CLP'], ['es-CO', 'COP'], ['es-CR', 'CRC'], ['es-DO', 'DOP'], ['es-GT', 'GTQ'], ['es-HN', 'HNL'], ['es-NI', 'NIO'], ['es-PA', 'PAB'], ['es-PE', 'PEN'], ['es-PY', 'PYG'], ['es-UY', 'UYU'], ['es-VE', 'VES']].map(([place, currency]) => money(place, currency)()),
  'digits of currencies': () => ['HUF', 'IDR', 'COP', 'IQD', 'PKR', 'RSD', 'KWD', 'CLP', 'EUR'].map((currency) => (1234.5678).toLocaleString('en', { style: 'currency', currency })),
  'Spanish of other places': () => ['es-BO', 'es-CL', 'es-CO', 'es-CR', 'es-CU', 'es-DO', 'es-EC', 'es-GT', 'es-HN', 'es-NI', 'es-PA', 'es-PE', 'es-PR', 'es-PY', 'es-SV', 'es-UY', 'es-VE', 'es-419'].map((place) => [(1234.5).toLocaleString(place), (0.256).toLocaleString(place, { style: 'percent' }), money(place, 'EUR')(), new Date(Date.UTC(2024, 1, 3)).toLocaleString(place)]),
  'own money': () => [money('ja-JP', 'JPY')(), money('en-IN', 'INR')(), money('sv-SE', 'SEK')(), money('pl-PL', 'PLN')(), money('pt-BR', 'BRL')(), money('zh-CN', 'CNY')(), money('en-GB', 'GBP')(), money('en-AU', 'AUD')(), money('en-CA', 'CAD')()],
  'words of other languages': () => [(1234567).toLocaleString('de', { notation: 'compact' }), (5).toLocaleString('fr', { style: 'unit', unit: 'day', unitDisplay: 'long' })],
};
