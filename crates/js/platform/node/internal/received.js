// What a wrong argument was, as Node's messages say it: ` Received type number (5)`.
let brief = String;

// Set by util's inspect.
export function briefWith(inspect) {
  brief = inspect;
}

export function describeReceived(value) {
  if (value === null || value === undefined) return ` Received ${value}`;
  if (typeof value === 'function' && value.name) return ` Received function ${value.name}`;
  if (typeof value === 'object') {
    const name = value.constructor?.name;
    return name ? ` Received an instance of ${name}` : ` Received ${brief(value, { depth: -1 })}`;
  }
  let shown = brief(value, { colors: false });
  if (shown.length > 28) shown = `${shown.slice(0, 25)}...`;
  return ` Received type ${typeof value} (${shown})`;
}
