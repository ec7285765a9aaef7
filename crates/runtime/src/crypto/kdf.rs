//! HKDF and PBKDF2.

use std::ptr::null;

use aws_lc_sys as sys;

use super::hash::Hash;
use super::{Args, Output, Refused};

/// Blocks of output times iterations: about a second. Nothing stops a derivation that runs.
const MAX_WORK: u64 = 4_000_000;
/// Bytes that are derived at a time.
const MAX_DERIVED: usize = 1 << 20;

/// hash, key, salt, info, bytes to derive → bytes.
pub fn hkdf(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let hash = Hash::parse(args.text()?)?;
    let (key, salt, info, len) = (args.bytes()?, args.bytes()?, args.bytes()?, args.size()?);
    if len > 255 * hash.size() {
        return Err(Refused::operation("HKDF deriveBits failed."));
    }
    let room = out.room(len)?;
    // SAFETY: writes `room`, reads the others, each within its length.
    let done = unsafe {
        sys::HKDF(
            room.as_mut_ptr(),
            room.len(),
            hash.evp(),
            key.as_ptr(),
            key.len(),
            salt.as_ptr(),
            salt.len(),
            info.as_ptr(),
            info.len(),
        )
    };
    if done == 1 { Ok(()) } else { Err(Refused::operation("HKDF deriveBits failed.")) }
}

/// hash, password, salt, iterations, bytes to derive → bytes.
pub fn pbkdf2(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let hash = Hash::parse(args.text()?)?;
    let (password, salt, iterations, len) = (args.bytes()?, args.bytes()?, args.size()?, args.size()?);
    let work = (len.div_ceil(hash.size()) as u64).saturating_mul(iterations as u64);
    let iterations = u32::try_from(iterations).unwrap_or(u32::MAX);
    if iterations == 0 || work > MAX_WORK || len > MAX_DERIVED {
        return Err(Refused::operation("PBKDF2 deriveBits failed."));
    }
    // The library asks for a password that is there, of no length too.
    let at = if password.is_empty() { null() } else { password.as_ptr().cast() };
    let room = out.room(len)?;
    // SAFETY: writes `room`, reads the others, each within its length.
    let done = unsafe {
        sys::PKCS5_PBKDF2_HMAC(
            at,
            password.len(),
            salt.as_ptr(),
            salt.len(),
            iterations,
            hash.evp(),
            room.len(),
            room.as_mut_ptr(),
        )
    };
    if done == 1 { Ok(()) } else { Err(Refused::operation("PBKDF2 deriveBits failed.")) }
}
