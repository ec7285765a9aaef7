// Forms on the wire: what is written, with the boundary taken out, and what is read, well formed and not.
import { each, entries, file, text } from './forms-tools.mjs';

const F = (...pairs) => { const form = new FormData(); for (const pair of pairs) form.append(...pair); return form; };

async function written(form) {
  const message = new Response(form);
  const type = message.headers.get('content-type');
  const boundary = type.split('boundary=')[1].replaceAll('"', '');
  return [type.replaceAll(boundary, 'B'), (await message.text()).replaceAll(boundary, 'B')];
}

const parse = (body, type = 'multipart/form-data; boundary=B') => new Response(body, { headers: { 'content-type': type } }).formData().then(entries);
const part = (head, body, rest = '') => `--B\r\n${head}\r\n\r\n${body}\r\n--B--${rest}`;
const D = 'Content-Disposition: form-data; name="a"';

export const wire = {
  'written: boundary': () => { const type = () => new Response(F()).headers.get('content-type').split('boundary=')[1]; const one = type(); return [one !== type(), one.length > 16, /^[\x21-\x7e]+$/.test(one)]; },
  'written: nothing': () => written(F()),
  'written: texts': () => written(F(['a', '1'], ['b', ''], ['a', 'x y'])),
  'written: names': () => written(F(['a"b', '1'], ['a\nb', '2'], ['a\r\nb', '3'], ['a\rb', '4'], ['é日', '5'], ['', '6'], ['a\\b', '7'], ['a;b', '8'], ['a%22', '9'], ['\ud800', '10'])),
  'written: values': () => written(F(['a', 'x\ny'], ['a', 'x\r\ny'], ['a', 'x\ry'], ['a', 'é日'], ['a', '"%22'])),
  'written: files': () => written(F(['a', new File(['x'], 'n.txt', { type: 'text/plain' })], ['b', new File(['y'], 'a"b\r\nc;d')], ['c', new Blob(['z'])], ['d', new Blob(['z'], { type: 'a/b;c=d' }), 'é'], ['e', new File([], '')])),
  'written: binary': async () => { const message = new Response(F(['a', new Blob([new Uint8Array([0, 255, 128])])])); const bytes = await message.bytes(); return bytes.includes(255) && bytes.includes(128); },
  'written: read again': async () => entries(await new Response(F(['a"\r\n\n', '1\n2'], ['é', 'ü'], ['f', new File(['x\r\n'], 'n"\r\n\\x', { type: 'A/b' })], ['', '']))  .formData()),
  'written: from a request': async () => { const message = new Request('http://a/', { method: 'POST', body: F(['a', '1']) }); return [message.headers.get('content-type').split('=')[0], await entries(await message.formData()), message.bodyUsed]; },
  'written: a header of its own': async () => { const message = new Response(F(['a', '1']), { headers: { 'content-type': 'text/x' } }); return [message.headers.get('content-type'), (await message.text()).length > 20]; },
  'written: an iterator replaced': async () => { const form = F(['a', '1']); form[Symbol.iterator] = () => [][Symbol.iterator](); return (await new Response(form).text()).includes('name="a"'); },
  'written: later changes do not show': async () => { const form = F(['a', '1']); const message = new Response(form); form.append('b', '2'); return (await message.text()).includes('name="b"'); },

  'types: none and others': () => each(() => new Response('a=1').formData(), () => new Response(text('a=1')).formData(), () => parse('x', 'application/json'), () => parse('x', ''), () => parse('x', 'multipart/mixed; boundary=B'), () => parse('x', 'x')),
  'types: spelled': () => each(() => parse('a=1', 'APPLICATION/X-WWW-FORM-URLENCODED'), () => parse('a=1', ' application/x-www-form-urlencoded ; charset=x'), () => parse('a=%FF', 'application/x-www-form-urlencoded;charset=latin1'), () => parse(part(D, 'x'), 'Multipart/Form-Data;boundary=B'),
    () => parse(part(D, 'x'), 'multipart/form-data; charset=utf-8; boundary=B'), () => parse(part(D, 'x'), 'multipart/form-data; BOUNDARY=B'), () => parse(part(D, 'x'), 'multipart/form-data; boundary="B"'), () => parse(part(D, 'x'), 'multipart/form-data; boundary=B; x=y'), () => parse(part(D, 'x'), 'multipart/form-data;boundary= B'),
    () => parse('a=1', 'application/x-www-form-urlencoded, text/plain')),
  'types: boundaries': () => each(() => parse(part(D, 'x'), 'multipart/form-data'), () => parse(part(D, 'x'), 'multipart/form-data; boundary='), () => parse(part(D, 'x'), 'multipart/form-data; boundary=""'), () => parse(part(D, 'x'), 'multipart/form-data; boundary'), () => parse(part(D, 'x'), 'multipart/form-data; boundary=C'),
    () => parse(part(D, 'x').replaceAll('B', 'a b'), 'multipart/form-data; boundary="a b"'), () => parse(part(D, 'x').replaceAll('B', "'()+_,-./:=?"), 'multipart/form-data; boundary="\'()+_,-./:=?"'), () => parse(part(D, 'x').replaceAll('B', 'x'.repeat(200)), `multipart/form-data; boundary=${'x'.repeat(200)}`), () => parse(part(D, 'x').replaceAll('B', 'a"b'), 'multipart/form-data; boundary="a\\"b"')),
  'urlencoded: edges': () => each(...['a=%4', 'a=%4g', 'a=%g4', 'a=%%41', 'a=%c3%a9', 'a=%C3', '%', '', '&', '=', 'a', 'a=', '=b', 'a=1&a=2', 'a+b=c+d', '%61=%62', 'a=%', 'a=%zz', 'a=%ff', 'é=ü', '?a=1', 'a=1;b=2', 'a==b', 'a=1#x', '\ufeffa=1', 'a=1\n'].map((body) => () => parse(body, 'application/x-www-form-urlencoded'))),
  'urlencoded: bytes that are no text': () => each(() => parse(new Uint8Array([0x61, 0x3d, 0xff]), 'application/x-www-form-urlencoded'), () => parse(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]), 'application/x-www-form-urlencoded')),

  'multipart: texts and files': () => each(() => parse(part(D, 'x')), () => parse(part(`${D}; filename="f"`, 'x')), () => parse(part(`${D}; filename="f"\r\nContent-Type: A/B`, 'x')), () => parse(part(`${D}\r\nContent-Type: text/plain`, 'x')), () => parse(part(`${D}; filename=""`, '')), () => parse(part(D, ''))),
  'multipart: several': () => parse(`--B\r\n${D}\r\n\r\n1\r\n--B\r\n${D}\r\n\r\n2\r\n--B\r\nContent-Disposition: form-data; name="b"; filename="f"\r\n\r\n3\r\n--B--\r\n`),
  'multipart: nothing in it': () => each(() => parse('--B--'), () => parse('--B--\r\n'), () => parse(''), () => parse('\r\n'), () => parse('--B\r\n--B--'), () => parse('--B\r\n\r\n--B--')),
  'multipart: before and behind': () => each(() => parse(`preamble\r\n${part(D, 'x')}`), () => parse(part(D, 'x', '\r\nepilogue')), () => parse(`\r\n${part(D, 'x')}`), () => parse(part(D, 'x', 'junk')), () => parse(`junk${part(D, 'x')}`), () => parse(part(D, 'x', '\r\n'))),
  'multipart: cut short': () => each(...[`--B`, `--B\r\n`, `--B\r\n${D}`, `--B\r\n${D}\r\n`, `--B\r\n${D}\r\n\r\n`, `--B\r\n${D}\r\n\r\nx`, `--B\r\n${D}\r\n\r\nx\r\n`, `--B\r\n${D}\r\n\r\nx\r\n--B`, `--B\r\n${D}\r\n\r\nx\r\n--B-`, `--B\r\n${D}\r\n\r\nx\r\n--B\r\n`].map((body) => () => parse(body))),
  'multipart: bare line feeds': () => each(() => parse(part(D, 'x').replaceAll('\r\n', '\n')), () => parse(`--B\n${D}\n\nx\n--B--`), () => parse(part(D, 'x\ny')), () => parse(part(D, 'x\r\n\r\ny'))),
  'multipart: dispositions': () => each(...['Content-Disposition: form-data', 'Content-Disposition: form-data; name=a', 'Content-Disposition: form-data; name=""', 'Content-Disposition: attachment; name="a"', 'content-disposition: FORM-DATA; NAME="a"', 'Content-Disposition:form-data;name="a"',
    'Content-Disposition: form-data; filename="f"', 'Content-Disposition: form-data; filename="f"; name="a"', 'Content-Disposition: form-data; name="a"; filename=f', 'Content-Disposition: form-data; name="a" ; filename = "f"', 'Content-Disposition: form-data; name=\'a\'', 'Content-Disposition: form-data; xname="b"; name="a"',
    'X: y', 'Content-Disposition: form-data; name="a', 'Content-Disposition: form-data; name="a\\"b"', 'Content-Disposition: form-data; name="a%22%0D%0Ab"', 'Content-Disposition: form-data; name="é"', 'Content-Disposition: form-data; name="a"; filename="é"', "Content-Disposition: form-data; name=\"a\"; filename*=UTF-8''%c3%a9", 'Content-Disposition: form-data; name="a;b"', 'Content-Disposition: form-data; name="a"; name="b"', 'Content-Disposition form-data; name="a"', ': form-data; name="a"']
    .map((head) => () => parse(part(head, 'x')))),
  'multipart: escapes in names': () => each(...['a\\\\b', 'a\\', 'a\\\\', 'a\\nb', 'a\\"', '\\"', 'a\\\\"b', 'a\tb'].map((name) => () => parse(part(`Content-Disposition: form-data; name="${name}"`, 'x')))),
  'multipart: more dispositions': () => each(...['form-data; NAME="a"', 'form-data; name="a"; FILENAME="f"', 'form-data; name="a"; filename=""', 'form-data;; name="a"', 'form-data name="a"', 'form-datax; name="a"', ' form-data; name="a"', 'form-data; name="a" junk; filename="f"', 'form-data; x="name=\\"b\\""; name="a"', 'form-data; name=" a "', 'form-data; name= "a"',
    'form-data; name="a"; filename="b"; filename="c"', 'form-data; name="a"; x', 'form-data, name="a"', 'form-data; x=y name="a"', 'form-data;name="a";filename="f"', 'form-data; filename="name=b"; x="1"', '', 'form-data; name="a"\r\nContent-Disposition: form-data; name="b"'].map((head) => () => parse(part(`Content-Disposition: ${head}`, 'x')))),
  'multipart: empty bodies': () => each(() => parse(`--B\r\n${D}\r\n\r\n--B--`), () => parse(`--B\n${D}\n\n\n--B--`), () => parse(`--B\r\n${D}\r\n\r\n\n--B--`), () => parse(`--B\r\n${D}\r\n\r\n\r\n--B--`), () => parse(`--B\r\n${D}\n\r\nx\r\n--B--`), () => parse(`--B\r\n${D}\r\n\r\n\r\r\n--B--`)),
  'multipart: header names': () => each(...['X Y: z', 'é: z', 'X-Y', 'X: é', 'X: \x01', ' X: z', 'X:z', ': z', 'X : z', 'X:', '\t'].map((head) => () => parse(part(`${head}\r\n${D}`, 'x')))),
  'multipart: types of files': () => each(...['A/B', ' a/b ', 'é', 'a/b; charset="x"', ''].map((type) => () => parse(part(`${D}; filename="f"\r\nContent-Type:${type}`, 'x'))), () => parse(part(`${D}; filename="f"\r\nContent-Type: a/b\r\nContent-Type: c/d`, 'x'))),
  'multipart: other headers': () => each(() => parse(part(`${D}\r\nContent-Transfer-Encoding: base64`, 'eA==')), () => parse(part(`${D}\r\nX-Y: z`, 'x')), () => parse(part(`X-Y: z\r\n${D}`, 'x')), () => parse(part(`Content-Type: a/b\r\n${D}; filename="f"`, 'x')), () => parse(part(`${D}; filename="f"\r\ncontent-type:a/b ; c=d`, 'x')),
    () => parse(part(`${D}; filename="f"\r\nContent-Type: `, 'x')), () => parse(part(`${D}; filename="f"\r\nContent-Type: not a type`, 'x')), () => parse(part(`${D}\r\n continued`, 'x')), () => parse(part(`${D}; filename="f"\r\nContent-Length: 1`, 'xyz'))),
  'multipart: delimiters in values': () => each(() => parse(part(D, 'x--B')), () => parse(part(D, 'x\r\n--C')), () => parse(part(D, '\r\n')), () => parse(part(D, '--B')), () => parse(part(D, 'x\r\n--Bx')), () => parse(part(D, '\r\n--'))),
  'multipart: space behind a delimiter': () => each(() => parse(`--B \r\n${D}\r\n\r\nx\r\n--B--`), () => parse(`--B\t\r\n${D}\r\n\r\nx\r\n--B--`), () => parse(`--Bx\r\n${D}\r\n\r\nx\r\n--B--`), () => parse(`--B\r\n${D}\r\n\r\nx\r\n--B--  `)),
  'multipart: bytes': async () => {
    const head = text(`--B\r\n${D}; filename="f"\r\n\r\n`);
    const middle = new Uint8Array([0, 255, 254, 13, 10, 45, 45]);
    const tail = text('\r\n--B--');
    const form = await new Response(new Blob([head, middle, tail]), { headers: { 'content-type': 'multipart/form-data; boundary=B' } }).formData();
    return form.get('a').bytes();
  },
  'multipart: texts that are none': () => each(() => parse(new Blob([text(`--B\r\n${D}\r\n\r\n`), new Uint8Array([255, 97]), text('\r\n--B--')])), () => parse(new Blob([text(`--B\r\n${D}\r\n\r\n`), new Uint8Array([0xef, 0xbb, 0xbf, 97]), text('\r\n--B--')]))),
  'multipart: file times': async () => { const form = await new Response(part(`${D}; filename="f"`, 'x'), { headers: { 'content-type': 'multipart/form-data; boundary=B' } }).formData(); return [typeof form.get('a').lastModified, form.get('a') === form.get('a')]; },
  'multipart: many': async () => { const all = Array.from({ length: 500 }, (_, i) => `--B\r\nContent-Disposition: form-data; name="n${i}"\r\n\r\n${i}\r\n`).join('') + '--B--'; return (await parse(all)).length; },
  'multipart: from a stream in pieces': async () => {
    const all = text(part(`${D}; filename="f"`, 'x'.repeat(1000)));
    let at = 0;
    const body = new ReadableStream({ pull(c) { if (at >= all.length) c.close(); else c.enqueue(all.slice(at, at += 7)); } });
    const form = await new Response(body, { headers: { 'content-type': 'multipart/form-data; boundary=B' } }).formData();
    return (await file(form.get('a')))[3];
  },
};
