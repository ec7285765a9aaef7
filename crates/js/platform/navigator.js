// navigator: what workerd says of itself, and sendBeacon, which is a fetch that nobody waits for.
import * as host from 'switchyard:host';
import { ExecutionContext } from './context.js';
import { fetch } from './fetch.js';
import { illegalInvocation, notOfType, present } from './idl.js';

const TOKEN = Symbol('navigator');
const { apply } = Reflect;
const { waitUntil } = ExecutionContext.prototype;

export class Navigator {
  constructor(token) {
    if (token !== TOKEN) throw new TypeError('Illegal constructor');
  }

  sendBeacon(url, body = undefined) {
    if (!(this instanceof Navigator)) throw illegalInvocation();
    if (arguments.length === 0) throw notOfType('sendBeacon', 'Navigator', 1, 'string');
    url = `${url}`;
    const context = host.contextGet();
    if (!(context instanceof ExecutionContext)) return false;
    apply(waitUntil, context, [fetch(url, { method: 'POST', body }).then((response) => response.body?.cancel(), () => {})]);
    return true;
  }
}
present(Navigator);

export const navigator = new Navigator(TOKEN);
for (const [name, value] of Object.entries({
  userAgent: 'Cloudflare-Workers', hardwareConcurrency: 1, language: 'en', languages: Object.freeze(['en']), platform: '',
})) {
  Object.defineProperty(navigator, name, { value, enumerable: true, configurable: true });
}
