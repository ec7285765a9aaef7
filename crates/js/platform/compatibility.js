// The Worker's compatibility flags: asked of the host at the first look, and what `Cloudflare.compatibilityFlags` shows.
import * as host from 'switchyard:host';
import { SYNC_COMPATIBILITY } from './abi.js';
import { present } from './idl.js';

let flags = null;

// The host's answer: name, on, name, on…
function all() {
  if (flags === null) {
    const answer = host.sync(SYNC_COMPATIBILITY) ?? [];
    flags = Object.create(null);
    for (let i = 0; i < answer.length; i += 2) flags[answer[i]] = answer[i + 1];
    Object.freeze(flags);
  }
  return flags;
}

export function isOn(name) {
  return all()[name] === true;
}

export function forgetCompatibility() {
  flags = null;
}

class Runtime {}
Object.defineProperty(Runtime, 'name', { value: 'Cloudflare' });
present(Runtime);

export const Cloudflare = new Runtime();
Object.defineProperty(Cloudflare, 'compatibilityFlags', { get: all, enumerable: true, configurable: true });
