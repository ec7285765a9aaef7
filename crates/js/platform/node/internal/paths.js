// Paths as text, in both flavours. A path is a root (of device, on Windows) and segments.
import { globToRegExp } from './glob.js';
import { validateObject, validateString } from './validators.js';

// What relative paths are resolved against: not process.cwd(), as on workerd.
const CWD = '/';

// Segments without `.` and empty ones, `..` taken back where there is something to take.
function collapse(path, absolute, isSeparator, separator) {
  const segments = [];
  let segment = '';
  for (let i = 0; i <= path.length; i++) {
    if (i < path.length && !isSeparator(path.charCodeAt(i))) {
      segment += path[i];
      continue;
    }
    if (segment === '..') {
      if (segments.length > 0 && segments.at(-1) !== '..') segments.pop();
      else if (!absolute) segments.push('..');
    } else if (segment !== '' && segment !== '.') segments.push(segment);
    segment = '';
  }
  return segments.join(separator);
}

function formatWith(separator, object) {
  validateObject(object, 'pathObject');
  const dir = object.dir || object.root;
  const ext = object.ext ? `${object.ext[0] === '.' ? '' : '.'}${object.ext}` : '';
  const base = object.base || `${object.name || ''}${ext}`;
  if (!dir) return base;
  return dir === object.root ? `${dir}${base}` : `${dir}${separator}${base}`;
}

// The last segment's place in `path` from `start` on: without trailing separators.
function lastSegment(path, start, isSeparator) {
  let end = path.length;
  while (end > start && isSeparator(path.charCodeAt(end - 1))) end--;
  let begin = end;
  while (begin > start && !isSeparator(path.charCodeAt(begin - 1))) begin--;
  return [begin, end];
}

function extensionOf(base) {
  const dot = base.lastIndexOf('.');
  if (dot <= 0 || base === '..') return '';
  return base.slice(dot);
}

function withoutSuffix(base, suffix) {
  return suffix !== undefined && base !== suffix && base.endsWith(suffix) ? base.slice(0, -suffix.length) : base;
}

const isSlash = (code) => code === 0x2f;

export const posix = {
  sep: '/',
  delimiter: ':',
  resolve(...paths) {
    let resolved = '';
    let absolute = false;
    for (let i = paths.length - 1; i >= -1 && !absolute; i--) {
      const path = i >= 0 ? paths[i] : CWD;
      validateString(path, `paths[${i}]`);
      if (path.length === 0) continue;
      resolved = `${path}/${resolved}`;
      absolute = path.startsWith('/');
    }
    resolved = collapse(resolved, absolute, isSlash, '/');
    return absolute ? `/${resolved}` : resolved || '.';
  },
  normalize(path) {
    validateString(path, 'path');
    if (path.length === 0) return '.';
    const absolute = path.startsWith('/');
    let normal = collapse(path, absolute, isSlash, '/');
    if (normal.length === 0) {
      if (absolute) return '/';
      return path.endsWith('/') ? './' : '.';
    }
    if (path.endsWith('/')) normal += '/';
    return absolute ? `/${normal}` : normal;
  },
  isAbsolute(path) {
    validateString(path, 'path');
    return path.startsWith('/');
  },
  join(...paths) {
    for (const path of paths) validateString(path, 'path');
    const joined = paths.filter((path) => path.length > 0).join('/');
    return joined === '' ? '.' : posix.normalize(joined);
  },
  relative(from, to) {
    validateString(from, 'from');
    validateString(to, 'to');
    if (from === to) return '';
    from = posix.resolve(from);
    to = posix.resolve(to);
    if (from === to) return '';
    const [a, b] = [from, to].map((path) => path.split('/').filter(Boolean));
    let same = 0;
    while (same < a.length && same < b.length && a[same] === b[same]) same++;
    return [...a.slice(same).map(() => '..'), ...b.slice(same)].join('/');
  },
  toNamespacedPath(path) {
    return path;
  },
  dirname(path) {
    validateString(path, 'path');
    if (path.length === 0) return '.';
    const end = lastSegment(path, 0, isSlash)[0] - 1;
    if (end < 1) return path.startsWith('/') ? '/' : '.';
    return end === 1 && path.startsWith('/') ? '//' : path.slice(0, end);
  },
  basename(path, suffix) {
    if (suffix !== undefined) validateString(suffix, 'suffix');
    validateString(path, 'path');
    if (path === suffix) return '';
    const [begin, end] = lastSegment(path, 0, isSlash);
    return withoutSuffix(path.slice(begin, end), suffix);
  },
  extname(path) {
    validateString(path, 'path');
    return extensionOf(posix.basename(path));
  },
  format(object) {
    return formatWith('/', object);
  },
  parse(path) {
    validateString(path, 'path');
    const root = path.startsWith('/') ? '/' : '';
    const base = posix.basename(path);
    const [begin] = lastSegment(path, root.length, isSlash);
    const ext = base === '..' && root !== '' && begin === 1 ? '.' : extensionOf(base);
    const dir = begin > root.length ? path.slice(0, begin - 1) : root;
    return { root, dir, base, ext, name: base.slice(0, base.length - ext.length) };
  },
  matchesGlob(path, pattern) {
    return matches(path, pattern, '/');
  },
  win32: null,
  posix: null,
};

function matches(path, pattern, separator) {
  validateString(path, 'path');
  validateString(pattern, 'pattern');
  if (separator === '\\') {
    path = path.replaceAll('\\', '/');
    pattern = pattern.replaceAll('\\', '/');
  }
  return globToRegExp(pattern).test(path);
}

const isEither = (code) => code === 0x2f || code === 0x5c;
const isLetter = (code) => (code >= 65 && code <= 90) || (code >= 97 && code <= 122);

// [device, length of the root, whether it is absolute, whether it is a share].
function windowsRoot(path) {
  if (path.length === 0) return ['', 0, false, false];
  if (isEither(path.charCodeAt(0))) {
    if (path.length > 1 && isEither(path.charCodeAt(1))) {
      const share = /^[\\/]{2}([^\\/]+)[\\/]+([^\\/]+)/.exec(path);
      if (share !== null) {
        if (share[1] === '.' || share[1] === '?') return [`\\\\${share[1]}`, 4, true, true];
        return [`\\\\${share[1]}\\${share[2]}`, share[0].length, true, true];
      }
    }
    return ['', 1, true, false];
  }
  if (isLetter(path.charCodeAt(0)) && path[1] === ':') {
    const absolute = path.length > 2 && isEither(path.charCodeAt(2));
    return [path.slice(0, 2), absolute ? 3 : 2, absolute, false];
  }
  return ['', 0, false, false];
}

export const win32 = {
  sep: '\\',
  delimiter: ';',
  resolve(...paths) {
    let device = '';
    let tail = '';
    let absolute = false;
    for (let i = paths.length - 1; i >= -1; i--) {
      const path = i >= 0 ? paths[i] : CWD;
      validateString(path, `paths[${i}]`);
      if (path.length === 0) continue;
      const [here, root, rooted, share] = windowsRoot(path);
      if (here !== '') {
        if (device === '') device = here;
        else if (device.toLowerCase() !== here.toLowerCase()) continue;
      }
      if (absolute) {
        if (device !== '') break;
        continue;
      }
      tail = `${path.slice(root)}\\${tail}`;
      absolute = rooted;
      if (rooted && device !== '') break;
    }
    tail = collapse(tail, absolute, isEither, '\\');
    return absolute ? `${device}\\${tail}` : `${device}${tail}` || '.';
  },
  normalize(path) {
    validateString(path, 'path');
    if (path.length === 0) return '.';
    if (path.length === 1) return path === '/' ? '\\' : path;
    const [device, root, absolute, share] = windowsRoot(path);
    if (share && root === path.length) return `${device}\\`;
    let tail = collapse(path.slice(root), absolute, isEither, '\\');
    if (tail.length === 0 && !absolute) tail = '.';
    if (tail.length > 0 && isEither(path.charCodeAt(path.length - 1))) tail += '\\';
    return absolute ? `${device}\\${tail}` : `${device}${tail}`;
  },
  isAbsolute(path) {
    validateString(path, 'path');
    return windowsRoot(path)[2];
  },
  join(...paths) {
    for (const path of paths) validateString(path, 'path');
    const parts = paths.filter((path) => path.length > 0);
    if (parts.length === 0) return '.';
    let joined = parts.join('\\');
    // Two separators at its start make a share only where the first part has them and names a server.
    const [first] = parts;
    const server = /^[\\/]{2}[^\\/]/.test(first);
    if (!server) joined = joined.replace(/^[\\/]{2,}/, '\\');
    return win32.normalize(joined);
  },
  relative(from, to) {
    validateString(from, 'from');
    validateString(to, 'to');
    if (from === to) return '';
    const [a, b] = [win32.resolve(from), win32.resolve(to)];
    if (a.toLowerCase() === b.toLowerCase()) return '';
    const [x, y] = [a, b].map((path) => path.split('\\').filter(Boolean));
    let same = 0;
    while (same < x.length && same < y.length && x[same].toLowerCase() === y[same].toLowerCase()) same++;
    if (same === 0) return b;
    return [...x.slice(same).map(() => '..'), ...y.slice(same)].join('\\');
  },
  toNamespacedPath(path) {
    if (typeof path !== 'string' || path.length === 0) return path;
    const resolved = win32.resolve(path);
    if (resolved.length <= 2) return path;
    if (/^\\\\[^?.]/.test(resolved)) return `\\\\?\\UNC\\${resolved.slice(2)}`;
    if (/^[A-Za-z]:\\/.test(resolved)) return `\\\\?\\${resolved}`;
    return resolved;
  },
  dirname(path) {
    validateString(path, 'path');
    if (path.length === 0) return '.';
    const [, root, absolute, share] = windowsRoot(path);
    if (path.length === 1) return isEither(path.charCodeAt(0)) ? path : '.';
    const rootEnd = share && root < path.length ? root + 1 : root;
    const [begin] = lastSegment(path, rootEnd, isEither);
    let end = begin;
    while (end > rootEnd && isEither(path.charCodeAt(end - 1))) end--;
    if (end > rootEnd) return path.slice(0, end);
    if (rootEnd === 0 && !absolute) return '.';
    return path.slice(0, rootEnd);
  },
  basename(path, suffix) {
    if (suffix !== undefined) validateString(suffix, 'suffix');
    validateString(path, 'path');
    const start = path.length >= 2 && isLetter(path.charCodeAt(0)) && path[1] === ':' ? 2 : 0;
    const [begin, end] = lastSegment(path, start, isEither);
    return withoutSuffix(path.slice(begin, end), suffix);
  },
  extname(path) {
    validateString(path, 'path');
    return extensionOf(win32.basename(path));
  },
  format(object) {
    return formatWith('\\', object);
  },
  parse(path) {
    validateString(path, 'path');
    const [, length, , share] = windowsRoot(path);
    const rootEnd = share && length < path.length ? length + 1 : length;
    const root = path.slice(0, rootEnd);
    const [begin, end] = lastSegment(path, rootEnd, isEither);
    const base = path.slice(begin, end);
    const ext = extensionOf(base);
    const dir = begin > rootEnd ? path.slice(0, begin - 1) : root;
    return { root, dir, base, ext, name: base.slice(0, base.length - ext.length) };
  },
  matchesGlob(path, pattern) {
    return matches(path, pattern, '\\');
  },
  win32: null,
  posix: null,
};

posix.posix = win32.posix = posix;
posix.win32 = win32.win32 = win32;
