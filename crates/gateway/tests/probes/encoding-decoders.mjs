// TextDecoder and TextDecoderStream: every label, every way to be wrong.
import { tries } from './show.mjs';

const bytes = (...list) => new Uint8Array(list);
const LABELS = [
  'unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8',
  '866 cp866 csibm866 ibm866',
  'csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2',
  'csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3',
  'csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4',
  'csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988',
  'arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987',
  'csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek',
  'csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 visual',
  'csiso88598i iso-8859-8-i logical',
  'csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6',
  'iso-8859-13 iso8859-13 iso885913',
  'iso-8859-14 iso8859-14 iso885914',
  'csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9',
  'iso-8859-16',
  'cskoi8r koi koi8 koi8-r koi8_r',
  'koi8-ru koi8-u',
  'csmacintosh mac macintosh x-mac-roman',
  'dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874',
  'cp1250 windows-1250 x-cp1250',
  'cp1251 windows-1251 x-cp1251',
  'ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252',
  'cp1253 windows-1253 x-cp1253',
  'cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 windows-1254 x-cp1254',
  'cp1255 windows-1255 x-cp1255',
  'cp1256 windows-1256 x-cp1256',
  'cp1257 windows-1257 x-cp1257',
  'cp1258 windows-1258 x-cp1258',
  'x-mac-cyrillic x-mac-ukrainian',
  'chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk',
  'gb18030',
  'big5 big5-hkscs cn-big5 csbig5 x-x-big5',
  'cseucpkdfmtjapanese euc-jp x-euc-jp',
  'csiso2022jp iso-2022-jp',
  'csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis',
  'cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949',
  'csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement',
  'unicodefffe utf-16be',
  'csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le',
  'x-user-defined',
].map((line) => line.split(' '));

const HIGH = Uint8Array.from({ length: 128 }, (_, i) => i + 128);
const TABLES = ['chinese', 'gb18030', 'big5', 'csunicode']; // ICU's are not the standard's
const LEGACY = [...'日本語テキスト'].flatMap((_, i) => [0x93, 0xfa, 0x96, 0x7b + i]);
const pieces = (label, options, list) => {
  const decoder = new TextDecoder(label, options);
  return list.map((piece, i) => {
    try {
      return decoder.decode(piece && bytes(...piece), { stream: i < list.length - 1 });
    } catch (error) {
      return error;
    }
  });
};
const utf8 = (...list) => () => list.map((one) => new TextDecoder().decode(bytes(...one)));
const fatal = (label, ...list) => () => tries(...list.map((one) => () => new TextDecoder(label, { fatal: true }).decode(bytes(...one))));
const through = async (stream, list) => {
  const writer = stream.writable.getWriter();
  const write = (async () => {
    for (const piece of list) await writer.write(piece);
    await writer.close();
  })();
  write.catch(() => {});
  const out = [];
  for await (const text of stream.readable) out.push(text);
  await write;
  return out;
};

export const decoders = {
  'all labels': () => LABELS.map((labels) => [...new Set(labels.map((label) => {
    try {
      return new TextDecoder(label).encoding;
    } catch (error) {
      return `${error.name}: ${error.message}`;
    }
  }))].join(' / ')),
  'labels trimmed': () => tries(...[' utf-8 ', '\tUTF8\n', '\u00a0utf-8', 'utf-8\u0000', '', ' ', 'UTF-16', 'Latin1', null, undefined, 5, {}].map((label) => () => new TextDecoder(label).encoding)),
  'high halves': () => LABELS.filter(([label]) => !TABLES.includes(label) && label !== 'csiso2022kr').map(([label]) => { try { return `${label} ${new TextDecoder(label).decode(HIGH)}`; } catch (error) { return error; } }),
  'high halves by other tables': () => TABLES.map((label) => new TextDecoder(label).decode(HIGH)),
  'multibyte': () => ['shift_jis', 'euc-jp', 'gbk', 'gb18030', 'big5', 'euc-kr', 'iso-2022-jp'].map((label) => new TextDecoder(label).decode(bytes(...LEGACY))),
  'utf-8 well formed': utf8([], [0x61, 0xc3, 0xa9], [0xe2, 0x98, 0x95], [0xf0, 0x9d, 0x92, 0xb3], [0xef, 0xbb, 0xbf, 0x61], [0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf]),
  'utf-8 malformed': utf8([0xff], [0xc3], [0xc3, 0x28], [0xe2, 0x98], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0x80], [0xf0, 0x9f, 0x98], [0xe2, 0x28, 0xa1], [0x80, 0x61, 0xbf], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xef, 0xbb]),
  'utf-8 fatal': fatal('utf-8', [0x61], [0xff], [0xc3], [0xe2, 0x98], [0xed, 0xa0, 0x80], [0xef, 0xbb, 0xbf]),
  'legacy fatal': () => tries(...['shift_jis', 'gb18030', 'big5', 'euc-kr', 'euc-jp', 'iso-2022-jp', 'utf-16le', 'utf-16be', 'windows-1253', 'windows-1252', 'x-user-defined'].map((label) => () => new TextDecoder(label, { fatal: true }).decode(bytes(0xff, 0x61, 0xd8)))),
  'ignoreBOM': () => ['utf-8', 'utf-16le', 'utf-16be'].flatMap((label) => [false, true].map((ignoreBOM) => { const input = label === 'utf-8' ? [0xef, 0xbb, 0xbf, 0x61, 0x62] : label === 'utf-16le' ? [0xff, 0xfe, 0x61, 0] : [0xfe, 0xff, 0, 0x61]; const text = new TextDecoder(label, { ignoreBOM }).decode(bytes(...input)); return `${label} ${ignoreBOM} ${text.length} ${text.codePointAt(0)}`; })),
  'bom in pieces': () => [pieces('utf-8', {}, [[0xef], [0xbb], [0xbf, 0x61], [0xef, 0xbb, 0xbf]]), pieces('utf-8', { ignoreBOM: true }, [[0xef], [0xbb, 0xbf], [0x61]]), pieces('utf-16le', {}, [[0xff], [0xfe, 0x61], [0]])].map((list) => list.map((text) => [...text].map((c) => c.codePointAt(0)))),
  'pieces': () => [pieces('utf-8', {}, [[0xe2], [0x98], [0x95]]), pieces('utf-8', {}, [[0xf0, 0x9d], [0x92], []]), pieces('utf-8', {}, [[0xe2], [0x61], undefined]), pieces('shift_jis', {}, [[0x93], [0xfa], [0x96]]), pieces('utf-16le', {}, [[0x3d], [0xd8, 0], [0xde]]), pieces('utf-8', {}, [[0x61, 0xc3], []])],
  'half a pair at the end': () => pieces('utf-16le', {}, [[0x61, 0], [0x3d, 0xd8]]),
  'pieces fatal': () => [pieces('utf-8', { fatal: true }, [[0xe2], [0x61], [0x62]]), pieces('utf-8', { fatal: true }, [[0xe2], []]), pieces('shift_jis', { fatal: true }, [[0x81], [], [0x61]]), pieces('utf-16le', { fatal: true }, [[0x61], []])],
  'decode again after an end': () => { const decoder = new TextDecoder(); return [decoder.decode(bytes(0xe2, 0x98), { stream: true }), decoder.decode(), decoder.decode(bytes(0xef, 0xbb, 0xbf, 0x62)), decoder.decode(bytes(0x95))]; },
  'input kinds': () => tries(() => new TextDecoder().decode(), () => new TextDecoder().decode(undefined), () => new TextDecoder().decode(null), () => new TextDecoder().decode('x'), () => new TextDecoder().decode(5), () => new TextDecoder().decode({}), () => new TextDecoder().decode([0x61]), () => new TextDecoder().decode(bytes(0x61).buffer), () => new TextDecoder().decode(new DataView(bytes(0x61, 0x62).buffer, 1)), () => new TextDecoder().decode(new Uint16Array([0x6161])), () => { const shared = new SharedArrayBuffer(1); new Uint8Array(shared)[0] = 0x63; return new TextDecoder().decode(shared); }, () => { const gone = bytes(0x61); gone.buffer.transfer(); return new TextDecoder().decode(gone); }, () => new TextDecoder().decode(bytes(0x61), 5)),
  'decoder options': () => tries(() => { const { fatal, ignoreBOM, encoding } = new TextDecoder('utf-8', { fatal: 1, ignoreBOM: 'x' }); return [fatal, ignoreBOM, encoding]; }, () => new TextDecoder('utf-8', 5).fatal, () => new TextDecoder(Symbol('x')), () => new TextDecoder({ toString: () => 'koi8-r' }).encoding),
  'options of null': () => tries(() => new TextDecoder('utf-8', null).fatal, () => new TextDecoder().decode(bytes(0x61), null)),
  'decoder shape': () => [Object.getOwnPropertyNames(TextDecoder.prototype).sort(), Object.keys(new TextDecoder()), String(new TextDecoder()), TextDecoder.length, TextDecoder.prototype.decode.length],
  'decoder stream': () => through(new TextDecoderStream(), [bytes(0x61, 0xe2), bytes(0x98), bytes(0x95, 0x62), bytes(0xc3)]),
  'decoder stream of a label': () => through(new TextDecoderStream('shift_jis'), [bytes(0x93), bytes(0xfa, 0x96, 0x7b).buffer]),
  'decoder stream refuses': () => tries(() => new TextDecoderStream('nope'), () => through(new TextDecoderStream(), ['x']), () => through(new TextDecoderStream(), [null]), () => through(new TextDecoderStream('utf-8', { fatal: true }), [bytes(0xff)]), () => through(new TextDecoderStream('utf-8', { fatal: true }), [bytes(0xe2)])),
  'decoder stream shape': () => { const { encoding, fatal, ignoreBOM } = new TextDecoderStream('latin1', { fatal: true }); return [encoding, fatal, ignoreBOM, Object.getOwnPropertyNames(TextDecoderStream.prototype).sort(), String(new TextDecoderStream()), new TextDecoderStream() instanceof TransformStream]; },
  'decoder stream skips a bom': () => through(new TextDecoderStream(), [bytes(0xef), bytes(0xbb, 0xbf), bytes(0x61), bytes()]),
};
