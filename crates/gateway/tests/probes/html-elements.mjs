// Elements and their end tags: what they tell, and what becomes of the page.
const page = '<div id="a" class=b DATA-x=\'1&amp;2\' hidden>in<b>ner</b></div><p>next<br>line</p>';
const edit = (selector, element, html = page, init = undefined) => async () =>
  new HTMLRewriter().on(selector, { element }).transform(new Response(html, init)).text();
const told = (selector, look, html = page) => async () => {
  const all = [];
  await new HTMLRewriter().on(selector, { element(e) { all.push(look(e)); } }).transform(new Response(html)).text();
  return all;
};
const attempt = (run) => { try { return run(); } catch (error) { return [error.name, error.message]; } };
const refused = (run) => told('div', (e) => { try { return ['no error', typeof run(e)]; } catch (error) { return [error.constructor.name, error.message]; } });

export const elements = {
  'tag names': told('*', (e) => e.tagName, '<DIV><my-Tag><SVG><linearGradient/></SVG>'),
  'namespaces': told('*', (e) => [e.tagName, e.namespaceURI], '<p><svg><a></a><foreignObject><p></foreignObject></svg><math><mi></math>'),
  'attributes': told('div', (e) => [...e.attributes]),
  'attributes with entities and doubles': told('a', (e) => [...e.attributes], '<a x="&lt;é" x=2 Y z="" = q/>'),
  'no attributes': told('p', (e) => [...e.attributes]),
  'attribute iterator': told('div', (e) => { const it = e.attributes; return [it[Symbol.iterator]() === it, it.next(), it.next().done, Object.keys(it.next()), it.next(), it.next(), it.next()]; }),
  'attribute iterator after a change': told('div', (e) => { const it = e.attributes; it.next(); e.setAttribute('new', '1'); e.removeAttribute('class'); return [[...e.attributes], attempt(() => [...it])]; }),
  'getAttribute': told('div', (e) => ['id', 'ID', 'data-x', 'hidden', 'none', '', 'a b', 'é'].map((name) => e.getAttribute(name))),
  'hasAttribute': told('div', (e) => ['id', 'ID', 'hidden', 'none', ''].map((name) => e.hasAttribute(name))),
  'getAttribute undefined': refused((e) => e.getAttribute()),
  'getAttribute converts': told('a', (e) => [e.getAttribute(null), e.getAttribute(undefined), e.getAttribute(5)], '<a null=1 undefined=2 5=3>'),
  'setAttribute': edit('div', (e) => { e.setAttribute('id', 'z"y\'<&amp;').setAttribute('NEW', 'é'); }),
  'setAttribute reads back': told('div', (e) => { e.setAttribute('NeW', 'a"b&quot;c'); return [e.getAttribute('new'), [...e.attributes].at(-1), e.setAttribute('x', 5) === e, e.getAttribute('x')]; }),
  'setAttribute empty name': refused((e) => e.setAttribute('', 'x')),
  'setAttribute space': refused((e) => e.setAttribute('a b', 'x')),
  'setAttribute forbidden': told('p', (e) => ['a=', 'a/', 'a>', 'a\n', 'a\t', 'a\r', 'a\f', '='].map((name) => attempt(() => typeof e.setAttribute(name, 'x')))),
  'setAttribute allowed': edit('p', (e) => { for (const name of ['a"', "a'", 'a<', 'é', '\u0000x', '1']) e.setAttribute(name, 'x'); }),
  'setAttribute one argument': refused((e) => e.setAttribute('a')),
  'setAttribute undefined value': edit('p', (e) => { e.setAttribute('a', undefined).setAttribute('b', null).setAttribute('c', {}); }),
  'setAttribute symbol': refused((e) => e.setAttribute('a', Symbol('x'))),
  'removeAttribute': edit('div', (e) => { e.removeAttribute('ID').removeAttribute('hidden').removeAttribute('none'); }),
  'removeAttribute odd names': edit('div', (e) => { e.removeAttribute('').removeAttribute('a b'); }),
  'attributes untouched keep their form': edit('div', (e) => { e.setAttribute('z', '1'); }, '<div   A = "x"  b=\'y\'   c >t</div>'),
  'self closing kept': edit('br', (e) => { e.setAttribute('a', '1'); }, '<br/><br /><br>'),
  'tagName set': edit('div', (e) => { e.tagName = 'section'; }),
  'tagName set upper case': told('div', (e) => { e.tagName = 'SecTion'; return e.tagName; }),
  'tagName set upper case shows': edit('div', (e) => { e.tagName = 'SecTion'; }),
  'tagName set on a void element': edit('br', (e) => { e.tagName = 'hr'; }),
  'tagName errors': told('p', (e) => ['', '1a', 'a b', 'a>', 'a/', ' a', 'é', 'aé'].map((name) => attempt(() => { e.tagName = name; return e.tagName; }))),
  'tagName converts': told('p', (e) => { e.tagName = null; return e.tagName; }),
  'namespaceURI is read only': told('p', (e) => attempt(() => { 'use strict'; e.namespaceURI = 'x'; return e.namespaceURI; })),
  'before and after': edit('b', (e) => { e.before('<1>').before('<2>', { html: true }).after('<3>').after('<4>', { html: true }); }),
  'prepend and append': edit('div', (e) => { e.prepend('<1>').prepend('<2>', { html: true }).append('<3>').append('<4>', { html: true }); }),
  'everything around': edit('b', (e) => { e.before('1').prepend('2').append('3').after('4'); }),
  'around a void element': edit('br', (e) => { e.before('1').prepend('2').append('3').after('4'); }),
  'after a void element twice': edit('br', (e) => { e.after('1').after('2'); }),
  'around an unclosed element': edit('i', (e) => { e.before('1').prepend('2').append('3').after('4'); }, '<p><i>x</p>y'),
  'replace': edit('div', (e) => { e.replace('<r>').replace('<s>', { html: true }); }),
  'replace a void element': edit('br', (e) => { e.replace('<r>'); }),
  'replace with more around': edit('div', (e) => { e.before('1').append('2').after('3').replace('R').prepend('4').append('5'); }),
  'setInnerContent': edit('div', (e) => { e.setInnerContent('<r>'); }),
  'setInnerContent html': edit('div', (e) => { e.setInnerContent('<r>', { html: true }).setInnerContent('<s>', { html: true }); }),
  'setInnerContent void': edit('br', (e) => { e.setInnerContent('x'); }),
  'setInnerContent after appends': edit('div', (e) => { e.prepend('1').append('2').setInnerContent('R').prepend('3').append('4'); }),
  'remove': edit('div', (e) => { e.remove(); }),
  'remove with more around': edit('div', (e) => { e.before('1').prepend('2').remove().append('3').after('4'); }),
  'remove and keep content': edit('div', (e) => { e.removeAndKeepContent(); }),
  'remove and keep content with more around': edit('div', (e) => { e.before('1').prepend('2').append('3').after('4').removeAndKeepContent(); }),
  'remove a void element': edit('br', (e) => { e.remove(); }),
  'removed': told('div', (e) => [e.removed, e.remove().removed, e.removeAndKeepContent().removed]),
  'removed by others': told('div', (e) => [e.setInnerContent('x').removed, e.replace('x').removed]),
  'removed around': async () => {
    const all = [];
    const text = await new HTMLRewriter().on('div', { element(e) { e.remove(); } })
      .on('b', { element(e) { all.push(e.removed); e.before('never'); }, text(t) { all.push(t.text, t.removed); }, comments(c) { all.push(c.text, c.removed); } })
      .transform(new Response('<div><b>x<!--c--></b></div><b>y</b>')).text();
    return [all, text];
  },
  'inner content set around': async () => {
    const all = [];
    const text = await new HTMLRewriter().on('div', { element(e) { e.setInnerContent('new'); } })
      .on('*', { element(e) { all.push(e.tagName, e.removed); } })
      .transform(new Response('<div><b>x</b><p></div><b>y</b>')).text();
    return [all, text];
  },
  'removed twice around': async () => {
    const all = [];
    await new HTMLRewriter().on('div', { element(e) { e.remove(); } }).on('i', { element(e) { e.remove(); } })
      .on('*', { element(e) { all.push(e.tagName, e.removed); } })
      .transform(new Response('<div><i><u></u></div><u></u><i></i><u></u><i><u>')).text();
    return all;
  },
  'content options': edit('p', (e) => { e.before('<', {}).before('<', { html: 0 }).before('<', { html: 'x' }).before('<', undefined).before('<', null); }),
  'content options wrong': refused((e) => e.before('<', 5)),
  'content converts': edit('p', (e) => { e.before(5).before(null).before({}); }),
  'content missing': refused((e) => e.before()),
  'content undefined': edit('p', (e) => { e.before(undefined); }),
  'content escapes': edit('p', (e) => { e.before('<a b="c\'d">&amp;</a>'); }),
  'content lone surrogate': edit('p', (e) => { e.before('\ud800x'); e.setAttribute('a', '\udc00'); }),
  'content NUL': edit('p', (e) => { e.before('a\0b'); }),
  'end tag': edit('div', (e) => { e.onEndTag((end) => { end.before('<1>').before('<2>', { html: true }).after('<3>').after('<4>', { html: true }); }); }),
  'end tag tells': async () => {
    const all = [];
    await new HTMLRewriter().on('*', { element(e) { if (e.tagName !== 'br') e.onEndTag((end) => all.push(end.name)); } })
      .transform(new Response('<DIV><p><i></i><br></P></div><b></b ></i>')).text();
    return all;
  },
  'end tag remove': edit('div', (e) => { e.onEndTag((end) => { end.remove(); }); }),
  'end tag name set': edit('div', (e) => { e.onEndTag((end) => { end.name = 'X'; end.after(end.name); }); }),
  'end tag name set odd': edit('div', (e) => { e.onEndTag((end) => { end.name = 'a b>'; }); }),
  'end tag after tagName': edit('div', (e) => { e.tagName = 'SEC'; e.onEndTag((end) => { end.before(end.name); }); }),
  'end tag around a removed element': edit('div', (e) => { e.append('1'); e.after('2'); e.remove(); e.onEndTag((end) => { end.before('3').after('4'); }); }),
  'end tag with content after': edit('div', (e) => { e.append('1').after('2'); e.onEndTag((end) => { end.before('3').after('4'); }); }),
  'end tag twice': edit('div', (e) => { e.onEndTag((end) => { end.after('1'); }); e.onEndTag((end) => { end.after('2'); }); }),
  'end tag by two handlers': async () => new HTMLRewriter()
    .on('div', { element(e) { e.onEndTag((end) => { end.after('1'); }); } })
    .on('div', { element(e) { e.onEndTag((end) => { end.after('2'); }); } })
    .transform(new Response(page)).text(),
  'end tag of an unclosed element': edit('i', (e) => { e.onEndTag((end) => { end.before(`[${end.name}]`); }); }, '<p><i>x</p>y<i>z'),
  'end tags closed together': edit('*', (e) => { const name = e.tagName; e.onEndTag((end) => { end.before(`[${name} ${end.name}]`); }); }, '<p><i><u>x</p>y'),
  'end tag of a void element': told('br', (e) => attempt(() => e.onEndTag(() => {}))),
  'end tag of a self closing foreign element': told('path, g', (e) => attempt(() => e.onEndTag(() => {})), '<svg><path/><g></g></svg>'),
  'end tag handler no function': refused((e) => e.onEndTag(5)),
  'end tag handler missing': refused((e) => e.onEndTag()),
  'end tag handler returns undefined': refused((e) => e.onEndTag(() => {})),
  'two handlers on one element': async () => new HTMLRewriter()
    .on('div', { element(e) { e.setAttribute('one', '1'); e.tagName = 'x-y'; } })
    .on('.b', { element(e) { e.setAttribute('two', e.getAttribute('one') + e.tagName); } })
    .transform(new Response(page)).text(),
  'order of handlers': async () => {
    const all = [];
    await new HTMLRewriter().onDocument({ text(t) { all.push('document'); }, comments() { all.push('document comment'); } })
      .on('b', { element() { all.push('b'); }, text() { all.push('b text'); } }).on('*', { element() { all.push('*'); }, comments() { all.push('comment'); } })
      .on('div b', { element() { all.push('div b'); } }).transform(new Response('<div><b>x<!--y--></b></div>')).text();
    return all;
  },
  'selectors': async () => {
    const all = [];
    const rewriter = new HTMLRewriter();
    for (const selector of ['*', 'p', 'P', '.c', '#i', '[a]', '[a=b]', '[a="b"]', '[a=B i]', '[a=B s]', '[a~=b]', '[a^=b]', '[a$=b]', '[a*=b]', '[a|=b]',
      'div p', 'div > p', 'p:not(.c)', 'p:nth-child(2)', 'p:first-child', 'p:nth-of-type(2n+1)', 'p:first-of-type', 'div, p', 'div *:not(p)', '[A]', '.C']) {
      rewriter.on(selector, { element(e) { all.push(`${selector} ${e.getAttribute('n')}`); } });
    }
    await rewriter.transform(new Response('<div n=1><p n=2 class="c d" a=b></p><p n=3 id=i a="x b"></p><b n=4><p n=5 a=b-c></p></b></div><P n=6 a=bab>')).text();
    return all;
  },
};
