import EventEmitter, { once, on, errorMonitor, getEventListeners, listenerCount, setMaxListeners, getMaxListeners, addAbortListener, EventEmitterAsyncResource, captureRejectionSymbol, defaultMaxListeners } from 'node:events';
import bare from 'events';

const make = () => new EventEmitter();

export default {
  'module': () => [bare === EventEmitter, EventEmitter.EventEmitter === EventEmitter, typeof EventEmitter.once, defaultMaxListeners],
  'order and arguments': () => {
    const e = make(), seen = [];
    e.on('x', (...a) => seen.push(['a', ...a]));
    e.prependListener('x', function (...a) { seen.push(['b', this === e, ...a]); });
    return [e.emit('x', 1, 2), e.emit('y'), seen];
  },
  'once': () => {
    const e = make();
    let n = 0;
    e.once('x', () => n++);
    return [e.emit('x'), e.emit('x'), n];
  },
  'off': () => {
    const e = make(), f = () => {};
    e.on('x', f).on('x', f);
    e.off('x', f);
    return [e.listenerCount('x'), e.listenerCount('x', f), e.listeners('x').length];
  },
  'once is removed by its listener': () => {
    const e = make(), f = () => {};
    e.once('x', f);
    return [e.listeners('x')[0] === f, e.rawListeners('x')[0] === f, e.rawListeners('x')[0].listener === f, e.off('x', f).listenerCount('x')];
  },
  'newListener and removeListener': () => {
    const e = make(), seen = [];
    e.on('newListener', (n) => seen.push(`+${String(n)}`));
    e.on('removeListener', (n) => seen.push(`-${String(n)}`));
    const f = () => {};
    e.on('a', f);
    e.once('b', f);
    e.emit('b');
    e.removeAllListeners('a');
    e.removeAllListeners();
    return [seen, e.eventNames()];
  },
  'removed while emitting': () => {
    const e = make(), seen = [];
    const b = () => seen.push('b');
    e.on('x', () => { seen.push('a'); e.off('x', b); });
    e.on('x', b);
    e.emit('x');
    e.emit('x');
    return seen;
  },
  'eventNames': () => {
    const e = make(), s = Symbol('s');
    e.on('a', () => {}).on(s, () => {});
    return e.eventNames();
  },
  'error without listener': () => make().emit('error', new TypeError('boom')),
  'error that is none': () => make().emit('error', 'text'),
  'error object': () => make().emit('error', { a: 1 }),
  'errorMonitor': () => {
    const e = make(), seen = [];
    e.on(errorMonitor, (x) => seen.push(x.message));
    try { e.emit('error', new Error('m')); } catch (x) { seen.push(`thrown ${x.message}`); }
    return seen;
  },
  'listener that is none': () => make().on('x', 5),
  'listener null': () => make().once('x', null),
  'max listeners': () => {
    const e = make();
    return [e.getMaxListeners(), e.setMaxListeners(3).getMaxListeners(), getMaxListeners(e)];
  },
  'max listeners negative': () => make().setMaxListeners(-1),
  'max listeners text': () => make().setMaxListeners('a'),
  'setMaxListeners of several': () => {
    const e = make(), t = new EventTarget();
    setMaxListeners(5, e, t);
    return [e.getMaxListeners(), getMaxListeners(t)];
  },
  'static once': async () => {
    const e = make();
    queueMicrotask(() => e.emit('x', 1, 2));
    return once(e, 'x');
  },
  'static once error': async () => {
    const e = make();
    queueMicrotask(() => e.emit('error', new RangeError('r')));
    return once(e, 'x');
  },
  'static once aborted': () => once(make(), 'x', { signal: AbortSignal.abort() }),
  'static once of EventTarget': async () => {
    const t = new EventTarget();
    queueMicrotask(() => t.dispatchEvent(new Event('x')));
    return (await once(t, 'x')).map((e) => e.type);
  },
  'static on': async () => {
    const e = make(), seen = [];
    queueMicrotask(() => { e.emit('x', 1); e.emit('x', 2); e.emit('end'); });
    for await (const v of on(e, 'x', { close: ['end'] })) seen.push(v);
    return [seen, e.listenerCount('x')];
  },
  'static on error': async () => {
    const e = make();
    queueMicrotask(() => e.emit('error', new Error('it')));
    for await (const v of on(e, 'x')) return v;
  },
  'getEventListeners': () => {
    const e = make(), f = () => {};
    e.on('x', f);
    return [getEventListeners(e, 'x')[0] === f, listenerCount(e, 'x')];
  },
  'captureRejections': async () => {
    const e = new EventEmitter({ captureRejections: true });
    e.on('x', async () => { throw new Error('async'); });
    const caught = once(e, 'error');
    e.emit('x');
    return (await caught.catch((x) => [x]))[0].message;
  },
  'captureRejectionSymbol': async () => {
    const e = new EventEmitter({ captureRejections: true });
    const seen = new Promise((r) => { e[captureRejectionSymbol] = (err, name, ...a) => r([err.message, name, a]); });
    e.on('x', async () => { throw new Error('z'); });
    e.emit('x', 7);
    return seen;
  },
  'captureRejections of another type': () => new EventEmitter({ captureRejections: 5 }),
  'inherits': () => {
    class Foo extends EventEmitter {}
    function Old() { EventEmitter.call(this); }
    Object.setPrototypeOf(Old.prototype, EventEmitter.prototype);
    return [new Foo() instanceof EventEmitter, new Old().on('x', () => {}).emit('x'), Object.keys(new Foo())];
  },
  'addAbortListener': () => {
    const c = new AbortController();
    let n = 0;
    const d = addAbortListener(c.signal, () => n++);
    const kept = typeof d[Symbol.dispose];
    c.abort();
    return [kept, n];
  },
  'EventEmitterAsyncResource': () => {
    const e = new EventEmitterAsyncResource({ name: 'n' });
    e.on('x', () => 1);
    return [e.emit('x'), typeof e.asyncId, typeof e.asyncResource];
  },
  'prependOnceListener': () => {
    const e = make(), seen = [];
    e.on('x', () => seen.push(1));
    e.prependOnceListener('x', () => seen.push(0));
    e.emit('x');
    e.emit('x');
    return seen;
  },
};
