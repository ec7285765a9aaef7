// A module that waits while it is evaluated.
export const order = ['first'];
const before = Promise.resolve().then(() => order.push('micro'));
await null;
order.push('after');
await before;
export const settled = await new Promise((resolve) => queueMicrotask(() => resolve('settled')));
for await (const x of [1, Promise.resolve(2)]) order.push(x);
