//! The numbers of ABI.md and the form values have on the wire: a tag, then the payload, nothing aligned, little endian.

use std::fmt;

/// `op(kind, id, …)`: what the guest starts, or tells.
pub mod op {
    pub const RESPOND: i32 = 1;
    pub const THROW: i32 = 2;
    pub const FETCH: i32 = 3;
    pub const CANCEL: i32 = 4;
    pub const TIMER: i32 = 5;
    pub const LOG: i32 = 6;
    pub const READ: i32 = 7;
    pub const READ_CANCEL: i32 = 8;
    pub const WRITE: i32 = 9;
    pub const CLOSE: i32 = 10;
    pub const ABORT: i32 = 11;
    pub const CRYPTO: i32 = 12;
    pub const DONE: i32 = 13;
    pub const STARTED: i32 = 14;
    pub const START_ERROR: i32 = 15;
    pub const CLEAR: i32 = 16;
    pub const WAITING: i32 = 17;
    pub const ENDED: i32 = 18;
    pub const EXCEPTION: i32 = 19;
    pub const EXIT: i32 = 40;
    pub const WS_OFFER: i32 = 50;
    pub const WS_PASS: i32 = 51;
    pub const WS_ACCEPT: i32 = 52;
    pub const WS_SEND: i32 = 53;
    pub const WS_CLOSE: i32 = 54;
    pub const WS_DROP: i32 = 55;
    pub const TURN: i32 = 56;
    pub const CACHE: i32 = 70;
}

/// What the host answers to an `op`.
pub mod accepted {
    pub const YES: i32 = 0;
    pub const GLOBAL_SCOPE: i32 = 1;
    pub const TOO_MANY: i32 = 2;
    pub const OVER: i32 = 3;
}

/// `sy_event(kind, id, status, …)`: what the host tells the guest.
pub mod event {
    pub const DISPATCH: i32 = 0;
    pub const COMPLETE: i32 = 1;
    pub const ABORTED: i32 = 2;
    pub const CANCELLED: i32 = 3;
    pub const ENV: i32 = 4;
    pub const TAIL: i32 = 6;
    pub const ENDED: i32 = 7;
    pub const NODE: i32 = 9;
    pub const WS_MESSAGE: i32 = 20;
    pub const WS_CLOSED: i32 = 21;
    pub const WS_LOST: i32 = 22;
    pub const WS_FAILED: i32 = 23;
}

/// The body's number in a completed FETCH whose response began a WebSocket: its number is the operation's.
pub const FETCHED_SOCKET: i32 = -2;
/// What a CACHE does.
pub mod cache {
    pub const MATCH: i32 = 0;
    pub const PUT: i32 = 1;
    pub const DELETE: i32 = 2;
}

/// What event NODE switches on, added up.
pub mod node_switch {
    /// `Buffer`, `process`, `global`, `setImmediate`, `clearImmediate`.
    pub const GLOBALS: i32 = 1;
    /// Timers as objects.
    pub const TIMERS: i32 = 2;
    /// What `node:console` adds to the global console.
    pub const CONSOLE: i32 = 4;
    /// What an older date or a flag takes back of the scope.
    pub const OLD: i32 = 8;
}

/// Who wants console lines: bits in the status of DISPATCH and TAIL.
pub mod console {
    pub const TEXT: i32 = 1;
    pub const VALUES: i32 = 2;
}

/// Added to RESPOND's status: the body is encoded already.
pub const VERBATIM: i32 = 1 << 12;
/// Added to FETCH's redirect mode: the response's body is wanted as it comes, not decoded.
pub const RAW: i32 = 4;

/// The status of an ENV event: keys among the bindings are made at once, and the event throws for one that is none.
pub const MAKE_KEYS: i32 = 1;

/// The status of a COMPLETE event.
pub mod status {
    pub const OK: i32 = 0;
    pub const ERROR: i32 = 1;
    pub const END: i32 = 2;
}

/// `sync(kind, …)`: what the host answers at once.
pub mod sync {
    pub const MODULE_RESOLVE: i32 = 1;
    pub const MODULE_SOURCE: i32 = 2;
    pub const URL_PARSE: i32 = 3;
    pub const URL_SET: i32 = 4;
    pub const RANDOM: i32 = 5;
    pub const DECODE: i32 = 6;
    pub const ENCODING: i32 = 7;
    pub const GLOBAL_SCOPE: i32 = 9;
    pub const ENV: i32 = 10;
    pub const STREAM_SMALL: i32 = 11;
    pub const CF: i32 = 12;
    pub const COMPATIBILITY: i32 = 30;
    pub const REQUIRED_SOURCE: i32 = 31;
    pub const HTML_SELECTOR: i32 = 60;
    pub const HTML_BEGIN: i32 = 61;
    pub const HTML_SCAN: i32 = 62;
    pub const HTML_APPLY: i32 = 63;
    pub const HTML_END: i32 = 64;
    pub const HTML_ENCODE: i32 = 65;
    pub const COMPRESS_BEGIN: i32 = 66;
    pub const COMPRESS_PUSH: i32 = 67;
    pub const COMPRESS_END: i32 = 68;
    pub const PATTERN: i32 = 80;
    pub const PATTERN_INPUT: i32 = 81;
    /// The host's return value when there is no answer: null in the guest.
    pub const NO_ANSWER: i32 = -1;
    pub const DEFAULT_CACHE: i32 = 70;
}

/// `crypto(what, …)`: what the host computes for Web Crypto, at once or as the operation CRYPTO.
pub mod crypto {
    pub const DIGEST: i32 = 1;
    pub const HASH_UPDATE: i32 = 2;
    pub const HASH_FINISH: i32 = 3;
    pub const HMAC: i32 = 4;
    pub const HMAC_BEGIN: i32 = 5;
    pub const HMAC_FINISH: i32 = 6;
    pub const CRC: i32 = 7;
    pub const EQUAL: i32 = 8;
    pub const AES: i32 = 9;
    pub const AES_WRAP: i32 = 10;
    pub const HKDF: i32 = 11;
    pub const PBKDF2: i32 = 12;
    pub const RSA_GENERATE: i32 = 13;
    pub const RSA_JWK: i32 = 14;
    pub const RSA_CIPHER: i32 = 15;
    pub const RSA_SIGN: i32 = 16;
    pub const RSA_VERIFY: i32 = 17;
    pub const EC_GENERATE: i32 = 18;
    pub const EC_RAW: i32 = 19;
    pub const EC_JWK: i32 = 20;
    pub const ECDSA_SIGN: i32 = 21;
    pub const ECDSA_VERIFY: i32 = 22;
    pub const ECDH: i32 = 23;
    pub const OKP_GENERATE: i32 = 24;
    pub const OKP_PRIVATE: i32 = 25;
    pub const ED25519_SIGN: i32 = 26;
    pub const ED25519_VERIFY: i32 = 27;
    pub const X25519: i32 = 28;
    pub const IMPORT_DER: i32 = 29;
    pub const EXPORT_DER: i32 = 30;
    pub const EXPORT_JWK: i32 = 31;
    pub const BASE64URL: i32 = 32;
    pub const BASE64URL_DECODE: i32 = 33;
}

/// The first value of the answer to MODULE_SOURCE.
pub mod module_kind {
    pub const ESM: i32 = 0;
    pub const TEXT: i32 = 1;
    pub const DATA: i32 = 2;
    pub const JSON: i32 = 3;
    pub const COMMONJS: i32 = 4;
    pub const SCRIPT: i32 = 5;
}

/// How a body is given.
pub mod body_kind {
    pub const NONE: i32 = 0;
    pub const WHOLE: i32 = 1;
    pub const GUEST_STREAM: i32 = 2;
    pub const HOST_STREAM: i32 = 3;
}

/// Kinds of binding in an ENV event.
pub mod binding {
    pub const TEXT: i32 = 0;
    pub const JSON: i32 = 1;
    pub const FETCHER: i32 = 2;
    pub const DISPATCH_NAMESPACE: i32 = 3;
    pub const VERSION_METADATA: i32 = 4;
    pub const SECRET_KEY: i32 = 5;
}

/// What `sy_start` returns.
pub mod start {
    pub const OK: i32 = 0;
    pub const FAILED: i32 = 1;
    pub const UNSETTLED: i32 = 2;
}

/// Size of the buffer at `sy_inbox`.
pub const INBOX_BYTES: usize = 16 * 1024;

/// The name of the module of wasm imports, and of the memory.
pub const IMPORT_MODULE: &str = "switchyard";
pub const MEMORY: (&str, &str) = ("env", "memory");

const NULL: u8 = 0;
const INT: u8 = 1;
const FLOAT: u8 = 2;
const TEXT: u8 = 3;
const BYTES: u8 = 4;
const FALSE: u8 = 5;
const TRUE: u8 = 6;
const FAR: u8 = 7;

/// A value on the wire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Int(i32),
    Float(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Bool(bool),
    /// Bytes that lie elsewhere in the guest's memory: only in a `crypto` call.
    Far {
        at: u32,
        len: u32,
    },
}

impl<'a> Value<'a> {
    /// The number in it: an int, or a float that is one.
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Value::Int(n) => Some(n.into()),
            Value::Float(f) if f.trunc() == f && f.abs() <= 9_007_199_254_740_992.0 => Some(f as i64),
            _ => None,
        }
    }

    pub fn as_f64(self) -> Option<f64> {
        match self {
            Value::Int(n) => Some(n.into()),
            Value::Float(f) => Some(f),
            _ => None,
        }
    }

    pub fn as_text(self) -> Option<&'a str> {
        if let Value::Text(t) = self { Some(t) } else { None }
    }

    /// The bytes of a text or of bytes.
    pub fn as_bytes(self) -> Option<&'a [u8]> {
        match self {
            Value::Text(t) => Some(t.as_bytes()),
            Value::Bytes(b) => Some(b),
            _ => None,
        }
    }

    pub fn as_bool(self) -> Option<bool> {
        if let Value::Bool(b) = self { Some(b) } else { None }
    }

    pub fn is_null(self) -> bool {
        self == Value::Null
    }
}

/// Why a message could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A value ends after the message does.
    Truncated,
    /// No value has this tag.
    Tag(u8),
    /// A text is not UTF-8.
    Text,
    /// Another value, or none, was expected here.
    Unexpected,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::Truncated => f.write_str("the message ends within a value"),
            Malformed::Tag(tag) => write!(f, "no value has the tag {tag}"),
            Malformed::Text => f.write_str("a text is not UTF-8"),
            Malformed::Unexpected => f.write_str("another value was expected"),
        }
    }
}

impl std::error::Error for Malformed {}

/// Reads the values of a message one after the other. After an error it is at its end.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(message: &'a [u8]) -> Self {
        Reader { rest: message }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    fn counted(&mut self) -> Result<&'a [u8], Malformed> {
        let len = u32::from_le_bytes(self.array()?);
        self.take(usize::try_from(len).map_err(|_| Malformed::Truncated)?)
    }

    fn read(&mut self) -> Result<Value<'a>, Malformed> {
        let [tag] = self.array()?;
        Ok(match tag {
            NULL => Value::Null,
            INT => Value::Int(i32::from_le_bytes(self.array()?)),
            FLOAT => Value::Float(f64::from_le_bytes(self.array()?)),
            TEXT => Value::Text(std::str::from_utf8(self.counted()?).map_err(|_| Malformed::Text)?),
            BYTES => Value::Bytes(self.counted()?),
            FALSE => Value::Bool(false),
            TRUE => Value::Bool(true),
            FAR => Value::Far { at: u32::from_le_bytes(self.array()?), len: u32::from_le_bytes(self.array()?) },
            tag => return Err(Malformed::Tag(tag)),
        })
    }

    /// The next value, which must be there.
    pub fn value(&mut self) -> Result<Value<'a>, Malformed> {
        self.next().unwrap_or(Err(Malformed::Unexpected))
    }

    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        self.value()?.as_text().ok_or(Malformed::Unexpected)
    }

    /// A text or null.
    pub fn text_or_null(&mut self) -> Result<Option<&'a str>, Malformed> {
        match self.value()? {
            Value::Null => Ok(None),
            Value::Text(t) => Ok(Some(t)),
            _ => Err(Malformed::Unexpected),
        }
    }

    /// The bytes of a text or of bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        self.value()?.as_bytes().ok_or(Malformed::Unexpected)
    }

    pub fn int(&mut self) -> Result<i32, Malformed> {
        if let Value::Int(n) = self.value()? { Ok(n) } else { Err(Malformed::Unexpected) }
    }

    /// A whole number of any size the guest can hold, or null.
    pub fn length_or_null(&mut self) -> Result<Option<u64>, Malformed> {
        match self.value()? {
            Value::Null => Ok(None),
            value => value.as_i64().and_then(|n| u64::try_from(n).ok()).map(Some).ok_or(Malformed::Unexpected),
        }
    }

    pub fn float(&mut self) -> Result<f64, Malformed> {
        self.value()?.as_f64().ok_or(Malformed::Unexpected)
    }

    pub fn bool(&mut self) -> Result<bool, Malformed> {
        self.value()?.as_bool().ok_or(Malformed::Unexpected)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Value<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let value = self.read();
        if value.is_err() {
            self.rest = &[];
        }
        Some(value)
    }
}

/// Writes values behind each other into a buffer of the caller's, which is not cleared.
#[derive(Debug)]
pub struct Writer<'b> {
    out: &'b mut Vec<u8>,
}

/// The text that [`Writer::text_of`] writes.
pub struct Text<'b>(&'b mut Vec<u8>);

impl Text<'_> {
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }
}

impl std::fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push(text);
        Ok(())
    }
}

impl<'b> Writer<'b> {
    pub fn new(out: &'b mut Vec<u8>) -> Self {
        Writer { out }
    }

    pub fn null(&mut self) -> &mut Self {
        self.out.push(NULL);
        self
    }

    pub fn int(&mut self, n: i32) -> &mut Self {
        self.out.push(INT);
        self.out.extend_from_slice(&n.to_le_bytes());
        self
    }

    pub fn float(&mut self, f: f64) -> &mut Self {
        self.out.push(FLOAT);
        self.out.extend_from_slice(&f.to_le_bytes());
        self
    }

    /// A whole number: as int if it fits, else as float.
    pub fn number(&mut self, n: u64) -> &mut Self {
        match i32::try_from(n) {
            Ok(n) => self.int(n),
            Err(_) => self.float(n as f64),
        }
    }

    pub fn text(&mut self, text: &str) -> &mut Self {
        self.counted(TEXT, text.as_bytes())
    }

    /// A text that is written piece by piece, where it will lie. No longer than the engine's memory could hold.
    pub fn text_of(&mut self, write: impl FnOnce(&mut Text<'_>)) -> &mut Self {
        self.out.push(TEXT);
        let at = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        write(&mut Text(self.out));
        let len = u32::try_from(self.out.len() - at - 4).unwrap_or(u32::MAX);
        self.out[at..at + 4].copy_from_slice(&len.to_le_bytes());
        self
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.counted(BYTES, bytes)
    }

    pub fn bool(&mut self, b: bool) -> &mut Self {
        self.out.push(if b { TRUE } else { FALSE });
        self
    }

    pub fn text_or_null(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    pub fn number_or_null(&mut self, n: Option<u64>) -> &mut Self {
        match n {
            Some(n) => self.number(n),
            None => self.null(),
        }
    }

    pub fn value(&mut self, value: Value<'_>) -> &mut Self {
        match value {
            Value::Null => self.null(),
            Value::Int(n) => self.int(n),
            Value::Float(f) => self.float(f),
            Value::Text(t) => self.text(t),
            Value::Bytes(b) => self.bytes(b),
            Value::Bool(b) => self.bool(b),
            Value::Far { at, len } => {
                self.out.push(FAR);
                self.out.extend_from_slice(&at.to_le_bytes());
                self.out.extend_from_slice(&len.to_le_bytes());
                self
            }
        }
    }

    /// What is longer than the engine's whole memory could hold is cut there; nothing that long exists in a guest.
    fn counted(&mut self, tag: u8, bytes: &[u8]) -> &mut Self {
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.out.push(tag);
        self.out.extend_from_slice(&len.to_le_bytes());
        self.out.extend_from_slice(&bytes[..len as usize]);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: &[Value<'static>] = &[
        Value::Null,
        Value::Int(0),
        Value::Int(i32::MIN),
        Value::Int(i32::MAX),
        Value::Float(0.5),
        Value::Float(-0.0),
        Value::Float(f64::INFINITY),
        Value::Text(""),
        Value::Text("Grüße, 世界 🎈\0"),
        Value::Bytes(&[]),
        Value::Bytes(&[0, 255, 128]),
        Value::Bool(false),
        Value::Bool(true),
        Value::Far { at: 65_536, len: 4 },
    ];

    #[test]
    fn what_is_written_is_read() {
        let mut message = Vec::new();
        let mut writer = Writer::new(&mut message);
        for value in SAMPLES {
            writer.value(*value);
        }
        let read: Result<Vec<_>, _> = Reader::new(&message).collect();
        assert_eq!(read.as_deref(), Ok(SAMPLES));
        let (mut whole, mut pieces) = (Vec::new(), Vec::new());
        Writer::new(&mut whole).int(1).text("Grüße").text("").null();
        Writer::new(&mut pieces).int(1).text_of(|text| _ = text.push("Grü").push("ße")).text_of(|_| ()).null();
        assert_eq!(whole, pieces);
    }

    #[test]
    fn typed_reads() {
        let mut message = Vec::new();
        Writer::new(&mut message)
            .text("a")
            .null()
            .int(3)
            .number(1 << 40)
            .bool(true)
            .bytes(b"x")
            .text("y")
            .number_or_null(None);
        let mut reader = Reader::new(&message);
        assert_eq!(reader.text(), Ok("a"));
        assert_eq!(reader.text_or_null(), Ok(None));
        assert_eq!(reader.int(), Ok(3));
        assert_eq!(reader.length_or_null(), Ok(Some(1 << 40)));
        assert_eq!(reader.bool(), Ok(true));
        assert_eq!(reader.bytes(), Ok(&b"x"[..]));
        assert_eq!(reader.bytes(), Ok(&b"y"[..]));
        assert_eq!(reader.length_or_null(), Ok(None));
        assert_eq!(reader.value(), Err(Malformed::Unexpected));
        assert_eq!(Reader::new(&message).int(), Err(Malformed::Unexpected));
    }

    #[test]
    fn lengths_are_whole_and_not_negative() {
        for value in [Value::Int(-1), Value::Float(0.5), Value::Float(f64::NAN), Value::Float(1e300), Value::Text("1")]
        {
            let mut message = Vec::new();
            Writer::new(&mut message).value(value);
            assert_eq!(Reader::new(&message).length_or_null(), Err(Malformed::Unexpected), "{value:?}");
        }
    }

    #[test]
    fn every_cut_of_a_message_is_an_error_or_fewer_values() {
        let mut message = Vec::new();
        let mut writer = Writer::new(&mut message);
        for value in SAMPLES {
            writer.value(*value);
        }
        for end in 0..message.len() {
            let mut good = 0;
            for value in Reader::new(&message[..end]) {
                match value {
                    Ok(value) => {
                        assert_eq!(value, SAMPLES[good]);
                        good += 1;
                    }
                    Err(e) => assert_eq!(e, Malformed::Truncated),
                }
            }
            assert!(good < SAMPLES.len());
        }
    }

    #[test]
    fn hostile_bytes_are_errors() {
        assert_eq!(Reader::new(&[8]).value(), Err(Malformed::Tag(8)));
        assert_eq!(Reader::new(&[255, 0]).value(), Err(Malformed::Tag(255)));
        assert_eq!(Reader::new(&[3, 255, 255, 255, 255, 65]).value(), Err(Malformed::Truncated));
        assert_eq!(Reader::new(&[3, 2, 0, 0, 0, 0xc3, 0x28]).value(), Err(Malformed::Text));
        // A pseudo-random walk over short messages: must end, must not panic.
        let mut state = 1u64;
        for _ in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let bytes = state.to_le_bytes().map(|b| if b & 0x80 != 0 { b & 7 } else { b });
            assert!(Reader::new(&bytes).count() <= bytes.len());
        }
    }

    #[test]
    fn after_an_error_there_is_nothing() {
        let mut reader = Reader::new(&[0, 9, 0, 0]);
        assert_eq!(reader.next(), Some(Ok(Value::Null)));
        assert_eq!(reader.next(), Some(Err(Malformed::Tag(9))));
        assert_eq!(reader.next(), None);
    }
}
