// A CommonJS part.
exports.name = 'part';
exports.add = (a, b) => a + b;
exports.thisIsExports = this === exports;
exports.required = require;
