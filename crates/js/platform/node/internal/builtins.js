// The node modules there are, by name, for require, process.getBuiltinModule and module.builtinModules. Filled by
// install.js, since those who look here are modules themselves.
const modules = new Map();

export function addBuiltins(entries) {
  for (const [name, namespace] of Object.entries(entries)) modules.set(name, namespace);
}

// Without the prefix.
export function builtinNames() {
  return [...modules.keys()];
}

function bare(name) {
  return name.startsWith('node:') ? name.slice(5) : name;
}

export function isBuiltinName(name) {
  return name.startsWith('node:') || modules.has(name);
}

// What require gives: the default export where there is one.
export function builtin(name) {
  const namespace = modules.get(bare(name));
  return namespace === undefined ? undefined : namespace.default ?? namespace;
}
