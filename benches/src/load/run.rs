//! A run from its announcement to its result: threads are started, watched, and stopped.

use std::io::Write as _;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::sync::{mpsc, watch};

use super::connect::{Bytes, Link};
use super::hdr::Log;
use super::live::Live;
use super::plan::{Length, Plan};
use super::result::Outcome;
use super::tally::Tally;
use super::worker::{self, Shared};

/// How often what the threads have seen is gathered.
const GATHER: Duration = Duration::from_secs(1);
/// A run that has not ended so long after it should have is given up.
const OVERTIME: Duration = Duration::from_secs(10);
/// Descriptors beside the connections'.
const DESCRIPTORS: u64 = 64;

/// Loads, and prints what was seen.
///
/// # Errors
/// When there is no connection to be had, or nothing was answered.
pub fn run(mut plan: Plan) -> anyhow::Result<()> {
    descriptors(plan.connections as u64)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        plan.targets.look_up().await?;
        eprintln!("loading {plan}");
        for origin in &plan.targets.0 {
            let opened = Link::open(&plan, origin, Arc::new(Bytes::default())).await;
            opened.map_err(|failed| anyhow::anyhow!("nothing can be loaded there: {}", failed.why))?;
        }
        let plan = Arc::new(plan);
        let outcome = watched(plan.clone()).await?;
        let mut out = std::io::stdout().lock();
        if plan.json {
            writeln!(out, "{}", outcome.json(&plan))?;
        } else {
            write!(out, "{}", outcome.table(&plan))?;
        }
        ensure!(outcome.seen.answers() > 0, "nothing was answered");
        Ok(())
    })
}

/// Room for so many connections, where the system allows it.
fn descriptors(connections: u64) -> anyhow::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let wanted = connections + DESCRIPTORS;
    // SAFETY: both calls read or write that one rlimit.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 && limit.rlim_cur < wanted {
            limit.rlim_cur = wanted.min(limit.rlim_max);
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
            libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        }
    }
    let room = limit.rlim_cur;
    ensure!(room >= wanted, "--connections {connections}: the system allows {room} descriptors (ulimit -n)");
    Ok(())
}

/// What all threads saw.
struct Gathered {
    tallies: Vec<Arc<Mutex<Tally>>>,
    total: Tally,
}

impl Gathered {
    /// Since the last time.
    fn gather(&mut self) -> anyhow::Result<Tally> {
        let mut interval = Tally::new()?;
        for tally in &self.tallies {
            interval.take(&mut tally.lock().unwrap_or_else(PoisonError::into_inner))?;
        }
        self.total.take(&mut interval.clone())?;
        Ok(interval)
    }
}

async fn watched(plan: Arc<Plan>) -> anyhow::Result<Outcome> {
    let (begin, began) = watch::channel(None);
    let (stop, stopped) = watch::channel(false);
    let (opened, mut all_open) = mpsc::unbounded_channel();
    let (done, mut all_done) = mpsc::unbounded_channel();
    let left = match plan.length {
        Length::Requests(left) => left,
        Length::Time(_) => 0,
    };
    let shared =
        Shared { plan: plan.clone(), left: Arc::new(AtomicU64::new(left)), begin: began, stop: stopped, opened };
    let mut gathered = Gathered { tallies: Vec::new(), total: Tally::new()? };
    for thread in 0..plan.threads {
        let tally = Arc::new(Mutex::new(Tally::new()?));
        gathered.tallies.push(tally.clone());
        let (shared, done) = (shared.clone(), done.clone());
        let work = move || {
            // The one who listens may have given up.
            let _ = done.send(worker::run(shared, thread, tally));
        };
        std::thread::Builder::new().name(format!("load-{thread}")).spawn(work).context("could not start a thread")?;
    }
    drop((shared, done));

    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    let open = async {
        for _ in 0..plan.threads {
            all_open.recv().await;
        }
    };
    tokio::select! {
        () = open => {}
        _ = &mut interrupt => bail!("interrupted before the first request"),
    }
    let start = Instant::now();
    begin.send_replace(Some(start));

    let mut log = Log::begin(plan.hdr.as_deref())?;
    let mut live = Live::new(&plan);
    let end = plan.time().map(|time| start + time + plan.timeout * 2 + OVERTIME);
    let mut ticks = tokio::time::interval_at((start + Live::EVERY).into(), Live::EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let (mut running, mut interrupted, mut gathered_at) = (plan.threads, false, start);
    while running > 0 {
        tokio::select! {
            thread = all_done.recv() => match thread {
                Some(result) => { result?; running -= 1; }
                None => bail!("a thread of the load ended without a word"),
            },
            now = ticks.tick() => {
                let now = now.into_std();
                if now.duration_since(gathered_at) >= GATHER {
                    let interval = gathered.gather()?;
                    live.tell(&gathered.total, &interval, now - gathered_at);
                    log.write(&interval, gathered_at - start, now - gathered_at)?;
                    gathered_at = now;
                }
                live.moved(start.elapsed(), &gathered.total);
                if end.is_some_and(|end| now > end) {
                    eprintln!("the run should have ended long ago: given up");
                    break;
                }
            }
            _ = &mut interrupt, if !interrupted => {
                interrupted = true;
                stop.send_replace(true);
            }
        }
    }
    live.end();
    let interval = gathered.gather()?;
    log.write(&interval, gathered_at - start, gathered_at.elapsed())?;
    let elapsed = if interrupted { start.elapsed() } else { gathered.total.last };
    Ok(Outcome { seen: gathered.total, elapsed, interrupted })
}
