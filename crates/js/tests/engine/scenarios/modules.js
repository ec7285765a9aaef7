// Live bindings, namespaces and cycles among modules of the base.
import { look, attempt } from "script:look.js";
import * as counter from "script:counter.js";
import Thing, { count, up, replace, setReplace, "a string name" as named } from "script:counter.js";

const log = []; export function seen(n) { log.push(n); if (log.length > 20) log.splice(0, 15); return log.length; }
const held = { counter }; let replaced = 0;

export const scenarios = {
  liveBinding(i) { const before = count; up(i % 5); return before + ":" + count + counter.count + named + log.at(-1); },
  liveFunction(i) { const r = replace(); setReplace(() => `now ${i} ${++replaced}`); return r + replace() + counter.replace(); },
  namespace(i) { return attempt(() => { counter.count = i; }) + attempt(() => delete counter.up) + attempt(() => { counter["new" + i] = 1; }) + Object.keys(counter).join() + look(Object.getOwnPropertyDescriptor(counter, "count")) + ("zz" in counter) + Object.isSealed(counter); },
  namespaceObject(i) { held["n" + i % 5] = held.counter; return counter[Symbol.toStringTag] + (held.counter === counter) + Object.getPrototypeOf(counter) + Reflect.ownKeys(held).join(); },
  defaultClass(i) { const t = new Thing(); if (i % 40 === 0) Thing.n = 0; Thing["s" + i % 3] = i; return t.id + look(Object.keys(counter.default)); },
  assignImport(i) { return attempt(() => { count = i; }) + attempt(() => { Thing = 1; }) + count; },
  async importAgain(i) { const m = await import("script:counter.js"); m.up(1); return (m === counter) + ":" + m.count + count; },
  async importMissing(i) { return import("script:missing" + i % 3 + ".js").then(() => "?", (e) => e.message); },
  metaIsEmpty(i) { import.meta["m" + i % 4] = i; const r = look(import.meta); if (i % 4 === 3) for (const k in import.meta) delete import.meta[k]; return r; },
  topLevelThis(i) { return typeof this + typeof globalThis.counter + attempt(() => undeclared = i); },
};
