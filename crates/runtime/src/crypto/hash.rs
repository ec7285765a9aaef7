//! Digests and HMAC, whole or in pieces. A digest under way is bytes in the guest's memory: words, count and what
//! does not fill a block yet. They are taken only as one of the right size, so that no count can lie.

use aws_lc_rs::digest as d;
use aws_lc_sys as sys;
use md5::Digest;
use md5::digest::common::hazmat::SerializableState;

use super::{Args, Output, Refused};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// By the name that the platform normalises.
    pub fn parse(name: &str) -> Result<Self, Refused> {
        Ok(match name {
            "SHA-1" => Self::Sha1,
            "SHA-256" => Self::Sha256,
            "SHA-384" => Self::Sha384,
            "SHA-512" => Self::Sha512,
            "MD5" => Self::Md5,
            _ => return Err(Refused::internal()),
        })
    }

    pub fn size(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn block(self) -> usize {
        match self {
            Self::Md5 | Self::Sha1 | Self::Sha256 => 64,
            Self::Sha384 | Self::Sha512 => 128,
        }
    }

    pub fn evp(self) -> *const sys::EVP_MD {
        // SAFETY: each returns a static.
        unsafe {
            match self {
                Self::Md5 => sys::EVP_md5(),
                Self::Sha1 => sys::EVP_sha1(),
                Self::Sha256 => sys::EVP_sha256(),
                Self::Sha384 => sys::EVP_sha384(),
                Self::Sha512 => sys::EVP_sha512(),
            }
        }
    }

    pub fn of(self, data: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Md5 => return md5::Md5::digest(data).to_vec(),
            Self::Sha1 => &d::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &d::SHA256,
            Self::Sha384 => &d::SHA384,
            Self::Sha512 => &d::SHA512,
        };
        d::digest(algorithm, data).as_ref().to_vec()
    }
}

/// A digest under way.
enum State {
    Md5(md5::Md5),
    Sha1(sys::SHA_CTX),
    Sha256(sys::SHA256_CTX),
    /// SHA-384 too: its words begin otherwise and its end is cut.
    Sha512(sys::SHA512_CTX),
}

/// Words of `N` bytes, little endian.
macro_rules! words {
    ($bytes:expr, $word:ty) => {
        std::array::from_fn(|i| {
            let at = i * size_of::<$word>();
            <$word>::from_le_bytes(std::array::from_fn(|j| $bytes[at + j]))
        })
    };
}

const SHORT: &str = "a digest's state has another size";

impl State {
    fn begin(hash: Hash) -> Self {
        // SAFETY: each is plain numbers, of which zero is one.
        let (mut sha1, mut sha256, mut sha512): (sys::SHA_CTX, sys::SHA256_CTX, sys::SHA512_CTX) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed()) };
        // SAFETY: each initialises the context it is given.
        unsafe {
            match hash {
                Hash::Md5 => return Self::Md5(md5::Md5::new()),
                Hash::Sha1 => {
                    sys::SHA1_Init(&mut sha1);
                    return Self::Sha1(sha1);
                }
                Hash::Sha256 => {
                    sys::SHA256_Init(&mut sha256);
                    return Self::Sha256(sha256);
                }
                Hash::Sha384 => sys::SHA384_Init(&mut sha512),
                Hash::Sha512 => sys::SHA512_Init(&mut sha512),
            }
        };
        Self::Sha512(sha512)
    }

    /// What [`State::save`] made; nothing is the beginning.
    fn restore(hash: Hash, bytes: &[u8]) -> Result<Self, Refused> {
        if bytes.is_empty() {
            return Ok(Self::begin(hash));
        }
        let wrong = || Refused::operation(SHORT);
        let words = match hash {
            Hash::Md5 => {
                let state = bytes.try_into().map_err(|_| wrong())?;
                return md5::Md5::deserialize(state).map(Self::Md5).map_err(|_| wrong());
            }
            Hash::Sha1 => 20,
            Hash::Sha256 => 32,
            Hash::Sha384 | Hash::Sha512 => 64,
        };
        let (words, rest) = bytes.split_at_checked(words).ok_or_else(wrong)?;
        let (total, pending) = rest.split_first_chunk::<8>().ok_or_else(wrong)?;
        let total = u64::from_le_bytes(*total);
        if pending.len() as u64 != total % hash.block() as u64 || total > 1 << 60 {
            return Err(wrong());
        }
        let (bits, num) = (total << 3, pending.len() as u32);
        let mut state = Self::begin(hash);
        match &mut state {
            Self::Md5(_) => {}
            Self::Sha1(ctx) => {
                (ctx.h, ctx.Nl, ctx.Nh, ctx.num) = (words!(words, u32), bits as u32, (bits >> 32) as u32, num);
                ctx.data[..pending.len()].copy_from_slice(pending);
            }
            Self::Sha256(ctx) => {
                (ctx.h, ctx.Nl, ctx.Nh, ctx.num) = (words!(words, u32), bits as u32, (bits >> 32) as u32, num);
                ctx.data[..pending.len()].copy_from_slice(pending);
            }
            Self::Sha512(ctx) => {
                (ctx.h, ctx.Nl, ctx.num) = (words!(words, u64), bits, num);
                ctx.p[..pending.len()].copy_from_slice(pending);
            }
        }
        Ok(state)
    }

    fn update(&mut self, data: &[u8]) {
        let (at, len) = (data.as_ptr().cast(), data.len());
        // SAFETY: the contexts are initialised, and `data` is read within its length.
        unsafe {
            match self {
                Self::Md5(md5) => {
                    md5.update(data);
                    0
                }
                Self::Sha1(ctx) => sys::SHA1_Update(ctx, at, len),
                Self::Sha256(ctx) => sys::SHA256_Update(ctx, at, len),
                Self::Sha512(ctx) => sys::SHA512_Update(ctx, at, len),
            }
        };
    }

    fn save(&self) -> Vec<u8> {
        let saved = |words: &mut dyn Iterator<Item = u64>, size: usize, bits: u64, pending: &[u8]| {
            let words = words.flat_map(|word| word.to_le_bytes().into_iter().take(size));
            words.chain((bits >> 3).to_le_bytes()).chain(pending.iter().copied()).collect()
        };
        match self {
            Self::Md5(md5) => md5.serialize().to_vec(),
            Self::Sha1(ctx) => {
                let bits = u64::from(ctx.Nh) << 32 | u64::from(ctx.Nl);
                saved(&mut ctx.h.iter().map(|&word| word.into()), 4, bits, &ctx.data[..ctx.num as usize])
            }
            Self::Sha256(ctx) => {
                let bits = u64::from(ctx.Nh) << 32 | u64::from(ctx.Nl);
                saved(&mut ctx.h.iter().map(|&word| word.into()), 4, bits, &ctx.data[..ctx.num as usize])
            }
            Self::Sha512(ctx) => saved(&mut ctx.h.iter().copied(), 8, ctx.Nl, &ctx.p[..ctx.num as usize]),
        }
    }

    fn finish(mut self, hash: Hash) -> Vec<u8> {
        let mut out = vec![0; hash.size()];
        let at = out.as_mut_ptr();
        // SAFETY: `out` has the digest's size; the contexts are initialised.
        unsafe {
            match &mut self {
                Self::Md5(md5) => return md5.clone().finalize().to_vec(),
                Self::Sha1(ctx) => sys::SHA1_Final(at, ctx),
                Self::Sha256(ctx) => sys::SHA256_Final(at, ctx),
                Self::Sha512(ctx) if hash == Hash::Sha384 => sys::SHA384_Final(at, ctx),
                Self::Sha512(ctx) => sys::SHA512_Final(at, ctx),
            }
        };
        out
    }
}

/// hash, data → digest.
pub fn digest(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let hash = Hash::parse(args.text()?)?;
    out.put(&hash.of(args.bytes()?))
}

/// hash, state, data → state.
pub fn update(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let hash = Hash::parse(args.text()?)?;
    let mut state = State::restore(hash, args.bytes()?)?;
    state.update(args.bytes()?);
    out.put(&state.save())
}

/// hash, state, data → digest.
pub fn finish(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let hash = Hash::parse(args.text()?)?;
    let mut state = State::restore(hash, args.bytes()?)?;
    state.update(args.bytes()?);
    out.put(&state.finish(hash))
}

/// The tag of `data`.
pub fn hmac_of(hash: Hash, key: &[u8], data: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut tag = vec![0; hash.size()];
    let mut len = 0;
    // SAFETY: reads key and data within their lengths; `tag` has the digest's size.
    let done = unsafe {
        sys::HMAC(hash.evp(), key.as_ptr().cast(), key.len(), data.as_ptr(), data.len(), tag.as_mut_ptr(), &mut len)
    };
    if done.is_null() { Err(Refused::operation("HMAC computation failed.")) } else { Ok(tag) }
}

/// hash, key, data → tag.
pub fn hmac(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let hash = Hash::parse(args.text()?)?;
    let (key, data) = (args.bytes()?, args.bytes()?);
    out.put(&hmac_of(hash, key, data)?)
}

fn padded(hash: Hash, key: &[u8], pad: u8) -> Vec<u8> {
    let mut block = if key.len() > hash.block() { hash.of(key) } else { key.to_vec() };
    block.resize(hash.block(), 0);
    block.iter_mut().for_each(|byte| *byte ^= pad);
    block
}

/// hash, key → the state of the inner digest (RFC 2104), which HASH_UPDATE goes on with.
pub fn hmac_begin(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let hash = Hash::parse(args.text()?)?;
    let mut state = State::begin(hash);
    state.update(&padded(hash, args.bytes()?, 0x36));
    out.put(&state.save())
}

/// hash, key, state, data → tag.
pub fn hmac_finish(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let hash = Hash::parse(args.text()?)?;
    let key = args.bytes()?;
    let mut state = State::restore(hash, args.bytes()?)?;
    state.update(args.bytes()?);
    let mut outer = State::begin(hash);
    outer.update(&padded(hash, key, 0x5c));
    outer.update(&state.finish(hash));
    out.put(&outer.finish(hash))
}
