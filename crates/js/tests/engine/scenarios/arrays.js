// Arrays made in the base: dense, with holes, of odd elements, with odd lengths; grown, cut, sorted and passed around.
import { look, attempt } from "script:look.js";

const dense = Array.from({ length: 30 }, (_, i) => i * 3 % 17);
const words = "the quick brown fox jumps over the lazy dog again and again".split(" ");
const holes = [0, , 2, , , 5];
const mixed = [1, "two", 3n, null, undefined, { four: 4 }, [5], Symbol.for("six"), () => 7, NaN, -0];
const big = new Array(1000).fill(0);
const sparse = []; sparse[5000] = "far"; sparse[3] = "near";
const nested = [[1, [2, [3, [4]]]], [5], []];
const rows = Array.from({ length: 24 }, (_, i) => ({ key: i * 7 % 5, at: i }));
const stack = [], fifo = [];
const accessors = [1, 2, 3]; Object.defineProperty(accessors, 1, { get() { return this.length * 10; }, set(v) { this[5] = v; }, configurable: true, enumerable: true });
class Stack extends Array { top() { return this[this.length - 1]; } static get [Symbol.species]() { return Array; } }
class Pile extends Array { sum() { return this.reduce((a, b) => a + b, 0); } }
const sub = Stack.from([1, 2, 3]), pile = Pile.of(4, 5, 6);
const likeArray = { length: 3, 0: "a", 1: "b", 2: "c" };
const readonly = Object.freeze([1, 2, 3]);
const lengthLocked = [1, 2, 3, 4]; Object.defineProperty(lengthLocked, "length", { writable: false });
const spreadable = { length: 2, 0: "x", 1: "y", [Symbol.isConcatSpreadable]: true };
const frames = [dense, words];

export const scenarios = {
  pushPop(i) { dense.push(i, i + 1); if (dense.length > 90) dense.length = 20; return dense.pop() + ":" + dense.length; },
  shiftUnshift(i) { words.unshift("w" + i); if (words.length > 40) words.splice(5, 30); words.push(words.shift()); return look(words); },
  spliceMiddle(i) { const gone = dense.splice(i % 11, i % 4, ...Array(i % 5).fill(i)); return look([gone, dense.length]); },
  lengthCut(i) { dense.length = Math.max(4, dense.length - i % 6); dense.length += i % 3; return look(dense); },
  fillCopyWithin(i) { big.fill(i, i % 500, i % 500 + 20); big.copyWithin((i * 7) % 900, 10, 60); return big.slice(i % 400, i % 400 + 12).join(); },
  holesMove(i) { holes[(i * 5) % 14] = i; delete holes[(i * 3) % 14]; if (i % 17 === 0) holes.length = 6; return look(holes) + (3 in holes); },
  holesSort(i) { holes.sort((a, b) => b - a); holes.splice(i % 6, 0, undefined, i); if (holes.length > 25) holes.length = 5; return look(holes); },
  sparseFar(i) { sparse[i * 37 % 9000] = i; if (i % 13 === 0) sparse.length = i % 7000; return Object.keys(sparse).length + ":" + sparse.length + sparse.findLastIndex((v) => v !== undefined); },
  mixedRotate(i) { mixed.push(mixed.shift()); mixed[i % mixed.length] = i % 3 ? i : { i }; return look(mixed); },
  nestedFlat(i) { nested[i % 3] = [i, [i + 1, nested[(i + 1) % 3].length]]; return look(nested.flat(i % 4)); },
  stableSort(i) { rows.forEach((r, at) => { r.at = at; r.key = (r.key * 3 + i) % 5; }); rows.sort((a, b) => a.key - b.key); return rows.map((r) => r.key + "." + r.at).join(); },
  sortMutating(i) { const a = rows.map((r) => r.key); let n = 0; a.sort((x, y) => { if (n++ === 5) a.length = 3; return x - y || i % 2; }); return look(a); },
  sortThrowing(i) { const a = dense.slice(); let n = 0; return attempt(() => a.sort(() => { if (n++ > i % 20) throw new Error("enough " + n); return -1; })) + a.length; },
  sortDefault(i) { const a = [...words, i, undefined, null, -i, [i]]; a.length += 1; return look(a.sort()); },
  toSortedEtc(i) { return look([dense.toSorted((a, b) => a - b).slice(0, 3), words.toReversed()[0], dense.with(i % 4, i)[i % 4], dense.toSpliced(1, 2, i).length]); },
  queue(i) { fifo.push({ i }); if (i % 3) fifo.shift(); if (fifo.length > 60) fifo.splice(0, 50); return fifo.length + look(fifo[0]); },
  stackOfStacks(i) { stack.push([i, stack.at(-1)]); if (stack.length > 30) stack.length = 0; return look(stack.at(-2), 3); },
  accessorElement(i) { accessors[1] = i; accessors.reverse(); if (accessors.length > 8) accessors.length = 3; return look(accessors); },
  subclass(i) { sub.push(i); if (sub.length > 25) sub.splice(2); const m = sub.map((x) => x + 1); return [sub.top(), m instanceof Stack, m.length, pile.filter((x) => x > i % 5).sum()].join(); },
  genericMethods(i) { Array.prototype.push.call(likeArray, i); if (likeArray.length > 9) Array.prototype.splice.call(likeArray, 1, 6); return look(likeArray) + Array.prototype.join.call(likeArray, i % 2 ? "-" : "+"); },
  readonlyThrows(i) { return attempt(() => { "use strict"; readonly[i % 5] = i; }) + attempt(() => readonly.push(i)) + attempt(() => { readonly.length = i; }); },
  lengthLocked(i) { return attempt(() => lengthLocked.push(i)) + attempt(() => { lengthLocked[i % 4] = i; return lengthLocked; }) + attempt(() => lengthLocked.pop()); },
  concatSpread(i) { spreadable[i % 3] = i; spreadable.length = i % 4; return look([0].concat(spreadable, dense.slice(0, 2), i)); },
  searchers(i) { return [dense.indexOf(i % 17), dense.includes(NaN), mixed.includes(NaN), words.lastIndexOf("again"), words.findLast((w) => w.length === i % 7), dense.at(-(i % 9))].join(); },
  reduceBoth(i) { return dense.reduce((a, b, at) => (a * 31 + b + at) % 9973, i) + ":" + dense.reduceRight((a, b) => a + "/" + b, "").length; },
  groups(i) { const g = Object.groupBy(rows, (r) => "k" + (r.key + i) % 3), m = Map.groupBy(rows, (r) => r.at % (i % 4 + 1)); return Object.keys(g).join() + [...m.keys()].join(); },
  iterateWhileGrowing(i) { let n = 0; for (const v of dense) { if (n++ > 5 + i % 20) break; if (n % 3 === 0) dense.push(v); } if (dense.length > 80) dense.length = 15; return n + ":" + dense.length; },
  arrayPrototypeElement(i) { Array.prototype[2] = "proto" + i; const r = [1, 2, , 4].join() + look([1, , ,].map((x) => x)) + holes[2]; delete Array.prototype[2]; return r; },
  lengthOverflow(i) { return attempt(() => { const a = [1]; a.length = -i - 1; }) + attempt(() => { const a = []; a[4294967294] = i; return a.length; }) + attempt(() => [1].concat({ length: 2 ** 53, [Symbol.isConcatSpreadable]: true })); },
  swapBuffers(i) { [frames[0], frames[1]] = [frames[1], frames[0]]; frames[2] = frames; return look(frames, 1) + frames[2][2][0].length; },
  destructuring(i) { const [a = "d", , b, ...rest] = holes; [dense[0], dense[1]] = [dense[1], dense[0]]; return [a, b, rest.length, dense[0]].join(); },
  deleteElements(i) { const a = dense.slice(0, 12); for (let k = i % 3; k < 12; k += 3) delete a[k]; a.length = 10; return look(a) + a.flatMap((x) => [x, x]).length; },
};
