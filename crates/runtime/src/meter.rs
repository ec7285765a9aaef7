//! CPU time of one request: thread time around each poll of its task, readable at every epoch tick;
//! and whether anyone still waits for what it uses. Where requests share an instance, their meters take
//! turns ([`SharedMeter`]).

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Nanoseconds of CPU that this thread has used.
pub fn thread_cpu() -> u64 {
    CpuClock(libc::CLOCK_THREAD_CPUTIME_ID).nanos()
}

/// A thread's clock of CPU time, for others to read.
#[derive(Debug, Clone, Copy)]
pub struct CpuClock(libc::clockid_t);

impl CpuClock {
    /// `None`: the system has none.
    pub fn of_this_thread() -> Option<Self> {
        let mut clock = 0;
        // SAFETY: it is this thread that is asked for, and one number that is written.
        let failed = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &raw mut clock) };
        (failed == 0).then_some(Self(clock))
    }

    /// Used so far; 0 once the thread has ended.
    pub fn nanos(self) -> u64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the kernel writes one timespec, which is ours.
        unsafe { libc::clock_gettime(self.0, &raw mut time) };
        time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
    }
}

thread_local! {
    /// What the clock said when this thread's last poll ended; 0 after it slept.
    static LAST_READING: Cell<u64> = const { Cell::new(0) };
    /// When the kernel was asked last, and what it said.
    static ASKED: Cell<Option<(Instant, u64)>> = const { Cell::new(None) };
}

/// Asking the kernel costs a microsecond, a twentieth of a small request; what the wall's clock says costs nothing near.
/// So a thread's clock is taken to go with the wall's for so long after the kernel was asked. The thread may have lost
/// the processor meanwhile, which is then counted, up to this and once; what is longer than this the kernel counts.
const TRUST: Duration = Duration::from_micros(300);
/// The same for the beginning of a poll, which may become a long one.
const TRUST_AT_BEGIN: Duration = Duration::from_micros(100);

/// [`thread_cpu`], of which it may be ahead by `trust`.
fn reading(trust: Duration) -> u64 {
    let now = Instant::now();
    if let Some((at, cpu)) = ASKED.get() {
        let since = now.saturating_duration_since(at);
        if since < trust {
            return cpu + since.as_nanos() as u64;
        }
    }
    let cpu = thread_cpu();
    ASKED.set(Some((now, cpu)));
    cpu
}

/// The thread is about to sleep: its next poll asks the kernel.
pub fn forget_reading() {
    LAST_READING.set(0);
    ASKED.set(None);
}

/// The thread does other things than guests from here on.
pub fn leave_thread() {
    LAST_READING.set(0);
}

/// What the executor counts a task's polls with.
pub trait Meter: Send + 'static {
    /// The thread that polls says when it begins …
    fn poll_begin(&self);
    /// … and when it is done. Returns the nanoseconds that were used since this was asked last: what the
    /// task's tenant is charged with.
    fn poll_end(&self) -> u64;
}

impl Meter for Arc<CpuMeter> {
    fn poll_begin(&self) {
        self.begin(begin_reading());
    }

    fn poll_end(&self) -> u64 {
        self.stop();
        self.settle()
    }
}

/// Busy threads begin where they ended.
fn begin_reading() -> u64 {
    match LAST_READING.take() {
        0 => reading(TRUST_AT_BEGIN),
        reading => reading,
    }
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
    /// The request of another Worker that this one is a subrequest of.
    caller: Option<Arc<CpuMeter>>,
}

tokio::task_local! {
    /// Whose subrequest this task makes: what is called by it is called for that request.
    pub static CALLER: Arc<CpuMeter>;
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
            caller: None,
        }
    }

    /// Of a request that a task makes, which is a subrequest where [`CALLER`] is known in it.
    pub fn in_task(limit: Duration) -> Self {
        Self { caller: CALLER.try_with(Arc::clone).ok(), ..Self::new(limit) }
    }

    /// It is counted from that reading of the thread's clock on.
    fn begin(&self, reading: u64) {
        self.poll_began.store(reading, Ordering::Relaxed);
    }

    /// Nothing is counted from here on.
    fn stop(&self) {
        let began = self.poll_began.swap(0, Ordering::Relaxed);
        if began == 0 {
            return; // `finish` has read the clock a moment ago
        }
        let now = reading(TRUST);
        LAST_READING.set(now);
        self.used.fetch_add(now.saturating_sub(began), Ordering::Relaxed);
    }

    /// Called inside the last poll, at its end: all of the request's CPU time.
    pub fn finish(&self) -> Duration {
        self.stop();
        Duration::from_nanos(self.used.load(Ordering::Relaxed))
    }

    /// Work done elsewhere for this request: digests on the blocking pool, say.
    pub fn charge(&self, nanos: u64) {
        self.used.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Nanoseconds used since this was asked last.
    fn settle(&self) -> u64 {
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

    /// Whether a guest that computes is to be stopped: its client has gone, or that of a request it works for.
    /// A tree of subrequests is given up as a whole, not level by level while it grows below.
    pub fn abandoned(&self) -> bool {
        let caller_is = || self.caller.as_ref().is_some_and(|caller| caller.abandoned());
        !self.goes_on.load(Ordering::Relaxed) && (self.left.load(Ordering::Relaxed) || caller_is())
    }

    /// All of it so far; from the polling thread it includes the present poll.
    pub fn used(&self) -> Duration {
        let began = self.poll_began.load(Ordering::Relaxed);
        let running = if began == 0 { 0 } else { reading(TRUST).saturating_sub(began) };
        Duration::from_nanos(self.used.load(Ordering::Relaxed) + running)
    }

    pub fn exceeded(&self) -> bool {
        self.is_over(self.used())
    }

    /// As [`CpuMeter::exceeded`], for other threads than the one that polls: what runs there just now is not
    /// in it, since only that thread's clock knows it.
    pub fn exceeded_so_far(&self) -> bool {
        self.is_over(Duration::from_nanos(self.used.load(Ordering::Relaxed)))
    }

    /// Whether that much is more than the limit.
    pub fn is_over(&self, used: Duration) -> bool {
        used.as_nanos() > u128::from(self.limit)
    }
}

/// The meters of the requests in one instance, of which one runs at a time. Used by the thread that polls
/// the instance's task, so that the lock is never waited for.
#[derive(Debug, Default)]
pub struct SharedMeter {
    turn: Mutex<Turn>,
}

#[derive(Debug, Default)]
struct Turn {
    /// Whose turn it is; `None`: nobody's.
    of: Option<Arc<CpuMeter>>,
    /// The thread's clock since when it is nobody's; 0 between polls.
    since: u64,
    /// Used by those before, and not yet the tenant's charge.
    unsettled: u64,
}

impl SharedMeter {
    /// It is that request's turn from now on.
    pub fn turn(&self, next: &Arc<CpuMeter>) {
        let mut turn = self.turn.lock();
        let began = match turn.of.take() {
            Some(of) if Arc::ptr_eq(&of, next) => {
                turn.of = Some(of);
                return;
            }
            Some(before) => {
                before.stop();
                turn.unsettled += before.settle();
                LAST_READING.get()
            }
            // What the task did for nobody in particular is the cost of the one that it did it for.
            None => std::mem::take(&mut turn.since),
        };
        next.begin(if began == 0 { reading(TRUST_AT_BEGIN) } else { began });
        turn.of = Some(Arc::clone(next));
    }

    /// The request whose turn it is has ended: all of its CPU time.
    pub fn finish(&self) -> Duration {
        let mut turn = self.turn.lock();
        let Some(of) = turn.of.take() else { return Duration::ZERO };
        let used = of.finish();
        turn.unsettled += of.settle();
        turn.since = LAST_READING.get();
        used
    }
}

impl Meter for Arc<SharedMeter> {
    fn poll_begin(&self) {
        let mut turn = self.turn.lock();
        match &turn.of {
            Some(of) => of.begin(begin_reading()),
            None => turn.since = begin_reading(),
        }
    }

    fn poll_end(&self) -> u64 {
        let mut turn = self.turn.lock();
        match turn.of.take() {
            Some(of) => {
                of.stop();
                turn.unsettled += of.settle();
                turn.of = Some(of);
            }
            None => {
                let since = std::mem::take(&mut turn.since);
                if since != 0 && LAST_READING.get() == 0 {
                    let now = reading(TRUST);
                    LAST_READING.set(now);
                    turn.unsettled += now.saturating_sub(since);
                }
            }
        }
        std::mem::take(&mut turn.unsettled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn burn(nanos: u64) {
        let until = thread_cpu() + nanos;
        while thread_cpu() < until {}
    }

    #[test]
    fn each_pays_for_its_turn_and_the_tenant_for_all() {
        let shared: Arc<SharedMeter> = Arc::default();
        let [one, two] = [(); 2].map(|()| Arc::new(CpuMeter::new(Duration::from_millis(5))));
        let began = thread_cpu();
        shared.poll_begin();
        shared.turn(&one);
        burn(2_000_000);
        shared.turn(&two);
        burn(6_000_000);
        assert!(two.exceeded() && !one.exceeded());
        shared.turn(&one);
        shared.turn(&one);
        let mut charged = shared.poll_end();
        shared.poll_begin();
        burn(1_000_000);
        let used = shared.finish();
        burn(1_000_000);
        charged += shared.poll_end();
        let all = thread_cpu() - began;
        assert!((3_000_000..4_000_000).contains(&used.as_nanos()), "{used:?}");
        assert!((6_000_000..7_000_000).contains(&two.used().as_nanos()), "{two:?}");
        assert!((9_000_000..=all).contains(&u128::from(charged).try_into().unwrap_or(u64::MAX)), "{charged} of {all}");
    }
}
