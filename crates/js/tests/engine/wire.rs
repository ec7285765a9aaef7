//! Values through the wire both ways, UTF-8, and the small helpers of `switchyard:host`.

use switchyard_js::abi::{Reader, Value, Writer, op};

use crate::host::{Guest, Modules, on_base};

const MAIN: &str = r#"
const host = __host;
const show = (v) => v === undefined ? "undefined" : v === null ? "null" : v instanceof Uint8Array ? "bytes(" + v + ")" : Object.is(v, -0) ? "-0" : typeof v + " " + String(v);
export const echo = (...args) => { const r = host.sync(100, ...args); return (Array.isArray(r) && args.length !== 1 ? r : [r]).map(show).join("; ") };
export const received = (...args) => args.map(show).join("; ");
export const views = () => {
  const b = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7]).buffer;
  const r = new ArrayBuffer(4, { maxByteLength: 8 }), tracking = new Uint8Array(r, 1); r.resize(6);
  return host.sync(100, b, new Uint8Array(b, 2, 3), new Uint16Array(b, 2, 2), new DataView(b, 6), tracking, new Uint8Array(0), new ArrayBuffer(0)).map(show).join("; ");
};
export const refused = () => [{}, [], () => 1, Symbol(), 10n].map((v) => { try { host.sync(100, v); return "sent" } catch (e) { return e.name } }).join();
export const detached = () => { const b = new ArrayBuffer(8); const v = new Uint8Array(b); host.detach(b); try { host.sync(100, v); return "sent" } catch (e) { return e.name + b.byteLength } };
export const silence = () => [host.sync(101), host.sync(103)].map(String).join();
export const hostile = () => { try { return show(host.sync(102)) } catch (e) { return e.name } };
export const own = () => { const a = host.sync(100, new Uint8Array([1])), b = host.sync(100, new Uint8Array([2])); a[0] = 9; return "" + a + b + (a.buffer.byteLength) };
export const large = () => { const t = "ü".repeat(50000), b = new Uint8Array(100000).fill(7); const [x, y, z] = host.sync(100, t, b, 5); return (x === t) + "," + y.length + y[99999] + "," + z };
export const surrogates = () => [..."\ud800|a\udc00b|\ud83c\udf88|\udf88\ud83c".split("|")].map((s) => host.sync(100, s)).join("|");
export const utf8 = () => ["", "aé世🎈", "\ud800x"].map((s) => show(host.utf8Encode(s)) + host.utf8Length(s)).join("; ");
export const decode = (b, fatal, bom) => { try { return JSON.stringify(host.utf8Decode(b, fatal, bom)) } catch (e) { return e.name } };
export const kinds = () => [new ArrayBuffer(1), new DataView(new ArrayBuffer(1)), Promise.resolve(), new Map, new Set, new Date, /x/, new Error, new TypeError, new Uint8Array, [], {}, 1, "s", null, undefined, new Proxy({}, {}), Object.create(Map.prototype)].map((v) => host.kind(v)).join();
export const promises = () => [new Promise(() => {}), Promise.resolve(1), (() => { const p = Promise.reject(1); p.catch(() => {}); return p })()].map(host.promiseState).join() + [Promise.resolve(), { then() {} }, 1].map(host.isPromise).join();
export const now = () => host.now();
export const tell = () => { host.op(6, 3, "a", 1, 2.5, -0, null, undefined, true, false, new Uint8Array([1, 2]), 2147483648, -2147483648, 4294967296.5, NaN); return "told" };
export const rope = () => { let s = "x"; for (let i = 0; i < 5000; i++) s += "abcdefg" + i; return host.sync(100, s) === s };
"#;

fn started() -> Guest {
    let mut guest = on_base(&Modules::new(MAIN));
    assert_eq!(guest.start(), 0);
    guest
}

#[test]
fn values_come_back_as_they_went() {
    let mut guest = started();
    let text = "Grüße, 世界 🎈\0end";
    let values = [
        Value::Null,
        Value::Int(-5),
        Value::Float(0.25),
        Value::Float(-0.0),
        Value::Float(3e9),
        Value::Text(text),
        Value::Text(""),
        Value::Bytes(&[1, 0, 255]),
        Value::Bytes(&[]),
        Value::Bool(true),
        Value::Bool(false),
    ];
    let expected = format!(
        "null; number -5; number 0.25; -0; number 3000000000; string {text}; string ; bytes(1,0,255); bytes(); boolean true; boolean false"
    );
    assert_eq!(guest.ask("received", &values), expected);
    assert_eq!(guest.ask("echo", &values), expected);
    assert_eq!(guest.ask("echo", &[Value::Int(1)]), "number 1");
    assert_eq!(guest.ask("echo", &[]), "undefined");
    assert_eq!(guest.ask("own", &[]), "921");
    assert_eq!(guest.ask("large", &[]), "true,1000007,5");
    assert_eq!(guest.ask("rope", &[]), "true");
    assert_eq!(guest.ask("silence", &[]), "null,undefined");
    assert_eq!(guest.ask("hostile", &[]), "TypeError");
}

#[test]
fn numbers_and_the_rest_have_their_tags() {
    let mut guest = started();
    let mut message = Vec::new();
    Writer::new(&mut message).text("tell");
    assert_eq!(guest.event(0, 1, 0, &message), 0);
    let ops = guest.take_ops();
    let told = ops.iter().find(|o| o.kind == op::LOG).expect("the log");
    assert_eq!(told.id, 3);
    let values: Result<Vec<_>, _> = Reader::new(&told.message).collect();
    let values = values.expect("well formed");
    assert_eq!(
        values[..12],
        [
            Value::Text("a"),
            Value::Int(1),
            Value::Float(2.5),
            Value::Float(-0.0),
            Value::Null,
            Value::Null,
            Value::Bool(true),
            Value::Bool(false),
            Value::Bytes(&[1, 2]),
            Value::Float(2147483648.0),
            Value::Int(i32::MIN),
            Value::Float(4294967296.5)
        ]
    );
    assert!(matches!(values[3], Value::Float(f) if f.is_sign_negative()));
    assert!(matches!(values[12], Value::Float(f) if f.is_nan()));
    assert_eq!(values.len(), 13);
}

#[test]
fn any_view_is_bytes_and_nothing_else_is() {
    let mut guest = started();
    assert_eq!(
        guest.ask("views", &[]),
        "bytes(0,1,2,3,4,5,6,7); bytes(2,3,4); bytes(2,3,4,5); bytes(6,7); bytes(0,0,0,0,0); bytes(); bytes()"
    );
    assert_eq!(guest.ask("refused", &[]), "TypeError,TypeError,TypeError,TypeError,TypeError");
    assert_eq!(guest.ask("detached", &[]), "TypeError0");
}

#[test]
fn utf8_both_ways() {
    let mut guest = started();
    assert_eq!(guest.ask("surrogates", &[]), "\u{fffd}|a\u{fffd}b|🎈|\u{fffd}\u{fffd}");
    assert_eq!(
        guest.ask("utf8", &[]),
        "bytes()0; bytes(97,195,169,228,184,150,240,159,142,136)10; bytes(239,191,189,120)4"
    );
    let mut decode =
        |bytes: &[u8], fatal, bom| guest.ask("decode", &[Value::Bytes(bytes), Value::Bool(fatal), Value::Bool(bom)]);
    assert_eq!(decode("aé世🎈".as_bytes(), true, false), "\"aé世🎈\"");
    assert_eq!(decode(b"\xef\xbb\xbfx", true, false), "\"x\"");
    assert_eq!(decode(b"\xef\xbb\xbfx", true, true), "\"\u{feff}x\"");
    // Each as the Encoding Standard replaces it, which is what Rust does too.
    let bad: &[&[u8]] = &[
        b"\xff",
        b"a\x80b",
        b"\xc3",
        b"\xc3\x28",
        b"\xe4\xb8",
        b"\xe4\xb8x",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x8e",
        b"\xf0\x9f\x8ez",
        b"\xf4\x90\x80\x80",
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"12345678\xff12345678",
    ];
    for bytes in bad {
        assert_eq!(decode(bytes, true, false), "TypeError", "{bytes:?}");
        assert_eq!(decode(bytes, false, false), format!("\"{}\"", String::from_utf8_lossy(bytes)), "{bytes:?}");
    }
}

#[test]
fn kinds_promises_and_time() {
    let mut guest = started();
    assert_eq!(
        guest.ask("kinds", &[]),
        "ArrayBuffer,DataView,Promise,Map,Set,Date,RegExp,Error,Error,Uint8Array,Array,,,,,,Proxy,"
    );
    assert_eq!(guest.ask("promises", &[]), "0,1,2true,false,false");
    assert_eq!(guest.ask("now", &[]), "1700000000000");
}
