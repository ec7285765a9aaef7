// Classes, properties, arguments, and what module code may do with a rewriter.
const of = (Class, name) => {
  const it = Object.getOwnPropertyDescriptor(Class.prototype, name);
  return it && [typeof it.value, typeof it.get, typeof it.set, it.enumerable, it.configurable, it.value?.length];
};
// Methods alone: where properties are is a probe of its own.
const members = (prototype) => Reflect.ownKeys(prototype).filter((key) => {
  const { value } = Object.getOwnPropertyDescriptor(prototype, key);
  return typeof value === 'function' || key === Symbol.toStringTag;
}).map((key) => {
  const it = Object.getOwnPropertyDescriptor(prototype, key);
  return [String(key), typeof it.value, it.enumerable, it.configurable, key === 'constructor' ? 0 : it.value.length];
}).sort((a, b) => (a[0] < b[0] ? -1 : 1));

// The prototype of each kind of token.
const kinds = async () => {
  const seen = {};
  const note = (name) => (token) => { seen[name] = Object.getPrototypeOf(token); };
  await new HTMLRewriter()
    .on('p', { element(e) { note('element')(e); seen.attributes = Object.getPrototypeOf(e.attributes); e.onEndTag(note('end tag')); },
      text: note('text'), comments: note('comment') })
    .onDocument({ doctype: note('doctype'), end: note('end') })
    .transform(new Response('<!doctype html><p a=1>x<!--y--></p>')).text();
  return seen;
};

export const surface = {
  'class': () => [typeof HTMLRewriter, HTMLRewriter.name, HTMLRewriter.length, Object.prototype.toString.call(new HTMLRewriter())],
  'prototype': () => members(HTMLRewriter.prototype),
  'on descriptor': () => of(HTMLRewriter, 'on'),
  'own keys': () => Reflect.ownKeys(new HTMLRewriter()),
  'called without new': () => HTMLRewriter(),
  'constructor ignores arguments': () => Object.prototype.toString.call(new HTMLRewriter(1, 'x', {})),
  'illegal invocation': () => HTMLRewriter.prototype.on.call({}, 'a', {}),
  'on returns this': () => { const r = new HTMLRewriter(); return [r.on('a', {}) === r, r.onDocument({}) === r]; },
  'on without arguments': () => new HTMLRewriter().on(),
  'on without handlers': () => new HTMLRewriter().on('a'),
  'on null handlers': () => new HTMLRewriter().on('a', null),
  'on number handlers': () => new HTMLRewriter().on('a', 5),
  'on text handlers': () => new HTMLRewriter().on('a', 'x'),
  'on function as handlers': async () => {
    const f = () => {};
    f.element = (e) => e.setAttribute('b', '1');
    return new HTMLRewriter().on('a', f).transform(new Response('<a>')).text();
  },
  'on handler no function': () => new HTMLRewriter().on('a', { element: 5 }),
  'on handler null': () => new HTMLRewriter().on('a', { element: null }),
  'on undefined handlers': () => typeof new HTMLRewriter().on('a', undefined),
  'on handler undefined': () => typeof new HTMLRewriter().on('a', { element: undefined }),
  'on comments no function': () => new HTMLRewriter().on('a', { comments: 'x' }),
  'on text no function': () => new HTMLRewriter().on('a', { text: {} }),
  'on reads its fields': () => {
    const read = [];
    new HTMLRewriter().on('a', new Proxy({}, { get(_, name) { read.push(String(name)); } }));
    new HTMLRewriter().onDocument(new Proxy({}, { get(_, name) { read.push(String(name)); } }));
    return read;
  },
  'on bad selector reads no fields': () => {
    const read = [];
    try {
      new HTMLRewriter().on('a[', new Proxy({}, { get(_, name) { read.push(String(name)); } }));
    } catch (error) { read.push(error.message); }
    return read;
  },
  'onDocument without arguments': () => new HTMLRewriter().onDocument(),
  'onDocument handler no function': () => new HTMLRewriter().onDocument({ end: 1 }),
  'onDocument doctype no function': () => new HTMLRewriter().onDocument({ doctype: 1 }),
  'transform without arguments': () => new HTMLRewriter().transform(),
  'transform a text': () => new HTMLRewriter().transform('<p>'),
  'transform a request': () => new HTMLRewriter().transform(new Request('http://x/')),
  'selector is converted': async () => new HTMLRewriter().on({ toString: () => 'a' }, { element(e) { e.remove(); } })
    .transform(new Response('<a>b</a>c')).text(),
  'element prototype': async () => members((await kinds()).element),
  'attributes prototype': async () => { const { attributes } = await kinds(); return [members(attributes), Object.getPrototypeOf(attributes) === Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))]; },
  'end tag prototype': async () => members((await kinds())['end tag']),
  'text prototype': async () => members((await kinds()).text),
  'comment prototype': async () => members((await kinds()).comment),
  'doctype prototype': async () => members((await kinds()).doctype),
  'document end prototype': async () => members((await kinds()).end),
  'own properties of tokens': async () => {
    const all = [];
    await new HTMLRewriter().on('p', { element(e) { all.push(Object.keys(e)); }, text(t) { all.push(Object.keys(t)); } }).transform(new Response('<p>x</p>')).text();
    return all;
  },
  'token constructors': async () => {
    const all = await kinds();
    return Object.keys(all).map((name) => {
      try { return [name, all[name].constructor.name, String(new all[name].constructor())]; } catch (error) { return [name, error.name, error.message]; }
    });
  },
  'token classes are no globals': () => ['Element', 'Text', 'Comment', 'EndTag', 'Doctype', 'DocumentEnd'].map((name) => typeof globalThis[name]),
};

// Made while the module is evaluated, used in requests.
export function moduleScope() {
  let count = 0;
  const rewriter = new HTMLRewriter().on('p', { element(e) { e.setAttribute('n', String(++count)); } });
  let refused;
  try { new HTMLRewriter().on('p[', {}); } catch (error) { refused = error; }
  const empty = new HTMLRewriter().transform(new Response(null));
  let pending;
  try { pending = new HTMLRewriter().transform(new Response(new ReadableStream())); } catch (error) { pending = error; }
  return {
    'module scope rewriter': async () => rewriter.transform(new Response('<p>1</p><p>2</p>')).text(),
    'module scope rewriter again': async () => Promise.all([
      rewriter.transform(new Response('<p>1</p>')).text(), rewriter.transform(new Response('<p>1</p>')).text()]),
    'module scope rewriter gets more handlers': async () =>
      rewriter.on('p', { text(t) { t.remove(); } }).transform(new Response('<p>1</p>')).text(),
    'module scope refusal': () => { throw refused; },
    'module scope null body': () => [empty.status, empty.body],
    'module scope transform': () => { if (pending instanceof Error) throw pending; return pending.status; },
  };
}
