// What the probes of fetch share.
import { show } from './show.mjs';

export const members = (object) => Object.getOwnPropertyNames(object).sort();
export const list = (headers) => [...headers].map(([name, value]) => `${name}: ${value}`);

const described = (error) => {
  if (!(error instanceof Error)) return JSON.stringify(show(error)) ?? String(error);
  const { name } = error.constructor;
  return `${name === error.name ? name : `${name} ${error.name}`}: ${error.message}`;
};

// What each of them gives, one after the other; an error is told like a value, and whether it came by a promise.
export async function each(...attempts) {
  const told = [];
  for (const attempt of attempts) {
    let value;
    try {
      value = attempt();
    } catch (error) {
      told.push(`throws ${described(error)}`);
      continue;
    }
    try {
      told.push(await value);
    } catch (error) {
      told.push(`rejects ${described(error)}`);
    }
  }
  return told;
}

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
