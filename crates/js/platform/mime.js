// MIME types as the MIME Sniffing standard parses and writes them.

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const ESSENCE = /^[\t\n\r ]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)\/([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[\t\n\r ]*(?:;|$)/;
const PARAMETER = /[\t\n\r ]*([^;=]*)(?:=(?:"((?:[^"\\]|\\[^])*)(?:"[^;]*|$)|([^;]*)))?(?:;|$)/y;

// A type as it is written after parsing; '' where it is none.
export function essenceText(type) {
  const found = ESSENCE.exec(type);
  if (found === null) return '';
  let text = `${found[1]}/${found[2]}`.toLowerCase();
  const seen = new Set();
  PARAMETER.lastIndex = found[0].length;
  while (PARAMETER.lastIndex < type.length) {
    const parameter = PARAMETER.exec(type);
    if (parameter === null) break;
    const name = parameter[1].toLowerCase();
    const value = parameter[2] === undefined ? parameter[3]?.replace(/[\t\n\r ]+$/, '') : parameter[2].replace(/\\([^])/g, '$1');
    if (value === undefined || value === '' && parameter[2] === undefined) continue;
    if (!TOKEN.test(name) || /[^\t\x20-\x7e\x80-\xff]/.test(value) || seen.has(name)) continue;
    seen.add(name);
    text += `;${name}=${TOKEN.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`}`;
  }
  return text;
}
