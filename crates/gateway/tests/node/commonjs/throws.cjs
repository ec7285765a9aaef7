
throw new RangeError("boom");
