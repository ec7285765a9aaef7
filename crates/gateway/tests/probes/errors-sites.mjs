// Call sites, as Error.prepareStackTrace gets them.

const GETTERS = ['getTypeName', 'getFunctionName', 'getMethodName', 'getFileName', 'getLineNumber', 'getColumnNumber', 'getEvalOrigin',
  'isToplevel', 'isEval', 'isNative', 'isConstructor', 'isAsync', 'isPromiseAll', 'getPromiseIndex', 'getScriptNameOrSourceURL', 'getScriptHash',
  'getEnclosingLineNumber', 'getEnclosingColumnNumber', 'getPosition'];

function sitesOf(make) {
  const before = Error.prepareStackTrace;
  Error.prepareStackTrace = (_, sites) => sites;
  try {
    return make().stack;
  } finally {
    Error.prepareStackTrace = before;
  }
}

const told = (site) => Object.fromEntries(GETTERS.filter((name) => name !== 'getScriptHash' && name !== 'getPosition').map((name) => {
  try { return [name, site[name]()] } catch (e) { return [name, e.name] }
}));

const object = { method() { return new Error('x') } };
class Class { constructor(keep) { if (keep) this.error = new Error('x') } method() { return new Error('x') } static fixed() { return new Error('x') } }
function plain() { return new Error('x'); }

export const sites = {
  'site: of a function': () => told(sitesOf(() => plain())[0]),
  'site: of a method': () => told(sitesOf(() => object.method())[0]),
  'site: of a class method': () => told(sitesOf(() => new Class().method())[0]),
  'site: of a static method': () => told(sitesOf(() => Class.fixed())[0]),
  'site: of a constructor': () => told(sitesOf(() => new Class(true).error)[0]),
  'site: of an arrow': () => told(sitesOf(() => new Error('x'))[0]),
  'site: of a native function': () => told(sitesOf(() => [1].map(() => new Error('x'))[0])[1]),
  'site: as text': () => sitesOf(() => object.method()).slice(0, 2).map(String),
  'site: names': () => Object.getOwnPropertyNames(Object.getPrototypeOf(sitesOf(plain)[0])).sort(),
  'site: tag': () => Object.prototype.toString.call(sitesOf(plain)[0]),
  'site: functions are hidden': () => { const [site] = sitesOf(plain); return [site.getFunction(), site.getThis()] },
  'site: a getter on something else': () => { const [site] = sitesOf(plain); try { return site.getLineNumber.call({}) } catch (e) { return e.name } },
  'prepare: called when': () => { const log = []; Error.prepareStackTrace = (e, sites) => { log.push(e.message); return 'prepared' }; const e = new Error('first'); log.push('made'); const s = e.stack; log.push('read'); e.stack; Error.prepareStackTrace = undefined; return [log, s] },
  'prepare: gets the error': () => { let same; Error.prepareStackTrace = (e) => { same = e; return 1 }; const e = new Error('x'); const s = e.stack; Error.prepareStackTrace = undefined; return [same === e, s] },
  'prepare: throws': () => { Error.prepareStackTrace = () => { throw new RangeError('inside') }; let r; try { r = typeof new Error('x').stack } catch (e) { r = e.message } Error.prepareStackTrace = undefined; return r },
  'prepare: not a function': () => { Error.prepareStackTrace = 5; const s = new Error('x').stack.split('\n')[0]; Error.prepareStackTrace = undefined; return s },
  'prepare: on capture': () => { Error.prepareStackTrace = (o, sites) => [Object.keys(o).length, sites[0].getFunctionName()]; const o = { a: 1 }; (function named() { Error.captureStackTrace(o); })(); const s = o.stack; Error.prepareStackTrace = undefined; return s },
  'prepare: callsites idiom': () => { const before = Error.prepareStackTrace; Error.prepareStackTrace = (_, stack) => stack; const stack = new Error().stack.slice(1); Error.prepareStackTrace = before; return [Array.isArray(stack), typeof stack[0]?.getFileName()] },
  'prepare: depd idiom': () => { const lim = Error.stackTraceLimit, obj = {}, prep = Error.prepareStackTrace; Error.prepareStackTrace = (o, s) => s; Error.stackTraceLimit = Math.max(10, lim); Error.captureStackTrace(obj); const stack = obj.stack; Error.prepareStackTrace = prep; Error.stackTraceLimit = lim; return [stack.length > 1, typeof stack[0].getThis, stack[0].isEval(), stack[0].isNative()] },
  'prepare: before it is set': () => [typeof Error.prepareStackTrace, Error.stackTraceLimit],
};
