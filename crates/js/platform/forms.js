// The two forms that FormData has on the wire: application/x-www-form-urlencoded and multipart/form-data (RFC 7578),
// written into bodies and read from them. What is malformed is refused in workerd's words, and what it takes is taken.
import * as host from 'switchyard:host';
import { SYNC_RANDOM } from './abi.js';
import { blobBytes, newFile } from './blob.js';
import { isOn } from './compatibility.js';
import { globalScopeError } from './errors.js';
import { FormData, addEntry, formEntries } from './formdata.js';

// The backslash is what readers of ours take for an escape; CR stays as it is.
function escapeName(name) {
  return name.replaceAll('\\', '\\\\').replaceAll('"', '%22').replaceAll('\n', '%0A');
}

// -> { bytes, type }, type with the boundary.
export function serializeFormData(form) {
  const random = host.sync(SYNC_RANDOM, 16);
  if (random === undefined || random === null) throw globalScopeError();
  const boundary = Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const pieces = [];
  let size = 0;
  const add = (bytes) => {
    pieces.push(bytes);
    size += bytes.byteLength;
  };
  let text = '';
  for (const [name, value] of formEntries(form)) {
    text += `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(name)}"`;
    if (typeof value === 'string') {
      text += `\r\n\r\n${value}\r\n`;
      continue;
    }
    const type = value.type || 'application/octet-stream';
    add(host.utf8Encode(`${text}; filename="${escapeName(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`));
    add(blobBytes(value));
    text = '\r\n';
  }
  add(host.utf8Encode(`${text}--${boundary}--`));
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return { bytes, type: `multipart/form-data; boundary=${boundary}` };
}

// The first of a type's parameters with that name: its value without quotes; null: none.
function parameter(type, name) {
  const pattern = /;\s*([^\s;=]+)\s*=(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g;
  for (const found of type.matchAll(pattern)) {
    if (found[1].toLowerCase() !== name) continue;
    return found[2] === undefined ? found[3].trimEnd() : found[2].replace(/\\(.)/g, '$1');
  }
  return null;
}

function essenceOf(contentType) {
  return /^\s*([^;,\s]*)\s*(?:;|$)/.exec(contentType)?.[1].toLowerCase() ?? '';
}

// Before a body is read for it.
export function refuseNoType(contentType) {
  if (contentType === null) throw new TypeError('Parsing a Body as FormData requires a Content-Type header.');
}

// The body of a request or a response, by its content type.
export function parseFormData(bytes, contentType) {
  const form = new FormData();
  const essence = essenceOf(contentType);
  if (essence === 'application/x-www-form-urlencoded') {
    const charset = parameter(contentType, 'charset');
    if (charset !== null && charset.toLowerCase() !== 'utf-8') {
      throw new TypeError('Non-utf-8 application/x-www-form-urlencoded body.');
    }
    const text = latin1(bytes);
    parseUrlencoded(text.startsWith('\xef\xbb\xbf') && isOn('strip_bom_in_read_all_text') ? text.slice(3) : text, form);
    return form;
  }
  if (essence !== 'multipart/form-data') {
    throw new TypeError('Unrecognized Content-Type header value. FormData can only parse the following MIME types: ' +
      'multipart/form-data, application/x-www-form-urlencoded');
  }
  const quoted = /;\s*boundary\s*="/i.test(contentType);
  const boundary = parameter(contentType, 'boundary');
  if (boundary === null || boundary === '' && !quoted) {
    throw new TypeError('No boundary string in Content-Type header. The multipart/form-data MIME type requires a ' +
      'boundary parameter, e.g. \'Content-Type: multipart/form-data; boundary="abcd"\'. See RFC 7578, section 4.');
  }
  parseMultipart(bytes, boundary, form);
  return form;
}

// One code unit a byte, so that strings' fast search finds the delimiters and places stay byte offsets.
function latin1(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode.apply(null, bytes.subarray(i, i + 8192));
  return text;
}

function utf8(text) {
  if (!/[\x80-\xff]/.test(text)) return text;
  return host.utf8Decode(Uint8Array.from(text, (unit) => unit.charCodeAt(0)), false, true);
}

function parseUrlencoded(text, form) {
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    addEntry(form, decodePart(name), equals < 0 ? '' : decodePart(pair.slice(equals + 1)));
  }
}

// A percent sign takes one digit or two; without any it is nothing.
function decodePart(text) {
  const plain = text.replaceAll('+', ' ');
  if (!plain.includes('%')) return utf8(plain);
  return utf8(plain.replace(/%([0-9a-f]{0,2})/gi, (_, digits) => (digits === '' ? '' : String.fromCharCode(parseInt(digits, 16)))));
}

// A delimiter is its line feed and itself: a CR before it is not the part's either. The first needs no line feed.
function parseMultipart(bytes, boundary, form) {
  const text = latin1(bytes);
  const mark = latin1(host.utf8Encode(`\n--${boundary}`));
  let at = text.indexOf(mark.slice(1));
  at = at < 0 ? text.length : at + mark.length - 1;
  if (at >= text.length) throw new TypeError('No initial boundary string (or you have a truncated message).');
  const termination = /\r?\n\r?\n/g;
  for (;;) {
    if (text.startsWith('\n', at)) at += 1;
    else if (text.startsWith('\r\n', at)) at += 2;
    else if (text.startsWith('--', at)) return;
    else throw new TypeError("Boundary string was not succeeded by CRLF, LF, or '--'.");
    termination.lastIndex = at;
    const found = termination.exec(text);
    if (found === null) throw new TypeError('No multipart message header termination found.');
    const part = readHead(text.slice(at, found.index));
    const from = termination.lastIndex;
    let to = text.indexOf(mark, from);
    if (to < 0 || to + mark.length >= text.length) {
      throw new TypeError('No subsequent boundary string after multipart message.');
    }
    at = to + mark.length;
    if (to > from && text[to - 1] === '\r') to -= 1;
    const value = bytes.subarray(from, to);
    if (part.filename === '' || !isFileWanted()) addEntry(form, part.name, host.utf8Decode(value, false, true));
    else addEntry(form, part.name, newFile(value.slice(), part.filename, part.type));
  }
}

function isFileWanted() {
  return isOn('formdata_parser_supports_files');
}

const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z\x80-\xff-]+):[ \t]*([^\0\r]*)$/;

// A part's head -> its name, its file's name ('' where it is a text) and type.
function readHead(head) {
  let disposition = '';
  let type = '';
  for (const line of head.split(/\r?\n/)) {
    const field = FIELD.exec(line);
    if (field === null) throw new TypeError('FormData part had invalid headers.');
    const name = field[1].toLowerCase();
    if (name === 'content-disposition') disposition += disposition === '' ? field[2] : `, ${field[2]}`;
    else if (name === 'content-type') type += type === '' ? field[2] : `, ${field[2]}`;
  }
  if (disposition === '') throw new TypeError('No valid Content-Disposition header found in FormData part.');
  const [kind] = /^[!#$%&'*+.^_`|~0-9A-Za-z-]*/.exec(disposition);
  if (kind !== 'form-data') {
    throw new TypeError('Content-Disposition header for FormData part must have the value "form-data", possibly ' +
      `followed by parameters. Got: "${kind}"`);
  }
  const part = { name: '', filename: '', type: utf8(type) };
  const pattern = /\s*;\s*([^\s=;,"]+)\s*=\s*"((?:[^"\\]|\\.)*)"/y;
  pattern.lastIndex = kind.length;
  for (let found = pattern.exec(disposition); found !== null; found = pattern.exec(disposition)) {
    const value = utf8(found[2].replace(/\\(.)/g, '$1'));
    if (found[1] === 'name') part.name = value;
    else if (found[1] === 'filename') part.filename = value;
  }
  if (part.name === '') throw new TypeError('Content-Disposition header in FormData part is missing a name.');
  return part;
}
