// A page on its way through an HTMLRewriter. The host parses it slice by slice and says which handlers are to be
// called with what; they run here, one after the other, for as long as they like; what they want goes back to the
// host, which does it to the slice and gives what comes out (ABI.md, Pages). So the page needs nothing of the host's
// while a handler waits.
import * as host from 'switchyard:host';
import { SYNC_HTML_APPLY, SYNC_HTML_BEGIN, SYNC_HTML_ENCODE, SYNC_HTML_END, SYNC_HTML_SCAN } from './abi.js';
import { isOn } from './compatibility.js';
import { TextDecoder } from './encoding.js';
import { SOURCE, describeThrown, refuseForeign } from './errors.js';
import {
  ElementToken, FAIL, OUT_OF_MEMORY, endToken, newComment, newDoctype, newDocumentEnd, newElement, newEndTag, newText,
  parserError,
} from './html-tokens.js';
import { newByteStream } from './byte-controller.js';
import { nextId } from './ops.js';
import { innerReadable } from './readable.js';
import { PromiseRequest, Reader, cancelStream } from './readable-state.js';
import { isResponse, responseContent } from './response.js';

// Kinds of event, doubled; one more where the token is that of the event before.
const ELEMENT = 0;
const TEXT = 1;
const COMMENT = 2;
const DOCTYPE = 3;
const END_TAG = 4;

const ROOM = 16384; // bytes of the first slice at most, until the host says how long they may be
const SHORTEST = 16; // bytes of a slice that the host always takes
const WORK = 65536; // bytes of the first slice times handlers: each may be called for every few bytes
const MOST_VALUES = 1000; // that go to the host at once

const { apply } = Reflect;

export class Page {
  constructor(handlers, encoding, input) {
    this.id = nextId();
    this.handlers = handlers; // as they are when the page begins
    this.encoding = encoding; // null: UTF-8
    this.input = input; // a Reader, or all the bytes
    this.frame = host.contextRaw(); // handlers run in the context of transform()
    this.room = Math.max(SHORTEST, Math.min(ROOM, Math.trunc(WORK / Math.max(1, handlers.length))));
    this.over = false;

    this.wants = []; // event, number of values' commands, values…: what goes to the host next
    this.event = 0; // of the handler that runs
    this.count = 0; // where its number of commands stands
    this.position = 0; // of the next event in the slice
    this.iterators = [];
    this.elements = 0;
    this.token = null; // of the last event
    this.renamed = null; // Map: element's number -> name of its end tag
    this.endTags = null; // Map: element's number -> handler
    this.removing = null; // Set of numbers of open elements whose content goes away
    this.streams = null; // Map: number -> { content, html } to be put in
    this.lastStream = 0;

    this.controller = null;
    this.demand = null; // the pull that waits
    this.demanded = null; // who waits for a pull
    const values = [];
    for (const { selector, listens } of this.handlers) values.push(selector, listens);
    const esi = isOn('html_rewriter_treats_esi_include_as_void_tag');
    const refused = host.sync(SYNC_HTML_BEGIN, this.id, encoding, esi, ...values);
    if (typeof refused === 'string') throw parserError(refused);
  }

  // The stream of what comes out.
  output() {
    const stream = newByteStream(this);
    this.controller = stream.controller;
    return stream;
  }

  // As the source of that stream.
  pull() {
    return new Promise((resolve) => {
      this.demand = resolve;
      this.demanded?.();
    });
  }

  cancel(reason) {
    this.demand?.();
    this.end();
    if (this.input instanceof Reader) cancelStream(this.input.stream, reason).catch(() => {});
    this.demanded?.();
  }

  end() {
    if (this.over) return;
    this.over = true;
    host.sync(SYNC_HTML_END, this.id);
  }

  async run() {
    try {
      await null; // nothing happens before transform() has returned
      if (this.input instanceof Reader) {
        for (;;) {
          const { value, done } = await new Promise((resolve, reject) =>
            this.input.read(new PromiseRequest(resolve, reject)));
          if (this.over) return;
          if (done) break;
          const bytes = bytesOf(value);
          // A long one is worked on while others run: nobody may change it then.
          await this.write(bytes.byteLength > this.room ? bytes.slice() : bytes);
          if (this.over) return;
        }
        await this.slice(new Uint8Array(0), true);
      } else {
        await this.write(this.input, true);
      }
      if (this.over) return;
      this.end();
      this.controller.finish();
    } catch (error) {
      this.fail(error);
    }
    this.demand?.();
  }

  fail(error) {
    if (this.over) return;
    this.end();
    this.controller.error(error);
    if (this.input instanceof Reader) cancelStream(this.input.stream, error).catch(() => {});
  }

  async write(bytes, last = false) {
    let at = 0;
    do {
      const to = Math.min(at + this.room, bytes.byteLength);
      await this.slice(bytes.subarray(at, to), last && to === bytes.byteLength);
      at = to;
    } while (at < bytes.byteLength && !this.over);
  }

  async slice(bytes, last) {
    const answer = host.sync(SYNC_HTML_SCAN, this.id, last, bytes);
    if (answer === undefined || answer === null) throw parserError(OUT_OF_MEMORY);
    this.position = 0;
    let thrown = null;
    if (typeof answer === 'number') {
      this.room = answer;
    } else {
      this.room = answer[0];
      try {
        let at = 1;
        // Waits only for what a handler returns a promise of.
        while (at < answer.length) {
          const called = this.call(answer, at);
          at = this.next;
          if (called !== null) await this.settle(called);
          if (this.over) return;
        }
      } catch (error) {
        if (this.over) return;
        thrown = { error };
        this.want(FAIL);
        this.close();
      }
    }
    const parts = this.send(true);
    const [refused, ...out] = Array.isArray(parts) ? parts : [parts];
    await this.put(out);
    if (thrown !== null) throw asError(thrown.error);
    if (typeof refused === 'string') throw parserError(refused);
  }

  // Calls the handler of the event at `at` in the host's answer; what it returned, with the object it got, if that is
  // to be waited for. `this.next`: where the next event begins.
  call(values, at) {
    const kind = values[at] >> 1;
    const same = (values[at] & 1) !== 0;
    const of = values[at + 1];
    at += 2;
    let handler;
    let self = null;
    let object;
    if (kind === ELEMENT) {
      if (!same) {
        const from = at + 4;
        at = from + values[at + 3] * 2;
        this.token = new ElementToken(++this.elements, values[from - 4], values[from - 3], values[from - 2],
          values.slice(from, at), this.removing !== null && this.removing.size > 0);
      }
      self = this.handlers[of];
      handler = self.element;
      object = newElement(this, this.token);
    } else if (kind === TEXT) {
      if (!same) {
        this.token = { text: values[at], last: values[at + 1], removed: false };
        at += 2;
      }
      self = this.handlers[of];
      handler = self.text;
      object = newText(this, this.token);
    } else if (kind === COMMENT) {
      if (!same) this.token = { text: values[at++], removed: false };
      self = this.handlers[of];
      handler = self.comments;
      object = newComment(this, this.token);
    } else if (kind === DOCTYPE) {
      if (!same) {
        this.token = { name: values[at], publicId: values[at + 1], systemId: values[at + 2] };
        at += 3;
      }
      self = this.handlers[of];
      handler = self.doctype;
      object = newDoctype(this, this.token);
    } else if (kind === END_TAG) {
      if (!same) this.token = { name: values[at++] };
      this.next = at;
      this.removing?.delete(of);
      const renamed = this.renamed?.get(of);
      if (renamed !== undefined) {
        this.token.name = renamed;
        this.renamed.delete(of);
      }
      handler = this.endTags?.get(of);
      if (handler === undefined) return null;
      this.endTags.delete(of);
      object = newEndTag(this, this.token);
    } else {
      self = this.handlers[of];
      handler = self.end;
      object = newDocumentEnd(this, {});
    }
    this.next = at;
    this.event = kind === END_TAG ? -of : this.position++;
    this.open();
    const before = host.contextSet(this.frame);
    let returned;
    try {
      returned = apply(handler, self === null ? globalThis : self.object, [object]);
      const then = (typeof returned === 'object' || typeof returned === 'function') && returned !== null;
      if (then && (host.isPromise(returned) || typeof returned.then === 'function')) return { returned, object };
    } catch (error) {
      this.finish(object);
      throw error;
    } finally {
      host.contextSet(before);
    }
    this.finish(object);
    this.close();
    return null;
  }

  async settle({ returned, object }) {
    try {
      await returned;
    } finally {
      this.finish(object);
    }
    this.close();
  }

  // The handler's call is over, and so is what it got.
  finish(object) {
    endToken(object);
    if (this.iterators.length === 0) return;
    for (const iterator of this.iterators) endToken(iterator);
    this.iterators = [];
  }

  open() {
    this.count = this.wants.length + 1;
    this.commands = 0;
  }

  // What the handler that runs wants done.
  want(...command) {
    const { wants } = this;
    if (this.commands === 0) wants.push(this.event, 0);
    wants.push(...command);
    this.commands++;
    if (wants.length > MOST_VALUES) {
      this.close();
      this.send(false);
      this.open();
    }
  }

  close() {
    if (this.commands > 0) this.wants[this.count] = this.commands;
    this.commands = 0;
  }

  send(whole) {
    const wants = this.wants;
    this.wants = [];
    const answer = host.sync(SYNC_HTML_APPLY, this.id, whole, ...wants);
    if (answer === undefined || answer === null) throw parserError(OUT_OF_MEMORY);
    return answer;
  }

  rename(number, name) {
    (this.renamed ??= new Map()).set(number, name);
  }

  onEndTag(number, handler) {
    (this.endTags ??= new Map()).set(number, handler);
  }

  removeContent(token) {
    if (token.hasContent) (this.removing ??= new Set()).add(token.number);
  }

  // Notes a stream that is to be put into the page; its number.
  stream(content, html) {
    (this.streams ??= new Map()).set(++this.lastStream, { content, html });
    return this.lastStream;
  }

  // Gives out bytes, and streams by their numbers, as fast as they are read.
  async put(parts) {
    for (const part of parts) {
      if (typeof part !== 'number') {
        await this.give(part);
      } else {
        const { content, html } = this.streams.get(part);
        this.streams.delete(part);
        await this.giveStream(content, html);
      }
      if (this.over) return;
    }
  }

  async give(bytes) {
    if (bytes.byteLength === 0) return;
    while (this.demand === null) {
      await new Promise((resolve) => {
        this.demanded = resolve;
      });
      this.demanded = null;
      if (this.over) return;
    }
    const { demand } = this;
    this.demand = null;
    this.controller.enqueue(bytes);
    demand();
  }

  async giveStream(content, html) {
    const body = isResponse(content) ? responseContent(content) : innerReadable(content);
    if (body === null) return;
    refuseForeign(body.owner, SOURCE);
    const stream = isResponse(content) ? body.readable() : body;
    if (stream.reader !== null || stream.disturbed) throw new TypeError('The ReadableStream has been locked to a reader.');
    const reader = new Reader(stream);
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    try {
      for (let done = false; !done;) {
        const read = await new Promise((resolve, reject) => reader.read(new PromiseRequest(resolve, reject)));
        done = read.done;
        const text = decode(decoder, done ? undefined : bytesOf(read.value), !done);
        for (let at = 0; at < text.length && !this.over; at += ROOM) {
          await this.give(this.encode(text.slice(at, at + ROOM), html));
        }
        if (this.over) throw new TypeError('This stream is no longer read.');
      }
    } catch (error) {
      cancelStream(stream, error).catch(() => {});
      throw error;
    }
  }

  encode(text, html) {
    if (!html) text = text.replace(/[&<>]/g, (character) => (character === '&' ? '&amp;' : character === '<' ? '&lt;' : '&gt;'));
    return this.encoding === null ? host.utf8Encode(text) : host.sync(SYNC_HTML_ENCODE, this.encoding, text)[0];
  }
}

function decode(decoder, bytes, stream) {
  try {
    return decoder.decode(bytes, { stream });
  } catch {
    throw parserError('Invalid UTF-8');
  }
}

// Whatever was thrown becomes an error.
function asError(thrown) {
  return thrown instanceof Error ? thrown : new Error(describeThrown(thrown)[1]);
}

function bytesOf(chunk) {
  if (typeof chunk === 'string') return host.utf8Encode(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  throw new TypeError('Draining read encountered a value that cannot be converted to bytes');
}
