throw new RangeError('thrown while it was evaluated');
