//! CPU time of one request: thread time around each poll of its task, readable at every epoch tick;
//! and whether anyone still waits for what it uses.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Nanoseconds of CPU that this thread has used.
pub fn thread_cpu() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one timespec, which is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

thread_local! {
    /// What the clock said when this thread's last poll ended; 0 after it slept.
    static LAST_READING: Cell<u64> = const { Cell::new(0) };
}

/// The thread is about to sleep: its next poll reads the clock anew.
pub fn forget_reading() {
    LAST_READING.set(0);
}

/// Counts one request. A task is polled by one thread at a time, so relaxed order is enough.
#[derive(Debug)]
pub struct CpuMeter {
    used: AtomicU64,
    /// Thread time when the present poll began; 0 between polls.
    poll_began: AtomicU64,
    /// What of `used` its tenant was charged with.
    settled: AtomicU64,
    limit: u64,
    /// The client has gone.
    left: AtomicBool,
    /// `waitUntil` was called: the request goes on without its client.
    goes_on: AtomicBool,
}

impl CpuMeter {
    pub fn new(limit: Duration) -> Self {
        let limit = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        Self {
            used: AtomicU64::new(0),
            poll_began: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            limit,
            left: AtomicBool::new(false),
            goes_on: AtomicBool::new(false),
        }
    }

    /// The thread that polls says when it begins …
    pub fn poll_begin(&self) {
        // Busy threads begin where they ended: the clock is a system call.
        let began = match LAST_READING.take() {
            0 => thread_cpu(),
            reading => reading,
        };
        self.poll_began.store(began, Ordering::Relaxed);
    }

    /// … and when it is done.
    pub fn poll_end(&self) {
        let began = self.poll_began.swap(0, Ordering::Relaxed);
        if began == 0 {
            return; // `finish` has read the clock a moment ago
        }
        let now = thread_cpu();
        LAST_READING.set(now);
        self.used.fetch_add(now.saturating_sub(began), Ordering::Relaxed);
    }

    /// Called inside the last poll, at its end: all of the request's CPU time.
    pub fn finish(&self) -> Duration {
        self.poll_end();
        Duration::from_nanos(self.used.load(Ordering::Relaxed))
    }

    /// Work done elsewhere for this request: digests on the blocking pool, say.
    pub fn charge(&self, nanos: u64) {
        self.used.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Nanoseconds used since this was asked last: what the executor charges the tenant with.
    pub fn settle(&self) -> u64 {
        let used = self.used.load(Ordering::Relaxed);
        used.saturating_sub(self.settled.swap(used, Ordering::Relaxed))
    }

    /// The client has gone. What the guest computes now is for nobody, unless it goes on.
    pub fn leave(&self) {
        self.left.store(true, Ordering::Relaxed);
    }

    /// The guest has work that outlives its client.
    pub fn go_on(&self) {
        self.goes_on.store(true, Ordering::Relaxed);
    }

    /// Whether a guest that computes is to be stopped.
    pub fn abandoned(&self) -> bool {
        self.left.load(Ordering::Relaxed) && !self.goes_on.load(Ordering::Relaxed)
    }

    /// All of it so far; from the polling thread it includes the present poll.
    pub fn used(&self) -> Duration {
        let began = self.poll_began.load(Ordering::Relaxed);
        let running = if began == 0 { 0 } else { thread_cpu().saturating_sub(began) };
        Duration::from_nanos(self.used.load(Ordering::Relaxed) + running)
    }

    pub fn exceeded(&self) -> bool {
        self.used().as_nanos() > u128::from(self.limit)
    }
}
