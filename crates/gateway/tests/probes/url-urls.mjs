// URL: what parses to what, what a setter does, and what is refused.
import { tries } from './show.mjs';

const PARTS = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'];
const parts = (url) => PARTS.map((part) => url[part]).join(' | ');
const parse = (...list) => () => tries(...list.map((args) => () => parts(new URL(...[args].flat()))));
const set = (part, list, from = 'https://u:p@host.test:8080/a/b?q=1#h') => () =>
  tries(...list.map((value) => () => {
    const url = new URL(from);
    url[part] = value;
    return url.href;
  }));

export const urls = {
  'special schemes': parse('http://a', 'HTTPS://A.B:443/', 'ftp://a:21/x', 'ws://a:80', 'wss://a:443/x', 'file:///a/b'),
  'other schemes': parse('mailto:a@b', 'data:text/plain,x y', 'blob:https://a/b', 'about:blank', 'javascript:1', 'foo://bar/baz?x#y', 'foo:bar', 'foo:/bar/../x', 'urn:isbn:1'),
  'dots and slashes': parse('http://a/b/../c/./d', 'http://a/b/%2e%2E/c', 'http://a\\b\\c', 'http:////a//b', 'http:a', 'https:/a/b', 'http://a/..', 'http://a//..//b', 'http://a/b/.%2e'),
  'relative': parse(['b', 'http://a/c/d'], ['../b', 'http://a/c/d/e'], ['?x', 'http://a/c#h'], ['#x', 'http://a/c?q'], ['//b/c', 'https://a/'], ['', 'http://a/b?c#d'], ['http:x', 'http://a/b'], ['/x', 'foo://a/b'], ['x', 'mailto:a'], ['#y', 'mailto:a'], ['/c:/x', 'file:///d:/y']),
  'spaces and controls': parse('  http://a/  ', 'http://a/\tb\nc', 'http://a/ b?c d#e f', 'http://a/\u0000', '\u0000http://a/', 'h\ttp://a/'),
  'percent coding': parse('http://a/%zz%41%', 'http://a/é?é#é', 'http://a/"<>`{}^|?"<>`{}\'#"<>`{}', 'http://a/\ud800', 'foo:a b"\'<'),
  'credentials': parse('http://u@a/', 'http://u:@a/', 'http://:p@a/', 'http://u:p:q@a/', 'http://u@v@a/', 'http://@a/', 'http://u/p@a/', "http://a%b:c'd@e/", 'http://u: p@a'),
  'hosts': parse('http://EXAMPLE.com.', 'http://münchen.de', 'http://日本語.jp', 'http://xn--mnchen-3ya.de', 'http://a_b', 'http://a%41b', 'http://faß.de', 'http://☕.example', 'http://a-.b', 'http://ab--c.d'),
  'hosts refused': parse('http://', 'http://a b', 'http://a<b', 'http://a^b', 'http://%00', 'http://a%', 'http://[::1', 'http://a:b', 'http://a:65536', 'http://:80', 'http://\u00ad', 'foo://a b', 'http://a|b', 'http://a%7Cb'),
  'hosts that are no Punycode': () => tries(() => parts(new URL('http://xn--a')), () => { const url = new URL('http://b'); url.hostname = 'xn--a'; return url.href; }),
  'a drive letter behind a host': parse('file://host/c:/x'),
  'ipv4': parse('http://127.1', 'http://0x7f.1', 'http://0300.0.0.1', 'http://256', 'http://4294967295', 'http://1.2.3.4.', 'http://0x'),
  'ipv4 refused': parse('http://256.0.0.1', 'http://1.2.3.256', 'http://4294967296', 'http://1.2.3.4.5', 'http://09.1', 'http://1.2.3.08', 'http://a.1.2', 'http://0xffffffff1'),
  'ipv6': parse('http://[::1]:80', 'http://[1:2:3:4:5:6:7:8]', 'http://[::ffff:1.2.3.4]', 'http://[2001:DB8:0:0:1:0:0:1]', 'http://[::1%25eth0]', 'http://[1::2::3]', 'http://[::1.2.3]'),
  'ports': parse('http://a:0', 'http://a:080', 'http://a:', 'http://a:65535', 'http://a:8 0', 'http://a:-1', 'foo://a:1'),
  'origins': () => ['http://a:80/x', 'blob:https://a:1/b', 'blob:x', 'file:///a', 'foo://a', 'data:x', 'wss://a', 'blob:ftp://a/b', 'blob:ws://a/'].map((url) => new URL(url).origin),
  'refused': () => tries(() => new URL(), () => new URL(''), () => new URL('/a'), () => new URL('a', 'b'), () => new URL('http://a', 'b'), () => new URL(undefined), () => new URL(null), () => new URL(Symbol('x')), () => new URL('//a', undefined), () => new URL('x', null)),
  'coercions': () => tries(() => new URL({ toString: () => 'http://x' }).href, () => new URL(new URL('http://y')).href, () => new URL('a', new URL('http://z')).href, () => new URL({ toString() { throw new RangeError('r'); } }), () => new URL('a', { toString: () => 'http://w' }).href),
  'canParse': () => tries(() => URL.canParse('http://a'), () => URL.canParse('a'), () => URL.canParse('a', 'http://b'), () => URL.canParse('a', 'b'), () => URL.canParse(), () => URL.canParse(undefined, 'http://a'), () => URL.canParse('http://a', undefined)),
  'parse': () => tries(() => URL.parse('http://a').href, () => URL.parse('a'), () => URL.parse('a', 'http://b').href, () => URL.parse('a', 'b'), () => URL.parse(), () => URL.parse('http://a') instanceof URL),
  'object urls': () => [typeof URL.createObjectURL, typeof URL.revokeObjectURL, 'createObjectURL' in URL],
  'set href': set('href', ['http://x/y', 'bad', '', 'foo:bar']),
  'set protocol': set('protocol', ['http', 'http:', 'https:x', 'foo', 'ftp', '', 'ws:', 'file', '1a', 'HTTP']),
  'set protocol of another': set('protocol', ['bar', 'http', 'b-r+.:x'], 'foo://h/x'),
  'set username': set('username', ['x', '', 'a:b@c', 'é', '%41']),
  'set password': set('password', ['x', '', 'a:b@c', 'é']),
  'set credentials where there are none': () => ['file:///a', 'mailto:a', 'foo:/a'].map((href) => {
    const url = new URL(href);
    url.username = 'u';
    url.password = 'p';
    url.port = '1';
    return url.href;
  }),
  'set host': set('host', ['x', 'x:1', 'x:', 'x:443', '', 'a b', '[::1]:2', 'x/y', 'x?y', 'x:y', '1.2.3', 'x:99999', 'é.de', 'x@y']),
  'set hostname': set('hostname', ['x', 'x:1', '', 'a b', '[::1]', 'x/y', '0x1', ':80']),
  'set port': set('port', ['1', '443', '', '99999', 'x', '80x', '-1', '8\t0', '0080', 80, 1.5]),
  'set pathname': set('pathname', ['x', '/x', '', '../y', 'a?b#c', 'é', '\\a', '%2e%2e/z', '//a']),
  'set pathname of another': set('pathname', ['x', '', 'a b'], 'foo:bar'),
  'set pathname without a host': set('pathname', ['//x', 'y'], 'foo:/bar'),
  'set search': set('search', ['x', '?x', '', '?', 'a b', '#', 'é', "'", 'a?b', null]),
  'set hash': set('hash', ['x', '#x', '', '#', 'a b', 'é', '`', '##']),
  'set on opaque paths': () => {
    const url = new URL('data:text/plain,a  ?q#h');
    const seen = [url.href];
    url.search = '';
    seen.push(url.href);
    url.hash = '';
    seen.push(url.href);
    return seen;
  },
  'searchParams of a URL': () => {
    const url = new URL('http://a/?b=c%20d&e=é#h');
    const list = url.searchParams;
    const seen = [list === url.searchParams, list.toString(), url.href];
    list.append('x y', '&=+');
    seen.push(url.href, url.search);
    list.delete('b');
    seen.push(url.href);
    url.search = '?z=1';
    seen.push(list.toString(), list.get('e'));
    list.delete('z');
    seen.push(url.href, url.search);
    url.href = 'http://b/?new=1';
    seen.push([...list]);
    list.set('new', "it's ~ok~*");
    seen.push(url.href);
    list.sort();
    seen.push(url.search);
    return seen;
  },
  'sorting nothing': () => { const url = new URL('http://a/?'); url.searchParams.sort(); const other = new URL('http://a/?b=~'); other.searchParams.sort(); return [url.href, other.href]; },
  'deleting nothing': () => { const url = new URL('http://a/?a=%7e'); url.searchParams.delete('zz'); return url.href; },
  'strings': () => { const url = new URL('http://a/b'); return [String(url), url.toJSON(), JSON.stringify({ url }), `${url}`, Object.prototype.toString.call(url), Object.keys(url)]; },
  'shape': () => [Object.getOwnPropertyNames(URL).sort(), Object.getOwnPropertyNames(URL.prototype).sort(), URL.length, URL.canParse.length, URL.parse.length, Object.keys(URL.prototype).sort()],
  'a subclass': () => { class Sub extends URL { get x() { return this.pathname; } } return new Sub('http://a/b').x; },
  'long ones': () => { const url = new URL(`http://a/${'x'.repeat(70000)}?${'y'.repeat(70000)}`); return [url.href.length, url.search.length]; },
};
