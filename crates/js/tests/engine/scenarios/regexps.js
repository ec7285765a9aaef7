// Regular expressions kept in the base with a lastIndex of their own; groups, look-around, sticky, unicode, sets.
import { look, attempt } from "script:look.js";

const global = /(\w)(\d+)/g, sticky = /foo|ba(r)/y, both = /a/gy, named = /(?<year>\d{4})-(?<month>\d\d)/gd, unicode = /\p{Lu}\p{Ll}+|\u{1F600}/gu, sets = /[\p{L}--[a-z]]/gv;
const subject = "a1b22c333d4444 foo bar 2024-05 1999-12 Émile Zola 😀";
let matches = subject.matchAll(/\w+/g);
const compiled = new Map(); const last = { re: /x/ };
class Counting extends RegExp { exec(s) { Counting.n = (Counting.n ?? 0) + 1; return super.exec(s); } }
const counting = new Counting("[aeiou]", "g");
const lookbehind = /(?<=\$)\d+(?!\d|\.)/g, backref = /(['"])(.*?)\1/g, lazy = /<(.+?)>/, alternatives = /(?:(?<a>x)|(?<b>y))+/, caseless = /straSSe|ſ/iu;
const replacer = (m, ...r) => `[${m}${r.at(-1)?.year ?? r.length}]`;
const tokens = /\s*(?:(?<num>\d+\.?\d*)|(?<id>[a-z_]\w*)|(?<op>[-+*\/()=]))/giy;
const expando = /e/; expando.note = [1];
const csv = /(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g;
const held = [];

export const scenarios = {
  globalExec(i) { const m = global.exec(subject); return m ? m[0] + m.index + global.lastIndex : "null" + global.lastIndex; },
  globalLastIndex(i) { global.lastIndex = i % 20; const t = global.test(subject); return t + ":" + global.lastIndex + attempt(() => { global.lastIndex = { valueOf: () => 3 }; return global.test(subject); }) + global.lastIndex; },
  stickyExec(i) { sticky.lastIndex = i % 30; return look(sticky.exec(subject)) + sticky.lastIndex; },
  stickyGlobal(i) { both.lastIndex = i % 3; return "aaba".replace(both, "X") + both.lastIndex + look("aaba".match(both)); },
  namedGroups(i) { const m = named.exec(subject); if (!m) return "end"; m.groups.year += i; held[0] = m; return look(m.groups) + look(m.indices.groups) + look(m.indices[0]); },
  namedReplace(i) { named.lastIndex = 0; return subject.replace(named, replacer).slice(10, 60) + "2024-05".replace(/(?<y>\d+)-(?<m>\d+)/, "$<m>/$<y>/" + i); },
  unicodeProps(i) { unicode.lastIndex = 0; return look(subject.match(unicode)) + /^\p{Script=Greek}$/u.test("α") + /^.$/u.test("😀") + /^.$/.test("😀"); },
  setNotation(i) { return look(subject.match(sets)) + /[\p{ASCII}&&\d]/v.test(String(i)) + /^\p{RGI_Emoji}$/v.test("👩‍👩‍👧‍👦"); },
  matchAllHeld(i) { const r = matches.next(); if (r.done || i % 40 === 0) matches = subject.matchAll(/\w+/g); return look(r.value?.[0]) + (r.value?.index ?? ""); },
  compileMany(i) { const s = "a{" + i % 9 + ",}b?|c" + i % 13; if (!compiled.has(s)) compiled.set(s, new RegExp(s, i % 2 ? "g" : "i")); if (compiled.size > 30) compiled.clear(); return look("aaaabC12".match(compiled.get(s) ?? /b/)); },
  recompile(i) { last.re.compile?.("x" + i % 5, i % 2 ? "g" : ""); const r = last.re.test("x1x2") + String(last.re) + last.re.flags; if (i % 6 === 0) last.re = /x/; return r; },
  subclass(i) { const before = Counting.n ?? 0; const r = "education".replace(counting, (c) => c + i % 3); return r + (Counting.n - before) + "aeb".split(counting).length + [..."ae".matchAll(counting)].length; },
  lookarounds(i) { return look(`$${i} $12 $3.5 4`.match(lookbehind)) + "abc".replace(/(?=b)/, "|") + /^(?!.*x)/.test("y" + i); },
  backreferences(i) { return look(`'a' "b'${i}" 'c"`.match(backref)) + "aa bb cd".replace(/(\w)\1/g, "<$1>"); },
  lazyGreedy(i) { return look(lazy.exec(`<a${i}><b>`)) + look(/<(.+)>/.exec("<a><b>")[1]) + /a{2,3}?/.exec("aaaa")[0]; },
  captureReset(i) { return look(alternatives.exec("xyx".slice(i % 3))) + look(/(z)((a+)?(b+)?(c))*/.exec("zaacbbbcac")); },
  caseFolding(i) { return [caseless.test("STRASSE"), caseless.test("S"), /[^x]/i.test("X"), /\u212a/i.test("k"), /\u212a/iu.test("k"), /(?i:a)B/.test("AB")].join(); },
  tokenizer(i) { tokens.lastIndex = 0; const out = []; for (let m; (m = tokens.exec(`x1 = ${i}*(y_2+3.5)`));) out.push(Object.entries(m.groups).find(([, v]) => v !== undefined).join(":")); return out.join(" ") + tokens.lastIndex; },
  expandoOnRegExp(i) { expando.note.push(i); if (expando.note.length > 9) expando.note = []; expando["p" + i % 3] = i; delete expando["p" + (i + 1) % 3]; return look(expando) + expando.test("hey"); },
  csvLine(i) { return look([...`a${i},"q""x",,last`.matchAll(csv)].map((m) => m[1] ?? m[2])); },
  splitCases(i) { return look("a1b2c".split(/(\d)/)) + look("abc".split(/(?:)/)) + look("a-b_c".split(/[-_]/, i % 4)) + look("😀x".split(/(?:)/u)); },
  syntaxErrors(i) { return ["(", "[b-a]", "a**", "(?<n>a)(?<n>b)", "\\u{110000}"].map((s) => attempt(() => new RegExp(s, i % 2 ? "u" : ""))).join() + attempt(() => new RegExp("a", "gg")); },
  dotAllMultiline(i) { return [/a.b/s.test("a\nb"), /^b/m.exec("a\nb").index, /b$/m.test("b\n" + i), "a\nb\n".replace(/^/gm, "> ")].join("/"); },
  sourceFlags(i) { return [global.source, named.flags, new RegExp("/").source, new RegExp("\n").source, String(new RegExp("")), new RegExp(global, "i").flags, RegExp.escape?.("a.b" + i)].join(" "); },
  patchedExec(i) { const exec = RegExp.prototype.exec; RegExp.prototype.exec = function (s) { const m = exec.call(this, s); if (m) m[0] = "P" + i; return m; }; const r = "abc".replace(/b/, "[$&]") + look("abc".match(/c/)); RegExp.prototype.exec = exec; return r + "abc".replace(/b/, "[$&]"); },
  symbolOverride(i) { const re = /b/; re[Symbol.replace] = (s, r) => s + r + i; re.flags2 = 1; held[1] = re; return "abc".replace(re, "R") + "abc".replace(/b/, () => held.length); },
  catastrophicSmall(i) { return /^(a+)+$/.test("a".repeat(12 + i % 3) + "b") + ":" + /(x+x+)+y/.test("xxxxxxxxxx"); },
  lastMatchHeld(i) { held.push(/(\d+)-(?<n>\w)/d.exec(`${i}-k`)); if (held.length > 12) held.length = 2; return look(held.at(-1), 3); },
  emptyMatches(i) { return "abc".replace(/x*/g, "-") + look([..."aé".matchAll(/(?:)/gu)].map((m) => m.index)) + "ab".replace(/$/, i); },
};
