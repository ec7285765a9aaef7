//! What all guests take of the node's memory, their host-side bytes included, and what each script does.
//! Whoever watches the process says how much more they may have together ([`Budget::set_headroom`]);
//! what would go beyond it is refused at once, not at the next look.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use switchyard_catalog::ScriptId;

use crate::held::Held;

/// What a running instance takes besides what it grew by: pages of the base it writes to, its stack.
const INSTANCE: usize = 256 << 10;

/// Bytes of all guests of the node.
#[derive(Debug)]
pub struct Budget {
    used: AtomicUsize,
    /// What `used` may become; `usize::MAX`: whatever it likes.
    most: AtomicUsize,
    refused: AtomicU64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { used: AtomicUsize::new(0), most: AtomicUsize::new(usize::MAX), refused: AtomicU64::new(0) }
    }
}

impl Budget {
    /// How many more bytes guests may take, from now on; `None`: there is no bound.
    pub fn set_headroom(&self, more: Option<usize>) {
        let most = more.map_or(usize::MAX, |more| self.used().saturating_add(more));
        self.most.store(most, Ordering::Relaxed);
    }

    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// How often there was no room.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Whether there was room; then [`Budget::give_back`] follows.
    pub fn take(&self, bytes: usize) -> bool {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let fits = used <= self.most.load(Ordering::Relaxed);
        if !fits {
            self.give_back(bytes);
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        fits
    }

    /// As [`Budget::take`], for what is there already.
    fn count(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What the instances of one Worker that run take.
#[derive(Debug)]
pub struct Usage {
    /// `None`: one of an account's own Workers, which stands for many tenants.
    script: Option<ScriptId>,
    guests: AtomicUsize,
    held: Arc<Held>,
    budget: Arc<Budget>,
}

impl Usage {
    /// One more instance runs, which has `beyond` bytes more than the base.
    pub fn instance(self: &Arc<Self>, beyond: usize) -> GuestMemory {
        let mut memory = GuestMemory { usage: Arc::clone(self), bytes: 0 };
        memory.usage.budget.count(beyond.saturating_add(INSTANCE));
        memory.add(beyond.saturating_add(INSTANCE));
        memory
    }
}

/// One instance's part; given back when it is dropped.
#[derive(Debug)]
pub struct GuestMemory {
    usage: Arc<Usage>,
    bytes: usize,
}

impl GuestMemory {
    /// Whether the node has room for so much more.
    pub fn grow(&mut self, more: usize) -> bool {
        let fits = self.usage.budget.take(more);
        if fits {
            self.add(more);
        }
        fits
    }

    fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.usage.guests.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Drop for GuestMemory {
    fn drop(&mut self) {
        self.usage.guests.fetch_sub(self.bytes, Ordering::Relaxed);
        self.usage.budget.give_back(self.bytes);
    }
}

/// The Workers that are loaded, to ask what their scripts take.
#[derive(Default)]
pub struct Usages {
    list: Mutex<Vec<Weak<Usage>>>,
}

impl Usages {
    /// `script`: the user Worker's.
    pub fn add(&self, script: Option<ScriptId>, held: &Arc<Held>, budget: &Arc<Budget>) -> Arc<Usage> {
        let (held, budget) = (Arc::clone(held), Arc::clone(budget));
        let usage = Arc::new(Usage { script, guests: AtomicUsize::new(0), held, budget });
        let mut list = self.list.lock();
        if list.len() == list.capacity() {
            list.retain(|usage| usage.strong_count() > 0);
        }
        list.push(Arc::downgrade(&usage));
        usage
    }

    /// User Workers that take something, with how many bytes, the most first. Looks at every loaded Worker.
    pub fn heaviest(&self) -> Vec<(ScriptId, usize)> {
        let mut by_script: HashMap<ScriptId, usize> = HashMap::new();
        for usage in self.list.lock().iter().filter_map(Weak::upgrade) {
            let Some(script) = usage.script else { continue };
            let bytes = usage.guests.load(Ordering::Relaxed).saturating_add(usage.held.used());
            if bytes > 0 {
                *by_script.entry(script).or_default() += bytes;
            }
        }
        let mut scripts: Vec<(ScriptId, usize)> = by_script.into_iter().collect();
        scripts.sort_unstable_by_key(|(script, bytes)| (std::cmp::Reverse(*bytes), *script));
        scripts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_refused_at_the_line_and_given_back() {
        let budget = Arc::new(Budget::default());
        let usages = Usages::default();
        let (a, b) = (ScriptId::random(), ScriptId::random());
        let held = Held::new(usize::MAX);
        let other = Held::new(usize::MAX);
        let (light, heavy) = (usages.add(Some(a), &held, &budget), usages.add(Some(b), &other, &budget));
        let dispatcher = usages.add(None, &other, &budget).instance(1 << 20);
        let small = light.instance(0);
        let mut large = heavy.instance(1 << 20);
        assert!(large.grow(10 << 20));
        budget.set_headroom(Some(1_000));
        assert!(large.grow(1_000) && !large.grow(1));
        assert_eq!(budget.refused(), 1);
        assert_eq!(usages.heaviest(), [(b, (11 << 20) + 1_000 + INSTANCE), (a, INSTANCE)]);
        // What the host holds counts as well.
        let kept = held.charge(20 << 20, 0).unwrap();
        assert_eq!(usages.heaviest()[0], (a, (20 << 20) + INSTANCE));
        drop((kept, small, large, dispatcher));
        assert_eq!((budget.used(), usages.heaviest()), (0, Vec::new()));
        budget.set_headroom(None);
        assert!(budget.take(usize::MAX));
    }

    #[test]
    fn workers_that_are_gone_are_forgotten() {
        let (usages, held, budget) = (Usages::default(), Held::new(0), Arc::default());
        for _ in 0..10_000 {
            drop(usages.add(Some(ScriptId::random()), &held, &budget));
        }
        assert!(usages.list.lock().capacity() < 100);
    }
}
