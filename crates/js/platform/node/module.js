// `node:module`: createRequire and what is asked of builtin modules. There is no module loader to hook into.
import { inspect } from '../inspect.js';
import { builtin, builtinModules, isBuiltinName } from './internal/builtins.js';
import { coded, methodNotImplemented } from './internal/errors.js';
import { validateString } from './internal/validators.js';

const NOT_A_PLACE = 'The argument must be a file URL object, a file URL string, or an absolute path string.';

export function createRequire(from) {
  const path = `${from}`;
  if (!(from instanceof URL) && !/^(\/|file:)/.test(path)) {
    throw coded(TypeError, 'ERR_INVALID_ARG_VALUE', `The argument 'path' ${NOT_A_PLACE}. Received ${inspect(path)}`);
  }
  return function require(name) {
    const found = typeof name === 'string' ? builtin(name) : undefined;
    if (found === undefined) throw new Error(`No such module "${`${name}`.replace(/^\.?\//, '')}".`);
    return found;
  };
}

export { builtinModules };

export function isBuiltin(name) {
  validateString(name, 'id');
  return isBuiltinName(name);
}

export function findSourceMap() {
  return undefined;
}
export function findPackageJSON() {
  return undefined;
}
export function getSourceMapsSupport() {
  return { __proto__: null, enabled: false, nodeModules: false, generatedCode: false };
}
export function setSourceMapsSupport() {}
export function syncBuiltinESMExports() {}
export function flushCompileCache() {}
export function getCompileCacheDir() {
  return undefined;
}
export function enableCompileCache() {
  return { status: constants.compileCacheStatus.DISABLED };
}
export function stripTypeScriptTypes() {
  throw methodNotImplemented('module.stripTypeScriptTypes');
}
export function register() {
  throw methodNotImplemented('module.register');
}
export function registerHooks() {
  throw methodNotImplemented('module.registerHooks');
}
export function runMain() {
  throw methodNotImplemented('module.runMain');
}

export const constants = {
  __proto__: null,
  compileCacheStatus: { __proto__: null, FAILED: 0, ENABLED: 1, ALREADY_ENABLED: 2, DISABLED: 3 },
};
export const globalPaths = [];
export const _cache = { __proto__: null };
export const _pathCache = { __proto__: null };
export const _extensions = {
  __proto__: null, '.js': refused('_extensions'), '.json': refused('_extensions'), '.node': refused('_extensions'),
};

function refused(name) {
  return () => {
    throw methodNotImplemented(`module.${name}`);
  };
}

export const _debug = refused('_debug');
export const _findPath = refused('_findPath');
export const _initPaths = refused('_initPaths');
export const _load = refused('_load');
export const _nodeModulePaths = refused('_nodeModulePaths');
export const _preloadModules = refused('_preloadModules');
export const _resolveFilename = refused('_resolveFilename');
export const _resolveLookupPaths = refused('_resolveLookupPaths');

export function wrap() {
  throw methodNotImplemented('module.wrap');
}

export class SourceMap {
  constructor() {
    throw methodNotImplemented('module.SourceMap');
  }
}

export function Module(id = '', parent = undefined) {
  this.id = id;
  this.path = '';
  this.exports = {};
  this.parent = parent;
  this.filename = null;
  this.loaded = false;
  this.children = [];
}

Object.assign(Module, {
  SourceMap, _cache, _debug, _extensions, _findPath, _initPaths, _load, _nodeModulePaths, _pathCache, _preloadModules,
  _resolveFilename, _resolveLookupPaths, builtinModules, constants, createRequire, enableCompileCache,
  findPackageJSON, findSourceMap,
  flushCompileCache, getCompileCacheDir, getSourceMapsSupport, globalPaths, isBuiltin, register, registerHooks, runMain,
  setSourceMapsSupport, stripTypeScriptTypes, syncBuiltinESMExports, wrap,
});
Module.Module = Module;
Module.prototype.require = function (name) {
  return createRequire('/')(name);
};

export default Module;
