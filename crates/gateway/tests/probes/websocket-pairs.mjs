// Messages between the two ends of a pair: order, kinds of data, listeners, and those that throw.
const pair = (options) => Object.values(new WebSocketPair()).map((end) => { end.accept(options); return end; });
// So many turns of the event loop, in each of which messages come: on a busy machine as well.
const pause = async (turns = 10) => {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
};
const told = (value) => (value instanceof ArrayBuffer ? `bytes ${[...new Uint8Array(value)]}` : value);

// What happens at both ends, by name.
function watched([one, other] = pair()) {
  const log = [];
  for (const [name, end] of [['one', one], ['other', other]]) {
    end.addEventListener('message', (event) => log.push(`${name} message ${told(event.data)}`));
    end.addEventListener('close', (event) => log.push(`${name} close ${event.code} ${event.reason} ${event.wasClean} ${one.readyState}${other.readyState}`));
    end.addEventListener('error', (event) => log.push(`${name} error ${event.message}`));
  }
  return { one, other, log };
}

export const pairs = {
  'echo, in order': async () => {
    const { one, other, log } = watched();
    other.addEventListener('message', (event) => other.send(`re ${event.data}`));
    one.send('1');
    one.send('2');
    one.send('3');
    log.push('sent');
    queueMicrotask(() => log.push('microtask'));
    await pause();
    return log;
  },
  'both ways': async () => {
    const { one, other, log } = watched();
    for (const n of [1, 2, 3]) {
      one.send(`a${n}`);
      other.send(`b${n}`);
    }
    await pause();
    return log;
  },
  'microtasks run between messages': async () => {
    const [one, other] = pair();
    const log = [];
    other.onmessage = ({ data }) => {
      log.push(data);
      queueMicrotask(() => log.push(`after ${data}`));
      Promise.resolve().then(() => {}).then(() => log.push(`later ${data}`));
    };
    one.send('1');
    one.send('2');
    await pause();
    return log;
  },
  'event': async () => {
    const [one, other] = pair();
    const seen = [];
    other.addEventListener('message', (event) => seen.push(event.constructor.name, event.type, event.data, event.origin, event.lastEventId,
      event.source, event.ports, event.target === other, event.currentTarget === other, event.bubbles, event.cancelable, Object.keys(event)));
    one.send('x');
    await pause();
    return seen;
  },
  'kinds of data': async () => {
    const { one, other, log } = watched();
    const bytes = new Uint8Array([1, 2, 3, 4]);
    for (const data of [bytes, bytes.subarray(1, 3), bytes.buffer, new DataView(bytes.buffer, 2), new Uint16Array([258]), 'text', '', new ArrayBuffer(0),
      5, null, undefined, { toString: () => 'mine' }, ['a', 'b'], true]) one.send(data);
    await pause(30);
    other.send('back');
    await pause();
    return log;
  },
  'data is copied when it is sent': async () => {
    const { one, log } = watched();
    const bytes = new Uint8Array([1]);
    one.send(bytes);
    bytes[0] = 9;
    await pause();
    return log;
  },
  'text is well-formed': async () => {
    const [one, other] = pair();
    const codes = [];
    other.onmessage = ({ data }) => codes.push([...data].map((char) => char.codePointAt(0)));
    one.send('a\ud800');
    one.send('\u{1f600}é');
    one.send('\udc00\ud800x');
    await pause();
    return codes;
  },
  'blobs where they are wanted': async () => {
    const [one, other] = pair();
    const seen = [];
    other.binaryType = 'blob';
    other.onmessage = async ({ data }) => seen.push(data instanceof Blob ? [data.size, data.type, await data.text()] : data);
    one.send(new Uint8Array([120, 121]));
    one.send('text');
    await pause();
    other.binaryType = 'arraybuffer';
    other.onmessage = ({ data }) => seen.push(told(data));
    one.send(new Uint8Array([7]));
    await pause();
    return seen;
  },
  'messages wait for accept': async () => {
    const [one, other] = Object.values(new WebSocketPair());
    const log = [];
    other.addEventListener('message', ({ data }) => log.push(data));
    one.accept();
    one.send('early');
    await pause();
    log.push('accepting');
    other.accept();
    log.push('accepted');
    await pause();
    return log;
  },
  'messages without a listener are lost': async () => {
    const [one, other] = pair();
    const log = [];
    one.send('lost');
    await pause();
    other.onmessage = ({ data }) => log.push(data);
    one.send('found');
    await pause();
    return log;
  },
  'listeners': async () => {
    const [one, other] = pair();
    const log = [];
    other.addEventListener('message', () => log.push('first'));
    other.onmessage = () => log.push('handler');
    other.addEventListener('message', () => log.push('once'), { once: true });
    other.addEventListener('message', { handleEvent() { log.push('object'); } });
    const gone = () => log.push('gone');
    other.addEventListener('message', gone);
    other.removeEventListener('message', gone);
    one.send('x');
    await pause();
    one.send('x');
    await pause();
    return log;
  },
  'stopImmediatePropagation': async () => {
    const [one, other] = pair();
    const log = [];
    other.addEventListener('message', (event) => { log.push('first'); event.stopImmediatePropagation(); });
    other.addEventListener('message', () => log.push('second'));
    one.send('x');
    await pause();
    return log;
  },
  'a listener that throws': async () => {
    const [one, other] = pair();
    const log = [];
    other.addEventListener('error', (event) => log.push(event.constructor.name, event.type, event.message, String(event.error)));
    other.addEventListener('message', () => { log.push('1'); throw new TypeError('oops'); });
    other.addEventListener('message', () => log.push('2'));
    one.addEventListener('close', (event) => log.push(`close ${event.code} ${event.reason} ${event.wasClean}`));
    one.addEventListener('error', (event) => log.push(`one ${event.message}`));
    one.send('x');
    one.send('y');
    await pause();
    log.push(one.readyState, other.readyState);
    return log;
  },
  'a listener that rejects': async () => {
    const [one, other] = pair();
    const log = [];
    other.onerror = () => log.push('error');
    other.onmessage = async ({ data }) => { log.push(data); throw new Error('unheard'); };
    one.send('x');
    one.send('y');
    await pause();
    return [log, one.readyState, other.readyState];
  },
  'many messages': async () => {
    const [one, other] = pair();
    let sum = 0;
    const all = new Promise((resolve) => {
      other.onmessage = ({ data }) => {
        sum += Number(data);
        if (data === '200') resolve(sum);
      };
    });
    for (let n = 1; n <= 200; n++) one.send(n);
    return all;
  },
  'a promise for a message': async () => {
    const [one, other] = pair();
    const next = new Promise((resolve) => { other.onmessage = ({ data }) => resolve(data); });
    one.send('it');
    return next;
  },
  'long messages': async () => {
    const [one, other] = pair();
    const sizes = [];
    other.onmessage = ({ data }) => sizes.push(data.length ?? data.byteLength);
    one.send('x'.repeat((1 << 20) + 1));
    one.send(new Uint8Array(3 << 20));
    await pause(60);
    return sizes;
  },
  'dispatched by the script': () => {
    const [it] = pair();
    const log = [];
    it.addEventListener('message', (event) => log.push(event.data));
    return [it.dispatchEvent(new MessageEvent('message', { data: 1 })), log];
  },
};
