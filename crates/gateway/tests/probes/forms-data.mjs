// FormData: its methods, conversions, order and iteration.
import { each, entries, file, members, text } from './forms-tools.mjs';

const F = (...pairs) => { const form = new FormData(); for (const pair of pairs) form.append(...pair); return form; };

export const formdata = {
  'formdata: surface': () => [members(FormData.prototype), FormData.length, String(F()), members(F()), Object.keys(FormData.prototype)],
  'formdata: descriptors': () => ['append', 'get', 'entries', Symbol.iterator, Symbol.toStringTag].map((name) => {
    const it = Object.getOwnPropertyDescriptor(FormData.prototype, name);
    return it && [it.enumerable, it.writable, it.configurable, typeof it.value, it.value?.name, it.value?.length];
  }),
  'formdata: constructor': () => each(() => entries(new FormData()), () => entries(new FormData(undefined)), () => entries(new FormData(null)), () => entries(new FormData({ a: 1 })), () => entries(new FormData('x'))),
  'formdata: append and get': () => { const form = F(['a', '1'], ['b', '2'], ['a', '3']); return [form.get('a'), form.getAll('a'), form.get('c'), form.getAll('c'), form.has('a'), form.has('c'), form.append('x', 'y'), form.delete('x'), form.set('a', 'z')]; },
  'formdata: set': async () => { const form = F(['a', '1'], ['b', '2'], ['a', '3']); form.set('a', '4'); form.set('c', '5'); return entries(form); },
  'formdata: delete': async () => { const form = F(['a', '1'], ['b', '2'], ['a', '3']); form.delete('a'); form.delete('none'); return entries(form); },
  'formdata: values coerced': () => each(...[1, null, undefined, {}, [1, 2], true, 1n, { toString: () => 'mine' }, Symbol('x'), '\ud800', new Date(NaN), new Uint8Array(2), new URLSearchParams('a=b')].map((value) => () => entries(F(['a', value])))),
  'formdata: names coerced': () => each(...[1, null, undefined, {}, '', '\ud800', 'é\n"', Symbol('x')].map((name) => () => entries(F([name, 'v'])))),
  'formdata: missing arguments': () => each(...['append', 'set', 'get', 'getAll', 'has', 'delete', 'forEach'].map((method) => () => F()[method]()), () => F().append('a'), () => F().set('a')),
  'formdata: blobs become files': async () => entries(F(['a', new Blob(['x'], { type: 'A/B' })], ['b', new Blob(['y']), 'name.txt'], ['c', new File(['z'], 'own')], ['d', new File(['z'], 'own', { type: 't/t' }), 'other'], ['e', new Blob(['x']), undefined], ['f', new Blob([]), ''], ['g', new Blob([]), null], ['h', new Blob([]), 5])),
  'formdata: a file is the same object': () => { const it = new File(['z'], 'own'); const form = F(['a', it]); return [form.get('a') === it, form.get('a') === form.get('a')]; },
  'formdata: a blob\'s file': () => { const form = F(['a', new Blob(['x'])]); return [form.get('a') === form.get('a'), form.get('a') instanceof File, typeof form.get('a').lastModified]; },
  'formdata: a renamed file': () => { const it = new File(['z'], 'own', { type: 't/t', lastModified: 5 }); const form = F(['a', it, 'new']); return [form.get('a').name, form.get('a').lastModified === 5, form.get('a').type]; },
  'formdata: filename with a text': () => each(() => entries(F(['a', 'text', 'name'])), () => entries(F(['a', {}, 'name'])), () => { const form = F(); form.set('a', 'text', 'name'); return entries(form); }, () => entries(F(['a', 'text', undefined]))),
  'formdata: iteration': () => { const form = F(['b', '1'], ['a', '2'], ['b', '3']); const seen = []; form.forEach(function (value, name, all) { seen.push([value, name, all === form, this === 5 || typeof this]); }, 5); return [[...form.keys()], [...form.values()], [...form.entries()], [...form], seen]; },
  'formdata: iterators': () => { const it = F(['a', '1']).entries(); const prototype = Object.getPrototypeOf(it); return [String(it), String(F().keys()), String(F().values()), members(prototype), it[Symbol.iterator]() === it, it.next(), it.next(), FormData.prototype[Symbol.iterator] === FormData.prototype.entries]; },
  'formdata: changed while iterated': () => { const form = F(['a', '1'], ['b', '2']); const seen = []; for (const [name] of form) { seen.push(name); if (name === 'a') { form.append('c', '3'); form.delete('b'); } if (seen.length > 5) break; } return seen; },
  'formdata: changed in forEach': () => { const form = F(['a', '1'], ['b', '2']); const seen = []; form.forEach((value, name) => { seen.push(name); if (name === 'a') { form.append('c', '3'); form.delete('b'); } if (seen.length > 5) throw new Error('endless'); }); return seen; },
  'formdata: forEach takes a function': () => each(() => F().forEach(1), () => F().forEach(null), () => F(['a', '1']).forEach(() => { throw new RangeError('mine'); })),
  'formdata: unbound': () => each(() => FormData.prototype.get.call({}, 'a'), () => FormData.prototype.append.call(undefined, 'a', 'b'), () => FormData.prototype.entries.call([])),
  'formdata: subclass': () => { class Mine extends FormData { get(name) { return `mine ${super.get(name)}`; } } const form = new Mine(); form.append('a', '1'); return [form.get('a'), form instanceof FormData, String(form)]; },
  'formdata: line ends stay': () => F(['a\r\nb', 'x\ny\rz']).get('a\r\nb'),
  'formdata: JSON': () => [JSON.stringify(F(['a', '1'])), Object.fromEntries(F(['a', '1'], ['b', '2']))],
  'formdata: many': () => { const form = new FormData(); for (let i = 0; i < 2000; i++) form.append(`n${i % 10}`, `${i}`); return [form.getAll('n3').length, [...form].length]; },
  'formdata: bytes in a file': async () => file(F(['a', new Blob([new Uint8Array([0, 255, 13, 10])])]).get('a')),
  'formdata: text': () => [text('x')],
};
