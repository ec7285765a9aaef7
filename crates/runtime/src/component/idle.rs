//! Instances of components that rest between two requests of Workers that want to be warm: those of the whole node,
//! bounded in number, bytes and idleness, of which the one used longest ago goes first. Each serves one request at a
//! time, so many requests, and so long.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use switchyard_catalog::VersionId;

use super::instance::Instance;

/// How many may rest, and for how long one serves.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub most: usize,
    pub bytes: usize,
    /// How long one is kept that nobody uses.
    pub idle: Duration,
    /// Requests that one serves before it is replaced: what leaks in a tenant's heap is bounded.
    pub requests: u32,
    pub age: Duration,
}

/// See the module's paragraph.
pub struct WarmComponents {
    pub bounds: Bounds,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By the time of their last use.
    order: BTreeMap<u64, Resting>,
    /// Those of a version, the one used last at the end.
    of: HashMap<VersionId, Vec<u64>>,
    bytes: usize,
    clock: u64,
}

struct Resting {
    version: VersionId,
    /// The memory limit that it was made for: requests with another one are not for it.
    limit: usize,
    bytes: usize,
    since: Instant,
    instance: Instance,
}

impl WarmComponents {
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, state: Mutex::default() }
    }

    /// Whether an instance may serve on.
    pub fn fits(&self, served: u32, born: Instant) -> bool {
        served < self.bounds.requests && born.elapsed() < self.bounds.age
    }

    /// One that rests, for a request with this memory limit.
    pub fn take(&self, version: VersionId, limit: usize) -> Option<Instance> {
        let mut spent = Vec::new();
        let mut state = self.state.lock();
        let found = loop {
            let Some(at) = state.of.get(&version).and_then(|of| of.last().copied()) else { break None };
            let Some(resting) = state.remove(at) else { break None };
            if resting.limit == limit && resting.instance.born.elapsed() < self.bounds.age {
                break Some(resting.instance);
            }
            spent.push(resting);
        };
        drop(state);
        found
    }

    /// One has no request any more.
    pub fn put(&self, version: VersionId, limit: usize, instance: Instance) {
        let bytes = instance.store.data().memory.bytes();
        let mut evicted = Vec::new();
        let mut state = self.state.lock();
        state.clock += 1;
        let at = state.clock;
        state.bytes += bytes;
        state.of.entry(version).or_default().push(at);
        state.order.insert(at, Resting { version, limit, bytes, since: Instant::now(), instance });
        while state.order.len() > self.bounds.most || state.bytes > self.bounds.bytes {
            let Some(first) = state.order.keys().next().copied() else { break };
            evicted.extend(state.remove(first));
        }
        drop(state);
    }

    /// Drops those used longest ago: a quarter of them, at least one. Returns how many.
    pub fn shed(&self) -> usize {
        let mut state = self.state.lock();
        let first: Vec<u64> = state.order.keys().take(state.order.len().div_ceil(4)).copied().collect();
        let shed: Vec<_> = first.into_iter().filter_map(|at| state.remove(at)).collect();
        drop(state);
        shed.len()
    }

    /// Drops those that nobody has used for too long.
    pub fn expire(&self) {
        self.end(|resting| resting.since.elapsed() >= self.bounds.idle);
    }

    /// Drops those of a version that is kept no longer.
    pub fn forget(&self, version: VersionId) {
        self.end(|resting| resting.version == version);
    }

    fn end(&self, which: impl Fn(&Resting) -> bool) {
        let mut state = self.state.lock();
        let ends: Vec<u64> = state.order.iter().filter(|(_, resting)| which(resting)).map(|(at, _)| *at).collect();
        let ended: Vec<_> = ends.into_iter().filter_map(|at| state.remove(at)).collect();
        drop(state);
        drop(ended);
    }

    pub fn len(&self) -> usize {
        self.state.lock().order.len()
    }

    /// Memory of all of them.
    pub fn bytes(&self) -> usize {
        self.state.lock().bytes
    }
}

impl State {
    fn remove(&mut self, at: u64) -> Option<Resting> {
        let resting = self.order.remove(&at)?;
        self.bytes -= resting.bytes;
        if let Some(of) = self.of.get_mut(&resting.version) {
            of.retain(|other| *other != at);
            if of.is_empty() {
                self.of.remove(&resting.version);
            }
        }
        Some(resting)
    }
}
