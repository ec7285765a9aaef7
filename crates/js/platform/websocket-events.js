// CloseEvent and the ErrorEvent of a WebSocket, as workerd has them: what a CloseEvent tells lies on it, read-only.
import { ErrorEvent, Event, initOf, trusted } from './events.js';
import { present, toInt } from './idl.js';

function fix(event, values) {
  for (const name of Object.keys(values)) {
    Object.defineProperty(event, name, { value: values[name], enumerable: true, configurable: true });
  }
}

export class CloseEvent extends Event {
  constructor(type, init = undefined) {
    const from = initOf('CloseEvent', arguments.length, init, 'Initializer');
    super(type, from);
    const { code = 0, reason = '', wasClean = false } = from ?? {};
    fix(this, { wasClean: Boolean(wasClean), reason: `${reason}`, code: toInt(code) });
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
