exports.now = typeof Date.now();
