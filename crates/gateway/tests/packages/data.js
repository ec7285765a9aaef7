// Packages that check and change values.
import { z } from 'zod';
import * as v from 'valibot';
import Ajv from 'ajv';
import superjson from 'superjson';
import qs from 'qs';
import { format, addMonths, differenceInDays, formatDistance, parseISO, startOfWeek } from 'date-fns';
import dayjs from 'dayjs';
import utc from 'dayjs/plugin/utc';
import relativeTime from 'dayjs/plugin/relativeTime';
import customParseFormat from 'dayjs/plugin/customParseFormat';
import _ from 'lodash';
import { groupBy, debounce, merge, template } from 'lodash-es';

dayjs.extend(utc);
dayjs.extend(relativeTime);
dayjs.extend(customParseFormat);
const day = new Date(Date.UTC(2024, 1, 29, 13, 4, 5));

export const uses = {
  zod: () => { const schema = z.object({ a: z.string().email(), b: z.number().int().positive().optional(), c: z.enum(['x', 'y']).default('x'), d: z.array(z.union([z.string(), z.number()])).max(2), e: z.coerce.date() }); return [schema.parse({ a: 'q@example.com', d: [1, 'b'], e: '2024-01-01' }), schema.safeParse({ a: 'no', b: -1.5, c: 'z', d: [1, 2, {}], e: 'x' }).error.issues, schema.strict().safeParse({ zz: 1 }).error.message] },
  'zod transforms': async () => [await z.string().transform(async (s) => s.length).refine((n) => n > 1, 'short').safeParseAsync('a').then((r) => r.error?.issues), z.string().trim().toUpperCase().pipe(z.literal('A')).parse(' a '), z.discriminatedUnion('k', [z.object({ k: z.literal(1) }), z.object({ k: z.literal(2), x: z.string() })]).safeParse({ k: 2 }).error.issues, z.record(z.string(), z.number()).parse({ a: 1 }), z.treeifyError?.(z.object({ a: z.string() }).safeParse({}).error)],
  valibot: () => { const schema = v.object({ a: v.pipe(v.string(), v.minLength(3), v.email()), b: v.optional(v.number(), 5) }); return [v.parse(schema, { a: 'x@example.com' }), v.safeParse(schema, { a: 'x', b: 'y' }).issues?.map((i) => [i.message, i.type, i.path?.map((p) => p.key)])] },
  ajv: () => new Ajv().compile({ type: 'object', properties: { a: { type: 'number' } } })({ a: 1 }),
  superjson: () => { const text = superjson.stringify({ d: day, s: new Set([1]), m: new Map([['k', 1n]]), u: undefined, r: /x/gi, n: NaN, e: new Error('bad') }); const back = superjson.parse(text); return [text, back.d.getTime(), [...back.s], String(back.m.get('k')), 'u' in back, String(back.r), back.e instanceof Error] },
  qs: () => [qs.parse('a[b][c]=1&a[d][]=2&a[d][]=3&e=%20&f.g=4', { allowDots: true }), qs.stringify({ a: [1, { b: 2 }], c: null, d: undefined, e: new Date(0) }, { arrayFormat: 'brackets' })],
  'date-fns': () => [format(day, "yyyy-MM-dd'T'HH:mm:ss EEEE do MMMM QQQ"), addMonths(day, 12).toISOString(), differenceInDays(new Date(0), day), formatDistance(day, new Date(0)), parseISO('2024-02-30').toString(), startOfWeek(day).toISOString()],
  dayjs: () => [dayjs.utc(day).format('dddd D MMM YYYY hh:mm A [x]'), dayjs.utc('05/02/24 1:02', 'DD/MM/YY H:mm').toISOString(), dayjs(day).from(dayjs(day).add(3, 'hour')), dayjs('x').isValid(), dayjs.utc(day).endOf('month').toISOString(), String(dayjs.utc(day).diff('2023-01-01', 'month', true))],
  lodash: () => [_.chunk([1, 2, 3], 2), _.get({ a: [{ b: 1 }] }, 'a[0].b'), _.set({}, 'x.y[1]', 2), _.merge({ a: { b: 1 } }, { a: { c: [2] } }), _.isEqual(new Map([[1, { a: 1 }]]), new Map([[1, { a: 1 }]])), _.camelCase('foo-bar Baz'), _.cloneDeep({ d: new Date(0), r: /x/g, s: new Set([1]) }).d.getTime(), _.orderBy([{ a: 2 }, { a: 1 }], 'a'), _.deburr('déjà'), _.words('fred, barney'), _.template.name, _.isNative(Math.max), _.isPlainObject(Object.create(null))],
  'lodash template': () => template('hi <%= x %>')({ x: 1 }),
  'lodash-es': async () => { let n = 0; const f = debounce(() => n++, 5); f(); f(); await new Promise((r) => setTimeout(r, 30)); return [n, groupBy([1.2, 1.8, 2.1], Math.floor), merge({}, { a: 1 })] },
};
