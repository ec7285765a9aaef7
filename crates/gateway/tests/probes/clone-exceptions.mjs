// DOMException: names, codes, constants, stack, and as a value to clone.
import { tries } from './show.mjs';

const NAMES = ['IndexSizeError', 'DOMStringSizeError', 'HierarchyRequestError', 'WrongDocumentError', 'InvalidCharacterError', 'NoDataAllowedError', 'NoModificationAllowedError', 'NotFoundError', 'NotSupportedError', 'InUseAttributeError', 'InvalidStateError', 'SyntaxError', 'InvalidModificationError', 'NamespaceError', 'InvalidAccessError', 'ValidationError', 'TypeMismatchError', 'SecurityError', 'NetworkError', 'AbortError', 'URLMismatchError', 'QuotaExceededError', 'TimeoutError', 'InvalidNodeTypeError', 'DataCloneError', 'EncodingError', 'NotReadableError', 'UnknownError', 'ConstraintError', 'DataError', 'TransactionInactiveError', 'ReadOnlyError', 'VersionError', 'OperationError', 'NotAllowedError', 'Error', 'x'];
const descriptor = (object, name) => { const found = Object.getOwnPropertyDescriptor(object, name); return found && { ...found, value: typeof found.value === 'string' ? 'text' : found.value }; };

export const exceptions = {
  'exception codes': () => NAMES.map((name) => `${name} ${new DOMException('m', name).code}`),
  'exception arguments': () => tries(...[[], ['m'], ['m', 'n'], [undefined, undefined], [null, null], [5, 6], ['m', { name: 'n', cause: 7 }], ['m', {}], ['m', { cause: undefined }], [{}]].map((args) => () => { const e = new DOMException(...args); return [e.message, e.name, e.code, 'cause' in e, e.cause]; })),
  'exception refused': () => tries(() => new DOMException(Symbol('x')), () => new DOMException('m', Symbol('x'))),
  'exception is an error': () => { const e = new DOMException('m', 'AbortError'); return [e instanceof Error, e instanceof DOMException, Object.getPrototypeOf(DOMException.prototype) === Error.prototype, String(e), Object.prototype.toString.call(e), Error.isError(e), e.constructor.name]; },
  'exception stack': () => { const e = new DOMException('m', 'AbortError'); return [typeof e.stack, e.stack.split('\n')[0], descriptor(e, 'stack')]; },
  'exception constants': () => [Object.entries(Object.getOwnPropertyDescriptors(DOMException)).filter(([name]) => name.endsWith('_ERR')).map(([name, { value, writable, enumerable, configurable }]) => `${name} ${value} ${writable} ${enumerable} ${configurable}`), DOMException.prototype.DATA_CLONE_ERR, new DOMException().ABORT_ERR],
  'exception shape': () => [Object.getOwnPropertyNames(DOMException.prototype).filter((name) => !name.endsWith('_ERR')).sort(), Object.keys(new DOMException('m')), DOMException.length, ['message', 'name', 'code'].map((name) => typeof Object.getOwnPropertyDescriptor(DOMException.prototype, name)?.get), Reflect.ownKeys(new DOMException('m')).map(String).sort()],
  'exception read-only': () => tries(() => { const e = new DOMException('m'); e.message = 'x'; return e.message; }, () => { const e = new DOMException('m', 'n'); e.name = 'x'; return e.name; }, () => { const e = new DOMException('m'); e.stack = 'x'; return e.stack; }),
  'exception clone': () => { const from = new DOMException('m', 'AbortError'); const copy = structuredClone(from); return [copy, copy.code, copy instanceof DOMException, copy.stack === from.stack, copy !== from]; },
  'exception in JSON': () => [new DOMException('m', 'n'), { ...new DOMException('m') }].map((e) => JSON.stringify(e, (key, value) => (key === 'stack' ? typeof value : value))),
  'exception subclass': () => { class Mine extends DOMException { constructor() { super('m', 'Mine'); } } const e = new Mine(); return [e.name, e.code, e instanceof Mine, e instanceof DOMException]; },
  'exception with a cause': () => { const e = new DOMException('m', { name: 'n', cause: 1 }); return [descriptor(e, 'cause'), e.cause]; },
  'exception captured': () => { const e = {}; Error.captureStackTrace(e); return typeof e.stack; },
};
