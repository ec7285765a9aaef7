//! The node's idle warm instances, bounded in number, bytes and idleness; the one used longest ago goes first.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use switchyard_catalog::VersionId;

use super::Pool;

/// See the module's paragraph.
pub struct IdleInstances {
    most: usize,
    most_bytes: usize,
    /// How long one is kept that nobody uses.
    pub most_idle: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By the time of their last use.
    order: BTreeMap<u64, Idle>,
    /// Memory of all of them.
    bytes: usize,
    clock: u64,
}

struct Idle {
    pool: Arc<Pool>,
    id: u64,
    bytes: usize,
    since: Instant,
}

impl IdleInstances {
    pub fn new(most: u32, most_bytes: usize, most_idle: Duration) -> Self {
        Self { most: most as usize, most_bytes, most_idle, state: Mutex::default() }
    }

    /// One has become idle; returns its place. Those that have to go for it are put into `evicted`, for the
    /// caller to tell them without locks held.
    pub(super) fn add(&self, pool: &Arc<Pool>, id: u64, bytes: usize, evicted: &mut Vec<(Arc<Pool>, u64)>) -> u64 {
        let mut state = self.state.lock();
        state.clock += 1;
        let place = state.clock;
        state.bytes += bytes;
        state.order.insert(place, Idle { pool: Arc::clone(pool), id, bytes, since: Instant::now() });
        while state.order.len() > self.most || state.bytes > self.most_bytes {
            let Some((_, idle)) = state.order.pop_first() else { break };
            state.bytes -= idle.bytes;
            evicted.push((idle.pool, idle.id));
        }
        place
    }

    /// One is used again.
    pub(super) fn remove(&self, place: u64) {
        let mut state = self.state.lock();
        if let Some(idle) = state.order.remove(&place) {
            state.bytes -= idle.bytes;
        }
    }

    /// Ends those used longest ago: a quarter of them, at least one. Returns how many.
    pub fn shed(&self) -> usize {
        let mut ended = Vec::new();
        let mut state = self.state.lock();
        for _ in 0..state.order.len().div_ceil(4) {
            let Some((_, idle)) = state.order.pop_first() else { break };
            state.bytes -= idle.bytes;
            ended.push(idle);
        }
        drop(state);
        ended.iter().for_each(|idle| idle.pool.evict(idle.id));
        ended.len()
    }

    /// Memory of all of them.
    pub fn bytes(&self) -> usize {
        self.state.lock().bytes
    }

    /// Ends those that nobody has used for too long.
    pub fn expire(&self) {
        self.end(|idle| idle.since.elapsed() >= self.most_idle);
    }

    /// Ends those of a version that is kept no longer.
    pub fn forget(&self, version: VersionId) {
        self.end(|idle| idle.pool.version == version);
    }

    fn end(&self, which: impl Fn(&Idle) -> bool) {
        let mut ended = Vec::new();
        let mut state = self.state.lock();
        state.order.retain(|_, idle| {
            let ends = which(idle);
            if ends {
                ended.push((Arc::clone(&idle.pool), idle.id, idle.bytes));
            }
            !ends
        });
        state.bytes -= ended.iter().map(|(_, _, bytes)| bytes).sum::<usize>();
        drop(state);
        ended.into_iter().for_each(|(pool, id, _)| pool.evict(id));
    }

    pub fn len(&self) -> usize {
        self.state.lock().order.len()
    }
}

impl Drop for IdleInstances {
    fn drop(&mut self) {
        // The threads have ended, so that a task which is woken is dropped.
        for (_, idle) in std::mem::take(&mut self.state.get_mut().order) {
            idle.pool.evict(idle.id);
        }
    }
}
