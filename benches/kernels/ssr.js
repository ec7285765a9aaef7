// Server-side rendering: a page of 60 rows by react-dom.
import { createElement as h, useState, useMemo } from 'react';
import { renderToString } from 'react-dom/server';

const items = Array.from({ length: 60 }, (_, i) => ({ id: i, title: `Item <${i}>`, price: i * 1.5, tags: ['new', `t${i % 4}`] }));
const Tag = ({ name }) => h('span', { className: 'tag', 'data-tag': name }, name);
function Row({ item, odd }) {
  const [open] = useState(false);
  const price = useMemo(() => item.price.toFixed(2), [item.price]);
  return h('tr', { className: odd ? 'odd' : 'even', style: { color: 'black', paddingLeft: 4 } },
    h('td', null, item.id), h('td', null, h('a', { href: `/items/${item.id}?a=1&b=2` }, item.title)),
    h('td', { hidden: open }, price, ' €'), h('td', null, item.tags.map((name) => h(Tag, { key: name, name }))));
}
const Page = () => h('main', null, h('h1', null, 'Items'),
  h('table', null, h('tbody', null, items.map((item) => h(Row, { key: item.id, item, odd: item.id % 2 === 1 })))));

export const run = () => renderToString(h(Page)).length;
