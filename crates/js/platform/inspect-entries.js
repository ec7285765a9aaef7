// The entries of collections, as inspect.js shows them: elements, members, bytes, what a promise holds.
import * as host from 'switchyard:host';
import { ELEMENT, primitive, property, show } from './inspect.js';

export function plural(count) {
  return count > 1 ? 's' : '';
}

export function isIndex(key) {
  if (typeof key !== 'string' || key.length > 10) return false;
  const number = Number(key);
  return Number.isInteger(number) && number >= 0 && number < 2 ** 32 - 1 && String(number) === key;
}

function limit(state, length) {
  return Math.min(Math.max(0, state.maxArrayLength), length);
}

function more(output, count) {
  if (count > 0) output.push(`... ${count} more item${plural(count)}`);
}

export function elements(state, array, depth) {
  const most = limit(state, array.length);
  const output = [];
  for (let i = 0; i < most; i++) {
    if (!Object.hasOwn(array, i)) return sparseElements(state, array, depth, most, output, i);
    output.push(property(state, array, depth, i, ELEMENT));
  }
  more(output, array.length - most);
  return output;
}

function sparseElements(state, array, depth, most, output, i) {
  const keys = Object.keys(array);
  let index = i;
  for (; i < keys.length && output.length < most; i++) {
    const key = keys[i];
    if (!isIndex(key)) break;
    if (`${index}` !== key) {
      const holes = Number(key) - index;
      output.push(state.stylize(`<${holes} empty item${plural(holes)}>`, 'undefined'));
      index = Number(key);
      if (output.length === most) break;
    }
    output.push(property(state, array, depth, key, ELEMENT));
    index++;
  }
  const rest = array.length - index;
  if (output.length !== most) {
    if (rest > 0) output.push(state.stylize(`<${rest} empty item${plural(rest)}>`, 'undefined'));
  } else more(output, rest);
  return output;
}

export function typedElements(state, array, depth) {
  const most = limit(state, array.length);
  const output = [];
  for (let i = 0; i < most; i++) output.push(primitive(state, array[i]));
  more(output, array.length - most);
  if (state.showHidden) {
    state.indentation += 2;
    for (const key of ['BYTES_PER_ELEMENT', 'length', 'byteLength', 'byteOffset', 'buffer']) {
      output.push(`[${key}]: ${show(state, array[key], depth, true)}`);
    }
    state.indentation -= 2;
  }
  return output;
}

export function setEntries(state, set, size, depth) {
  const most = limit(state, size);
  const output = [];
  state.indentation += 2;
  for (const value of Set.prototype.values.call(set)) {
    if (output.length >= most) break;
    output.push(show(state, value, depth));
  }
  more(output, size - most);
  state.indentation -= 2;
  return output;
}

export function mapEntries(state, map, size, depth) {
  const most = limit(state, size);
  const output = [];
  state.indentation += 2;
  for (const [key, value] of Map.prototype.entries.call(map)) {
    if (output.length >= most) break;
    output.push(`${show(state, key, depth)} => ${show(state, value, depth)}`);
  }
  more(output, size - most);
  state.indentation -= 2;
  return output;
}

export function bufferContents(state, buffer) {
  let bytes;
  try {
    bytes = new Uint8Array(buffer);
  } catch {
    return [state.stylize('(detached)', 'special')];
  }
  const most = limit(state, bytes.length);
  let text = '';
  for (let i = 0; i < most; i++) text += `${i > 0 ? ' ' : ''}${bytes[i].toString(16).padStart(2, '0')}`;
  const rest = bytes.length - most;
  if (rest > 0) text += ` ... ${rest} more byte${plural(rest)}`;
  return [`${state.stylize('[Uint8Contents]', 'special')}: <${text}>`];
}

export function promiseEntry(state, promise, depth) {
  const settled = host.promiseState(promise);
  if (settled === 0) return [state.stylize('<pending>', 'special')];
  state.indentation += 2;
  const text = show(state, host.promiseResult(promise), depth);
  state.indentation -= 2;
  return [settled === 2 ? `${state.stylize('<rejected>', 'special')} ${text}` : text];
}
