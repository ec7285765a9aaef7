// process.env: the Worker's text and JSON bindings as strings, where the compatibility date has it so. They are
// read at the first look; a look during evaluation is noticed by the host, which then keeps the page delta encrypted.
import { isOn } from '../../compatibility.js';
import { textBindings } from '../../env.js';

let values = null;

function store() {
  return (values ??= isOn('nodejs_compat_populate_process_env') ? textBindings() : {});
}

export function forgetProcessEnv() {
  values = null;
}

export const processEnv = new Proxy({}, {
  get: (_, key) => (Object.hasOwn(store(), key) ? store()[key] : Reflect.get(Object.prototype, key)),
  has: (_, key) => key in store(),
  set(_, key, value) {
    if (typeof value === 'symbol') throw new TypeError('Cannot convert a symbol value to a string');
    store()[key] = `${value}`;
    return true;
  },
  deleteProperty(_, key) {
    delete store()[key];
    return true;
  },
  defineProperty: (_, key, descriptor) => {
    if ('value' in descriptor) descriptor = { ...descriptor, value: `${descriptor.value}` };
    return Reflect.defineProperty(store(), key, { ...descriptor, configurable: true });
  },
  ownKeys: () => Reflect.ownKeys(store()),
  getOwnPropertyDescriptor: (_, key) => {
    const descriptor = Object.getOwnPropertyDescriptor(store(), key);
    if (descriptor !== undefined) descriptor.configurable = true;
    return descriptor;
  },
});
