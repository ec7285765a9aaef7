// The Worker that runs the probes: the same here and on workerd. Answers a JSON object of what each gave. The text
// of a value is made here, by nothing that is being probed.
import assert from './probes/assert.js';
import async_hooks from './probes/async_hooks.js';
import buffer from './probes/buffer.js';
import events from './probes/events.js';
import inspect from './probes/inspect.js';
import mixed from './probes/mixed.js';
import modules from './probes/modules.js';
import path from './probes/path.js';
import process from './probes/process.js';
import text from './probes/text.js';
import timers from './probes/timers.js';
import url from './probes/url.js';
import util from './probes/util.js';

const areas = { assert, async_hooks, buffer, events, inspect, mixed, modules, path, process, text, timers, url, util };

function show(value, depth = 0) {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'symbol') return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : `${value}`;
  if (depth > 5) return '…';
  if (value instanceof Error) return thrown(value);
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}<${[...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)]}>`;
  if (value instanceof Map) return `Map{${[...value].map(([k, v]) => `${show(k, depth + 1)}=>${show(v, depth + 1)}`)}}`;
  if (value instanceof Set) return `Set{${[...value].map((v) => show(v, depth + 1))}}`;
  if (Array.isArray(value)) return `[${Array.from(value, (v) => show(v, depth + 1))}]`;
  return `{${Object.keys(value).map((k) => `${k}:${show(value[k], depth + 1)}`)}}`;
}

function thrown(error) {
  if (!(error instanceof Error)) return `✗ ${show(error, 1)}`;
  return `✗ ${error.name}${error.code === undefined ? '' : ` [${error.code}]`}: ${error.message}`;
}

const late = () => new Promise((_, reject) => setTimeout(reject, 500, new Error('never settles')));

export default {
  async fetch(request, env, ctx) {
    const results = {};
    for (const [area, probes] of Object.entries(areas)) {
      for (const [name, probe] of Object.entries(probes)) {
        try {
          results[`${area}: ${name}`] = show(await Promise.race([probe({ request, env, ctx }), late()]));
        } catch (error) {
          results[`${area}: ${name}`] = thrown(error);
        }
      }
    }
    return Response.json(results);
  },
};
