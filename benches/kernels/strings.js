// Building strings: appended, joined, templates, escaped, cut and padded.
const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

export function run() {
  let page = '<table>';
  for (let i = 0; i < 500; i++) {
    page += '<tr class="' + (i % 2 ? 'odd' : 'even') + '">';
    page += `<td>${i}</td><td>${escape('a < b & "c"')}</td>`;
    page += '</tr>\n';
  }
  page += '</table>';
  const cells = [];
  for (let i = 0; i < 500; i++) cells.push(`cell-${i}`.padEnd(12, '.').toUpperCase());
  const joined = cells.join(',');
  let out = '';
  for (const part of joined.split(',')) out += part.slice(5, 8).trim() + part.substring(0, 2).toLowerCase();
  return `${page.length} ${page.indexOf('</table>')} ${joined.length} ${out.length}`;
}
