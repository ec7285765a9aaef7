// Changes built-ins for the time of an action, and tells what the action gave, and how often what took the place of a
// built-in was called. Nothing here uses a built-in that a probe may have changed.

const { defineProperty, getOwnPropertyDescriptor } = Object;
const { apply, deleteProperty } = Reflect;
const { Promise, clearTimeout, setTimeout } = globalThis;
const { then } = Promise.prototype;

// What an action gives, for as long as somebody would wait.
function settled(promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000, 'never settles');
    const end = (settle) => (value) => {
      clearTimeout(timer);
      settle(value);
    };
    apply(then, promise, [end(resolve), end(reject)]);
  });
}

// What each action gives under each change: `changes` maps a name to a list of [object, key, how].
export async function crossed(changes, actions) {
  const all = {};
  for (const change of Object.keys(changes)) {
    for (const action of Object.keys(actions)) all[`${change}: ${action}`] = await under(changes[change], actions[action]);
  }
  return all;
}

async function under(list, action) {
  let calls = 0;
  const evil = function evil() {
    calls++;
    throw new EvalError('a changed built-in was called');
  };
  const before = { __proto__: null, length: list.length };
  let told;
  for (let i = 0; i < list.length; i++) before[i] = getOwnPropertyDescriptor(list[i][0], list[i][1]);
  try {
    for (let i = 0; i < list.length; i++) change(list[i][0], list[i][1], list[i][2], evil);
    told = await settled((async () => await action())());
  } catch (error) {
    told = `threw ${error.name}: ${error.message}`;
  }
  for (let i = 0; i < list.length; i++) {
    deleteProperty(list[i][0], list[i][1]);
    const was = before[i];
    if (was !== undefined) {
      was.__proto__ = null;
      defineProperty(list[i][0], list[i][1], was);
    }
  }
  return calls === 0 ? told : `${told}, ${calls} calls`;
}

function change(object, key, how, evil) {
  if (how === 'delete') deleteProperty(object, key);
  else if (how === 'getter') defineProperty(object, key, { __proto__: null, get: evil, configurable: true });
  else if (how === 'setter') defineProperty(object, key, { __proto__: null, set: evil, configurable: true });
  else if (how === 'evil') defineProperty(object, key, { __proto__: null, value: evil, writable: true, configurable: true });
  else defineProperty(object, key, { __proto__: null, value: how, writable: true, configurable: true, enumerable: true });
}

const ITERATOR = Symbol.iterator;

// All own methods of an object, but for what the probes themselves cannot do without.
export function all(object, how = 'evil', but = []) {
  return Reflect.ownKeys(object)
    .filter((key) => key !== 'constructor' && !but.includes(key))
    .filter((key) => getOwnPropertyDescriptor(object, key).configurable)
    .map((key) => [object, key, how]);
}

export { ITERATOR };
