// console.table: rows of an object or array as a table in Node's box drawing.
import { inspect } from './inspect.js';

function line(widths, left, middle, right) {
  return left + widths.map((width) => '─'.repeat(width + 2)).join(middle) + right;
}

function row(cells, widths) {
  return `│${cells.map((cell, i) => ` ${cell.padEnd(widths[i])} `).join('│')}│`;
}

export function table(data, only) {
  const rows = data instanceof Map ? [...data] : data instanceof Set ? [...data].entries() : Object.entries(data);
  const columns = new Set(only);
  const body = [];
  let values = false;
  for (const [index, value] of rows) {
    const cells = new Map();
    if (typeof value === 'object' && value !== null) {
      for (const key of Object.keys(value)) {
        if (only === undefined) columns.add(key);
        cells.set(key, inspect(value[key], { depth: 0 }));
      }
      body.push([`${index}`, cells, '']);
    } else {
      values = true;
      body.push([`${index}`, cells, inspect(value, { depth: 0 })]);
    }
  }
  const head = ['(index)', ...columns];
  if (values) head.push('Values');
  const lines = body.map(([index, cells, value]) => {
    const cellsOfRow = [index, ...[...columns].map((column) => cells.get(column) ?? '')];
    if (values) cellsOfRow.push(value);
    return cellsOfRow;
  });
  const widths = head.map((title, i) => Math.max(title.length, ...lines.map((cells) => cells[i].length)));
  return [
    line(widths, '┌', '┬', '┐'),
    row(head, widths),
    line(widths, '├', '┼', '┤'),
    ...lines.map((cells) => row(cells, widths)),
    line(widths, '└', '┴', '┘'),
  ].join('\n');
}
