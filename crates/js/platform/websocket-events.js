// MessageEvent, CloseEvent and the ErrorEvent of a WebSocket, as workerd has them: what they tell lies on the event
// itself, read-only.
import { tag } from './errors.js';
import { Event } from './events.js';

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

function initializer(name, type, given, init) {
  if (given === 0) {
    throw new TypeError(`Failed to construct '${name}': constructor parameter 1 is not of type 'string'.`);
  }
  if (init === undefined || init === null) return null;
  if (typeof init === 'object' || typeof init === 'function') return init;
  throw new TypeError(`Failed to construct '${name}': constructor parameter 2 is not of type 'Initializer'.`);
}

function wrongField(name, type) {
  return new TypeError(`Incorrect type for the '${name}' field on 'Initializer': the provided value is not of type ` +
    `'${type}'.`);
}

function fix(event, values) {
  for (const name in values) {
    Object.defineProperty(event, name, { value: values[name], enumerable: true, configurable: true });
  }
}

export let heard; // (data): the event of a message that came over a WebSocket

export class MessageEvent extends Event {
  constructor(type, init = undefined) {
    const from = initializer('MessageEvent', type, arguments.length, init);
    super(type, from);
    const { data = null, origin = '', lastEventId = '', source = null, ports = [] } = from ?? {};
    if (!Array.isArray(ports)) throw wrongField('ports', 'Array');
    if (source !== null && Object.prototype.toString.call(source) !== '[object MessagePort]') {
      throw wrongField('source', 'MessagePort');
    }
    fix(this, { ports, source, lastEventId: `${lastEventId}`, origin: origin === HEARD ? null : `${origin}`, data });
  }
}
tag(MessageEvent);
// workerd names no origin where there is none to name.
const HEARD = Symbol('heard');
heard = (data) => new MessageEvent('message', { data, origin: HEARD });

export class CloseEvent extends Event {
  constructor(type, init = undefined) {
    const from = initializer('CloseEvent', type, arguments.length, init);
    super(type, from);
    const { code = 0, reason = '', wasClean = false } = from ?? {};
    fix(this, { wasClean: Boolean(wasClean), reason: `${reason}`, code: int32(code) });
  }
}
tag(CloseEvent);

// Of an error that a WebSocket met: its message reads as that of an uncaught one.
export class ErrorEvent extends Event {
  #message;
  #error;

  constructor(type, init = undefined) {
    super(type, init);
    this.#message = init?.message ?? '';
    this.#error = init?.error;
  }

  get filename() {
    return '';
  }
  get message() {
    return this.#message;
  }
  get lineno() {
    return 0;
  }
  get colno() {
    return 0;
  }
  get error() {
    return this.#error;
  }
}
tag(ErrorEvent);

export function failed(error) {
  let text;
  try {
    text = `${error}`;
  } catch {
    text = 'Error'; // its own conversion throws
  }
  return new ErrorEvent('error', { message: `Uncaught ${text}`, error });
}
