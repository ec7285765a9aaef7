// The URL objects of url.parse: Node's first API for URLs, older than the URL standard and laxer.
import * as querystring from 'node:querystring';
import { coded, invalidArgType } from './errors.js';
import { toAscii } from './idna.js';

const withColon = (names) => new Set(names.flatMap((name) => [name, `${name}:`]));
const SLASHED = withColon(['http', 'https', 'ftp', 'gopher', 'file', 'ws', 'wss']);
const HOSTLESS = withColon(['javascript']);
const PARTS = [
  'protocol', 'slashes', 'auth', 'host', 'port', 'hostname', 'hash', 'search', 'query', 'pathname', 'path', 'href',
];
const FORBIDDEN = /[\0\t\n\r #%/:<>?@[\\\]^|]/;
const ESCAPED = /[\t\n\r "'<>\\^`{|}]/g;

const percent = (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;

export class Url {
  constructor() {
    for (const key of PARTS) this[key] = null;
  }

  parse(text, parseQuery = false, slashesDenoteHost = false) {
    if (typeof text !== 'string') throw invalidArgType('url', 'string', text);
    // Backslashes before the query are slashes.
    const end = text.search(/[?#]/);
    let rest = (end < 0 ? text : text.slice(0, end)).replaceAll('\\', '/') + (end < 0 ? '' : text.slice(end));
    rest = rest.replace(/^[\s\ufeff]+|[\s\ufeff]+$/g, '');
    const protocol = /^[a-z0-9.+-]+:/i.exec(rest)?.[0];
    const lower = protocol?.toLowerCase();
    if (protocol !== undefined) {
      this.protocol = lower;
      rest = rest.slice(protocol.length);
    }
    let slashes = false;
    if ((slashesDenoteHost || protocol !== undefined || /^\/\/[^@/]+@[^@/]+/.test(rest)) && rest.startsWith('//') &&
        !(lower !== undefined && HOSTLESS.has(lower))) {
      slashes = true;
      rest = rest.slice(2);
      this.slashes = true;
    }
    if (!HOSTLESS.has(lower) && (slashes || (protocol !== undefined && !SLASHED.has(lower)))) rest = this.#host(rest, text);
    if (!HOSTLESS.has(lower)) rest = rest.replace(ESCAPED, percent);
    const hash = rest.indexOf('#');
    if (hash >= 0) {
      this.hash = rest.slice(hash);
      rest = rest.slice(0, hash);
    }
    const question = rest.indexOf('?');
    if (question >= 0) {
      this.search = rest.slice(question);
      this.query = parseQuery ? querystring.parse(this.search.slice(1)) : this.search.slice(1);
      rest = rest.slice(0, question);
    } else if (parseQuery) {
      this.search = null;
      this.query = Object.create(null);
    }
    if (rest !== '') this.pathname = rest;
    if (SLASHED.has(lower) && this.hostname && !this.pathname) this.pathname = '/';
    if (this.pathname || this.search) this.path = (this.pathname ?? '') + (this.search ?? '');
    this.href = this.format();
    return this;
  }

  // Takes the authority off `rest`.
  #host(rest, whole) {
    let end = rest.search(/[/?#]/);
    if (end < 0) end = rest.length;
    const at = rest.lastIndexOf('@', end - 1);
    let authority = rest.slice(0, end);
    if (at >= 0) {
      this.auth = decodeURIComponent(authority.slice(0, at));
      authority = authority.slice(at + 1);
    }
    const stop = authority.search(/[\t\n\r "'<>\\^`{|};%]/);
    let remainder = rest.slice(end);
    if (stop >= 0) {
      remainder = authority.slice(stop) + remainder;
      authority = authority.slice(0, stop);
    }
    this.host = authority;
    const port = /:([0-9]*)$/.exec(authority);
    let hostname = authority;
    if (port !== null) {
      if (port[1] !== '') this.port = port[1];
      hostname = authority.slice(0, -port[0].length);
    }
    const bracketed = hostname.startsWith('[') && hostname.endsWith(']');
    if (!bracketed) {
      const wrong = hostname.search(/[^A-Za-z0-9.+_\-\u007f-\uffff]/);
      if (wrong >= 0) {
        remainder = `/${hostname.slice(wrong)}${port?.[0] ?? ''}${remainder}`;
        hostname = hostname.slice(0, wrong);
      }
    }
    hostname = hostname.length > 255 ? '' : hostname.toLowerCase();
    if (!bracketed && hostname !== '') {
      const ascii = toAscii(hostname);
      if (ascii === '' || FORBIDDEN.test(ascii)) {
        throw Object.assign(coded(TypeError, 'ERR_INVALID_URL', 'Invalid URL'), { input: whole });
      }
      hostname = ascii;
    }
    this.host = hostname + (this.port ? `:${this.port}` : '');
    this.hostname = bracketed ? hostname.slice(1, -1) : hostname;
    if (bracketed && !remainder.startsWith('/') && remainder !== '') remainder = `/${remainder}`;
    return remainder;
  }

  format() {
    let auth = this.auth || '';
    if (auth) auth = `${encodeURIComponent(auth).replace(/%3A/i, ':')}@`;
    let protocol = this.protocol || '';
    let pathname = this.pathname || '';
    let hash = this.hash || '';
    let host = '';
    if (this.host) host = auth + this.host;
    else if (this.hostname) {
      host = auth + (this.hostname.includes(':') && !this.hostname.startsWith('[') ? `[${this.hostname}]` : this.hostname);
      if (this.port) host += `:${this.port}`;
    }
    const query = this.query !== null && typeof this.query === 'object' ? querystring.stringify(this.query) : '';
    let search = this.search || (query && `?${query}`) || '';
    if (protocol && !protocol.endsWith(':')) protocol += ':';
    pathname = pathname.replace(/[?#]/g, percent);
    if (this.slashes || SLASHED.has(protocol)) {
      if (this.slashes || host) {
        if (pathname && !pathname.startsWith('/')) pathname = `/${pathname}`;
        host = `//${host}`;
      } else if (protocol.startsWith('file')) host = '//';
    }
    search = search.replaceAll('#', '%23');
    if (hash && !hash.startsWith('#')) hash = `#${hash}`;
    if (search && !search.startsWith('?')) search = `?${search}`;
    return protocol + host + pathname + search + hash;
  }

  resolve(relative) {
    return this.resolveObject(parse(relative, false, true)).format();
  }

  resolveObject(relative) {
    if (typeof relative === 'string') relative = new Url().parse(relative, false, true);
    const result = Object.assign(new Url(), this);
    result.hash = relative.hash;
    if (relative.href === '') {
      result.href = result.format();
      return result;
    }
    if (relative.slashes && !relative.protocol) {
      const { protocol } = result;
      Object.assign(result, relative);
      result.protocol = protocol;
      if (SLASHED.has(protocol) && result.hostname && !result.pathname) result.path = result.pathname = '/';
      result.href = result.format();
      return result;
    }
    if (relative.protocol && relative.protocol !== result.protocol) {
      return Object.assign(result, relative, { href: relative.format() });
    }
    const absolute = Boolean(relative.host) || relative.pathname?.startsWith('/');
    const must = absolute || result.pathname?.startsWith('/') || (result.host && relative.pathname);
    let segments = (result.pathname ?? '').split('/').filter((part, i) => i > 0 || part !== '');
    const target = (relative.pathname ?? '').split('/');
    if (absolute) {
      if (relative.host || relative.host === '') {
        const { host, hostname, port, auth } = relative;
        Object.assign(result, { host, hostname, port, auth: auth ?? result.auth });
      }
      result.search = relative.search;
      result.query = relative.query;
      segments = target.filter((part, i) => i > 0 || part !== '');
    } else if (relative.pathname) {
      segments = [...segments.slice(0, -1), ...target];
      result.search = relative.search;
      result.query = relative.query;
    } else if (relative.search !== null && relative.search !== undefined) {
      result.search = relative.search;
      result.query = relative.query;
      result.path = (result.pathname ?? '') + (result.search ?? '');
      result.href = result.format();
      return result;
    }
    // Where nothing marks the end of a host, it is the first of the segments.
    const blurred = result.protocol && !SLASHED.has(result.protocol);
    if (blurred && !absolute && result.host) {
      if (relative.pathname) segments = [result.host, ...segments.slice(0, -target.length)].slice(0, -1).concat(target);
      result.host = result.hostname = segments.shift();
    }
    if (segments.length === 0) {
      result.pathname = must && result.host && !blurred ? '/' : null;
      result.path = (result.pathname ?? '') + (result.search ?? '') || null;
      result.href = result.format();
      return result;
    }
    const last = segments.at(-1);
    const dots = last === '.' || last === '..';
    const trailing = ((result.host || relative.host || segments.length > 1) && dots) || last === '';
    const kept = [];
    let up = 0;
    for (const part of segments) {
      if (part === '.') continue;
      if (part === '..') {
        if (kept.length > 0) kept.pop();
        else up++;
      } else kept.push(part);
    }
    while (kept.at(-1) === '' && kept.length > 0) kept.pop();
    if (!must) kept.unshift(...Array(up).fill('..'));
    let pathname = kept.join('/');
    if (trailing && !pathname.endsWith('/')) pathname += '/';
    if (must && !pathname.startsWith('/')) pathname = `/${pathname}`;
    result.pathname = pathname === '' ? null : pathname;
    if (result.pathname !== null || result.search !== null) result.path = (result.pathname ?? '') + (result.search ?? '');
    result.auth = relative.auth || result.auth;
    result.slashes ||= relative.slashes;
    result.href = result.format();
    return result;
  }
}

export function parse(url, parseQuery, slashesDenoteHost) {
  if (url instanceof Url) return url;
  return new Url().parse(url, parseQuery, slashesDenoteHost);
}

export function resolve(from, to) {
  return parse(from, false, true).resolve(to);
}

export function resolveObject(from, to) {
  return from ? parse(from, false, true).resolveObject(to) : to;
}
