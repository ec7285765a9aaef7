// Glob patterns as regular expressions, for path.matchesGlob: `*`, `?`, `**`, `[…]`, `{a,b}`.

function alternatives(pattern, from) {
  let depth = 0;
  for (let i = from; i < pattern.length; i++) {
    if (pattern[i] === '{') depth++;
    else if (pattern[i] === '}' && --depth === 0) return i;
  }
  return -1;
}

function source(pattern) {
  let text = '';
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i];
    if (char === '*') {
      if (pattern[i + 1] === '*') {
        while (pattern[i + 1] === '*') i++;
        if (pattern[i + 1] === '/') {
          i++;
          text += '(?:[^/]+/)*';
        } else text += '.*';
      } else text += '[^/]*';
    } else if (char === '?') text += '[^/]';
    else if (char === '[') {
      const end = pattern.indexOf(']', i + 2);
      if (end < 0) text += '\\[';
      else {
        text += `[${pattern.slice(i + 1, end).replace(/^[!^]/, '^').replaceAll('\\', '\\\\')}]`;
        i = end;
      }
    } else if (char === '{') {
      const end = alternatives(pattern, i);
      if (end < 0) text += '\\{';
      else {
        text += `(?:${split(pattern.slice(i + 1, end)).map(source).join('|')})`;
        i = end;
      }
    } else text += char.replace(/[.+^$()|\\\]}]/, '\\$&');
  }
  return text;
}

function split(list) {
  const parts = [''];
  let depth = 0;
  for (const char of list) {
    if (char === '{') depth++;
    else if (char === '}') depth--;
    if (char === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts;
}

export function globToRegExp(pattern) {
  return new RegExp(`^${source(pattern)}$`, 's');
}
