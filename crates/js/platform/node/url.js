// `node:url`: the URL standard's classes, and Node's older functions.
import { URL } from '../url.js';
import { URLSearchParams } from '../url-search-params.js';
import { coded, invalidArgType, invalidArgValue } from './internal/errors.js';
import { toAscii, toUnicode } from './internal/idna.js';
import { Url, parse, resolve, resolveObject } from './internal/legacy-url.js';
import { posix, win32 } from './internal/paths.js';
import { validateObject, validateString } from './internal/validators.js';

export { URL, URLSearchParams, Url, parse, resolve, resolveObject };

export function format(url, options = undefined) {
  if (typeof url === 'string') url = parse(url);
  else if (typeof url !== 'object' || url === null) throw invalidArgType('urlObject', ['Object', 'string'], url);
  else if (url instanceof URL) {
    const { auth = true, fragment = true, search = true, unicode = false } = options ?? {};
    if (options !== undefined) validateObject(options, 'options');
    const copy = new URL(url.href);
    if (!auth) copy.username = copy.password = '';
    if (!fragment) copy.hash = '';
    if (!search) copy.search = '';
    return unicode ? copy.href.replace(copy.hostname, toUnicode(copy.hostname)) : copy.href;
  }
  return Url.prototype.format.call(url);
}

export function domainToASCII(domain) {
  if (arguments.length === 0) throw coded(TypeError, 'ERR_MISSING_ARGS', 'The "domain" argument must be specified');
  return toAscii(`${domain}`);
}

export function domainToUnicode(domain) {
  if (arguments.length === 0) throw coded(TypeError, 'ERR_MISSING_ARGS', 'The "domain" argument must be specified');
  return toUnicode(`${domain}`);
}

export function fileURLToPath(input, options = undefined) {
  const windows = options?.windows ?? false;
  let url = input;
  if (typeof input === 'string') url = new URL(input);
  else if (!(input instanceof URL)) throw invalidArgType('path', ['string', 'URL'], input);
  if (url.protocol !== 'file:') throw coded(Error, 'ERR_INVALID_URL_SCHEME', 'The URL must be of scheme file');
  const encoded = windows ? /%2f|%5c/i : /%2f/i;
  if (encoded.test(url.pathname)) {
    throw coded(Error, 'ERR_INVALID_FILE_URL_PATH',
      `File URL path must not include encoded ${windows ? '\\ or / characters' : '/ characters'}`);
  }
  const pathname = decodeURIComponent(url.pathname);
  if (!windows) {
    if (url.hostname !== '') {
      throw coded(Error, 'ERR_INVALID_FILE_URL_HOST', 'File URL host must be "localhost" or empty on linux');
    }
    return pathname;
  }
  const path = pathname.replaceAll('/', '\\');
  if (url.hostname !== '') return `\\\\${toUnicode(url.hostname)}${path}`;
  if (!/^\\[A-Za-z]:/.test(path)) throw coded(Error, 'ERR_INVALID_FILE_URL_PATH', 'File URL path must be absolute');
  return path.slice(1);
}

const escapedPath = (path, windows) => path.replace(windows ? /[%\n\r\t?#]/g : /[%\\\n\r\t?#]/g, (char) =>
  `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);

export function pathToFileURL(path, options = undefined) {
  validateString(path, 'filepath');
  const windows = options?.windows ?? false;
  if (windows && path.startsWith('\\\\')) {
    const [, host, rest] = /^\\\\(?:\?\\UNC\\)?([^\\]*)(.*)$/s.exec(path);
    if (rest === '') throw invalidArgValue('path', path, 'Missing UNC resource path');
    if (host === '') throw invalidArgValue('path', path, 'Empty UNC servername');
    const url = new URL('file://');
    url.hostname = toAscii(host);
    url.pathname = escapedPath(rest.replaceAll('\\', '/'), true);
    return url;
  }
  let resolved = (windows ? win32 : posix).resolve(path);
  if (/[\\/]$/.test(path) && !resolved.endsWith(windows ? '\\' : '/')) resolved += '/';
  if (windows) resolved = `/${resolved.replaceAll('\\', '/')}`;
  return new URL(`file://${escapedPath(resolved, windows)}`);
}

export function toPathIfFileURL(value) {
  return value instanceof URL ? fileURLToPath(value) : value;
}

export function urlToHttpOptions(url) {
  if (!(url instanceof URL)) throw invalidArgType('url', 'URL', url);
  const { hostname, pathname, port, username, password, search } = url;
  const options = {
    __proto__: null,
    ...url,
    protocol: url.protocol,
    hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    hash: url.hash, search, pathname, path: `${pathname || ''}${search || ''}`, href: url.href,
  };
  if (port !== '') options.port = Number(port);
  if (username || password) options.auth = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return options;
}

export default {
  URL, URLSearchParams, Url, domainToASCII, domainToUnicode, fileURLToPath, format, parse, pathToFileURL, resolve,
  resolveObject, toPathIfFileURL, urlToHttpOptions,
};
