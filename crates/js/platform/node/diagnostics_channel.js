// `node:diagnostics_channel`: named channels that publish to whoever subscribed.
import { isOn } from '../compatibility.js';
import { currentFrame, runInFrame } from './internal/frames.js';
import { invalidArgType } from './internal/errors.js';
import { validateFunction } from './internal/validators.js';

const channels = new Map();

// A subscriber that throws does not stop the others; its error is told as one that nobody caught.
function tell(error) {
  queueMicrotask(() => {
    throw error;
  });
}

let isHeard; // (channel): as on workerd a store that is bound to it is nobody who hears

export class Channel {
  #name;
  #subscribers = [];
  #stores = new Map();

  constructor(name) {
    this.#name = name;
  }

  static {
    isHeard = (channel) => channel.#subscribers.length > 0;
  }

  // A method until the flag makes it what it is in Node.
  get hasSubscribers() {
    return isOn('diagnostics_channel_has_subscribers_getter') ? isHeard(this) : { hasSubscribers: () => isHeard(this) }.hasSubscribers;
  }

  subscribe(subscription) {
    if (typeof subscription !== 'function') {
      throw new TypeError("Failed to execute 'subscribe' on 'Channel': parameter 1 is not of type 'function'.");
    }
    this.#subscribers = [...this.#subscribers, subscription];
  }

  unsubscribe(subscription) {
    const at = this.#subscribers.indexOf(subscription);
    if (at >= 0) this.#subscribers = this.#subscribers.toSpliced(at, 1);
  }

  bindStore(store, transform) {
    this.#stores.set(store, transform);
  }

  unbindStore(store) {
    this.#stores.delete(store);
  }

  publish(message) {
    for (const subscriber of this.#subscribers) {
      try {
        subscriber(message, this.#name);
      } catch (error) {
        tell(error);
      }
    }
  }

  runStores(message, callback, self, ...args) {
    let frame = currentFrame();
    for (const [store, transform] of this.#stores) {
      let value = message;
      if (typeof transform === 'function') {
        try {
          value = transform(message);
        } catch (error) {
          tell(error);
          continue;
        }
      }
      frame = new Map(frame).set(store, value);
    }
    return runInFrame(frame, () => {
      this.publish(message);
      return Reflect.apply(callback, self, args);
    }, undefined, []);
  }
}

export function channel(name) {
  let known = channels.get(name);
  if (known === undefined) channels.set(name, (known = new Channel(name)));
  return known;
}

export function hasSubscribers(name) {
  const known = channels.get(name);
  return known !== undefined && isHeard(known);
}

export function subscribe(name, subscription) {
  channel(name).subscribe(subscription);
}

export function unsubscribe(name, subscription) {
  channel(name).unsubscribe(subscription);
}

const EVENTS = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];

// Runs it between `start` and `end`; what it throws is told, and thrown on.
function traced(channels, context, run) {
  return channels.start.runStores(context, () => {
    try {
      return run();
    } catch (error) {
      context.error = error;
      channels.error.publish(context);
      throw error;
    } finally {
      channels.end.publish(context);
    }
  });
}

export class TracingChannel {
  constructor(nameOrChannels) {
    for (const event of EVENTS) {
      let one;
      if (typeof nameOrChannels === 'string') one = channel(`tracing:${nameOrChannels}:${event}`);
      else if (typeof nameOrChannels === 'object' && nameOrChannels !== null) {
        one = nameOrChannels[event];
        if (!(one instanceof Channel)) throw invalidArgType(`nameOrChannels.${event}`, 'Channel', one);
      } else throw invalidArgType('nameOrChannels', ['string', 'object', 'TracingChannel'], nameOrChannels);
      Object.defineProperty(this, event, { value: one, enumerable: true });
    }
  }

  get hasSubscribers() {
    return EVENTS.some((event) => isHeard(this[event]));
  }

  subscribe(handlers) {
    for (const event of EVENTS) if (handlers[event]) this[event].subscribe(handlers[event]);
  }

  unsubscribe(handlers) {
    for (const event of EVENTS) if (handlers[event]) this[event].unsubscribe(handlers[event]);
  }

  traceSync(callback, context = {}, self = undefined, ...args) {
    return traced(this, context, () => (context.result = Reflect.apply(callback, self, args)));
  }

  tracePromise(callback, context = {}, self = undefined, ...args) {
    const settled = (key, value) => {
      context[key] = value;
      if (key === 'error') this.error.publish(context);
      this.asyncStart.publish(context);
      this.asyncEnd.publish(context);
    };
    return traced(this, context, () => {
      const promise = Promise.resolve(Reflect.apply(callback, self, args));
      return promise.then((value) => {
        settled('result', value);
        return value;
      }, (error) => {
        settled('error', error);
        throw error;
      });
    });
  }

  traceCallback(callback, position = -1, context = {}, self = undefined, ...args) {
    const inner = args.at(position);
    validateFunction(inner, 'callback');
    const channels = this;
    const wrapped = function (error, value) {
      if (error) {
        context.error = error;
        channels.error.publish(context);
      } else context.result = value;
      return channels.asyncStart.runStores(context, () => {
        try {
          return Reflect.apply(inner, this, arguments);
        } finally {
          channels.asyncEnd.publish(context);
        }
      });
    };
    args.splice(position, 1, wrapped);
    return traced(this, context, () => Reflect.apply(callback, self, args));
  }
}

export function tracingChannel(nameOrChannels) {
  return new TracingChannel(nameOrChannels);
}

export default { Channel, channel, hasSubscribers, subscribe, tracingChannel, unsubscribe };
