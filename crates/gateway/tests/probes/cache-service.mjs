// What stands behind workerd's Cache API in the probes: it keeps what is put, by cache and URL. On a node of ours
// nobody imports it.
const kept = new Map();

export default {
  async fetch(request) {
    const key = `${request.headers.get('cf-cache-namespace') ?? ''} ${request.url.split('#')[0]}`;
    if (request.method === 'PUT') {
      const message = await request.text();
      const end = message.indexOf('\r\n\r\n');
      const [first, ...lines] = message.slice(0, end).split('\r\n');
      const headers = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]);
      kept.set(key, { status: Number(first.split(' ')[1]), headers, text: message.slice(end + 4).replace(/^\d+\r\n|\r\n0\r\n\r\n$/g, '') });
      return new Response(null, { status: 204 });
    }
    if (request.method === 'PURGE') return new Response(null, { status: kept.delete(key) ? 200 : 404 });
    const found = kept.get(key);
    if (found === undefined) return new Response(null, { status: 504, headers: { 'cf-cache-status': 'MISS' } });
    const headers = new Headers(found.headers);
    headers.delete('transfer-encoding');
    headers.set('cf-cache-status', 'HIT');
    return new Response([204, 205, 304].includes(found.status) ? null : found.text, { status: found.status, headers });
  },
};
