module.exports = { name: 'd' };
