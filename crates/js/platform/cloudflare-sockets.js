// The module `cloudflare:sockets`. Sockets are not there yet; that a package imports them must not keep it from starting.
import { refuseGlobalScope } from 'platform:errors.js';

const missing = (name) => new Error(`${name}() of cloudflare:sockets is not implemented by this server.`);

export function connect() {
  refuseGlobalScope();
  throw missing('connect');
}

export function internalNewHttpClient() {
  throw missing('internalNewHttpClient');
}
