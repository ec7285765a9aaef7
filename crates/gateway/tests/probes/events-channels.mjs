// MessageChannel, MessagePort and EventSource.
import { tries } from './show.mjs';

const next = (port) => new Promise((resolve) => { port.onmessage = resolve; });
const wait = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));
const log = (run) => async () => { const seen = []; const gave = await run((x) => seen.push(x)); return [seen, gave]; };
const feed = (...pieces) => new ReadableStream({ start(c) { for (const piece of pieces) c.enqueue(new TextEncoder().encode(piece)); c.close(); } });
// All that an EventSource of a stream tells, until it ends.
const listen = (types, ...pieces) => async () => {
  const source = EventSource.from(feed(...pieces));
  const seen = [source.readyState];
  for (const type of ['open', 'error', ...types]) source.addEventListener(type, (e) => seen.push([e.type, e.data, e.lastEventId, e.origin, e.constructor.name, source.readyState]));
  await wait(30);
  source.close();
  return [seen, source.readyState];
};

export const channels = {
  'a message': async () => { const { port1, port2 } = new MessageChannel(); const got = next(port2); port1.postMessage({ a: [1] }); const event = await got; return [event.data, event.type, event.constructor.name, event.target === port2, event.origin, event.lastEventId, event.ports, event.source]; },
  'messages both ways': log(async (see) => { const { port1, port2 } = new MessageChannel(); port1.onmessage = (e) => see(e.data); port2.onmessage = (e) => { see(e.data); port2.postMessage(e.data + 1); }; port1.postMessage(1); port1.postMessage(5); await wait(); }),
  'when a message comes': log(async (see) => { const { port1, port2 } = new MessageChannel(); port2.onmessage = () => see('message'); port1.postMessage(1); see('sync'); await null; see('microtask'); queueMicrotask(() => see('later microtask')); await wait(); }),
  'messages wait for start': log(async (see) => { const { port1, port2 } = new MessageChannel(); port1.postMessage('early'); port2.addEventListener('message', (e) => see(e.data)); await wait(); see('not started'); port2.start(); await wait(); }),
  'a listener alone does not start': log(async (see) => { const { port1, port2 } = new MessageChannel(); port2.addEventListener('message', (e) => see(e.data)); port1.postMessage(1); await wait(); }),
  'a closed port': log(async (see) => { const { port1, port2 } = new MessageChannel(); port2.onmessage = (e) => see(e.data); port2.addEventListener('close', (e) => see(e.type)); port1.close(); port1.postMessage(1); await wait(); return 'alive'; }),
  'closing the other end': log(async (see) => { const { port1, port2 } = new MessageChannel(); port1.onmessage = (e) => see(e.data); port1.addEventListener('close', (e) => see(e.type)); port2.close(); port2.close(); port1.postMessage(1); await wait(); }),
  'a message is a clone': async () => { const { port1, port2 } = new MessageChannel(); const got = next(port2); const sent = { n: 1, d: new Date(0), m: new Map([[1, 2]]) }; port1.postMessage(sent); sent.n = 2; const { data } = await got; return [data.n, data.d.getTime(), [...data.m], data === sent]; },
  'a message that cannot be cloned': () => { const { port1 } = new MessageChannel(); return tries(() => port1.postMessage(() => {}), () => port1.postMessage(Symbol('x')), () => port1.postMessage(), () => port1.postMessage(undefined)); },
  'a message with transfer': () => { const { port1 } = new MessageChannel(); return tries(() => { const b = new ArrayBuffer(2); port1.postMessage(b, [b]); return b.detached; }, () => { const b = new ArrayBuffer(2); port1.postMessage(b, { transfer: [b] }); return b.detached; }, () => port1.postMessage(1, []), () => port1.postMessage(1, {}), () => port1.postMessage(1, [5]), () => port1.postMessage(1, 5), () => { const c = new MessageChannel(); port1.postMessage(c.port1, [c.port1]); }); },
  'onmessage': () => { const { port1 } = new MessageChannel(); return tries(() => port1.onmessage, () => { const f = () => {}; port1.onmessage = f; return port1.onmessage === f; }, () => { port1.onmessage = 5; return port1.onmessage; }, () => { port1.onmessage = null; return port1.onmessage; }, () => 'onmessageerror' in port1, () => 'onclose' in port1); },
  'a message listener throws': log(async (see) => { const { port1, port2 } = new MessageChannel(); port2.onmessage = (e) => { see(e.data); throw new Error('mine'); }; port1.postMessage(1); port1.postMessage(2); await wait(); }),
  'channel shape': () => tries(() => Object.getOwnPropertyNames(MessageChannel.prototype).sort(), () => Object.getOwnPropertyNames(MessagePort.prototype).sort(), () => String(new MessageChannel()), () => String(new MessageChannel().port1), () => new MessageChannel().port1 instanceof EventTarget, () => new MessagePort(), () => { const c = new MessageChannel(); return [c.port1 === c.port1, c.port1 === c.port2]; }),
  'source shape': () => tries(() => Object.getOwnPropertyNames(EventSource.prototype).sort(), () => Object.getOwnPropertyNames(EventSource).sort(), () => [EventSource.CONNECTING, EventSource.OPEN, EventSource.CLOSED], () => EventSource.prototype.OPEN, () => new EventSource(), () => new EventSource('/x'), () => new EventSource('nope'), () => EventSource.from(5), () => EventSource.from()),
  'source fields': () => { const source = EventSource.from(feed()); const seen = [source.url, source.withCredentials, source.readyState, source.onopen, source.onmessage, source.onerror, String(source)]; source.close(); return seen; },
  'source messages': listen(['message'], 'data: one\n\ndata: two\ndata:  lines\n\n', ': comment\n\ndata\n\n'),
  'source types': listen(['message', 'mine'], 'event: mine\ndata: x\n\nevent: mine\n\ndata: y\n\nevent:\ndata: z\n\n'),
  'source ids': listen(['message'], 'id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\nid: x\u0000y\ndata: d\n\n'),
  'source line ends': listen(['message'], 'data: a\r\n\r\ndata: b\r\rdata: c\n\n'),
  'source line ends in pieces': listen(['message'], 'data: a\r', '\n\r\nda', 'ta: b\n', '\n'),
  'source bom': listen(['message'], '\ufeffdata: a\n\n\ufeffdata: b\n\n'),
  'source unfinished': listen(['message'], 'data: a\n\ndata: b'),
  'source unknown fields': listen(['message'], 'foo: bar\ndata: a\nretry: 10\nretry: x\nDATA: b\n data: c\n\n'),
  'source colons': listen(['message'], 'data:a:b\n\ndata::x\n\ndata:\n\n'),
  'source unicode in pieces': async () => { const bytes = new TextEncoder().encode('data: é☕\n\n'); const stream = new ReadableStream({ start(c) { for (const byte of bytes) c.enqueue(new Uint8Array([byte])); c.close(); } }); const source = EventSource.from(stream); const seen = []; source.onmessage = (e) => seen.push(e.data); await wait(30); return seen; },
  'source handlers': log(async (see) => { const source = EventSource.from(feed('data: a\n\n')); source.onopen = (e) => see(e.type); source.onmessage = (e) => see(e.data); source.onerror = (e) => see([e.type, e.constructor.name, source.readyState, String(e.error?.message)]); await wait(30); return source.readyState; }),
  'source is closed within': log(async (see) => { const source = EventSource.from(feed('data: a\n\ndata: b\n\n')); source.onmessage = (e) => { see(e.data); source.close(); }; await wait(30); return source.readyState; }),
  'source of a failing stream': log(async (see) => { const source = EventSource.from(new ReadableStream({ pull(c) { c.error(new RangeError('mine')); } })); source.onerror = (e) => see([e.type, String(e.error)]); await wait(30); return source.readyState; }),
  'source of a locked stream': () => tries(() => { const stream = feed(); stream.getReader(); EventSource.from(stream); }),
};
