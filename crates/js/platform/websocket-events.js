// CloseEvent and the ErrorEvent of a WebSocket, as workerd has them: what a CloseEvent tells lies on it, read-only.
import { ErrorEvent, Event, initOf, trusted } from './events.js';
import { present } from './idl.js';

const MOST = 2147483647;

export function int32(value) {
  const number = Number(value);
  if (!Number.isFinite(number)) return 0;
  const whole = Math.trunc(number);
  if (whole > MOST || whole < -MOST - 1) {
    throw new TypeError(`Value out of range. Must be between ${-MOST - 1} and ${MOST} (inclusive).`);
  }
  return whole;
}

function fix(event, values) {
  for (const name in values) {
    Object.defineProperty(event, name, { value: values[name], enumerable: true, configurable: true });
  }
}

export class CloseEvent extends Event {
  constructor(type, init = undefined) {
    const from = initOf('CloseEvent', arguments.length, init, 'Initializer');
    super(type, from);
    const { code = 0, reason = '', wasClean = false } = from ?? {};
    fix(this, { wasClean: Boolean(wasClean), reason: `${reason}`, code: int32(code) });
  }
}
present(CloseEvent);

// Of an error that a WebSocket met: its message reads as that of an uncaught one.
export function failed(error) {
  let text;
  try {
    text = `${error}`;
  } catch {
    text = 'Error'; // its own conversion throws
  }
  return trusted(new ErrorEvent('error', { message: `Uncaught ${text}`, error }));
}
