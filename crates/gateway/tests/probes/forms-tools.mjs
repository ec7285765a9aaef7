// What the probes of forms share.
export { each, members } from './show.mjs';

export const text = (string) => new TextEncoder().encode(string);

export const file = async (value) => (value instanceof Blob ?
  [value.constructor.name, value.name, value.type, value.size, await value.text()] : value);
export const entries = (form) => Promise.all([...form].map(async ([name, value]) => [name, await file(value)]));
