// Differences of two lists: util.diff, and the messages of assert's deep comparisons. Myers' algorithm, which finds
// the fewest insertions and deletions.
import { invalidArgType } from './errors.js';

export const DELETE = -1;
export const KEEP = 0;
export const INSERT = 1;

// Lists that differ in more than this many entries, both together, are not searched: it takes the square in memory.
const MOST = 1000;

// [operation, value] in reverse order, from the lists' ends to their beginnings. `actual` inserts.
export function reversedDiff(actual, expected) {
  let head = 0;
  const shorter = Math.min(actual.length, expected.length);
  while (head < shorter && actual[head] === expected[head]) head++;
  let tail = 0;
  while (tail < shorter - head && actual.at(-1 - tail) === expected.at(-1 - tail)) tail++;
  const middle = [actual, expected].map((list) => list.slice(head, list.length - tail));
  const keep = (from, to) => Array.from(actual.slice(from, to), (value) => [KEEP, value]).reverse();
  return [...keep(actual.length - tail, actual.length), ...search(...middle), ...keep(0, head)];
}

function search(actual, expected) {
  const [n, m] = [actual.length, expected.length];
  const most = n + m;
  if (most > MOST) {
    const all = (operation, list) => Array.from(list, (value) => [operation, value]).reverse();
    return [...all(INSERT, actual), ...all(DELETE, expected)];
  }
  const furthest = new Int32Array(2 * most + 2);
  const trace = [];
  for (let d = 0; d <= most; d++) {
    trace.push(furthest.slice());
    for (let k = -d; k <= d; k += 2) {
      const at = k + most;
      const down = k === -d || (k !== d && furthest[at - 1] < furthest[at + 1]);
      let x = down ? furthest[at + 1] : furthest[at - 1] + 1;
      let y = x - k;
      while (x < n && y < m && actual[x] === expected[y]) {
        x++;
        y++;
      }
      furthest[at] = x;
      if (x >= n && y >= m) return walkBack(trace, actual, expected, most);
    }
  }
  return [];
}

function walkBack(trace, actual, expected, most) {
  const result = [];
  let [x, y] = [actual.length, expected.length];
  for (let d = trace.length - 1; d >= 0; d--) {
    const furthest = trace[d];
    const k = x - y;
    const at = k + most;
    const previous = k === -d || (k !== d && furthest[at - 1] < furthest[at + 1]) ? k + 1 : k - 1;
    const px = furthest[previous + most];
    const py = px - previous;
    while (x > px && y > py && x > 0 && y > 0) {
      result.push([KEEP, actual[x - 1]]);
      x--;
      y--;
    }
    if (d > 0) {
      if (x > px) result.push([INSERT, actual[--x]]);
      else result.push([DELETE, expected[--y]]);
    }
  }
  return result;
}

function entries(value, name) {
  if (typeof value === 'string') return value.split('');
  if (!Array.isArray(value)) throw invalidArgType(name, ['Array', 'string'], value);
  value.forEach((one, i) => {
    if (typeof one !== 'string') throw invalidArgType(`${name}[${i}]`, 'string', one);
  });
  return value;
}

export function diff(actual, expected) {
  if (actual === expected) return [];
  return reversedDiff(entries(actual, 'actual'), entries(expected, 'expected')).reverse();
}
