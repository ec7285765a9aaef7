// TextEncoderStream and TextDecoderStream, by the Encoding standard: the two classes of encoding.js as transforms.
import * as host from 'switchyard:host';
import { TextDecoder } from './encoding.js';
import { isObject, notConstructed, present, toText } from './idl.js';
import { Transform, TransformStream } from './transform.js';

export class TextEncoderStream extends TransformStream {
  #made = true;

  constructor() {
    const inner = new Transform({}, 1, null, 0, null);
    let high = ''; // the first half of a surrogate pair that a chunk ended with
    inner.transform = (chunk, controller) => {
      let text = high + (typeof chunk === 'string' ? chunk : toText(chunk));
      const last = text.charCodeAt(text.length - 1);
      high = last >= 0xd800 && last <= 0xdbff ? text[text.length - 1] : '';
      if (high !== '') text = text.slice(0, -1);
      if (text !== '') controller.enqueue(host.utf8Encode(text));
    };
    inner.flush = (controller) => {
      if (high !== '') controller.enqueue(host.utf8Encode('\ufffd'));
    };
    super(inner);
    inner.started.resolve();
  }

  get encoding() {
    this.#made;
    return 'utf-8';
  }
}
present(TextEncoderStream);

export class TextDecoderStream extends TransformStream {
  #decoder;

  constructor(label = undefined, options = undefined) {
    if (options !== undefined && options !== null && !isObject(options)) {
      throw notConstructed('TextDecoderStream', 2, 'TextDecoderStreamInit');
    }
    const decoder = new TextDecoder(label, options);
    const inner = new Transform({}, 1, null, 0, null);
    inner.transform = (chunk, controller) => {
      const kind = isObject(chunk) ? host.kind(chunk) : null;
      if (!ArrayBuffer.isView(chunk) && kind !== 'ArrayBuffer' && kind !== 'SharedArrayBuffer') {
        throw new TypeError(
          'This TransformStream is being used as a byte stream, but received a value that is not a BufferSource.');
      }
      const text = decoder.decode(chunk, { stream: true });
      if (text !== '') controller.enqueue(text);
    };
    inner.flush = (controller) => {
      const text = decoder.decode();
      if (text !== '') controller.enqueue(text);
    };
    super(inner);
    this.#decoder = decoder;
    inner.started.resolve();
  }

  get encoding() {
    return this.#decoder.encoding;
  }

  get fatal() {
    return this.#decoder.fatal;
  }

  get ignoreBOM() {
    return this.#decoder.ignoreBOM;
  }
}
present(TextDecoderStream);
