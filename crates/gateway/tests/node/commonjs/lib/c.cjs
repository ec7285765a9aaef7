const path = require('path');
const attempt = (run) => {
  try {
    return run();
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
};

exports.node = [path.sep, typeof require('node:util').inspect, typeof require('buffer').Buffer, require('events').EventEmitter.name];
exports.sibling = require('./d.cjs').name;
exports.parent = require('../e.cjs');
exports.data = [require('../d.json'), require('../t.txt')];
exports.places = [__filename, __dirname, Object.keys(require), typeof module.id];
exports.missing = [attempt(() => require('./nope')), attempt(() => require('node:nope'))];
exports.module = attempt(() => require('../esm.js'));
exports.same = [require('./d.cjs') === require('./d.cjs'), require('../d.json') === require('../d.json')];
exports.sloppy = (function () { return typeof this; })();
exports.globals = [typeof global, typeof process.nextTick, typeof Buffer];
exports.throws = attempt(() => require('../throws.cjs'));
exports.later = (name) => require(name);
