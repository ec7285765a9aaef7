// The node modules of the base: all are evaluated here, and reached only by who has the flag. What a flag puts on
// globalThis is put there by event NODE, before the script is evaluated.
import { EVENT_NODE } from '../abi.js';
import * as host from 'switchyard:host';
import { takeBack } from '../old-dates.js';
import { addBuiltins } from './internal/builtins.js';
import * as assert from 'node:assert';
import * as assertStrict from 'node:assert/strict';
import * as asyncHooks from 'node:async_hooks';
import * as buffer from 'node:buffer';
import * as console from 'node:console';
import * as diagnosticsChannel from 'node:diagnostics_channel';
import * as events from 'node:events';
import * as module from 'node:module';
import * as path from 'node:path';
import * as pathPosix from 'node:path/posix';
import * as pathWin32 from 'node:path/win32';
import * as process from 'node:process';
import * as querystring from 'node:querystring';
import * as stringDecoder from 'node:string_decoder';
import * as sys from 'node:sys';
import * as timers from 'node:timers';
import * as timersPromises from 'node:timers/promises';
import * as url from 'node:url';
import * as util from 'node:util';
import * as utilTypes from 'node:util/types';

const GLOBALS = 1;
const TIMERS = 2;
const CONSOLE = 4;
const OLD = 8;

function define(values) {
  for (const name of Object.keys(values)) {
    Object.defineProperty(globalThis, name, { value: values[name], writable: true, configurable: true, enumerable: true });
  }
}

export function installNode() {
  addBuiltins({
    assert, 'assert/strict': assertStrict, async_hooks: asyncHooks, buffer, console, diagnostics_channel: diagnosticsChannel,
    events, module, path, 'path/posix': pathPosix, 'path/win32': pathWin32, process, querystring,
    string_decoder: stringDecoder, sys, timers, 'timers/promises': timersPromises, url, util, 'util/types': utilTypes,
  });
  host.register(EVENT_NODE, (id, switches) => {
    if (switches & OLD) takeBack();
    if (switches & GLOBALS) {
      define({ Buffer: buffer.Buffer, process: process.default, global: globalThis });
      define({ setImmediate: timers.setImmediate, clearImmediate: timers.clearImmediate });
    }
    if (switches & TIMERS) {
      const { setTimeout, setInterval, clearTimeout, clearInterval } = timers;
      define({ setTimeout, setInterval, clearTimeout, clearInterval });
    }
    // Not `context` and `createTask`, which only throw: who finds them uses them (hookable, which is in every Nuxt).
    if (switches & CONSOLE) Object.assign(console.default, { Console: console.Console });
  });
}
