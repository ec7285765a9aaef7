// Packages of dates, numbers and messages, which lean on Intl, and others whose figures depend on Math.
import { DateTime, Duration, Interval } from 'luxon';
import { IntlMessageFormat } from 'intl-messageformat';
import { CronExpressionParser } from 'cron-parser';
import { RRule } from 'rrule';
import prettyBytes from 'pretty-bytes';
import humanize from 'humanize-duration';
import chroma from 'chroma-js';
import JSZip from 'jszip';
import { Liquid } from 'liquidjs';
import * as msgpack from '@msgpack/msgpack';

export const uses = {
  luxon: () => [DateTime.fromISO('2024-02-03T04:05:06Z').setZone('America/New_York').toFormat('yyyy-MM-dd HH:mm ZZ z'), DateTime.fromMillis(0, { zone: 'utc' }).toLocaleString(DateTime.DATETIME_FULL), DateTime.fromMillis(0, { zone: 'utc' }).toFormat('EEEE, MMMM d, yyyy h:mm a'), Duration.fromObject({ hours: 3, minutes: 5 }).toHuman(), DateTime.utc(2024, 2, 3).plus({ months: 1 }).toRelative({ base: DateTime.utc(2024, 2, 4) }), DateTime.utc(2024, 2, 3).weekNumber, DateTime.local().zoneName, DateTime.fromISO('bad').invalidReason, Interval.fromISO('2024-01-01/2024-02-01').length('days'), DateTime.fromObject({ year: 2024, month: 7 }, { zone: 'Europe/Berlin' }).toString()],
  'intl-messageformat': () => new IntlMessageFormat('{n, plural, one {# cat} other {# cats}} {d, date, medium} {p, number, ::currency/EUR} {o, selectordinal, one {#st} two {#nd} other {#th}}', 'en').format({ n: 1234, d: new Date(0), p: 5.5, o: 22 }),
  'cron-parser': () => ['UTC', 'America/New_York', 'Asia/Kolkata'].map((tz) => CronExpressionParser.parse('0 9 * * 1-5', { currentDate: new Date(0), tz }).next().toISOString()),
  rrule: () => [new RRule({ freq: RRule.WEEKLY, count: 3, dtstart: new Date(0) }).all(), RRule.fromString('FREQ=DAILY;COUNT=2').toText()],
  'pretty-bytes': () => [prettyBytes(1337), prettyBytes(1337, { locale: true }), prettyBytes(1e9, { locale: 'de' })],
  'humanize-duration': () => humanize(97320000),
  'chroma-js': () => [chroma.mix('red', 'blue', 0.5, 'lab').hex(), chroma.scale(['yellow', 'navy']).mode('lch').colors(4), chroma('#abc').hsl()],
  jszip: async () => { const zip = new JSZip(); zip.file('a.txt', 'hello'.repeat(20), { date: new Date(0) }); const bytes = await zip.generateAsync({ type: 'uint8array', compression: 'DEFLATE' }); return [bytes.length, await (await JSZip.loadAsync(bytes)).file('a.txt').async('string')]; },
  liquidjs: () => new Liquid().parseAndRender('{{ a | upcase }} {% for i in (1..3) %}{{ i }}{% endfor %} {{ d | date: "%a, %b %d, %y" }}', { a: 'x', d: new Date(0) }),
  '@msgpack/msgpack': () => [[...msgpack.encode({ a: [1, -1, 1.5, 'é', null], t: new Date(0) })], msgpack.decode(msgpack.encode({ a: [1, { b: 'c' }] }))],
};
