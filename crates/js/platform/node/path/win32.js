// `node:path/win32`.
import { win32 } from 'node:path';

export { posix, win32 } from 'node:path';
export const {
  basename, delimiter, dirname, extname, format, isAbsolute, join, matchesGlob, normalize, parse, relative, resolve, sep,
  toNamespacedPath,
} = win32;
export default win32;
