//! The C library's heap. By its own rules it keeps more the larger a piece was that was once freed, in each of the
//! areas that its threads have: after a start that is a fifth of the process.

/// A piece of so many bytes is a mapping of its own, which goes back when it is freed; so does the free end of an area
/// that has grown so large. Less would cost page faults at every large body or upload.
#[cfg(target_env = "gnu")]
const GIVEN_BACK: libc::c_int = 1 << 20;

/// Fixes what is kept. Before threads start.
pub fn bound() {
    #[cfg(target_env = "gnu")]
    // SAFETY: both take a number; no memory is involved.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, GIVEN_BACK);
        libc::mallopt(libc::M_TRIM_THRESHOLD, GIVEN_BACK);
    }
}

/// Gives back what is free now, in all areas: some milliseconds, in which they are locked one after the other.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: only what nobody has is given back.
    unsafe {
        libc::malloc_trim(0);
    }
}
