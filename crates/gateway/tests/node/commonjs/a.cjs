exports.a = 1; exports.b = require('./b.cjs'); exports.done = true;
