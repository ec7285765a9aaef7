// CommonJS parts: `require`, `module`, `exports`. A part runs once, at its first import or require; who requires it
// while it runs gets what it has exported so far.
import * as host from 'switchyard:host';
import { CALL_ATTRIBUTES, CALL_COMMONJS, CALL_SCRIPT, SYNC_MODULE_RESOLVE, SYNC_REQUIRED_SOURCE } from './abi.js';
import { isOn } from './compatibility.js';
import { runScript } from './service-worker.js';
import { builtin } from './node/internal/builtins.js';

// Kinds of modules (ABI.md, Modules).
const ES_MODULE = 0;
const TEXT = 1;
const DATA = 2;
const JSON_TEXT = 3;

const parts = new Map(); // name -> { path, exports }, of CommonJS parts and of what is no code

function folderOf(name) {
  const slash = name.lastIndexOf('/');
  return slash < 0 ? '' : name.slice(0, slash);
}

function part(name, source) {
  const known = parts.get(name);
  if (known !== undefined) return known.exports;
  const path = `/${name}`;
  const module = { path, exports: {} };
  parts.set(name, module);
  try {
    const code = host.utf8Decode(source ?? host.sync(SYNC_REQUIRED_SOURCE, name)[1], false, false);
    const run = host.runScript(name, `(function (exports, require, module, __filename, __dirname) {${code}\n})`);
    run(module.exports, (specifier) => requireFrom(name, specifier), module, path, `/${folderOf(name)}`);
  } catch (error) {
    parts.delete(name);
    throw error;
  }
  return module.exports;
}

function value(name, exports) {
  parts.set(name, { path: `/${name}`, exports });
  return exports;
}

function requireFrom(referrer, specifier) {
  const name = host.sync(SYNC_MODULE_RESOLVE, `${specifier}`, referrer);
  if (typeof name !== 'string') throw new Error(`No such module "${name?.[1] ?? specifier}".`);
  const node = builtin(name, true);
  if (node !== undefined) return node;
  const known = parts.get(name);
  if (known !== undefined) return known.exports;
  const answer = name.startsWith('cloudflare:') ? [ES_MODULE] : host.sync(SYNC_REQUIRED_SOURCE, name);
  switch (answer?.[0]) {
    case TEXT:
      return value(name, host.utf8Decode(answer[1], false, false));
    case DATA:
      return value(name, answer[1].buffer);
    case JSON_TEXT:
      return value(name, JSON.parse(host.utf8Decode(answer[1], false, false)));
    case ES_MODULE:
    case undefined: {
      // Evaluated already, where its source is no longer there.
      const names = host.importNow(name);
      return isOn('require_returns_default_export') && !('default' in names) ? names : names.default;
    }
    default:
      return part(name, answer[1]);
  }
}

export function installCommonJs() {
  host.register(CALL_COMMONJS, (name) => part(name));
  host.register(CALL_ATTRIBUTES, () => isOn('throw_on_unrecognized_import_assertion'));
  host.register(CALL_SCRIPT, (name) => {
    runScript(name, host.utf8Decode(host.sync(SYNC_REQUIRED_SOURCE, name)[1], false, false));
  });
}
