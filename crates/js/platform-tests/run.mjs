// node run.mjs [word]: the platform's behaviour, checked against a mock host. Each test file calls test(name,
// body); bodies run one after the other, each within a request's context unless they say otherwise.
import { register } from 'node:module';
import assert from 'node:assert/strict';

register(new URL('./loader.mjs', import.meta.url));
const { control } = await import('switchyard:host');
const print = control.native.console;
const tests = [];
globalThis.test = (name, body, options = {}) => tests.push({ name, body, options });
globalThis.control = control;
globalThis.assert = assert;

// An error of that class (or name) with exactly that message.
globalThis.throws = (run, name, message) => {
  let thrown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  same(thrown, name, message);
};
globalThis.rejects = async (promise, name, message) => {
  let thrown;
  try {
    await promise;
  } catch (error) {
    thrown = error;
  }
  same(thrown, name, message);
};
function same(thrown, name, message) {
  assert.ok(thrown !== undefined, `nothing was thrown; expected ${name}: ${message}`);
  assert.equal(thrown.name, name, thrown.stack);
  if (message !== undefined) assert.equal(thrown.message, message);
}

// A request through the default export (or `entrypoint`), to its RESPOND or THROW.
let requests = 0;
globalThis.dispatch = (worker, { method = 'GET', url = 'http://host/', headers = '', body = -1, length = null,
  entrypoint = null, props = null, parameters = null } = {}) => {
  if (worker !== null) control.start(typeof worker === 'function' ? { default: { fetch: worker } } : worker);
  control.ops.length = 0;
  const id = 500000 + ++requests;
  control.within(undefined, () =>
    control.event(0, id, 0, method, url, headers, body, length, entrypoint, props, parameters));
  return id;
};
globalThis.answer = async (worker, options) => {
  const id = dispatch(worker, options);
  for (let i = 0; i < 2000; i++) {
    const op = control.take(1, id) ?? control.take(2, id);
    if (op !== undefined && op[0] === 1) {
      const [, , status, statusText, head, kind, body, length, done] = op;
      return { id, status, statusText, headers: head, kind, body, length, done };
    }
    if (op !== undefined) return { id, name: op[2], message: op[3], stack: op[4], done: op[5] };
    await new Promise((resolve) => control.native.setTimeout(resolve, 1));
  }
  throw new Error('no answer');
};

await import('platform:main.js');
for (const file of ['headers', 'messages', 'bodies', 'readable', 'writable', 'fetch', 'dispatch', 'url', 'encoding',
  'timers', 'events', 'console', 'globals', 'websocket']) {
  await import(`./${file}.test.mjs`);
}

let failures = 0;
const word = process.argv[2] ?? '';
for (const { name, body, options } of tests) {
  if (!name.includes(word)) continue;
  control.ops.length = 0;
  control.fetch = null;
  control.refuse = 0;
  control.small = true;
  control.globalScope = Boolean(options.globalScope);
  control.bindings = [];
  try {
    const late = new Promise((_, reject) => control.native.setTimeout(reject, 5000, new Error('takes too long')));
    await control.within(options.globalScope ? undefined : { test: name }, () => Promise.race([body(), late]));
  } catch (error) {
    failures++;
    print.log(`FAILED ${name}\n${error.stack}\n`);
  }
}
print.log(failures === 0 ? `${tests.length} tests passed` : `${failures} of ${tests.length} tests failed`);
process.exit(failures === 0 ? 0 : 1);
