// What the scope of a Worker of an older compatibility date holds otherwise, or of one with a flag that takes something
// back. Called by event NODE before such a Worker's script is evaluated, and for no other.
import * as host from 'switchyard:host';
import { readAsOf } from './byte-controller.js';
import { isOn } from './compatibility.js';
import { addStorageMethods } from './env.js';
import { listenAsOf } from './events.js';
import { fetchAsOf } from './fetch.js';
import { joinCookies, Headers } from './headers.js';
import { IdentityTransformStream } from './identity.js';
import { ServiceWorkerGlobalScope, WorkerGlobalScope } from './global-scope.js';
import { navigator } from './navigator.js';
import { handled } from './queue.js';
import { keepUrls } from './request.js';
import { Scheduler } from './timers.js';

const DOCS = 'https://developers.cloudflare.com/workers/platform/compatibility-dates/#compatibility-flags';

function importScripts() {
  throw new Error("Failed to execute 'importScripts' on 'WorkerGlobalScope': the method is not implemented.");
}
Object.defineProperty(importScripts, 'length', { value: 0 });

// The class in a scope where only the runtime makes its objects, or makes them otherwise.
function replace(name, construct) {
  const made = ServiceWorkerGlobalScope.prototype[name];
  const stand = new Proxy(made, { construct });
  Object.defineProperty(ServiceWorkerGlobalScope.prototype, name, { value: stand });
  Object.defineProperty(made.prototype, 'constructor', { value: stand });
}

const REJECTED = 2; // of promiseState
const CONVERSION = /^(Failed to execute '|Incorrect type for the ')/;

// Arguments that are none throw at once, where a newer Worker gets a promise that rejects.
function throwAtOnce(owner, names) {
  for (const name of names) {
    const apply = (method, self, values) => {
      const result = Reflect.apply(method, self, values);
      if (!host.isPromise(result) || host.promiseState(result) !== REJECTED) return result;
      const reason = host.promiseResult(result);
      if (!(reason instanceof TypeError) || !CONVERSION.test(reason.message)) return result;
      handled(result);
      throw reason;
    };
    const { value, ...rest } = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, { ...rest, value: new Proxy(value, { apply }) });
  }
}

const remove = (from, ...names) => names.forEach((name) => Reflect.deleteProperty(from, name));

export function takeBack() {
  const scope = ServiceWorkerGlobalScope.prototype;
  if (!isOn('global_navigator')) remove(globalThis, 'navigator');
  if (!isOn('enable_navigator_language')) remove(navigator, 'language', 'languages');
  if (!isOn('no_global_importscripts')) {
    Object.defineProperty(WorkerGlobalScope.prototype, 'importScripts',
      { value: importScripts, writable: true, configurable: true, enumerable: true });
  }
  if (!isOn('enable_weak_ref')) remove(globalThis, 'WeakRef', 'FinalizationRegistry');
  if (!isOn('expose_global_message_channel')) remove(scope, 'MessageChannel', 'MessagePort');
  if (!isOn('http_headers_getsetcookie')) {
    remove(Headers.prototype, 'getSetCookie');
    joinCookies();
  }
  if (!isOn('set_tostring_tag')) {
    for (const name of Object.keys(scope)) {
      const { prototype } = scope[name];
      if (prototype !== undefined) remove(prototype, Symbol.toStringTag);
    }
  }
  if (!isOn('streams_enable_constructors')) {
    for (const name of ['ReadableStream', 'WritableStream']) {
      replace(name, () => {
        throw new Error(`To use the new ${name}() constructor, enable the streams_enable_constructors compatibility flag. Refer to the docs for more information: ${DOCS}`);
      });
    }
  }
  if (!isOn('transformstream_enable_standard_constructor')) {
    const { prototype } = scope.TransformStream;
    replace('TransformStream', (made, values, target) => {
      const stream = new IdentityTransformStream();
      return Object.setPrototypeOf(stream, target.prototype ?? prototype);
    });
  }
  if (!isOn('set_event_target_this')) listenAsOf(globalThis);
  if (!isOn('fetcher_no_get_put_delete')) addStorageMethods();
  if (!isOn('fetch_standard_url')) keepUrls();
  fetchAsOf(!isOn('fetch_refuses_unknown_protocols'));
  readAsOf(!isOn('streams_byob_reader_detaches_buffer'), !isOn('internal_stream_byob_return_view'));
  if (!isOn('capture_async_api_throws')) {
    const { prototype } = scope.SubtleCrypto;
    throwAtOnce(prototype, Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor'));
    throwAtOnce(scope.ReadableStream.prototype, ['pipeTo']);
    throwAtOnce(scope.ReadableStreamBYOBReader.prototype, ['read', 'readAtLeast']);
    throwAtOnce(scope.Cache.prototype, ['match', 'put', 'delete']);
    throwAtOnce(scope.CacheStorage.prototype, ['open']);
    throwAtOnce(Scheduler.prototype, ['wait']);
    throwAtOnce(scope, ['fetch']);
  }
}
