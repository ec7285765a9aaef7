// console and inspect.
const { ExecutionContext } = await import('platform:context.js');
// What a method makes of its arguments where somebody listens: 1 text, 2 values.
const listening = (bits, run) => {
  control.ops.length = 0;
  control.within(new ExecutionContext(1, null, null, bits), run);
};
const logged = (...values) => {
  listening(1, () => console.log(...values));
  return control.take(6)[2];
};
test('console for nobody', () => {
  let looked = 0;
  const spy = { get a() { return ++looked; }, toString: () => `${++looked}` };
  for (const run of [() => console.log('%s', spy), () => console.dir(spy), () => console.table(spy), () => console.trace(spy)]) {
    listening(0, run);
    run();
  }
  assert.deepEqual([looked, control.ops.length], [0, 0]);
});
test('console values', () => {
  listening(2, () => console.log('a', 1, { b: 2 }, undefined, 10n, new Error('e'), { toJSON: () => 't' }));
  assert.deepEqual(control.take(6), [6, 1, null, '["a",1,{"b":2},null,"10","Error: e","t"]']);
  listening(3, () => console.warn('%d', 1));
  assert.deepEqual(control.take(6), [6, 3, '1', '["%d",1]']);
  listening(2, () => console.count('n'));
  assert.deepEqual(control.take(6), [6, 1, null, '["n: 1"]']);
});
test('console levels and groups', () => listening(1, () => {
  for (const [method, level] of [['debug', 0], ['log', 1], ['info', 2], ['warn', 3], ['error', 4]]) {
    console[method]('x');
    assert.deepEqual(control.take(6), [6, level, 'x', null]);
  }
  console.group('g');
  console.log('a\nb');
  console.groupEnd();
  console.log('c');
  assert.deepEqual(control.ops.map((op) => op[2]), ['g', '  a\n  b', 'c']);
}));
test('console format', () => {
  assert.equal(logged('%s is %d%% of %o', 'a', 5, [1]), 'a is 5% of [ 1, [length]: 1 ]');
  assert.equal(logged('%s'), '%s');
  assert.equal(logged('a', 'b', 1, null, undefined, { a: 'x' }), "a b 1 null undefined { a: 'x' }");
  assert.equal(logged(-0, 1n, Symbol('s'), true), '-0 1n Symbol(s) true');
});
test('console inspect', () => {
  assert.equal(logged({ a: { b: { c: { d: 1 } } } }), '{ a: { b: { c: [Object] } } }');
  const circular = { name: 'x' };
  circular.self = circular;
  assert.equal(logged(circular), "<ref *1> { name: 'x', self: [Circular *1] }");
  assert.equal(logged(new Map([['a', 1]]), new Set([1, 'b'])), "Map(1) { 'a' => 1 } Set(2) { 1, 'b' }");
  assert.equal(logged([1, , 3], []), '[ 1, <1 empty item>, 3 ] []');
  class Foo { x = 1; }
  assert.equal(logged(new Foo(), Foo, class extends Foo {}), 'Foo { x: 1 } [class Foo] [class (anonymous) extends Foo]');
  assert.equal(logged(() => {}, function named() {}, async () => {}), '[Function (anonymous)] [Function: named] [AsyncFunction (anonymous)]');
  assert.equal(logged(new Uint8Array([1, 2])), 'Uint8Array(2) [ 1, 2 ]');
  assert.equal(logged(new Date(0), /x/g), '1970-01-01T00:00:00.000Z /x/g');
  assert.equal(logged(Object.create(null)), '[Object: null prototype] {}');
  assert.ok(logged(new RangeError('bad')).startsWith('RangeError: bad\n    at'));
  assert.equal(logged({ get a() { return 1; }, 'b-c': 2, [Symbol('k')]: 3 }), "{ a: [Getter], 'b-c': 2, Symbol(k): 3 }");
  assert.equal(logged(["it's", 'a\nb']), `[ "it's", 'a\\nb' ]`);
  assert.equal(logged(new Headers({ b: '1' })), "Headers(1) { 'b' => '1' }");
  assert.match(logged(Promise.resolve(1)), /^Promise {\s+1/); // node's own symbols follow
  assert.ok(logged(Array.from({ length: 120 }, (_, i) => i)).includes('... 20 more items'));
  assert.equal(logged({ a: 'x'.repeat(50), b: 'y'.repeat(50) }), `{\n  a: '${'x'.repeat(50)}',\n  b: '${'y'.repeat(50)}'\n}`);
  assert.ok(logged(new Response('x')).startsWith('Response {\n  status: 200'));
});
test('console others', () => listening(1, () => {
  console.assert(true, 'no');
  assert.equal(control.take(6), undefined);
  console.assert(false, 'yes');
  assert.deepEqual(control.take(6), [6, 4, 'Assertion failed: yes', null]);
  console.count();
  console.count();
  console.countReset();
  console.count('x');
  assert.deepEqual(control.ops.map((op) => op[2]), ['default: 1', 'default: 2', 'x: 1']);
  control.ops.length = 0;
  console.time('t');
  console.timeEnd('t');
  assert.match(control.take(6)[2], /^t: \d+ms$/);
  console.table([{ a: 1, b: 'x' }, { a: 2 }]);
  assert.equal(control.take(6)[2], [
    '┌─────────┬───┬─────┐', '│ (index) │ a │ b   │', '├─────────┼───┼─────┤', "│ 0       │ 1 │ 'x' │",
    '│ 1       │ 2 │     │', '└─────────┴───┴─────┘'].join('\n'));
  console.trace('here');
  assert.match(control.take(6)[2], /^Trace: here\n/);
}));
