// unhandledrejection and rejectionhandled.
const wait = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));
const during = (run) => async () => {
  const seen = [];
  const see = (e) => { if (e.reason === undefined || String(e.reason).startsWith('probe')) seen.push([e.type, String(e.reason), e.promise instanceof Promise, e.constructor.name, e.cancelable, e.bubbles]); };
  addEventListener('unhandledrejection', see);
  addEventListener('rejectionhandled', see);
  await run(seen);
  await wait();
  removeEventListener('unhandledrejection', see);
  removeEventListener('rejectionhandled', see);
  return seen;
};

export const rejections = {
  'a rejection nobody handles': during(() => { Promise.reject('probe 1'); }),
  'a rejection handled at once': during(() => { Promise.reject('probe 2').catch(() => {}); }),
  'a rejection handled in a microtask': during(async () => { const p = Promise.reject('probe 3'); await null; p.catch(() => {}); }),
  'a rejection handled later': during(async (seen) => { const p = Promise.reject('probe 4'); await wait(); seen.push('now'); p.catch(() => {}); await wait(); }),
  'a rejection of an async function': during(() => { (async () => { throw 'probe 5'; })(); }),
  'a rejection of a chain': during(() => { Promise.reject('probe 6').then(() => {}); }),
  'a throw in then': during(() => { Promise.resolve().then(() => { throw 'probe 7'; }); }),
  'a rejection that comes later': during(async () => { let fail; new Promise((_, reject) => { fail = reject; }); await wait(); fail('probe 8'); }),
};
