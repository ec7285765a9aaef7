//! AWS-LC where its safe crate stops: keys of any size and from any part, salts, labels and nonces of any length.
//! Pointers live in [`Owned`], and the other files of `crypto` call the library with those alone.

use std::ffi::c_int;
use std::ptr::{NonNull, null_mut};

use aws_lc_sys as sys;

use super::Refused;

/// An object of the library's, freed when dropped.
pub struct Owned<T> {
    object: NonNull<T>,
    free: unsafe extern "C" fn(*mut T),
}

impl<T> Owned<T> {
    /// Takes over what a constructor of the library returned; null is a failure.
    ///
    /// # Safety
    /// `object` is null or owned by nobody else, and `free` frees it.
    pub unsafe fn new(object: *mut T, free: unsafe extern "C" fn(*mut T)) -> Result<Self, Refused> {
        NonNull::new(object).map(|object| Self { object, free }).ok_or_else(Refused::internal)
    }

    pub fn get(&self) -> *mut T {
        self.object.as_ptr()
    }

    /// For a function of the library that takes the object over.
    pub fn give(self) -> *mut T {
        let object = self.get();
        std::mem::forget(self);
        object
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: by the promise of `new`; `give` forgets the object before.
        unsafe { (self.free)(self.get()) }
    }
}

/// A result of 1 is success.
pub fn check(result: c_int) -> Result<(), Refused> {
    if result == 1 { Ok(()) } else { Err(Refused::internal()) }
}

/// The library keeps a queue of errors a thread, which nothing here reads but [`last_error`].
pub fn forget_errors() {
    // SAFETY: touches the thread's own queue.
    unsafe { sys::ERR_clear_error() }
}

/// Library and reason of the newest error.
pub fn last_error() -> (c_int, c_int) {
    // SAFETY: touches the thread's own queue.
    let error = unsafe { sys::ERR_peek_last_error() };
    (((error >> 24) & 0xff) as c_int, (error & 0xfff) as c_int)
}

pub fn number(bytes: &[u8]) -> Result<Owned<sys::BIGNUM>, Refused> {
    // SAFETY: reads `bytes`; the number is ours.
    unsafe { Owned::new(sys::BN_bin2bn(bytes.as_ptr(), bytes.len(), null_mut()), sys::BN_clear_free) }
}

/// A number's bytes, big endian, without leading zeros.
///
/// # Safety
/// `number` is null or a number that lives.
pub unsafe fn number_bytes(number: *const sys::BIGNUM) -> Vec<u8> {
    if number.is_null() {
        return Vec::new();
    }
    // SAFETY: by the promise; the vector has the length that the number needs.
    unsafe {
        let mut bytes = vec![0; sys::BN_num_bytes(number) as usize];
        sys::BN_bn2bin(number, bytes.as_mut_ptr());
        bytes
    }
}

/// A number's bytes, big endian, in as many as `out` has.
///
/// # Safety
/// `number` is a number that lives.
pub unsafe fn number_padded(number: *const sys::BIGNUM, out: &mut [u8]) -> Result<(), Refused> {
    // SAFETY: by the promise; `out` is written within its length.
    check(unsafe { sys::BN_bn2bin_padded(out.as_mut_ptr(), out.len(), number) })
}

pub type Key = Owned<sys::EVP_PKEY>;

pub fn new_key() -> Result<Key, Refused> {
    // SAFETY: a fresh key is ours.
    unsafe { Owned::new(sys::EVP_PKEY_new(), sys::EVP_PKEY_free) }
}

/// A signing or verifying context: where its parameters are set, before data comes.
pub struct Signing {
    context: Owned<sys::EVP_MD_CTX>,
    pub parameters: *mut sys::EVP_PKEY_CTX,
}

impl Signing {
    fn new() -> Result<Self, Refused> {
        // SAFETY: a fresh context is ours.
        let context = unsafe { Owned::new(sys::EVP_MD_CTX_new(), sys::EVP_MD_CTX_free)? };
        Ok(Self { context, parameters: null_mut() })
    }

    pub fn sign(key: &Key, digest: *const sys::EVP_MD) -> Result<Self, Refused> {
        let mut one = Self::new()?;
        // SAFETY: context and key live; the context keeps a reference of its own to the key.
        check(unsafe {
            sys::EVP_DigestSignInit(one.context.get(), &mut one.parameters, digest, null_mut(), key.get())
        })?;
        Ok(one)
    }

    pub fn verify(key: &Key, digest: *const sys::EVP_MD) -> Result<Self, Refused> {
        let mut one = Self::new()?;
        // SAFETY: as in `sign`.
        check(unsafe {
            sys::EVP_DigestVerifyInit(one.context.get(), &mut one.parameters, digest, null_mut(), key.get())
        })?;
        Ok(one)
    }

    /// The signature's length; `out` has room for one of this key.
    pub fn signed(self, data: &[u8], out: &mut [u8]) -> Result<usize, Refused> {
        let mut len = out.len();
        // SAFETY: writes at most `len` bytes of `out`.
        let signed =
            unsafe { sys::EVP_DigestSign(self.context.get(), out.as_mut_ptr(), &mut len, data.as_ptr(), data.len()) };
        check(signed).map(|()| len)
    }

    pub fn verified(self, signature: &[u8], data: &[u8]) -> bool {
        // SAFETY: reads both within their lengths.
        1 == unsafe {
            sys::EVP_DigestVerify(self.context.get(), signature.as_ptr(), signature.len(), data.as_ptr(), data.len())
        }
    }
}
