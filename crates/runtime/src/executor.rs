//! Guest threads, and the one seam through which a running instance gets to them: each poll of its
//! task is a runnable, keyed by tenant, that a queue hands out. Guests never run on an I/O thread.
//!
//! The order is round robin over the tenants that have something to run, so that one with a thousand
//! runnables waits behind itself; weights by measured CPU have their place here.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_task::Runnable;
use parking_lot::{Condvar, Mutex};
use switchyard_catalog::ScriptId;

use crate::meter::CpuMeter;

/// Guests run on fibers of their own; short calls (allocation) run here, above wasmtime's own limit.
const GUEST_THREAD_STACK: usize = 4 << 20;
/// Ticks without anything to run after which the ticker sleeps.
const IDLE_TICKS: u32 = 20;

/// Who a runnable is charged to.
pub type TenantKey = ScriptId;

/// The threads. Dropping it ends them after what they run now.
pub struct Executor {
    shared: Arc<Shared>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

struct Shared {
    queues: Mutex<Queues>,
    wake: Condvar,
    tick: Condvar,
    engine: wasmtime::Engine,
}

#[derive(Default)]
struct Queues {
    of: HashMap<TenantKey, VecDeque<Runnable>>,
    /// Tenants that have a runnable, each once.
    turn: VecDeque<TenantKey>,
    /// Threads that run something now.
    busy: usize,
    /// Whether epochs advance; a push sees to it.
    ticking: bool,
    ended: bool,
}

impl Executor {
    /// Starts `threads` guest threads and the epoch ticker of `engine`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(threads: usize, engine: &wasmtime::Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            queues: Mutex::default(),
            wake: Condvar::new(),
            tick: Condvar::new(),
            engine: engine.clone(),
        });
        let mut this = Self { shared, threads: Vec::new() };
        for number in 0..threads.max(1) {
            let shared = Arc::clone(&this.shared);
            let builder = std::thread::Builder::new().name(format!("guest-{number}")).stack_size(GUEST_THREAD_STACK);
            this.threads.push(builder.spawn(move || shared.work())?);
        }
        let shared = Arc::clone(&this.shared);
        this.threads.push(std::thread::Builder::new().name("epoch".into()).spawn(move || shared.tick())?);
        Ok(this)
    }

    /// Runs a future to its end on the guest threads, metering each poll. A panic in it ends it alone.
    pub fn spawn<F>(&self, tenant: TenantKey, meter: Arc<CpuMeter>, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let schedule = move |runnable| shared.push(tenant, runnable);
        let (runnable, task) = async_task::spawn(Metered { meter, future }, schedule);
        task.detach();
        runnable.schedule();
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.shared.queues.lock().ended = true;
        self.shared.wake.notify_all();
        self.shared.tick.notify_all();
        for thread in self.threads.drain(..) {
            // The last owner may be a guest thread itself, which cannot wait for its own end.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

impl Shared {
    fn push(&self, tenant: TenantKey, runnable: Runnable) {
        let mut queues = self.queues.lock();
        let queue = queues.of.entry(tenant).or_default();
        queue.push_back(runnable);
        if queue.len() == 1 {
            queues.turn.push_back(tenant);
        }
        if !queues.ticking {
            queues.ticking = true;
            self.tick.notify_one();
        }
        drop(queues);
        self.wake.notify_one();
    }

    fn work(&self) {
        loop {
            let runnable = {
                let mut queues = self.queues.lock();
                loop {
                    if queues.ended {
                        return;
                    }
                    if let Some(runnable) = queues.pop() {
                        queues.busy += 1;
                        break runnable;
                    }
                    crate::meter::forget_reading();
                    self.wake.wait(&mut queues);
                }
            };
            // The task's own guard has answered for it if it panicked; the thread goes on.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runnable.run()));
            self.queues.lock().busy -= 1;
        }
    }

    /// One epoch a millisecond while guests run; sleeps when there has been nothing for a while.
    fn tick(&self) {
        let mut idle = 0;
        loop {
            std::thread::sleep(Duration::from_millis(1));
            self.engine.increment_epoch();
            let mut queues = self.queues.lock();
            if queues.ended {
                return;
            }
            idle = if queues.busy == 0 && queues.turn.is_empty() { idle + 1 } else { 0 };
            if idle > IDLE_TICKS {
                queues.ticking = false;
                while !queues.ticking && !queues.ended {
                    self.tick.wait(&mut queues);
                }
                idle = 0;
            }
        }
    }
}

impl Queues {
    fn pop(&mut self) -> Option<Runnable> {
        let tenant = self.turn.pop_front()?;
        let queue = self.of.get_mut(&tenant)?;
        let runnable = queue.pop_front();
        if queue.is_empty() {
            self.of.remove(&tenant);
        } else {
            self.turn.push_back(tenant);
        }
        runnable
    }
}

/// A future whose every poll is counted.
struct Metered<F> {
    meter: Arc<CpuMeter>,
    future: F,
}

impl<F: Future<Output = ()>> Future for Metered<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // SAFETY: `future` is structurally pinned: it is never moved out of `self`, and `Metered`
        // has no `Drop` of its own and is not `Unpin` unless the future is.
        let this = unsafe { self.get_unchecked_mut() };
        this.meter.poll_begin();
        // SAFETY: as above.
        let future = unsafe { Pin::new_unchecked(&mut this.future) };
        let polled = future.poll(cx);
        this.meter.poll_end();
        polled
    }
}
