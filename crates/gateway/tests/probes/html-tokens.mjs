// Text, comments, doctypes and the end of the document.
const edit = (html, ...handlers) => async () => {
  const rewriter = new HTMLRewriter();
  for (const [selector, given] of handlers) selector === null ? rewriter.onDocument(given) : rewriter.on(selector, given);
  return rewriter.transform(new Response(html)).text();
};
const told = (html, selector, name, look) => async () => {
  const all = [];
  const handlers = { [name](token) { all.push(look(token)); } };
  const rewriter = new HTMLRewriter();
  selector === null ? rewriter.onDocument(handlers) : rewriter.on(selector, handlers);
  await rewriter.transform(new Response(html)).text();
  return all;
};
const attempt = (run) => { try { return run(); } catch (error) { return [error.constructor.name, error.message]; } };
const doctype = (t) => [t.name, t.publicId, t.systemId];

export const tokens = {
  'text': told('<p>a<b>c</b>d</p>e', 'p', 'text', (t) => [t.text, t.lastInTextNode, t.removed]),
  'text of the document': told(' <p>a &amp; b</p>\n', null, 'text', (t) => [t.text, t.lastInTextNode]),
  'text in script, style, title, textarea': told('<script>a<b></script><style>c</style><title>d&lt;</title><textarea>e<p></textarea>', '*', 'text', (t) => [t.text, t.lastInTextNode]),
  'text edits': edit('<p>x</p>', ['p', { text(t) { if (t.lastInTextNode) t.after('<end>'); else t.before('<1>').before('<2>', { html: true }).after('<3>').after('<4>', { html: true }); } }]),
  'text replace': edit('<p>x</p>', ['p', { text(t) { if (!t.lastInTextNode) t.replace('<r>').replace('<s>', { html: true }); } }]),
  'text remove': edit('<p>x<b>y</b></p>z', ['p', { text(t) { t.remove(); } }]),
  'text removed': told('<p>x</p>', 'p', 'text', (t) => [t.removed, t.remove() === t, t.removed, attempt(() => t.text)]),
  'text replaced is removed': told('<p>x</p>', 'p', 'text', (t) => [t.replace('y').removed, t.text]),
  'text is read only': told('<p>x</p>', 'p', 'text', (t) => attempt(() => { t.text = 'z'; return t.text; })),
  'text last only': edit('<p>hello</p>', ['p', { text(t) { if (t.lastInTextNode) t.replace('bye'); else t.remove(); } }]),
  'text by two handlers': edit('<p>x</p>', ['p', { text(t) { t.before('1'); } }], ['p', { text(t) { t.before(String(t.removed)); t.remove(); } }], [null, { text(t) { t.after(`${t.removed}`); } }]),
  'text entities stay': edit('<p>&lt;&nbsp;é</p>', ['p', { text() {} }]),
  'text invalid UTF-8': async () => {
    const out = await new HTMLRewriter().on('p', { text() {} }).transform(new Response(new Uint8Array([60, 112, 62, 255, 97, 195, 60, 47, 112, 62]))).arrayBuffer();
    return out;
  },
  'invalid UTF-8 untouched': async () =>
    new HTMLRewriter().on('b', { text() {} }).transform(new Response(new Uint8Array([60, 112, 62, 255, 97, 195, 60, 47, 112, 62]))).arrayBuffer(),
  'comment': told('<p><!-- a --><!----><!b><?c?></p><!--d-->', 'p', 'comments', (c) => [c.text, c.removed]),
  'comment of the document': told('<!-- a --><p><!--b--></p><![CDATA[x]]></z >', null, 'comments', (c) => c.text),
  'comment edits': edit('<p><!--x--></p>', ['p', { comments(c) { c.before('<1>').before('<2>', { html: true }).after('<3>').after('<4>', { html: true }); } }]),
  'comment text set': edit('<p><!--x--></p>', ['p', { comments(c) { c.text = 'new <b>'; c.after(c.text); } }]),
  'comment text errors': told('<p><!--x--></p>', 'p', 'comments', (c) => ['a-->b', '>', '->', 'a--!>', '--', '', 'a--', '<!--', 5, null].map((text) => attempt(() => { c.text = text; return c.text; }))),
  'comment replace': edit('<p><!--x--></p>', ['p', { comments(c) { c.replace('<r>').replace('<s>', { html: true }); } }]),
  'comment remove': edit('<p><!--x-->y</p>', ['p', { comments(c) { c.remove().before('1').after('2'); } }]),
  'comment removed': told('<p><!--x--></p>', 'p', 'comments', (c) => [c.removed, c.remove() === c, c.removed]),
  'doctype': told('<!DOCTYPE html>', null, 'doctype', doctype),
  'doctype with ids': told('<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd"><p>', null, 'doctype', doctype),
  'doctype system': told('<!doctype svg SYSTEM "x">', null, 'doctype', doctype),
  'doctype empty': told('<!doctype><!doctype html PUBLIC "" "">', null, 'doctype', doctype),
  'doctype is read only': told('<!doctype html>', null, 'doctype', (t) => attempt(() => { t.name = 'z'; return t.name; })),
  'end': edit('<p>x</p>', [null, { end(e) { e.append('<1>').append('<2>', { html: true }); } }]),
  'end of an empty text': edit('', [null, { end(e) { e.append('only'); } }]),
  'end by two handlers': edit('<p>', [null, { end(e) { e.append('1'); } }], [null, { end(e) { e.append('2'); } }]),
  'end returns itself': async () => {
    let same;
    await new HTMLRewriter().onDocument({ end(e) { same = e.append('x') === e; } }).transform(new Response('x')).text();
    return same;
  },
  'no handlers': edit('<p>x</p><!--y-->'),
  'handlers without a match': edit('<p>x</p><!--y-->', ['z', { element(e) { e.remove(); } }]),
  'broken markup': edit('<p <b>x</p</div><i a=">y<u', ['*', { element(e) { e.setAttribute('z', '1'); } }]),
  'unclosed comment': told('<p><!-- a', 'p', 'comments', (c) => c.text),
  'unclosed script': told('<script>a', 'script', 'text', (t) => [t.text, t.lastInTextNode]),
  'template and table': edit('<table><tr><td>x<td>y</table><template><p></template>', ['td', { element(e) { e.append('.'); } }], ['p', { element(e) { e.append('z'); } }]),
  'esi tags': edit('<p><esi:include src=x/>y</p>', ['esi\\:include', { element(e) { e.replace('E'); } }]),
};
