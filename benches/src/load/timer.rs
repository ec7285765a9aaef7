//! A timer that wakes within tens of microseconds (`timerfd`): the runtime's own counts milliseconds, which an open
//! loop's latencies would show.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use tokio::io::unix::AsyncFd;

/// One timer of one task.
pub struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    /// # Errors
    /// When the system has no more descriptors.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no memory is involved.
        let made = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC) };
        if made < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a descriptor that was made just now and is nobody else's.
        let owned = unsafe { OwnedFd::from_raw_fd(made) };
        // SAFETY: it is the same one, and open, for as long as it is owned here.
        let registered = unsafe { AsyncFd::register(owned) };
        Ok(Self(registered?))
    }

    /// Waits until then; others have their turn even when it is past.
    ///
    /// # Errors
    /// Those of the system.
    pub async fn until(&self, then: Instant) -> io::Result<()> {
        let left = then.saturating_duration_since(Instant::now());
        if left.is_zero() {
            tokio::task::yield_now().await;
            return Ok(());
        }
        self.set(left)?;
        loop {
            let mut ready = self.0.readable().await?;
            let mut times = [0_u8; 8];
            // SAFETY: the kernel writes at most as many bytes as there are.
            let read = unsafe { libc::read(self.0.as_raw_fd(), times.as_mut_ptr().cast(), times.len()) };
            if read == 8 {
                return Ok(());
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::WouldBlock {
                return Err(error);
            }
            ready.clear_ready();
        }
    }

    fn set(&self, left: Duration) -> io::Result<()> {
        let never = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let value = libc::timespec {
            tv_sec: libc::time_t::try_from(left.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let new = libc::itimerspec { it_interval: never, it_value: value };
        // SAFETY: it reads one itimerspec and writes nothing.
        let set = unsafe { libc::timerfd_settime(self.0.as_raw_fd(), 0, &raw const new, std::ptr::null_mut()) };
        if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}
