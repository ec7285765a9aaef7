import timers, { setTimeout as st, setImmediate as si, clearTimeout as ct, clearImmediate as ci } from 'node:timers';
import promises, { setTimeout as wait, setImmediate as soon, setInterval as every, scheduler } from 'node:timers/promises';
import * as bare from 'timers';

export default {
  'module': () => [bare.default === timers, Object.keys(timers).sort(), Object.keys(promises).sort()],
  'Timeout': () => {
    const t = st(() => {}, 50);
    const seen = [t.constructor.name, typeof +t, t.hasRef(), t.ref() === t, t.unref() === t, typeof t.refresh, typeof t[Symbol.dispose], typeof t[Symbol.toPrimitive]];
    ct(t);
    return seen;
  },
  'setTimeout with arguments': () => new Promise((r) => st((a, b) => r([a, b]), 1, 'x', 'y')),
  'setTimeout of number': () => st(5),
  'clearTimeout': async () => {
    let fired = false;
    ct(st(() => { fired = true; }, 1));
    ct(undefined);
    ct(null);
    await wait(5);
    return fired;
  },
  'refresh': () => new Promise((r) => {
    let n = 0;
    const t = st(() => { n++; if (n < 2) t.refresh(); else r(n); }, 1);
  }),
  'close': async () => {
    let fired = false;
    st(() => { fired = true; }, 1).close();
    await wait(5);
    return fired;
  },
  'setInterval': () => new Promise((r) => {
    let n = 0;
    const t = timers.setInterval(() => { if (++n === 3) { timers.clearInterval(t); r(n); } }, 1);
  }),
  'setImmediate': () => new Promise((r) => si((...a) => r(a), 1, 2)),
  'Immediate': () => {
    const i = si(() => {});
    const seen = [i.constructor.name, i.hasRef(), typeof i.ref, typeof i.unref];
    ci(i);
    return seen;
  },
  'clearImmediate': async () => {
    let fired = false;
    ci(si(() => { fired = true; }));
    await wait(3);
    return fired;
  },
  'promise of setTimeout': () => wait(1, 'value'),
  'promise of setImmediate': () => soon('value'),
  'promise aborted': () => wait(5, 1, { signal: AbortSignal.abort('why') }),
  'promise aborted later': () => {
    const c = new AbortController();
    const p = wait(1000, 1, { signal: c.signal });
    c.abort();
    return p;
  },
  'promise of a text delay': () => wait('a'),
  'promise with bad options': () => wait(1, 1, 5),
  'intervals': async () => {
    const seen = [];
    for await (const v of every(1, 'v')) { seen.push(v); if (seen.length === 3) break; }
    return seen;
  },
  'scheduler': async () => [await scheduler.wait(1), await scheduler.yield()],
  'global timers': () => {
    const t = setTimeout(() => {}, 1);
    clearTimeout(t);
    return typeof t;
  },
  'global setImmediate': () => {
    const i = setImmediate(() => {});
    clearImmediate(i);
    return typeof i;
  },
};
