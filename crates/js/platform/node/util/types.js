// `node:util/types`: what a value is by the engine's own classes, whatever its prototype says.
import * as host from 'switchyard:host';

const kind = (value) => host.kind(value);
const is = (name) => (value) => kind(value) === name;
const TypedArray = Object.getPrototypeOf(Uint8Array);
const nameOf = Object.getOwnPropertyDescriptor(TypedArray.prototype, Symbol.toStringTag).get;
const typed = (name) => (value) => nameOf.call(value) === name;

export const isArgumentsObject = (value) => kind(value) === 'Arguments';
export const isArrayBuffer = is('ArrayBuffer');
export const isSharedArrayBuffer = is('SharedArrayBuffer');
export const isAnyArrayBuffer = (value) => isArrayBuffer(value) || isSharedArrayBuffer(value);
export const isArrayBufferView = (value) => ArrayBuffer.isView(value);
export const isAsyncFunction = (value) => kind(value) === 'AsyncFunction' || kind(value) === 'AsyncGeneratorFunction';
export const isBigInt64Array = typed('BigInt64Array');
export const isBigIntObject = is('BigInt');
export const isBigUint64Array = typed('BigUint64Array');
export const isBooleanObject = is('Boolean');
export const isBoxedPrimitive = (value) => ['Number', 'String', 'Boolean', 'BigInt', 'Symbol'].includes(kind(value));
export const isCryptoKey = (value) => typeof globalThis.CryptoKey === 'function' && value instanceof globalThis.CryptoKey;
export const isDataView = is('DataView');
export const isDate = is('Date');
export const isExternal = () => false;
export const isFloat16Array = typed('Float16Array');
export const isFloat32Array = typed('Float32Array');
export const isFloat64Array = typed('Float64Array');
export const isGeneratorFunction = (value) => kind(value) === 'GeneratorFunction' || kind(value) === 'AsyncGeneratorFunction';
export const isGeneratorObject = (value) => kind(value) === 'Generator' || kind(value) === 'AsyncGenerator';
export const isInt16Array = typed('Int16Array');
export const isInt32Array = typed('Int32Array');
export const isInt8Array = typed('Int8Array');
export const isKeyObject = () => false;
export const isMap = is('Map');
export const isMapIterator = is('Map Iterator');
export const isModuleNamespaceObject = is('Module');
export const isNativeError = is('Error');
export const isNumberObject = is('Number');
export const isPromise = (value) => host.isPromise(value);
export const isProxy = is('Proxy');
export const isRegExp = is('RegExp');
export const isSet = is('Set');
export const isSetIterator = is('Set Iterator');
export const isStringObject = is('String');
export const isSymbolObject = is('Symbol');
export const isTypedArray = (value) => nameOf.call(value) !== undefined;
export const isUint16Array = typed('Uint16Array');
export const isUint32Array = typed('Uint32Array');
export const isUint8Array = typed('Uint8Array');
export const isUint8ClampedArray = typed('Uint8ClampedArray');
export const isWeakMap = is('WeakMap');
export const isWeakSet = is('WeakSet');

// In the order of workerd's.
export default {
  isCryptoKey, isKeyObject, isAsyncFunction, isGeneratorFunction, isGeneratorObject, isAnyArrayBuffer, isArrayBuffer,
  isArgumentsObject, isBoxedPrimitive, isDataView, isMap, isMapIterator, isModuleNamespaceObject, isNativeError,
  isPromise, isProxy, isSet, isSetIterator, isSharedArrayBuffer, isWeakMap, isWeakSet, isRegExp, isDate,
  isStringObject, isSymbolObject, isNumberObject, isBooleanObject, isBigIntObject, isArrayBufferView,
  isBigInt64Array, isBigUint64Array, isFloat16Array, isFloat32Array, isFloat64Array, isInt8Array, isInt16Array,
  isInt32Array, isTypedArray, isUint8Array, isUint8ClampedArray, isUint16Array, isUint32Array, isExternal,
};
