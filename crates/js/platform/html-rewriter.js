// HTMLRewriter: handlers by selector and for the document, and what makes a page of a response go through them. It
// holds no more than what a script gave, so one that is made by module code serves every request.
import * as host from 'switchyard:host';
import { BODY_WHOLE, SYNC_HTML_SELECTOR } from './abi.js';
import { giveAway } from './content.js';
import { SOURCE, refuseForeign, refuseGlobalScope, tag } from './errors.js';
import { Page } from './html-page.js';
import { parsed, parserError } from './html-tokens.js';
import { illegalInvocation, notOfType } from './idl.js';
import { publicReadable } from './readable.js';
import { Reader } from './readable-state.js';
import { Response, isResponse, responseContent } from './response.js';

// What each handler listens to, as bits; the fields are read in this order.
const ELEMENT_HANDLERS = [['element', 1], ['comments', 2], ['text', 4]];
const DOCUMENT_HANDLERS = [['doctype', 8], ['comments', 2], ['text', 4], ['end', 16]];

function handlersOf(object, type, fields, place, at) {
  if (object === null || object === undefined && at <= place.given) object = {};
  if (typeof object !== 'object' && typeof object !== 'function') throw notOfType(place.method, 'HTMLRewriter', at, type);
  const handlers = { selector: null, listens: 0, object };
  for (const [name, bit] of fields) {
    const handler = object[name];
    if (handler === undefined) continue;
    if (typeof handler !== 'function') {
      throw new TypeError(
        `Incorrect type for the '${name}' field on '${type}': the provided value is not of type 'function'.`);
    }
    handlers[name] = handler;
    handlers.listens |= bit;
  }
  return handlers;
}

// A parameter of a content type: the first of that name, without its quotes; null: there is none.
function parameter(type, wanted) {
  for (const part of type.match(/;(?:[^;"]|"(?:[^"\\]|\\.)*"?)*/g) ?? []) {
    const [, name, value] = /^;\s*([^=\s]*)\s*=?\s*(.*?)\s*$/s.exec(part);
    if (name.toLowerCase() !== wanted) continue;
    const quoted = /^"((?:[^"\\]|\\.)*)"?/s.exec(value);
    return quoted === null ? value : quoted[1].replace(/\\(.)/gs, '$1');
  }
  return null;
}

export class HTMLRewriter {
  #handlers = [];

  static #of(rewriter) {
    if (typeof rewriter !== 'object' || rewriter === null || !(#handlers in rewriter)) throw illegalInvocation();
    return rewriter.#handlers;
  }

  on(...args) {
    const all = HTMLRewriter.#of(this);
    if (args.length < 1) throw notOfType('on', 'HTMLRewriter', 1, 'string');
    const selector = parsed(args[0]);
    const place = { method: 'on', given: args.length };
    const handlers = handlersOf(args[1], 'ElementContentHandlers', ELEMENT_HANDLERS, place, 2);
    const refused = host.sync(SYNC_HTML_SELECTOR, selector);
    if (typeof refused === 'string') throw parserError(refused);
    handlers.selector = selector;
    all.push(handlers);
    return this;
  }

  onDocument(...args) {
    const all = HTMLRewriter.#of(this);
    const place = { method: 'onDocument', given: args.length };
    all.push(handlersOf(args[0], 'DocumentContentHandlers', DOCUMENT_HANDLERS, place, 1));
    return this;
  }

  transform(...args) {
    const all = HTMLRewriter.#of(this);
    const response = args[0];
    if (!isResponse(response)) throw notOfType('transform', 'HTMLRewriter', 1, 'Response');
    if (response.type === 'error') throw new TypeError('HTMLRewriter cannot transform an error response');
    const content = responseContent(response);
    if (content === null) return response;
    refuseGlobalScope();
    refuseForeign(content.owner, SOURCE);
    if (content.isUsed() || content.isLocked()) throw new TypeError('The ReadableStream has been locked to a reader.');
    const charset = parameter(response.headers.get('content-type') ?? '', 'charset');
    const encoding = charset === null || charset === '' || /^utf-?8$/i.test(charset) ? null : charset;

    const page = new Page(all.slice(), encoding, null);
    const output = page.output();
    output.owner = host.contextGet();
    const transformed = new Response(publicReadable(output), response);
    // Only now is the body taken: what was refused before left it alone.
    if (content.kind === BODY_WHOLE && content.stream === null) {
      page.input = typeof content.data === 'string' ? host.utf8Encode(content.data) : content.data;
      giveAway(content);
    } else {
      const stream = content.readable();
      stream.disturbed = true;
      page.input = new Reader(stream);
    }
    page.run();
    return transformed;
  }
}
tag(HTMLRewriter);
for (const name of ['on', 'onDocument', 'transform']) {
  Reflect.defineProperty(HTMLRewriter.prototype, name, { enumerable: true });
}
