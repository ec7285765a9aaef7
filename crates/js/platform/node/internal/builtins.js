// The node modules there are, by name, for require, process.getBuiltinModule and module.builtinModules. Filled by
// install.js, since those who look here are modules themselves.
import { isOn } from '../../compatibility.js';

const modules = new Map();

// Their names, without the prefix.
export const builtinModules = [];

export function addBuiltins(entries) {
  for (const [name, namespace] of Object.entries(entries)) modules.set(name, namespace);
  builtinModules.push(...[...modules.keys()].sort());
}

function bare(name) {
  return name.startsWith('node:') ? name.slice(5) : name;
}

export function isBuiltinName(name) {
  return name.startsWith('node:') || modules.has(name);
}

// What require gives: the module's namespace, or by a later compatibility date its default export.
export function builtin(name, prefixed = false) {
  if (prefixed && !name.startsWith('node:')) return undefined;
  const namespace = modules.get(bare(name));
  return namespace === undefined || !isOn('require_returns_default_export') ? namespace : namespace.default ?? namespace;
}
