// Globals that most requests do without, evaluated behind all that each request touches: among it they would spread
// that over more pages of memory.
import { CompressionStream, DecompressionStream } from './compression.js';
import { ServiceWorkerGlobalScope } from './global-scope.js';
import { HTMLRewriter } from './html-rewriter.js';
import { installIntl } from './intl/install.js';
import { ScheduledEvent, TailEvent, TraceEvent } from './service-worker.js';

const CLASSES = { CompressionStream, DecompressionStream, HTMLRewriter, ScheduledEvent, TailEvent, TraceEvent };

export function installLate() {
  installIntl();
  for (const name of Object.keys(CLASSES)) {
    Object.defineProperty(ServiceWorkerGlobalScope.prototype, name,
      { value: CLASSES[name], writable: true, configurable: true, enumerable: true });
  }
}
