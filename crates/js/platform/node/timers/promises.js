// `node:timers/promises`.
import { AbortError } from '../internal/errors.js';
import { validateAbortSignal, validateBoolean, validateNumber, validateObject } from '../internal/validators.js';
import { clearTimeout, setTimeout as startTimer } from '../../timers.js';

function after(delay, value, options = {}) {
  return new Promise((resolve, reject) => {
    validateObject(options, 'options');
    const { signal } = options;
    validateAbortSignal(signal, 'options.signal');
    if (options.ref !== undefined) validateBoolean(options.ref, 'options.ref');
    const aborted = () => {
      clearTimeout(timer);
      reject(new AbortError(undefined, { cause: signal.reason }));
    };
    let timer;
    if (signal?.aborted) {
      reject(new AbortError(undefined, { cause: signal.reason }));
      return;
    }
    timer = startTimer(() => {
      signal?.removeEventListener('abort', aborted);
      resolve(value);
    }, delay);
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

export function setTimeout(delay, value, options) {
  if (delay !== undefined) {
    try {
      validateNumber(delay, 'delay');
    } catch (error) {
      return Promise.reject(error);
    }
  }
  return after(delay, value, options);
}

export function setImmediate(value, options) {
  return after(0, value, options);
}

export async function* setInterval(delay, value, options = undefined) {
  for (;;) yield await after(delay, value, options);
}

export const scheduler = {
  wait: (delay, options) => after(delay, undefined, options),
  yield: () => after(0, undefined),
};

export default { scheduler, setImmediate, setInterval, setTimeout };
