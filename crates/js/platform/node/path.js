// `node:path`. Both flavours stand in internal/; Workers are posix.
import { posix, win32 } from './internal/paths.js';

export { posix, win32 };
export const {
  basename, delimiter, dirname, extname, format, isAbsolute, join, matchesGlob, normalize, parse, relative, resolve, sep,
  toNamespacedPath,
} = posix;
export default posix;
