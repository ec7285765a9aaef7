//! AES-GCM, -CBC and -CTR with nonces, tags and counters of any size that Web Crypto allows, and AES-KW.

use std::ptr::{null, null_mut};

use aws_lc_sys as sys;

use super::lc::{Owned, check};
use super::{Args, Output, Refused};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Gcm,
    Cbc,
    Ctr,
}

fn algorithm(mode: Mode, key: &[u8]) -> Result<*const sys::EVP_CIPHER, Refused> {
    // SAFETY: each returns a static.
    unsafe {
        Ok(match (mode, key.len()) {
            (Mode::Gcm, 16) => sys::EVP_aes_128_gcm(),
            (Mode::Gcm, 24) => sys::EVP_aes_192_gcm(),
            (Mode::Gcm, 32) => sys::EVP_aes_256_gcm(),
            (Mode::Cbc, 16) => sys::EVP_aes_128_cbc(),
            (Mode::Cbc, 24) => sys::EVP_aes_192_cbc(),
            (Mode::Cbc, 32) => sys::EVP_aes_256_cbc(),
            (Mode::Ctr, 16) => sys::EVP_aes_128_ctr(),
            (Mode::Ctr, 24) => sys::EVP_aes_192_ctr(),
            (Mode::Ctr, 32) => sys::EVP_aes_256_ctr(),
            _ => return Err(Refused::internal()),
        })
    }
}

/// A cipher under way.
struct Cipher {
    context: Owned<sys::EVP_CIPHER_CTX>,
}

impl Cipher {
    fn new(mode: Mode, encrypt: bool, key: &[u8], nonce: &[u8]) -> Result<Self, Refused> {
        let algorithm = algorithm(mode, key)?;
        // SAFETY: a fresh context is ours.
        let context = unsafe { Owned::new(sys::EVP_CIPHER_CTX_new(), sys::EVP_CIPHER_CTX_free)? };
        let (ctx, encrypt) = (context.get(), i32::from(encrypt));
        if mode != Mode::Gcm && nonce.len() != 16 {
            return Err(Refused::internal());
        }
        // SAFETY: the key has the algorithm's length, the nonce its own, which GCM is told first.
        unsafe {
            check(sys::EVP_CipherInit_ex(ctx, algorithm, null_mut(), null(), null(), encrypt))?;
            if mode == Mode::Gcm {
                let len = i32::try_from(nonce.len()).map_err(|_| Refused::internal())?;
                check(sys::EVP_CIPHER_CTX_ctrl(ctx, sys::EVP_CTRL_GCM_SET_IVLEN, len, null_mut()))?;
            }
            check(sys::EVP_CipherInit_ex(ctx, null(), null_mut(), key.as_ptr(), nonce.as_ptr(), encrypt))?;
        }
        Ok(Self { context })
    }

    fn additional(&mut self, data: &[u8]) -> Result<(), Refused> {
        let (len, mut written) = (i32::try_from(data.len()).map_err(|_| Refused::internal())?, 0);
        // SAFETY: without an output this reads `data` alone.
        check(unsafe { sys::EVP_CipherUpdate(self.context.get(), null_mut(), &mut written, data.as_ptr(), len) })
    }

    /// The bytes written: as many as `data` has, or up to a block more or less where the mode pads.
    /// `out` must have 16 bytes more than `data` if it does.
    fn update(&mut self, data: &[u8], out: &mut [u8]) -> Result<usize, Refused> {
        let (len, mut written) = (i32::try_from(data.len()).map_err(|_| Refused::internal())?, 0);
        if out.len() < data.len() {
            return Err(Refused::internal());
        }
        // SAFETY: by the lengths just compared, and this function's contract.
        check(unsafe {
            sys::EVP_CipherUpdate(self.context.get(), out.as_mut_ptr(), &mut written, data.as_ptr(), len)
        })?;
        usize::try_from(written).map_err(|_| Refused::internal())
    }

    /// The bytes written, at most a block; `None`: padding or tag are wrong.
    fn finish(&mut self) -> Option<([u8; 16], usize)> {
        let (mut block, mut written) = ([0; 16], 0);
        // SAFETY: writes at most a block.
        let done = unsafe { sys::EVP_CipherFinal_ex(self.context.get(), block.as_mut_ptr(), &mut written) };
        (done == 1).then_some((block, usize::try_from(written).ok()?.min(16)))
    }

    fn tag(&mut self, tag: &mut [u8]) -> Result<(), Refused> {
        let len = tag.len() as i32;
        // SAFETY: writes `tag` within its length.
        check(unsafe {
            sys::EVP_CIPHER_CTX_ctrl(self.context.get(), sys::EVP_CTRL_GCM_GET_TAG, len, tag.as_mut_ptr().cast())
        })
    }

    fn expect_tag(&mut self, tag: &[u8]) -> Result<(), Refused> {
        let mut tag = tag.to_vec();
        let len = tag.len() as i32;
        // SAFETY: the library copies the tag, within its length.
        check(unsafe {
            sys::EVP_CIPHER_CTX_ctrl(self.context.get(), sys::EVP_CTRL_GCM_SET_TAG, len, tag.as_mut_ptr().cast())
        })
    }
}

fn not_decrypted(mode: &str, input: usize, output: usize) -> Refused {
    Refused::operation(format!(
        "Decryption failed. This could be due to a ciphertext authentication failure, bad padding, incorrect CryptoKey, \
         or another algorithm-specific reason. Input length was {input}, output length expected to be {output} for {mode}"
    ))
}

/// mode, encrypt (bool), key, nonce or counter, additional data, bits of tag or counter, data → bytes.
pub fn cipher(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let (mode, encrypt, key, nonce) = (args.text()?, args.bool()?, args.bytes()?, args.bytes()?);
    let (additional, bits, data) = (args.bytes()?, args.size()?, args.bytes()?);
    match (mode, encrypt) {
        ("AES-GCM", true) => {
            let mut cipher = Cipher::new(Mode::Gcm, true, key, nonce)?;
            let room = out.room(data.len() + tag_bytes(bits)?)?;
            if !additional.is_empty() {
                cipher.additional(additional)?;
            }
            let (text, tag) = room.split_at_mut(data.len());
            cipher.update(data, text)?;
            cipher.finish().ok_or_else(Refused::internal)?;
            cipher.tag(tag)
        }
        ("AES-GCM", false) => {
            let Some((text, tag)) = data.len().checked_sub(tag_bytes(bits)?).map(|at| data.split_at(at)) else {
                return Err(Refused::internal());
            };
            let mut cipher = Cipher::new(Mode::Gcm, false, key, nonce)?;
            let room = out.room(text.len())?;
            if !additional.is_empty() {
                cipher.additional(additional)?;
            }
            cipher.update(text, room)?;
            cipher.expect_tag(tag)?;
            if cipher.finish().is_none() {
                room.fill(0);
                return Err(not_decrypted(mode, text.len(), text.len()));
            }
            Ok(())
        }
        ("AES-CBC", _) => {
            let mut cipher = Cipher::new(Mode::Cbc, encrypt, key, nonce)?;
            let room = out.room(data.len() + 16)?;
            let begun = cipher.update(data, room)?;
            let (block, rest) = cipher.finish().ok_or_else(|| not_decrypted(mode, data.len(), begun))?;
            room.get_mut(begun..begun + rest).ok_or_else(Refused::internal)?.copy_from_slice(&block[..rest]);
            out.cut(begun + rest);
            Ok(())
        }
        ("AES-CTR", _) => {
            let counter: [u8; 16] = nonce.try_into().map_err(|_| Refused::internal())?;
            counted(key, counter, bits, data, out.room(data.len())?)
        }
        _ => Err(Refused::internal()),
    }
}

fn tag_bytes(bits: usize) -> Result<usize, Refused> {
    if bits.is_multiple_of(8) && bits <= 128 { Ok(bits / 8) } else { Err(Refused::internal()) }
}

/// CTR whose counter is the block's last `bits`, 1 to 128: where it overflows, the rest of the block stays.
fn counted(key: &[u8], counter: [u8; 16], bits: usize, data: &[u8], out: &mut [u8]) -> Result<(), Refused> {
    let block = u128::from_be_bytes(counter);
    let mask = match bits {
        1..=127 => (1u128 << bits) - 1,
        128 => u128::MAX,
        _ => return Err(Refused::internal()),
    };
    let blocks = data.len().div_ceil(16) as u128;
    if bits < 128 && blocks > mask + 1 {
        return Err(Refused::operation("Counter block values will repeat."));
    }
    // Blocks before the counter is 0 again; with all bits that is how AES-CTR itself counts.
    let whole = if bits == 128 { blocks } else { (mask - (block & mask) + 1).min(blocks) };
    let at = usize::try_from(whole).map_or(data.len(), |whole| whole.saturating_mul(16)).min(data.len());
    let (first, second) = data.split_at(at);
    let (first_out, second_out) = out.split_at_mut(at);
    Cipher::new(Mode::Ctr, true, key, &counter)?.update(first, first_out)?;
    if !second.is_empty() {
        let counter = (block & !mask).to_be_bytes();
        Cipher::new(Mode::Ctr, true, key, &counter)?.update(second, second_out)?;
    }
    Ok(())
}

/// wrap (bool), key, data → bytes (RFC 3394).
pub fn wrap(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let (wrap, key, data) = (args.bool()?, args.bytes()?, args.bytes()?);
    let bits = (key.len() * 8) as u32;
    let len = if wrap { data.len() + 8 } else { data.len().saturating_sub(8) };
    let room = out.room(len)?;
    // SAFETY: zeroed numbers are a key that is about to be set; both functions write `len` bytes at most.
    let written = unsafe {
        let mut schedule: sys::AES_KEY = std::mem::zeroed();
        if wrap {
            if sys::AES_set_encrypt_key(key.as_ptr(), bits, &mut schedule) != 0 {
                return Err(Refused::internal());
            }
            sys::AES_wrap_key(&schedule, null(), room.as_mut_ptr(), data.as_ptr(), data.len())
        } else {
            if sys::AES_set_decrypt_key(key.as_ptr(), bits, &mut schedule) != 0 {
                return Err(Refused::internal());
            }
            sys::AES_unwrap_key(&schedule, null(), room.as_mut_ptr(), data.as_ptr(), data.len())
        }
    };
    if usize::try_from(written) == Ok(len) {
        return Ok(());
    }
    Err(Refused::operation(format!("AES-KW key {}wrapping failed.", if wrap { "" } else { "un" })))
}
