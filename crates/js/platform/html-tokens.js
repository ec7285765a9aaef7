// What HTMLRewriter's handlers get: elements, end tags, texts, comments, doctypes, the end of the document. An object
// is good for one call of a handler; what it tells and takes lies in a token that all handlers of the same piece of
// the page share. What is to be done is noted with the page (html-page.js), and checked here as the parser would.
import * as host from 'switchyard:host';
import { SYNC_HTML_ENCODE } from './abi.js';
import { tag } from './errors.js';
import { illegalInvocation, notOfType } from './idl.js';
import { innerReadable } from './readable.js';
import { INTERNAL } from './readable-state.js';
import { isResponse } from './response.js';

export const BEFORE = 0;
export const AFTER = 1;
export const PREPEND = 2;
export const APPEND = 3;
export const REPLACE = 4;
export const INNER = 5;
export const REMOVE = 6;
const UNWRAP = 7;
const SET_ATTRIBUTE = 8;
const REMOVE_ATTRIBUTE = 9;
const NAME = 10;
const ON_END_TAG = 11;
export const FAIL = 12;

// Attributes looked through for changes of one element: in the parser a change takes as long as there are attributes.
const MOST_COMPARED = 1 << 24;

export const OUT_OF_MEMORY = 'The memory limit has been exceeded.';

export function parserError(message) {
  return new TypeError(`Parser error: ${message}`);
}

function over() {
  return new TypeError('This content token is no longer valid. Content tokens are only valid during the execution of ' +
    'the relevant content handler.');
}

const lower = (text) => (/[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (part) => part.toLowerCase()) : text);

// A text as it goes to the parser, which takes no half characters.
export function parsed(value) {
  const text = `${value}`;
  if (!text.isWellFormed()) {
    const lone = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.exec(text);
    throw parserError(`invalid utf-8 sequence of 1 bytes from index ${host.utf8Length(text.slice(0, lone.index))}`);
  }
  return text;
}

function textArgument(args, at, method, owner) {
  if (args.length < at) throw notOfType(method, owner, at, 'string');
  return parsed(args[at - 1]);
}

function encodable(page, text, what) {
  if (page.encoding === null || host.sync(SYNC_HTML_ENCODE, page.encoding, text)[1] === false) return;
  throw parserError(`${what} contains a character that can't be represented in the document's character encoding.`);
}

// The word before the first of a few characters, or null.
function forbidden(text, pattern, where) {
  const found = pattern.exec(text);
  if (found !== null) throw parserError(`\`${found[0]}\` character is forbidden in the ${where} name`);
}

// Puts content at a place. Arguments are looked at before the token is, as on workerd.
function put(it, Class, args, command, method, streams = true) {
  const place = [method, Class.name];
  if (args.length < 1) throw notOfType(...place, 1, 'string or JsReadableStream or Response');
  let content = args[0];
  const stream = isResponse(content) || innerReadable(content) !== undefined;
  if (!stream) content = `${content}`;
  let html = false;
  const options = args[1];
  if (options !== undefined && options !== null) {
    if (typeof options !== 'object' && typeof options !== 'function') throw notOfType(...place, 2, 'ContentOptions');
    const given = options.html;
    if (given !== undefined) html = !!given;
  }
  if (stream && !streams) {
    throw new TypeError('Replacing content in HTML comments using a ReadableStream or Response object is not ' +
      'implemented. You must provide a string.');
  }
  const page = pageOf(it, Class);
  page.want(command, html, stream ? page.stream(content, html) : parsed(content));
  return tokenOf(it, Class);
}

export class ElementToken {
  constructor(number, name, namespace, hasContent, attributes, removed) {
    this.number = number;
    this.name = name;
    this.namespace = namespace;
    this.hasContent = hasContent;
    this.attributes = attributes; // name, value, name, value…
    this.removed = removed;
    this.changes = 0; // of attributes
  }

  find(name) {
    const { attributes } = this;
    for (let i = 0; i < attributes.length; i += 2) if (attributes[i] === name) return i;
    return -1;
  }

  change() {
    if (++this.changes * (this.attributes.length / 2 + 1) > MOST_COMPARED) throw parserError(OUT_OF_MEMORY);
  }
}

let attributesOf; // (page, token) -> iterator
export let newElement, newEndTag, newText, newComment, newDoctype, newDocumentEnd; // (page, token)

// Each class's own way to its token, so that no script finds it: `end` makes the object worthless.
class Token {
  #page;
  #token;
  #class;

  constructor(key, page, token) {
    if (key !== INTERNAL) throw new TypeError('Illegal constructor');
    this.#page = page;
    this.#token = token;
    this.#class = new.target;
  }

  static token(it, Class) {
    if (typeof it !== 'object' || it === null || !(#token in it) || it.#class !== Class) throw illegalInvocation();
    if (it.#token === null) throw over();
    return it.#token;
  }

  static page(it, Class) {
    Token.token(it, Class);
    return it.#page;
  }

  static end(it) {
    it.#token = null;
    it.#page = null;
  }
}
const { token: tokenOf, page: pageOf } = Token;
export const endToken = Token.end;
const tokenConstructor = Token;

// A class whose objects are tokens without its prototype saying so.
function tokenClass(Class) {
  Object.setPrototypeOf(Class.prototype, Object.prototype);
  for (const name of Reflect.ownKeys(Class.prototype)) {
    if (typeof name === 'string' && name !== 'constructor') Reflect.defineProperty(Class.prototype, name, { enumerable: true });
  }
  tag(Class);
  return (page, token) => Reflect.construct(tokenConstructor, [INTERNAL, page, token], Class);
}

class Element {
  constructor() {
    throw new TypeError('Illegal constructor');
  }

  get tagName() {
    return tokenOf(this, Element).name;
  }

  set tagName(value) {
    const page = pageOf(this, Element);
    const token = tokenOf(this, Element);
    const name = parsed(value);
    if (name === '') throw parserError("Tag name can't be empty.");
    if (!/^[A-Za-z]/.test(name)) {
      throw parserError('The first character of the tag name should be an ASCII alphabetical character.');
    }
    forbidden(name, /[ \n\r\t\f/>]/, 'tag');
    encodable(page, name, 'The tag name');
    page.want(NAME, name);
    token.name = lower(name);
    if (token.hasContent) page.rename(token.number, token.name);
  }

  get attributes() {
    return attributesOf(pageOf(this, Element), tokenOf(this, Element));
  }

  get removed() {
    return tokenOf(this, Element).removed;
  }

  get namespaceURI() {
    return tokenOf(this, Element).namespace;
  }

  getAttribute() {
    const name = textArgument(arguments, 1, 'getAttribute', 'Element');
    const token = tokenOf(this, Element);
    const at = token.find(lower(name));
    return at < 0 ? null : token.attributes[at + 1];
  }

  hasAttribute() {
    const name = textArgument(arguments, 1, 'hasAttribute', 'Element');
    return tokenOf(this, Element).find(lower(name)) >= 0;
  }

  setAttribute() {
    const given = textArgument(arguments, 1, 'setAttribute', 'Element');
    const value = textArgument(arguments, 2, 'setAttribute', 'Element');
    const page = pageOf(this, Element);
    const token = tokenOf(this, Element);
    if (given === '') throw parserError("Attribute name can't be empty.");
    forbidden(given, /[ \n\r\t\f/>=]/, 'attribute');
    encodable(page, given, 'The attribute name');
    token.change();
    page.want(SET_ATTRIBUTE, given, value);
    const name = lower(given);
    const at = token.find(name);
    if (at < 0) token.attributes.push(name, value);
    else token.attributes[at + 1] = value;
    return this;
  }

  removeAttribute() {
    const name = lower(textArgument(arguments, 1, 'removeAttribute', 'Element'));
    const page = pageOf(this, Element);
    const token = tokenOf(this, Element);
    token.change();
    page.want(REMOVE_ATTRIBUTE, name);
    const at = token.find(name);
    if (at >= 0) token.attributes.splice(at, 2);
    return this;
  }

  before() {
    put(this, Element, arguments, BEFORE, 'before');
    return this;
  }

  after() {
    put(this, Element, arguments, AFTER, 'after');
    return this;
  }

  prepend() {
    put(this, Element, arguments, PREPEND, 'prepend');
    return this;
  }

  append() {
    put(this, Element, arguments, APPEND, 'append');
    return this;
  }

  replace() {
    const token = put(this, Element, arguments, REPLACE, 'replace');
    token.removed = true;
    pageOf(this, Element).removeContent(token);
    return this;
  }

  setInnerContent() {
    const token = put(this, Element, arguments, INNER, 'setInnerContent');
    pageOf(this, Element).removeContent(token);
    return this;
  }

  remove() {
    const page = pageOf(this, Element);
    const token = tokenOf(this, Element);
    page.want(REMOVE);
    token.removed = true;
    page.removeContent(token);
    return this;
  }

  removeAndKeepContent() {
    pageOf(this, Element).want(UNWRAP);
    tokenOf(this, Element).removed = true;
    return this;
  }

  onEndTag() {
    const handler = arguments[0];
    if (typeof handler !== 'function') throw notOfType('onEndTag', 'Element', 1, 'function');
    const page = pageOf(this, Element);
    const token = tokenOf(this, Element);
    if (!token.hasContent) throw parserError('No end tag.');
    page.onEndTag(token.number, handler);
    page.want(ON_END_TAG, token.number);
  }
}
newElement = tokenClass(Element);

class EndTag {
  constructor() {
    throw new TypeError('Illegal constructor');
  }

  get name() {
    return tokenOf(this, EndTag).name;
  }

  set name(value) {
    const page = pageOf(this, EndTag);
    const name = parsed(value);
    page.want(NAME, name);
    tokenOf(this, EndTag).name = lower(name);
  }

  before() {
    put(this, EndTag, arguments, BEFORE, 'before');
    return this;
  }

  after() {
    put(this, EndTag, arguments, AFTER, 'after');
    return this;
  }

  remove() {
    pageOf(this, EndTag).want(REMOVE);
    return this;
  }
}
newEndTag = tokenClass(EndTag);

class Text {
  constructor() {
    throw new TypeError('Illegal constructor');
  }

  get text() {
    return tokenOf(this, Text).text;
  }

  get lastInTextNode() {
    return tokenOf(this, Text).last;
  }

  get removed() {
    return tokenOf(this, Text).removed;
  }

  before() {
    put(this, Text, arguments, BEFORE, 'before');
    return this;
  }

  after() {
    put(this, Text, arguments, AFTER, 'after');
    return this;
  }

  replace() {
    put(this, Text, arguments, REPLACE, 'replace').removed = true;
    return this;
  }

  remove() {
    pageOf(this, Text).want(REMOVE);
    tokenOf(this, Text).removed = true;
    return this;
  }
}
newText = tokenClass(Text);

class Comment {
  constructor() {
    throw new TypeError('Illegal constructor');
  }

  get text() {
    return tokenOf(this, Comment).text;
  }

  set text(value) {
    const page = pageOf(this, Comment);
    const text = parsed(value);
    if (/^-?>|--!?>/.test(text)) throw parserError("Comment text shouldn't contain a comment-closing sequence.");
    encodable(page, text, 'Comment text');
    page.want(NAME, text);
    tokenOf(this, Comment).text = text;
  }

  get removed() {
    return tokenOf(this, Comment).removed;
  }

  before() {
    put(this, Comment, arguments, BEFORE, 'before', false);
    return this;
  }

  after() {
    put(this, Comment, arguments, AFTER, 'after', false);
    return this;
  }

  replace() {
    put(this, Comment, arguments, REPLACE, 'replace', false).removed = true;
    return this;
  }

  remove() {
    pageOf(this, Comment).want(REMOVE);
    tokenOf(this, Comment).removed = true;
    return this;
  }
}
newComment = tokenClass(Comment);

class Doctype {
  constructor() {
    throw new TypeError('Illegal constructor');
  }

  get name() {
    return tokenOf(this, Doctype).name;
  }

  get publicId() {
    return tokenOf(this, Doctype).publicId;
  }

  get systemId() {
    return tokenOf(this, Doctype).systemId;
  }
}
newDoctype = tokenClass(Doctype);

class DocumentEnd {
  constructor() {
    throw new TypeError('Illegal constructor');
  }

  append() {
    put(this, DocumentEnd, arguments, APPEND, 'append', false);
    return this;
  }
}
newDocumentEnd = tokenClass(DocumentEnd);

const IteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));

class AttributesIterator {
  constructor() {
    throw new TypeError('Illegal constructor');
  }

  next() {
    const state = tokenOf(this, AttributesIterator);
    const { token } = state;
    if (state.changes !== token.changes) {
      throw new Error('The attributes of this element have been modified during iteration. You must create a new ' +
        'iterator after modifying attributes.');
    }
    const at = state.at;
    if (at >= token.attributes.length) return { done: true, value: undefined };
    state.at = at + 2;
    return { done: false, value: [token.attributes[at], token.attributes[at + 1]] };
  }

  [Symbol.iterator]() {
    return this;
  }
}
const newIterator = tokenClass(AttributesIterator);
Object.setPrototypeOf(AttributesIterator.prototype, IteratorPrototype);
attributesOf = (page, token) => {
  const iterator = newIterator(page, { token, changes: token.changes, at: 0 });
  page.iterators.push(iterator); // over with the handler's call
  return iterator;
};
