exports.late = typeof require('node:path').join;
