// Arrays and plain objects: map, filter, reduce, spread, destructuring, iterators, generators.
const orders = Array.from({ length: 500 }, (_, i) => ({
  id: i, customer: i % 37, lines: [{ price: i % 50, count: 1 + (i % 4) }, { price: 3, count: 2 }], tags: ['a', `t${i % 5}`],
}));
function* numbered(list) { let n = 0; for (const one of list) yield [n++, one]; }

export function run() {
  const totals = orders
    .filter(({ id }) => id % 3)
    .map((order) => ({ ...order, total: order.lines.reduce((sum, { price, count }) => sum + price * count, 0) }));
  const tags = [...new Set(totals.flatMap(({ tags }) => tags))];
  const byCustomer = totals.reduce((all, { customer, total }) => ({ ...all, [customer]: (all[customer] ?? 0) + total }), {});
  let sum = 0;
  for (const [n, { lines: [first, ...rest] }] of numbered(orders)) sum += n + first.count + rest.length;
  const pages = [];
  for (let i = 0; i < totals.length; i += 50) pages.push(totals.slice(i, i + 50));
  const best = Math.max(...totals.map((order) => order.total));
  const found = orders.find((order) => order.id === 400), at = orders.findIndex(({ id }) => id === 333);
  const pairs = Object.entries(byCustomer).sort(([, a], [, b]) => b - a);
  return `${tags.length} ${pairs[0]} ${sum} ${pages.length} ${best} ${found.customer} ${at} ${orders.some(({ id }) => id < 0)}`;
}
