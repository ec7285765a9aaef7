// What a value looks like from outside, as text: kind, keys in their order, attributes, holes, cycles, prototypes.
// It holds its own copies of what it uses, because scenarios change the built-ins.
const { ownKeys, getOwnPropertyDescriptor: describe, getPrototypeOf: parent, apply } = Reflect;
const { isExtensible } = Object;
const { toString } = Object.prototype;
const { is } = Object;
const { isArray } = Array;
const mapEntries = Map.prototype.forEach, setValues = Set.prototype.forEach;
const { slice } = String.prototype;

function text(v) {
  switch (typeof v) {
    case "string": return v.length > 60 ? `"${apply(slice, v, [0, 50])}…${v.length}"` : `"${v}"`;
    case "symbol": return `@${v.description}`;
    case "bigint": return `${v}n`;
    case "number": return is(v, -0) ? "-0" : `${v}`;
    default: return `${v}`;
  }
}

// Looking is where a collection may happen while the frames of a scenario are active: `gc` does one where the host says so.
export function look(value, depth = 4) {
  globalThis.gc?.();
  return describeValue(value, depth, []);
}

function describeValue(value, depth, seen) {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return text(value);
  let known = -1;
  for (let i = 0; i < seen.length; i++) if (seen[i] === value) known = i;
  if (known >= 0) return `#${known}`;
  seen[seen.length] = value;
  if (typeof value === "function") return `fn ${text(value.name)}/${text(value.length)}`;
  const kind = apply(toString, value, []);
  let out = kind === "[object Object]" || kind === "[object Array]" ? "" : kind;
  if (parent(value) === null) out += "^";
  if (!isExtensible(value)) out += "!";
  if (depth === 0) return out + (isArray(value) ? `[${value.length}]` : "{…}");
  if (kind === "[object Map]") apply(mapEntries, value, [(v, k) => { out += `(${describeValue(k, depth - 1, seen)}=>${describeValue(v, depth - 1, seen)})`; }]);
  if (kind === "[object Set]") apply(setValues, value, [(v) => { out += `(${describeValue(v, depth - 1, seen)})`; }]);
  let parts = "", n = 0;
  const keys = ownKeys(value);
  for (let k = 0; k < keys.length; k++) {
    if (++n > 40) { parts += `+${keys.length - 40}`; break; }
    const d = describe(value, keys[k]);
    if (!d) continue;
    const flags = (d.writable === false ? "r" : "") + (d.enumerable ? "" : "h") + (d.configurable ? "" : "f");
    parts += `${text(keys[k])}${flags && "~" + flags}:` + ("value" in d ? describeValue(d.value, depth - 1, seen) : `${d.get ? "get" : ""}${d.set ? "set" : ""}`) + ",";
  }
  return out + (isArray(value) ? `[${parts}]` : `{${parts}}`);
}

// What `f` returned, or threw.
export function attempt(f) {
  globalThis.gc?.();
  try { return look(f()); } catch (e) { return `!${e?.name}: ${e?.message}`; }
}
