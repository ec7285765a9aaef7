// `switchyard:host` for the bare qjs binary: just enough to load every platform file in the engine they are
// written for and answer a request. Behaviour is tested in node (run.mjs); this is for what the engine lacks.
const callbacks = new Map();
export const ops = [];
let context;

export function op(kind, id, ...values) {
  ops.push([kind, id, ...values]);
  if (kind === 7) Promise.resolve().then(() => callbacks.get(1)(id, 2));
  if (kind === 9 || kind === 5) Promise.resolve().then(() => callbacks.get(1)(id, 0));
  return 0;
}
export function event(kind, id, status, ...values) {
  return callbacks.get(kind)(id, status, ...values);
}
export function start(namespace) {
  return callbacks.get(-1)(namespace);
}
export function sync(kind, ...values) {
  if (kind === 3) {
    const match = /^([a-z]+:)\/\/([^/:?#]*)(?::(\d+))?([^?#]*)(\?[^#]*)?(#.*)?$/.exec(values[0]);
    if (match === null) return undefined;
    const [href, protocol, hostname, port = '', path, search = '', hash = ''] = match;
    const host = port ? `${hostname}:${port}` : hostname;
    return [href, protocol, '', '', host, hostname, port, path || '/', search, hash, `${protocol}//${host}`];
  }
  if (kind === 5) return new Uint8Array(values[0]);
  if (kind === 9) return false;
  if (kind === 10) return [];
  return undefined;
}
export const crypto = () => new ArrayBuffer(32);
export const now = () => Date.now();
export function register(kind, callback) {
  callbacks.set(kind, callback);
}
export function utf8Encode(text) {
  const bytes = unescape(encodeURIComponent(text.toWellFormed()));
  return Uint8Array.from(bytes, (char) => char.charCodeAt(0));
}
export function utf8Decode(bytes) {
  const view = ArrayBuffer.isView(bytes) ? bytes : new Uint8Array(bytes);
  return decodeURIComponent(escape(String.fromCharCode(...view)));
}
export const utf8Length = (text) => utf8Encode(text).length;
export const contextGet = () => context;
export function contextSet(value) {
  const previous = context;
  context = value;
  return previous;
}
export const promiseState = () => 0;
export const isPromise = (value) => value instanceof Promise;
export const detach = (buffer) => {
  buffer.transfer();
};
export function kind(value) {
  const name = Object.prototype.toString.call(value).slice(8, -1);
  return ['Map', 'Set', 'Date', 'RegExp', 'Promise', 'ArrayBuffer', 'DataView', 'Error'].includes(name) ? name : null;
}
