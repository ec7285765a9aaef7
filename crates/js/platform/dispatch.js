// A Worker's start and its requests: what its module exports (workerd's rules for default and named exports),
// and from DISPATCH to RESPOND or THROW. The path of a hello is here: it makes a Request, a ctx and no more.
import * as host from 'switchyard:host';
import { contextSet, isOf, isPromise, make, react } from 'switchyard:host';
import { EVENT_DISPATCH, EVENT_START, EVENT_TAIL, OP_ENDED, OP_STARTED, OP_THROW } from './abi.js';
import { CONTEXT, answered, carried, carry, passes, reportException, requestId } from './context.js';
import { WorkerEntrypoint } from './entrypoint.js';
import { current, currentEnv, requestEnv } from './env.js';
import { describeThrown } from './errors.js';
import { fetch } from './fetch.js';
import { left, rejectLeft } from './ops.js';
import { REQUEST } from './request.js';
import { RESPONSE, sendResponse } from './response.js';
import { asItCame, listening } from './service-worker.js';
import { traceItems } from './trace.js';

const HANDLERS = ['fetch', 'scheduled', 'queue', 'tail', 'trace', 'tailStream', 'email', 'test', 'alarm'];

// One export that can be called. fetch is looked up once, at the start, as on workerd; a class's at each request.
class Entrypoint {
  constructor(target, entrypointClass, fetch) {
    this.target = target;
    this.class = entrypointClass;
    this.fetch = fetch;
  }
}

let main = null;
let named = null;
const then = Promise.prototype.then;
const stringify = JSON.stringify;

function isEntrypointClass(value) {
  return typeof value === 'function' && value.prototype instanceof WorkerEntrypoint;
}

function checkExport(name, value) {
  if (value === undefined || value === null) {
    throw new TypeError('Cannot initialize N7workerd3api15ExportedHandlerE with required members from an ' +
      'undefined or null value.');
  }
  if (typeof value !== 'object' && typeof value !== 'function') {
    throw new TypeError(`Incorrect type for map entry '${name}': the provided value is not of type ` +
      "'function or ExportedHandler'.");
  }
}

// What an export can handle, by name: all methods of a class, the known ones of an object.
function handlersOf(value, fetch) {
  if (!isEntrypointClass(value)) {
    return HANDLERS.filter((name) => typeof (name === 'fetch' ? fetch : value[name]) === 'function');
  }
  const names = new Set();
  for (let at = value.prototype; at !== WorkerEntrypoint.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const { value: method } = Object.getOwnPropertyDescriptor(at, name);
      if (name !== 'constructor' && typeof method === 'function') names.add(name);
    }
  }
  return [...names];
}

export function start(namespace) {
  const report = { handlers: [], named: [], class: false };
  main = new Entrypoint(undefined, null, undefined);
  named = null;
  for (const name of Object.keys(namespace)) {
    const value = namespace[name];
    checkExport(name, value);
    const isClass = isEntrypointClass(value);
    const fetch = typeof value === 'object' ? value.fetch : undefined;
    const entrypoint = new Entrypoint(value, isClass ? value : null, fetch);
    const handlers = handlersOf(value, fetch);
    if (name === 'default') {
      main = entrypoint;
      report.handlers = handlers;
      report.class = isClass;
    } else {
      (named ??= { __proto__: null })[name] = entrypoint;
      report.named.push({ name, handlers, class: isClass });
    }
  }
  // Listeners count where nothing is exported.
  const service = main.target === undefined && named === null ? listening() : null;
  if (service !== null) {
    main = new Entrypoint(service.worker, null, service.worker.fetch);
    report.handlers = service.handlers;
  }
  host.op(OP_STARTED, 0, stringify(report));
}

// Entrypoints that only exist before the base is frozen.
let training = null;

export function setTraining(worker) {
  training = worker === null ? null : new Entrypoint(worker, null, worker.fetch);
}

function entrypoint(name) {
  if (name === null || name === 'default') return main;
  if (name === '__train' && training !== null) return training;
  return named?.[name];
}

const NO_FETCH = 'Handler does not export a fetch() function.';

function invokeClass(entry, request, env, ctx) {
  const instance = new entry.class(ctx, env);
  if (typeof instance.fetch !== 'function') throw new Error(NO_FETCH);
  return instance.fetch(request, env, ctx);
}

function respond(ctx, value) {
  try {
    if (!isOf(RESPONSE, value)) throw new TypeError("Callback returned incorrect type; expected 'Promise'");
    sendResponse(requestId(ctx), value, ctx);
  } catch (error) {
    fail(ctx, error, carried(ctx));
  }
}

function fail(ctx, error, request) {
  if (passes(ctx)) {
    reportException(ctx, error);
    then.call(fetch(asItCame(request)), settled, failed);
    return;
  }
  const [name, message, stack] = describeThrown(error);
  host.op(OP_THROW, requestId(ctx), name, message, stack, answered(ctx));
}

// Reactions of the handler's promise. They run in the context of the request, which says whose they are: no
// closure a request is needed.
function settled(value) {
  respond(host.contextGet(), value);
}

function failed(error) {
  const ctx = host.contextGet();
  fail(ctx, error, carried(ctx));
}

// The slot is left to the request: what the engine runs next has its own, or none.
function dispatch(id, console, method, url, headers, stream, length, name, props, parameters) {
  if (left !== null) rejectLeft();
  const ctx = make(CONTEXT, id, props, parameters, console);
  contextSet(ctx, id);
  let request = null;
  try {
    request = make(REQUEST, method, url, headers, stream < 0 ? null : stream, length, null, ctx);
    const entry = name === null ? main : entrypoint(name);
    if (entry === undefined || entry === null) throw new Error(NO_FETCH);
    const env = parameters === null ? current === null ? currentEnv() : current : requestEnv(ctx);
    let result;
    if (entry.class === null) {
      const fetch = entry.fetch;
      if (typeof fetch !== 'function') throw new Error(NO_FETCH);
      result = fetch.call(entry.target, request, env, ctx);
    } else {
      result = invokeClass(entry, request, env, ctx);
    }
    if (isOf(RESPONSE, result)) {
      sendResponse(id, result, ctx);
      return;
    }
    carry(ctx, request);
    if (isPromise(result)) react(result, settled, failed);
    else if (typeof result === 'object' && result !== null && typeof result.then === 'function') {
      then.call(Promise.resolve(result), settled, failed);
    } else respond(ctx, result);
  } catch (error) {
    fail(ctx, error, request);
  }
}

const NO_TAIL = 'Handler does not export a tail() function.';

function ended() {
  const ctx = host.contextGet();
  host.op(OP_ENDED, requestId(ctx), answered(ctx));
}

// A tail handler gets what other Workers did; what it returns is not looked at.
function tail(id, console, items, name) {
  if (left !== null) rejectLeft();
  const ctx = make(CONTEXT, id, null, null, console);
  const previous = host.contextSet(ctx, id);
  try {
    const entry = entrypoint(name);
    const env = requestEnv(ctx);
    const target = entry?.class ? new entry.class(ctx, env) : entry?.target;
    if (typeof target?.tail !== 'function') throw new Error(NO_TAIL);
    const result = target.tail(traceItems(items), env, ctx);
    then.call(host.isPromise(result) ? result : Promise.resolve(result), ended, failed);
  } catch (error) {
    fail(ctx, error);
  } finally {
    host.contextSet(previous);
  }
}

export function installDispatch() {
  host.register(EVENT_START, start);
  host.register(EVENT_DISPATCH, dispatch);
  host.register(EVENT_TAIL, tail);
}
