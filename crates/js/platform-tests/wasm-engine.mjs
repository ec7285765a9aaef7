// node wasm-engine.mjs <engine.wasm>: the platform in the real engine. Boots the base, trains and freezes it,
// starts the modules of engine-worker.js as a tenant's, sends its requests, checks the answers, measures a hello.
import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { compute } from './mock-crypto.mjs';

const platform = new URL('../platform/', import.meta.url);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

function write(values) {
  const parts = [];
  const u32 = (n) => Buffer.from(Uint32Array.of(n).buffer);
  for (const value of values) {
    if (value === null || value === undefined) parts.push(Buffer.of(0));
    else if (typeof value === 'boolean') parts.push(Buffer.of(value ? 6 : 5));
    else if (typeof value === 'number' && (value | 0) === value) parts.push(Buffer.of(1), u32(value));
    else if (typeof value === 'number') parts.push(Buffer.of(2), Buffer.from(Float64Array.of(value).buffer));
    else {
      const bytes = typeof value === 'string' ? encoder.encode(value) : value;
      parts.push(Buffer.of(typeof value === 'string' ? 3 : 4), u32(bytes.length), bytes);
    }
  }
  return Buffer.concat(parts);
}

// `memory`: where far bytes lie.
function read(bytes, memory) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at++];
    if (tag === 0) values.push(null);
    else if (tag === 1) values.push(view.getInt32(at, true)), (at += 4);
    else if (tag === 2) values.push(view.getFloat64(at, true)), (at += 8);
    else if (tag === 7) {
      values.push(new Uint8Array(memory.buffer).slice(view.getUint32(at, true), view.getUint32(at, true) + view.getUint32(at + 4, true)));
      at += 8;
    } else if (tag >= 5) values.push(tag === 6);
    else {
      const length = view.getUint32(at, true);
      const data = bytes.slice(at + 4, at + 4 + length);
      values.push(tag === 3 ? decoder.decode(data) : data);
      at += 4 + length;
    }
  }
  return values;
}

const main = readFileSync(new URL('./engine-worker.js', import.meta.url));

export class Guest {
  constructor(module) {
    this.ops = [];
    this.streams = new Map();
    this.global = true;
    this.events = [];
    this.quiet = false;
    this.answer = Buffer.alloc(0);
    const wanted = WebAssembly.Module.imports(module);
    this.memory = new WebAssembly.Memory({ initial: 32, maximum: 2048 });
    const switchyard = {
      op: (kind, id, ptr, length) => this.op(kind, id, ptr, length),
      sync: (kind, ptr, length) => {
        const answer = this.sync(kind, read(this.bytes(ptr, length)));
        if (answer === null) return -1;
        this.answer = write(answer);
        return this.answer.length;
      },
      crypto: (what, ptr, length, out, room) => {
        const answer = compute(what, read(this.bytes(ptr, length), this.memory));
        if (Array.isArray(answer)) return -1 - (this.answer = write(answer)).length;
        assert.ok(answer.length <= room);
        new Uint8Array(this.memory.buffer).set(answer, out);
        return answer.length;
      },
      take: (ptr) => new Uint8Array(this.memory.buffer).set(this.answer, ptr),
      turn: () => 0,
      now: () => (this.global ? 0 : Date.now()),
    };
    const imports = { switchyard, env: { memory: this.memory } };
    for (const { module: from, name } of wanted) {
      if (from !== 'switchyard' && from !== 'env') (imports[from] ??= {})[name] = () => 0;
    }
    this.exports = new WebAssembly.Instance(module, imports).exports;
    this.exports._initialize();
    assert.equal(this.exports.sy_init(), 0);
  }

  bytes(ptr, length) {
    return new Uint8Array(this.memory.buffer).slice(ptr, ptr + length);
  }

  named(call, name) {
    const bytes = encoder.encode(name);
    const ptr = this.exports.sy_alloc(bytes.length);
    new Uint8Array(this.memory.buffer).set(bytes, ptr);
    const result = call(ptr, bytes.length);
    if (result !== 0) throw new Error(`${name}: ${result} ${JSON.stringify(this.ops)}`);
  }

  event(kind, id, status, ...values) {
    const bytes = write(values);
    const ptr = this.exports.sy_inbox();
    new Uint8Array(this.memory.buffer).set(bytes, ptr);
    return this.exports.sy_event(kind, id, status, ptr, bytes.length);
  }

  // Completes what was started until nothing is left to do.
  settle() {
    for (let next; (next = this.events.shift()) !== undefined;) this.event(...next);
  }

  op(kind, id, ptr, length) {
    if (this.quiet) return 0;
    const values = read(this.bytes(ptr, length));
    if (this.global && [3, 5, 7, 9].includes(kind)) return 1;
    this.ops.push([kind, id, ...values]);
    if (kind === 5 || kind === 9) this.events.push([1, id, 0]);
    if (kind === 7) {
      const chunk = this.streams.get(values[0])?.shift();
      this.events.push(chunk === undefined ? [1, id, 2] : [1, id, 0, encoder.encode(chunk)]);
    }
    if (kind === 3) {
      this.streams.set(77, ['fetched ', values[4]]);
      this.events.push(values[4].includes('missing') ? [1, id, 1, 'Error', 'Worker not found.'] :
        [1, id, 0, 200, 'OK', 'x-f\n1', values[4], false, 77, null]);
    }
    return 0;
  }

  sync(kind, values) {
    switch (kind) {
      case 1: {
        const [specifier] = values;
        if (specifier === 'cloudflare:workers' || specifier.startsWith('platform:')) return [specifier];
        return [`platform:${specifier.slice(2)}`];
      }
      case 2:
        if (values[0] === 'main.js') return [0, main];
        return [0, readFileSync(new URL(values[0] === 'cloudflare:workers' ? 'cloudflare-workers.js' : values[0].slice(9), platform))];
      case 3:
      case 4:
        try {
          const url = kind === 3 ? new URL(values[0], values[1] ?? undefined) : new URL(values[0]);
          if (kind === 4) url[values[1]] = values[2];
          return [url.href, url.protocol, url.username, url.password, url.host, url.hostname, url.port, url.pathname,
            url.search, url.hash, url.origin];
        } catch {
          return null;
        }
      case 5:
        return this.global ? null : [randomFillSync(new Uint8Array(values[0]))];
      case 9:
        return [this.global];
      case 10:
        return [0, 'A', 'early'];
    }
    return null;
  }

  request(id, url, { method = 'GET', headers = 'host\nh\nuser-agent\ntest', body = -1, entrypoint = null } = {}) {
    this.event(0, id, 0, method, url, headers, body, null, entrypoint, null);
    this.settle();
  }
}

const module = new WebAssembly.Module(readFileSync(process.argv[2]));
const guest = new Guest(module);
const boot = process.hrtime.bigint();
guest.named(guest.exports.sy_boot, 'platform:main.js');
console.log(`boot ${Number(process.hrtime.bigint() - boot) / 1e6} ms, heap ${guest.exports.sy_heap_top() >> 10} KiB`);
guest.global = false;
for (const path of ['/keep', '/hello', '/headers', '/stream', '/bodies', '/throw', '/wait', '/crypto', '/fetch', '/x', '/x', '/x', '/x', '/x']) {
  guest.ops.length = 0;
  guest.request(guest.ops.length + 1, `http://h${path}?q=1`, { entrypoint: '__train' });
  if (path === '/bodies' || path === '/wait') assert.ok(guest.ops.some((op) => op[0] === 1), JSON.stringify(guest.ops));
}
guest.streams.set(5, ['{"a":', '1}']);
guest.request(1, 'http://h/json', { method: 'POST', body: 5, entrypoint: '__train' });
guest.event(5, 0, 0);
guest.ops.length = 0;
guest.request(1, 'http://h/', { entrypoint: '__train' });
assert.equal(guest.ops[0][0], 2);
guest.exports.sy_gc();
guest.exports.sy_freeze(0x10000);
console.log(`frozen, heap ${guest.exports.sy_heap_top() >> 10} KiB`);

guest.global = true;
guest.ops.length = 0;
guest.named(guest.exports.sy_start, 'main.js');
guest.global = false;
console.log(guest.ops.filter((op) => op[0] === 14).map((op) => op[2]).join());
guest.event(4, 0, 0, 0, 'A', 'bound', 3, 'NS', null);

// Pages of 4 KiB that a request changes: what a clean instance has to put back.
let id = 100;
guest.quiet = true;
for (const name of ['hello', 'hello', 'hello-async', 'json']) {
  const before = new Uint8Array(guest.memory.buffer).slice();
  guest.event(0, ++id, 0, 'GET', `http://h/${name}`, 'host\nh', -1, null, null, null);
  const now = new Uint8Array(guest.memory.buffer);
  let pages = [];
  for (let at = 0; at < before.length; at += 4096) {
    if (Buffer.compare(before.subarray(at, at + 4096), now.subarray(at, at + 4096)) !== 0) pages.push(at >> 12);
  }
  console.log(`${name} changes ${pages.length} pages`);
}
guest.quiet = false;

const checks = JSON.parse(guest.ops.find((op) => op[0] === 6)[2]);
for (const name of checks) {
  guest.ops.length = 0;
  guest.streams.set(5, ['{"a":', '1}']);
  guest.request(++id, `http://h/${name}?x=1`, { method: 'POST', body: 5 });
  const reply = guest.ops.find((op) => op[0] <= 2 && op[1] === id);
  const good = reply !== undefined && reply[0] === 1 && reply[6] === 'ok';
  if (!good && !name.startsWith('throw')) {
    console.log(`FAILED ${name}: ${JSON.stringify(guest.ops)}`);
    process.exitCode = 1;
  }
}
console.log(`${checks.length} checks`);

for (const name of ['hello', 'hello-async', 'json']) {
  guest.quiet = true;
  // The message is laid into the inbox once: what is measured is the guest.
  const bytes = write(['GET', `http://h/${name}`, 'host\nh\nuser-agent\ntest', -1, null, null, null]);
  const ptr = guest.exports.sy_inbox();
  const run = (n) => {
    new Uint8Array(guest.memory.buffer).set(bytes, ptr);
    for (let i = 0; i < n; i++) guest.exports.sy_event(0, ++id, 0, ptr, bytes.length);
  };
  run(3000);
  const start = process.hrtime.bigint();
  run(20000);
  console.log(`${name}: ${(Number(process.hrtime.bigint() - start) / 20000 / 1000).toFixed(2)} µs a request`);
  guest.exports.sy_gc();
  console.log(`heap ${guest.exports.sy_heap_top() >> 10} KiB`);
}

// A warm instance keeps nothing: after the same thousand requests again the heap ends where it did.
guest.quiet = false;
function rounds(n) {
  for (let i = 0; i < n; i++) {
    for (const name of ['body', 'stream', 'context', 'fetch', 'dispatch', 'streams', 'clone', 'url', 'misc']) {
      guest.ops.length = 0;
      guest.streams.set(5, ['{"a":', '1}']);
      guest.request(++id, `http://h/${name}`, { method: 'POST', body: 5 });
    }
  }
  guest.exports.sy_gc();
  return guest.exports.sy_heap_top();
}
rounds(30);
const before = rounds(100);
const after = rounds(200);
console.log(`heap after mixed requests ${before >> 10}, later ${after >> 10} KiB`);
if (after > before + 4096) {
  console.log('FAILED: the heap grows');
  process.exitCode = 1;
}
