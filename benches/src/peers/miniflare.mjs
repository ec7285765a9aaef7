// Runs Miniflare with some Workers. Each line of the input is one script to be set; what is said of it is one line,
// when a request has been answered by it. Ends with its input.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const { Miniflare } = createRequire(`${process.argv[2]}/`)('miniflare');
const worker = (name, script) => ({
  name, script, modules: true, compatibilityDate: '2026-04-01', routes: [`${name}.localhost/*`],
});
const hello = (name) => `export default { fetch() { return new Response("hello from ${name}\\n"); } };`;
const names = Array.from({ length: Number(process.argv[3]) }, (_, number) => `t${number}`);
const workers = new Map(names.map((name) => [name, worker(name, hello(name))]));
const options = () => ({ host: '127.0.0.1', port: 0, workers: [...workers.values()] });

// Its connections to the runtime that has just ended may be tried once more: a client would ask again.
const ask = async (miniflare, url, tries = 5) => {
  try {
    return await miniflare.dispatchFetch(url);
  } catch (error) {
    if (tries === 1) throw error;
    return ask(miniflare, url, tries - 1);
  }
};

const miniflare = new Miniflare(options());
await miniflare.ready;
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const { name, script } = JSON.parse(line);
  const began = performance.now();
  workers.set(name, worker(name, script));
  await miniflare.setOptions(options());
  const response = await ask(miniflare, `http://${name}.localhost/`);
  const body = await response.text();
  console.log(JSON.stringify({ ms: performance.now() - began, status: response.status, body }));
}
await miniflare.dispose();
