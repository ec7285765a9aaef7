// fetch(), to the network and to bindings: one FETCH operation each. A Request that nobody looked into leaves as
// it came; the Response is made from the completion's values.
import * as host from 'switchyard:host';
import { BINDING_NETWORK, OP_CANCEL, OP_FETCH, OP_READ_CANCEL, RAW_RESPONSE, STATUS_OK } from './abi.js';
import { offAbort, onAbort } from './abort.js';
import { abortContent } from './content.js';
import { readDataUrl } from './data-url.js';
import { describeThrown, hostError, refusal } from './errors.js';
import { illegalInvocation, isObject, notOfType, toText } from './idl.js';
import { expect, forget, nextId } from './ops.js';
import { dropPump, runPump } from './pump.js';
import { cancelStream } from './readable-state.js';
import { Parts, REDIRECT_FOLLOW, Request, isRequest, requestParts } from './request.js';
import { Response, fetchedResponse, responseContent } from './response.js';
import { parseUrl } from './url.js';

class Fetching {
  constructor(id, resolve, reject, parts) {
    const { signal } = parts;
    this.id = id;
    this.raw = parts.redirect >= RAW_RESPONSE;
    this.owner = host.contextGet();
    this.resolve = resolve;
    this.reject = reject;
    this.signal = signal;
    this.pump = parts.pump;
    this.content = null; // of the response, once it is here
    this.stream = -1;
    this.stop = null;
    if (signal !== null) {
      this.stop = () => this.abort(asError(signal.reason));
      onAbort(signal, this.stop);
    }
  }

  complete(status, code, text, headers, url, redirected, stream, length) {
    if (status !== STATUS_OK) {
      if (this.signal !== null) offAbort(this.signal, this.stop);
      this.pump?.cancelled();
      this.reject(hostError(code, text));
      return;
    }
    const response = fetchedResponse(code, text, headers, url, redirected, stream, length, this.raw);
    if (this.signal !== null) {
      this.content = responseContent(response);
      this.stream = stream;
      if (this.content === null) offAbort(this.signal, this.stop);
    }
    this.resolve(response);
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

function send(binding, name, options, parts) {
  return new Promise((resolve, reject) => {
    const id = nextId();
    const code = host.op(OP_FETCH, id, binding, name, options, parts.method, parts.url, parts.headers, parts.redirect,
      parts.kind, parts.body, parts.length);
    if (code !== 0) {
      if (parts.pump !== null) dropPump(parts.pump);
      reject(refusal(code));
      return;
    }
    expect(id, new Fetching(id, resolve, reject, parts));
    if (parts.pump !== null) runPump(parts.pump);
  });
}

// A reason that comes after the request has gone out: on workerd it has crossed the runtime as an error by then.
function asError(reason) {
  return reason instanceof Error ? reason : new Error(describeThrown(reason)[1]);
}

function checkUrl(input) {
  const url = toText(input);
  const parsed = parseUrl(url, null);
  if (parsed === null) throw new TypeError(`Invalid URL: ${url}`);
  return parsed;
}

// A URL that is not for the network -> the response that it is itself.
function withoutNetwork(url, method) {
  const data = url.startsWith('data:') ? readDataUrl(url) : null;
  if (data === null) throw new TypeError(`Fetch API cannot load: ${url}`);
  return new Response(method === 'GET' ? data.bytes : null, { statusText: 'OK', headers: { 'content-type': data.type } });
}

function attempt(binding, name, options, input, init) {
  let parts;
  if (isRequest(input) || (init !== undefined && init !== null)) {
    const plain = isRequest(input) && (init === undefined || init === null);
    parts = requestParts(plain ? input : new Request(input, init));
    if (binding === BINDING_NETWORK && !/^https?:/.test(parts.url)) {
      if (parts.pump !== null) dropPump(parts.pump);
      return withoutNetwork(parts.url, parts.method);
    }
  } else {
    const parsed = checkUrl(input);
    if (binding === BINDING_NETWORK && parsed[1] !== 'http:' && parsed[1] !== 'https:') {
      return withoutNetwork(parsed[0], 'GET');
    }
    parts = new Parts('GET', parsed[0], '', REDIRECT_FOLLOW, null);
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

// `args` are those of the call, of which `owner` has the method.
export function fetchThrough(binding, name, options, args, owner) {
  try {
    const input = args[0];
    const init = args[1];
    if (args.length === 0) throw notOfType('fetch', owner, 1, 'Request or string');
    if (init !== undefined && init !== null && !isObject(init)) {
      throw notOfType('fetch', owner, 2, 'RequestInitializerDict or Request');
    }
    const response = attempt(binding, name, options, input, init);
    return host.isPromise(response) ? response : Promise.resolve(response);
  } catch (error) {
    return Promise.reject(error);
  }
}

export function fetch() {
  if (this !== undefined && this !== globalThis) return Promise.reject(illegalInvocation());
  return fetchThrough(BINDING_NETWORK, null, null, arguments, 'ServiceWorkerGlobalScope');
}
