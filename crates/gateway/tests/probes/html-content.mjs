// What may be put into a page: texts, responses and streams; and pages in other encodings.
const bytes = (...values) => new Uint8Array(values);
const put = (content, options, method = 'before', html = '<p>x</p>', selector = 'p') => async () =>
  new HTMLRewriter().on(selector, { element(e) { e[method](content(), options); } }).transform(new Response(html)).text();
const stream = (...chunks) => () => new ReadableStream({ start(c) { for (const chunk of chunks) c.enqueue(chunk); c.close(); } });
const text = (string) => new TextEncoder().encode(string);
const encoded = (charset, body, change, type = `text/html; charset=${charset}`) => async () =>
  change(new HTMLRewriter()).transform(new Response(body, { headers: { 'content-type': type } })).arrayBuffer();

export const content = {
  'response': put(() => new Response('<r>')),
  'response html': put(() => new Response('<r>'), { html: true }),
  'response after': put(() => new Response('<r>'), { html: true }, 'after'),
  'response prepend': put(() => new Response('<r>'), { html: true }, 'prepend'),
  'response append': put(() => new Response('<r>'), { html: true }, 'append'),
  'response replace': put(() => new Response('<r>'), { html: true }, 'replace'),
  'response inner content': put(() => new Response('<r>'), { html: true }, 'setInnerContent'),
  'response null body': put(() => new Response(null), { html: true }),
  'response used': async () => {
    const used = new Response('x');
    await used.text();
    return put(() => used)();
  },
  'stream': put(stream(text('<a>'), text('b')), { html: true }),
  'stream as text': put(stream(text('<a>&'), text('b<')), { html: false }),
  'stream of split characters': put(stream(bytes(0xc3), bytes(0xa9, 0xe2, 0x82), bytes(0xac)), { html: true }),
  'stream of broken UTF-8': put(stream(bytes(0xff, 0x61, 0xc3)), { html: true }),
  'stream of texts': put(stream('a', 'b'), { html: true }),
  'stream fails': put(() => new ReadableStream({ pull() { throw new RangeError('no more'); } })),
  'stream locked': put(() => { const s = stream(text('x'))(); s.getReader(); return s; }),
  'two streams and a text': async () => new HTMLRewriter().on('p', { element(e) {
    e.before('1').before(new Response('2')).before('3').before(stream(text('4'))()).append(new Response('5')).append('6');
  } }).transform(new Response('<p>x</p>')).text(),
  'stream in the end tag': async () => new HTMLRewriter().on('p', { element(e) {
    e.onEndTag((end) => { end.before(new Response('1')).after(new Response('2')); });
  } }).transform(new Response('<p>x</p>')).text(),
  'stream in text, comment, end': async () => new HTMLRewriter().on('p', {
    text(t) { if (!t.lastInTextNode) t.replace(new Response('T')); }, comments(c) { c.before(new Response('C')).remove(); },
  }).onDocument({ end(e) { try { e.append(new Response('E')); } catch (error) { e.append(error.message); } } }).transform(new Response('<p>x<!--y--></p>')).text(),
  'stream is locked when it is put in': async () => {
    const all = [];
    const response = new Response('R');
    const text = await new HTMLRewriter().on('p', { element(e) { e.before(response); all.push(response.bodyUsed, response.body.locked); } }).transform(new Response('<p>')).text();
    return [all, text, response.bodyUsed];
  },
  'stream put in twice': async () => {
    const response = new Response('R');
    return new HTMLRewriter().on('p', { element(e) { e.before(response).before(response); } }).transform(new Response('<p>')).text();
  },
  'stream in the text': async () => new HTMLRewriter().on('p', { text(t) { if (!t.lastInTextNode) t.before(new Response('<1>')).replace(new Response('<2>'), { html: true }).after(new Response('3')); } })
    .transform(new Response('<p>x</p>')).text(),
  'stream in the end': async () => new HTMLRewriter().onDocument({ end(e) { e.append(new Response('x')); } }).transform(new Response('')).text(),
  'stream put in and taken out': async () => new HTMLRewriter().on('p', { element(e) {
    e.prepend(new Response('1')); e.remove();
  } }).transform(new Response('a<p>x</p>b')).text(),
  'nested rewriter': put(() => new HTMLRewriter().on('i', { element(e) { e.tagName = 'b'; } }).transform(new Response('<i>in</i>')), { html: true }),
  'request as content': put(() => new Request('http://x/')),
  'blob as content': put(() => new Blob(['x'])),
  'latin1': encoded('iso-8859-1', bytes(60, 112, 62, 233, 60, 47, 112, 62), (r) => r.on('p', { text(t) { if (!t.lastInTextNode) t.after(`<${t.text}>`); } })),
  'latin1 cannot say it': encoded('iso-8859-1', bytes(60, 112, 62, 233), (r) => r.on('p', { element(e) { e.before('語').setAttribute('a', '語'); } })),
  'latin1 attribute name': encoded('latin1', bytes(60, 112, 62), (r) => r.on('p', { element(e) { let said = 'set'; try { e.setAttribute('語', 'x'); } catch (error) { said = error.message; } e.before(said); } })),
  'latin1 tag name': encoded('latin1', bytes(60, 112, 62), (r) => r.on('p', { element(e) { let said = 'set'; try { e.tagName = 'a語'; } catch (error) { said = error.message; } e.before(said); } })),
  'latin1 comment': encoded('latin1', text('<!--x-->'), (r) => r.onDocument({ comments(c) { let said = 'set'; try { c.text = '語'; } catch (error) { said = error.message; } c.after(said); } })),
  'latin1 attribute value': encoded('latin1', bytes(60, 112, 32, 97, 61, 233, 62), (r) => r.on('p', { element(e) { e.before(e.getAttribute('a')); } })),
  'latin1 stream': encoded('latin1', text('<p>'), (r) => r.on('p', { element(e) { e.before(new Response('é語<'), { html: false }); } })),
  'shift_jis': encoded('shift_jis', bytes(60, 112, 62, 0x93, 0xfa, 0x96, 0x7b), (r) => r.on('p', { text(t) { if (!t.lastInTextNode) t.after(t.text + 'é'); } })),
  'windows-1252 in quotes': encoded('', bytes(60, 112, 62, 0x80), (r) => r.on('p', { text(t) { t.after(t.text); } }), 'text/html; charset="windows-1252"'),
  'charset in capitals': encoded('', bytes(60, 112, 62, 0x80), (r) => r.on('p', { text(t) { t.after(t.text); } }), 'text/html; CHARSET=Windows-1252'),
  'charset unknown': encoded('nope', text('<p>'), (r) => r.on('p', {})),
  'charset utf-16': encoded('utf-16', text('<p>'), (r) => r.on('p', {})),
  'charset iso-2022-jp': encoded('iso-2022-jp', text('<p>'), (r) => r.on('p', {})),
  'charset replacement': encoded('replacement', text('<p>'), (r) => r.on('p', {})),
  'charset empty': encoded('', text('<p>é'), (r) => r.on('p', { element(e) { e.before('é'); } })),
  'charset after others': encoded('', bytes(60, 112, 62, 233), (r) => r.on('p', { text(t) { t.after(t.text); } }), 'text/html; x=y; charset=latin1; charset=utf-8'),
  'no content type': async () => {
    const response = new Response(text('<p>é'));
    return [response.headers.get('content-type'), await new HTMLRewriter().on('p', { text(t) { t.after(t.text); } }).transform(response).text()];
  },
  'meta charset is no sign': encoded('utf-8', bytes(...text('<meta charset=latin1><p>'), 233), (r) => r.on('p', { text(t) { t.after(t.text); } }), 'text/html'),
};
