// CompressionStream and DecompressionStream. The host compresses a piece at a time; what goes in is worked on as long
// as not much has come out that nobody has read, so a small stream that grows without end takes no memory. As on
// workerd writing does not wait for a reader, only for room: all of it may be written, closed, and read afterwards.
import * as host from 'switchyard:host';
import { SYNC_COMPRESS_BEGIN, SYNC_COMPRESS_END, SYNC_COMPRESS_PUSH } from './abi.js';
import { newByteStream } from './byte-controller.js';
import { isOn } from './compatibility.js';
import { refuseGlobalScope, tag } from './errors.js';
import { nextId } from './ops.js';
import { Queue, rejected } from './queue.js';
import { Transform, TransformStream } from './transform.js';
import { ERRORED, Writable, WritableController } from './writable-state.js';

const FORMATS = { __proto__: null, gzip: 0, deflate: 1, 'deflate-raw': 2 };
const PIECE = 65536; // bytes that go to the host at once
const MOST_OUT = 1 << 20; // bytes that wait for a reader before what comes in waits as well
const MOST_IN = 16 << 20; // bytes that wait to be worked on before a writer has to

// The host's word for how far a step came.
const MORE = 0;
const END = 2;
const FAILED = 3;

const NOTHING = new Uint8Array(0);

function bytesOf(chunk) {
  if (chunk === undefined) return NOTHING;
  if (typeof chunk === 'string') return host.utf8Encode(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength).slice();
  const kind = host.kind(chunk);
  if (kind === 'ArrayBuffer' || kind === 'SharedArrayBuffer') return new Uint8Array(chunk).slice();
  return null;
}

class Codec {
  constructor(inflates, format) {
    this.id = nextId();
    this.inflates = inflates;
    this.strict = isOn('strict_compression_checks');
    this.inputs = new Queue();
    this.at = 0; // how much of the first one was taken
    this.waiting = 0; // bytes of all of them
    this.outputs = new Queue();
    this.held = 0; // bytes of all of them
    this.closing = false;
    this.ended = false; // nothing more comes out
    this.error = null; // { reason } once it failed
    this.pulled = null; // a pull that waits
    this.roomFor = null; // a write that waits
    if (host.sync(SYNC_COMPRESS_BEGIN, this.id, inflates, format) !== true) {
      throw new Error('Failed to initialize compression context.');
    }

    this.readable = newByteStream(this);
    this.writable = new CodecWritable();
    const controller = new CodecWritableController(this.writable, this);
    controller.write = this.write;
    controller.closeSink = this.close;
    controller.abort = this.abort;
    controller.begin();
    this.readable.owner = this.writable.owner = host.contextGet();
  }

  // As the sink of the writable side.
  write(bytes) {
    this.inputs.push(bytes);
    this.waiting += bytes.byteLength;
    this.work();
    if (this.error !== null) throw this.error.reason;
    if (this.waiting < MOST_IN) return undefined;
    return new Promise((resolve, reject) => {
      this.roomFor = { resolve, reject };
    });
  }

  close() {
    this.closing = true;
    this.work();
    if (this.error !== null) throw this.error.reason;
  }

  abort(reason) {
    this.drop();
    this.readable.controller.error(reason);
    this.pulled?.();
  }

  // As the source of the readable side.
  pull() {
    return new Promise((resolve) => {
      this.pulled = resolve;
      this.deliver();
      this.work();
    });
  }

  cancel(reason) {
    this.drop();
    this.writable.controller.errorIfNeeded(reason);
    this.roomFor?.reject(reason);
    this.pulled?.();
  }

  drop() {
    host.sync(SYNC_COMPRESS_END, this.id);
    this.inputs.clear();
    this.outputs.clear();
    this.waiting = this.held = 0;
    this.ended = true;
  }

  // A pipe brought what is no chunk.
  refuse(reason) {
    this.drop();
    this.error = { reason };
    this.readable.controller.error(reason);
    this.writable.controller.errorIfNeeded(reason);
    this.pulled?.();
  }

  fail(message) {
    const reason = new TypeError(message);
    this.drop();
    this.error = { reason };
    this.readable.controller.error(reason);
    // A write or a close that is under way rejects with it by itself.
    if (this.roomFor !== null) this.roomFor.reject(reason);
    else if (this.writable.inflightWrite === null && this.writable.inflightClose === null) {
      this.writable.controller.errorIfNeeded(reason);
    }
    this.pulled?.();
  }

  work() {
    while (!this.ended && this.held < MOST_OUT && (this.inputs.length > 0 || this.closing)) this.step();
    if (this.ended && this.inputs.length > 0 && this.error === null) this.behind();
    this.deliver();
    if (this.roomFor !== null && this.waiting < MOST_IN) {
      this.roomFor.resolve();
      this.roomFor = null;
    }
  }

  step() {
    const first = this.inputs.length > 0 ? this.inputs.peek() : NOTHING;
    const piece = first.subarray(this.at, this.at + PIECE);
    const finish = this.closing && this.at + piece.byteLength === first.byteLength && this.inputs.length <= 1;
    const answer = host.sync(SYNC_COMPRESS_PUSH, this.id, finish && !this.inflates, piece);
    if (answer === undefined || answer === null) {
      this.fail(this.inflates ? 'Decompression failed.' : 'Compression failed.');
      return;
    }
    const [step, taken, out] = answer;
    this.at += taken;
    this.waiting -= taken;
    if (this.inputs.length > 0 && this.at >= first.byteLength) {
      this.inputs.shift();
      this.at = 0;
    }
    if (step === FAILED) {
      this.fail(this.inflates ? 'Decompression failed.' : 'Compression failed.');
      return;
    }
    if (out.byteLength > 0) {
      this.outputs.push(out);
      this.held += out.byteLength;
    }
    if (step === END) this.ended = true;
    else if (step === MORE && this.closing && this.inputs.length === 0 && this.inflates) {
      this.ended = true;
      if (this.strict) this.fail('Called close() on a decompression stream with incomplete data');
      else host.sync(SYNC_COMPRESS_END, this.id);
    }
  }

  // What comes behind the end of the compressed data: nothing may.
  behind() {
    if (this.waiting > 0 && this.strict) {
      this.fail('Trailing bytes after end of compressed data');
      return;
    }
    this.inputs.clear();
    this.waiting = 0;
  }

  deliver() {
    const { pulled } = this;
    if (pulled === null) return;
    const { controller } = this.readable;
    if (this.outputs.length > 0) {
      this.pulled = null;
      const bytes = this.outputs.shift();
      this.held -= bytes.byteLength;
      controller.enqueue(bytes);
      pulled();
    }
    if (this.ended && this.closing && this.outputs.length === 0 && this.error === null) {
      controller.finish();
      pulled();
    }
  }
}

// Closing one that failed says, as on workerd, that it is closed, not why.
class CodecWritable extends Writable {
  close() {
    return this.state === ERRORED ? rejected(new TypeError('This WritableStream has been closed.')) : super.close();
  }
}

// Chunks are looked at and copied when they are written, and one that is none is refused without more.
class CodecWritableController extends WritableController {
  constructor(stream, codec) {
    super(stream, codec, 1, null);
    this.bytes = true;
  }

  // Writers are asked to wait once there is much to be done.
  chunkSize() {
    return this.sink.waiting < MOST_IN ? 0 : 1;
  }

  enqueue(chunk, size) {
    const bytes = bytesOf(chunk);
    if (bytes !== null) {
      super.enqueue(bytes, size);
      return;
    }
    const { stream } = this;
    if (stream.writer.pipes) {
      this.sink.refuse(new TypeError('This WritableStream only supports writing byte types.'));
      return;
    }
    stream.writes.pop().fail(new TypeError('This TransformStream is being used as a byte stream, but received ' +
      'an object of non-ArrayBuffer/ArrayBufferView type on its writable side.'));
  }
}

// The classes are functions, as on workerd: their prototype chains do not lead to TransformStream, only those of
// their instances do.
function streamClass(name, inflates) {
  const Class = {
    [name]: function () {
      if (new.target === undefined) {
        throw new TypeError(`Failed to construct '${name}': Please use the 'new' operator, this object constructor ` +
          'cannot be called as a function.');
      }
      if (arguments.length < 1) {
        throw new TypeError(`Failed to construct '${name}': constructor parameter 1 is not of type 'string'.`);
      }
      const format = FORMATS[`${arguments[0]}`];
      if (format === undefined) {
        throw new TypeError("The compression format must be either 'deflate', 'deflate-raw' or 'gzip'.");
      }
      refuseGlobalScope();
      const { readable, writable } = new Codec(inflates, format);
      const sides = Object.assign(Object.create(Transform.prototype), { readable, writable });
      return Reflect.construct(TransformStream, [sides], new.target);
    },
  }[name];
  Reflect.defineProperty(Class, 'prototype', {
    value: Object.create(TransformStream.prototype, { constructor: { value: Class, writable: true, configurable: true } }),
    writable: false,
  });
  tag(Class, name);
  return Class;
}

export const CompressionStream = streamClass('CompressionStream', false);
export const DecompressionStream = streamClass('DecompressionStream', true);
