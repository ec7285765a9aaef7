// `switchyard:host` for node: the guest's side of ABI.md played by node's own URL, crypto and encodings, so that
// the platform's behaviour is tested without the engine. `control` is the tests' view of what the guest did.
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomFillSync } from 'node:crypto';
import { types, inspect } from 'node:util';
import { compute } from './mock-crypto.mjs';

const native = {
  URL, TextEncoder, TextDecoder, setTimeout, clearTimeout, structuredClone, console, queueMicrotask, setImmediate,
};
const encoder = new native.TextEncoder();

// What node 20's engine lacks and QuickJS-NG has.
ArrayBuffer.prototype.transfer ??= function () {
  const copy = this.slice(0);
  native.structuredClone(this, { transfer: [this] });
  return copy;
};

const slot = new AsyncLocalStorage();
const callbacks = new Map();
const timers = new Map();

export const control = {
  native,
  ops: [], // [kind, id, ...values]
  waiters: [],
  streams: new Map(), // host stream -> array of chunks (Uint8Array), or Error
  globalScope: false,
  refuse: 0, // what op answers
  fetch: null, // (op) -> values of the completion
  bindings: [],
  flags: [], // the compatibility flags that are on
  small: true, // STREAM_SMALL answers
  writeDelay: 0,

  event(kind, id, status, ...values) {
    return callbacks.get(kind)(id, status, ...values);
  },
  start(namespace) {
    return callbacks.get(-1)(namespace);
  },
  take(kind, id) {
    const at = control.ops.findIndex((op) => op[0] === kind && (id === undefined || op[1] === id));
    return at < 0 ? undefined : control.ops.splice(at, 1)[0];
  },
  // The next op of a kind, when it comes.
  async wait(kind, id, milliseconds = 2000) {
    const end = Date.now() + milliseconds;
    for (;;) {
      const op = control.take(kind, id);
      if (op !== undefined) return op;
      if (Date.now() > end) throw new Error(`no op ${kind} came; there are ${inspect(control.ops)}`);
      await new Promise((resolve) => native.setTimeout(resolve, 1));
    }
  },
  stream(...chunks) {
    const id = 1000 + control.streams.size;
    control.streams.set(id, chunks.map((chunk) => (typeof chunk === 'string' ? encoder.encode(chunk) : chunk)));
    return id;
  },
  within(context, run) {
    return slot.run({ value: context }, run);
  },
};

function complete(id, status, ...values) {
  slot.run({ value: undefined }, () => callbacks.get(1)(id, status, ...values));
}

export function op(kind, id, ...values) {
  for (const value of values) {
    const good = value === null || value === undefined || ['number', 'string', 'boolean'].includes(typeof value) ||
      ArrayBuffer.isView(value) || value instanceof ArrayBuffer;
    if (!good) throw new TypeError(`op ${kind}: not a wire value: ${inspect(value)}`);
  }
  if (typeof id !== 'number') throw new TypeError(`op ${kind}: id is ${inspect(id)}`);
  const startsWork = kind === 3 || kind === 5 || kind === 7 || kind === 9;
  if (startsWork && (control.refuse || control.globalScope)) return control.refuse || 1;
  if (kind === 9) values[1] = typeof values[1] === 'string' ? encoder.encode(values[1]) : new Uint8Array(values[1]).slice();
  control.ops.push([kind, id, ...values]);
  if (kind === 5) {
    timers.set(id, native.setTimeout(() => {
      timers.delete(id);
      complete(id, 0);
    }, values[0]));
  } else if (kind === 56) {
    native.setImmediate(() => complete(id, 0));
  } else if (kind === 16) {
    native.clearTimeout(timers.get(id));
    timers.delete(id);
  } else if (kind === 7) {
    const chunks = control.streams.get(values[0]);
    native.setTimeout(() => {
      if (chunks === undefined || chunks.cancelled) return;
      const chunk = chunks.shift();
      if (chunk === undefined) complete(id, 2);
      else if (chunk instanceof Error) complete(id, 1, chunk.name, chunk.message);
      else complete(id, 0, chunk.slice());
    }, 0);
  } else if (kind === 8) {
    const chunks = control.streams.get(id);
    if (chunks) chunks.cancelled = true;
  } else if (kind === 9) {
    native.setTimeout(() => complete(id, 0), control.writeDelay);
  } else if (kind === 3 && control.fetch !== null) {
    Promise.resolve(control.fetch([kind, id, ...values])).then(
      (answer) => answer !== undefined && complete(id, 0, ...answer),
      (error) => complete(id, 1, error.name, error.message));
  }
  return 0;
}

function parts(url) {
  return [url.href, url.protocol, url.username, url.password, url.host, url.hostname, url.port, url.pathname,
    url.search, url.hash, url.origin];
}

export function sync(kind, ...values) {
  switch (kind) {
    case 3:
      try {
        return parts(new native.URL(values[0], values[1] ?? undefined));
      } catch {
        return undefined;
      }
    case 4: {
      const url = new native.URL(values[0]);
      url[values[1]] = values[2];
      return parts(url);
    }
    case 5:
      return control.globalScope ? undefined : randomFillSync(new Uint8Array(values[0]));
    case 6: {
      const [label, bytes, fatal, ignoreBOM, state, stream] = values;
      const all = new Uint8Array([...(state ?? []), ...bytes]);
      // The state is simply the bytes of an unfinished UTF-8 sequence.
      let whole = all.length;
      if (stream && label === 'utf-8') {
        for (let back = 1; back <= 3 && back <= all.length; back++) {
          const byte = all[all.length - back];
          if ((byte & 0xc0) === 0x80) continue;
          const need = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
          if (need > back) whole = all.length - back;
          break;
        }
      }
      try {
        return [new native.TextDecoder(label, { fatal, ignoreBOM }).decode(all.subarray(0, whole)), all.slice(whole)];
      } catch {
        return undefined;
      }
    }
    case 7:
      try {
        return new native.TextDecoder(values[0]).encoding;
      } catch {
        return undefined;
      }
    case 9:
      return control.globalScope;
    case 10:
      return control.bindings;
    case 30:
      return control.flags.flatMap((name) => [name, true]);
    case 11: {
      const chunks = control.streams.get(values[0]);
      if (!control.small || chunks.some((chunk) => chunk instanceof Error)) return undefined;
      return new Uint8Array(chunks.splice(0).flatMap((chunk) => [...chunk]));
    }
  }
  throw new Error(`unknown question ${kind}`);
}

export function crypto(room, what, ...values) {
  const answer = compute(what, values);
  if (Array.isArray(answer)) return answer;
  return answer.buffer.slice(answer.byteOffset, answer.byteOffset + answer.byteLength);
}

export const now = () => Date.now();
export function register(kind, callback) {
  callbacks.set(kind, callback);
}
export const utf8Encode = (text) => encoder.encode(text);
export const utf8Decode = (bytes, fatal, ignoreBOM) => new native.TextDecoder('utf-8', { fatal, ignoreBOM }).decode(bytes);
export const utf8Length = (text) => encoder.encode(text).length;
export const contextRaw = () => slot.getStore()?.value;
export const contextGet = () => {
  const raw = contextRaw();
  return Array.isArray(raw) ? raw[0] : raw;
};
export function contextSet(value) {
  const previous = slot.getStore()?.value;
  slot.enterWith({ value });
  return previous;
}
export function promiseState(promise) {
  const text = inspect(promise);
  return text.includes('<pending>') ? 0 : text.includes('<rejected>') ? 2 : 1;
}
// Node shows what a promise holds, and does not hand it out.
export function promiseResult(promise) {
  const [, text] = /^Promise \{\s*(?:<rejected> )?(.*?)(?:,\n  \[Symbol\(async.*)?\s*\}$/s.exec(inspect(promise));
  return { [inspect.custom]: () => text };
}
// Nor the target of a proxy.
export const proxyParts = () => undefined;
export const isPromise = types.isPromise;
export const plainUrl = () => -1;
const settlers = new WeakMap();
export function promise() {
  const { promise, resolve, reject } = Promise.withResolvers?.() ?? withResolvers();
  settlers.set(promise, [resolve, reject]);
  return promise;
}
function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
export const settle = (promise, value, rejects) => settlers.get(promise)[rejects ? 1 : 0](value);
export const detach = (buffer) => {
  native.structuredClone(buffer, { transfer: [buffer] });
};
export function kind(value) {
  if (typeof value === 'function') return value.constructor?.name?.endsWith('Function') ? value.constructor.name : 'Function';
  if (typeof value !== 'object' || value === null) return null;
  if (types.isProxy(value)) return 'Proxy';
  if (types.isNativeError(value)) return 'Error';
  if (value instanceof DOMException) return 'DOMException';
  for (const name of ['Map', 'Set', 'Date', 'RegExp', 'Promise', 'ArrayBuffer', 'SharedArrayBuffer', 'DataView']) {
    if (types[`is${name}`](value)) return name;
  }
  if (types.isTypedArray(value)) return value[Symbol.toStringTag];
  if (types.isArgumentsObject(value)) return 'Arguments';
  if (types.isMapIterator(value)) return 'Map Iterator';
  if (types.isSetIterator(value)) return 'Set Iterator';
  if (types.isGeneratorObject(value)) return 'Generator';
  if (types.isWeakMap(value)) return 'WeakMap';
  if (types.isWeakSet(value)) return 'WeakSet';
  if (types.isModuleNamespaceObject(value)) return 'Module';
  if (types.isBoxedPrimitive(value)) return Object.prototype.toString.call(value).slice(8, -1);
  return null;
}
export const stringify = (value) => JSON.stringify(value);
export const runScript = (name, source) => (0, eval)(source);
