// Random regular expressions on random texts, with every place, group and replacement in one number.
let seed;
const rnd = (n) => { seed = (Math.imul(seed, 1103515245) + 12345) >>> 0; return (seed >>> 8) % n; };
const pick = (a) => a[rnd(a.length)];
const ATOMS = ['a', 'b', 'c', '\\d', '\\w', '\\s', '.', '[a-c]', '[^b]', '[^"]', '\\D', '\\W', '\\S', '\\u00e9', '[\\u0100-\\u0200]', '"', '1', '-', '[aé]', '\\ud83d\\ude00', '[^\\n]', 'K', 's', '\\u017f'];
const QUANT = ['', '', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,3}', '{0,2}', '{2,}', '{1,2}?', '{0}'];
function term(d, groups) {
  const k = rnd(12);
  if (d > 0 && k === 0) { groups.n++; return `(${alt(d - 1, groups)})${pick(QUANT)}`; }
  if (d > 0 && k === 1) return `(?:${alt(d - 1, groups)})${pick(QUANT)}`;
  if (d > 0 && k === 2) return `(?${pick(['=', '!'])}${alt(d - 1, groups)})`;
  if (d > 0 && k === 3) return `(?<${pick(['=', '!'])}${alt(d - 1, groups)})`;
  if (k === 4) return pick(['^', '$', '\\b', '\\B', '^']);
  if (k === 5 && groups.n) return `\\${1 + rnd(groups.n)}`;
  return pick(ATOMS) + pick(QUANT);
}
function seq(d, g) { let s = ''; for (let n = 1 + rnd(4); n-- > 0;) s += term(d, g); return s; }
function alt(d, g) { let s = seq(d, g); while (rnd(4) === 0) s += '|' + seq(d, g); return s; }
const CH = ['a', 'b', 'c', 'A', 'B', '1', '2', ' ', '\n', '-', '"', '_', 'é', 'x', 'k', 's', 'S'];
const WIDE = ['\u0100', '\ud83d', '\ude00', '\u2028', '😀', '\u212a', '\u017f'];
function text(wide) { let s = ''; for (let n = rnd(11); n-- > 0;) s += pick(wide && rnd(3) === 0 ? WIDE : CH); return s; }
export function run() {
  seed = 777 + 31337;
  let h = 0, done = 0, matched = 0;
  for (let i = 0; i < 1500; i++) {
    const g = { n: 0 }, source = alt(1, g), flags = pick(['', 'g', 'i', 'm', 's', 'u', 'y', 'gi', 'iu', 'gm', 'v', 'gu', 'd']);
    let re; try { re = new RegExp(source, flags); } catch (e) { continue; }
    for (let j = 0; j < 4; j++) {
      const t = text(j & 1); re.lastIndex = rnd(4);
      let r; try { r = re.exec(t); } catch (e) { r = String(e); }
      const s = JSON.stringify([r, r && r.index, re.lastIndex, t.replace(re, '<$&>'), r && r.indices]);
      for (let k = 0; k < s.length; k++) h = Math.imul(h ^ s.charCodeAt(k), 16777619) >>> 0;
      done++; if (r) matched++;
    }
  }
  return `${h} ${done} ${matched}`;
}
