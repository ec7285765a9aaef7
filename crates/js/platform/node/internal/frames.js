// Async context frames: what AsyncLocalStorage stores, an immutable map from storage to value. The context slot
// holds the request alone, or [request, frame]; the engine carries it over promises and jobs, the platform over
// timers. A frame that is entered again keeps the request that runs now: frames never carry I/O ownership.
import * as host from 'switchyard:host';

const { isArray } = Array;
const { apply } = Reflect;

export function currentFrame() {
  const slot = host.contextRaw();
  return isArray(slot) ? slot[1] : null;
}

export function runInFrame(frame, callback, self, args) {
  const previous = host.contextSet(frame === null ? host.contextGet() : [host.contextGet(), frame]);
  try {
    return apply(callback, self, args);
  } finally {
    host.contextSet(previous);
  }
}
