//! Guest threads, and the one seam through which a running instance gets to them: each poll of its
//! task is a runnable, keyed by tenant, that a queue hands out.
//!
//! The tenant that has used the least CPU is next ([`queues`]); a guest that computes gives its thread
//! up at each tick of a millisecond, or earlier, when a runnable comes that goes before it.
//!
//! The thread that has a request begins what is next itself, where that is short ([`Executor::here`]): handing it over
//! and waiting to be told costs two wake-ups, more than a short request. It stays within what the guest threads may run at
//! once, but beside other tenants' runs that are short themselves or would have to give way, and goes on for [`VISIT`] at
//! most, or until the tick; what takes longer goes to them. Of Workers that nothing is known of, it begins what comes
//! while a guest thread is free, and no guest has computed for long just before.

use std::cell::{Cell, OnceCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_task::Runnable;
use parking_lot::{Condvar, Mutex};
use switchyard_catalog::ScriptId;

use crate::meter::{CpuClock, Meter};
use crate::reply::{self, Held};
use crate::scheduling;

mod queues;
#[cfg(test)]
mod tests;
mod turns;

use queues::Queues;

/// Guests run on fibers of their own; short calls (allocation) run here, above wasmtime's own limit.
pub const GUEST_THREAD_STACK: usize = 8 << 20;
/// A guest's slice, and the precision of its CPU limit.
const TICK: Duration = Duration::from_millis(1);
/// Ticks without anything to run after which the ticker sleeps.
const IDLE_TICKS: u32 = 20;
/// What began less than this before a tick goes on to the next one, unless connections wait for its thread.
const BARELY_BEGUN: Duration = Duration::from_micros(500);
/// A run that takes longer is no short one, and may be interrupted for another tenant's; shorter ones
/// are done sooner than they are interrupted.
const SHORT: Duration = Duration::from_micros(200);

/// For so long after a guest had to be told to give up its thread, what nothing is known of is taken for one of its kind.
const WARY: Duration = Duration::from_millis(100);
/// After so long, a thread that is no guest's begins nothing more.
const VISIT: Duration = Duration::from_micros(250);

/// What a Worker's requests take of a thread, by those that have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Less than handing them over would.
    Short,
    Long,
    /// None has ended yet. It may be short, and may hold a thread for a whole slice.
    Unknown,
}

/// Who a runnable is charged to.
pub type TenantKey = ScriptId;

/// The threads. Dropping it ends them after what they run now.
pub struct Executor {
    shared: Arc<Shared>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    tick: Condvar,
    engine: wasmtime::Engine,
    /// Where guests' timers and tasks are, whatever thread they run on.
    tokio: tokio::runtime::Handle,
    /// Those of components, once there are any.
    components: [OnceLock<wasmtime::Engine>; 2],
}

struct State {
    queues: Queues<Waiting>,
    /// How many may run at once: the guest threads, which are the first of `threads`. Those behind them are
    /// other threads that run guests now, or places where one did.
    guests: usize,
    threads: Vec<Thread>,
    /// When one was told last to give up its thread that had run for long.
    told_at: Option<Instant>,
    /// Whether epochs advance; a push sees to it.
    ticking: bool,
    ended: bool,
}

struct Waiting {
    runnable: Runnable,
    /// It gave up its thread and was not done.
    resumes: bool,
    pace: Pace,
}

struct Thread {
    /// Set: what runs there gives up the thread at its next look at the epoch.
    give_up: Arc<AtomicBool>,
    runs: Option<Running>,
    /// Of a guest thread's CPU time; the other threads need none.
    clock: Option<CpuClock>,
}

#[derive(Clone, Copy)]
struct Running {
    tenant: TenantKey,
    began: Instant,
    resumed: bool,
    /// It is none that is known to be short, on a thread that has connections to serve.
    intrudes: bool,
    /// The thread's CPU time when it was told to give the thread up.
    cpu: Option<u64>,
    /// It was told so a tick of CPU ago.
    overdue: bool,
}

impl Running {
    /// As far as is known by now.
    fn is_short(&self, now: Instant) -> bool {
        !self.resumed && now.saturating_duration_since(self.began) < SHORT
    }

    /// What it has used at most, in nanoseconds: it may have waited for its core, but has not had more than a slice.
    /// To take it for more would lend to others what they then have to wait for.
    fn used(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).min(TICK).as_nanos() as u64
    }
}

thread_local! {
    /// This guest thread's [`Thread::give_up`].
    static GIVE_UP: OnceCell<Arc<AtomicBool>> = const { OnceCell::new() };
    /// Whose poll has just ended on this thread, and what it took, until that is charged.
    static POLLED: Cell<Option<(TenantKey, u64)>> = const { Cell::new(None) };
    /// The executor whose guests this thread runs now, by its address; 0: none's.
    static WORKS_FOR: Cell<usize> = const { Cell::new(0) };
    /// What this thread ran last gave it up to the tick.
    static GAVE_UP: Cell<bool> = const { Cell::new(false) };
    /// What runs on this thread gives it up without being done.
    static RESUMES: Cell<bool> = const { Cell::new(false) };
    static OFFER: Cell<Offer> = const { Cell::new(Offer::No) };
}

/// Whether this thread would run something itself.
#[derive(Default)]
enum Offer {
    #[default]
    No,
    Open,
    /// It is to run this, as the thread of that number.
    Taken(Runnable, usize),
}

/// Asked at each epoch: whether the guest that runs on this thread has to give it up.
pub fn must_give_up() -> bool {
    let must = GIVE_UP.with(|flag| flag.get().is_some_and(|flag| flag.swap(false, Ordering::Relaxed)));
    if must {
        GAVE_UP.set(true);
        will_resume();
    }
    must
}

/// What runs on this thread lets others go first, with more to do. What is only woken while it runs is no such thing.
pub fn will_resume() {
    RESUMES.set(true);
}

impl Executor {
    /// Starts `threads` guest threads, which are in `tokio`'s context, and the epoch ticker of `engine`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(threads: usize, engine: &wasmtime::Engine, tokio: &tokio::runtime::Handle) -> std::io::Result<Self> {
        let guests = threads.max(1);
        let (queues, threads) = (Queues::default(), Vec::new());
        let state = State { queues, guests, threads, told_at: None, ticking: false, ended: false };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            wake: Condvar::new(),
            tick: Condvar::new(),
            engine: engine.clone(),
            tokio: tokio.clone(),
            components: Default::default(),
        });
        let mut this = Self { shared, threads: Vec::new() };
        for number in 0..guests {
            let give_up: Arc<AtomicBool> = Arc::default();
            this.shared.state.lock().threads.push(Thread { give_up: Arc::clone(&give_up), runs: None, clock: None });
            let (shared, tokio) = (Arc::clone(&this.shared), tokio.clone());
            let builder = std::thread::Builder::new().name(format!("guest-{number}")).stack_size(GUEST_THREAD_STACK);
            this.threads.push(builder.spawn(move || {
                let _tokio = tokio.enter();
                scheduling::guest_thread();
                shared.state.lock().threads[number].clock = CpuClock::of_this_thread();
                shared.work(number, &give_up);
            })?);
        }
        let shared = Arc::clone(&this.shared);
        this.threads.push(std::thread::Builder::new().name("epoch".into()).spawn(move || {
            scheduling::prompt_thread();
            shared.tick();
        })?);
        Ok(this)
    }

    /// Has the epochs of another engine go with those of the first. Two more are kept.
    pub fn tick_too(&self, engine: &wasmtime::Engine) {
        let _ = self.shared.components.iter().try_fold(engine.clone(), |engine, place| match place.set(engine) {
            Ok(()) => Err(()),
            Err(engine) => Ok(engine),
        });
    }

    /// Runs a future to its end on the guest threads, metering each poll, which its tenant is charged
    /// with by `weight`: a tenant of twice the weight gets twice the CPU where both want all they can
    /// get. `pace`: what it is about to do, as far as is known. A panic in the future ends it alone.
    pub fn spawn<M, F>(
        &self,
        tenant: TenantKey,
        weight: u16,
        meter: M,
        pace: impl Fn() -> Pace + Send + Sync + 'static,
        future: F,
    ) where
        M: Meter,
        F: Future<Output = ()> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let schedule = move |runnable| shared.push(tenant, weight, pace(), runnable);
        let (runnable, task) = async_task::spawn(Metered { tenant, meter, future }, schedule);
        task.detach();
        runnable.schedule();
    }

    /// When `act` has something run, what is next begins on this thread, before this returns, where it is short, and a
    /// guest thread is free or those beside it are no reason to wait. The caller holds no lock that a guest may want.
    pub fn here<R>(&self, act: impl FnOnce() -> R) -> R {
        self.shared.here(act)
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.shared.state.lock().ended = true;
        self.shared.wake.notify_all();
        self.shared.tick.notify_all();
        for thread in self.threads.drain(..) {
            // The last owner may be a guest thread itself, which cannot wait for its own end.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
        // Tasks are dropped without the lock, which they may want.
        loop {
            let waiting = self.shared.state.lock().queues.pop();
            if waiting.is_none() {
                break;
            }
        }
    }
}

impl Shared {
    fn increment_epoch(&self) {
        self.engine.increment_epoch();
        for components in self.components.iter().filter_map(OnceLock::get) {
            components.increment_epoch();
        }
    }

    fn push(&self, tenant: TenantKey, weight: u16, pace: Pace, runnable: Runnable) {
        let mut state = self.state.lock();
        if state.ended {
            drop(state);
            return; // and the task goes, with all it holds
        }
        // Pushed by its own poll, which has just ended.
        let resumes = state.charge() == Some(tenant) && RESUMES.take();
        state.queues.push(tenant, weight, Waiting { runnable, resumes, pace });
        // What this thread's guest wakes is next when its turn is over, or at the tick. Who takes that and finds more
        // wakes another thread: mostly there is only this one to go on with.
        let taken = !resumes && state.offered();
        let mine = taken || WORKS_FOR.get() == self.address();
        // What resumes was on a thread, which takes the next one now.
        let interrupted = !taken && !resumes && state.interrupt_for(tenant);
        if !state.ticking {
            state.ticking = true;
            self.tick.notify_one();
        }
        drop(state);
        if interrupted {
            self.increment_epoch();
        }
        if !mine {
            self.wake.notify_one();
        }
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// See [`Executor::here`].
    fn here<R>(&self, act: impl FnOnce() -> R) -> R {
        // In a guest its own turn comes when this one's is over.
        if WORKS_FOR.get() != 0 {
            return act();
        }
        OFFER.set(Offer::Open);
        let done = act();
        let taken = match OFFER.take() {
            Offer::Taken(runnable, number) => Some((runnable, number)),
            // It joined what is about to run already: others may wait before that.
            _ => self.state.lock().take_here(),
        };
        if let Some((runnable, number)) = taken {
            self.visit(runnable, number);
        }
        done
    }

    /// Runs guests on a thread that is none of theirs.
    fn visit(&self, first: Runnable, number: usize) {
        let began = Instant::now();
        // A timer that is made here must not end with the runtime of this thread.
        let _tokio = self.tokio.enter();
        WORKS_FOR.set(self.address());
        let mut next = Some(first);
        while let Some(runnable) = next {
            run(runnable);
            let mut state = self.state.lock();
            state.ran(number);
            let goes_on = began.elapsed() < VISIT && !state.ended;
            next = if goes_on { state.begin_here(number) } else { None };
            let more = !state.queues.is_empty() && state.queues.running() < state.guests;
            drop(state);
            if more {
                self.wake.notify_one();
            }
        }
        WORKS_FOR.set(0);
        crate::meter::leave_thread();
    }

    fn work(self: &Arc<Self>, number: usize, give_up: &Arc<AtomicBool>) {
        let _ = GIVE_UP.with(|own| own.set(Arc::clone(give_up)));
        WORKS_FOR.set(self.address());
        loop {
            let mut state = self.state.lock();
            state.ran(number);
            let runnable = loop {
                if state.ended {
                    return;
                }
                // Others may run as many as there are of these; then what waits is theirs, or the next one's to end.
                if state.queues.running() < state.guests
                    && let Some(runnable) = state.next(number)
                {
                    break runnable;
                }
                crate::meter::forget_reading();
                self.wake.wait(&mut state);
            };
            let more = !state.queues.is_empty() && state.queues.running() < state.guests;
            drop(state);
            if more {
                self.wake.notify_one();
            }
            reply::hold();
            run(runnable);
            if let Some(held) = reply::held() {
                self.state.lock().ran(number);
                let shared = Arc::clone(self);
                self.tokio.spawn(async move {
                    held.into_iter().for_each(Held::tell);
                    // The thread of these clients is awake, and has answered them then: what waits is begun there, or
                    // each of its answers would be a change of threads as well.
                    tokio::task::yield_now().await;
                    shared.here(|| ());
                });
            }
            // Whoever waits for this core is let in with the tick, not with the system's.
            if GAVE_UP.take() {
                std::thread::yield_now();
            }
        }
    }

    /// One epoch a millisecond while guests run; sleeps when there has been nothing for a while.
    fn tick(&self) {
        let mut idle = 0;
        loop {
            std::thread::sleep(TICK);
            let mut state = self.state.lock();
            if state.ended {
                return;
            }
            state.end_slices(Instant::now());
            self.increment_epoch();
            if !state.queues.is_empty() && state.queues.running() < state.guests {
                self.wake.notify_one(); // whoever was to go on with it still computes
            }
            idle = if state.queues.running() == 0 && state.queues.is_empty() { idle + 1 } else { 0 };
            if idle > IDLE_TICKS {
                state.ticking = false;
                while !state.ticking && !state.ended {
                    self.tick.wait(&mut state);
                }
                idle = 0;
            }
        }
    }
}

/// The task's own guard has answered for it if it panicked; the thread goes on.
fn run(runnable: Runnable) {
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runnable.run()));
}

/// A future whose every poll is counted.
struct Metered<M, F> {
    tenant: TenantKey,
    meter: M,
    future: F,
}

impl<M: Meter, F: Future<Output = ()>> Future for Metered<M, F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: `future` is structurally pinned: it is never moved out of `self`, and `Metered`
        // has no `Drop` of its own and is not `Unpin` unless the future is.
        let this = unsafe { self.get_unchecked_mut() };
        RESUMES.set(false);
        this.meter.poll_begin();
        // SAFETY: as above.
        let future = unsafe { Pin::new_unchecked(&mut this.future) };
        let polled = future.poll(cx);
        POLLED.set(Some((this.tenant, this.meter.poll_end())));
        polled
    }
}
