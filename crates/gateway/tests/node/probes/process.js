import process, { env, nextTick, cwd, version } from 'node:process';
import * as bare from 'process';

export default {
  'module': () => [globalThis.process === process, bare.default === process, global === globalThis, nextTick === process.nextTick, cwd(), version === process.version],
  'facts': () => [process.version, process.versions.node, process.platform, process.arch, process.title, process.argv, process.argv0, process.execArgv, process.execPath, process.pid, process.ppid, process.debugPort, process.release.name, process.connected, process.exitCode],
  'features': () => process.features,
  'tag': () => [Object.prototype.toString.call(process), String(process)],
  'keys': () => Object.keys(process).filter((k) => !k.startsWith('_')).sort(),
  'env': () => [process.env.VAR, process.env.JSON, process.env.NONE, env === process.env, Object.keys(process.env).sort(), 'VAR' in process.env],
  'env writes': () => {
    process.env.N = 5;
    process.env.U = undefined;
    process.env.O = {};
    const seen = [process.env.N, process.env.U, process.env.O];
    delete process.env.N;
    delete process.env.U;
    delete process.env.O;
    return [seen, 'N' in process.env, JSON.stringify(Object.keys(process.env).sort())];
  },
  'env symbols': () => { process.env.S = Symbol('x'); },
  'env spread': () => ({ ...process.env }).VAR,
  'env methods': () => [typeof process.env.toString, process.env.hasOwnProperty('VAR')],
  'nextTick': () => new Promise((r) => process.nextTick((a, b) => r([a, b]), 1, 2)),
  'nextTick before timers': async () => {
    const seen = [];
    setTimeout(() => seen.push('t'), 0);
    process.nextTick(() => seen.push('n'));
    Promise.resolve().then(() => seen.push('p'));
    await new Promise((r) => setTimeout(r, 2));
    return seen;
  },
  'hrtime': () => {
    const a = process.hrtime();
    const d = process.hrtime(a);
    return [a.length, typeof a[0], d[0], typeof process.hrtime.bigint()];
  },
  'hrtime of text': () => process.hrtime('x'),
  'getBuiltinModule': () => [process.getBuiltinModule('node:path') === process.getBuiltinModule('path'), typeof process.getBuiltinModule('buffer').Buffer, process.getBuiltinModule('nope'), process.getBuiltinModule('node:util').inspect.name],
  'getBuiltinModule of number': () => process.getBuiltinModule(5),
  'cwd and chdir': () => {
    process.chdir('/tmp');
    const there = process.cwd();
    process.chdir('/bundle');
    return [there, process.cwd()];
  },
  'chdir nowhere': () => process.chdir('/x'),
  'ids': () => [process.getuid(), process.geteuid(), process.getgid(), process.getegid(), process.getgroups(), process.umask()],
  'setuid': () => process.setuid(1),
  'usage': () => [process.memoryUsage(), process.resourceUsage().maxRSS, process.uptime(), process.constrainedMemory(), process.availableMemory()],
  'cpuUsage': () => process.cpuUsage(),
  'kill': () => process.kill(1, 'SIGTERM'),
  'binding': () => process.binding('fs'),
  'emitter': () => {
    let n = 0;
    process.once('thing', () => n++);
    return [process.emit('thing'), process.emit('thing'), n, process.listenerCount('thing')];
  },
  'emitWarning': async () => {
    const got = new Promise((r) => process.once('warning', (w) => r([w.name, w.message, w.code, w instanceof Error])));
    process.emitWarning('careful', 'MyWarning', 'W1');
    return got;
  },
  'emitWarning with options': async () => {
    const got = new Promise((r) => process.once('warning', (w) => r([w.name, w.code, w.detail])));
    process.emitWarning('careful', { type: 'T', code: 'C', detail: 'D' });
    return got;
  },
  'emitWarning of number': () => process.emitWarning(5),
  'stdout': () => [process.stdout.write('out'), process.stdout.fd, process.stderr.fd, process.stdin.fd, process.stdout.isTTY],
  'assert': () => process.assert(false),
  'loadEnvFile': () => process.loadEnvFile(),
  'flags': () => [Cloudflare.compatibilityFlags.nodejs_compat, Cloudflare.compatibilityFlags.nodejs_compat_v2, Cloudflare.compatibilityFlags.nodejs_als, Cloudflare.compatibilityFlags.url_standard, Cloudflare.compatibilityFlags.nope],
  'all flags': () => Object.entries(Cloudflare.compatibilityFlags).map(([k, v]) => `${k}=${v}`),
  'flags are frozen': () => Object.isFrozen(Cloudflare.compatibilityFlags),
  'globals': () => ['Buffer', 'process', 'global', 'setImmediate', 'clearImmediate', 'Cloudflare', 'require', 'module', '__dirname'].map((k) => typeof globalThis[k]),
};
