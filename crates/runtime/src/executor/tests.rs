//! Which thread runs what.

use std::sync::mpsc;
use std::thread::ThreadId;

use super::*;
use crate::meter::CpuMeter;

fn executor(threads: usize) -> (Executor, tokio::runtime::Runtime) {
    let tokio = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let engine = wasmtime::Engine::default();
    (Executor::start(threads, &engine, tokio.handle()).unwrap(), tokio)
}

fn meter() -> Arc<CpuMeter> {
    Arc::new(CpuMeter::new(Duration::from_secs(1)))
}

/// Waits until no guest runs: who has told something is not done yet.
fn rest(executor: &Executor) {
    while executor.shared.state.lock().queues.running() > 0 {
        std::thread::yield_now();
    }
}

/// Spawns something short that tells on which thread it ran.
fn tell(executor: &Executor, told: &mpsc::Sender<ThreadId>) {
    tell_of(executor, TenantKey::random(), Pace::Short, told);
}

/// The same of a tenant, whose requests are of that pace.
fn tell_of(executor: &Executor, tenant: TenantKey, pace: Pace, told: &mpsc::Sender<ThreadId>) {
    let told = told.clone();
    executor.spawn(tenant, 1, meter(), move || pace, async move {
        let _ = told.send(std::thread::current().id());
    });
}

/// Something of a tenant that runs, until what this returns is dropped.
fn hold(executor: &Executor, tenant: TenantKey) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel();
    let (began, begun) = mpsc::channel();
    executor.spawn(tenant, 1, meter(), || Pace::Short, async move {
        let _ = began.send(());
        let _ = held.recv();
    });
    begun.recv().unwrap();
    release
}

#[test]
fn what_begins_here_is_done_when_here_returns() {
    let (executor, _tokio) = executor(1);
    let (told, ran) = mpsc::channel();
    for _ in 0..100 {
        executor.here(|| tell(&executor, &told));
        assert_eq!(ran.try_recv(), Ok(std::thread::current().id()));
    }
    // Of two, the second is a guest thread's, or this one's afterwards.
    executor.here(|| (0..2).for_each(|_| tell(&executor, &told)));
    assert_eq!(ran.recv(), Ok(std::thread::current().id()));
    assert!(ran.recv_timeout(Duration::from_secs(10)).is_ok());
    // Nobody offers anything any more.
    tell(&executor, &told);
    assert_ne!(ran.recv_timeout(Duration::from_secs(10)).unwrap(), std::thread::current().id());
}

#[test]
fn who_goes_before_a_long_run_does_not_wait_for_its_thread() {
    let (executor, _tokio) = executor(1);
    let (told, ran) = mpsc::channel();
    let release = hold(&executor, TenantKey::random());
    // Until what runs is no short one any more.
    std::thread::sleep(10 * SHORT);
    for _ in 0..10 {
        executor.here(|| tell(&executor, &told));
        assert_eq!(ran.try_recv(), Ok(std::thread::current().id()));
    }
    // What is not known to be short waits for a guest thread.
    for pace in [Pace::Long, Pace::Unknown] {
        executor.here(|| tell_of(&executor, TenantKey::random(), pace, &told));
        assert!(ran.try_recv().is_err(), "{pace:?}");
    }
    drop(release);
    for _ in 0..2 {
        assert_ne!(ran.recv_timeout(Duration::from_secs(10)).unwrap(), std::thread::current().id());
    }
    // Where one is free, only what is known not to be; and for a while, what nothing is known of.
    rest(&executor);
    executor.here(|| tell_of(&executor, TenantKey::random(), Pace::Unknown, &told));
    assert_ne!(ran.recv_timeout(Duration::from_secs(10)).unwrap(), std::thread::current().id());
    rest(&executor);
    std::thread::sleep(2 * WARY);
    executor.here(|| tell_of(&executor, TenantKey::random(), Pace::Unknown, &told));
    assert_eq!(ran.try_recv(), Ok(std::thread::current().id()));
    executor.here(|| tell_of(&executor, TenantKey::random(), Pace::Long, &told));
    assert_ne!(ran.recv_timeout(Duration::from_secs(10)).unwrap(), std::thread::current().id());
}

/// Something of a tenant that uses CPU and gives its thread up for nothing, until what this returns is dropped.
fn compute(executor: &Executor, tenant: TenantKey) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel();
    executor.spawn(tenant, 1, meter(), || Pace::Short, async move {
        while held.try_recv() == Err(mpsc::TryRecvError::Empty) {}
    });
    release
}

#[test]
fn what_is_short_does_not_wait_behind_what_waits_for_a_guest_thread() {
    let (executor, _tokio) = executor(1);
    let (told, ran) = mpsc::channel();
    let release = hold(&executor, TenantKey::random());
    let (long, waited) = mpsc::channel();
    tell_of(&executor, TenantKey::random(), Pace::Long, &long);
    std::thread::sleep(10 * SHORT);
    executor.here(|| tell(&executor, &told));
    assert_eq!(ran.try_recv(), Ok(std::thread::current().id()));
    assert!(waited.try_recv().is_err());
    drop(release);
    assert_ne!(waited.recv_timeout(Duration::from_secs(10)).unwrap(), std::thread::current().id());
}

#[test]
fn beside_a_guest_that_nothing_interrupts_all_that_is_short_begins() {
    let (executor, _tokio) = executor(1);
    let (told, ran) = mpsc::channel();
    let release = compute(&executor, TenantKey::random());
    let (long, waited) = mpsc::channel();
    tell_of(&executor, TenantKey::random(), Pace::Long, &long);
    let is_overdue = || executor.shared.state.lock().threads[0].runs.is_some_and(|run| run.overdue);
    while !is_overdue() {
        std::thread::yield_now();
    }
    // More than it has any right to where others wait that could run.
    let busy = TenantKey::random();
    for _ in 0..10 {
        executor.shared.state.lock().queues.charge(busy, 10 * TICK.as_nanos() as u64);
        executor.here(|| tell_of(&executor, busy, Pace::Short, &told));
        assert_eq!(ran.try_recv(), Ok(std::thread::current().id()));
    }
    assert!(waited.try_recv().is_err());
    drop(release);
    assert_ne!(waited.recv_timeout(Duration::from_secs(10)).unwrap(), std::thread::current().id());
}

#[test]
fn who_comes_does_not_wait_for_the_second_call_of_one_that_computes() {
    let (executor, _tokio) = executor(1);
    let (told, ran) = mpsc::channel();
    let burner = TenantKey::random();
    let release = hold(&executor, burner);
    let (second, done) = mpsc::channel();
    executor.spawn(burner, 1, meter(), || Pace::Short, async move {
        let _ = second.send(());
    });
    std::thread::sleep(10 * SHORT);
    for _ in 0..10 {
        executor.here(|| tell(&executor, &told));
        assert_eq!(ran.try_recv(), Ok(std::thread::current().id()));
    }
    assert!(done.try_recv().is_err(), "its tenant has the only place");
    drop(release);
    assert_eq!(done.recv_timeout(Duration::from_secs(10)), Ok(()));
}

#[test]
fn no_more_run_at_once_than_there_are_guest_threads() {
    let (executor, _tokio) = executor(1);
    let (told, ran) = mpsc::channel();
    let tenant = TenantKey::random();
    let release = hold(&executor, tenant);
    executor.here(|| tell_of(&executor, tenant, Pace::Short, &told));
    assert!(ran.try_recv().is_err(), "the only place is taken, by the same tenant");
    drop(release);
    assert_ne!(ran.recv_timeout(Duration::from_secs(10)).unwrap(), std::thread::current().id());

    // And the other way round: the guest thread waits while this one has the place.
    rest(&executor);
    executor.here(|| {
        let (executor, told) = (&executor, told.clone());
        executor.spawn(TenantKey::random(), 1, meter(), || Pace::Short, async move {
            let _ = told.send(std::thread::current().id());
            std::thread::sleep(Duration::from_millis(20));
            let _ = told.send(std::thread::current().id());
        });
    });
    let this = std::thread::current().id();
    assert_eq!((ran.try_recv(), ran.try_recv()), (Ok(this), Ok(this)));
}

#[test]
fn what_a_guest_wakes_goes_on_when_its_turn_is_over() {
    let (executor, _tokio) = executor(2);
    let executor = Arc::new(executor);
    let (told, ran) = mpsc::channel();
    let inner = Arc::clone(&executor);
    let outer = told.clone();
    executor.here(|| {
        executor.spawn(TenantKey::random(), 1, meter(), || Pace::Short, async move {
            inner.here(|| tell(&inner, &outer));
            let _ = outer.send(std::thread::current().id());
        });
    });
    let this = std::thread::current().id();
    assert_eq!((ran.recv(), ran.recv()), (Ok(this), Ok(this)));
}

#[test]
fn what_a_long_guest_wakes_does_not_wait_for_it() {
    let (executor, _tokio) = executor(2);
    let executor = Arc::new(executor);
    let (told, ran) = mpsc::channel();
    let (done, seen) = mpsc::channel();
    let inner = Arc::clone(&executor);
    executor.spawn(TenantKey::random(), 1, meter(), || Pace::Short, async move {
        tell(&inner, &told);
        // It computes until the other has run.
        let _ = done.send((ran.recv_timeout(Duration::from_secs(10)), std::thread::current().id()));
    });
    let (other, this) = seen.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_ne!(other.expect("what it woke ran while it computed"), this);
}

/// Waits where it is run, once, as `wait` says.
async fn once(wait: impl Fn(&mut Context<'_>)) {
    let mut waited = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        wait(cx);
        Poll::Pending
    })
    .await;
}

#[test]
fn what_is_woken_while_it_runs_goes_on_where_it_is() {
    let (executor, _tokio) = executor(1);
    let (told, ran) = mpsc::channel();
    executor.here(|| {
        executor.spawn(TenantKey::random(), 1, meter(), || Pace::Short, async move {
            once(|cx| cx.waker().wake_by_ref()).await;
            let _ = told.send(std::thread::current().id());
        });
    });
    assert_eq!(ran.try_recv(), Ok(std::thread::current().id()));
}

#[test]
fn beside_a_short_run_of_another_tenant_one_begins() {
    let (executor, _tokio) = executor(1);
    let (told, ran) = mpsc::channel();
    let tenant = TenantKey::random();
    let begins_beside = |other: TenantKey| {
        let release = hold(&executor, tenant);
        executor.here(|| tell_of(&executor, other, Pace::Short, &told));
        let began = ran.try_recv() == Ok(std::thread::current().id());
        drop(release);
        rest(&executor);
        began
    };
    // A busy machine may not come to it while the other is a short one still.
    assert!((0..1_000).any(|_| begins_beside(TenantKey::random())));
    assert!(!begins_beside(tenant), "its tenant has the only place");
}

#[test]
fn who_joins_what_runs_anyhow_begins_what_waits_before() {
    let (executor, _tokio) = executor(1);
    let (told, ran) = mpsc::channel();
    let release = hold(&executor, TenantKey::random());
    tell(&executor, &told);
    std::thread::sleep(10 * SHORT);
    executor.here(|| ());
    assert_eq!(ran.try_recv(), Ok(std::thread::current().id()));
    drop(release);
}

/// A visitor has connections to serve: only first, short runs are for it.
#[test]
fn what_gave_up_its_thread_goes_on_on_a_guest_thread() {
    let (executor, _tokio) = executor(1);
    let (told, ran) = mpsc::channel();
    executor.here(|| {
        executor.spawn(TenantKey::random(), 1, meter(), || Pace::Short, async move {
            let _ = told.send(std::thread::current().id());
            once(|cx| {
                will_resume();
                cx.waker().wake_by_ref();
            })
            .await;
            let _ = told.send(std::thread::current().id());
        });
    });
    let this = std::thread::current().id();
    assert_eq!(ran.recv_timeout(Duration::from_secs(10)), Ok(this));
    assert_ne!(ran.recv_timeout(Duration::from_secs(10)).unwrap(), this);
}

#[test]
fn a_panic_ends_its_own_task_alone_here_too() {
    let (executor, _tokio) = executor(1);
    let (told, ran) = mpsc::channel();
    executor.here(|| executor.spawn(TenantKey::random(), 1, meter(), || Pace::Short, async { panic!("on purpose") }));
    executor.here(|| tell(&executor, &told));
    assert_eq!(ran.try_recv(), Ok(std::thread::current().id()));
}
