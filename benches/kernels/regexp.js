// Regular expressions: an access log is parsed, words are found and replaced.
const lines = Array.from({ length: 100 }, (_, i) =>
  `192.168.${i % 256}.${(i * 7) % 256} - user${i % 13} [27/Nov/2026:10:${10 + (i % 50)}:00 +0000] ` +
  `"${i % 4 ? 'GET' : 'POST'} /shop/items/${i}?page=${i % 9}&sort=price HTTP/1.1" ${i % 11 ? 200 : 404} ${i * 37}`);
const log = lines.join('\n');
const line = /^(\d{1,3}(?:\.\d{1,3}){3}) - (\S+) \[([^\]]+)\] "(GET|POST) ([^ "]+) HTTP\/[\d.]+" (\d{3}) (\d+)$/;

export function run() {
  let bytes = 0, missing = 0;
  for (const text of lines) {
    const found = line.exec(text);
    bytes += Number(found[7]);
    if (found[6] === '404') missing++;
  }
  let pages = 0;
  for (const [, path, page] of log.matchAll(/(\/shop\/items\/\d+)\?page=(?<page>\d+)/g)) pages += path.length + Number(page);
  const masked = log.replace(/\b(\d+)\.(\d+)\.\d+\.\d+\b/g, '$1.$2.x.x').replace(/user\d+/gi, (name) => name.toUpperCase());
  const words = log.split(/[\s"/?&=]+/).filter((word) => /^[a-z]+$/i.test(word)).length;
  return `${bytes} ${missing} ${pages} ${masked.length} ${words}`;
}
