// DOMException, by the Web IDL standard, with workerd's shape: name, message, code and stack lie on the exception.
const CODES = [
  ['IndexSizeError', 'INDEX_SIZE_ERR'], ['DOMStringSizeError', 'DOMSTRING_SIZE_ERR'],
  ['HierarchyRequestError', 'HIERARCHY_REQUEST_ERR'], ['WrongDocumentError', 'WRONG_DOCUMENT_ERR'],
  ['InvalidCharacterError', 'INVALID_CHARACTER_ERR'], ['NoDataAllowedError', 'NO_DATA_ALLOWED_ERR'],
  ['NoModificationAllowedError', 'NO_MODIFICATION_ALLOWED_ERR'], ['NotFoundError', 'NOT_FOUND_ERR'],
  ['NotSupportedError', 'NOT_SUPPORTED_ERR'], ['InUseAttributeError', 'INUSE_ATTRIBUTE_ERR'],
  ['InvalidStateError', 'INVALID_STATE_ERR'], ['SyntaxError', 'SYNTAX_ERR'],
  ['InvalidModificationError', 'INVALID_MODIFICATION_ERR'], ['NamespaceError', 'NAMESPACE_ERR'],
  ['InvalidAccessError', 'INVALID_ACCESS_ERR'], ['ValidationError', 'VALIDATION_ERR'],
  ['TypeMismatchError', 'TYPE_MISMATCH_ERR'], ['SecurityError', 'SECURITY_ERR'], ['NetworkError', 'NETWORK_ERR'],
  ['AbortError', 'ABORT_ERR'], ['URLMismatchError', 'URL_MISMATCH_ERR'], ['QuotaExceededError', 'QUOTA_EXCEEDED_ERR'],
  ['TimeoutError', 'TIMEOUT_ERR'], ['InvalidNodeTypeError', 'INVALID_NODE_TYPE_ERR'],
  ['DataCloneError', 'DATA_CLONE_ERR'],
];
const BY_NAME = new Map(CODES.map(([name], i) => [name, i + 1]));
const { defineProperty } = Object;
const { captureStackTrace } = Error;

function text(value, fallback) {
  if (value === undefined) return fallback;
  if (typeof value === 'symbol') throw new TypeError('Cannot convert a Symbol value to a string');
  return `${value}`;
}

function own(object, name, value, writable) {
  defineProperty(object, name, { value, writable, enumerable: true, configurable: true });
}

// An error by its prototype alone, as on workerd: Error.isError says no.
export class DOMException {
  constructor(message = undefined, name = undefined) {
    message = text(message, '');
    name = text(name, 'Error');
    own(this, 'code', BY_NAME.get(name) ?? 0, false);
    own(this, 'name', name, false);
    own(this, 'message', message, false);
    captureStackTrace(this, new.target);
    own(this, 'stack', this.stack, true);
  }
}

Object.setPrototypeOf(DOMException.prototype, Error.prototype);

CODES.forEach(([, constant], i) => {
  for (const object of [DOMException, DOMException.prototype]) {
    defineProperty(object, constant, { value: i + 1, enumerable: true, configurable: true });
  }
});
defineProperty(DOMException, 'length', { value: 0 });
defineProperty(DOMException.prototype, Symbol.toStringTag, { value: 'DOMException', writable: true, configurable: true });
