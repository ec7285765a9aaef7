// FormData (XMLHttpRequest standard): named entries, texts and files. How it looks on the wire is in forms.js.
import { fileOf, isBlob, isFile } from './blob.js';
import { ENTRY, KEY, VALUE, illegalInvocation, iterable, iterate, notOfType, present, toText } from './idl.js';

export let isFormData;
export let formEntries; // (FormData) -> its list of [name, string or File], not to be written to
export let addEntry; // (FormData, name, string or File)

export class FormData {
  #entries = []; // [name, string or File]; iterators run over this very list

  static {
    isFormData = (value) => typeof value === 'object' && value !== null && #entries in value;
    formEntries = (form) => form.#entries;
    addEntry = (form, name, value) => form.#entries.push([name, value]);
  }

  static #of(value) {
    if (!isFormData(value)) throw illegalInvocation();
    return value.#entries;
  }

  append(name, value, filename = undefined) {
    const entries = FormData.#of(this);
    needed('append', arguments);
    name = toText(name);
    entries.push([name, entryValue(name, value, filename)]);
  }

  delete(name) {
    const entries = FormData.#of(this);
    name = nameArgument('delete', arguments);
    remove(entries, name, 0);
  }

  get(name) {
    const entries = FormData.#of(this);
    name = nameArgument('get', arguments);
    for (const entry of entries) if (entry[0] === name) return entry[1];
    return null;
  }

  getAll(name) {
    const entries = FormData.#of(this);
    name = nameArgument('getAll', arguments);
    const all = [];
    for (const entry of entries) if (entry[0] === name) all.push(entry[1]);
    return all;
  }

  has(name) {
    const entries = FormData.#of(this);
    name = nameArgument('has', arguments);
    for (const entry of entries) if (entry[0] === name) return true;
    return false;
  }

  set(name, value, filename = undefined) {
    const entries = FormData.#of(this);
    needed('set', arguments);
    name = toText(name);
    const entry = [name, entryValue(name, value, filename)];
    const at = entries.findIndex((old) => old[0] === name);
    if (at < 0) {
      entries.push(entry);
      return;
    }
    entries[at] = entry;
    remove(entries, name, at + 1);
  }

  entries() {
    return iterate(FormData.#of(this), ENTRY);
  }

  keys() {
    return iterate(FormData.#of(this), KEY);
  }

  values() {
    return iterate(FormData.#of(this), VALUE);
  }

  forEach(callback, thisArg = undefined) {
    const entries = FormData.#of(this);
    if (typeof callback !== 'function') throw notOfType('forEach', 'FormData', 1, 'function');
    for (let i = 0; i < entries.length; i++) callback.call(thisArg, entries[i][1], entries[i][0], this);
  }
}
present(FormData);
iterable(FormData);

// What is there is read before what is missing is named.
function needed(method, given) {
  if (given.length === 0) throw notOfType(method, 'FormData', 1, 'string');
  if (given.length > 1) return;
  toText(given[0]);
  throw notOfType(method, 'FormData', 2, 'File or Blob or string');
}

function nameArgument(method, args) {
  if (args.length === 0) throw notOfType(method, 'FormData', 1, 'string');
  return toText(args[0]);
}

// A blob becomes a file, named like its entry where nobody says otherwise; a text has no use for a file's name.
function entryValue(name, value, filename) {
  if (!isBlob(value)) return toText(value);
  if (filename !== undefined) return fileOf(value, toText(filename));
  return isFile(value) ? value : fileOf(value, name);
}

// All entries of that name from there on.
function remove(entries, name, from) {
  let kept = from;
  for (let i = from; i < entries.length; i++) {
    if (entries[i][0] !== name) entries[kept++] = entries[i];
  }
  entries.length = kept;
}
