//! CompressionStream and DecompressionStream: deflate bare, in zlib's and in gzip's wrapping, a piece of at most 64 KiB
//! in and one of at most 64 KiB out a question, since epochs cannot stop it. What comes out waits in the guest; the
//! host keeps the codec's own state, counted as held, until the stream ends or its request does.

use std::collections::HashMap;

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};
use switchyard_js::abi::{Malformed, Reader, Writer, sync};

use crate::compress::gzip::Header;
use crate::held::Charge;
use crate::host::Host;

mod gzip;

/// Bytes in, and bytes out, of one question.
const PIECE: usize = 64 << 10;
/// Codecs that one request may have at once.
const MAX_CODECS: usize = 256;
/// What a codec takes, in bytes: the windows, hash chains and buffers of the library.
const DEFLATE: usize = 320 << 10;
const INFLATE: usize = 64 << 10;

/// How the stream is wrapped, as the guest numbers it.
mod format {
    pub const GZIP: i32 = 0;
    pub const ZLIB: i32 = 1;
}

/// What the guest is told of a step.
mod step {
    /// All of the input was taken, and what it gave.
    pub const MORE: i32 = 0;
    /// There is more output: ask again with the rest of the input.
    pub const FULL: i32 = 1;
    /// The compressed stream is at its end.
    pub const END: i32 = 2;
    pub const FAILED: i32 = 3;
}

/// Those of one request, by number.
pub type Codecs = HashMap<i32, Codec>;

pub struct Codec {
    work: Work,
    _charge: Charge,
}

enum Work {
    Deflate(Deflate),
    Inflate(Inflate),
}

struct Deflate {
    inner: Compress,
    gzip: Option<Crc>,
    begun: bool,
    /// Of gzip's last bytes, those not given yet.
    trailer: Option<Vec<u8>>,
}

struct Inflate {
    inner: Decompress,
    gzip: Option<Crc>,
    header: Option<Header>,
    /// gzip's last bytes, as far as they came.
    trailer: Vec<u8>,
    /// The deflated part is at its end.
    inflated: bool,
}

/// What one step did.
struct Step {
    taken: usize,
    step: i32,
    out: Vec<u8>,
}

impl Deflate {
    fn new(kind: i32) -> Self {
        Self {
            inner: Compress::new(Compression::default(), kind == format::ZLIB),
            gzip: (kind == format::GZIP).then(Crc::new),
            begun: false,
            trailer: None,
        }
    }

    fn push(&mut self, input: &[u8], finish: bool) -> Step {
        let mut out = Vec::with_capacity(PIECE);
        if !std::mem::replace(&mut self.begun, true) && self.gzip.is_some() {
            out.extend_from_slice(&gzip::HEADER);
        }
        let mut taken = 0;
        if self.trailer.is_none() {
            let flush = if finish { FlushCompress::Finish } else { FlushCompress::None };
            loop {
                let before = (self.inner.total_in(), out.len());
                let Ok(status) = self.inner.compress_vec(&input[taken..], &mut out, flush) else {
                    return Step { taken, step: step::FAILED, out };
                };
                let took = (self.inner.total_in() - before.0) as usize;
                if let Some(crc) = &mut self.gzip {
                    crc.update(&input[taken..taken + took]);
                }
                taken += took;
                if status == Status::StreamEnd {
                    self.trailer = Some(self.gzip.as_ref().map(gzip::trailer).unwrap_or_default());
                    break;
                }
                if out.len() >= PIECE {
                    return Step { taken, step: step::FULL, out };
                }
                if took == 0 && out.len() == before.1 {
                    return Step { taken, step: step::MORE, out };
                }
            }
        }
        let trailer = self.trailer.get_or_insert_default();
        let room = (PIECE - out.len()).min(trailer.len());
        out.extend(trailer.drain(..room));
        let step = if trailer.is_empty() { step::END } else { step::FULL };
        Step { taken, step, out }
    }
}

impl Inflate {
    fn new(kind: i32) -> Self {
        let gzip = kind == format::GZIP;
        Self {
            inner: Decompress::new(kind == format::ZLIB),
            gzip: gzip.then(Crc::new),
            header: gzip.then(Header::default),
            trailer: Vec::new(),
            inflated: false,
        }
    }

    fn push(&mut self, input: &[u8]) -> Step {
        let mut taken = 0;
        let mut out = Vec::new();
        if let Some(header) = &mut self.header {
            let Some(took) = header.push(input) else { return Step { taken, step: step::FAILED, out } };
            taken = took;
            if !header.is_whole() {
                return Step { taken, step: step::MORE, out };
            }
            self.header = None;
        }
        if !self.inflated {
            out.reserve_exact(PIECE);
        }
        while !self.inflated {
            let before = (self.inner.total_in(), out.len());
            let Ok(status) = self.inner.decompress_vec(&input[taken..], &mut out, FlushDecompress::None) else {
                return Step { taken, step: step::FAILED, out };
            };
            let took = (self.inner.total_in() - before.0) as usize;
            taken += took;
            if let Some(crc) = &mut self.gzip {
                crc.update(&out[before.1..]);
            }
            if status == Status::StreamEnd {
                self.inflated = true;
            } else if out.len() >= PIECE {
                return Step { taken, step: step::FULL, out };
            } else if took == 0 && out.len() == before.1 {
                return Step { taken, step: step::MORE, out };
            }
        }
        let Some(crc) = &self.gzip else { return Step { taken, step: step::END, out } };
        let expected = gzip::trailer(crc);
        let took = (expected.len() - self.trailer.len()).min(input.len() - taken);
        self.trailer.extend_from_slice(&input[taken..taken + took]);
        taken += took;
        let step = match self.trailer.len() < expected.len() {
            true => step::MORE,
            false if self.trailer == expected => step::END,
            false => step::FAILED,
        };
        Step { taken, step, out }
    }
}

/// Answers a guest's question (ABI.md, Sync); `memory`: what the guest itself has, in bytes.
///
/// # Errors
/// When it is not well formed.
pub fn answer(
    host: &mut Host,
    question: i32,
    mut values: Reader<'_>,
    memory: usize,
    out: &mut Vec<u8>,
) -> Result<bool, Malformed> {
    let number = values.int()?;
    match question {
        sync::COMPRESS_BEGIN => {
            let (inflate, kind) = (values.bool()?, values.int()?);
            let charge = host.limiter.charge(if inflate { INFLATE } else { DEFLATE }, memory);
            let Some(charge) = charge.ok().filter(|_| host.share.codecs.len() < MAX_CODECS) else { return Ok(false) };
            let work = if inflate { Work::Inflate(Inflate::new(kind)) } else { Work::Deflate(Deflate::new(kind)) };
            host.share.codecs.insert(number, Codec { work, _charge: charge });
            Writer::new(out).bool(true);
            Ok(true)
        }
        sync::COMPRESS_PUSH => {
            let (finish, input) = (values.bool()?, values.bytes()?);
            let Some(codec) = host.share.codecs.get_mut(&number).filter(|_| input.len() <= PIECE) else {
                return Ok(false);
            };
            let Step { taken, step, out: bytes } = match &mut codec.work {
                Work::Deflate(deflate) => deflate.push(input, finish),
                Work::Inflate(inflate) => inflate.push(input),
            };
            if matches!(step, step::END | step::FAILED) {
                host.share.codecs.remove(&number);
            }
            Writer::new(out).int(step).number(taken as u64).bytes(&bytes);
            Ok(true)
        }
        sync::COMPRESS_END => {
            host.share.codecs.remove(&number);
            Ok(false)
        }
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests;
