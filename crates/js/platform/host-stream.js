// A ReadableStream over a host stream: a byte stream that buffers nothing, each pull is one READ. The host is
// told when the script cancels, so that the connection behind can be closed.
import * as host from 'switchyard:host';
import { OP_READ, OP_READ_CANCEL } from './abi.js';
import { operation } from './ops.js';
import { newByteStream } from './byte-controller.js';

class HostSource {
  constructor(id) {
    this.id = id;
  }

  pull(controller) {
    return operation(OP_READ, this.id).then((bytes) => {
      if (bytes === null) controller.finish();
      else controller.enqueue(bytes);
    });
  }

  cancel() {
    host.op(OP_READ_CANCEL, this.id);
  }
}

export function newHostStream(id, length) {
  const stream = newByteStream(new HostSource(id));
  stream.host = id;
  stream.length = length;
  return stream;
}
