//! Warm instances: slots that were not put back, kept for the version they belong to, so that its
//! global state survives. Bounded in number, bytes, age and requests; the one used longest ago goes first.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use switchyard_catalog::VersionId;

use crate::slot::Slot;

/// Requests one instance serves before it is replaced: what leaks in a tenant's heap is bounded.
const MAX_REQUESTS: u32 = 10_000;
const MAX_AGE: Duration = Duration::from_secs(30 * 60);

/// A live instance of one version.
pub struct WarmInstance {
    pub slot: Slot,
    pub born: Instant,
    pub requests: u32,
}

impl WarmInstance {
    pub fn new(slot: Slot) -> Self {
        Self { slot, born: Instant::now(), requests: 0 }
    }

    /// Its memory's size, which does not change while it is idle.
    fn bytes(&self) -> usize {
        self.slot.memory_bytes().len()
    }

    fn spent(&self) -> bool {
        self.requests >= MAX_REQUESTS || self.born.elapsed() > MAX_AGE
    }
}

/// The idle ones.
pub struct WarmPool {
    most: usize,
    most_bytes: usize,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    of: HashMap<VersionId, Vec<(u64, WarmInstance)>>,
    /// Memory of all of them.
    bytes: usize,
    /// By the time of their last use.
    order: BTreeMap<u64, VersionId>,
    clock: u64,
}

impl WarmPool {
    pub fn new(most: u32, most_bytes: usize) -> Self {
        Self { most: most as usize, most_bytes, idle: Mutex::default() }
    }

    /// The instance of that version that was used last.
    pub fn take(&self, version: VersionId) -> Option<WarmInstance> {
        let mut idle = self.idle.lock();
        let instances = idle.of.get_mut(&version)?;
        let (used, instance) = instances.pop()?;
        if instances.is_empty() {
            idle.of.remove(&version);
        }
        idle.order.remove(&used);
        idle.bytes -= instance.bytes();
        Some(instance)
    }

    /// Keeps an instance, or drops it when it is spent; may drop the one used longest ago.
    pub fn give_back(&self, version: VersionId, instance: WarmInstance) {
        if instance.spent() || self.most == 0 {
            return;
        }
        let mut dropped = Vec::new();
        let mut idle = self.idle.lock();
        idle.clock += 1;
        let now = idle.clock;
        idle.bytes += instance.bytes();
        idle.of.entry(version).or_default().push((now, instance));
        idle.order.insert(now, version);
        while idle.order.len() > self.most || idle.bytes > self.most_bytes {
            let Some(evicted) = idle.evict() else { break };
            dropped.push(evicted);
        }
        drop(idle);
        drop(dropped); // outside the lock: it unmaps
    }

    /// Drops the ones used longest ago: a quarter of them, at least one. Returns how many.
    pub fn shed(&self) -> usize {
        let mut idle = self.idle.lock();
        let many = idle.order.len().div_ceil(4);
        let dropped: Vec<WarmInstance> = (0..many).map_while(|_| idle.evict()).collect();
        drop(idle);
        dropped.len()
    }

    /// Bytes of the idle ones.
    pub fn bytes(&self) -> usize {
        self.idle.lock().bytes
    }

    /// Drops those of a version that is not deployed any more.
    pub fn forget(&self, version: VersionId) {
        let mut idle = self.idle.lock();
        let instances = idle.of.remove(&version).unwrap_or_default();
        for (used, instance) in &instances {
            idle.order.remove(used);
            idle.bytes -= instance.bytes();
        }
        drop(idle);
    }

    pub fn len(&self) -> usize {
        self.idle.lock().order.len()
    }
}

impl Idle {
    fn evict(&mut self) -> Option<WarmInstance> {
        let (used, version) = self.order.pop_first()?;
        let instances = self.of.get_mut(&version)?;
        let at = instances.iter().position(|(at, _)| *at == used)?;
        let (_, instance) = instances.remove(at);
        self.bytes -= instance.bytes();
        if instances.is_empty() {
            self.of.remove(&version);
        }
        Some(instance)
    }
}
