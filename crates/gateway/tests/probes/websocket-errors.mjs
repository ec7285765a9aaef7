// What is refused, in which words: calls at the wrong time, wrong arguments, responses that make no sense.
const pair = () => Object.values(new WebSocketPair());
const accepted = () => { const [it] = pair(); it.accept(); return it; };
const all = (values, run) => values.map((value) => {
  try {
    return run(value) ?? 'well';
  } catch (error) {
    return error;
  }
});
const upgrade = (webSocket, more) => new Response(null, { status: 101, webSocket, ...more });

export const errors = {
  'send before accept': () => pair()[0].send('x'),
  'close before accept': () => pair()[0].close(),
  'accept twice': () => { const it = accepted(); it.accept(); return it.readyState; },
  'accept: options': () => all([5, 'x', true, null, {}, { allowHalfOpen: 'x' }, { allowHalfOpen: null }], (options) => pair()[0].accept(options)),
  'send: values': () => all([undefined, null, 5, {}, [1], true, new Date(0), new Blob(['x']), new Uint8Array(2), new DataView(new ArrayBuffer(2)),
    new ArrayBuffer(1), ''], (value) => accepted().send(value)),
  'send: symbol': () => accepted().send(Symbol('x')),
  'send: nothing': () => accepted().send(),
  'send: throwing conversion': () => accepted().send({ toString() { throw new RangeError('mine'); } }),
  'send after close': () => { const it = accepted(); it.close(); it.send('x'); },
  'close twice': () => { const it = accepted(); it.close(1000, 'a'); it.close(1001, 'b'); return it.readyState; },
  'close twice, the second wrong': () => { const it = accepted(); it.close(); it.close(5); },
  'close: codes': () => all([0, -1, 1, 999, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015,
    1016, 1100, 2999, 3000, 4000, 4999, 5000, 65535, 65536, 66536], (code) => accepted().close(code)),
  'close: coerced codes': () => all(['1000', 'x', NaN, 1000.9, true, {}, [3000], null], (code) => accepted().close(code)),
  'close: huge codes': () => all([1e10, -1e10, Infinity], (code) => accepted().close(code)),
  'close: code undefined': () => accepted().close(undefined),
  'close: reason alone': () => all(['why', '', null], (reason) => accepted().close(undefined, reason)),
  'close: reasons': () => all(['', 'x'.repeat(123), 'x'.repeat(124), 'é'.repeat(61), 'é'.repeat(62), null, undefined, 5, {}],
    (reason) => accepted().close(1000, reason)),
  'unbound': () => all(['accept', 'send', 'close', 'serializeAttachment', 'deserializeAttachment'], (name) => WebSocket.prototype[name].call({}, 'x')),
  'unbound getters': () => all(['readyState', 'url', 'protocol', 'extensions', 'binaryType', 'bufferedAmount'],
    (name) => Object.getOwnPropertyDescriptor(WebSocket.prototype, name).get.call({})),
  'new: nothing': () => new WebSocket(),
  'new: urls': () => all(['x', '', '/x', 'ftp://x/', 'http://x/', 'https://x/', 'ws://x/#f', 'ws://x/#', 5, null, undefined],
    (url) => new WebSocket(url).url),
  'new: urls that no server could have': () => all(['ws://', 'ws://x:99999/'], (url) => new WebSocket(url).url),
  'new: protocols': () => all(['a b', '', {}, 'a,b', ['a', 'a'], ['a', ''], ['a,b'], ['é'], [5, '5']], (protocols) => new WebSocket('ws://x/', protocols).url),
  'response: 101 alone': () => new Response(null, { status: 101 }),
  'response: no status': () => new Response(null, { webSocket: pair()[0] }),
  'response: other status': () => all([200, 100, 204, 426], (status) => upgrade(pair()[0], { status })),
  'response: body': () => new Response('x', { status: 101, webSocket: pair()[0] }),
  'response: empty body': () => new Response('', { status: 101, webSocket: pair()[0] }).status,
  'response: no socket': () => all([5, 'x', {}, [], new WebSocketPair()], (it) => upgrade(it)),
  'response: null socket': () => all([null, undefined], (it) => upgrade(it)),
  'response: null socket, 200': () => new Response(null, { webSocket: null }).webSocket,
  'response: well': () => { const [it] = pair(); const response = upgrade(it); return [response.webSocket === it, response.status, response.body, response.ok]; },
  'response: accepted': () => { const it = accepted(); return upgrade(it).webSocket === it; },
  'response: plain': () => new Response('x').webSocket,
  'response: clone': () => upgrade(pair()[0]).clone(),
  'response: from a response': () => { const [it] = pair(); const first = upgrade(it); return new Response(first.body, first).webSocket === it; },
  'response: from a response, other headers': () => {
    const first = upgrade(pair()[0], { headers: { 'x-a': '1' } });
    const second = new Response(null, first);
    second.headers.set('x-b', '2');
    return [[...second.headers], [...first.headers]];
  },
  'response: json': () => Response.json({}, { status: 101, webSocket: pair()[0] }),
  'response: accept afterwards': () => { const [it] = pair(); upgrade(it); it.accept(); return it.readyState; },
};
