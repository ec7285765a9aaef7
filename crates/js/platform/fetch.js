// fetch(), to the network and to bindings: one FETCH operation each. A Request that nobody looked into leaves as
// it came; the Response is made from the completion's values.
import * as host from 'switchyard:host';
import { contextGet, isPromise, make, op, plainUrl, promise, settle } from 'switchyard:host';
import {
  BINDING_NETWORK, FETCHED_SOCKET, OP_CANCEL, OP_FETCH, OP_READ_CANCEL, RAW_RESPONSE, STATUS_OK,
} from './abi.js';
import { offAbort, onAbort } from './abort.js';
import { abortContent } from './content.js';
import { readDataUrl } from './data-url.js';
import { describeThrown, hostError, refusal } from './errors.js';
import { illegalInvocation, isObject, notOfType, toText } from './idl.js';
import { expect, forget, nextId } from './ops.js';
import { dropPump, runPump } from './pump.js';
import { cancelStream } from './readable-state.js';
import { Parts, REDIRECT_FOLLOW, Request, isRequest, keepsUrls, requestParts, sendIncoming } from './request.js';
import { Response, connectedResponse, fetchedResponse, responseContent } from './response.js';
import { parseUrl } from './url.js';
import { fetchedSocket } from './websocket.js';

class Fetching {
  constructor(id, promise, raw, pump, signal) {
    this.id = id;
    this.promise = promise;
    this.raw = raw;
    this.pump = pump;
    this.owner = undefined; // the request, as expect() has it
    this.signal = signal;
    this.content = null; // of the response, once it is here
    this.stream = -1;
    this.stop = null;
    if (signal !== null) {
      this.stop = () => this.abort(asError(signal.reason));
      onAbort(signal, this.stop);
    }
  }

  resolve(value) {
    settle(this.promise, value, false);
  }

  reject(reason) {
    settle(this.promise, reason, true);
  }

  complete(status, code, text, headers, url, redirected, stream, length) {
    if (status !== STATUS_OK) {
      if (this.signal !== null) offAbort(this.signal, this.stop);
      this.pump?.cancelled();
      this.reject(hostError(code, text));
      return;
    }
    if (stream === FETCHED_SOCKET) {
      if (this.signal !== null) offAbort(this.signal, this.stop);
      this.resolve(connectedResponse(code, headers, url, redirected, fetchedSocket(this.id)));
      return;
    }
    const response = fetchedResponse(code, text, headers, url, redirected, stream, length, this.raw, this.owner);
    if (this.signal !== null) {
      this.content = responseContent(response);
      this.stream = stream;
      if (this.content === null) offAbort(this.signal, this.stop);
    }
    settle(this.promise, response, false);
  }

  // Whoever aborts, it is the request's own work that ends.
  abort(reason) {
    const previous = host.contextSet(this.owner);
    this.end(reason);
    host.contextSet(previous);
  }

  end(reason) {
    if (this.content === null) {
      if (!forget(this.id)) return;
      host.op(OP_CANCEL, this.id);
      this.pump?.cancelled();
      this.reject(reason);
      return;
    }
    // The head is here: what is left of the body fails.
    host.op(OP_READ_CANCEL, this.stream);
    abortContent(this.content, reason);
  }
}

const FETCHING = host.template(new Fetching(0, null, false, null, null)); // make(FETCHING, id, promise, raw, pump)

function send(binding, name, options, parts) {
  const id = nextId();
  const code = op(OP_FETCH, id, binding, name, options, parts.method, parts.url, parts.headers, parts.redirect,
    parts.kind, parts.body, parts.length, parts.cf);
  if (code !== 0) {
    if (parts.pump !== null) dropPump(parts.pump);
    return Promise.reject(refusal(code));
  }
  const response = promise();
  const raw = parts.redirect >= RAW_RESPONSE;
  expect(id, parts.signal === null ? make(FETCHING, id, response, raw, parts.pump) :
    new Fetching(id, response, raw, parts.pump, parts.signal));
  if (parts.pump !== null) runPump(parts.pump);
  return response;
}

// A reason that comes after the request has gone out: on workerd it has crossed the runtime as an error by then.
function asError(reason) {
  return reason instanceof Error ? reason : new Error(describeThrown(reason)[1]);
}

function checkUrl(input) {
  const url = toText(input);
  const parsed = parseUrl(url, null);
  if (parsed === null) throw new TypeError(keepsUrls() ? `Fetch API cannot load: ${url}` : `Invalid URL: ${url}`);
  return parsed;
}

// A URL that is not for the network -> the response that it is itself.
function withoutNetwork(url, method) {
  const data = url.startsWith('data:') ? readDataUrl(url) : null;
  if (data === null) throw new TypeError(`Fetch API cannot load: ${url}`);
  return new Response(method === 'GET' ? data.bytes : null, { statusText: 'OK', headers: { 'content-type': data.type } });
}

// Older Workers: an unknown protocol is taken for HTTP, and a request's URL is read when it goes out.
const old = { anyProtocol: false };

export function fetchAsOf(anyProtocol) {
  old.anyProtocol = anyProtocol;
}

const HTTP = /^https?:/;

function asHttp(url) {
  return old.anyProtocol && !HTTP.test(url) ? url.replace(/^[a-z][a-z0-9+.-]*:(?=\/\/[^/?#])/, 'http:') : url;
}

function attempt(binding, name, options, input, init) {
  let parts;
  if (isRequest(input) || (init !== undefined && init !== null)) {
    const plain = isRequest(input) && (init === undefined || init === null);
    parts = requestParts(plain ? input : new Request(input, init));
    if (keepsUrls()) parts.url = checkUrl(parts.url)[0];
    if (binding === BINDING_NETWORK) parts.url = asHttp(parts.url);
    if (binding === BINDING_NETWORK && !HTTP.test(parts.url)) {
      if (parts.pump !== null) dropPump(parts.pump);
      return withoutNetwork(parts.url, parts.method);
    }
  } else if (typeof input === 'string' && plainUrl(input) >= 0) {
    parts = new Parts('GET', input, '', REDIRECT_FOLLOW, null); // HTTP, and as it is written
  } else {
    const [url] = checkUrl(input);
    const to = binding === BINDING_NETWORK ? asHttp(url) : url;
    if (binding === BINDING_NETWORK && !HTTP.test(to)) return withoutNetwork(url, 'GET');
    parts = new Parts('GET', to, '', REDIRECT_FOLLOW, null);
  }
  if (parts.signal?.aborted) {
    if (parts.pump !== null) {
      dropPump(parts.pump);
      cancelStream(parts.content.stream, parts.signal.reason).catch(() => {});
    }
    return Promise.reject(parts.signal.reason);
  }
  return send(binding, name, options, parts);
}

// `count` arguments were given to the method, which is `owner`'s.
export function fetchThrough(binding, name, options, count, input, init, owner) {
  try {
    // An incoming request on its way to another Worker, as it came: what dispatch Workers do.
    if (init === undefined && binding !== BINDING_NETWORK) {
      const id = nextId();
      const code = sendIncoming(input, id, binding, name, options);
      if (code === 0) {
        const response = promise();
        expect(id, make(FETCHING, id, response, false, null));
        return response;
      }
      if (code !== -1) return Promise.reject(refusal(code));
    }
    if (count === 0) throw notOfType('fetch', owner, 1, 'Request or string');
    if (init !== undefined && init !== null && !isObject(init)) {
      throw notOfType('fetch', owner, 2, 'RequestInitializerDict or Request');
    }
    const response = attempt(binding, name, options, input, init);
    return isPromise(response) ? response : Promise.resolve(response);
  } catch (error) {
    return Promise.reject(error);
  }
}

export function fetch(input, init) {
  if (this !== undefined && this !== globalThis) return Promise.reject(illegalInvocation());
  return fetchThrough(BINDING_NETWORK, null, null, arguments.length, input, init, 'ServiceWorkerGlobalScope');
}
Object.defineProperty(fetch, 'length', { value: 0 });
