//! The cheap answer to "has any page of this slot become private since?": no page does without a
//! fault of the thread that touches it. The kernel counts a thread's faults; if the count has not
//! moved between holding a script and releasing it, and nobody else touched the memory, the private
//! pages are those of the scan before, and the scan (some 9 µs) is left out.
//!
//! What it stands on: from hold to release the slot was touched by one thread only (a guest that
//! yields, or whose events run on several threads, is scanned for); faults that the kernel takes for
//! this thread are counted too; a counted fault of someone else only costs a scan; no transparent
//! huge pages in a slot, which khugepaged could put there without a fault ([`forbid_huge_pages`]).
//!
//! A count that has just been read stands for the next one's beginning: asking costs a quarter of a microsecond, and
//! what happens in between can only make the wire trip.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

static THREADS: AtomicU64 = AtomicU64::new(1);

thread_local! {
    /// This thread among those that ever set a wire.
    static THREAD: u64 = THREADS.fetch_add(1, Ordering::Relaxed);
    /// What the thread's last wire read when it had not tripped.
    static COUNTED: Cell<Option<i64>> = const { Cell::new(None) };
}

/// Set at hold, asked at release.
pub struct Tripwire {
    thread: u64,
    faults: i64,
}

impl Tripwire {
    pub fn set() -> Self {
        Self { thread: THREAD.with(|thread| *thread), faults: COUNTED.take().unwrap_or_else(faults_of_thread) }
    }

    pub fn is_of_this_thread(&self) -> bool {
        THREAD.with(|thread| self.thread == *thread)
    }

    /// Nothing that this thread did since can have made a page private.
    pub fn untouched(&self) -> bool {
        if !self.is_of_this_thread() {
            return false;
        }
        let untouched = self.faults == faults_of_thread();
        // One that has tripped was perhaps set on an old count, which would let the next one trip as well.
        COUNTED.set(untouched.then_some(self.faults));
        untouched
    }
}

/// Faults, minor and major, that this thread has taken so far.
fn faults_of_thread() -> i64 {
    // SAFETY: an all-zero rusage is a valid one.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the kernel writes one rusage, which is ours.
    unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) };
    usage.ru_minflt + usage.ru_majflt
}

/// Asks the kernel to keep transparent huge pages out of a range. True: they cannot be there, also
/// where the kernel does not know them at all.
pub fn forbid_huge_pages(start: *mut u8, len: usize) -> bool {
    // SAFETY: advice about a mapping that is ours; it changes no content.
    let done = unsafe { libc::madvise(start.cast(), len, libc::MADV_NOHUGEPAGE) };
    done == 0 || std::io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_write_trips_and_a_second_does_not() {
        let len = 64 * 4096;
        // SAFETY: a fresh anonymous mapping, unmapped below.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(start, libc::MAP_FAILED);
        assert!(forbid_huge_pages(start.cast(), len));
        // SAFETY: inside the mapping.
        let write = |page: usize| unsafe { start.cast::<u8>().add(page * 4096).write_volatile(1) };
        write(0);
        let wire = Tripwire::set();
        write(0);
        assert!(wire.untouched());
        // The count that was read then is the next one's, and what comes in between trips it.
        write(62);
        assert!(!Tripwire::set().untouched());
        assert!(Tripwire::set().untouched());
        write(63);
        assert!(!wire.untouched());
        let elsewhere = std::thread::spawn(Tripwire::set).join().unwrap();
        assert!(!elsewhere.is_of_this_thread() && !elsewhere.untouched());
        // SAFETY: mapped above, not used after.
        unsafe { libc::munmap(start, len) };
    }
}
