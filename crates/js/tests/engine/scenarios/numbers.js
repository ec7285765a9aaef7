// Numbers, BigInt, Math and Date, with values of the base carried on from request to request.
import { look, attempt } from "script:look.js";

let big = 2n ** 100n, small = 7n, acc = 0.1, int = 2147483640, unsigned = 4294967290 >>> 0, factorial = [1n];
const date = new Date(Date.UTC(2020, 1, 29, 12, 30, 45, 678)), dates = Array.from({ length: 5 }, (_, i) => new Date(i * 86400000 * 31));
const bigs = new Map([[1n, "one"], [2n ** 64n, "huge"]]);
const box = Object(5n), numberBox = new Number(3); numberBox.tag = "t";
let rng = 12345; const next = () => (rng = (Math.imul(rng, 1103515245) + 12345) & 0x7fffffff);
const matrix = Array.from({ length: 4 }, (_, r) => Array.from({ length: 4 }, (_, c) => r * c + 1));
const sieve = new Array(200).fill(true);
class Money { #cents; constructor(c) { this.#cents = BigInt(c); } add(o) { return new Money(this.#cents + o.#cents); } toString() { return `${this.#cents / 100n}.${this.#cents % 100n}`; } }
let purse = new Money(1000);
const polynomial = [1, -2, 3.5, 0, 1e-3];

export const scenarios = {
  bigMultiply(i) { big = (big * 31n + BigInt(i)) % (1n << 300n); return big.toString(36) + (big & 0xffn) + (big >> 200n); },
  bigInPlace(i) { let a = big; a += 1n; a *= 3n; const same = big; a -= same; small += 1n; small <<= 3n; if (small > 1n << 400n) small = 7n; return (a % 1000n) + ":" + small.toString(16).length + (same === big); },
  bigSigned(i) { const v = BigInt(i) - 500n; return [v, -v, ~v, v >> 3n, v << 5n, v & -8n, v | 3n, v ^ big, v / 7n, v % 7n].map((x) => x.toString(32)).join(); },
  bigWidths(i) { return [BigInt.asIntN(16, big + BigInt(i)), BigInt.asUintN(64, -BigInt(i)), BigInt.asIntN(0, big)].join(); },
  bigFactorial(i) { const n = factorial.length; factorial.push(factorial[n - 1] * BigInt(n)); if (n > 40) factorial = [1n]; return factorial.at(-1).toString().length + ":" + factorial.at(-1) % 1000003n; },
  bigMixing(i) { return attempt(() => 1n + i) + attempt(() => BigInt(1.5)) + attempt(() => 1n / 0n) + attempt(() => 2n ** -1n) + (2n > 1) + (1n == 1) + (1n === 1) + attempt(() => BigInt("0x" + i)) + attempt(() => +1n); },
  bigKeys(i) { bigs.set(BigInt(i % 20), i); bigs.delete(BigInt((i * 7) % 20)); return bigs.size + bigs.get(2n ** 64n) + bigs.has(1n) + [...bigs.keys()].at(-1); },
  bigToNumber(i) { return Number(big) + ":" + Number(BigInt(Number.MAX_SAFE_INTEGER) + BigInt(i)) + parseInt("12n") + box.valueOf() + typeof box + (box + 1n); },
  integerOverflow(i) { int = (int + 1) | 0; unsigned = (unsigned + i) >>> 0; return [int, unsigned, int * 2, int + 1, Math.imul(int, i), -int, int++, --int].join(); },
  floatAccumulate(i) { acc += 0.1 * i; acc %= 1000; return acc + ":" + acc.toFixed(3) + Math.fround(acc) + (acc | 0) + Math.round(-acc); },
  negativeZero(i) { return [1 / -0, Object.is(0 * -1, -0), Math.max(-0, 0), Math.min(0, -0), -0 + -0, [-0].includes(0), JSON.stringify(-0), `${-0}`].join(); },
  mathFunctions(i) { return [Math.hypot(i, 4), Math.cbrt(i), Math.log2(i + 1), Math.sign(-i), Math.trunc(-i / 3), Math.clz32(i), Math.expm1(1e-10), Math.atan2(i, -1), Math.sinh(1)].map((x) => x.toPrecision(12)).join(); },
  rounding(i) { return [Math.round(i + 0.5), Math.round(-i - 0.5), (i / 8).toFixed(2), (1.005 * i).toFixed(2), (i * 1e19).toLocaleString === undefined, (25 + i).toString(36), (0.1 * i).toString(3).slice(0, 20)].join(); },
  numberBox(i) { numberBox["n" + i % 4] = i; return numberBox + 1 + numberBox.tag + Object.keys(numberBox).join() + (numberBox == 3) + typeof numberBox; },
  patchNumber(i) { Number.prototype.plus = function (o) { return this + o; }; const r = (5).plus(i) + 5 .plus(1); delete Number.prototype.plus; return r + typeof (1).plus; },
  lcg(i) { let h = 0; for (let k = 0; k < 20; k++) h = (h * 31 + next()) | 0; return h + ":" + rng; },
  matrixPower(i) { const m = matrix.map((r, y) => r.map((_, x) => r.reduce((s, v, k) => (s + v * matrix[k][x]) % 1009, 0))); m.forEach((r, y) => r.forEach((v, x) => { matrix[y][x] = v; })); matrix[i % 4][0] = i; return matrix.join(); },
  sieve(i) { sieve.fill(true); for (let p = 2; p < 200; p++) if (sieve[p]) for (let q = p * p; q < 200; q += p) sieve[q] = false; return sieve.reduce((s, v, k) => v && k > 1 ? s + k * (i % 3 + 1) : s, 0); },
  privateBig(i) { purse = purse.add(new Money(i)); if (i % 40 === 0) purse = new Money(1000); return `${purse}`; },
  polynomial(i) { polynomial[i % 5] += 0.25; polynomial.push(polynomial.shift()); return polynomial.reduceRight((a, c) => a * 1.01 + c, 0); },
  dateSetters(i) { date.setUTCMonth(i % 15); date.setUTCDate(i % 40); date.setUTCHours(i % 30, i % 70); return date.toISOString() + date.getUTCDay(); },
  dateCarry(i) { const d = dates[i % 5]; d.setTime(d.getTime() + i * 3600000); if (d.getUTCFullYear() > 2100) d.setTime(0); return d.toJSON() + d.getTime() + (+d > +dates[0]); },
  dateReplace(i) { dates[i % 5] = new Date(dates[(i + 1) % 5]); dates[i % 5].label = i; return dates.map(Number).join() + look(dates[i % 5]); },
  dateParse(i) { return ["2024-02-30", "2024-02-29T10:00:00Z", "Thu, 01 Jan 1970 00:00:0" + i % 10 + " GMT", "nonsense", "2024", "2024-01-01T00:00:00.12345+02:30"].map((s) => Date.parse(s)).join(); },
  dateInvalid(i) { const d = new Date(NaN); return attempt(() => d.toISOString()) + d.getTime() + String(d) + JSON.stringify({ d }) + attempt(() => new Date(8.64e15 + i + 1).getTime()) + d.setUTCFullYear(2000); },
  dateStrings(i) { const d = new Date(i * 1e9); return [d.toUTCString(), d.toString(), d.toDateString(), d[Symbol.toPrimitive]("number"), d.getTimezoneOffset(), `${d.toLocaleDateString()}`].join("|"); },
  dateSubclass(i) { class D extends Date { plus(n) { return new D(this.getTime() + n); } } return new D(i).plus(5).getTime() + Object.prototype.toString.call(new D(0)) + (new D(0) instanceof D); },
  conversions(i) { return [[] + [], [] + {}, +[], +[i], +{}, null + 1, undefined + 1, true + true, "5" * "2", "5" + 2, [2] * [3], null == 0, null >= 0, "b" > "a", [1, 2] == "1,2"].join("|"); },
  bitTricks(i) { return [i >>> 1, -i >> 1, -i >>> 28, ~~(i / 3), i ^ 0x55, (i & -i), 1 << i % 40, (i * 2654435761) >>> 0].join(); },
  safeIntegers(i) { return [2 ** 53 + 1, Number.isSafeInteger(2 ** 53 - i), Number.EPSILON > 0, (2 ** 53 - 1) % 1000 + i, 0.1 * 3, 1 / 3, 100 / 3 | 0, 5 % -3, -5 % 3, 2 ** -1].join(); },
};
