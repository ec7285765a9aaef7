// Timers and microtasks: order, numbers, coercions.
import { tries } from './show.mjs';

const wait = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));
const log = (run) => async () => { const seen = []; const gave = await run((x) => seen.push(x)); return [seen, gave]; };

export const timers = {
  'timers refuse': () => tries(...[undefined, null, 'code', 5, {}].map((callback) => () => setTimeout(callback)), () => setInterval('x'), () => setTimeout(), () => setInterval(), () => queueMicrotask(), () => queueMicrotask(5), () => queueMicrotask(null)),
  'a delay': log(async (see) => { for (const delay of [undefined, null, 'x', NaN, -5, '1', {}, [], true, 1.9, Infinity, -Infinity, 2 ** 31, 2 ** 32]) { const id = setTimeout(() => see(String(delay)), delay); if (delay === Infinity || delay > 2 ** 30) clearTimeout(id); } await wait(10); }),
  'a delay that throws': () => tries(() => setTimeout(() => {}, { valueOf() { throw new RangeError('mine'); } }), () => setTimeout(() => {}, Symbol('x')), () => setTimeout(() => {}, 5n)),
  'arguments': () => new Promise((resolve) => setTimeout((...args) => resolve(args), 0, 1, 'two', null)),
  'this': () => new Promise((resolve) => setTimeout(function () { resolve([this === globalThis, typeof this]); })),
  'order': log(async (see) => { setTimeout(() => see('b'), 40); setTimeout(() => see('a'), 20); setTimeout(() => see('0'), 0); setTimeout(() => see('0 again'), 0); queueMicrotask(() => see('micro')); Promise.resolve().then(() => see('then')); see('sync'); await wait(60); }),
  'microtasks between timers': log(async (see) => { setTimeout(() => { see(1); queueMicrotask(() => see('micro')); }); setTimeout(() => see(2)); await wait(5); }),
  'numbers': () => { const a = setTimeout(() => {}); const b = setTimeout(() => {}); clearTimeout(a); clearTimeout(b); return [typeof a, b > a, Number.isInteger(a)]; },
  'clearing': log(async (see) => { clearTimeout(setTimeout(() => see('never'))); clearInterval(setTimeout(() => see('nor'))); clearTimeout(setInterval(() => see('nor this'))); clearTimeout(String(setTimeout(() => see('text')))); await wait(5); return tries(() => clearTimeout(), () => clearTimeout(null), () => clearTimeout(undefined), () => clearTimeout({}), () => clearTimeout('x'), () => clearTimeout(-1), () => clearTimeout(123456789), () => clearInterval(NaN), () => clearTimeout(Symbol('x')), () => clearTimeout(5n)); }),
  'an interval': log(async (see) => { let left = 3; await new Promise((resolve) => { const id = setInterval((x) => { see(x); if (--left === 0) { clearInterval(id); resolve(); } }, 1, 'tick'); }); await wait(5); }),
  'an interval that throws goes on': log(async (see) => { let count = 0; const id = setInterval(() => { see(++count); throw new Error('mine'); }, 1); while (count < 2) await wait(1); clearInterval(id); }),
  'a timer clears another': log(async (see) => { let later; setTimeout(() => { see(1); clearTimeout(later); }, 0); later = setTimeout(() => see('never'), 0); await wait(5); }),
  'a microtask that throws': log(async (see) => { queueMicrotask(() => { see(1); throw new Error('mine'); }); queueMicrotask(() => see(2)); await wait(); }),
  'timer shape': () => ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'queueMicrotask', 'reportError'].map((name) => [globalThis[name].name, globalThis[name].length]),
  'detached timers': () => tries(() => { const { setTimeout: set, clearTimeout: clear } = globalThis; clear(set(() => {})); }, () => setTimeout.call(undefined, () => {}) > 0),
};
