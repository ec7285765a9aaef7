// strictEqual's message: both values line by line, what is only in one of them marked.
import { inspect } from '../../inspect.js';
import { DELETE, INSERT, reversedDiff } from './text-diff.js';

// A string as its lines, each end of line visible.
function linesOf(value, raw) {
  if (!raw) return inspect(value, { sorted: true, depth: 100 }).split('\n');
  const escaped = value.replaceAll('\b', '\\b').replaceAll('\f', '\\f').replaceAll('\t', '\\t').replaceAll('\v', '\\v')
    .replaceAll('\r', '\\r');
  return escaped.split('\n').map((line, i, all) => (i < all.length - 1 ? `${line}\\n` : line));
}

export function lineDifference(actual, expected) {
  const raw = typeof actual === 'string' && typeof expected === 'string';
  const [left, right] = [linesOf(actual, raw), linesOf(expected, raw)];
  if (left.join('\n') === right.join('\n')) {
    const indented = left.map((line) => `    ${line}`).join('\n');
    return `Values have the same structure but are not reference-equal:\n\n${indented}\n`;
  }
  const steps = reversedDiff(left, right).reverse();
  // Of lines that changed, what was stands before what was wanted.
  const lines = [];
  let wanted = [];
  for (const [operation, line] of steps) {
    if (operation === DELETE) wanted.push(`+   ${line}`);
    else if (operation === INSERT) lines.push(`-   ${line}`);
    else {
      lines.push(...wanted, `    ${line}`);
      wanted = [];
    }
  }
  lines.push(...wanted);
  if (raw) lines.push('');
  return `Values are not strictly equal:\n\n\n[Diff] Actual / Expected\n\n\n${lines.join('\n')}\n`;
}
