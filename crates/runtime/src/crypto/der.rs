//! PKCS #8 and SubjectPublicKeyInfo in and out, and JWK out, of every kind of key pair.

use std::ptr::null_mut;

use aws_lc_sys as sys;

use super::ec::{self, Curve};
use super::lc::{Key, Owned};
use super::{Args, Output, Refused, base64url, okp, rsa};

/// The longest encoding that is read, in bytes: an RSA key of 16,384 bits takes 10 KB.
const MAX_DER: usize = 64 << 10;

/// private (bool), encoding → kind, curve | null, key; of RSA also bits and public exponent.
pub fn import(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let (private, encoding) = (args.bool()?, args.bytes()?);
    let format = if private { "PKCS8" } else { "SPKI" };
    let invalid = || Refused::data(format!("Invalid {format} input."));
    if encoding.len() > MAX_DER {
        return Err(invalid());
    }
    let mut at = encoding.as_ptr();
    // SAFETY: the library reads within the length and moves `at` to behind what it read; the key is ours.
    let (key, read) = unsafe {
        let len = encoding.len() as std::ffi::c_long;
        let key = if private {
            sys::d2i_AutoPrivateKey(null_mut(), &mut at, len)
        } else {
            sys::d2i_PUBKEY(null_mut(), &mut at, len)
        };
        let key: Key = Owned::new(key, sys::EVP_PKEY_free).map_err(|_| invalid())?;
        (key, at.offset_from(encoding.as_ptr()))
    };
    let left = encoding.len() - usize::try_from(read).unwrap_or(0).min(encoding.len());
    if left > 0 {
        return Err(Refused::data(format!("Invalid {left} trailing bytes after {format} input.")));
    }
    // SAFETY: what is got lives in the key.
    unsafe {
        match sys::EVP_PKEY_id(key.get()) {
            sys::EVP_PKEY_RSA => rsa::answer(&rsa::numbers(sys::EVP_PKEY_get0_RSA(key.get())), out),
            sys::EVP_PKEY_EC => ec::imported(sys::EVP_PKEY_get0_EC_KEY(key.get()), private, out),
            kind @ (sys::EVP_PKEY_ED25519 | sys::EVP_PKEY_X25519) => {
                let (mut bytes, mut len) = ([0; 32], 32);
                let got = if private {
                    sys::EVP_PKEY_get_raw_private_key(key.get(), bytes.as_mut_ptr(), &mut len)
                } else {
                    sys::EVP_PKEY_get_raw_public_key(key.get(), bytes.as_mut_ptr(), &mut len)
                };
                super::lc::check(got)?;
                let x25519 = kind == sys::EVP_PKEY_X25519;
                let kept = if private { okp::private_key(x25519, &bytes).to_vec() } else { bytes.to_vec() };
                out.values().text(if x25519 { "X25519" } else { "Ed25519" }).null().bytes(&kept);
                Ok(())
            }
            _ => {
                out.values().text("other").null().bytes(&[]);
                Ok(())
            }
        }
    }
}

fn assemble(kind: &str, curve: Option<&str>, private: bool, key: &[u8]) -> Result<Key, Refused> {
    match kind {
        "RSA" => rsa::assemble(&rsa::unpack(key)?),
        "EC" => ec::assemble(Curve::parse(curve.unwrap_or_default())?, private, key),
        "Ed25519" => okp::assemble(false, private, key),
        "X25519" => okp::assemble(true, private, key),
        _ => Err(Refused::internal()),
    }
}

/// kind, curve | null, private (bool), key → encoding.
pub fn export(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let (kind, curve, private, key) = (args.text()?, args.text_or_null()?, args.bool()?, args.bytes()?);
    let key = assemble(kind, curve, private, key)?;
    // SAFETY: the builder is initialised by `CBB_init` and ended by `CBB_finish` or `CBB_cleanup`; what it hands
    // out is freed after it was copied.
    let encoding = unsafe {
        let mut builder: sys::CBB = std::mem::zeroed();
        let (mut data, mut len) = (null_mut(), 0);
        let marshal = if private { sys::EVP_marshal_private_key } else { sys::EVP_marshal_public_key };
        if sys::CBB_init(&mut builder, 0) == 1
            && marshal(&mut builder, key.get()) == 1
            && sys::CBB_finish(&mut builder, &mut data, &mut len) == 1
        {
            let copy = std::slice::from_raw_parts(data, len).to_vec();
            sys::OPENSSL_free(data.cast());
            Some(copy)
        } else {
            sys::CBB_cleanup(&mut builder);
            None
        }
    };
    let side = if private { "Private" } else { "Public" };
    out.put(&encoding.ok_or_else(|| Refused::operation(format!("{side} key export failed.")))?)
}

/// kind, curve | null, private (bool), key → the fields of a JWK in the order n, e, d, p, q, dp, dq, qi of RSA,
/// else x, y, d: texts, null where there is none.
pub fn export_jwk(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let (kind, curve, private, key) = (args.text()?, args.text_or_null()?, args.bool()?, args.bytes()?);
    let mut values = out.values();
    match kind {
        "RSA" => {
            let numbers = rsa::unpack(key)?;
            for at in 0..8 {
                values.text_or_null(numbers.get(at).map(|number| base64url::encode(number)).as_deref());
            }
        }
        "EC" => {
            for field in ec::jwk(Curve::parse(curve.unwrap_or_default())?, private, key)? {
                values.text_or_null(field.as_deref());
            }
        }
        _ => {
            let (secret, public) = key.split_at_checked(if private { 32 } else { 0 }).ok_or_else(Refused::internal)?;
            values.text(&base64url::encode(public)).null();
            values.text_or_null(private.then(|| base64url::encode(secret)).as_deref());
        }
    }
    Ok(())
}
