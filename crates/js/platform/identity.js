// IdentityTransformStream and FixedLengthStream: workerd's byte pipes. A write is done when its bytes have been
// taken, nothing is buffered; the fixed-length one lets the body go out with a Content-Length.
import * as host from 'switchyard:host';
import { refuseGlobalScope, tag } from './errors.js';
import { Transform, TransformStream } from './transform.js';

function bytesOf(chunk) {
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new TypeError('This TransformStream is being used as a byte stream, but received an object of ' +
    'non-ArrayBuffer/ArrayBufferView type on its writable side.');
}

function identity(expected) {
  refuseGlobalScope();
  const inner = new Transform({}, 1, null, 0, null);
  inner.readable.owner = inner.writable.owner = host.contextGet();
  let seen = 0;
  inner.transform = (chunk, controller) => {
    const bytes = bytesOf(chunk);
    if (bytes.byteLength === 0) return;
    seen += bytes.byteLength;
    if (expected !== null && seen > expected) {
      throw new TypeError('Attempt to write too many bytes through a FixedLengthStream.');
    }
    controller.enqueue(bytes.slice());
  };
  if (expected !== null) {
    inner.readable.length = expected;
    inner.flush = () => {
      if (seen !== expected) throw new TypeError('FixedLengthStream did not see all expected bytes before close().');
    };
  }
  inner.started.resolve();
  return inner;
}

export class IdentityTransformStream extends TransformStream {
  constructor() {
    super(identity(null));
  }
}
tag(IdentityTransformStream);

export class FixedLengthStream extends TransformStream {
  constructor(expectedLength) {
    const length = Number(expectedLength);
    if (!(length >= 0) || !Number.isFinite(length)) {
      throw new TypeError('FixedLengthStream requires an integer expected length less than 2^53.');
    }
    super(identity(Math.trunc(length)));
  }
}
tag(FixedLengthStream);
