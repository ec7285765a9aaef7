//! RSA of any size and from any parts. A key in the guest is its numbers, each with its length before it:
//! n, e; of a private key d as well; p, q, dp, dq, qi if they are known.

use std::ffi::{c_int, c_void};
use std::ptr::{null, null_mut};

use aws_lc_sys as sys;

use super::hash::Hash;
use super::lc::{self, Key, Owned, Signing, check, number, number_bytes};
use super::{Args, Output, Refused, Stop, base64url};

/// The widest modulus, in bits.
const MAX_BITS: usize = 16_384;

pub type Rsa = Owned<sys::RSA>;

/// The numbers of a key, in their order.
pub type Numbers = Vec<Vec<u8>>;

fn new_rsa() -> Result<Rsa, Refused> {
    // SAFETY: a fresh key is ours.
    unsafe { Owned::new(sys::RSA_new(), sys::RSA_free) }
}

pub fn pack(numbers: &[Vec<u8>]) -> Vec<u8> {
    let len = |number: &Vec<u8>| u16::try_from(number.len()).unwrap_or(u16::MAX).to_le_bytes();
    numbers.iter().flat_map(|number| len(number).into_iter().chain(number.iter().copied())).collect()
}

pub fn unpack(mut key: &[u8]) -> Result<Numbers, Refused> {
    let mut numbers = Vec::with_capacity(8);
    while let Some((len, rest)) = key.split_first_chunk::<2>() {
        let number = rest.split_at_checked(u16::from_le_bytes(*len).into()).ok_or_else(Refused::internal)?;
        numbers.push(number.0.to_vec());
        key = number.1;
    }
    if matches!(numbers.len(), 2 | 3 | 8) { Ok(numbers) } else { Err(Refused::internal()) }
}

/// The library's key of these numbers.
pub fn assemble(numbers: &[Vec<u8>]) -> Result<Key, Refused> {
    let rsa = new_rsa()?;
    let part = |at: usize| numbers.get(at).map(|bytes| number(bytes)).transpose();
    let (Some(n), Some(e), d) = (part(0)?, part(1)?, part(2)?) else { return Err(Refused::internal()) };
    let d = d.map_or(null_mut(), Owned::give);
    // SAFETY: each call takes its numbers over when it succeeds, and it fails only for lack of one that is there.
    unsafe {
        check(sys::RSA_set0_key(rsa.get(), n.give(), e.give(), d))?;
        if let (Some(p), Some(q), Some(dp), Some(dq), Some(qi)) = (part(3)?, part(4)?, part(5)?, part(6)?, part(7)?) {
            check(sys::RSA_set0_factors(rsa.get(), p.give(), q.give()))?;
            check(sys::RSA_set0_crt_params(rsa.get(), dp.give(), dq.give(), qi.give()))?;
        }
    }
    let key = lc::new_key()?;
    // SAFETY: both live; the key takes a reference of its own.
    check(unsafe { sys::EVP_PKEY_set1_RSA(key.get(), rsa.get()) })?;
    Ok(key)
}

/// The numbers of a key of the library's.
///
/// # Safety
/// `rsa` is a key that lives.
pub unsafe fn numbers(rsa: *const sys::RSA) -> Numbers {
    let [mut n, mut e, mut d, mut p, mut q, mut dp, mut dq, mut qi] = [null::<sys::BIGNUM>(); 8];
    // SAFETY: each hands out pointers into the key, or leaves null.
    unsafe {
        sys::RSA_get0_key(rsa, &mut n, &mut e, &mut d);
        sys::RSA_get0_factors(rsa, &mut p, &mut q);
        sys::RSA_get0_crt_params(rsa, &mut dp, &mut dq, &mut qi);
    }
    let wanted: &[_] = match (d.is_null(), p.is_null() || dp.is_null()) {
        (true, _) => &[n, e],
        (false, true) => &[n, e, d],
        (false, false) => &[n, e, d, p, q, dp, dq, qi],
    };
    // SAFETY: they live as long as the key.
    wanted.iter().map(|number| unsafe { number_bytes(*number) }).collect()
}

/// What an import answers: kind, null, packed key, bits of the modulus, public exponent.
pub fn answer(numbers: &[Vec<u8>], out: &mut Output<'_>) -> Result<(), Refused> {
    let [n, e, ..] = numbers else { return Err(Refused::internal()) };
    // As on workerd: whole bytes.
    let (bits, e) = (n.len() * 8, if e.is_empty() { &[0][..] } else { e });
    if numbers.iter().any(|number| number.len() * 8 > MAX_BITS) {
        return Err(Refused::data("The RSA key is too large."));
    }
    out.values().text("RSA").null().bytes(&pack(numbers)).number(bits as u64).bytes(e);
    Ok(())
}

/// bits, exponent → private and public key.
pub fn generate(args: &mut Args<'_>, out: &mut Output<'_>, stop: Stop<'_>) -> Result<(), Refused> {
    let (bits, exponent) = (args.int()?, number(args.bytes()?)?);
    if !(0..=MAX_BITS as i32).contains(&bits) {
        return Err(Refused::internal());
    }
    let rsa = new_rsa()?;

    /// Called between two tries of a prime; 0 ends the generation.
    unsafe extern "C" fn go_on(_event: c_int, _n: c_int, callback: *mut sys::BN_GENCB) -> c_int {
        // SAFETY: the argument is the reference that `generate` set, which outlives the call.
        let stop = unsafe { &mut *sys::BN_GENCB_get_arg(callback).cast::<Stop<'_>>() };
        c_int::from(!stop())
    }
    let mut stop = stop;
    // SAFETY: the callback and what it points at live until the generation has ended.
    unsafe {
        let callback = Owned::new(sys::BN_GENCB_new(), sys::BN_GENCB_free)?;
        sys::BN_GENCB_set(callback.get(), Some(go_on), (&raw mut stop).cast::<c_void>());
        let made = sys::RSA_generate_key_ex(rsa.get(), bits, exponent.get(), callback.get());
        if made != 1 {
            return Err(Refused::operation("RSA key generation failed."));
        }
    }
    // SAFETY: it lives.
    let numbers = unsafe { numbers(rsa.get()) };
    out.values().bytes(&pack(&numbers)).bytes(&pack(&numbers[..2]));
    Ok(())
}

const FIELDS: [(&str, &str); 8] = [
    ("n", "missing or invalid Modulus parameter"),
    ("e", "missing or invalid Exponent parameter"),
    ("d", "missing or invalid Private Exponent parameter"),
    ("p", "invalid First Prime Factor parameter"),
    ("q", "invalid Second Prime Factor parameter"),
    ("dp", "invalid First Factor CRT Exponent parameter"),
    ("dq", "invalid Second Factor CRT Exponent parameter"),
    ("qi", "invalid First CRT Coefficient parameter"),
];

/// n, e, d, p, q, dp, dq, qi: texts, null where missing → as [`answer`] has it.
pub fn from_jwk(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let mut texts = [None; 8];
    for text in &mut texts {
        *text = args.text_or_null()?;
    }
    let factors = texts[3..].iter().flatten().count();
    if texts[2].is_some() && !matches!(factors, 0 | 5) {
        return Err(Refused::data(
            "Invalid RSA private key in JSON Web Key; if one Prime Factor or CRT Exponent/Coefficient parameter is \
             present, then they must all be present (\"p\", \"q\", \"dp\", \"dq\", \"qi\").",
        ));
    }
    let wanted = match (texts[2].is_some(), factors) {
        (false, _) => 2,
        (true, 0) => 3,
        (true, _) => 8,
    };
    let mut numbers = Vec::with_capacity(wanted);
    for (text, (field, message)) in texts.iter().zip(FIELDS).take(wanted) {
        let bytes = text
            .and_then(base64url::decode)
            .ok_or_else(|| Refused::data(format!("Invalid RSA key in JSON Web Key; {message} (\"{field}\").")))?;
        // Leading zeros say nothing.
        numbers.push(bytes.into_iter().skip_while(|byte| *byte == 0).collect());
    }
    answer(&numbers, out)
}

fn modulus_bytes(key: &Key) -> usize {
    // SAFETY: the key lives.
    usize::try_from(unsafe { sys::EVP_PKEY_size(key.get()) }).unwrap_or(0)
}

/// A scheme's parameters: `salt` is the length of PSS's.
fn set_up(signing: &Signing, salt: Option<i32>) -> Result<(), Refused> {
    let Some(salt) = salt else { return Ok(()) };
    // SAFETY: the parameters belong to `signing`, which lives.
    unsafe {
        check(sys::EVP_PKEY_CTX_set_rsa_padding(signing.parameters, sys::RSA_PKCS1_PSS_PADDING))?;
        check(sys::EVP_PKEY_CTX_set_rsa_pss_saltlen(signing.parameters, salt))
    }
}

/// hash, key, salt length (−1: PKCS #1 v1.5), data → signature.
pub fn sign(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let hash = Hash::parse(args.text()?)?;
    let key = assemble(&unpack(args.bytes()?)?)?;
    let (salt, data) = (args.int()?, args.bytes()?);
    let (bytes, digest) = (modulus_bytes(&key), hash.size());
    if salt < 0 && digest + 32 > bytes {
        let least = 8 * (digest + 32);
        return Err(Refused::operation(format!(
            "key too small for signing with given digest, need at least {least}bits."
        )));
    }
    if salt >= 0 && digest + 2 > bytes {
        return Err(Refused::operation("key too small for signing with given digest"));
    }
    if salt >= 0 && salt as usize > bytes - digest - 2 {
        return Err(Refused::operation("key too small for signing with given digest and salt length"));
    }
    let signing = Signing::sign(&key, hash.evp())?;
    set_up(&signing, (salt >= 0).then_some(salt))?;
    let len = signing.signed(data, out.room(bytes)?)?;
    out.cut(len);
    Ok(())
}

/// hash, key, salt length (−1: PKCS #1 v1.5), signature, data → flag.
pub fn verify(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let hash = Hash::parse(args.text()?)?;
    let key = assemble(&unpack(args.bytes()?)?)?;
    let (salt, signature, data) = (args.int()?, args.bytes()?, args.bytes()?);
    let verifying = Signing::verify(&key, hash.evp())?;
    set_up(&verifying, (salt >= 0).then_some(salt))?;
    out.flag(verifying.verified(signature, data))
}

/// encrypt (bool), hash, key, label, data → bytes (OAEP).
pub fn cipher(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let encrypt = args.bool()?;
    let hash = Hash::parse(args.text()?)?;
    let key = assemble(&unpack(args.bytes()?)?)?;
    let (label, data) = (args.bytes()?, args.bytes()?);
    let bytes = modulus_bytes(&key);
    // SAFETY: the context is ours and holds the key; the label is a copy that the library takes over; `out` has
    // the modulus's size, which no result exceeds.
    unsafe {
        let context = Owned::new(sys::EVP_PKEY_CTX_new(key.get(), null_mut()), sys::EVP_PKEY_CTX_free)?;
        let ctx = context.get();
        check(if encrypt { sys::EVP_PKEY_encrypt_init(ctx) } else { sys::EVP_PKEY_decrypt_init(ctx) })?;
        check(sys::EVP_PKEY_CTX_set_rsa_padding(ctx, sys::RSA_PKCS1_OAEP_PADDING))?;
        check(sys::EVP_PKEY_CTX_set_rsa_oaep_md(ctx, hash.evp()))?;
        check(sys::EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, hash.evp()))?;
        if !label.is_empty() {
            let copy = sys::OPENSSL_memdup(label.as_ptr().cast(), label.len());
            check(sys::EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, copy.cast(), label.len()))?;
        }
        let room = out.room(bytes)?;
        let mut len = bytes;
        let (to, from) = (room.as_mut_ptr(), data.as_ptr());
        let done = if encrypt {
            sys::EVP_PKEY_encrypt(ctx, to, &mut len, from, data.len())
        } else {
            sys::EVP_PKEY_decrypt(ctx, to, &mut len, from, data.len())
        };
        if done != 1 {
            let why = if !encrypt && data.len() != bytes { ": Invalid RSA signature.." } else { "." };
            return Err(Refused::operation(format!("RSA-OAEP failed encrypt/decrypt{why}")));
        }
        out.cut(len);
    }
    Ok(())
}
