// FormData (XMLHttpRequest standard), and the two forms it has on the wire: application/x-www-form-urlencoded
// and multipart/form-data (RFC 7578), read from and written to bodies.
import * as host from 'switchyard:host';
import { SYNC_RANDOM } from './abi.js';
import { Blob, File, blobBytes, isBlob } from './blob.js';
import { globalScopeError, tag } from './errors.js';
import { URLSearchParams } from './url-search-params.js';

export let isFormData;

function entryValue(value, filename) {
  if (!isBlob(value)) {
    if (filename !== undefined) {
      throw new TypeError("Failed to execute 'append' on 'FormData': parameter 2 is not of type 'Blob'.");
    }
    return `${value}`.toWellFormed();
  }
  if (value instanceof File && filename === undefined) return value;
  return new File([value], filename === undefined ? 'blob' : filename, { type: value.type });
}

export class FormData {
  #entries = []; // [name, string or File]

  constructor(form = undefined) {
    if (form !== undefined) throw new TypeError("Failed to construct 'FormData': HTML forms do not exist here.");
  }

  static {
    isFormData = (value) => typeof value === 'object' && value !== null && #entries in value;
  }

  append(name, value, filename = undefined) {
    this.#entries.push([`${name}`.toWellFormed(), entryValue(value, filename)]);
  }

  delete(name) {
    name = `${name}`;
    this.#entries = this.#entries.filter((entry) => entry[0] !== name);
  }

  get(name) {
    name = `${name}`;
    return this.#entries.find((entry) => entry[0] === name)?.[1] ?? null;
  }

  getAll(name) {
    name = `${name}`;
    return this.#entries.filter((entry) => entry[0] === name).map((entry) => entry[1]);
  }

  has(name) {
    name = `${name}`;
    return this.#entries.some((entry) => entry[0] === name);
  }

  set(name, value, filename = undefined) {
    name = `${name}`.toWellFormed();
    const entry = [name, entryValue(value, filename)];
    const at = this.#entries.findIndex((old) => old[0] === name);
    if (at < 0) this.#entries.push(entry);
    else this.#entries = this.#entries.filter((old, i) => i <= at || old[0] !== name).with(at, entry);
  }

  forEach(callback, thisArg = undefined) {
    for (const [name, value] of this.#entries) callback.call(thisArg, value, name, this);
  }

  *entries() {
    for (const [name, value] of this.#entries) yield [name, value];
  }

  *keys() {
    for (const entry of this.#entries) yield entry[0];
  }

  *values() {
    for (const entry of this.#entries) yield entry[1];
  }
}
Object.defineProperty(FormData.prototype, Symbol.iterator, {
  value: FormData.prototype.entries, writable: true, configurable: true,
});
tag(FormData);

function escapeName(name) {
  return name.replace(/\r\n?|\n/g, '%0D%0A').replaceAll('"', '%22');
}

// -> { bytes, type }, type with the boundary.
export function serializeFormData(form) {
  const random = host.sync(SYNC_RANDOM, 16);
  if (random === undefined || random === null) throw globalScopeError();
  const boundary = `----formdata-${Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  const parts = [];
  for (const [name, value] of form) {
    let head = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(name)}"`;
    if (typeof value === 'string') {
      parts.push(`${head}\r\n\r\n${value.replace(/\r\n?|\n/g, '\r\n')}\r\n`);
    } else {
      head += `; filename="${escapeName(value.name)}"\r\nContent-Type: ${value.type || 'application/octet-stream'}`;
      parts.push(`${head}\r\n\r\n`, value, '\r\n');
    }
  }
  parts.push(`--${boundary}--\r\n`);
  return { bytes: blobBytes(new Blob(parts)), type: `multipart/form-data; boundary=${boundary}` };
}

// The body of a request or a response, by its content type.
export function parseFormData(bytes, contentType) {
  const [essence, ...parameters] = (contentType ?? '').split(';');
  const type = essence.trim().toLowerCase();
  const form = new FormData();
  if (type === 'application/x-www-form-urlencoded') {
    for (const [name, value] of new URLSearchParams(host.utf8Decode(bytes, false, false))) form.append(name, value);
    return form;
  }
  if (type !== 'multipart/form-data') {
    throw new TypeError('Unrecognized Content-Type header value. FormData can only parse the following MIME types: ' +
      'multipart/form-data, application/x-www-form-urlencoded.');
  }
  const boundary = /^\s*boundary=(?:"([^"]*)"|([^"\s]+))\s*$/i.exec(
    parameters.find((parameter) => /^\s*boundary=/i.test(parameter)) ?? '');
  if (boundary === null) throw new TypeError('No boundary string in Content-Type header.');
  parseMultipart(bytes, `--${boundary[1] ?? boundary[2]}`, form);
  return form;
}

// One code unit a byte, so that strings' fast search finds the delimiters and places stay byte offsets.
function latin1(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode.apply(null, bytes.subarray(i, i + 8192));
  return text;
}

function malformed() {
  return new TypeError('Parsing a Body as FormData failed: the multipart body is malformed.');
}

function parseMultipart(bytes, delimiter, form) {
  const text = latin1(bytes);
  const mark = latin1(host.utf8Encode(delimiter));
  let at = text.startsWith(mark) ? 0 : text.indexOf(`\r\n${mark}`) + 2;
  if (at === 1) throw malformed();
  for (;;) {
    at += mark.length;
    if (text.startsWith('--', at)) return;
    const line = text.indexOf('\r\n', at);
    const headEnd = text.startsWith('\r\n\r\n', line) ? line : text.indexOf('\r\n\r\n', at);
    const end = text.indexOf(`\r\n${mark}`, headEnd + 2);
    if (line < 0 || headEnd < 0 || end < 0) throw malformed();
    addPart(form, host.utf8Decode(bytes.subarray(line + 2, headEnd), false, true), bytes.subarray(headEnd + 4, end));
    at = end + 2;
  }
}

function addPart(form, head, bytes) {
  let disposition = null;
  let type = null;
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).trim().toLowerCase();
    if (name === 'content-disposition') disposition = line.slice(colon + 1);
    else if (name === 'content-type') type = line.slice(colon + 1).trim();
  }
  const name = parameter(disposition, 'name');
  if (name === null) throw malformed();
  const filename = parameter(disposition, 'filename');
  if (filename === null) form.append(name, host.utf8Decode(bytes, false, false));
  else form.append(name, new File([bytes], filename, { type: type ?? 'text/plain' }));
}

function parameter(disposition, name) {
  if (disposition === null) return null;
  const match = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^";\\s]+))`, 'i').exec(disposition);
  if (match === null) return null;
  return (match[1] ?? match[2]).replace(/%0D%0A/gi, '\r\n').replaceAll('%22', '"');
}
