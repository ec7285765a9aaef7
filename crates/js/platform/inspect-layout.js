// How the entries of an object become one text (inspect.js): on one line where they fit, short elements of a long
// list in columns, else one entry a line.
const COLOR = /\u001b\[\d\d?m/g;

function widthOf(state, text) {
  return state.colors ? text.replace(COLOR, '').length : text.length;
}

function fitsOnOneLine(state, output, start, base) {
  let total = output.length + start;
  if (total + output.length > state.breakLength) return false;
  for (const entry of output) {
    total += widthOf(state, entry);
    if (total > state.breakLength) return false;
  }
  return base === '' || !base.includes('\n');
}

// `room`: characters that one line may have beyond the usual.
export function reduceToOneText(state, output, base, braces, list, depth, value, room = 0) {
  const before = base === '' ? '' : `${base} `;
  if (state.compact === true) {
    if (fitsOnOneLine(state, output, 0, base)) {
      return `${braces[0]}${base === '' ? '' : ` ${base}`} ${output.join(', ')} ${braces[1]}`;
    }
    const indent = `\n${' '.repeat(state.indentation)}`;
    const first = base === '' && braces[0].length === 1 ? ' ' : `${base === '' ? '' : ` ${base}`}\n${indent.slice(1)}  `;
    return `${braces[0]}${first}${output.join(`,${indent}  `)} ${braces[1]}`;
  }
  if (typeof state.compact === 'number' && state.compact >= 1) {
    const entries = output.length;
    if (list && entries > 6) output = inColumns(state, output, value);
    if (state.currentDepth - depth < state.compact && entries === output.length) {
      const start = output.length + state.indentation + braces[0].length + base.length + 10 - room;
      if (fitsOnOneLine(state, output, start, base)) {
        const joined = output.join(', ');
        if (!joined.includes('\n')) return `${before}${braces[0]} ${joined} ${braces[1]}`;
      }
    }
  }
  const indent = `\n${' '.repeat(state.indentation)}`;
  return `${before}${braces[0]}${indent}  ${output.join(`,${indent}  `)}${indent}${braces[1]}`;
}

// About as many columns as make a square, letters being 2.5 times as high as wide. The last entry of a list that
// was cut short says how many are missing and keeps a line of its own.
function inColumns(state, output, value) {
  const count = state.maxArrayLength < output.length ? output.length - 1 : output.length;
  const widths = [];
  let total = 0;
  let widest = 0;
  for (let i = 0; i < count; i++) {
    const width = widthOf(state, output[i]);
    widths.push(width);
    total += width + 2;
    widest = Math.max(widest, width);
  }
  const cell = widest + 2;
  if (cell * 3 + state.indentation >= state.breakLength || (total / cell <= 5 && widest > 6)) return output;
  const bias = Math.sqrt(cell - total / output.length);
  const biased = Math.max(cell - 3 - bias, 1);
  const columns = Math.min(
    Math.round(Math.sqrt(2.5 * biased * count) / biased),
    Math.floor((state.breakLength - state.indentation) / cell),
    state.compact * 4,
    15,
  );
  if (columns <= 1) return output;
  const columnWidths = [];
  for (let i = 0; i < columns; i++) {
    let width = 0;
    for (let j = i; j < count; j += columns) width = Math.max(width, widths[j]);
    columnWidths.push(width + 2);
  }
  const numbers = value !== undefined && output.every((_, i) => typeof value[i] === 'number' || typeof value[i] === 'bigint');
  const rows = [];
  for (let i = 0; i < count; i += columns) {
    const end = Math.min(i + columns, count);
    let row = '';
    for (let j = i; j < end; j++) {
      const last = j === end - 1;
      const invisible = output[j].length - widths[j];
      const width = columnWidths[j - i] + invisible;
      if (numbers) row += last ? output[j].padStart(width - 2) : `${output[j]}, `.padStart(width);
      else row += last ? output[j] : `${output[j]}, `.padEnd(width);
    }
    rows.push(row);
  }
  if (count < output.length) rows.push(output[count]);
  return rows;
}
