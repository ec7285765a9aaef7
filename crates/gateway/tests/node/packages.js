// A Worker over packages of npm that need node modules, as wrangler bundles them with nodejs_compat. Each answers
// what it makes of fixed input.
import { Hono } from 'hono';
import { contextStorage, getContext } from 'hono/context-storage';
import { Readable, Transform, pipeline } from 'readable-stream';
import bl from 'bl';
import async from 'async';
import pLimit from 'p-limit';
import { pack, unpack } from 'msgpackr';
import { parse as parseCsv } from 'csv-parse/sync';
import micromatch from 'micromatch';
import mime from 'mime-types';
import createError from 'http-errors';
import { Buffer as SafeBuffer } from 'safe-buffer';
import BN from 'bn.js';
import qs from 'qs';
import { StringDecoder } from 'string_decoder/';
import inspect from 'object-inspect';

const app = new Hono();
app.use(contextStorage());
app.get('/', async (c) => {
  c.set('who', 'hono');
  await new Promise((resolve) => setTimeout(resolve, 1));
  return c.text(`from ${getContext().var.who}`);
});

const uses = {
  hono: async () => (await app.request('http://x/')).text(),
  'readable-stream': () => new Promise((resolve, reject) => {
    const seen = [];
    const upper = new Transform({ transform: (chunk, encoding, done) => done(null, String(chunk).toUpperCase()) });
    upper.on('data', (chunk) => seen.push(String(chunk)));
    pipeline(Readable.from(['a', 'b']), upper, (error) => (error ? reject(error) : resolve(seen)));
  }),
  bl: () => {
    const list = bl();
    list.append('ab').append(Buffer.from([0, 1, 2]));
    return [list.length, list.slice(1, 4).toString('hex'), list.readUInt16BE(3), list.indexOf('b')];
  },
  async: () => async.mapLimit([1, 2, 3], 2, async (x) => x * 2),
  'async queue': () => new Promise((resolve) => {
    const seen = [];
    const queue = async.queue((task, done) => setImmediate(() => { seen.push(task); done(); }), 1);
    queue.drain(() => resolve(seen));
    queue.push([1, 2, 3]);
  }),
  'p-limit': () => {
    const limit = pLimit(1);
    return Promise.all([1, 2, 3].map((n) => limit(async () => n + 1)));
  },
  msgpackr: () => [unpack(pack({ a: [1, 'é', null], b: 1.5 })), Buffer.isBuffer(pack([1]))],
  'csv-parse': () => parseCsv('a,b\n1,"x ""y"""\n', { columns: true }),
  micromatch: () => [micromatch(['a/b.js', 'c.ts', 'a/d/e.js'], ['**/*.js', '!a/d/**']), micromatch.isMatch('x.txt', '*.{txt,md}')],
  'mime-types': () => [mime.lookup('/a/b.json'), mime.contentType('index.html'), mime.extension('image/png')],
  'http-errors': () => {
    const error = createError(404, 'gone', { extra: 1 });
    return [error.name, error.status, error.expose, error.extra, error instanceof createError.NotFound, createError.isHttpError(error)];
  },
  'safe-buffer': () => [SafeBuffer.from('aé').toString('base64'), SafeBuffer.alloc(2).length],
  'bn.js': () => [new BN('dead', 16).mul(new BN('123456789')).toString(), new BN(255).toArrayLike(Buffer, 'be', 4).toString('hex')],
  qs: () => [qs.parse('a[b][]=1&a[b][]=2&c=d'), qs.stringify({ a: { b: [1, 2] } })],
  string_decoder: () => new StringDecoder('utf8').write(Buffer.from([0xe2, 0x82])) === '',
  'object-inspect': () => inspect({ a: [1, new Map([[1, 2]])], b: Buffer.from('x') }),
  process: () => [process.version, typeof process.nextTick, process.env.VAR, process.platform],
};

export default {
  async fetch() {
    const results = {};
    for (const [name, use] of Object.entries(uses)) {
      try {
        results[name] = JSON.stringify(await use());
      } catch (error) {
        results[name] = `${error.name}: ${error.message}`;
      }
    }
    return Response.json(results);
  },
};
