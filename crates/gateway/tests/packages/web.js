// Packages that handle requests.
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { etag } from 'hono/etag';
import { basicAuth } from 'hono/basic-auth';
import { streamText } from 'hono/streaming';
import { sign, verify } from 'hono/jwt';
import { HTTPException } from 'hono/http-exception';
import { validator } from 'hono/validator';
import { AutoRouter, error as ittyError, json as ittyJson, cors as ittyCors } from 'itty-router';
import { createSchema, createYoga } from 'graphql-yoga';
import { buildSchema, graphql, parse, print, validate } from 'graphql';
import { initTRPC, TRPCError } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { z } from 'zod';
import { pathToRegexp, match, compile } from 'path-to-regexp';
import * as cookie from 'cookie';
import ky from 'ky';
import * as jose from 'jose';

const told = async (response) => [response.status, [...response.headers].filter(([k]) => k !== 'date'), await response.text()];

const app = new Hono();
app.use('/api/*', cors({ origin: 'https://a.example' }));
app.use('/tagged/*', etag());
app.use('/secret/*', basicAuth({ username: 'u', password: 'p' }));
app.get('/', (c) => c.text('home'));
app.get('/api/:id{[0-9]+}', (c) => c.json({ id: c.req.param('id'), q: c.req.queries('q') }));
app.get('/tagged/x', (c) => c.html('<b>x</b>'));
app.get('/secret/x', (c) => c.text('in'));
app.get('/boom', () => { throw new HTTPException(418, { message: 'teapot' }) });
app.get('/crash', () => { throw new TypeError('crash') });
app.get('/stream', (c) => streamText(c, async (stream) => { await stream.write('a'); await stream.write('b') }));
app.post('/form', validator('form', (value, c) => (value.a ? value : c.text('no', 400))), async (c) => c.json(c.req.valid('form')));
app.onError((error, c) => (error instanceof HTTPException ? error.getResponse() : c.text(`caught ${error.message}`, 500)));
app.notFound((c) => c.text('nothing', 404));

const itty = AutoRouter({ base: '/v1' });
itty.get('/items/:id?', ({ params, query }) => ({ params, query }))
  .post('/items', async (request) => ({ got: await request.json() }))
  .get('/fail', () => ittyError(409, 'conflict'));

const yoga = createYoga({
  schema: createSchema({
    typeDefs: 'type Query { hello(name: String = "you"): String! fails: Int } type Mutation { add(a: Int!, b: Int!): Int }',
    resolvers: {
      Query: { hello: (_, { name }) => `hello ${name}`, fails: () => { throw new Error('hidden') } },
      Mutation: { add: (_, { a, b }) => a + b },
    },
  }),
  logging: false,
  landingPage: false,
});

const t = initTRPC.create();
const router = t.router({
  greet: t.procedure.input(z.object({ name: z.string().min(2) })).query(({ input }) => `hi ${input.name}`),
  fail: t.procedure.query(() => { throw new TRPCError({ code: 'FORBIDDEN', message: 'no entry' }) }),
  add: t.procedure.input(z.array(z.number())).mutation(({ input }) => input.reduce((a, b) => a + b, 0)),
});
const trpc = (path, init) => fetchRequestHandler({ endpoint: '/trpc', router, createContext: () => ({}), req: new Request(`http://x/trpc/${path}`, init) });
const withoutStack = (text) => text.replace(/"stack":"(?:[^"\\]|\\.)*"/g, '"stack":"…"');

const rsa = {
  kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA', alg: 'HS256',
};

export const uses = {
  'hono text': async () => told(await app.request('/')),
  'hono params': async () => told(await app.request('/api/12?q=a&q=b', { headers: { origin: 'https://a.example' } })),
  'hono preflight': async () => told(await app.request('/api/12', { method: 'OPTIONS', headers: { origin: 'https://a.example', 'access-control-request-method': 'PUT' } })),
  'hono not found': async () => told(await app.request('/api/x')),
  'hono etag': async () => { const first = await app.request('/tagged/x'); return [await told(first), await told(await app.request('/tagged/x', { headers: { 'if-none-match': first.headers.get('etag') } }))] },
  'hono auth': async () => [await told(await app.request('/secret/x')), await told(await app.request('/secret/x', { headers: { authorization: `Basic ${btoa('u:p')}` } }))],
  'hono errors': async () => [await told(await app.request('/boom')), await told(await app.request('/crash'))],
  'hono stream': async () => told(await app.request('/stream')),
  'hono form': async () => { const body = new FormData(); body.append('a', '1'); return [await told(await app.request('/form', { method: 'POST', body })), await told(await app.request('/form', { method: 'POST', body: new URLSearchParams({ b: '2' }) }))] },
  'hono jwt': async () => { const token = await sign({ a: 1 }, 'key', 'HS256'); return [token, await verify(token, 'key', 'HS256')] },
  'itty-router': async () => [await told(await itty.fetch(new Request('http://x/v1/items/5?a=1&a=2'))), await told(await itty.fetch(new Request('http://x/v1/items', { method: 'POST', body: '{"x":1}' }))), await told(await itty.fetch(new Request('http://x/v1/fail'))), await told(await itty.fetch(new Request('http://x/none')))],
  'itty-router helpers': async () => { const { corsify } = ittyCors({ origin: '*' }); return told(corsify(ittyJson({ a: 1 }))) },
  'graphql-yoga': async () => { const ask = async (query, variables) => (await yoga.fetch('http://x/graphql', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query, variables }) })).text(); return [await ask('{ hello }'), await ask('query ($n: String) { hello(name: $n) }', { n: 'me' }), await ask('mutation { add(a: 2, b: 3) }'), await ask('{ nope }'), await ask('{ hello(')] },
  'graphql-yoga hides errors': async () => (await yoga.fetch('http://x/graphql?query={fails}')).text(),
  graphql: async () => { const schema = buildSchema('type Query { a(x: Int): [Int] }'); return [print(parse('query Q($x:Int){a(x:$x)}')), validate(schema, parse('{ b }')).map(String), await graphql({ schema, source: '{ a(x: 2) }', rootValue: { a: ({ x }) => [x, x * 2] } })] },
  trpc: async () => [await told(await trpc(`greet?input=${encodeURIComponent('{"name":"bo"}')}`)), await told(await trpc('add', { method: 'POST', body: '[1,2,3]', headers: { 'content-type': 'application/json' } }))],
  'trpc errors': async () => [withoutStack(await (await trpc(`greet?input=${encodeURIComponent('{"name":"b"}')}`)).text()), withoutStack(await (await trpc('fail')).text()), (await trpc('none')).status],
  'path-to-regexp': () => [match('/a/:b/*rest')('/a/1/c/d'), compile('/x/:y')({ y: 'é' }), pathToRegexp('/:a').regexp.source],
  cookie: () => [cookie.parse?.('a=b; c="d e"; f=%20') ?? cookie.parseCookie('a=b; c="d e"; f=%20'), (cookie.serialize ?? cookie.stringifySetCookie)('n', 'v w', { httpOnly: true, maxAge: 60, sameSite: 'lax', path: '/' })],
  ky: async () => { const seen = []; const client = ky.create({ fetch: async (request) => { seen.push([request.method, request.url]); return Response.json({ n: seen.length }, { status: seen.length < 2 ? 503 : 200 }) }, retry: { limit: 1, delay: () => 1 } }); return [await client('http://x/a', { searchParams: { b: 'c' } }).json(), seen] },
  'jose sign': async () => { const key = await jose.importJWK(rsa); const token = await new jose.SignJWT({ a: 1 }).setProtectedHeader({ alg: 'HS256' }).setIssuer('me').setIssuedAt(1).setExpirationTime(4e9).sign(key); return [token, await jose.jwtVerify(token, key, { issuer: 'me' }).then((r) => [r.payload, r.protectedHeader])] },
  'jose refuses': async () => { const key = await jose.importJWK(rsa); const old = await new jose.SignJWT({}).setProtectedHeader({ alg: 'HS256' }).setExpirationTime(1).sign(key); return jose.jwtVerify(old, key).catch((e) => [e.code, e.name, e.message, e.claim]) },
  'jose asymmetric': async () => { const { publicKey, privateKey } = await jose.generateKeyPair('ES256', { extractable: true }); const token = await new jose.SignJWT({ b: 2 }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey); const pem = await jose.exportSPKI(publicKey); return [(await jose.jwtVerify(token, await jose.importSPKI(pem, 'ES256'))).payload, pem.split('\n')[0], Object.keys(await jose.exportJWK(privateKey)).sort()] },
  'jose encrypt': async () => { const key = new Uint8Array(32).fill(7); const token = await new jose.EncryptJWT({ c: 3 }).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(key); return (await jose.jwtDecrypt(token, key)).payload },
  'jose key set': async () => { const { publicKey, privateKey } = await jose.generateKeyPair('RS256', { modulusLength: 2048 }).catch((e) => e); const jwk = { ...(await jose.exportJWK(publicKey)), kid: 'k' }; const token = await new jose.SignJWT({ d: 4 }).setProtectedHeader({ alg: 'RS256', kid: 'k' }).sign(privateKey); return (await jose.jwtVerify(token, jose.createLocalJWKSet({ keys: [jwk] }))).payload },
};
