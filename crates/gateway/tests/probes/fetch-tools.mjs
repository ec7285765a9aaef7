// What the probes of fetch share.
export { each, members } from './show.mjs';

export const list = (headers) => [...headers].map(([name, value]) => `${name}: ${value}`);

export const stream = (...chunks) => new ReadableStream({
  start(controller) {
    for (const chunk of chunks) controller.enqueue(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk);
    controller.close();
  },
});

export const describe = (message) => ({
  ...(message instanceof Response ?
    { status: message.status, statusText: message.statusText, ok: message.ok, redirected: message.redirected, type: message.type } :
    { method: message.method, redirect: message.redirect, cf: message.cf, cache: message.cache, integrity: message.integrity, keepalive: message.keepalive }),
  url: message.url, headers: list(message.headers), bodyUsed: message.bodyUsed, body: message.body === null ? null : String(message.body),
});
