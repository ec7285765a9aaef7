import module, { createRequire, builtinModules, isBuiltin } from 'node:module';
import * as bare from 'module';

const require = createRequire('/index.js');
const NAMES = ['assert', 'assert/strict', 'async_hooks', 'buffer', 'console', 'diagnostics_channel', 'events', 'module', 'path', 'path/posix', 'path/win32', 'process', 'querystring', 'string_decoder', 'sys', 'timers', 'timers/promises', 'url', 'util', 'util/types'];

export default {
  'module': () => [bare.default === module, module.Module === module, typeof module, module.createRequire === createRequire],
  'require': () => NAMES.map((n) => typeof require(n)),
  'require is the default export': async () => Promise.all(NAMES.map(async (n) => (await import(n)).default === require(`node:${n}`))),
  'require unknown': () => require('nope'),
  'require unknown node module': () => require('node:nope'),
  'createRequire of a relative path': () => createRequire('x'),
  'createRequire of a URL': () => typeof createRequire('file:///a.js')('path').join,
  'isBuiltin': () => [isBuiltin('path'), isBuiltin('node:path'), isBuiltin('nope'), isBuiltin('wss')],
  'builtinModules': () => NAMES.map((n) => builtinModules.includes(n)),
  'dynamic imports': async () => Promise.all(NAMES.map(async (n) => (await import(n)) === (await import(`node:${n}`)))),
  'unknown import': () => import('node:nope'),
  'exports': async () => Promise.all(NAMES.filter((n) => n !== 'process').map(async (n) => [n, Object.keys(await import(n)).sort()])),
  'wrap': () => module.wrap('x'),
};
