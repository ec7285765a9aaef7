// `node:process`: what Workers see of a process. There is none, so most of it is constant.
import * as host from 'switchyard:host';
import { OP_EXIT } from '../abi.js';
import { ExecutionContext, requestId } from '../context.js';
import { processEnv } from './internal/process-env.js';
import { builtin } from './internal/builtins.js';
import { invalidArgType, invalidArgWords, methodNotImplemented } from './internal/errors.js';
import { standardStream } from './internal/standard-streams.js';
import assertModule from 'node:assert';
import { EventEmitter } from 'node:events';
import { posix } from './internal/paths.js';

// As of the workerd that the tests compare with.
export const version = 'v22.23.4';
const OTHERS = [
  'v8', 'modules', 'zlib', 'brotli', 'zstd', 'ares', 'napi', 'llhttp', 'nghttp2', 'acorn', 'ada', 'simdutf', 'nbytes',
  'ncrypto', 'uvwasi', 'uv', 'openssl', 'sqlite', 'icu', 'undici', 'simdjson', 'unicode', 'cldr', 'tz',
  'cjs_module_lexer', 'amaro', 'merve',
];
export const versions = { node: version.slice(1), ...Object.fromEntries(OTHERS.map((name) => [name, ''])) };
export const title = 'workerd';
export const argv = ['workerd'];
export const argv0 = 'workerd';
export const execArgv = [];
export const execPath = '';
export const arch = 'x64';
export const platform = 'linux';
export const pid = 1;
export const ppid = 0;
export const debugPort = 0;
export const config = { target_defaults: { default_configuration: 'Release' }, variables: {} };
export const env = processEnv;
export const features = {
  cached_builtins: true, debug: false, inspector: false, ipv6: true, openssl_is_boringssl: true, require_module: false,
  tls: true, tls_alpn: true, tls_ocsp: true, tls_sni: true, typescript: false, uv: true,
};
export const release = { name: 'node', lts: true, sourceUrl: '', headersUrl: '' };
export const allowedNodeEnvironmentFlags = new Set();
export const moduleLoadList = [];
export const _preload_modules = [];
export const connected = false;
export const channel = null;
export const domain = null;
export const noDeprecation = false;
export const traceDeprecation = false;
export const throwDeprecation = false;
export const sourceMapsEnabled = false;
export const _exiting = false;
export const permission = { has: () => true };
export const finalization = { register() {}, registerBeforeExit() {}, unregister() {} };
export const report = {
  compact: false, directory: '', filename: '', reportOnFatalError: false, reportOnSignal: false,
  reportOnUncaughtException: false, excludeNetwork: false, excludeEnv: false, signal: 'SIGUSR2',
  getReport: () => ({}), writeReport: () => '',
};

let directory = '/bundle';

export function cwd() {
  return directory;
}

export function chdir(path) {
  if (typeof path !== 'string') throw invalidArgType('directory', 'string', path);
  const target = posix.resolve(directory, path);
  if (!['/', '/bundle', '/dev', '/tmp'].includes(target)) {
    const shown = path.replace(/^\//, '');
    throw systemError('ENOENT', -2, `no such file or directory, chdir '${shown}'`, 'chdir');
  }
  directory = target;
}

function systemError(code, errno, message, syscall) {
  return Object.assign(new Error(message), { code, errno, syscall });
}

export function umask() {
  return 0o22;
}

export function nextTick(callback, ...args) {
  queueMicrotask(() => callback(...args));
}

export function hrtime(previous = undefined) {
  if (previous !== undefined) {
    if (!Array.isArray(previous)) throw invalidArgWords('time', 'tuple of integers', previous);
  }
  const now = Math.floor(host.now());
  let seconds = Math.floor(now / 1000);
  let nanoseconds = (now % 1000) * 1e6;
  if (previous !== undefined) {
    seconds -= previous[0];
    nanoseconds -= previous[1];
    if (nanoseconds < 0) {
      seconds--;
      nanoseconds += 1e9;
    }
  }
  return [seconds, nanoseconds];
}
hrtime.bigint = function bigint() {
  return BigInt(Math.floor(host.now())) * 1000000n;
};

export function uptime() {
  return 0;
}

export function memoryUsage() {
  return { rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 };
}
memoryUsage.rss = () => 0;

export function resourceUsage() {
  return {
    userCPUTime: 0, systemCPUTime: 0, maxRSS: 0, sharedMemorySize: 0, unsharedDataSize: 0, unsharedStackSize: 0,
    minorPageFault: 0, majorPageFault: 0, swappedOut: 0, fsRead: 0, fsWrite: 0, ipcSent: 0, ipcReceived: 0, signalsCount: 0,
    voluntaryContextSwitches: 0, involuntaryContextSwitches: 0,
  };
}

export const constrainedMemory = () => 0;
export const availableMemory = () => 0;

export function emitWarning(warning, type, code, ctor) {
  let detail;
  if (type !== null && typeof type === 'object' && !Array.isArray(type)) ({ type, code, detail } = type);
  else if (typeof type === 'function') type = 'Warning';
  if (typeof code === 'function') code = undefined;
  if (type !== undefined && typeof type !== 'string') throw invalidArgType('type', 'string', type);
  if (code !== undefined && typeof code !== 'string') throw invalidArgType('code', 'string', code);
  if (typeof warning === 'string') {
    const text = warning;
    warning = new Error(text);
    warning.name = String(type || 'Warning');
    if (code !== undefined) warning.code = code;
    if (detail !== undefined) warning.detail = detail;
    Error.captureStackTrace?.(warning, ctor ?? emitWarning);
  } else if (!(warning instanceof Error)) throw invalidArgWords('warning', 'an string or Error', warning);
  queueMicrotask(() => process.emit('warning', warning));
}

// Ends the request, and all that its instance does, as on workerd: nothing of the script runs after it.
export function exit(code) {
  if (code !== undefined) process.exitCode = code;
  const slot = host.contextGet();
  host.op(OP_EXIT, slot instanceof ExecutionContext ? requestId(slot) : 0, Math.trunc(Number(process.exitCode)) || 0);
}
export const reallyExit = exit;

export function abort() {
  exit(1);
}

export function getBuiltinModule(id) {
  return typeof id === 'string' ? builtin(id) : undefined;
}

export const getuid = () => 0;
export const geteuid = () => 0;
export const getgid = () => 0;
export const getegid = () => 0;
export const getgroups = () => [0];

function notPermitted() {
  throw systemError('EPERM', -1, 'operation not permitted');
}
export const setuid = (id) => notPermitted(id);
export const seteuid = (id) => notPermitted(id);
export const setgid = (id) => notPermitted(id);
export const setegid = (id) => notPermitted(id);
export const setgroups = (groups) => notPermitted(groups);
export const initgroups = (user, group) => notPermitted(user, group);

export function loadEnvFile(path = '.env') {
  throw systemError('ENOENT', -2, `no such file or directory, readAll '${posix.resolve(directory, path)}'`, 'readAll');
}

export function setSourceMapsEnabled() {}
export function getSourceMapsSupport() {
  return { enabled: false, nodeModules: false, generatedCode: false };
}
export function hasUncaughtExceptionCaptureCallback() {
  return false;
}
export function ref() {}
export function unref() {}
export function send() {
  return false;
}
export function _rawDebug() {}
export function _getActiveRequests() {
  return [];
}
export function _getActiveHandles() {
  return [];
}
export function _tickCallback() {}
export function _debugProcess() {}
export function _debugEnd() {}
export function _startProfilerIdleNotifier() {}
export function _stopProfilerIdleNotifier() {}

const refused = (name) => function () {
  throw methodNotImplemented(`process.${name}`);
};
export const binding = refused('binding');
export const _linkedBinding = refused('_linkedBinding');
export const dlopen = refused('dlopen');
export const execve = refused('execve');
export const kill = refused('kill');
export const cpuUsage = refused('cpuUsage');
export const threadCpuUsage = refused('threadCpuUsage');
export const getActiveResourcesInfo = refused('getActiveResourcesInfo');
export const setUncaughtExceptionCaptureCallback = refused('setUncaughtExceptionCaptureCallback');

export function assert(value, message) {
  assertModule.ok(value, message);
}

export const stdin = standardStream(0);
export const stdout = standardStream(1);
export const stderr = standardStream(2);

export function openStdin() {
  return stdin;
}

class Process extends EventEmitter {
  get [Symbol.toStringTag]() {
    return 'process';
  }
}

const process = new Process();
Object.assign(process, {
  assert, version, versions, title, argv, argv0, execArgv, arch, platform, config, pid, ppid, getegid, getgid,
  getgroups, geteuid,
  getuid, setegid, setgid, setgroups, seteuid, setuid, initgroups, setSourceMapsEnabled, getSourceMapsSupport, nextTick,
  emitWarning, env, exit, abort, getBuiltinModule, features, allowedNodeEnvironmentFlags, kill, ref, unref, chdir, cwd,
  umask, hrtime, uptime, loadEnvFile, exitCode: undefined, channel, connected, binding, debugPort, dlopen, finalization,
  getActiveResourcesInfo, setUncaughtExceptionCaptureCallback, hasUncaughtExceptionCaptureCallback, memoryUsage,
  noDeprecation, permission, release, report, resourceUsage, send, traceDeprecation, throwDeprecation, sourceMapsEnabled,
  threadCpuUsage, cpuUsage, execPath, constrainedMemory, availableMemory, execve, openStdin, _rawDebug, moduleLoadList,
  _linkedBinding, domain, _exiting, _getActiveRequests, _getActiveHandles, reallyExit, _tickCallback, _debugProcess,
  _debugEnd,
  _startProfilerIdleNotifier, _stopProfilerIdleNotifier, _preload_modules, stdin, stdout, stderr,
});

export const exitCode = undefined;
export default process;
