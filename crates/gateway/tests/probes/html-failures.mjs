// Selectors that are none, handlers that fail, tokens that are over.
const attempt = (run) => { try { return typeof run(); } catch (error) { return [error.constructor.name, error.message]; } };
const select = (...selectors) => () => selectors.map((selector) => [selector, attempt(() => new HTMLRewriter().on(selector, {}))]);
const thrown = async (promise) => { try { return await promise; } catch (error) { return ['rejected', error?.constructor?.name, error?.message ?? String(error)]; } };

// What is left of each kind of token after its handler.
const kept = (make, uses) => async () => {
  const all = [];
  let token;
  await make((it) => { token ??= it; }).transform(new Response('<!doctype html><p a=1>x<!--y--></p>')).text();
  for (const [name, use] of Object.entries(uses)) all.push([name, attempt(() => use(token))]);
  return all;
};

export const failures = {
  'selectors empty': select('', ' ', ',', 'a,', ',a'),
  'selectors unfinished': select('a[', 'a[b', 'a[b=', 'a:', 'a::', 'a >', '> a', 'a:not(', 'a:nth-child(', '#', '.', 'a.', '.1'),
  'selectors unsupported': select('a + b', 'a ~ b', 'a:hover', 'a::before', 'a:nth-last-child(1)', 'a:only-child', ':is(a)', ':where(a)', ':has(a)', ':root', 'a:empty', 'svg|a', '*|a', '|a', 'a:not(b c)', 'a:not(:not(b))', 'a:not()', '&', '@media', 'a:nth-child(2 of b)'),
  'selectors odd': select('a{', 'a;', '5', 'a b c > d', '\\31 ', 'a[b="c]', 'a[=c]', 'a[b=c x]', 'a[b c]', 'a/**/b', "a[b='c']", 'a(', 'é', '!'),
  'handler throws': async () => thrown(new HTMLRewriter().on('p', { element() { throw new RangeError('mine'); } }).transform(new Response('<p>')).text()),
  'handler throws the same error': async () => {
    const mine = new RangeError('mine');
    try {
      await new HTMLRewriter().on('p', { element() { throw mine; } }).transform(new Response('<p>')).text();
      return 'nothing';
    } catch (error) { return error === mine; }
  },
  'handler throws no error': async () => thrown(new HTMLRewriter().on('p', { element() { throw 'text'; } }).transform(new Response('<p>')).text()),
  'handler rejects': async () => thrown(new HTMLRewriter().on('p', { async element() { await null; throw new TypeError('later'); } }).transform(new Response('<p>')).text()),
  'text handler throws': async () => thrown(new HTMLRewriter().on('p', { text() { throw new Error('t'); } }).transform(new Response('<p>x')).text()),
  'comment handler throws': async () => thrown(new HTMLRewriter().onDocument({ comments() { throw new Error('c'); } }).transform(new Response('<!--x-->')).text()),
  'doctype handler throws': async () => thrown(new HTMLRewriter().onDocument({ doctype() { throw new Error('d'); } }).transform(new Response('<!doctype x>')).text()),
  'end handler throws': async () => thrown(new HTMLRewriter().onDocument({ end() { throw new Error('e'); } }).transform(new Response('x')).text()),
  'end tag handler throws': async () => thrown(new HTMLRewriter().on('p', { element(e) { e.onEndTag(() => { throw new Error('tag'); }); } }).transform(new Response('<p></p>')).text()),
  'later handlers are not called': async () => {
    const all = [];
    await thrown(new HTMLRewriter().on('p', { element(e) { all.push(e.getAttribute('n')); if (all.length === 2) throw new Error('x'); } })
      .transform(new Response('<p n=1><p n=2><p n=3>')).text());
    return all;
  },
  'error in a setter of a token fails the body': async () => thrown(new HTMLRewriter().on('p', { element(e) { e.tagName = ''; } }).transform(new Response('<p>')).text()),
  'error caught in a handler': async () => new HTMLRewriter().on('p', { element(e) { try { e.tagName = ''; } catch {} e.after('fine'); } }).transform(new Response('<p>')).text(),
  'what was before the error': async () => {
    const reader = new HTMLRewriter().on('p', { element() { throw new Error('x'); } }).transform(new Response('before<p>')).body.getReader();
    const all = [];
    for (let i = 0; i < 3; i++) all.push(await thrown(reader.read().then(({ value, done }) => [done, value && new TextDecoder().decode(value)])));
    return all;
  },
  'the input is cancelled': async () => {
    let reason = 'not cancelled';
    const input = new ReadableStream({ pull(c) { c.enqueue(new TextEncoder().encode('<p>')); }, cancel(why) { reason = why; } });
    const said = await thrown(new HTMLRewriter().on('p', { element() { throw new RangeError('mine'); } }).transform(new Response(input)).text());
    for (let i = 0; i < 10; i++) await new Promise((r) => setTimeout(r, 1));
    return [said, reason === 'not cancelled' ? reason : 'cancelled'];
  },
  'the input fails': async () => thrown(new HTMLRewriter().on('p', {}).transform(new Response(new ReadableStream({
    pull(c) { c.error(new RangeError('input')); } }))).text()),
  'the input fails later': async () => {
    let n = 0;
    const input = new ReadableStream({ pull(c) { if (n++ === 0) c.enqueue(new TextEncoder().encode('<p>x')); else c.error(new RangeError('input')); } });
    return thrown(new HTMLRewriter().on('p', { element() {} }).transform(new Response(input)).text());
  },
  'the input is no bytes': async () => thrown(new HTMLRewriter().on('p', {}).transform(new Response(new ReadableStream({
    start(c) { c.enqueue(5); c.close(); } }))).text()),
  'element is over': kept((keep) => new HTMLRewriter().on('p', { element: keep }), {
    tagName: (e) => e.tagName, setTagName: (e) => { e.tagName = 'x'; }, namespaceURI: (e) => e.namespaceURI, removed: (e) => e.removed,
    attributes: (e) => e.attributes, getAttribute: (e) => e.getAttribute('a'), hasAttribute: (e) => e.hasAttribute('a'),
    setAttribute: (e) => e.setAttribute('a', 'b'), setAttributeWrong: (e) => e.setAttribute('', 'b'), removeAttribute: (e) => e.removeAttribute('a'), before: (e) => e.before('x'),
    beforeWrong: (e) => e.before(), remove: (e) => e.remove(), keep: (e) => e.removeAndKeepContent(), onEndTag: (e) => e.onEndTag(() => {}),
  }),
  'attribute iterator is over': kept((keep) => new HTMLRewriter().on('p', { element: (e) => keep(e.attributes) }), {
    next: (it) => it.next(), iterator: (it) => it[Symbol.iterator](), spread: (it) => [...it],
  }),
  'text is over': kept((keep) => new HTMLRewriter().on('p', { text: keep }), {
    text: (t) => t.text, last: (t) => t.lastInTextNode, removed: (t) => t.removed, before: (t) => t.before('x'), replace: (t) => t.replace('x'), remove: (t) => t.remove(),
  }),
  'comment is over': kept((keep) => new HTMLRewriter().on('p', { comments: keep }), {
    text: (c) => c.text, setText: (c) => { c.text = 'x'; }, removed: (c) => c.removed, after: (c) => c.after('x'),
  }),
  'doctype is over': kept((keep) => new HTMLRewriter().onDocument({ doctype: keep }), { name: (d) => d.name, publicId: (d) => d.publicId, systemId: (d) => d.systemId }),
  'end is over': kept((keep) => new HTMLRewriter().onDocument({ end: keep }), { append: (e) => e.append('x') }),
  'end tag is over': kept((keep) => new HTMLRewriter().on('p', { element(e) { e.onEndTag(keep); } }), { name: (e) => e.name, setName: (e) => { e.name = 'x'; }, before: (e) => e.before('x'), remove: (e) => e.remove() }),
  'element over in its end tag': async () => {
    const all = [];
    await new HTMLRewriter().on('p', { element(e) { e.onEndTag(() => { all.push(attempt(() => e.tagName)); }); } }).transform(new Response('<p></p>')).text();
    return all;
  },
  'element over in the next handler': async () => {
    const all = [];
    let first;
    await new HTMLRewriter().on('p', { element(e) { first = e; } }).on('p', { element(e) { all.push(e === first, attempt(() => first.tagName)); } }).transform(new Response('<p>')).text();
    return all;
  },
  'method of no token': async () => {
    let proto;
    await new HTMLRewriter().on('p', { element(e) { proto = Object.getPrototypeOf(e); } }).transform(new Response('<p>')).text();
    return attempt(() => proto.before.call({}, 'x'));
  },
  'strict parsing': async () => thrown(new HTMLRewriter().on('p', { text() {} }).transform(new Response('<select><xmp><script>"use strict";</script></select>')).text()),
  'strict parsing without handlers': async () => thrown(new HTMLRewriter().transform(new Response('<select><xmp><script>"use strict";</script></select>')).text()),
  'too long a tag': async () => {
    const said = await thrown(new HTMLRewriter().on('p', { element() {} }).transform(new Response(`<p a="${'x'.repeat(4 << 20)}">`)).text());
    return Array.isArray(said) ? said : said.length;
  },
  'a long tag': async () => (await new HTMLRewriter().on('p', { element(e) { e.setAttribute('b', String(e.getAttribute('a').length)); } })
    .transform(new Response(`<p a="${'x'.repeat(1 << 20)}">`)).text()).slice(-20),
  'too deep': async () => {
    const said = await thrown(new HTMLRewriter().on('p', {}).transform(new Response('<div>'.repeat(200_000))).text());
    return Array.isArray(said) ? said : said.length;
  },
};
