// Strings: interned and not, ropes, one and two bytes a unit, slices of frozen ones; and what makes strings of numbers.
import { look, attempt } from "script:look.js";

let rope = ""; for (let k = 0; k < 300; k++) rope += "seg" + k + ";";
let wide = "naïve café 日本語 🎉 "; let both = "ascii"; let prefix = "x".repeat(500);
const base = "The quick brown fox", lines = "one\ntwo\r\nthree\u2028four", emoji = "👩‍👩‍👧‍👦é🇩🇪";
const parts = []; const table = {}; const interned = Array.from({ length: 30 }, (_, i) => "key" + i);
const numbers = [0, -0, 1.5, 1e21, 1e-7, 123456789.123, NaN, Infinity, 2 ** 53, 0.1 + 0.2, 5e-324, 1.7976931348623157e308];
const lone = "\ud800abc\udc00";
const slices = [base.slice(4, 9), base.substring(10), base.at(-1)];
const wrapper = new String("wrapped"); wrapper.extra = 1;
const growing = { text: "" }; const halves = { l: "left".repeat(40), r: "right".repeat(40) };
const nfd = "e\u0301"; let deep = "d";
const dictionary = new Map([["a", rope], ["b", wide]]);

export const scenarios = {
  ropeAppend(i) { rope += "+" + i; if (rope.length > 6000) rope = rope.slice(3000); return rope.length + rope.slice(-8) + rope.charCodeAt((i * 31) % rope.length); },
  ropePrepend(i) { prefix = i + prefix; if (prefix.length > 3000) prefix = prefix.slice(0, 500); return prefix.length + prefix.slice(0, 9) + prefix.indexOf("x"); },
  ropeOfRopes(i) { const j = halves.l + halves.r; halves.l = halves.r; halves.r = j.length > 4000 ? "r" + i : j; return halves.r.length + halves.r.slice(i % 50, i % 50 + 5); },
  ropeShared(i) { const a = rope + "A", b = rope + "B"; dictionary.set("a", i % 2 ? a : b); return a.length === b.length && a !== b ? dictionary.get("a").at(-1) + (dictionary.get("a") === a) : "?"; },
  ropeAsKey(i) { const k = "ro" + "pe" + i % 50; table[k] = (table[k] ?? 0) + 1; table[rope.slice(0, 10) + i % 9] = i; if (i % 80 === 0) for (const x in table) delete table[x]; return Object.keys(table).length + ":" + table[k]; },
  deepRope(i) { for (let k = 0; k < 30; k++) deep = k % 2 ? deep + k : k + deep; if (deep.length > 20000) deep = "d"; return deep.length + ":" + deep.indexOf("d" + "1"); },
  widening(i) { both += i % 7 === 0 ? "é" : i % 5 === 0 ? "世" : "a"; if (both.length > 300) both = "ascii"; return both.length + both.slice(-3) + both.codePointAt(both.length - 1); },
  wideGrow(i) { wide += String.fromCodePoint(0x1f600 + i % 50); if (wide.length > 400) wide = wide.slice(-11); return wide.length + [...wide].length + wide.slice(-2) + wide.isWellFormed(); },
  appendInPlace(i) { growing.text += i; growing.text += growing.text.length; const kept = growing.text; growing.text += "!"; if (growing.text.length > 800) growing.text = ""; return kept.length + ":" + growing.text.length + kept.slice(-4); },
  internedCompare(i) { const k = "k" + "ey" + i % 30; return (k === interned[i % 30]) + "" + interned.indexOf(k) + (k < interned[(i + 1) % 30]); },
  internedReplace(i) { interned[i % 30] = "key" + (i % 2 ? i : i % 30); return new Set(interned).size + interned.join("").length; },
  slices(i) { slices[i % 3] = rope.slice(i % 100, i % 100 + 20) + slices[(i + 1) % 3].slice(0, 3); return slices.join("|"); },
  joins(i) { parts.push("p" + i, i, null, undefined, [i, [1]]); if (parts.length > 40) parts.length = 0; return parts.join(i % 3 ? "-" : "").length + String(parts).slice(-12); },
  splits(i) { return look(lines.split(/\r?\n|\u2028/)) + rope.split(";").length + "a,b,,c".split(",", i % 5).length + "abc".split("").join(i) + look("".split("")); },
  cases(i) { return (wide + "İßſ" + i).toUpperCase() + "ΑΣ ΣΑΣ".toLowerCase() + "ǅ".toLowerCase(); },
  padTrim(i) { return `[${("s" + i).padStart(8 + i % 5, "ab")}${"t".padEnd(i % 9, "é")}${"  \u00a0\ufeff t \n".trim()}${" l".trimStart()}${"r ".trimEnd()}]`; },
  replaceAll(i) { return base.replaceAll("o", (m, at) => at + i).replace("quick", "$&$`$'$$").length + "aXbX".replaceAll("X", "[$&]") + attempt(() => "a".replaceAll(/a/, "b")); },
  searching(i) { return [rope.indexOf("seg" + i), rope.lastIndexOf(";"), rope.includes("+" + i), base.startsWith("quick", 4), base.endsWith("brown", 15), wide.search(/日/)].join(); },
  codePoints(i) { return [...emoji].length + emoji.codePointAt(i % 5) + String.fromCodePoint(0x10000 + i) + attempt(() => String.fromCodePoint(-1)) + "abc".at(-(i % 5)) + "\u{1F600}".length; },
  wellFormed(i) { return lone.isWellFormed() + lone.toWellFormed() .charCodeAt(0) + attempt(() => encodeURIComponent(lone)) + (lone + i).length; },
  normalization(i) { return [nfd.normalize().length, "é".normalize("NFD").length, "ﬁ".normalize("NFKC"), attempt(() => "a".normalize("X" + i)), nfd === "é"].join(); },
  uriCoding(i) { return encodeURIComponent("a b&c/é🎉" + i) + decodeURIComponent("%E6%97%A5" + i) + encodeURI("http://x/é?q=" + i) + attempt(() => decodeURIComponent("%" + i)) + escape("ü" + i) + unescape("%u0041"); },
  compare(i) { return ["a" < "b", "a" < "B", "10" < "9", "é" > "z", ["b", "a", "ä", "Z"].sort().join(""), "a".localeCompare("b"), "x" + i > "x"].join(); },
  wrapperObject(i) { wrapper["e" + i % 4] = i; return wrapper + wrapper.length + Object.keys(wrapper).join() + attempt(() => { wrapper[0] = "W"; }) + (wrapper == "wrapped"); },
  numbersToText(i) { const n = numbers[i % 12]; return [n, n.toString(2 + i % 35), n.toFixed(i % 20), n.toExponential(i % 9), n.toPrecision(1 + i % 20)].join(); },
  textToNumbers(i) { return ["12px", "0x1f", " 42 ", "1e3", "", "Infinity", "0b101", "1_0", "." + i, "-"].map((s) => [Number(s), parseInt(s), parseFloat(s)].join()).join("|"); },
  templates(i) { const n = { toString: () => "T" + i }; return `${n}${[1, [2]]}${null}${{}}` + String.raw`\n${i}\u0041`; },
  concatMethods(i) { return "a".concat(i, null, [1]) + "ab".repeat(i % 6) + attempt(() => "a".repeat(-1)) + attempt(() => "a".repeat(2 ** 30).length); },
  iterateChange(i) { let out = ""; for (const c of rope.slice(0, 40)) { out = c + out; if (out.length > 10) rope = rope + c; } if (rope.length > 6000) rope = rope.slice(3000); return out; },
  patchedStringMethod(i) { String.prototype.shout = function () { return this.toUpperCase() + "!" + i; }; const r = "a".shout() + base.shout().length; delete String.prototype.shout; return r + typeof "".shout; },
  longKeys(i) { const k = prefix.slice(0, 200) + i % 12; table[k] = i; return (table[k] === i) + "" + Object.keys(table).filter((x) => x.length > 100).length; },
};
