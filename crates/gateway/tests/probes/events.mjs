// Probes of events, EventTarget, abort signals, message channels, EventSource and unhandled rejections.
import { runAll } from './show.mjs';
import { targets } from './events-targets.mjs';
import { aborts } from './events-aborts.mjs';
import { channels } from './events-channels.mjs';
import { rejections } from './events-rejections.mjs';

export default {
  async fetch() {
    return Response.json(await runAll({ ...targets, ...aborts, ...channels, ...rejections }));
  },
};
