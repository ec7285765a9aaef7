//! Ed25519 and X25519. A public key in the guest is its 32 bytes; a private key is seed or scalar, then the public key.

use aws_lc_sys as sys;

use super::lc::{Key, Owned};
use super::{Args, Output, Refused};

const SIZE: usize = 32;
/// As workerd words it.
const SMALL_ORDER: &str = "Failed to derive EDDH key: public key routines INVALID_PEER_KEY.";

fn half(bytes: &[u8]) -> Result<&[u8; SIZE], Refused> {
    bytes.first_chunk().ok_or_else(Refused::internal)
}

/// Seed or scalar with its public key behind it.
pub fn private_key(x25519: bool, secret: &[u8; SIZE]) -> [u8; 2 * SIZE] {
    let mut key = [0; 2 * SIZE];
    let (first, public) = key.split_at_mut(SIZE);
    first.copy_from_slice(secret);
    let mut both = [0; 2 * SIZE];
    // SAFETY: writes 32 bytes of the public key, and for Ed25519 64 of seed and public key.
    unsafe {
        if x25519 {
            sys::X25519_public_from_private(public.as_mut_ptr(), secret.as_ptr());
        } else {
            sys::ED25519_keypair_from_seed(public.as_mut_ptr(), both.as_mut_ptr(), secret.as_ptr());
        }
    }
    key
}

/// X25519 (bool) → private and public key.
pub fn generate(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let x25519 = args.bool()?;
    let mut secret = [0; SIZE];
    aws_lc_rs::rand::fill(&mut secret).map_err(|_| Refused::internal())?;
    let key = private_key(x25519, &secret);
    out.values().bytes(&key).bytes(&key[SIZE..]);
    Ok(())
}

/// X25519 (bool), seed or scalar → private key.
pub fn from_private(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let x25519 = args.bool()?;
    let key = private_key(x25519, half(args.bytes()?)?);
    out.put(&key)
}

/// The library's key.
pub fn assemble(x25519: bool, private: bool, bytes: &[u8]) -> Result<Key, Refused> {
    let kind = if x25519 { sys::EVP_PKEY_X25519 } else { sys::EVP_PKEY_ED25519 };
    let bytes = half(bytes)?;
    let engine = std::ptr::null_mut();
    // SAFETY: reads 32 bytes; the key is ours.
    unsafe {
        let key = if private {
            sys::EVP_PKEY_new_raw_private_key(kind, engine, bytes.as_ptr(), SIZE)
        } else {
            sys::EVP_PKEY_new_raw_public_key(kind, engine, bytes.as_ptr(), SIZE)
        };
        Owned::new(key, sys::EVP_PKEY_free)
    }
}

/// private key, data → signature.
pub fn sign(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let (key, data) = (args.bytes()?, args.bytes()?);
    if key.len() != 2 * SIZE {
        return Err(Refused::internal());
    }
    let room = out.room(64)?;
    // SAFETY: writes 64 bytes, reads 64 of the key and `data` within its length.
    let done = unsafe { sys::ED25519_sign(room.as_mut_ptr(), data.as_ptr(), data.len(), key.as_ptr()) };
    super::lc::check(done)
}

/// public key, signature of 64 bytes, data → flag.
pub fn verify(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let (key, signature, data) = (half(args.bytes()?)?, args.bytes()?, args.bytes()?);
    if signature.len() != 64 {
        return Err(Refused::internal());
    }
    // SAFETY: reads 64 bytes, 32 bytes and `data` within its length.
    let done = unsafe { sys::ED25519_verify(data.as_ptr(), data.len(), signature.as_ptr(), key.as_ptr()) };
    out.flag(done == 1)
}

/// private key, public key → secret.
pub fn derive(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let (private, public) = (half(args.bytes()?)?, half(args.bytes()?)?);
    let room = out.room(SIZE)?;
    // SAFETY: writes 32 bytes, reads 32 of each key.
    let done = unsafe { sys::X25519(room.as_mut_ptr(), private.as_ptr(), public.as_ptr()) };
    if done == 1 { Ok(()) } else { Err(Refused::operation(SMALL_ORDER)) }
}
