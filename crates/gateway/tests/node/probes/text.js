import qs from 'node:querystring';
import { StringDecoder } from 'node:string_decoder';
import * as bareQs from 'querystring';
import * as bareSd from 'string_decoder';
import dc, { channel, tracingChannel, hasSubscribers, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { AsyncLocalStorage } from 'node:async_hooks';
import nodeConsole, { Console } from 'node:console';

const pieces = (encoding, ...list) => {
  const d = new StringDecoder(encoding);
  return [...list.map((bytes) => d.write(Buffer.from(bytes))), d.end()];
};

export default {
  'querystring parse': () => ['a=1&b=2', 'a=1&a=2', 'a', 'a=', '=b', 'a=%20b+c', 'a=%zz', 'a=b=c', '', '&&a=1&', 'a%3Db=c', '%e2%82%ac=x'].map((q) => ({ ...qs.parse(q) })),
  'querystring parse with options': () => [{ ...qs.parse('a:1;b:2', ';', ':') }, { ...qs.parse('a=1&b=2&c=3', null, null, { maxKeys: 2 }) }, { ...qs.parse('a=x', null, null, { decodeURIComponent: (s) => `<${s}>` }) }],
  'querystring stringify': () => [qs.stringify({ a: 1, b: [2, 'x y'], c: true, d: null, e: undefined, f: {}, g: 5n, h: 'é&=' }), qs.stringify({ a: 1 }, ';', ':'), qs.stringify('a'), qs.stringify({ a: 'b c' }, null, null, { encodeURIComponent: (s) => `<${s}>` })],
  'querystring escape': () => [qs.escape('a b&é'), qs.escape(5), qs.unescape('a%20b%zz'), qs.encode === qs.stringify, qs.decode === qs.parse],
  'querystring escape of a lone surrogate': () => qs.escape('\ud800'),
  'querystring bare': () => bareQs.parse === qs.parse,
  'querystring unescapeBuffer': () => qs.unescapeBuffer('a%20b').toString(),
  'querystring null prototype': () => Object.getPrototypeOf(qs.parse('a=1')) === null,
  'decoder bare': () => bareSd.StringDecoder === StringDecoder,
  'decoder utf8': () => [pieces('utf8', [0xe2, 0x82], [0xac]), pieces('utf8', [0xf0], [0x9f, 0x98], [0x80, 0x41]), pieces('utf8', [0xe2, 0x82]), pieces('utf8', [0xe2], [0x41]), pieces('utf8', [0xff, 0xc3])],
  'decoder utf16le': () => [pieces('utf16le', [0x61], [0x00, 0x3d], [0xd8, 0x4d, 0xdc]), pieces('utf16le', [0x3d, 0xd8]), pieces('ucs2', [0x61, 0, 0x62])],
  'decoder base64': () => [pieces('base64', [1], [2, 3, 4], [5]), pieces('base64', [1]), pieces('hex', [1, 255]), pieces('latin1', [233])],
  'decoder text': () => new StringDecoder().write('text'),
  'decoder state': () => {
    const d = new StringDecoder('utf8');
    d.write(Buffer.from([0xe2, 0x82]));
    return [d.encoding, d.lastNeed, d.lastTotal];
  },
  'decoder encodings': () => ['UTF-8', 'UCS2', 'binary', undefined].map((e) => new StringDecoder(e).encoding),
  'decoder unknown': () => new StringDecoder('nope'),
  'decoder of number': () => new StringDecoder().write(5),
  'channel': () => {
    const c = channel('test:a'), seen = [];
    const f = (m, n) => seen.push([m, n]);
    const before = c.hasSubscribers;
    c.subscribe(f);
    c.publish({ x: 1 });
    const now = [c.name, channel('test:a') === c];
    c.unsubscribe(f);
    c.publish(2);
    return [before === false || typeof before, now, seen];
  },
  'channel by name': () => {
    const seen = [], f = (m) => seen.push(m);
    subscribe('test:b', f);
    const has = hasSubscribers('test:b');
    channel('test:b').publish(1);
    return [has, unsubscribe('test:b', f), unsubscribe('test:b', f), hasSubscribers('test:b'), seen];
  },
  'channel name of number': () => channel(5),
  'channel subscriber that is none': () => channel('test:c').subscribe(5),
  'channel stores': () => {
    const als = new AsyncLocalStorage(), c = channel('test:d');
    c.bindStore(als, (m) => m * 2);
    return [c.runStores(4, () => als.getStore()), als.getStore(), c.unbindStore(als)];
  },
  'tracing': () => {
    const t = tracingChannel('test:t'), seen = [];
    const handlers = Object.fromEntries(['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((k) => [k, (m) => seen.push([k, m.result, m.error?.message])]));
    t.subscribe(handlers);
    t.traceSync(() => 5, {});
    try { t.traceSync(() => { throw new Error('s'); }, {}); } catch { seen.push('caught'); }
    return seen;
  },
  'tracing a promise': async () => {
    const t = tracingChannel('test:p'), seen = [];
    const handlers = Object.fromEntries(['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((k) => [k, (m) => seen.push([k, m.result, m.error?.message])]));
    t.subscribe(handlers);
    seen.push(await t.tracePromise(async () => 7, {}));
    await t.tracePromise(async () => { throw new Error('p'); }, {}).catch(() => {});
    return seen;
  },
  'tracing a callback': () => {
    const t = tracingChannel('test:cb'), seen = [];
    const handlers = Object.fromEntries(['start', 'end', 'asyncStart', 'asyncEnd', 'error'].map((k) => [k, (m) => seen.push([k, m.result])]));
    t.subscribe(handlers);
    t.traceCallback((a, cb) => cb(null, a + 1), -1, {}, null, 1, (e, v) => seen.push(['called', v]));
    return seen;
  },
  'console module': () => [nodeConsole === console, nodeConsole.log === console.log, typeof Console, typeof console.Console],
  'Console': () => {
    const out = [], err = [];
    const stream = (list) => ({ write: (t) => { list.push(t); return true; }, once() {}, on() {}, removeListener() {}, listenerCount: () => 0 });
    const c = new Console({ stdout: stream(out), stderr: stream(err) });
    c.log('a %s', 'b', { c: 1 });
    c.error('e');
    c.group('g');
    c.log('in\nside');
    c.groupEnd();
    c.assert(false, 'as');
    c.count();
    return [out, err];
  },
};
