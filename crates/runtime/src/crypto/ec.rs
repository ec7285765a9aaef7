//! ECDSA and ECDH on the NIST curves. A public key in the guest is its point, uncompressed; a private key is the
//! scalar in as many bytes as the field, then the point.

use std::ptr::null_mut;

use aws_lc_sys as sys;

use super::hash::Hash;
use super::lc::{self, Key, Owned, check, last_error, number, number_padded};
use super::{Args, Output, Refused, base64url};

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Curve {
    pub name: &'static str,
    nid: i32,
    /// Bytes of a coordinate, and of a scalar.
    pub field: usize,
}

const CURVES: [Curve; 3] = [
    Curve { name: "P-256", nid: sys::NID_X9_62_prime256v1, field: 32 },
    Curve { name: "P-384", nid: sys::NID_secp384r1, field: 48 },
    Curve { name: "P-521", nid: sys::NID_secp521r1, field: 66 },
];

type EcKey = Owned<sys::EC_KEY>;

impl Curve {
    pub fn parse(name: &str) -> Result<Self, Refused> {
        CURVES.into_iter().find(|curve| curve.name == name).ok_or_else(Refused::internal)
    }

    fn key(self) -> Result<EcKey, Refused> {
        // SAFETY: a fresh key is ours.
        unsafe { Owned::new(sys::EC_KEY_new_by_curve_name(self.nid), sys::EC_KEY_free) }
    }

    /// A key of what the guest keeps; without its point where only the scalar is needed.
    fn private(self, bytes: &[u8]) -> Result<EcKey, Refused> {
        let key = self.key()?;
        let scalar = number(bytes.get(..self.field).ok_or_else(Refused::internal)?)?;
        // SAFETY: both live; the key takes a copy.
        check(unsafe { sys::EC_KEY_set_private_key(key.get(), scalar.get()) })?;
        Ok(key)
    }

    fn set_point(self, key: &EcKey, bytes: &[u8]) -> Result<(), Refused> {
        // SAFETY: all live; the library reads `bytes` within their length and the key takes a copy of the point.
        unsafe {
            let group = sys::EC_KEY_get0_group(key.get());
            let point = Owned::new(sys::EC_POINT_new(group), sys::EC_POINT_free)?;
            check(sys::EC_POINT_oct2point(group, point.get(), bytes.as_ptr(), bytes.len(), null_mut()))?;
            check(sys::EC_KEY_set_public_key(key.get(), point.get()))
        }
    }

    fn public(self, bytes: &[u8]) -> Result<EcKey, Refused> {
        let key = self.key()?;
        self.set_point(&key, bytes)?;
        Ok(key)
    }

    fn private_bytes(self, key: *const sys::EC_KEY) -> Result<Vec<u8>, Refused> {
        let mut bytes = vec![0; self.field];
        // SAFETY: the scalar lives in the key.
        unsafe {
            let scalar = sys::EC_KEY_get0_private_key(key);
            if scalar.is_null() {
                return Err(Refused::internal());
            }
            number_padded(scalar, &mut bytes)?;
        }
        bytes.extend(self.public_bytes(key)?);
        Ok(bytes)
    }

    fn public_bytes(self, key: *const sys::EC_KEY) -> Result<Vec<u8>, Refused> {
        let mut bytes = vec![0; 1 + 2 * self.field];
        let form = sys::point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED;
        // SAFETY: group and point live in the key; `bytes` is written within its length.
        let written = unsafe {
            let (group, point) = (sys::EC_KEY_get0_group(key), sys::EC_KEY_get0_public_key(key));
            if point.is_null() {
                return Err(Refused::internal());
            }
            sys::EC_POINT_point2oct(group, point, form, bytes.as_mut_ptr(), bytes.len(), null_mut())
        };
        if written == bytes.len() { Ok(bytes) } else { Err(Refused::internal()) }
    }
}

/// What an import answers: kind, curve, key.
fn answer(curve: Curve, key: &[u8], out: &mut Output<'_>) {
    out.values().text("EC").text(curve.name).bytes(key);
}

/// An imported key as the guest keeps it.
///
/// # Safety
/// `key` is a key that lives.
pub unsafe fn imported(key: *const sys::EC_KEY, private: bool, out: &mut Output<'_>) -> Result<(), Refused> {
    // SAFETY: by the promise.
    let nid = unsafe { sys::EC_GROUP_get_curve_name(sys::EC_KEY_get0_group(key)) };
    let Some(curve) = CURVES.into_iter().find(|curve| curve.nid == nid) else {
        // A curve of the library's that is none of ours: it never is the one asked for.
        out.values().text("EC").text("other").bytes(&[]);
        return Ok(());
    };
    let bytes = if private { curve.private_bytes(key)? } else { curve.public_bytes(key)? };
    answer(curve, &bytes, out);
    Ok(())
}

/// The library's key, whole.
pub fn assemble(curve: Curve, private: bool, bytes: &[u8]) -> Result<Key, Refused> {
    let ec = if private {
        let ec = curve.private(bytes)?;
        curve.set_point(&ec, bytes.get(curve.field..).unwrap_or_default())?;
        ec
    } else {
        curve.public(bytes)?
    };
    let key = lc::new_key()?;
    // SAFETY: both live; the key takes a reference of its own.
    check(unsafe { sys::EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) })?;
    Ok(key)
}

/// curve → private and public key.
pub fn generate(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let curve = Curve::parse(args.text()?)?;
    let key = curve.key()?;
    // SAFETY: it lives.
    check(unsafe { sys::EC_KEY_generate_key(key.get()) })?;
    let (private, public) = (curve.private_bytes(key.get())?, curve.public_bytes(key.get())?);
    out.values().bytes(&private).bytes(&public);
    Ok(())
}

/// What workerd tells of the library's newest error.
fn described(message: &str) -> String {
    let reason = match last_error() {
        (15, sys::EC_R_INVALID_ENCODING) => ": Invalid point encoding..",
        (15, sys::EC_R_INVALID_COMPRESSED_POINT) => ": Invalid compressed point..",
        (15, sys::EC_R_POINT_IS_NOT_ON_CURVE) => ": Point is not on curve..",
        _ => ".",
    };
    format!("{message}{reason}")
}

/// curve, point (compressed or not) → answer.
pub fn from_raw(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let curve = Curve::parse(args.text()?)?;
    let point = args.bytes()?;
    let key = curve.public(point).map_err(|_| {
        let message = "Failed to import raw EC key data";
        let compressed = point.len() == 1 + curve.field && matches!(point[0], 2 | 3);
        // Of a compressed point whose x is too large, and of no bytes, workerd gives no reason.
        let silent = point.is_empty() || compressed && last_error().1 == sys::EC_R_INVALID_ENCODING;
        Refused::data(if silent { format!("{message}.") } else { described(message) })
    })?;
    answer(curve, &curve.public_bytes(key.get())?, out);
    Ok(())
}

/// curve, x, y, d: texts, null where missing → answer.
pub fn from_jwk(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let curve = Curve::parse(args.text()?)?;
    let (x, y, d) = (args.text_or_null()?, args.text_or_null()?, args.text_or_null()?);
    let field = |text: Option<&str>, what: &str| {
        let bytes = text.and_then(base64url::decode);
        bytes.ok_or_else(|| Refused::data(format!("Invalid EC key in JSON Web Key; {what}.")))
    };
    let (x, y) = (number(&field(x, "missing \"x\"")?)?, number(&field(y, "missing \"y\"")?)?);
    let key = curve.key()?;
    let coordinates = "Invalid EC key; public key coordinates \"x\" and \"y\" are invalid";
    // SAFETY: all live; the key takes copies.
    unsafe {
        let group = sys::EC_KEY_get0_group(key.get());
        let point = Owned::new(sys::EC_POINT_new(group), sys::EC_POINT_free)?;
        check(sys::EC_POINT_set_affine_coordinates_GFp(group, point.get(), x.get(), y.get(), null_mut()))
            .map_err(|_| Refused::operation(described(coordinates)))?;
        check(sys::EC_KEY_set_public_key(key.get(), point.get()))?;
    }
    if d.is_some() {
        let scalar = number(&field(d, "missing or invalid private key component (\"d\")")?)?;
        // SAFETY: both live; the key takes a copy.
        check(unsafe { sys::EC_KEY_set_private_key(key.get(), scalar.get()) })
            .map_err(|_| Refused::operation("Invalid EC key; private key component \"d\" is invalid."))?;
    }
    // SAFETY: it lives.
    check(unsafe { sys::EC_KEY_check_key(key.get()) }).map_err(|_| Refused::data("Invalid EC key in JSON Web Key."))?;
    let bytes = if d.is_some() { curve.private_bytes(key.get())? } else { curve.public_bytes(key.get())? };
    answer(curve, &bytes, out);
    Ok(())
}

/// hash, curve, private key, data → r and s.
pub fn sign(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let hash = Hash::parse(args.text()?)?;
    let curve = Curve::parse(args.text()?)?;
    let key = curve.private(args.bytes()?)?;
    let digest = hash.of(args.bytes()?);
    let room = out.room(2 * curve.field)?;
    // SAFETY: the signature is ours, and its numbers live in it.
    unsafe {
        let signature = Owned::new(sys::ECDSA_do_sign(digest.as_ptr(), digest.len(), key.get()), sys::ECDSA_SIG_free)?;
        let (mut r, mut s) = (std::ptr::null(), std::ptr::null());
        sys::ECDSA_SIG_get0(signature.get(), &mut r, &mut s);
        let (first, second) = room.split_at_mut(curve.field);
        number_padded(r, first)?;
        number_padded(s, second)
    }
}

/// hash, curve, public key, signature, data → flag.
pub fn verify(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let hash = Hash::parse(args.text()?)?;
    let curve = Curve::parse(args.text()?)?;
    let key = curve.public(args.bytes()?)?;
    let (signature, digest) = (args.bytes()?, hash.of(args.bytes()?));
    if signature.len() != 2 * curve.field {
        return out.flag(false);
    }
    let (r, s) = signature.split_at(curve.field);
    let (r, s) = (number(r)?, number(s)?);
    // SAFETY: the signature is ours and takes both numbers over; that cannot fail, they are there.
    let verified = unsafe {
        let signature = Owned::new(sys::ECDSA_SIG_new(), sys::ECDSA_SIG_free)?;
        check(sys::ECDSA_SIG_set0(signature.get(), r.give(), s.give()))?;
        sys::ECDSA_do_verify(digest.as_ptr(), digest.len(), signature.get(), key.get())
    };
    out.flag(verified == 1)
}

/// curve, private key, public key → secret.
pub fn derive(args: &mut Args<'_>, out: &mut Output<'_>) -> Result<(), Refused> {
    let curve = Curve::parse(args.text()?)?;
    let (private, public) = (curve.private(args.bytes()?)?, curve.public(args.bytes()?)?);
    let room = out.room(curve.field)?;
    // SAFETY: writes `room` within its length; the point lives in its key.
    let written = unsafe {
        let point = sys::EC_KEY_get0_public_key(public.get());
        sys::ECDH_compute_key(room.as_mut_ptr().cast(), room.len(), point, private.get(), None)
    };
    if usize::try_from(written) == Ok(room.len()) {
        return Ok(());
    }
    Err(Refused::operation("Failed to generate shared ECDH secret."))
}

/// x, y and, of a private key, d.
pub fn jwk(curve: Curve, private: bool, bytes: &[u8]) -> Result<[Option<String>; 3], Refused> {
    let (scalar, point) =
        bytes.split_at_checked(if private { curve.field } else { 0 }).ok_or_else(Refused::internal)?;
    let (x, y) = point.get(1..).unwrap_or_default().split_at_checked(curve.field).ok_or_else(Refused::internal)?;
    let encoded = |bytes| Some(base64url::encode(bytes));
    Ok([encoded(x), encoded(y), private.then(|| base64url::encode(scalar))])
}
