import url from 'node:url';
import * as bare from 'url';

const parse = (...a) => {
  const u = url.parse(...a);
  return { ...u };
};

export default {
  'module': () => [url.URL === URL, url.URLSearchParams === URLSearchParams, bare.parse === url.parse, Object.keys(url).sort()],
  'parse': () => parse('http://user:pass@host.com:8080/p/a/t/h?query=string#hash'),
  'parse path': () => parse('/a/b?c=d#e'),
  'parse query': () => parse('/a?b=1&b=2&c', true),
  'parse relative': () => parse('a/b'),
  'parse mailto': () => parse('mailto:a@b.c'),
  'parse javascript': () => parse('javascript:alert(1)'),
  'parse without protocol': () => [parse('//host/path'), parse('//host/path', false, true)],
  'parse spaces': () => parse('  http://a.com/b c '),
  'parse upper case': () => parse('HTTP://EXAMPLE.com/X'),
  'parse ipv6': () => parse('http://[::1]:80/a'),
  'parse file': () => parse('file:///etc/passwd'),
  'parse backslashes': () => parse('http:\\\\a.com\\b'),
  'parse number': () => url.parse(5),
  'format': () => [url.format({ protocol: 'http', host: 'a.com', pathname: 'x', query: { a: 1, b: [2, 3] } }), url.format({ pathname: '/a#b?c', search: 'x=#y', hash: 'h' }), url.format({ protocol: 'mailto:', pathname: 'a@b' }), url.format({ hostname: '::1', port: 5, protocol: 'http:' }), url.format('http://a.com/b?c')],
  'format URL': () => [url.format(new URL('http://u:p@ex.com/p?q#h')), url.format(new URL('http://u:p@ex.com/p?q#h'), { auth: false, fragment: false, search: false }), url.format(new URL('http://xn--espaol-zwa.com/'), { unicode: true })],
  'format null': () => url.format(null),
  'resolve': () => [['/one/two/three', 'four'], ['http://example.com/', '/one'], ['http://example.com/one', '/two'], ['http://a.com/b/c', '../d'], ['http://a.com/b', '//c.com/d'], ['http://a.com/b?c', '?d'], ['http://a.com/b', '#e'], ['/a/b', '..'], ['http://a.com', 'http://b.com/c'], ['a/b', 'c'], ['http://a.com/b/c/d', './../e/'], ['mailto:a@b', 'c']].map(([a, b]) => url.resolve(a, b)),
  'fileURLToPath': () => [url.fileURLToPath('file:///a%20b/c'), url.fileURLToPath(new URL('file:///x')), url.fileURLToPath('file:///C:/a/b', { windows: true })],
  'fileURLToPath of http': () => url.fileURLToPath('http://x'),
  'fileURLToPath with slash': () => url.fileURLToPath('file:///a%2Fb'),
  'fileURLToPath with host': () => url.fileURLToPath('file://host/a'),
  'fileURLToPath of number': () => url.fileURLToPath(5),
  'pathToFileURL': () => [url.pathToFileURL('/a b/ü#?%').href, url.pathToFileURL('/x/').href, url.pathToFileURL('C:\\a\\b', { windows: true }).href, url.pathToFileURL('rel').href],
  'pathToFileURL of number': () => url.pathToFileURL(5),
  'urlToHttpOptions': () => ({ ...url.urlToHttpOptions(new URL('https://a:b@c.d:81/e?f#g')) }),
  'domains': () => [url.domainToASCII('español.com'), url.domainToASCII('中文.com'), url.domainToASCII('xn--iñvalid.com'), url.domainToUnicode('xn--espaol-zwa.com'), url.domainToUnicode('xn--fiq228c.com')],
  'Url': () => {
    const u = new url.Url();
    u.parse('http://a.b/c');
    return [u.hostname, u.resolve('d'), u.format()];
  },
};
