// MessageEvent, of message ports, event sources and WebSockets. As on workerd what it tells lies on the event itself.
import { Event, initOf, trusted } from './events.js';
import { isObject, notField, present } from './idl.js';

const { defineProperty } = Object;
const HEARD = Symbol('heard');

function fix(event, values) {
  for (const name of Object.keys(values)) {
    defineProperty(event, name, { value: values[name], enumerable: true, configurable: true });
  }
}

export class MessageEvent extends Event {
  constructor(type, init = undefined) {
    if (type === HEARD) {
      super(init.type);
      fix(this, { ports: [], source: init.source, lastEventId: init.id, origin: init.origin, data: init.data });
      return;
    }
    init = initOf('MessageEvent', arguments.length, init, 'Initializer');
    super(type, init);
    const { data = null, origin = '', lastEventId = '', source = null, ports = [] } = init ?? {};
    if (!Array.isArray(ports)) throw notField('ports', 'Initializer', 'Array');
    if (source !== null && !(isObject(source) && source[Symbol.toStringTag] === 'MessagePort')) {
      throw notField('source', 'Initializer', 'MessagePort');
    }
    fix(this, { ports, source, lastEventId: `${lastEventId}`, origin: `${origin}`, data });
  }
}
present(MessageEvent);

// A message that came: from whom it is, where anybody names it.
export function heardMessage(data, { type = 'message', source = null, id = '', origin = null } = {}) {
  return trusted(new MessageEvent(HEARD, { type, data, source, id, origin }));
}
