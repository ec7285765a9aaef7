// The Worker's env: built from the bindings the host sends after an instance is restored (event ENV), or asks
// for when module code reads it before that. Service bindings and dispatch namespaces are stubs around numbers.
// An outbound Worker's request has an env of its own, with the dispatcher's parameters in it.
import * as host from 'switchyard:host';
import { make } from 'switchyard:host';
import { EVENT_ENV, SYNC_ENV } from './abi.js';
import { ExecutionContext, ownEnv } from './context.js';
import { boundKey } from './crypto-subtle.js';
import { tag } from './errors.js';
import { fetchThrough } from './fetch.js';
import { notOfType } from './idl.js';
import { URL } from './url.js';

const TOKEN = Symbol('binding');
const MAKE_KEYS = 1; // status of event ENV

const TEXT = 0;
const JSON_TEXT = 1;
const FETCHER = 2;
const DISPATCH_NAMESPACE = 3;
const VERSION_METADATA = 4;
const SECRET_KEY = 5;

// Another Worker: a service binding, or one of a dispatch namespace (with its name and options).
class Fetcher {
  #binding;
  #name;
  #options;

  constructor(token, binding, name, options) {
    if (token !== TOKEN) throw new TypeError('Illegal constructor');
    this.#binding = binding;
    this.#name = name;
    this.#options = options;
  }

  fetch(input, init) {
    return fetchThrough(this.#binding, this.#name, this.#options, arguments.length, input, init, 'Fetcher');
  }
}
tag(Fetcher);
const MADE_FETCHER = host.template(new Fetcher(TOKEN, 0, null, null));
for (const method of [Fetcher.prototype.fetch]) Object.defineProperty(method, 'length', { value: 0 });

// What a Fetcher had for namespaces of keys, before these had a binding of their own.
export function addStorageMethods() {
  for (const method of Object.values(storage)) {
    Object.defineProperty(Fetcher.prototype, method.name, { value: method, writable: true, configurable: true, enumerable: true });
  }
}

const KINDS = ['text', 'arrayBuffer', 'json', 'stream'];

// The response of `method`, if it says that all is well.
async function asked(fetcher, method, url, init) {
  const response = await fetcher.fetch(url, { ...init, method });
  if (response.ok || method === 'GET' && response.status === 404) return response;
  throw new Error(`HTTP ${method} request failed: ${response.status} ${response.statusText}`);
}

const storage = {
  async get(url, type = undefined) {
    if (typeof url !== 'string') throw notOfType('get', 'Fetcher', 1, 'string');
    const kind = type === undefined ? 'text' : `${type}`;
    const response = await asked(this, 'GET', url);
    if (response.status === 404) return null;
    if (!KINDS.includes(kind)) {
      throw new TypeError('Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".');
    }
    return kind === 'stream' ? response.body : response[kind]();
  },

  async put(url, body, options = undefined) {
    if (typeof url !== 'string') throw notOfType('put', 'Fetcher', 1, 'string');
    const to = new URL(url);
    for (const [name, parameter] of [['expiration', 'expiration'], ['expirationTtl', 'expiration_ttl']]) {
      if (options?.[name] !== undefined) to.searchParams.append(parameter, options[name]);
    }
    await asked(this, 'PUT', to.href, { body });
  },

  async delete(url) {
    if (typeof url !== 'string') throw notOfType('delete', 'Fetcher', 1, 'string');
    await asked(this, 'DELETE', url);
  },
};

function isFilled(value) {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

class DispatchNamespace {
  #binding;

  constructor(token, binding) {
    if (token !== TOKEN) throw new TypeError('Illegal constructor');
    this.#binding = binding;
  }

  // Looks nothing up: a missing Worker shows at its fetch.
  get(name, args, options) {
    const json = args === undefined && options === undefined ? null : given(args, options);
    return make(MADE_FETCHER, this.#binding, typeof name === 'string' ? name : String(name), json);
  }
}
tag(DispatchNamespace, 'DispatchNamespace');
const MADE_NAMESPACE = host.template(new DispatchNamespace(TOKEN, 0));
Object.defineProperty(DispatchNamespace.prototype.get, 'length', { value: 1 });

function given(args, options) {
  const limits = options?.limits;
  const outbound = options?.outbound;
  if (!isFilled(args) && !isFilled(limits) && !isFilled(outbound)) return null;
  return JSON.stringify({
    args: isFilled(args) ? args : undefined,
    limits: isFilled(limits) ? limits : undefined,
    outbound: isFilled(outbound) ? outbound : undefined,
  });
}

// A key is made when it is first looked at: most requests do without, and some keys take long to read.
function bindKey(env, name, json) {
  const settled = (value) => Object.defineProperty(env, name, { value, writable: true, enumerable: true, configurable: true });
  Object.defineProperty(env, name, {
    get() {
      const key = boundKey(name, json);
      settled(key);
      return key;
    },
    set: settled,
    enumerable: true,
    configurable: true,
  });
}

// The bindings come flat: kind, name, value, kind, name, value…
function build(values) {
  const env = {};
  for (let i = 0; i < values.length; i += 3) {
    const name = values[i + 1];
    const kind = values[i];
    if (kind === DISPATCH_NAMESPACE) {
      env[name] = make(MADE_NAMESPACE, i / 3);
      continue;
    }
    switch (kind) {
      case TEXT:
        env[name] = values[i + 2];
        break;
      case JSON_TEXT:
      case VERSION_METADATA:
        env[name] = JSON.parse(values[i + 2]);
        break;
      case SECRET_KEY:
        bindKey(env, name, values[i + 2]);
        break;
      case FETCHER:
        env[name] = make(MADE_FETCHER, i / 3);
        break;
    }
  }
  return env;
}

export let current = null; // null until it is asked for

// An env of which training calls the bindings.
export function trainingEnv() {
  return build([DISPATCH_NAMESPACE, 'dispatcher', null]);
}

let written = null; // what the script set on `env` of cloudflare:workers before the bindings came

export function currentEnv() {
  if (current === null) {
    const values = host.sync(SYNC_ENV);
    current = values === undefined || values === null ? {} : build(values);
  }
  return current;
}

// Text and JSON bindings alone, each as its text: what process.env begins with.
export function textBindings() {
  const values = host.sync(SYNC_ENV) ?? [];
  const env = {};
  for (let i = 0; i < values.length; i += 3) {
    if (values[i] === TEXT || values[i] === JSON_TEXT) env[values[i + 1]] = values[i + 2];
  }
  return env;
}

const parse = JSON.parse;

// An object of its own: the instance's other requests must not see the parameters.
function withParameters(json) {
  return { ...currentEnv(), ...parse(json) };
}

export function requestEnv(ctx) {
  return ownEnv(ctx, withParameters) ?? currentEnv();
}

// Set by withEnv() of cloudflare:workers, for all that comes of its callback.
let overridden = null;

export function overrideEnv(env, run) {
  overridden ??= new (host.importNow('node:async_hooks').AsyncLocalStorage)();
  return overridden.run(env, run);
}

function envHere() {
  const other = overridden === null ? undefined : overridden.getStore();
  if (other !== undefined) return other;
  const ctx = host.contextGet();
  return ctx instanceof ExecutionContext ? requestEnv(ctx) : currentEnv();
}

// `env` of cloudflare:workers: mirrors the handlers' env, and is not the same object (as on workerd).
export const importedEnv = new Proxy({}, {
  get: (_, key) => envHere()[key],
  has: (_, key) => key in envHere(),
  ownKeys: () => Reflect.ownKeys(envHere()),
  set: (_, key, value) => {
    envHere()[key] = value;
    (written ??= {})[key] = value;
    return true;
  },
  deleteProperty: (_, key) => delete envHere()[key],
  defineProperty: (_, key, descriptor) => Reflect.defineProperty(envHere(), key, descriptor),
  getOwnPropertyDescriptor: (_, key) => {
    const descriptor = Object.getOwnPropertyDescriptor(envHere(), key);
    if (descriptor !== undefined) descriptor.configurable = true;
    return descriptor;
  },
});

// A service-worker script has its bindings as globals.
let globals = null;

export function bindGlobals(target) {
  globals = target;
  const env = currentEnv();
  for (const name of Object.keys(env)) {
    Object.defineProperty(target, name, { value: env[name], writable: true, enumerable: true, configurable: true });
  }
}

export function installEnv() {
  host.register(EVENT_ENV, (id, status, ...values) => {
    current = build(values);
    if (status === MAKE_KEYS) for (const name of Object.keys(current)) current[name];
    if (written !== null) Object.assign(current, written);
    if (globals !== null) bindGlobals(globals);
  });
}

export function forgetEnv() {
  current = written = globals = null;
}
