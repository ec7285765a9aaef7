// A ReadableStream over a host stream: a byte stream that buffers nothing, each pull is one READ. The host is
// told when the script cancels, so that the connection behind can be closed.
import * as host from 'switchyard:host';
import { OP_READ_CANCEL, STATUS_END, STATUS_OK } from './abi.js';
import { hostError } from './errors.js';
import { readHost } from './ops.js';
import { newByteStream } from './byte-controller.js';
import { PENDING } from './queue.js';

// The stream's source, and what is told when a READ is done: there is one at a time.
class HostSource {
  constructor(id) {
    this.id = id;
    this.controller = null;
    this.owner = undefined;
  }

  pull(controller) {
    this.controller = controller;
    readHost(this.id, this);
    return PENDING;
  }

  complete(status, value, message) {
    const { controller } = this;
    if (status === STATUS_OK) controller.enqueue(value);
    else if (status === STATUS_END) controller.finish();
    else controller.error(hostError(value, message));
    controller.pulled();
  }

  // The request that it belongs to is over.
  reject(reason) {
    this.controller.error(reason);
  }

  cancel() {
    host.op(OP_READ_CANCEL, this.id);
  }
}

// A byte stream that nobody has read becomes the one over a host stream: what is behind it changes, not the object.
export function adoptHost(stream, id) {
  const source = new HostSource(id);
  const { controller } = stream;
  controller.source = source;
  controller.pull = source.pull;
  controller.cancel = source.cancel;
  controller.onTaken = null;
  stream.host = id;
  stream.length = null;
}

export function newHostStream(id, length) {
  const stream = newByteStream(new HostSource(id));
  stream.host = id;
  stream.length = length;
  return stream;
}
