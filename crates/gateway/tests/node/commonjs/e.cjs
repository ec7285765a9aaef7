module.exports = function e() {}; module.exports = { x: 1 };
