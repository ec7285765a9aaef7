// What the probes of forms share.
import { show } from './show.mjs';

export const members = (object) => Object.getOwnPropertyNames(object).sort();
export const text = (string) => new TextEncoder().encode(string);

export const file = async (value) => (value instanceof Blob ?
  [value.constructor.name, value.name, value.type, value.size, await value.text()] : value);
export const entries = (form) => Promise.all([...form].map(async ([name, value]) => [name, await file(value)]));

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
