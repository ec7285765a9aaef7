// Dates and times: by fields, by styles, in time zones, and in figures as other places order them.
import { tries } from './show.mjs';

const DAYS = [new Date(Date.UTC(2024, 1, 3, 16, 5, 6, 78)), new Date(Date.UTC(2024, 10, 23, 0, 35, 46, 789))];
const LOCALES = [undefined, 'en-US', 'en-GB'];
const each = (options, locales = LOCALES) => locales.map((locale) => DAYS.map((day) => new Intl.DateTimeFormat(locale, options).format(day)));
const FULL = { year: 'numeric', month: 'long', day: 'numeric' };
const STYLES = ['full', 'long', 'medium', 'short', undefined];
const ZONES = 'America/New_York Europe/Berlin Asia/Tokyo Asia/Kolkata Europe/London America/Los_Angeles Australia/Sydney America/Sao_Paulo UTC GMT Etc/UTC america/new_york +02:00 -0530 Asia/Shanghai Pacific/Auckland Africa/Cairo Asia/Kathmandu US/Pacific Europe/Dublin America/St_Johns'.split(' ');
const PLACES = 'de-DE fr-FR es-ES es-MX it-IT pt-BR nl-NL sv-SE da-DK fi-FI pl-PL cs-CZ ro-RO ru-RU uk-UA tr-TR ja-JP zh-CN id-ID en-AU en-CA en-NZ en-IE en-ZA en-IN hi-IN'.split(' ');
const parts = (options, locale) => new Intl.DateTimeFormat(locale, options).formatToParts(DAYS[0]);

export const dates = {
  'plain dates': () => LOCALES.map((locale) => DAYS.map((day) => [day.toLocaleString(locale), day.toLocaleDateString(locale), day.toLocaleTimeString(locale)])),
  'weekdays': () => ['narrow', 'short', 'long'].map((weekday) => [{ weekday }, { weekday, day: 'numeric' }, { weekday, month: 'short', day: 'numeric' }, { weekday, ...FULL }, { weekday, year: 'numeric', month: '2-digit', day: '2-digit' }].map((options) => each(options))),
  'months': () => ['numeric', '2-digit', 'narrow', 'short', 'long'].map((month) => [{ month }, { month, day: 'numeric' }, { month, day: '2-digit' }, { month, year: 'numeric' }, { month, year: '2-digit', day: 'numeric' }, { month, year: 'numeric', day: '2-digit' }].map((options) => each(options))),
  'years': () => [{ year: 'numeric' }, { year: '2-digit' }, { era: 'short' }, { era: 'long', year: 'numeric' }].map((options) => each(options, [undefined])),
  'before our era': () => [new Date(Date.UTC(-50, 6, 9)), new Date(Date.UTC(0, 0, 1)), new Date(8.64e15), new Date(-8.64e15)].map((day) => [day.toLocaleDateString(), day.toLocaleDateString('en', { era: 'short', year: 'numeric' })]),
  'times': () => [{ hour: 'numeric' }, { hour: '2-digit' }, { hour: 'numeric', minute: '2-digit' }, { hour: '2-digit', minute: '2-digit', second: '2-digit' }, { minute: 'numeric', second: 'numeric' }, { minute: 'numeric' }, { second: '2-digit' }, { hour: 'numeric', minute: 'numeric', second: 'numeric', fractionalSecondDigits: 3 }].map((options) => each(options)),
  'cycles': () => [{ hour12: true }, { hour12: false }, { hourCycle: 'h11' }, { hourCycle: 'h12' }, { hourCycle: 'h23' }, { hourCycle: 'h24' }].map((cycle) => [each({ hour: 'numeric', ...cycle }), each({ hour: '2-digit', minute: '2-digit', second: '2-digit', ...cycle })]),
  'periods of the day': () => Array.from({ length: 24 }, (_, hour) => new Date(Date.UTC(2024, 0, 1, hour)).toLocaleTimeString('en', { hour: 'numeric', dayPeriod: 'long' })),
  'dates with times': () => [{ ...FULL, hour: 'numeric', minute: '2-digit' }, { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' }, { weekday: 'long', hour: 'numeric' }, { weekday: 'short', hour: '2-digit', minute: '2-digit' }, { month: 'long', hour: 'numeric' }, { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false }, { weekday: 'long', ...FULL, hour: 'numeric', minute: 'numeric', timeZoneName: 'short' }].map((options) => each(options)),
  'styles': () => STYLES.map((dateStyle) => STYLES.map((timeStyle) => each({ dateStyle, timeStyle }))),
  'what is added': () => [{ month: 'long' }, { hour: 'numeric' }, { timeZoneName: 'short' }, { era: 'short' }, { weekday: 'short' }].map((options) => [DAYS[0].toLocaleString('en', options), DAYS[0].toLocaleDateString('en', options), DAYS[0].toLocaleTimeString('en', options)]),
  'zones': () => ZONES.map((timeZone) => [DAYS[0], new Date(Date.UTC(2024, 6, 9, 23, 30))].map((day) => day.toLocaleString('en-US', { timeZone }))),
  'names of zones': () => ZONES.map((timeZone) => ['short', 'long', 'shortOffset', 'longOffset'].map((timeZoneName) => [DAYS[0], new Date(Date.UTC(2024, 6, 9))].map((day) => new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName, hour: 'numeric' }).format(day)))),
  'zones as written': () => ZONES.map((timeZone) => new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone),
  'when clocks are changed': () => [['America/New_York', Date.UTC(2024, 2, 10, 6, 59)], ['America/New_York', Date.UTC(2024, 2, 10, 7)], ['America/New_York', Date.UTC(2024, 10, 3, 5, 59)], ['America/New_York', Date.UTC(2024, 10, 3, 6)], ['Europe/Berlin', Date.UTC(2024, 2, 31, 0, 59)], ['Europe/Berlin', Date.UTC(2024, 2, 31, 1)], ['Australia/Sydney', Date.UTC(2024, 3, 6, 15, 59)], ['Australia/Sydney', Date.UTC(2024, 3, 6, 16)], ['America/New_York', Date.UTC(2006, 3, 2, 6, 59)], ['America/New_York', Date.UTC(2006, 3, 2, 7)]].map(([timeZone, time]) => new Date(time).toLocaleString('en', { timeZone, timeZoneName: 'short' })),
  'zones of long ago': () => [new Date(Date.UTC(1960, 6, 1)).toLocaleString('en', { timeZone: 'Europe/Berlin' }), new Date(Date.UTC(1900, 0, 1)).toLocaleString('en', { timeZone: 'America/New_York' })],
  'parts of a date': () => [parts({}), parts({ dateStyle: 'full', timeStyle: 'long' }), parts({ ...FULL, hour: 'numeric', minute: '2-digit', timeZoneName: 'short' }), parts({}, 'en-GB'), parts({ hour: 'numeric', fractionalSecondDigits: 2, minute: 'numeric', second: 'numeric' })],
  'options of dates told': () => [undefined, { hour: 'numeric', minute: 'numeric' }, { dateStyle: 'full' }, { weekday: 'long', ...FULL, timeZone: 'europe/berlin' }, { hour: '2-digit', hour12: false }].map((options) => JSON.stringify(new Intl.DateTimeFormat('en-US', options).resolvedOptions())),
  'ranges of dates': () => new Intl.DateTimeFormat('en').formatRange(DAYS[0], DAYS[1]),
  'ranges of dates in words': () => new Intl.DateTimeFormat('en', { dateStyle: 'medium' }).formatRange(new Date(0), new Date(864e5 * 3)),
  'dates refused': () => tries(
    () => new Intl.DateTimeFormat('en', { timeZone: 'Foo/Bar' }), () => new Intl.DateTimeFormat('en', { month: 'x' }),
    () => new Intl.DateTimeFormat().format(NaN), () => new Date(NaN).toLocaleString(), () => new Date(0).toLocaleDateString('en', { timeStyle: 'short' }),
    () => new Date(0).toLocaleTimeString('en', { dateStyle: 'short' }), () => new Intl.DateTimeFormat().format('x'), () => new Date(0).toLocaleString('x_y'),
  ),
  'dates of other places': () => PLACES.map((place) => DAYS.map((day) => [day.toLocaleString(place), day.toLocaleDateString(place), day.toLocaleTimeString(place)])),
  'padded dates of other places': () => PLACES.map((place) => [DAYS[0].toLocaleDateString(place, { year: 'numeric', month: '2-digit', day: '2-digit' }), DAYS[0].toLocaleTimeString(place, { hour: '2-digit', minute: '2-digit' }), DAYS[1].toLocaleTimeString(place, { hour: 'numeric', minute: '2-digit' })]),
  'fields hardly met together': () => [{ era: 'short', month: 'long' }, { era: 'long', weekday: 'short' }, { dayPeriod: 'short', minute: 'numeric' }, { fractionalSecondDigits: 2, minute: 'numeric' }, { fractionalSecondDigits: 3, hour: 'numeric' }, { fractionalSecondDigits: 3, hour: 'numeric', minute: 'numeric' }, { timeZoneName: 'short', month: 'long' }, { timeZoneName: 'long', ...FULL }, { weekday: 'long', minute: 'numeric' }].map((options) => each(options, ['en-US', 'en-GB'])),
  'fields told alone and in pairs': () => [{ era: 'short' }, { dayPeriod: 'long' }, { dayPeriod: 'narrow', day: 'numeric' }, { fractionalSecondDigits: 1 }, { fractionalSecondDigits: 3, second: 'numeric' }, { fractionalSecondDigits: 3, day: 'numeric' }, { timeZoneName: 'short' }, { timeZoneName: 'long', weekday: 'long' }, { year: 'numeric', day: 'numeric' }, { year: '2-digit', day: '2-digit' }, { weekday: 'long', hour: 'numeric' }, { weekday: 'narrow', hour: 'numeric' }, { day: 'numeric', hour: 'numeric' }, { hour: 'numeric', second: 'numeric' }, { day: 'numeric', second: 'numeric' }].map((options) => each(options, ['en-US', 'en-GB'])),
  'a day and an hour of 24': () => ['short', 'long'].map((weekday) => each({ weekday, hour: 'numeric', hour12: false }, ['en-US'])),
  'hours of one figure in Britain': () => [{ hour: 'numeric', minute: '2-digit', timeZoneName: 'short' }, { ...FULL, hour: 'numeric', minute: '2-digit', timeZoneName: 'short' }, { weekday: 'short', hour: 'numeric', minute: '2-digit', hour12: false }, { hour: 'numeric', minute: '2-digit', second: '2-digit', hour12: false }].map((options) => new Intl.DateTimeFormat('en-GB', options).format(DAYS[1])),
  'names of zones in Britain': () => ['Europe/London', 'Europe/Berlin', 'Europe/Athens', 'Europe/Lisbon', 'America/New_York', 'America/Los_Angeles'].map((timeZone) => new Date(Date.UTC(2024, 6, 9, 12)).toLocaleString('en-GB', { timeZone, timeZoneName: 'short' })),
  'names of zones at all times of the year': () => [['America/New_York', 'en-GB'], ['Europe/London', 'en-US'], ['Europe/Berlin', 'en-US'], ['Asia/Tokyo', 'en-US']].map(([timeZone, locale]) => DAYS[0].toLocaleTimeString(locale, { timeZone, timeZoneName: 'shortGeneric' })),
  'times of other places': () => ['fr-CA', 'ko-KR', 'zh-TW', 'zh-HK', 'vi-VN', 'el-GR', 'hu-HU', 'es-AR', 'es-CO', 'es-CL'].map((place) => [DAYS[0].toLocaleTimeString(place), DAYS[0].toLocaleString(place), DAYS[1].toLocaleTimeString(place, { hour: 'numeric', minute: '2-digit' })]),
  'words of English in other places': () => ['en-AU', 'en-CA', 'en-NZ', 'en-IE', 'en-IN', 'en-ZA'].map((place) => DAYS[0].toLocaleDateString(place, { weekday: 'short', ...FULL, hour: 'numeric', minute: '2-digit' })),
  'months of other languages': () => DAYS[0].toLocaleDateString('de-DE', FULL),
};
