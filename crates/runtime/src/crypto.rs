//! What Web Crypto computes for a guest (ABI.md, Crypto). Keys come with each call, out of the guest's memory:
//! the host keeps none, so nothing of them has to outlive a freeze. What is short is answered within the
//! guest's call and capped by bytes, since epochs cannot stop it; the platform starts the rest as operations,
//! which run on the background threads.

mod aes;
mod base64url;
mod crc;
mod der;
mod ec;
mod hash;
mod kdf;
mod lc;
mod okp;
mod rsa;

use switchyard_js::abi::{Malformed, Reader, Value, Writer, crypto as what};

use crate::host::{Host, Mode};

/// Input of a call that is answered at once, in bytes. The platform cuts longer input of a digest into pieces.
const MAX_SYNC: usize = (1 << 20) + (64 << 10);
/// Output of any call, in bytes.
const MAX_OUTPUT: usize = 128 << 20;

/// The error that a script sees.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    pub name: &'static str,
    pub message: String,
}

impl Refused {
    fn operation(message: impl Into<String>) -> Self {
        Self { name: "OperationError", message: message.into() }
    }

    fn data(message: impl Into<String>) -> Self {
        Self { name: "DataError", message: message.into() }
    }

    /// What the library refuses where nothing but a defect of ours explains it.
    fn internal() -> Self {
        Self { name: "OperationError", message: "internal error".into() }
    }
}

impl From<Malformed> for Refused {
    /// Only an engine that is broken sends such; it must not bring the host to trust it.
    fn from(error: Malformed) -> Self {
        Self { name: "TypeError", message: error.to_string() }
    }
}

/// Guest memory around the region that a call writes.
#[derive(Clone, Copy)]
struct Memory<'a> {
    before: &'a [u8],
    after: &'a [u8],
    after_at: usize,
}

impl<'a> Memory<'a> {
    const NONE: Memory<'static> = Memory { before: &[], after: &[], after_at: usize::MAX };

    /// Bytes that do not touch the written region.
    fn get(&self, at: usize, len: usize) -> Option<&'a [u8]> {
        let (part, from) = if at >= self.after_at { (self.after, at - self.after_at) } else { (self.before, at) };
        part.get(from..from.checked_add(len)?)
    }
}

/// The values of a call, one after the other.
pub struct Args<'a> {
    values: Reader<'a>,
    memory: Memory<'a>,
}

impl<'a> Args<'a> {
    fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        Ok(self.bytes_or_null()?.unwrap_or_default())
    }

    fn bytes_or_null(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        match self.values.value()? {
            Value::Null => Ok(None),
            Value::Far { at, len } => self.memory.get(at as usize, len as usize).map(Some).ok_or(Malformed::Unexpected),
            value => value.as_bytes().map(Some).ok_or(Malformed::Unexpected),
        }
    }

    fn text(&mut self) -> Result<&'a str, Malformed> {
        self.values.text()
    }

    fn text_or_null(&mut self) -> Result<Option<&'a str>, Malformed> {
        self.values.text_or_null()
    }

    fn bool(&mut self) -> Result<bool, Malformed> {
        self.values.bool()
    }

    fn int(&mut self) -> Result<i32, Malformed> {
        self.values.int()
    }

    fn size(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.values.int()?).map_err(|_| Malformed::Unexpected)
    }

    /// All bytes of the call.
    fn total(&self) -> Option<usize> {
        self.values.clone().try_fold(0usize, |total, value| match value {
            Ok(Value::Far { len, .. }) => total.checked_add(len as usize),
            Ok(value) => total.checked_add(value.as_bytes().map_or(0, <[u8]>::len)),
            Err(_) => None,
        })
    }
}

/// Where a result goes: bytes into a region, or values of an answer.
pub struct Output<'a> {
    region: Region<'a>,
    written: usize,
    answer: &'a mut Vec<u8>,
}

enum Region<'a> {
    Guest(&'a mut [u8]),
    Own(Vec<u8>),
}

impl<'a> Output<'a> {
    /// Room for exactly `len` bytes.
    fn room(&mut self, len: usize) -> Result<&mut [u8], Refused> {
        self.written = len;
        match &mut self.region {
            Region::Guest(region) => region.get_mut(..len).ok_or_else(Refused::internal),
            Region::Own(own) if len <= MAX_OUTPUT => {
                own.resize(len, 0);
                Ok(own)
            }
            Region::Own(_) => Err(Refused::internal()),
        }
    }

    /// Of what [`Output::room`] gave, only so many count.
    fn cut(&mut self, len: usize) {
        self.written = self.written.min(len);
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        self.room(bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    fn flag(&mut self, yes: bool) -> Result<(), Refused> {
        self.put(&[u8::from(yes)])
    }

    fn values(&mut self) -> Writer<'_> {
        Writer::new(self.answer)
    }
}

/// Whether a computation that can take seconds is not wanted any more.
pub type Stop<'a> = &'a mut dyn FnMut() -> bool;

fn perform(kind: i32, args: &mut Args<'_>, out: &mut Output<'_>, stop: Stop<'_>) -> Result<(), Refused> {
    lc::forget_errors();
    match kind {
        what::DIGEST => hash::digest(args, out),
        what::HASH_UPDATE => hash::update(args, out),
        what::HASH_FINISH => hash::finish(args, out),
        what::HMAC => hash::hmac(args, out),
        what::HMAC_BEGIN => hash::hmac_begin(args, out),
        what::HMAC_FINISH => hash::hmac_finish(args, out),
        what::CRC => crc::update(args, out),
        what::EQUAL => {
            let (a, b) = (args.bytes()?, args.bytes()?);
            out.flag(equal(a, b))
        }
        what::AES => aes::cipher(args, out),
        what::AES_WRAP => aes::wrap(args, out),
        what::HKDF => kdf::hkdf(args, out),
        what::PBKDF2 => kdf::pbkdf2(args, out),
        what::RSA_GENERATE => rsa::generate(args, out, stop),
        what::RSA_JWK => rsa::from_jwk(args, out),
        what::RSA_CIPHER => rsa::cipher(args, out),
        what::RSA_SIGN => rsa::sign(args, out),
        what::RSA_VERIFY => rsa::verify(args, out),
        what::EC_GENERATE => ec::generate(args, out),
        what::EC_RAW => ec::from_raw(args, out),
        what::EC_JWK => ec::from_jwk(args, out),
        what::ECDSA_SIGN => ec::sign(args, out),
        what::ECDSA_VERIFY => ec::verify(args, out),
        what::ECDH => ec::derive(args, out),
        what::OKP_GENERATE => okp::generate(args, out),
        what::OKP_PRIVATE => okp::from_private(args, out),
        what::ED25519_SIGN => okp::sign(args, out),
        what::ED25519_VERIFY => okp::verify(args, out),
        what::X25519 => okp::derive(args, out),
        what::IMPORT_DER => der::import(args, out),
        what::EXPORT_DER => der::export(args, out),
        what::EXPORT_JWK => der::export_jwk(args, out),
        what::BASE64URL => base64url::encode_value(args, out),
        what::BASE64URL_DECODE => base64url::decode_value(args, out),
        _ => Err(Malformed::Unexpected.into()),
    }
}

/// In constant time for equal lengths.
fn equal(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}

/// A call that is answered at once: the number of bytes written into the guest's region `out`, or minus one
/// minus the length of `host.answer`. `None`: a region is out of bounds.
pub fn call(host: &mut Host, memory: &mut [u8], kind: i32, message: (u32, u32), out: (u32, u32)) -> Option<i32> {
    let (from, to) = (out.0 as usize, (out.0 as usize).checked_add(out.1 as usize)?);
    let (before, rest) = memory.split_at_mut_checked(from)?;
    let (region, after) = rest.split_at_mut_checked(to - from)?;
    let memory = Memory { before, after, after_at: to };
    let mut answer = std::mem::take(&mut host.answer);
    answer.clear();
    let values = Reader::new(memory.get(message.0 as usize, message.1 as usize)?);
    let mut args = Args { values, memory };
    let done = if args.total().is_none_or(|total| total > MAX_SYNC) {
        Err(Refused::operation("The input is too large to be worked on in global scope."))
    } else if kind == what::RSA_GENERATE && host.mode != Mode::Base {
        Err(Refused::internal()) // only ever an operation
    } else {
        Writer::new(&mut answer).bool(true);
        let mut out = Output { region: Region::Guest(region), written: 0, answer: &mut answer };
        perform(kind, &mut args, &mut out, &mut || false).map(|()| out.written)
    };
    let code = match done {
        Ok(written) if answer.len() <= 1 => i32::try_from(written).ok()?,
        Ok(_) => -1 - i32::try_from(answer.len()).ok()?,
        Err(Refused { name, message }) => {
            answer.clear();
            Writer::new(&mut answer).bool(false).text(name).text(&message);
            -1 - i32::try_from(answer.len()).ok()?
        }
    };
    host.answer = answer;
    Some(code)
}

/// What an operation computes: the values of its completion, bytes alone or true and others. `message`: what is computed, then its values.
///
/// # Errors
/// What the script is told.
pub fn run(message: &[u8], stop: Stop<'_>) -> Result<Vec<u8>, Refused> {
    let mut args = Args { values: Reader::new(message), memory: Memory::NONE };
    let kind = args.int()?;
    let mut answer = Vec::new();
    Writer::new(&mut answer).bool(true);
    let mut out = Output { region: Region::Own(Vec::new()), written: 0, answer: &mut answer };
    perform(kind, &mut args, &mut out, stop)?;
    if let Output { region: Region::Own(own), written, .. } = out
        && answer.len() == 1
    {
        answer.clear();
        Writer::new(&mut answer).bytes(&own[..written]);
    }
    Ok(answer)
}

#[cfg(test)]
mod tests;
