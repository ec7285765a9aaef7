// URLPattern: components, matching, groups and what is refused.
import { tries } from './show.mjs';

const COMPONENTS = ['protocol', 'username', 'password', 'hostname', 'port', 'pathname', 'search', 'hash'];
const shown = (pattern) => COMPONENTS.map((name) => pattern[name]).join(' | ');
const make = (...list) => () => tries(...list.map((args) => () => { const pattern = new URLPattern(...args); return `${shown(pattern)} ${pattern.hasRegExpGroups}`; }));
// For each input the path's groups, or whether it matches at all.
const match = (args, inputs, of = 'pathname') => () => tries(...inputs.map((input) => () => {
  const result = new URLPattern(...args).exec(...[input].flat());
  return result && { ...result[of].groups, '': result[of].input };
}));
const path = (pathname, inputs) => match([{ pathname }], inputs.map((pathname) => ({ pathname })));

export const patterns = {
  'pattern from strings': make(['https://a.b/c/:d?x=:y#z'], ['https://*.a.b/*'], ['http{s}?://a/*'], ['/a', 'https://b/'], ['foo:bar'], ['data\\:*'], ['https://a:8080/'], ['https://a'], ['*://*/*'], [':proto://:host/:path'], ['https://user:pass@a/'], ['?q=*', 'https://a/b?c'], ['#h', 'https://a/b?c#d'], ['../x', 'https://a/b/c']),
  'pattern from objects': make([{}], [{ pathname: '/a/:b' }], [{ protocol: 'http{s}?', hostname: '(sub.)?a.test' }], [{ pathname: 'b', baseURL: 'https://x/a/c?q#h' }], [{ search: '?a=b', hash: '#c' }], [{ port: '80' }], [{ protocol: 'https', port: '443' }], [{ hostname: 'É.test' }], [{ pathname: '/é b' }], [{ protocol: 'https:', pathname: '/x' }], [{ baseURL: 'https://x/y' }]),
  'pattern from nothing': make([], [undefined], [null]),
  'pattern refused': make(['/a'], [{ pathname: '/(' }], [{ pathname: '/:' }], [{ pathname: '{' }], [{ pathname: '(?:x)' }], [{ hostname: 'a b' }], [{ port: 'x' }], [{ pathname: '/:a/:a' }], [{ baseURL: 'x' }], ['a', 'b'], [{}, 'https://a'], [5], [Symbol('x')], [{ protocol: 'é' }], [{ pathname: '(é)' }], [{ pathname: '/a\\' }]),
  'set notation in a pattern': make([{ pathname: '/([[a-z]--a])' }]),
  'braces in a component': make([{ pathname: '{/a:b}' }]),
  'test a relative input': () => new URLPattern({ pathname: '/a/:b' }).test('/a/b'),
  'pattern called': () => tries(() => URLPattern.length),
  'path names': path('/books/:id', ['/books/1', '/books/', '/books/a/b', '/books/%20', '/books/é', '/x']),
  'path modifiers': path('/a{/:b}?/c', ['/a/c', '/a/x/c', '/a/x/y/c']),
  'path optional': path('/a/:b?', ['/a', '/a/', '/a/x', '/a/x/y']),
  'path many': path('/a/:b+', ['/a', '/a/x', '/a/x/y', '/a/x/']),
  'path any number': path('/a/:b*', ['/a', '/a/x', '/a/x/y']),
  'path wildcard': path('/a/*', ['/a', '/a/', '/a/x/y', '/b']),
  'path wildcard in the middle': path('/*/b/*', ['/a/b/c', '/b/c', '//b/']),
  'path regexp': path('/:year(\\d{4})/:rest(.*)', ['/2024/x/y', '/24/x', '/2024/']),
  'path unnamed': path('/(a|b)/(\\d+)', ['/a/1', '/b/22', '/c/1']),
  'path escaped': path('/a\\:b\\*', ['/a:b*', '/axb']),
  'path group of text': path('/a{bc}+d', ['/abcd', '/abcbcd', '/ad']),
  'path names with unicode': path('/:café', ['/x']),
  'path case': match([{ pathname: '/AbC' }], [{ pathname: '/abc' }, { pathname: '/AbC' }]),
  'ignoreCase': match([{ pathname: '/AbC/:D' }, { ignoreCase: true }], [{ pathname: '/abc/X' }, { pathname: '/ABC/y' }]),
  'ignoreCase with a string': match(['https://a/B', { ignoreCase: true }], ['https://a/b', 'https://A/B', 'HTTPS://a/b/']),
  'ignoreCase with a base': match(['/B', 'https://a', { ignoreCase: true }], ['https://a/b']),
  'hosts match': match([{ hostname: ':sub.a.test' }], [{ hostname: 'x.a.test' }, { hostname: 'x.y.a.test' }, { hostname: 'a.test' }, 'https://www.a.test/z'], 'hostname'),
  'hosts in brackets': match([{ hostname: '[\\:\\:1]' }], ['http://[::1]/', 'http://a/'], 'hostname'),
  'ports match': match([{ port: ':p(\\d+)?' }], ['http://a:81/', 'http://a/', 'https://a:443/'], 'port'),
  'searches match': match([{ search: 'a=:v&*' }], ['https://x/?a=1&b', 'https://x/?a=1', { search: 'a=2&' }], 'search'),
  'a whole result': () => new URLPattern('https://:user@*.a.test:*/x/:id?q=*#:frag').exec('https://me@b.a.test:81/x/5?q=1#f'),
  'a result with base': () => new URLPattern({ pathname: '/x/:id' }).exec('5', 'https://a/x/y'),
  'a result of an object': () => new URLPattern({ pathname: '/x/:id' }).exec({ pathname: '/x/5', baseURL: 'https://a/b' }),
  'a result of nothing': () => new URLPattern().exec(),
  'groups left out': () => { const { groups } = new URLPattern({ pathname: '/a/:b?' }).exec({ pathname: '/a' }).pathname; return [Object.keys(groups), groups.b, Object.getPrototypeOf(groups) === Object.prototype]; },
  'group numbers': () => new URLPattern({ pathname: '/*/:a/(x)/*' }).exec({ pathname: '/1/2/x/3' }).pathname.groups,
  'test': () => { const pattern = new URLPattern({ pathname: '/a/:b' }); return tries(() => pattern.test('https://x/a/b'), () => pattern.test('https://x/a'), () => pattern.test({ pathname: '/a/c' }), () => pattern.test('/a/b', 'https://x'), () => pattern.test('b', 'bad'), () => pattern.test(), () => pattern.test({}), () => pattern.test({ pathname: '/a/b' }, 'https://x'), () => pattern.test(5), () => pattern.test(new URL('https://x/a/b')), () => pattern.test(null)); },
  'exec refuses': () => { const pattern = new URLPattern({ pathname: '/a/:b' }); return tries(() => pattern.exec({ pathname: '/a/b' }, 'https://x'), () => pattern.exec('nope'), () => pattern.exec({ port: 'x' }), () => pattern.exec(Symbol('x'))); },
  'opaque paths': match(['data\\:text/:x'], ['data:text/plain', 'data:y'], 'pathname'),
  'the base is inherited': make([{ pathname: '/x', baseURL: 'https://a:81/b?c#d' }], [{ hostname: 'h', baseURL: 'https://a/b?c' }], [{ search: 's', baseURL: 'https://a/b?c#d' }], [{ protocol: 'http', baseURL: 'https://a/b' }]),
  'regexp groups': () => [[{ pathname: '/(a)' }], [{ pathname: '/:a' }], [{ pathname: '/*' }], [{ search: ':a(\\d)' }], ['https://a/(b)?']].map((args) => new URLPattern(...args).hasRegExpGroups),
  'pattern shape': () => [Object.getOwnPropertyNames(URLPattern.prototype).sort(), Object.prototype.toString.call(new URLPattern()), Object.keys(URLPattern.prototype).sort(), URLPattern.prototype.test.length, URLPattern.prototype.exec.length],
  'prefixes': make([{ pathname: '/a-:b' }], [{ pathname: '/{:a}b' }], [{ pathname: ':a:b' }], [{ pathname: '{a}{b}' }], [{ pathname: '/:a(.*)' }], [{ pathname: '/(.*)' }], [{ pathname: '{:a}*' }], [{ pathname: '/:a{x}?' }], [{ pathname: '{/}?a' }], [{ hostname: '{a.}?b' }]),
};

const early = new URLPattern({ pathname: '/early/:x(\\d+)', search: '*' });

// What was made while the module was evaluated works afterwards.
export function moduleScope() {
  const then = early.test('https://a/early/1');
  return { 'pattern of module scope': () => [then, shown(early), early.exec('https://a/early/22?q').pathname.groups, early.test('https://a/early/x')] };
}
