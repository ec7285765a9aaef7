// IdentityTransformStream and FixedLengthStream: workerd's byte pipes. A write is done when its bytes have been
// taken, nothing is transformed; the fixed-length one lets the body go out with a Content-Length.
import * as host from 'switchyard:host';
import { isOn } from './compatibility.js';
import { describeThrown, refuseGlobalScope } from './errors.js';
import { newByteStream } from './byte-controller.js';
import { isObject, notConstructed, present } from './idl.js';
import { Deferred, whole } from './queue.js';
import { adoptHost } from './host-stream.js';
import { READABLE, closeStream } from './readable-state.js';
import { publicReadable } from './readable.js';
import { SIDES, TransformStream } from './transform.js';
import { publicWritable } from './writable.js';
import { Writable, WritableController, isWritableOpen } from './writable-state.js';

const MOST_BYTES = 2 ** 53;

// What may be written, as bytes of its own: the script's buffer may change until they are taken.
function bytesOf(chunk) {
  if (typeof chunk === 'string') return host.utf8Encode(chunk);
  if (chunk === undefined) return new Uint8Array(0);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength).slice();
  if (isObject(chunk) && host.kind(chunk) === 'ArrayBuffer') return new Uint8Array(chunk).slice();
  throw new TypeError('This TransformStream is being used as a byte stream, but received an object of ' +
    'non-ArrayBuffer/ArrayBufferView type on its writable side.');
}

// A reason crosses the runtime on workerd, and is an error afterwards.
function asError(reason) {
  return reason instanceof Error ? reason : new Error(describeThrown(reason)[1]);
}

// The sink of one side and the source of the other.
class Pipe {
  constructor(expected, mark) {
    this.expected = expected;
    this.seen = 0;
    this.pending = null; // the write whose bytes have not all been taken
    this.adopted = false; // a host stream took the place of what is written
    this.readable = newByteStream(this);
    this.readable.length = expected;
    this.readable.controller.onTaken = () => this.taken();
    this.writable = new Writable();
    this.writable.pipe = this;
    this.readable.owner = this.writable.owner = host.contextGet();
    const controller = new WritableController(this.writable, this, mark ?? 1, mark === null ? () => 0 : (c) => c.byteLength);
    controller.convert = bytesOf;
    controller.write = this.write;
    controller.closeSink = this.close;
    controller.abort = this.abort;
    // For an older Worker the write that waits is done first.
    controller.aborting = (reason) => { if (isOn('internal_writable_stream_abort_clears_queue')) this.abort(reason); };
    controller.started = true;
  }

  write(bytes) {
    if (bytes.byteLength === 0) return undefined;
    this.seen += bytes.byteLength;
    if (this.expected !== null && this.seen > this.expected) {
      const error = new TypeError('Attempt to write too many bytes through a FixedLengthStream.');
      this.readable.controller.error(error);
      throw error;
    }
    const pending = (this.pending = new Deferred());
    this.readable.controller.enqueue(bytes);
    return pending.promise;
  }

  taken() {
    const { pending } = this;
    this.pending = null;
    pending?.resolve();
  }

  close() {
    const { controller } = this.readable;
    if (this.adopted) return;
    if (this.expected !== null && this.seen !== this.expected) {
      controller.error(new TypeError('FixedLengthStream did not see all expected bytes before close().'));
    } else {
      controller.finish();
    }
  }

  // Called when an abort is asked for: a write that waits for a reader does not keep it waiting.
  abort(reason) {
    const { pending } = this;
    this.pending = null;
    this.readable.controller.error(pending === null ? reason : new Error('Network connection lost.'));
    pending?.reject(reason);
  }

  // As the readable side's source.
  pull() {}

  cancel(reason) {
    const error = asError(reason);
    const { pending } = this;
    this.pending = null;
    this.writable.controller.errorIfNeeded(error);
    pending?.reject(error);
  }

  // A body that nobody has looked into is piped in whole: if nothing has gone through and nobody reads either, it
  // becomes the readable side itself, and goes on to the host unread. Says whether it did.
  adopt(stream) {
    const { readable, writable } = this;
    if (stream.host < 0 || stream.disturbed || stream.state !== READABLE) return false;
    if (this.expected !== null && this.expected !== stream.length) return false;
    if (this.seen > 0 || this.adopted || readable.reader !== null || readable.disturbed) return false;
    if (readable.state !== READABLE || !isWritableOpen(writable) || writable.inflight() || writable.writes.length > 0) return false;
    this.adopted = true;
    adoptHost(readable, stream.host);
    readable.length = this.expected;
    stream.host = -1;
    stream.disturbed = true;
    closeStream(stream);
    return true;
  }
}

function markOf(options, owner, at) {
  if (options === undefined || options === null) return null;
  if (!isObject(options)) throw notConstructed(owner, at, 'QueuingStrategy');
  const { highWaterMark } = options;
  return highWaterMark === undefined ? null : whole(highWaterMark);
}

function sides(expected, mark) {
  refuseGlobalScope();
  const pipe = new Pipe(expected, mark);
  return [publicReadable(pipe.readable), publicWritable(pipe.writable)];
}

export class IdentityTransformStream extends TransformStream {
  constructor(options = undefined, made = undefined) {
    super(SIDES, options === SIDES ? made : sides(null, markOf(options, 'IdentityTransformStream', 1)));
  }
}
present(IdentityTransformStream);

export class FixedLengthStream extends IdentityTransformStream {
  constructor(expectedLength, options = undefined) {
    if (arguments.length === 0) throw notConstructed('FixedLengthStream', 1, 'bigint');
    const length = whole(expectedLength);
    if (length >= MOST_BYTES) {
      throw new TypeError('FixedLengthStream requires an integer expected length less than 2^53.');
    }
    super(SIDES, sides(length, markOf(options, 'FixedLengthStream', 2)));
  }
}
present(FixedLengthStream);
