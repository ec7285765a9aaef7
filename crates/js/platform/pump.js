// Guest streams: a ReadableStream whose bytes the host wants. One chunk is read, written and awaited at a time:
// the completion of a WRITE is the credit for the next.
import * as host from 'switchyard:host';
import { EVENT_CANCELLED, OP_ABORT, OP_CLOSE, OP_WRITE, STATUS_OK } from './abi.js';
import { streamBegun, streamEnded } from './context.js';
import { describeThrown } from './errors.js';
import { expect, forget, nextId } from './ops.js';
import { Reader, cancelStream } from './readable-state.js';

const { isView } = ArrayBuffer;
const pumps = new Map(); // number of the stream -> Pump, while it runs

class Pump {
  constructor(id, stream) {
    this.id = id;
    this.reader = new Reader(stream);
    this.operation = 0;
    this.failed = null; // who hears of the stream's own error
    this.owner = host.contextGet(); // the request, which is not over before this is
    streamBegun(this.owner);
  }

  chunk(value) {
    if (typeof value === 'string' || isView(value) || value instanceof ArrayBuffer) {
      const operation = (this.operation = nextId());
      let code;
      try {
        code = host.op(OP_WRITE, operation, this.id, value);
      } catch (error) {
        this.fail(error); // detached, or there is no memory for it
        return;
      }
      if (code === 0) expect(operation, this);
      else this.fail(new Error('Too many concurrent operations.'));
    } else {
      this.fail(new TypeError('This ReadableStream did not return bytes.'));
    }
  }

  fail(reason) {
    cancelStream(this.reader.stream, reason).catch(() => {});
    this.error(reason);
  }

  complete(status) {
    if (status === STATUS_OK) this.reader.read(this);
    else this.cancelled();
  }

  close() {
    if (pumps.delete(this.id)) {
      host.op(OP_CLOSE, this.id);
      streamEnded(this.owner);
    }
  }

  error(reason) {
    if (pumps.delete(this.id)) {
      this.failed?.(reason);
      host.op(OP_ABORT, this.id, describeThrown(reason)[1]);
      streamEnded(this.owner);
    }
  }

  // Nobody reads any more: the source hears of it as cancel(undefined).
  cancelled() {
    if (!pumps.delete(this.id)) return;
    forget(this.operation);
    cancelStream(this.reader.stream, undefined).catch(() => {});
    streamEnded(this.owner);
  }
}

// Locks the stream; `run` starts it once the operation that names it has gone out.
export function newPump(stream) {
  const id = nextId();
  const pump = new Pump(id, stream);
  pumps.set(id, pump);
  return pump;
}

export function runPump(pump) {
  pump.reader.read(pump);
}

export function dropPump(pump) {
  pumps.delete(pump.id);
  pump.reader.release();
  streamEnded(pump.owner);
}

// The host has ended the request.
export function forgetPumps(owns) {
  for (const [id, pump] of pumps) if (owns(pump.owner)) pumps.delete(id);
}

export function installPumps() {
  host.register(EVENT_CANCELLED, (id) => {
    const pump = pumps.get(id);
    if (pump === undefined) return;
    host.contextSet(pump.owner);
    pump.cancelled();
  });
}
