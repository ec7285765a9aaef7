// `node:async_hooks`: AsyncLocalStorage and AsyncResource, as far as workerd has them. Hooks never fire.
import { currentFrame, runInFrame } from './internal/frames.js';
import { tag } from '../errors.js';

export class AsyncLocalStorage {
  #name;
  #default;

  constructor(options = undefined) {
    this.#name = options?.name === undefined ? '' : String(options.name);
    this.#default = options?.defaultValue;
  }

  get name() {
    return this.#name;
  }

  static bind(callback) {
    if (typeof callback !== 'function') throw notFunction('bind', 1, 'Function');
    const frame = currentFrame();
    return function (...args) {
      return runInFrame(frame, callback, this, args);
    };
  }

  static snapshot() {
    const frame = currentFrame();
    return function (callback, ...args) {
      return runInFrame(frame, callback, this, args);
    };
  }

  run(store, callback, ...args) {
    if (typeof callback !== 'function') throw notFunction('run', 2, 'function');
    const frame = new Map(currentFrame());
    frame.set(this, store);
    return runInFrame(frame, callback, undefined, args);
  }

  exit(callback, ...args) {
    const frame = new Map(currentFrame());
    frame.set(this, undefined);
    return runInFrame(frame, callback, undefined, args);
  }

  getStore() {
    const frame = currentFrame();
    return frame !== null && frame.has(this) ? frame.get(this) : this.#default;
  }

  enterWith() {
    throw new Error('asyncLocalStorage.enterWith() is not implemented');
  }

  disable() {
    throw new Error('asyncLocalStorage.disable() is not implemented');
  }
}

tag(AsyncLocalStorage);

export class AsyncResource {
  #frame = currentFrame();

  static bind(callback, type, self) {
    return new AsyncResource(type).bind(callback, self);
  }

  asyncId() {
    return 0;
  }

  triggerAsyncId() {
    return 0;
  }

  runInAsyncScope(callback, self, ...args) {
    return runInFrame(this.#frame, callback, self, args);
  }

  bind(callback, self) {
    if (typeof callback !== 'function') throw notFunction('bind', 1, 'Function', 'AsyncResource');
    const resource = this;
    const bound = (...args) => runInFrame(resource.#frame, callback, self, args);
    bound.asyncResource = this;
    return bound;
  }

  emitDestroy() {
    return undefined;
  }
}
tag(AsyncResource);

function notFunction(method, position, type, name = 'AsyncLocalStorage') {
  return new TypeError(`Failed to execute '${method}' on '${name}': parameter ${position} is not of type '${type}'.`);
}

class AsyncHook {
  enable() {
    return this;
  }
  disable() {
    return this;
  }
}

export function createHook() {
  return new AsyncHook();
}

export function executionAsyncId() {
  return 0;
}

export function triggerAsyncId() {
  return 0;
}

export function executionAsyncResource() {
  return Object.create(null);
}

export const asyncWrapProviders = Object.create(null);

export default {
  AsyncLocalStorage, AsyncResource, asyncWrapProviders, createHook, executionAsyncId, executionAsyncResource,
  triggerAsyncId,
};
