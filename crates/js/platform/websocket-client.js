// The handshake of `new WebSocket(url)`: a fetch that asks for an upgrade and follows no redirect.
import * as host from 'switchyard:host';
import {
  BINDING_NETWORK, BODY_NONE, FETCHED_SOCKET, OP_CANCEL, OP_FETCH, OP_READ_CANCEL, OP_WS_DROP, STATUS_OK,
} from './abi.js';
import { DOMException, hostError, refusal } from './errors.js';
import { headersFromText } from './headers.js';
import { expect, forget, nextId } from './ops.js';
import { REDIRECT_MANUAL } from './request.js';
import { parseUrl } from './url.js';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function wrong(what) {
  return new DOMException(`WebSocket Constructor: ${what}`, 'SyntaxError');
}

function httpUrl(url) {
  const parsed = parseUrl(url, null);
  if (parsed === null) throw wrong('The url is invalid.');
  const [href, scheme] = parsed;
  if (scheme !== 'ws:' && scheme !== 'wss:') throw wrong('The url scheme must be ws or wss.');
  if (href.includes('#')) throw wrong('The url fragment must be empty.');
  return `http${href.slice(2)}`;
}

function listed(protocols) {
  if (protocols === undefined || protocols === null) return [];
  if (!Array.isArray(protocols)) {
    const one = `${protocols}`;
    if (!TOKEN.test(one)) throw wrong('The protocol header token is invalid.');
    return [one];
  }
  const all = protocols.map((protocol) => `${protocol}`);
  if (!all.every((protocol) => TOKEN.test(protocol))) throw wrong('One of the protocol header tokens is invalid.');
  if (new Set(all).size < all.length) throw wrong('The protocols header cannot have repeating values.');
  return all;
}

class Connecting {
  constructor(id, opened, refused) {
    this.id = id;
    this.owner = undefined;
    this.opened = opened;
    this.refused = refused;
  }

  complete(status, code, text, headers, url, redirected, stream) {
    if (status !== STATUS_OK) this.refused(hostError(code, text));
    else if (stream === FETCHED_SOCKET) {
      this.opened(this.id, headersFromText(headers, true).get('sec-websocket-protocol') ?? '');
    } else {
      if (stream >= 0) host.op(OP_READ_CANCEL, stream);
      this.refused(new TypeError('Failed to establish the WebSocket connection: expected server to reply with HTTP ' +
        `status code 101 (switching protocols), but received ${code} instead.`));
    }
  }
}

// Calls opened(number, protocol) or refused(error), later; returns what gives the attempt up.
export function connect(url, protocols, opened, refused) {
  const target = httpUrl(url);
  const names = listed(protocols);
  const headers = names.length === 0 ? 'upgrade\nwebsocket' :
    `upgrade\nwebsocket\nsec-websocket-protocol\n${names.join(', ')}`;
  const id = nextId();
  const code = host.op(OP_FETCH, id, BINDING_NETWORK, null, null, 'GET', target, headers, REDIRECT_MANUAL, BODY_NONE,
    null, null, null);
  if (code !== 0) throw refusal(code);
  expect(id, new Connecting(id, opened, refused));
  return () => {
    if (!forget(id)) return;
    host.op(OP_CANCEL, id);
    host.op(OP_WS_DROP, id);
    Promise.resolve().then(() => refused(new Error('Network connection lost.')));
  };
}
