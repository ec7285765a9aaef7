//! What the node does when its memory runs out, before the kernel does something: it lets go of what
//! only makes things faster, then refuses new work of the tenants that take the most, then of all.
//! Administration and health go on throughout. A stage is left only when there is some room again.

mod probe;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use parking_lot::{Condvar, Mutex};
use switchyard_catalog::ScriptId;
use switchyard_runtime::Runtime;

use crate::cache::Caches;
use crate::config;
pub use probe::Probe;

/// Between two looks. What guests take in between is bounded by the room that the last one saw.
const LOOK: Duration = Duration::from_millis(100);
/// How far below its line a stage is left, in parts of the ceiling.
const SLACK: f64 = 0.05;
/// A tenant that takes less is not what the memory is short for.
const SMALL: usize = 4 << 20;
/// Between two times that all Workers kept ready are dropped: each is read again from its file.
const DEEP: Duration = Duration::from_secs(5);

/// What is done about memory. Each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Stage {
    Normal,
    /// Caches are given up.
    Evict,
    /// The tenants that take the most get no new work.
    Shed,
    /// Nobody does.
    Refuse,
}

impl Stage {
    const ALL: [Stage; 4] = [Self::Normal, Self::Evict, Self::Shed, Self::Refuse];
}

/// Why a request was refused for the others' sake. A metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shed {
    /// Its tenant takes much of the memory that is short.
    MemoryOfTenant,
    /// There is no memory for anybody's.
    MemoryOfNode,
    /// Its tenant has more than its share of the requests that the node takes.
    RequestsOfTenant,
    /// The node has all the requests it takes.
    RequestsOfNode,
}

impl Shed {
    pub const ALL: [Shed; 4] = [Self::MemoryOfTenant, Self::MemoryOfNode, Self::RequestsOfTenant, Self::RequestsOfNode];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::MemoryOfTenant => "memory_tenant",
            Self::MemoryOfNode => "memory_node",
            Self::RequestsOfTenant => "requests_tenant",
            Self::RequestsOfNode => "requests_node",
        }
    }
}

/// What requests ask before they are let in. A load or two each, unless memory is short.
#[derive(Default)]
pub struct Overload {
    stage: AtomicU8,
    heavy: ArcSwap<HashSet<ScriptId>>,
    counts: [AtomicU64; Shed::ALL.len()],
    evicted: AtomicU64,
    used: AtomicU64,
    ceiling: AtomicU64,
}

/// [`Overload`], for metrics.
#[derive(Debug, Clone, Copy, Default)]
pub struct OverloadStats {
    pub stage: u8,
    /// Tenants that get no new work.
    pub heavy: usize,
    /// By [`Shed::ALL`].
    pub shed: [u64; Shed::ALL.len()],
    /// Cached things that were given up.
    pub evicted: u64,
    pub used: u64,
    /// 0: there is none.
    pub ceiling: u64,
}

impl Overload {
    pub fn stage(&self) -> Stage {
        Stage::ALL.get(usize::from(self.stage.load(Ordering::Relaxed))).copied().unwrap_or(Stage::Normal)
    }

    /// Whether there is no memory for new work of this script.
    pub fn refuses(&self, script: ScriptId) -> Option<Shed> {
        match self.stage() {
            Stage::Normal | Stage::Evict => None,
            Stage::Shed => self.heavy.load().contains(&script).then_some(Shed::MemoryOfTenant),
            Stage::Refuse => Some(Shed::MemoryOfNode),
        }
    }

    /// One request was refused.
    pub fn count(&self, why: Shed) {
        self.counts[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub fn stats(&self) -> OverloadStats {
        OverloadStats {
            stage: self.stage.load(Ordering::Relaxed),
            heavy: self.heavy.load().len(),
            shed: std::array::from_fn(|at| self.counts[at].load(Ordering::Relaxed)),
            evicted: self.evicted.load(Ordering::Relaxed),
            used: self.used.load(Ordering::Relaxed),
            ceiling: self.ceiling.load(Ordering::Relaxed),
        }
    }

    #[cfg(test)]
    pub fn set(&self, stage: Stage, heavy: &[ScriptId]) {
        self.heavy.store(Arc::new(heavy.iter().copied().collect()));
        self.stage.store(stage as u8, Ordering::Relaxed);
    }
}

/// The shares of the ceiling at which stages begin.
#[derive(Debug, Clone, Copy)]
struct Lines([f64; 3]);

impl Lines {
    fn of(config: &config::Overload) -> Self {
        Self([config.evict, config.shed, config.refuse].map(|percent| f64::from(percent) / 100.0))
    }

    /// The stage after a look that found this share of the ceiling in use.
    fn next(self, stage: Stage, used: f64) -> Stage {
        let reached = |line: f64, slack: f64| used >= line - slack;
        let mut next = Stage::Normal;
        for (line, above) in self.0.into_iter().zip([Stage::Evict, Stage::Shed, Stage::Refuse]) {
            if reached(line, if stage >= above { SLACK } else { 0.0 }) {
                next = above;
            }
        }
        next
    }
}

/// Those of the heaviest tenants that together have half of what all have: new work of theirs waits
/// until there is room. At least one, unless all are small.
fn heavy(tenants: &[(ScriptId, usize)]) -> HashSet<ScriptId> {
    let all: usize = tenants.iter().map(|(_, bytes)| bytes).sum();
    let mut left = all.div_ceil(2);
    let mut heavy = HashSet::new();
    for (script, bytes) in tenants.iter().filter(|(_, bytes)| *bytes >= SMALL) {
        if left == 0 {
            break;
        }
        heavy.insert(*script);
        left = left.saturating_sub(*bytes);
    }
    heavy
}

/// The thread that looks. Dropping it ends it.
pub struct Watcher {
    end: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watcher {
    /// A thread of its own, which busy I/O threads do not hold up.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        probe: Probe,
        config: &config::Overload,
        overload: Arc<Overload>,
        runtime: Runtime,
        caches: Arc<Caches>,
    ) -> std::io::Result<Self> {
        let end: Arc<(Mutex<bool>, Condvar)> = Arc::default();
        let (ended, lines) = (Arc::clone(&end), Lines::of(config));
        overload.ceiling.store(probe.limit, Ordering::Relaxed);
        let mut look = Look { probe, lines, overload, runtime, caches, deep: None };
        look.once();
        let thread = std::thread::Builder::new().name("memory".into()).spawn(move || {
            let (flag, told) = &*ended;
            let mut flag = flag.lock();
            while !*flag {
                told.wait_for(&mut flag, LOOK);
                look.once();
            }
        })?;
        Ok(Self { end, thread: Some(thread) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        *self.end.0.lock() = true;
        self.end.1.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Look {
    probe: Probe,
    lines: Lines,
    overload: Arc<Overload>,
    runtime: Runtime,
    caches: Arc<Caches>,
    /// When all Workers kept ready were dropped last.
    deep: Option<Instant>,
}

impl Look {
    fn once(&mut self) {
        let Some(used) = self.probe.used() else { return };
        let limit = self.probe.limit.max(1);
        self.overload.used.store(used, Ordering::Relaxed);
        // Guests may go half-way to the last line, and no further before the next look: what is beyond it
        // stays for those that take little.
        let last = ((self.lines.0[1] + self.lines.0[2]) / 2.0 * limit as f64) as u64;
        self.runtime.set_memory_headroom(Some(usize::try_from(last.saturating_sub(used)).unwrap_or(usize::MAX)));
        let before = self.overload.stage();
        let stage = self.lines.next(before, used as f64 / limit as f64);
        if stage >= Stage::Evict {
            self.evict();
        }
        if stage >= Stage::Shed {
            self.overload.heavy.store(Arc::new(heavy(&self.runtime.heaviest())));
        } else if before >= Stage::Shed {
            self.overload.heavy.store(Arc::default());
        }
        self.overload.stage.store(stage as u8, Ordering::Relaxed);
        if stage != before {
            tracing::warn!(?before, ?stage, used, limit, "memory of the node");
        }
    }

    fn evict(&mut self) {
        // What Workers put aside goes first: nobody waits for it to be made again.
        let cached = self.caches.clear();
        if cached > 0 {
            self.overload.evicted.fetch_add(cached, Ordering::Relaxed);
            give_back_to_the_system();
            return;
        }
        let deep = self.deep.is_none_or(|at| at.elapsed() >= DEEP);
        let Some(evicted) = self.runtime.evict(deep) else { return };
        if evicted.what != "warm" {
            self.deep = Some(Instant::now());
        }
        self.overload.evicted.fetch_add(evicted.many as u64, Ordering::Relaxed);
        give_back_to_the_system();
    }
}

/// What was freed stays with the allocator else.
fn give_back_to_the_system() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it only gives unused pages back, and may be called at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: Lines = Lines([0.80, 0.90, 0.95]);

    #[test]
    fn stages_begin_at_their_lines_and_end_below_them() {
        for (stage, used, next) in [
            (Stage::Normal, 0.7999, Stage::Normal),
            (Stage::Normal, 0.80, Stage::Evict),
            (Stage::Normal, 0.90, Stage::Shed),
            (Stage::Normal, 0.95, Stage::Refuse),
            (Stage::Evict, 0.76, Stage::Evict),
            (Stage::Evict, 0.74, Stage::Normal),
            (Stage::Shed, 0.86, Stage::Shed),
            (Stage::Shed, 0.84, Stage::Evict),
            (Stage::Refuse, 0.91, Stage::Refuse),
            (Stage::Refuse, 0.89, Stage::Shed),
            (Stage::Refuse, 0.10, Stage::Normal),
        ] {
            assert_eq!(LINES.next(stage, used), next, "{stage:?} at {used}");
        }
    }

    #[test]
    fn the_heavy_are_those_that_have_half() {
        let tenant = |mib: usize| (ScriptId::random(), mib << 20);
        let tenants = [tenant(60), tenant(30), tenant(10), tenant(1)];
        assert_eq!(heavy(&tenants), HashSet::from([tenants[0].0]));
        let tenants = [tenant(40), tenant(30), tenant(30), tenant(1)];
        assert_eq!(heavy(&tenants), HashSet::from([tenants[0].0, tenants[1].0]));
        assert!(heavy(&[tenant(3), tenant(3)]).is_empty() && heavy(&[]).is_empty());
    }

    #[test]
    fn who_is_refused_depends_on_the_stage() {
        let (a, b) = (ScriptId::random(), ScriptId::random());
        let overload = Overload::default();
        assert_eq!(overload.refuses(a), None);
        overload.set(Stage::Shed, &[a]);
        assert_eq!((overload.refuses(a), overload.refuses(b)), (Some(Shed::MemoryOfTenant), None));
        overload.set(Stage::Refuse, &[a]);
        assert_eq!(overload.refuses(b), Some(Shed::MemoryOfNode));
        overload.set(Stage::Evict, &[a]);
        assert_eq!(overload.refuses(a), None);
    }
}
