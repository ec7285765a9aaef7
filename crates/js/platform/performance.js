// performance: the wall clock in whole milliseconds, counted from 1970, as on workerd; it stands still while a module
// is evaluated.
import * as host from 'switchyard:host';
import { present } from './idl.js';

class Performance {
  get timeOrigin() {
    return 0;
  }
  now() {
    return Math.floor(host.now());
  }
}
present(Performance);

export const performance = new Performance();
