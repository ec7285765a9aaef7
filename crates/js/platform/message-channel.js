// MessageChannel and its two ports, by the HTML standard as workerd has it: a listener starts a port, and what is
// posted is cloned at once and arrives in a microtask.
import { structuredClone } from './clone.js';
import { Event, EventTarget, dispatch, handlerOf, hasListeners, setHandler, trusted, watchListeners } from './events.js';
import { isObject, notField, notOfType, present } from './idl.js';
import { heardMessage } from './message-event.js';

const TOKEN = Symbol('MessagePort');
const { queueMicrotask } = globalThis;

let entangle;

export class MessagePort extends EventTarget {
  #other = null;
  #waiting = []; // until the port is started; null after
  #closed = false;
  #handlers = null;

  constructor(token) {
    if (token !== TOKEN) throw new TypeError('Illegal constructor');
    super();
    watchListeners(this, (type, count) => {
      if (type !== 'message') return;
      if (count > 0) this.start();
      else if (!this.#closed) this.#waiting ??= [];
    });
  }

  static {
    entangle = (one, two) => {
      one.#other = two;
      two.#other = one;
    };
  }

  postMessage(data = undefined, options = undefined) {
    let transfer = [];
    if (Array.isArray(options)) transfer = options;
    else if (isObject(options)) transfer = options.transfer ?? [];
    else if (options !== undefined && options !== null) {
      throw notOfType('postMessage', 'MessagePort', 2, 'Array or PostMessageOptions');
    }
    if (!Array.isArray(transfer)) throw notField('transfer', 'PostMessageOptions', 'Array');
    if (transfer.length > 0) throw new Error('Transfer list is not supported');
    const copy = structuredClone(data);
    this.#other?.#deliver(copy);
  }

  start() {
    const list = this.#waiting;
    if (this.#closed || list === null) return;
    this.#waiting = null;
    if (list.length > 0) queueMicrotask(() => list.forEach((data) => this.#dispatch(data)));
  }

  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting = null;
    const other = this.#other;
    this.#other = null;
    other?.close();
    if (hasListeners(this, 'close')) dispatch(this, trusted(new Event('close')));
  }

  #deliver(data) {
    if (this.#closed) return;
    if (this.#waiting === null) queueMicrotask(() => this.#dispatch(data));
    else this.#waiting.push(data);
  }

  // A listener that throws hears of its error as the data of one more message.
  #dispatch(data) {
    try {
      dispatch(this, heardMessage(data, { source: this }));
    } catch (error) {
      dispatch(this, heardMessage(error, { source: this }));
    }
  }

  get onmessage() {
    return handlerOf(this.#handlers, 'message');
  }

  set onmessage(value) {
    setHandler(this, (this.#handlers ??= new Map()), 'message', value);
  }
}
present(MessagePort);

export class MessageChannel {
  constructor() {
    const one = new MessagePort(TOKEN);
    const two = new MessagePort(TOKEN);
    entangle(one, two);
    for (const [name, value] of [['port1', one], ['port2', two]]) {
      Object.defineProperty(this, name, { value, enumerable: true, configurable: true });
    }
  }
}
present(MessageChannel);
