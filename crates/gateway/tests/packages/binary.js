// Packages that encode, compress, hash and read formats.
import { gunzipSync, gzipSync, strFromU8, strToU8, unzipSync, zipSync, zlibSync, deflateSync, inflateSync } from 'fflate';
import * as pako from 'pako';
import { PDFDocument, StandardFonts, rgb } from 'pdf-lib';
import { customAlphabet, nanoid } from 'nanoid';
import { v4, v5, validate as validUuid, version, parse as parseUuid, stringify } from 'uuid';
import { sha256 } from '@noble/hashes/sha2.js';
import { blake3 } from '@noble/hashes/blake3.js';
import { hmac } from '@noble/hashes/hmac.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import * as yaml from 'js-yaml';
import * as YAML from 'yaml';
import Papa from 'papaparse';
import semver from 'semver';
import slugify from 'slugify';
import ms from 'ms';
import nacl from 'tweetnacl';
import Big from 'big.js';
import Decimal from 'decimal.js';
import validator from 'validator';
import { compareSync, hashSync } from 'bcryptjs';

const hex = (bytes) => bytesToHex(new Uint8Array(bytes));
const day = new Date(Date.UTC(2024, 1, 29, 13, 4, 5));

export const uses = {
  fflate: () => { const bytes = strToU8('hello '.repeat(50)); const zipped = zipSync({ 'a.txt': [bytes, { mtime: new Date(1980, 1, 1) }] }); return [strFromU8(gunzipSync(gzipSync(bytes, { mtime: 0 }))).length, hex(zlibSync(bytes)), strFromU8(unzipSync(zipped)['a.txt']).length, strFromU8(inflateSync(deflateSync(bytes))).length] },
  pako: () => { const packed = pako.deflate('hello '.repeat(50)); return [hex(packed), pako.inflate(packed, { to: 'string' }).length, (() => { try { pako.inflate(new Uint8Array([1, 2, 3])) } catch (e) { return String(e) } })()] },
  'pdf-lib': async () => { const doc = await PDFDocument.create(); doc.setCreationDate(day); doc.setModificationDate(day); const page = doc.addPage([200, 100]); page.drawText('Héllo', { x: 10, y: 50, size: 12, font: await doc.embedFont(StandardFonts.Helvetica), color: rgb(1, 0, 0) }); const bytes = await doc.save(); const again = await PDFDocument.load(bytes); return [bytes.length, hex(sha256(bytes)), again.getPageCount(), again.getPage(0).getSize()] },
  nanoid: () => [nanoid().length, customAlphabet('ab', 5)().length, /^[\w-]{21}$/.test(nanoid())],
  uuid: () => [validUuid(v4()), version(v4()), v5('x', v5.URL), hex(parseUuid('6ba7b810-9dad-11d1-80b4-00c04fd430c8')), stringify(parseUuid('6ba7b810-9dad-11d1-80b4-00c04fd430c8'))],
  'noble hashes': () => [hex(sha256(utf8ToBytes('abc'))), hex(blake3(utf8ToBytes('abc'))), hex(hmac(sha256, utf8ToBytes('k'), utf8ToBytes('m')))],
  'noble curves': () => { const key = new Uint8Array(32).fill(1); const sig = secp256k1.sign(sha256(utf8ToBytes('m')), key, { prehash: false }); return [hex(sig.toBytes ? sig.toBytes() : sig), secp256k1.verify(sig, sha256(utf8ToBytes('m')), secp256k1.getPublicKey(key), { prehash: false })] },
  'js-yaml': () => [yaml.load('a: 1\nb: [x, "y"]\nc: |\n  t\n  u\nd: 2024-01-01\n'), yaml.dump({ a: [1, { b: null }], s: 'x: y' }), (() => { try { yaml.load('a: [') } catch (e) { return e.message } })()],
  yaml: () => [YAML.parse('&x a: *x\n'.replace('*x', '1')), YAML.stringify({ a: [1, 'two'], b: { c: true } }), YAML.parseDocument('a: [').errors.map((e) => e.code)],
  papaparse: () => [Papa.parse('a,b\n1,"x, ""y"""\n', { header: true }).data, Papa.unparse([{ a: 1, b: 'x,y' }])],
  semver: () => [semver.satisfies('1.2.3', '^1.0.0 || >2'), semver.inc('1.2.3', 'prerelease', 'rc'), semver.valid('v1.2'), semver.sort(['2.0.0', '1.0.0-a', '1.0.0']), semver.coerce('x1.2').version],
  slugify: () => slugify('Héllo Wörld! & more', { lower: true }),
  ms: () => [ms('2 days'), ms(60000), ms(2 * 3600000, { long: true })],
  tweetnacl: () => { const key = nacl.sign.keyPair.fromSeed(new Uint8Array(32).fill(3)); const signed = nacl.sign.detached(utf8ToBytes('m'), key.secretKey); return [hex(signed), nacl.sign.detached.verify(utf8ToBytes('m'), signed, key.publicKey), hex(nacl.secretbox(utf8ToBytes('x'), new Uint8Array(24), new Uint8Array(32)))] },
  'big numbers': () => [new Big('0.1').plus('0.2').toString(), new Big(2).pow(100).toFixed(), new Decimal('1').div(3).toString(), Decimal.exp(1).toFixed(20)],
  validator: () => [validator.isEmail('a@example.com'), validator.isURL('http://x'), validator.escape('<a>'), validator.isCreditCard('4111111111111111'), validator.isISO8601('2024-02-30', { strict: true })],
  bcryptjs: () => { const hashed = hashSync('pw', '$2b$04$abcdefghijklmnopqrstuu'); return [hashed, compareSync('pw', hashed), compareSync('no', hashed)] },
};
