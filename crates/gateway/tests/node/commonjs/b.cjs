exports.saw = Object.keys(require('./a.cjs'));
