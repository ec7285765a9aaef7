// How a page flows: chunks, promises, bodies, headers, several rewriters.
const text = (string) => new TextEncoder().encode(string);
const stream = (...chunks) => new ReadableStream({ start(c) { for (const chunk of chunks) c.enqueue(text(chunk)); c.close(); } });
const later = (ms = 1) => new Promise((resolve) => setTimeout(resolve, ms));
const attempt = (run) => { try { return run(); } catch (error) { return [error.constructor.name, error.message]; } };

export const flow = {
  'async element handler': async () => new HTMLRewriter().on('p', { async element(e) { await later(); e.append(`late ${e.tagName}`); } })
    .transform(new Response('<p>1</p><p>2</p>')).text(),
  'async handlers come one after another': async () => {
    const all = [];
    await new HTMLRewriter().on('*', { async element(e) { all.push(`${e.tagName} in`); await later(); all.push(`${e.tagName} out`); }, async text(t) { await null; all.push(`text ${t.text}`); } })
      .transform(new Response('<p><b>x</b></p>')).text();
    return all;
  },
  'async end tag handler': async () => new HTMLRewriter().on('p', { element(e) { e.onEndTag(async (end) => { await later(); end.before('late'); }); } })
    .transform(new Response('<p>x</p>y')).text(),
  'async end handler': async () => new HTMLRewriter().onDocument({ async end(e) { await later(); e.append('late'); } }).transform(new Response('x')).text(),
  'thenable from a handler': async () => new HTMLRewriter().on('p', { element(e) { return { then(resolve) { e.append('then'); resolve(); } }; } })
    .transform(new Response('<p>x</p>')).text(),
  'what a handler returns': async () => new HTMLRewriter().on('p', { element() { return 'anything'; } }).transform(new Response('<p>x</p>')).text(),
  'microtasks between handlers': async () => {
    const all = [];
    await new HTMLRewriter().on('p', { element() { all.push('element'); Promise.resolve().then(() => all.push('microtask')); }, text() { all.push('text'); } })
      .transform(new Response('<p>x</p>')).text();
    return all;
  },
  'this of a handler': async () => {
    const all = [];
    const handlers = { element() { all.push(this === handlers); }, text() { all.push(this === handlers); } };
    const end = { end() { all.push(this === end); } };
    await new HTMLRewriter().on('p', handlers).onDocument(end).transform(new Response('<p>x')).text();
    return all;
  },
  'this of an end tag handler': async () => {
    let seen = 'not called';
    await new HTMLRewriter().on('p', { element(e) { e.onEndTag(function () { 'use strict'; seen = typeof this; }); } }).transform(new Response('<p></p>')).text();
    return seen;
  },
  'class with a state': async () => {
    class Counter { constructor() { this.n = 0; } element(e) { e.setAttribute('n', String(++this.n)); } }
    return new HTMLRewriter().on('p', new Counter()).transform(new Response('<p><p><p>')).text();
  },
  'arguments of a handler': async () => {
    let seen;
    await new HTMLRewriter().on('p', { element(...all) { seen = all.length; } }).transform(new Response('<p>')).text();
    return seen;
  },
  'handlers are read once': async () => {
    const handlers = { element(e) { e.append('first'); } };
    const rewriter = new HTMLRewriter().on('p', handlers);
    handlers.element = (e) => e.append('second');
    return rewriter.transform(new Response('<p></p>')).text();
  },
  'response head': async () => {
    const response = new Response('<p>', { status: 404, statusText: 'gone', headers: { 'content-type': 'text/html', 'x-a': 'b', 'content-length': '3', etag: '"x"' } });
    const out = new HTMLRewriter().on('p', {}).transform(response);
    return [out === response, out.status, out.statusText, [...out.headers], out.bodyUsed, response.bodyUsed, out.url, await out.text(), response.bodyUsed];
  },
  'null body': () => {
    const response = new Response(null, { status: 204 });
    return new HTMLRewriter().on('p', {}).transform(response) === response;
  },
  'empty body': async () => {
    const response = new Response('');
    const out = new HTMLRewriter().onDocument({ end(e) { e.append('end'); } }).transform(response);
    return [out === response, await out.text()];
  },
  'used response': async () => {
    const response = new Response('x');
    await response.text();
    return new HTMLRewriter().transform(response);
  },
  'response locked': () => {
    const response = new Response('x');
    response.body.getReader();
    return new HTMLRewriter().transform(response);
  },
  'response after the rewriting': async () => {
    const response = new Response('x');
    const out = new HTMLRewriter().transform(response);
    const again = attempt(() => new HTMLRewriter().transform(response));
    return [again, await response.text().catch((error) => error.message), await out.text()];
  },
  'error response': () => { const out = new HTMLRewriter().transform(Response.error()); return [out.status, out.type]; },
  'twice over one response': async () => {
    const one = new HTMLRewriter().on('p', { element(e) { e.append('<b>', { html: true }); } }).transform(new Response('<p></p>'));
    return new HTMLRewriter().on('b', { element(e) { e.append('in b'); } }).transform(one).text();
  },
  'many over one response': async () => {
    let response = new Response('<p></p>');
    for (let i = 0; i < 12; i++) response = new HTMLRewriter().on('p', { element(e) { e.append(`${i} `); } }).transform(response);
    return response.text();
  },
  'chunks': async () => {
    const all = [];
    const out = await new HTMLRewriter().on('p', { element(e) { all.push(e.getAttribute('a')); }, text(t) { all.push([t.text, t.lastInTextNode]); } })
      .transform(new Response(stream('<p a="b', 'c">x', 'y', '<!', '--z-', '-></p', '>w'))).text();
    return [all, out];
  },
  'split characters': async () => {
    const all = [];
    const bytes = text('<p>é€😀</p>');
    const input = new ReadableStream({ start(c) { for (const byte of bytes) c.enqueue(new Uint8Array([byte])); c.close(); } });
    const out = await new HTMLRewriter().on('p', { text(t) { all.push(t.text); } }).transform(new Response(input)).text();
    return [all.join('|'), out];
  },
  'output comes before the input ends': async () => {
    let input;
    const out = new HTMLRewriter().on('p', { element(e) { e.append('!'); } }).transform(new Response(new ReadableStream({ start(c) { input = c; } })));
    const reader = out.body.getReader();
    input.enqueue(text('<p>x</p>'));
    const { value } = await reader.read();
    let all = new TextDecoder().decode(value);
    input.close();
    for (;;) {
      const next = await reader.read();
      if (next.done) return all;
      all += new TextDecoder().decode(next.value);
    }
  },
  'handlers run without a reader': async () => {
    const all = [];
    new HTMLRewriter().on('p', { element(e) { all.push(e.tagName); } }).transform(new Response('<p>'));
    await later(10);
    return all;
  },
  'handlers run after transform': () => {
    const all = [];
    new HTMLRewriter().on('p', { element(e) { all.push(e.tagName); } }).transform(new Response('<p>'));
    return [...all];
  },
  'body can be read as bytes': async () => {
    const reader = new HTMLRewriter().on('p', { element(e) { e.append('y'); } }).transform(new Response('<p>x</p>')).body.getReader({ mode: 'byob' });
    let all = '';
    for (;;) {
      const { value, done } = await reader.read(new Uint8Array(4));
      if (done) return all;
      all += new TextDecoder().decode(value);
    }
  },
  'body is cancelled': async () => {
    let reason = 'not cancelled';
    const input = new ReadableStream({ async pull(c) { await later(); c.enqueue(text('<p>x')); }, cancel(why) { reason = 'cancelled'; } });
    const out = new HTMLRewriter().on('p', {}).transform(new Response(input));
    const reader = out.body.getReader();
    await reader.read();
    await reader.cancel(new Error('enough'));
    for (let i = 0; i < 20 && reason === 'not cancelled'; i++) await later(5);
    return reason;
  },
  'clone of the result': async () => {
    const out = new HTMLRewriter().on('p', { element(e) { e.append('y'); } }).transform(new Response('<p>x</p>'));
    const copy = out.clone();
    return [await out.text(), await copy.text()];
  },
  'handlers added while it runs': async () => {
    const rewriter = new HTMLRewriter();
    rewriter.on('p', { element(e) { rewriter.on('b', { element(b) { b.remove(); } }); } });
    return [await rewriter.transform(new Response('<p></p><b></b>')).text(), await rewriter.transform(new Response('<p></p><b></b>')).text()];
  },
  'many handlers': async () => {
    const rewriter = new HTMLRewriter();
    let count = 0;
    for (let i = 0; i < 1000; i++) rewriter.on('p', { element() { count++; } });
    await rewriter.transform(new Response('<p><p>')).text();
    return count;
  },
  'big page': async () => {
    let links = 0;
    const html = '<a href="/x">link</a> text &amp; more\n'.repeat(20_000);
    const out = await new HTMLRewriter().on('a', { element(e) { links++; e.setAttribute('href', e.getAttribute('href') + '?'); } }).transform(new Response(html)).text();
    return [links, out.length, out.slice(0, 40)];
  },
  'big text': async () => {
    let length = 0;
    let last = 0;
    const html = `<p>${'x'.repeat(300_000)}</p>`;
    const out = await new HTMLRewriter().on('p', { text(t) { length += t.text.length; if (t.lastInTextNode) last++; } }).transform(new Response(html)).text();
    return [length, last, out === html];
  },
};
