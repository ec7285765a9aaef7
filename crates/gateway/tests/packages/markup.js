// Packages that make or read markup.
import React, { Suspense, use, useState } from 'react';
import { renderToStaticMarkup, renderToString } from 'react-dom/server.edge';
import { renderToReadableStream } from 'react-dom/server.edge';
import { h as preactH } from 'preact';
import renderPreact from 'preact-render-to-string';
import { createSSRApp, h as vueH, ref, computed } from 'vue';
import { renderToString as renderVue, renderToWebStream } from '@vue/server-renderer';
import { marked } from 'marked';
import MarkdownIt from 'markdown-it';
import * as cheerio from 'cheerio';
import Handlebars from 'handlebars/dist/cjs/handlebars.js';
import Mustache from 'mustache';
import { XMLBuilder, XMLParser } from 'fast-xml-parser';

const h = React.createElement;
function Counter({ start }) {
  const [n] = useState(start);
  return h('button', { className: 'c', onClick() {}, style: { color: 'red', marginTop: 3 } }, 'n is ', n, ' <&>');
}
const MARKDOWN = '# Title\n\n- one\n- *two* `code`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nx < 1\n```\n\n[link](http://a "t") ![i](b) <i>raw</i> http://auto.link\n\n1. x\n2. y\n\n> quote\n';

export const uses = {
  'react renderToString': () => renderToString(h('div', { id: 'r', 'data-x': '"q"' }, h(Counter, { start: 3 }), [1, 2].map((k) => h('li', { key: k }, k)))),
  'react static': () => renderToStaticMarkup(h(React.Fragment, null, h(Counter, { start: 1 }), null, false, 'x')),
  'react stream': async () => { const stream = await renderToReadableStream(h('html', null, h('body', null, h(Counter, { start: 5 })))); await stream.allReady; return new Response(stream).text() },
  'react suspense': async () => { const later = new Promise((resolve) => setTimeout(resolve, 5, 'loaded')); const Slow = () => h('p', null, use(later)); const stream = await renderToReadableStream(h('div', null, h(Suspense, { fallback: 'wait' }, h(Slow)))); return (await new Response(stream).text()).replace(/<script>[\s\S]*?<\/script>/g, '<script>') },
  'react errors': async () => { const errors = []; try { await renderToReadableStream(h(() => { throw new Error('in render') }), { onError: (e) => errors.push(e.message) }) } catch (e) { errors.push(e.message) } return errors },
  preact: () => renderPreact(preactH('div', { class: 'a' }, preactH(({ x }) => preactH('b', { onClick() {} }, x, '&'), { x: 1 }), [preactH('i', null, 2)])),
  vue: () => renderVue(createSSRApp({ setup() { const n = ref(2); const twice = computed(() => n.value * 2); return () => vueH('div', { class: ['a', { b: true }], style: { color: 'red' } }, [vueH('span', twice.value), ' <&> ', vueH('input', { value: 'v', disabled: true })]) } })),
  'vue stream': () => new Response(renderToWebStream(createSSRApp({ async setup() { await null; return () => vueH('p', 'async') } }))).text(),
  'vue template': () => renderVue(createSSRApp({ template: '<p>{{ x }}</p>', data: () => ({ x: 1 }) })),
  marked: () => marked.parse(MARKDOWN),
  'marked lexer': () => marked.lexer('*a*').length,
  'markdown-it': () => new MarkdownIt({ html: true, linkify: true, typographer: true }).render(`${MARKDOWN}\n"quotes" -- (c)`),
  cheerio: () => { const $ = cheerio.load('<ul id="u"><li class="a">1</li><li>2 <b>x</b></li></ul><p>é &amp; t'); $('li.a').text('one').after('<li>new</li>'); $('b').remove(); return [$('li').length, $('#u > li:nth-child(2)').text(), $('p').html(), $.html(), $('li').map((i, el) => $(el).text()).get()] },
  'cheerio xml': () => { const $ = cheerio.load('<a><b c="1"/>t<![CDATA[<x>]]></a>', { xml: true }); return [$('b').attr('c'), $.xml()] },
  handlebars: () => Handlebars.compile('{{#each a}}<{{this}}>{{/each}}')({ a: [1] }),
  mustache: () => Mustache.render('{{#list}}{{name}}, {{/list}}{{{raw}}} {{&raw}} {{esc}} {{^none}}none{{/none}} {{>part}}', { list: [{ name: 'a' }, { name: 'b' }], raw: '<b>', esc: '<"&>' }, { part: 'part {{esc}}' }),
  'fast-xml-parser': () => { const options = { ignoreAttributes: false }; const parsed = new XMLParser(options).parse('<a x="1"><b>2</b><b>t &lt;</b><c/></a>'); return [parsed, new XMLBuilder(options).build(parsed)] },
};
