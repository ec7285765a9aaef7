// How the two ends of a pair close, and what each of them is told.
// So many turns of the event loop, in each of which messages come: on a busy machine as well.
const pause = async (turns = 10) => {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
};

// Both ends, accepted with these options (null: not), and what happens to them.
function watched(first, second) {
  const [one, other] = Object.values(new WebSocketPair());
  const log = [];
  const state = () => `${one.readyState}${other.readyState}`;
  for (const [name, end, options] of [['one', one, first], ['other', other, second]]) {
    if (options !== null) end.accept(options);
    end.addEventListener('message', (event) => log.push(`${name} message ${event.data} ${state()}`));
    end.addEventListener('close', (event) => log.push(`${name} close ${event.code} '${event.reason}' ${event.wasClean} ${state()}`));
    end.addEventListener('error', (event) => log.push(`${name} error ${event.message} ${state()}`));
  }
  const attempt = (run) => {
    try {
      run();
    } catch (error) {
      log.push(String(error));
    }
    log.push(state());
  };
  return { one, other, log, attempt };
}

export const closes = {
  'close and answer': async () => {
    const { one, other, log, attempt } = watched();
    attempt(() => one.close(3000, 'bye'));
    await pause();
    attempt(() => other.close(3001, 'so long'));
    await pause();
    attempt(() => {});
    return log;
  },
  'close without a code': async () => {
    const { one, other, log, attempt } = watched();
    attempt(() => one.close());
    await pause();
    attempt(() => other.close());
    await pause();
    attempt(() => {});
    return log;
  },
  'close at once on both sides': async () => {
    const { one, other, log, attempt } = watched();
    attempt(() => { one.close(4001, 'a'); other.close(4002, 'b'); });
    await pause();
    attempt(() => {});
    return log;
  },
  'messages before a close come first': async () => {
    const { one, log, attempt } = watched();
    attempt(() => { one.send('1'); one.send('2'); one.close(1000, 'end'); });
    await pause();
    return log;
  },
  'send after the other side has closed': async () => {
    const { one, other, log, attempt } = watched();
    attempt(() => one.close(4000));
    attempt(() => other.send('still'));
    await pause();
    attempt(() => other.send('more'));
    await pause();
    attempt(() => other.close(4001));
    await pause();
    attempt(() => other.send('late'));
    return log;
  },
  'half open': async () => {
    const { one, other, log, attempt } = watched({ allowHalfOpen: true }, { allowHalfOpen: true });
    attempt(() => one.close(4000));
    await pause();
    attempt(() => other.send('still'));
    await pause();
    attempt(() => other.close(4001));
    await pause();
    attempt(() => {});
    return log;
  },
  'closed before it was accepted': async () => {
    const { one, other, log, attempt } = watched(undefined, null);
    attempt(() => { one.send('early'); one.close(1001, 'z'); });
    await pause();
    attempt(() => other.accept());
    await pause();
    attempt(() => {});
    return log;
  },
  'close from a close listener': async () => {
    const { one, other, log, attempt } = watched();
    other.onclose = (event) => other.close(event.code, `${event.reason} too`);
    attempt(() => one.close(4567, 'me'));
    await pause();
    attempt(() => {});
    return log;
  },
  'close from a message listener': async () => {
    const { one, other, log, attempt } = watched();
    other.onmessage = () => other.close(4002, 'enough');
    attempt(() => { one.send('1'); one.send('2'); });
    await pause();
    attempt(() => one.close());
    await pause();
    attempt(() => {});
    return log;
  },
  'close event as it comes': async () => {
    const { one, other } = watched();
    const seen = [];
    other.addEventListener('close', (event) => seen.push(event.constructor.name, event.type, event.code, event.reason, event.wasClean,
      event.target === other, event.bubbles, Object.keys(event)));
    one.close(1000, 'é');
    await pause();
    return seen;
  },
  'a close listener that throws': async () => {
    const { one, other, log, attempt } = watched();
    other.addEventListener('close', () => { throw new Error('c'); });
    attempt(() => one.close(1000, 'x'));
    await pause();
    attempt(() => {});
    return log;
  },
  'every code that may be sent': async () => {
    const codes = [];
    for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1016, 2999, 3000, 4999]) {
      const { one, other } = watched();
      other.onclose = (event) => codes.push(event.code);
      one.close(code);
    }
    await pause(20);
    return codes;
  },
};
