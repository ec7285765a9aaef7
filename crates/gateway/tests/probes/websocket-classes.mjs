// What is there: classes, members, constants, events, attachments; and that none of it works in module scope.
const pair = () => Object.values(new WebSocketPair());
const thrown = (run) => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};
const named = (object) => Object.entries(Object.getOwnPropertyDescriptors(object)).filter(([name]) => name !== 'constructor')
  .map(([name, it]) => `${name} ${it.enumerable} ${typeof it.get} ${typeof it.set} ${typeof it.value}`).sort();

export function moduleScope() {
  return [thrown(() => new WebSocketPair()), thrown(() => new WebSocket('ws://example.test'))];
}

export const classes = (made) => ({
  'module scope': () => made,
  'pair: keys': () => [Object.keys(new WebSocketPair()), Object.getOwnPropertyNames(new WebSocketPair())],
  'pair: tag': () => String(new WebSocketPair()),
  'pair: iterates': () => [...new WebSocketPair()].map((end) => end instanceof WebSocket),
  'pair: ends stay': () => { const it = new WebSocketPair(); return [it[0] === it[0], it[0] === it[1], it[2]]; },
  'pair: ends are read-only': () => { const it = new WebSocketPair(); thrown(() => { it[0] = 5; }); return typeof it[0]; },
  'pair: argument': () => Object.keys(new WebSocketPair(1)),
  'pair: values': () => pair().map(String),
  'socket: members': () => named(WebSocket.prototype),
  'socket: statics': () => named(WebSocket).filter((line) => !/^(length|name|prototype)/.test(line)),
  'socket: constants': () => [WebSocket.CONNECTING, WebSocket.OPEN, WebSocket.CLOSING, WebSocket.CLOSED,
    WebSocket.READY_STATE_CONNECTING, WebSocket.READY_STATE_OPEN, pair()[0].CLOSED, pair()[1].READY_STATE_CLOSING],
  'socket: lengths': () => [WebSocketPair.length, MessageEvent.name, CloseEvent.name, WebSocket.name],
  'socket: own keys': () => Reflect.ownKeys(pair()[0]),
  'socket: tag': () => Object.prototype.toString.call(pair()[0]),
  'socket: is a target': () => pair()[0] instanceof EventTarget,
  'socket: fields': () => {
    const [it] = pair();
    return [it.readyState, it.url, it.protocol, it.extensions, it.binaryType, it.bufferedAmount, it.onmessage];
  },
  'socket: as json': () => JSON.stringify(pair()[0]),
  'socket: for in': () => { const keys = []; for (const key in pair()[0]) keys.push(key); return keys.includes('send') && keys.includes('OPEN'); },
  'socket: binaryType': () => {
    const [it] = pair();
    return ['blob', 'x', 5, null, 'arraybuffer', 'ARRAYBUFFER'].map((type) => { it.binaryType = type; return it.binaryType; });
  },
  'socket: handlers are properties': () => {
    const [it] = pair();
    return [() => 1, 5, { handleEvent() {} }, null].map((value) => { it.onmessage = value; return it.onmessage === value; });
  },
  'message event': () => { const it = new MessageEvent('message', { data: 5 }); return [it, it.type, it.bubbles, it.cancelable]; },
  'message event: nothing': () => new MessageEvent('message'),
  'message event: all': () => new MessageEvent('m', { data: [1], origin: 'o', lastEventId: 'l', source: null, ports: [] }),
  'message event: coerced': () => new MessageEvent('m', { origin: 5, lastEventId: null }),
  'message event: no type': () => new MessageEvent(),
  'message event: bad init': () => new MessageEvent('m', 5),
  'message event: bad source': () => new MessageEvent('m', { source: 5 }),
  'message event: bad ports': () => new MessageEvent('m', { ports: 5 }),
  'message event: tag': () => [String(new MessageEvent('m')), new MessageEvent('m') instanceof Event],
  'message event: read-only': () => { const it = new MessageEvent('m', { data: 1 }); thrown(() => { it.data = 2; }); return it.data; },
  'close event': () => [new CloseEvent('close'), new CloseEvent('close').type],
  'close event: all': () => new CloseEvent('c', { code: 1001, reason: 'r', wasClean: true }),
  'close event: coerced': () => [new CloseEvent('c', { code: 70000, reason: 5, wasClean: 'x' }), new CloseEvent('c', { code: 'x' })],
  'close event: null init': () => [new CloseEvent('c', null), new CloseEvent('c', undefined)],
  'close event: object as type': () => new CloseEvent({ code: 1001 }).type,
  'close event: no type': () => new CloseEvent(),
  'close event: bad init': () => new CloseEvent('c', 5),
  'close event: big code': () => new CloseEvent('c', { code: 1e10 }),
  'close event: flags': () => { const it = new CloseEvent('c', { bubbles: true, cancelable: true }); return [it.bubbles, it.cancelable]; },
  'close event: tag': () => [String(new CloseEvent('c')), new CloseEvent('c') instanceof Event],
  'attachment': () => { const [it] = pair(); it.serializeAttachment({ x: [1, new Date(0)] }); return JSON.stringify(it.deserializeAttachment()); },
  'attachment: none': () => pair()[0].deserializeAttachment(),
  'attachment: undefined': () => { const [it] = pair(); it.serializeAttachment(undefined); return it.deserializeAttachment(); },
  'attachment: is a copy': () => {
    const [it] = pair();
    const value = { n: 1 };
    it.serializeAttachment(value);
    value.n = 2;
    it.deserializeAttachment().n = 3;
    return it.deserializeAttachment();
  },
  'attachment: function': () => pair()[0].serializeAttachment(() => 1),
  'attachment: no argument': () => pair()[0].serializeAttachment(),
  'attachment: too big': () => pair()[0].serializeAttachment('x'.repeat(20000)),
  'attachment: on the line': () => [16377, 16378, 16379, 16380, 16381, 16384].map((size) =>
    thrown(() => pair()[0].serializeAttachment('x'.repeat(size))) instanceof Error),
  'request response pair': () => { const it = new WebSocketRequestResponsePair('a', 5); return [it.request, it.response, String(it)]; },
  'request response pair: nothing': () => new WebSocketRequestResponsePair(),
  'request response pair: one': () => new WebSocketRequestResponsePair('a'),
});
