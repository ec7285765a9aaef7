// util.parseEnv: the text of an .env file as an object.
import { validateString } from './validators.js';

const LINE = /^\s*(?:export\s+)?([\w.-]+)\s*=\s*(?:'([^']*)'|"([^"]*)"|`([^`]*)`|([^\n#]*))?.*$/gm;

export function parseEnv(content) {
  validateString(content, 'content');
  const values = {};
  for (const [, name, single, double, back, bare] of content.replaceAll('\r\n', '\n').matchAll(LINE)) {
    values[name] = single ?? double?.replaceAll('\\n', '\n') ?? back ?? (bare ?? '').trim();
  }
  return values;
}
