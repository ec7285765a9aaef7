// util.MIMEType and MIMEParams, by the MIME Sniffing standard.
const NOT_TOKEN = /[^!#$%&'*+\-.^_`|~A-Za-z0-9]/;
const NOT_VALUE = /[^\t\u0020-\u007e\u0080-\u00ff]/;
const SPACE = /^[\r\n\t ]+|[\r\n\t ]+$/g;
const END_SPACE = /[\r\n\t ]+$/;

function invalid(text) {
  return new TypeError(`Not a valid MIME type: ${text}`);
}

function lower(text) {
  return text.replace(/[A-Z]/g, (char) => char.toLowerCase());
}

function checkToken(name) {
  if (name === '' || NOT_TOKEN.test(name)) throw invalid(name);
}

function quotedIfNeeded(value) {
  if (value === '') return '""';
  return NOT_TOKEN.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : value;
}

let parseInto;

export class MIMEParams {
  #data = new Map();

  static {
    parseInto = (params, text) => {
      let at = 0;
      while (at < text.length) {
        while (at < text.length && /[\r\n\t ]/.test(text[at])) at++;
        let end = at;
        while (end < text.length && text[end] !== ';' && text[end] !== '=') end++;
        const name = lower(text.slice(at, end));
        at = end;
        if (at >= text.length) break;
        if (text[at] === ';') {
          at++;
          continue;
        }
        at++;
        let value = '';
        if (text[at] === '"') {
          at++;
          while (at < text.length && text[at] !== '"') {
            if (text[at] === '\\' && at + 1 < text.length) at++;
            value += text[at++];
          }
          while (at < text.length && text[at] !== ';') at++;
          at++;
        } else {
          let stop = text.indexOf(';', at);
          if (stop < 0) stop = text.length;
          value = text.slice(at, stop).replace(END_SPACE, '');
          at = stop + 1;
          if (value === '') continue;
        }
        if (name !== '' && !NOT_TOKEN.test(name) && !NOT_VALUE.test(value) && !params.#data.has(name)) {
          params.#data.set(name, value);
        }
      }
    };
  }

  delete(name) {
    this.#data.delete(name);
  }
  get(name) {
    return this.#data.get(name) ?? null;
  }
  has(name) {
    return this.#data.has(name);
  }
  set(name, value) {
    name = lower(`${name}`);
    value = `${value}`;
    checkToken(name);
    if (NOT_VALUE.test(value)) throw invalid(value);
    this.#data.set(name, value);
  }
  *entries() {
    yield* this.#data.entries();
  }
  *keys() {
    yield* this.#data.keys();
  }
  *values() {
    yield* this.#data.values();
  }
  toString() {
    return [...this.#data].map(([name, value]) => `${name}=${quotedIfNeeded(value)}`).join(';');
  }
}
Object.defineProperty(MIMEParams.prototype, Symbol.iterator, {
  value: MIMEParams.prototype.entries, writable: true, configurable: true,
});
Object.defineProperty(MIMEParams.prototype, 'toJSON', {
  value: MIMEParams.prototype.toString, writable: true, configurable: true,
});

export class MIMEType {
  #type;
  #subtype;
  #params = new MIMEParams();

  constructor(text) {
    text = `${text}`;
    const trimmed = text.replace(SPACE, '');
    const slash = trimmed.indexOf('/');
    const type = slash < 0 ? trimmed : trimmed.slice(0, slash);
    if (slash <= 0 || NOT_TOKEN.test(type)) throw invalid(text);
    let end = trimmed.indexOf(';', slash);
    if (end < 0) end = trimmed.length;
    const subtype = trimmed.slice(slash + 1, end).replace(END_SPACE, '');
    if (subtype === '' || NOT_TOKEN.test(subtype)) throw invalid(text);
    this.#type = lower(type);
    this.#subtype = lower(subtype);
    parseInto(this.#params, trimmed.slice(end + 1));
  }

  get type() {
    return this.#type;
  }
  set type(value) {
    value = `${value}`;
    checkToken(value);
    this.#type = lower(value);
  }
  get subtype() {
    return this.#subtype;
  }
  set subtype(value) {
    value = `${value}`;
    checkToken(value);
    this.#subtype = lower(value);
  }
  get essence() {
    return `${this.#type}/${this.#subtype}`;
  }
  get params() {
    return this.#params;
  }
  toString() {
    const params = this.#params.toString();
    return params === '' ? this.essence : `${this.essence};${params}`;
  }
  toJSON() {
    return this.toString();
  }
}
