// AbortController and AbortSignal.
import { tries } from './show.mjs';

const shown = (signal) => [signal.aborted, signal.reason];
const log = (run) => async () => { const seen = []; const gave = await run((x) => seen.push(x)); return [seen, gave]; };

export const aborts = {
  'abort': () => { const controller = new AbortController(); const before = shown(controller.signal); controller.abort(); return [before, shown(controller.signal), controller.signal.reason.code]; },
  'abort reasons': () => [undefined, null, 0, 'text', { a: 1 }, new RangeError('r')].map((reason) => { const controller = new AbortController(); controller.abort(reason); return controller.signal.reason; }),
  'members of reasons': async () => { const late = AbortSignal.timeout(1); await new Promise((done) => setTimeout(done, 20)); return [AbortSignal.abort().reason, late.reason, AbortSignal.any([AbortSignal.abort()]).reason, new DOMException('a', 'AbortError')].map((reason) => [Object.keys(reason), reason.retryable]); },
  'abort twice': () => { const controller = new AbortController(); controller.abort(1); controller.abort(2); return controller.signal.reason; },
  'abort event': log((see) => { const controller = new AbortController(); controller.signal.addEventListener('abort', (e) => see([e.type, e.target === controller.signal, e.constructor.name, e.isTrusted, e.bubbles, e.cancelable])); controller.abort(); controller.abort(); }),
  'onabort': log((see) => { const { signal } = new AbortController(); return tries(() => signal.onabort, () => { signal.onabort = () => {}; return typeof signal.onabort; }, () => { signal.onabort = 5; return signal.onabort; }, () => { signal.onabort = {}; return typeof signal.onabort; }, () => { signal.onabort = null; return signal.onabort; }, () => { const c = new AbortController(); c.signal.addEventListener('abort', () => see('first')); c.signal.onabort = function (e) { see(['on', this === c.signal, e.type]); }; c.signal.addEventListener('abort', () => see('last')); c.abort(); }); }),
  'a listener throws at abort': log((see) => { const controller = new AbortController(); controller.signal.addEventListener('abort', () => { throw new Error('mine'); }); controller.signal.addEventListener('abort', () => see(2)); try { controller.abort(); } catch (e) { return e; } return controller.signal.aborted; }),
  'throwIfAborted': () => tries(() => new AbortController().signal.throwIfAborted(), () => AbortSignal.abort().throwIfAborted(), () => AbortSignal.abort(5).throwIfAborted()),
  'AbortSignal.abort': () => [shown(AbortSignal.abort()), shown(AbortSignal.abort('r')), shown(AbortSignal.abort(null)), shown(AbortSignal.abort(undefined))],
  'AbortSignal.timeout': async () => { const signal = AbortSignal.timeout(1); const before = signal.aborted; await new Promise((resolve) => signal.addEventListener('abort', resolve)); return [before, ...shown(signal), signal.reason.code]; },
  'timeout arguments': () => tries(() => AbortSignal.timeout(), () => AbortSignal.timeout(-1).aborted, () => AbortSignal.timeout('x').aborted, () => AbortSignal.timeout(NaN).aborted, () => AbortSignal.timeout(1.5).aborted, () => AbortSignal.timeout(Infinity).aborted, () => AbortSignal.timeout(2 ** 53).aborted),
  'AbortSignal.any': log((see) => { const a = new AbortController(); const b = new AbortController(); const any = AbortSignal.any([a.signal, b.signal]); any.addEventListener('abort', () => see('any')); a.signal.addEventListener('abort', () => see('a')); const before = any.aborted; b.abort('why'); a.abort('late'); return [before, ...shown(any)]; }),
  'a listener of a signal that follows throws': log((see) => { const a = new AbortController(); const one = AbortSignal.any([a.signal]); const two = AbortSignal.any([a.signal]); one.addEventListener('abort', () => { see('one'); throw new RangeError('mine'); }); two.addEventListener('abort', () => see('two')); a.signal.addEventListener('abort', () => see('source')); try { a.abort('why'); } catch (e) { see(e); } return [a.signal.aborted, one.aborted, two.aborted]; }),
  'any of nothing': () => shown(AbortSignal.any([])),
  'any of aborted': () => shown(AbortSignal.any([new AbortController().signal, AbortSignal.abort(1), AbortSignal.abort(2)])),
  'any of any': () => { const a = new AbortController(); const any = AbortSignal.any([AbortSignal.any([a.signal]), AbortSignal.any([a.signal])]); a.abort('deep'); return shown(any); },
  'any refuses': () => tries(() => AbortSignal.any(), () => AbortSignal.any(5), () => AbortSignal.any([5]), () => AbortSignal.any(null), () => AbortSignal.any(new Set([AbortSignal.abort(1)])).reason, () => AbortSignal.any([null])),
  'any listeners see all aborted': log((see) => { const a = new AbortController(); const any = AbortSignal.any([a.signal]); a.signal.addEventListener('abort', () => see(any.aborted)); a.abort(); }),
  'abort shape': () => [Object.getOwnPropertyNames(AbortSignal.prototype).sort(), Object.getOwnPropertyNames(AbortController.prototype).sort(), Object.getOwnPropertyNames(AbortSignal).sort(), String(new AbortController()), String(AbortSignal.abort()), AbortSignal.abort() instanceof EventTarget],
  'abort constructors': () => tries(() => new AbortSignal(), () => new AbortController(5).signal.aborted),
  'scheduler.wait': () => tries(() => scheduler.wait(1), () => scheduler.wait(), () => scheduler.wait(-5), () => scheduler.wait('1'), () => scheduler.wait(1, { signal: AbortSignal.abort('why') }), () => scheduler.wait(1, null), () => scheduler.wait(1, 5), () => scheduler.wait(1, { signal: 5 }), () => scheduler.wait(NaN), () => scheduler.wait(1, {})),
  'scheduler.wait is aborted': async () => { const controller = new AbortController(); const wait = scheduler.wait(100000, { signal: controller.signal }); controller.abort(new RangeError('enough')); return tries(() => wait); },
  'scheduler': () => [String(scheduler), Object.getOwnPropertyNames(Object.getPrototypeOf(scheduler)).sort(), typeof globalThis.Scheduler],
};
