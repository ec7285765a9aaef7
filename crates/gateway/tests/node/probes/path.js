import path, { posix, win32 } from 'node:path';
import p2 from 'node:path/posix';
import w2 from 'node:path/win32';

const each = (f, list) => list.map((x) => (Array.isArray(x) ? f(...x) : f(x)));
const PATHS = ['', '.', '/', '//', '/a', 'a', 'a/', '/a/b', '/a/b/', 'a//b', './a', '../a', '/..', 'a/..', '/a/../b/./c//d/', '.bashrc', 'a.b.c', 'a.', '..', '...', '/a/.b', '/a/b.', 'x/y.tar.gz', ' ', 'a b/c d.e'];
const WIN = ['', '.', 'C:', 'C:\\', 'C:/', 'c:a', 'C:\\a\\b', 'C:/a/../b', '\\\\srv\\share', '\\\\srv\\share\\', '\\\\srv\\share\\a\\b.c', '\\a', 'a\\b', 'a/b\\c', 'C:\\a\\.', 'C:..\\a', 'file.txt', 'C:\\dir\\file.tar.gz', '..\\..\\a', 'C:\\..\\a'];

export default {
  'module': () => [path === posix, path.posix === posix, path.win32 === win32, p2 === posix, w2 === win32, path.sep, path.delimiter, win32.sep, win32.delimiter],
  'normalize': () => each(posix.normalize, PATHS),
  'dirname': () => each(posix.dirname, PATHS),
  'basename': () => each(posix.basename, PATHS),
  'basename with suffix': () => each(posix.basename, [['a.html', '.html'], ['a.html', 'html'], ['.html', '.html'], ['a/b.js/', '.js'], ['aaa', 'a'], ['', 'x']]),
  'extname': () => each(posix.extname, PATHS),
  'parse': () => each(posix.parse, PATHS),
  'isAbsolute': () => each(posix.isAbsolute, PATHS),
  'join': () => each(posix.join, [[], [''], ['a', 'b'], ['a', '..', 'b'], ['/a', '/b'], ['', 'a'], ['a', ''], ['..', 'a'], ['./a', './b'], ['/', '..', 'a'], ['a/', '/b']]),
  'join of number': () => posix.join('a', 5),
  'resolve': () => each(posix.resolve, [[], ['a'], ['/a', 'b'], ['/a', '/b', 'c'], ['/a/b', '../c'], ['..'], ['/', 'a/'], ['', '']]),
  'relative': () => each(posix.relative, [['/a/b/c', '/a/b/d'], ['/a/b', '/a/b'], ['/a', '/a/b'], ['/a/b', '/a'], ['/foo/bar', '/foo/barbaz'], ['/', '/a'], ['a', 'b'], ['', 'x'], ['/a/b', '/']]),
  'format': () => each(posix.format, [[{ dir: '/a', base: 'b' }], [{ root: '/', name: 'f', ext: '.t' }], [{ name: 'f', ext: 't' }], [{ root: '/', dir: '/', base: 'x' }], [{}]]),
  'format of null': () => posix.format(null),
  'win32 normalize': () => each(win32.normalize, WIN),
  'win32 dirname': () => each(win32.dirname, WIN),
  'win32 basename': () => each(win32.basename, WIN),
  'win32 extname': () => each(win32.extname, WIN),
  'win32 parse': () => each(win32.parse, WIN),
  'win32 isAbsolute': () => each(win32.isAbsolute, WIN),
  'win32 join': () => each(win32.join, [[], ['a', 'b'], ['C:\\', 'a'], ['C:', 'a'], ['\\\\srv', 'share'], ['a', '..\\b'], ['\\', '\\a'], ['c:.', 'file']]),
  'win32 resolve': () => each(win32.resolve, [['C:\\a', 'b'], ['C:\\a', '..\\b'], ['c:/', 'a'], ['\\\\srv\\share', 'a', '..', '..'], ['C:\\a', 'D:\\b'], ['C:\\a', 'D:\\b', 'C:c']]),
  'win32 relative': () => each(win32.relative, [['C:\\a\\b', 'C:\\a\\c'], ['C:\\a', 'D:\\b'], ['C:\\A', 'c:\\a\\b'], ['C:\\a\\b\\c', 'C:\\a']]),
  'win32 toNamespacedPath': () => each(win32.toNamespacedPath, ['C:\\a', '\\\\srv\\share\\a', 'x']),
  'toNamespacedPath': () => [posix.toNamespacedPath('/a'), posix.toNamespacedPath(5)],
  'matchesGlob': () => each(path.matchesGlob, [['a/b.js', 'a/*.js'], ['a/b/c.js', 'a/*.js'], ['a/b/c.js', 'a/**/*.js'], ['x.ts', '*.{js,ts}'], ['ab', 'a?'], ['a', '[!b]']]),
  'of undefined': () => path.basename(undefined),
};
