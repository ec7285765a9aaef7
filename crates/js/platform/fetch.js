// fetch(), to the network and to bindings: one FETCH operation each. A Request that nobody looked into leaves as
// it came; the Response is made from the completion's values.
import * as host from 'switchyard:host';
import { BINDING_NETWORK, FETCHED_SOCKET, OP_CANCEL, OP_FETCH, OP_READ_CANCEL, STATUS_OK } from './abi.js';
import { offAbort, onAbort } from './abort.js';
import { abortContent } from './content.js';
import { hostError, refusal } from './errors.js';
import { expect, forget, nextId } from './ops.js';
import { dropPump, runPump } from './pump.js';
import { cancelStream } from './readable-state.js';
import { Parts, REDIRECT_FOLLOW, Request, isRequest, requestParts } from './request.js';
import { connectedResponse, fetchedResponse, responseContent } from './response.js';
import { parseUrl } from './url.js';
import { fetchedSocket } from './websocket.js';

class Fetching {
  constructor(id, resolve, reject, signal, pump) {
    this.id = id;
    this.owner = host.contextGet();
    this.resolve = resolve;
    this.reject = reject;
    this.signal = signal;
    this.pump = pump;
    this.content = null; // of the response, once it is here
    this.stream = -1;
    this.stop = null;
    if (signal !== null) {
      this.stop = () => this.abort(signal.reason);
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
    if (stream === FETCHED_SOCKET) {
      if (this.signal !== null) offAbort(this.signal, this.stop);
      this.resolve(connectedResponse(code, headers, url, redirected, fetchedSocket(this.id)));
      return;
    }
    const response = fetchedResponse(code, text, headers, url, redirected, stream, length);
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
    expect(id, new Fetching(id, resolve, reject, parts.signal, parts.pump));
    if (parts.pump !== null) runPump(parts.pump);
  });
}

function checkUrl(input) {
  const url = `${input}`;
  const parsed = parseUrl(url, null);
  if (parsed === null) throw new TypeError(`Invalid URL: ${url}`);
  return parsed;
}

export function fetchThrough(binding, name, options, input, init) {
  try {
    let parts;
    if (isRequest(input) || (init !== undefined && init !== null)) {
      const plain = isRequest(input) && (init === undefined || init === null);
      parts = requestParts(plain ? input : new Request(input, init));
      if (binding === BINDING_NETWORK && !/^https?:/.test(parts.url)) {
        throw new TypeError(`Fetch API cannot load: ${parts.url}`);
      }
    } else {
      const parsed = checkUrl(input);
      if (binding === BINDING_NETWORK && parsed[1] !== 'http:' && parsed[1] !== 'https:') {
        throw new TypeError(`Fetch API cannot load: ${parsed[0]}`);
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
  } catch (error) {
    return Promise.reject(error);
  }
}

export function fetch(input, init = undefined) {
  return fetchThrough(BINDING_NETWORK, null, null, input, init);
}
