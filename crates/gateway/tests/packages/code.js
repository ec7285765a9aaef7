// Packages that structure programs, and what reads stacks.
import { produce, enableMapSet } from 'immer';
import { from, of, interval, Subject, firstValueFrom, lastValueFrom, throwError } from 'rxjs';
import { catchError, debounceTime, map, mergeMap, reduce, scan, take, toArray } from 'rxjs/operators';
import { createStore } from 'zustand/vanilla';
import mitt from 'mitt';
import EventEmitter from 'eventemitter3';
import { LRUCache } from 'lru-cache';
import { Effect, Option, pipe, Schema } from 'effect';
import { sqliteTable, integer, text } from 'drizzle-orm/sqlite-core';
import { drizzle } from 'drizzle-orm/sqlite-proxy';
import { and, eq, gt, sql } from 'drizzle-orm';
import * as ErrorStackParser from 'error-stack-parser';
import { parse as parseStack } from 'stacktrace-parser';
import { createStackParser, exceptionFromError } from '@sentry/core';
import { nodeStackLineParser } from '@sentry/core/server';
import { joinURL, parseURL, withQuery } from 'ufo';

enableMapSet();
const users = sqliteTable('users', { id: integer('id').primaryKey(), name: text('name').notNull() });
const database = drizzle(async (query, parameters, method) => ({ rows: method === 'all' ? [[1, 'a']] : [] }));

function thrower() { throw new RangeError('for the parsers'); }
class Holder { static make() { return new Holder(); } constructor() { thrower(); } }
function failure() { try { Holder.make(); } catch (error) { return error; } }
// Bundled lines are esbuild's to choose: what is told of a frame is its function, its file and whether it has a place.
const named = (file) => /^index\.m?js$/.test(file);
const frames = (all) => all.slice(0, 3);

export const uses = {
  immer: () => { const base = { a: [1, { b: 2 }], m: new Map([['k', 1]]) }; const next = produce(base, (d) => { d.a[1].b = 3; d.a.push(4); d.m.set('z', 2) }); return [base.a.length, next.a, [...next.m], Object.isFrozen(next), next === produce(next, () => {})] },
  rxjs: async () => [await lastValueFrom(from([1, 2, 3]).pipe(map((x) => x * 2), scan((a, b) => a + b, 0), toArray())), await firstValueFrom(throwError(() => new Error('rx')).pipe(catchError((e) => of(e.message)))), await lastValueFrom(interval(1).pipe(take(3), reduce((a, b) => a + b))), await new Promise((resolve) => { const s = new Subject(); s.pipe(debounceTime(5)).subscribe(resolve); s.next(1); s.next(2) }), await lastValueFrom(of(1, 2).pipe(mergeMap(async (x) => x + 1), toArray()))],
  zustand: () => { const store = createStore((set) => ({ n: 0, inc: () => set((s) => ({ n: s.n + 1 })) })); const seen = []; store.subscribe((s) => seen.push(s.n)); store.getState().inc(); store.getState().inc(); return seen },
  mitt: () => { const e = mitt(); const seen = []; e.on('*', (type, value) => seen.push([type, value])); e.on('a', (value) => seen.push(value)); e.emit('a', 1); return seen },
  eventemitter3: () => { const e = new EventEmitter(); let n = 0; e.once('x', () => n++); e.on('x', () => n += 10); e.emit('x'); e.emit('x'); return [n, e.listenerCount('x')] },
  'lru-cache': () => { const c = new LRUCache({ max: 2 }); c.set(1, 1).set(2, 2); c.get(1); c.set(3, 3); return [...c.keys()] },
  effect: async () => [await Effect.runPromise(Effect.gen(function* () { const a = yield* Effect.succeed(1); const b = yield* Effect.tryPromise(async () => 2); return a + b })), await Effect.runPromise(Effect.fail('no').pipe(Effect.catch((e) => Effect.succeed(`caught ${e}`)))), pipe(Option.some(1), Option.map((x) => x + 1), Option.getOrElse(() => 0)), await Effect.runPromise(Effect.all([Effect.sleep(2).pipe(Effect.as('slow')), Effect.succeed('fast')], { concurrency: 2 })), (() => { try { return Schema.decodeUnknownSync(Schema.Struct({ a: Schema.Number }))({ a: 'x' }) } catch (e) { return e.message } })()],
  drizzle: async () => [database.select().from(users).where(and(eq(users.id, 1), gt(users.id, 0))).limit(2).toSQL(), database.insert(users).values({ name: 'x' }).returning().toSQL(), database.update(users).set({ name: sql`upper(${users.name})` }).where(eq(users.id, 5)).toSQL(), await database.select().from(users)],
  'error-stack-parser': () => frames((ErrorStackParser.parse ?? ErrorStackParser.default.parse).call(ErrorStackParser.parse ? ErrorStackParser : ErrorStackParser.default, failure()).map((f) => [f.functionName, named(f.fileName), f.lineNumber > 0, f.columnNumber > 0])),
  'stacktrace-parser': () => frames(parseStack(failure().stack).map((f) => [f.methodName, named(f.file), f.lineNumber > 0, f.column > 0])),
  sentry: () => { const parser = createStackParser(nodeStackLineParser()); const event = exceptionFromError(parser, failure()); return [event.type, event.value, event.stacktrace.frames.slice(-3).map((f) => [f.function, named(f.filename), f.lineno > 0, f.colno > 0, f.in_app])] },
  ufo: () => [joinURL('http://a/', '/b', 'c'), parseURL('http://u:p@h:1/x?y#z'), withQuery('/a', { b: [1, 2], c: undefined })],
};
