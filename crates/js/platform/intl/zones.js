// Time zones: the offset at an instant, and what the time there is called. What holds today is taken to have held
// always, but for the summer time of the United States before 2007.
import { ALIASES, ZONES } from './zone-data.js';

const DAY = 86_400_000;
const MINUTE = 60_000;
const EARLIER_AMERICAN = ['M4.1.0', 'M10.5.0'];

// Which line of a table has that zone, and the zone as it is written.
function find(table, name) {
  const wanted = name.toLowerCase();
  for (const line of table.split('\n')) {
    const equals = line.indexOf('=');
    if (equals < 0) continue;
    for (const area of line.slice(equals + 1).split(';')) {
      const colon = area.indexOf(':');
      const prefix = colon > 0 ? `${area.slice(0, colon)}/` : '';
      if (!wanted.startsWith(prefix.toLowerCase())) continue;
      const place = area.slice(colon + 1).split(' ').find((of) => `${prefix}${of}`.toLowerCase() === wanted);
      if (place !== undefined) return [line.slice(0, equals), `${prefix}${place}`];
    }
  }
  return undefined;
}

const UTC = { name: 'UTC', standard: 0, long: ['Coordinated Universal Time'], short: ['UTC'] };
const known = new Map([['utc', UTC]]);

export function zoneOf(asked) {
  const key = asked.toLowerCase();
  let zone = known.get(key);
  if (zone === undefined) {
    zone = made(asked);
    if (known.size < 64) known.set(key, zone);
  }
  return zone;
}

function made(asked) {
  const offset = /^([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?$/.exec(asked);
  if (offset !== null) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3] ?? 0);
    const negative = offset[1] === '-' && minutes > 0;
    const name = `${negative ? '-' : '+'}${offset[2]}:${offset[3] ?? '00'}`;
    return { name, standard: negative ? -minutes : minutes, long: [], short: [] };
  }
  const alias = find(ALIASES, asked)?.[0];
  if (alias === 'UTC') return UTC;
  const found = find(ZONES, alias ?? asked);
  if (found === undefined) throw new RangeError(`Invalid time zone specified: ${asked}`);
  const [rule, long = '', short = ''] = found[0].split('|');
  const [, standard, summer] = /^X([-+0-9:]+)(?:X([-+0-9:]*))?/.exec(rule);
  const zone = { name: found[1], standard: -minutesOf(standard), long: names(long), short: names(short) };
  const [, start, end] = rule.split(',');
  if (end !== undefined) {
    Object.assign(zone, { summer: summer ? -minutesOf(summer) : zone.standard + 60, start, end });
    zone.american = start === 'M3.2.0' && end === 'M11.1.0';
  }
  return zone;
}

const names = (text) => text.split('/').map((name) => name || undefined);

function minutesOf(text) {
  const [hours, minutes = 0] = text.replace(/^[-+]/, '').split(':').map(Number);
  return (hours * 60 + minutes) * (text[0] === '-' ? -1 : 1);
}

// When a rule strikes in a year, in milliseconds of the wall clock before it.
function strikes(rule, year) {
  const [, month, week, weekday, , time = '2'] = /^M([0-9]+)\.([0-9])\.([0-9])(\/(.+))?$/.exec(rule);
  const first = Date.UTC(year, month - 1, 1);
  let day = 1 + ((Number(weekday) - new Date(first).getUTCDay() + 7) % 7) + (week - 1) * 7;
  if (day > new Date(Date.UTC(year, month, 0)).getUTCDate()) day -= 7;
  return first + (day - 1) * DAY + minutesOf(time) * MINUTE;
}

// Minutes east of Greenwich, and whether that is the later of the zone's times.
export function offsetAt(zone, time) {
  if (zone.start === undefined) return { minutes: zone.standard, later: false };
  const year = new Date(time + zone.standard * MINUTE).getUTCFullYear();
  const [start, end] = zone.american && year < 2007 ? EARLIER_AMERICAN : [zone.start, zone.end];
  if (zone.year !== year) {
    const from = strikes(start, year) - zone.standard * MINUTE;
    const to = strikes(end, year) - zone.summer * MINUTE;
    Object.assign(zone, { year, from, to });
  }
  const { from, to } = zone;
  const summer = from < to ? time >= from && time < to : time >= from || time < to;
  const minutes = summer ? zone.summer : zone.standard;
  return { minutes, later: minutes > Math.min(zone.summer, zone.standard) };
}

function offsetName(minutes, long) {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const sign = minutes < 0 ? '-' : '+';
  if (long) return `GMT${sign}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}`;
  return `GMT${sign}${hours}${rest > 0 ? `:${String(rest).padStart(2, '0')}` : ''}`;
}

const GENERIC = { E: 'ET', C: 'CT', M: 'MT', P: 'PT', AK: 'AKT' };

// What Britain knows by short names; those of America are not among it.
const BRITISH = {
  'British Summer Time': ['GMT', 'BST'], 'Central European Standard Time': ['CET', 'CEST'], 'Eastern European Standard Time': ['EET', 'EEST'],
  'Gulf Standard Time': ['GST'], 'Western European Standard Time': ['WET', 'WEST'],
};

function britishNames({ long, short }) {
  return BRITISH[long[1]] ?? BRITISH[long[0]] ?? (short[0] === 'GMT' || short[0] === 'UTC' ? short : []);
}

export function zoneName(zone, time, style, british) {
  const { minutes, later } = offsetAt(zone, time);
  const at = later ? 1 : 0;
  if (style === 'long') return zone.long[at] ?? offsetName(minutes, true);
  if (style === 'short') return (british ? britishNames(zone) : zone.short)[at] ?? offsetName(minutes, false);
  if (zone !== UTC && style === 'longGeneric') {
    const [name] = zone.long;
    return (zone.start === undefined ? name : name?.replace(' Standard', '')) ?? offsetName(minutes, true);
  }
  if (style === 'shortGeneric' && zone.start !== undefined) {
    const generic = GENERIC[/^(.*)ST$/.exec(zone.short[0] ?? '')?.[1]];
    if (generic !== undefined) return generic;
  }
  return offsetName(minutes, style.startsWith('long'));
}

export function allZones() {
  const all = [];
  for (const line of ZONES.split('\n')) {
    const equals = line.indexOf('=');
    if (equals < 0) continue;
    for (const area of line.slice(equals + 1).split(';')) {
      const [prefix, places] = area.split(':');
      if (prefix === 'Etc' || prefix === '' && places !== 'UTC') continue;
      for (const place of places.split(' ')) all.push(prefix === '' ? place : `${prefix}/${place}`);
    }
  }
  return all.sort();
}
