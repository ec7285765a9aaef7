// Probes of what speaks a language: Intl, and the methods of numbers, dates and strings that go by a locale.
import { runAll } from './show.mjs';
import { numbers } from './intl-numbers.mjs';
import { dates } from './intl-dates.mjs';
import { texts } from './intl-texts.mjs';

export default {
  async fetch() {
    return Response.json(await runAll({ ...numbers, ...dates, ...texts }));
  },
};
