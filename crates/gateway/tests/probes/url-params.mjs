// URLSearchParams: how it is filled, read, changed and written.
import { tries } from './show.mjs';

const text = (...list) => () => tries(...list.map((init) => () => new URLSearchParams(init).toString()));
const change = (from, run) => () => { const list = new URLSearchParams(from); const gave = run(list); return [list.toString(), gave]; };

export const params = {
  'params from text': text('', '?', '?a=b', 'a=b&c', '&&a&&', '=', '=a', 'a=b=c', '??a=b', 'a+b=c%20d', '%zz=%', 'a=%C3%A9', 'é=ü', 'a;b=c', 'a=\ud800', 'a=b#c'),
  'params of bytes that are no UTF-8': text('a=%ff'),
  'params from objects': text({}, { a: 1, b: null }, { a: undefined }, { a: { b: 1 } }, { 'é ': 'ü' }, Object.create({ inherited: 1 }), { [Symbol('x')]: 1 }, new Date(0)),
  'params from sequences': text([], [['a', 'b'], ['a', 1]], new Map([['m', 'n']]), new URLSearchParams('x=y'), new Headers({ h: 'v' }), [new Set(['p', 'q'])], 'ab'),
  'params refused': text([['a']], [['a', 'b', 'c']], [1], ['ab'], 5, null, undefined, true, Symbol('s'), { [Symbol.iterator]: 1 }, [null], () => {}, [['a', Symbol('x')]]),
  'params called': () => tries(() => new URLSearchParams().toString(), () => URLSearchParams.length),
  'params written': () => new URLSearchParams([['a b', 'c&d'], ['e=f', 'g+h'], ["i'j", '*-._~'], ['k', '\u0000é☕𝒳'], ['!()', '%']]).toString(),
  'params get': () => { const list = new URLSearchParams('a=1&b=2&a=3&c'); return [list.get('a'), list.get('z'), list.getAll('a'), list.getAll('z'), list.has('a'), list.has('z'), list.has('a', '3'), list.has('a', '2'), list.has('c', ''), list.has('a', undefined), list.get('c'), list.size]; },
  'params too few': () => { const list = new URLSearchParams('a=1'); return tries(() => list.get(), () => list.getAll(), () => list.has(), () => list.append('a'), () => list.set('a'), () => list.delete(), () => list.forEach(), () => list.append(), () => list.forEach({}), () => list.get(Symbol('x'))); },
  'params delete': change('a=1&b=2&a=3', (list) => list.delete('a')),
  'params delete one': change('a=1&b=2&a=3&a=1', (list) => list.delete('a', '1')),
  'params delete undefined': change('a=1&b=2', (list) => list.delete('a', undefined)),
  'params delete null': change('a=null&a=2', (list) => list.delete('a', null)),
  'params set': change('a=1&b=2&a=3', (list) => [list.set('a', 9), list.set('new', null)]),
  'params append': change('a=1', (list) => [list.append('a', undefined), list.append('x', { toString: () => 'y' })]),
  'params sort': change('z=1&a=2&b=3&a=1&é=1&𝒳=2&\uffff=3&ab=4', (list) => list.sort()),
  'params iterate': () => { const list = new URLSearchParams('a=1&b=2'); return [[...list], [...list.keys()], [...list.values()], [...list.entries()], list[Symbol.iterator] === list.entries]; },
  'params iterator': () => {
    const iterator = new URLSearchParams('a=1').entries();
    const prototype = Object.getPrototypeOf(iterator);
    return [prototype[Symbol.toStringTag], Object.getOwnPropertyNames(prototype).sort(), iterator[Symbol.iterator]() === iterator, iterator.next(), iterator.next(), typeof iterator.return];
  },
  'params changed while iterated': () => { const list = new URLSearchParams('a=1&b=2&c=3'); const seen = []; for (const [name] of list) { seen.push(name); list.delete(name); if (seen.length > 9) break; } return [seen, list.toString()]; },
  'params grown while iterated': () => { const list = new URLSearchParams('a=1'); const seen = []; for (const [name] of list) { seen.push(name); if (seen.length < 4) list.append(`x${seen.length}`, ''); } return seen; },
  'params forEach': () => { const list = new URLSearchParams('a=1&b=2'); const seen = []; list.forEach(function (value, name, all) { seen.push(value, name, all === list, this.t); }, { t: 7 }); return seen; },
  'params shape': () => [Object.getOwnPropertyNames(URLSearchParams.prototype).sort(), Object.keys(URLSearchParams.prototype).sort(), Object.prototype.toString.call(new URLSearchParams()), ...['append', 'delete', 'get', 'has', 'set', 'forEach'].map((name) => URLSearchParams.prototype[name].length)],
  'params in JSON': () => [JSON.stringify(new URLSearchParams('a=1')), String(new URLSearchParams('a=1'))],
  'params of a form': async () => (await new Response(new URLSearchParams('a=b c&d=é')).text()),
};
