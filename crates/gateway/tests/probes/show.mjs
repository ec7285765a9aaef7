// How a probe's outcome is told, the same on both sides: plain JSON, bytes as hex, errors by class, name and message.

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

export function show(value, depth = 0) {
  if (value === undefined) return 'undefined';
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value === 'string' && !value.isWellFormed()) return `ill-formed ${escape(value)}`;
  if (typeof value === 'function') return `function ${value.name}/${value.length}`;
  if (typeof value !== 'object' || value === null) return Number.isNaN(value) ? 'NaN' : value;
  if (value instanceof Error) return { error: value.constructor.name, name: value.name, message: value.message };
  if (value instanceof ArrayBuffer) return `ArrayBuffer ${hex(new Uint8Array(value))}`;
  if (ArrayBuffer.isView(value)) {
    return `${value[Symbol.toStringTag] ?? 'DataView'} ${hex(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))}`;
  }
  if (depth > 5) return '…';
  if (Array.isArray(value)) return value.map((item) => show(item, depth + 1));
  if (typeof CryptoKey === 'function' && value instanceof CryptoKey) {
    const { type, extractable, algorithm, usages } = value;
    return { key: show({ type, extractable, algorithm, usages }, depth + 1) };
  }
  if (value instanceof Promise) return 'Promise';
  const shown = {};
  for (const key of Object.keys(value)) shown[key] = show(value[key], depth + 1);
  return shown;
}

// A list of attempts, each told: what it gave, or threw, at once or later.
export async function tries(...attempts) {
  const out = [];
  for (const attempt of attempts) {
    try {
      out.push(show(await attempt()));
    } catch (error) {
      out.push({ thrown: show(error) });
    }
  }
  return out;
}

export const members = (object) => Object.getOwnPropertyNames(object).sort();

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

const NEVER = Symbol('never');

async function outcome(probe, env) {
  let value;
  try {
    value = probe(env);
  } catch (error) {
    return { thrown: show(error) }; // at once, not by the promise
  }
  let timer;
  const never = new Promise((resolve) => { timer = setTimeout(resolve, 3000, NEVER); });
  try {
    const settled = await Promise.race([value, never]);
    return settled === NEVER ? 'never settles' : show(settled);
  } catch (error) {
    return { rejected: show(error) };
  } finally {
    clearTimeout(timer);
  }
}

export async function runAll(probes, env) {
  const all = {};
  for (const name of Object.keys(probes)) all[name] = await outcome(probes[name], env);
  return all;
}
