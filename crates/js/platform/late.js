// Globals that most requests do without, evaluated behind all that each request touches: among it they would spread
// that over more pages of memory.
import { CompressionStream, DecompressionStream } from './compression.js';
import { HTMLRewriter } from './html-rewriter.js';

const CLASSES = { CompressionStream, DecompressionStream, HTMLRewriter };

export function installLate(target) {
  for (const name of Object.keys(CLASSES)) {
    Object.defineProperty(target, name, { value: CLASSES[name], writable: true, configurable: true });
  }
}
