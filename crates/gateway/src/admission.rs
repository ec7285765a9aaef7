//! How many requests may be under way at once: of one script, so that no tenant takes the node for
//! itself, and of the node, so that memory stays bounded. A permit is held to the end of the body. And
//! how many of one script may begin in a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use foldhash::fast::RandomState;
use switchyard_catalog::{Limits, ScriptId};

use crate::error::Failure;
use crate::overload::{Overload, Shed, Stage};

/// Counts requests under way. A script without any has no entry.
pub struct Admission {
    scripts: DashMap<ScriptId, u32, RandomState>,
    rates: Rates,
    total: AtomicU32,
    /// Scripts with requests under way.
    active: AtomicU32,
    per_script: AtomicU32,
    per_node: AtomicU32,
    pub overload: Arc<Overload>,
}

impl Admission {
    pub fn new(per_script: u32, per_node: u32) -> Self {
        let (per_script, per_node) = (AtomicU32::new(per_script), AtomicU32::new(per_node));
        Self {
            scripts: DashMap::default(),
            rates: Rates::default(),
            total: AtomicU32::new(0),
            active: AtomicU32::new(0),
            per_script,
            per_node,
            overload: Arc::default(),
        }
    }

    /// Other bounds from now on; what is under way stays.
    pub fn set_bounds(&self, per_script: u32, per_node: u32) {
        self.per_script.store(per_script, Ordering::Relaxed);
        self.per_node.store(per_node, Ordering::Relaxed);
    }

    /// Takes a place on the node.
    ///
    /// # Errors
    /// [`Failure::NodeBusy`].
    pub fn enter_node(self: &Arc<Self>) -> Result<NodePermit, Failure> {
        if self.overload.stage() == Stage::Refuse {
            self.overload.count(Shed::MemoryOfNode);
            return Err(Failure::NodeBusy);
        }
        if self.total.fetch_add(1, Ordering::Relaxed) >= self.per_node.load(Ordering::Relaxed) {
            self.total.fetch_sub(1, Ordering::Relaxed);
            self.overload.count(Shed::RequestsOfNode);
            return Err(Failure::NodeBusy);
        }
        Ok(NodePermit { admission: self.clone() })
    }

    /// Takes one of the places of a user Worker, under its limits.
    ///
    /// # Errors
    /// [`Failure::TenantBusy`], [`Failure::RateLimited`]; [`Failure::Shed`] where the node is short of memory
    /// or of places and the tenant has much of them.
    pub fn enter_script(self: &Arc<Self>, script: ScriptId, limits: &Limits) -> Result<ScriptPermit, Failure> {
        let bound = self.per_script.load(Ordering::Relaxed);
        let most = limits.concurrent_requests.map_or(bound, |most| most.min(bound));
        let permit = self.enter(script, most, self.fair_share())?;
        match limits.requests_per_second {
            Some(rate) if !self.rates.take(script, rate, self.rates.now()) => Err(Failure::RateLimited),
            _ => Ok(permit),
        }
    }

    /// Takes one of the places of an account's own Worker. It stands for many tenants, each with a
    /// bound of its own: this one only leaves half of the node to the others.
    ///
    /// # Errors
    /// [`Failure::TenantBusy`].
    pub fn enter_worker(self: &Arc<Self>, script: ScriptId) -> Result<ScriptPermit, Failure> {
        let half = self.per_node.load(Ordering::Relaxed) / 2;
        self.enter(script, self.per_script.load(Ordering::Relaxed).max(half), u32::MAX)
    }

    /// What one tenant may have while the node is nearly full: the last quarter of it is for those that
    /// have little.
    fn fair_share(&self) -> u32 {
        let all = self.per_node.load(Ordering::Relaxed);
        if self.total.load(Ordering::Relaxed) <= all - all / 4 {
            return u32::MAX;
        }
        (all / (self.active.load(Ordering::Relaxed) + 1)).max(1)
    }

    fn enter(self: &Arc<Self>, script: ScriptId, most: u32, share: u32) -> Result<ScriptPermit, Failure> {
        if let Some(why) = self.overload.refuses(script) {
            self.overload.count(why);
            return Err(Failure::Shed);
        }
        match self.scripts.entry(script) {
            Entry::Vacant(_) if most == 0 => return Err(Failure::TenantBusy),
            Entry::Vacant(entry) => {
                entry.insert(1);
                self.active.fetch_add(1, Ordering::Relaxed);
            }
            Entry::Occupied(entry) if *entry.get() >= most => return Err(Failure::TenantBusy),
            Entry::Occupied(entry) if *entry.get() >= share => {
                self.overload.count(Shed::RequestsOfTenant);
                return Err(Failure::Shed);
            }
            Entry::Occupied(mut entry) => *entry.get_mut() += 1,
        }
        Ok(ScriptPermit { admission: self.clone(), script })
    }

    /// Requests from clients under way now.
    pub fn in_flight(&self) -> u32 {
        self.total.load(Ordering::Relaxed)
    }
}

/// When requests of scripts with a rate may begin (the generic cell rate algorithm): a second's worth
/// at once, then evenly. A script that used none of its second has no entry, or one that is swept.
struct Rates {
    began: Instant,
    /// Nanoseconds since `began` at which the script will have used nothing again.
    free_at: DashMap<ScriptId, u64, RandomState>,
    taken: AtomicU32,
}

const SECOND: u64 = 1_000_000_000;
/// Takings between two sweeps.
const SWEEP: u32 = 4_096;

impl Default for Rates {
    fn default() -> Self {
        Self { began: Instant::now(), free_at: DashMap::default(), taken: AtomicU32::new(0) }
    }
}

impl Rates {
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn take(&self, script: ScriptId, rate: u32, now: u64) -> bool {
        if self.taken.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.free_at.retain(|_, free_at| *free_at > now);
        }
        let each = SECOND / u64::from(rate.max(1));
        let mut free_at = self.free_at.entry(script).or_insert(0);
        let next = (*free_at).max(now) + each;
        if next > now + SECOND {
            return false;
        }
        *free_at = next;
        true
    }
}

/// A client's request under way on this node.
pub struct NodePermit {
    admission: Arc<Admission>,
}

impl Drop for NodePermit {
    fn drop(&mut self) {
        self.admission.total.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request of one script under way, from a client or from another Worker.
pub struct ScriptPermit {
    admission: Arc<Admission>,
    script: ScriptId,
}

impl Drop for ScriptPermit {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.admission.scripts.entry(self.script) {
            match entry.get().saturating_sub(1) {
                0 => {
                    entry.remove();
                    self.admission.active.fetch_sub(1, Ordering::Relaxed);
                }
                left => *entry.get_mut() = left,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_has_its_own_places_and_gives_them_back() {
        let admission = Arc::new(Admission::new(2, 10));
        let (a, b) = (ScriptId::random(), ScriptId::random());
        let enter = |script| admission.enter_script(script, &Limits::default());
        let held = [enter(a).unwrap(), enter(a).unwrap()];
        assert!(matches!(enter(a), Err(Failure::TenantBusy)));
        let other = enter(b).unwrap();
        drop(held);
        assert!(enter(a).is_ok());
        drop(other);
        // The smaller wins.
        for (own, places) in [(1, 1), (9, 2)] {
            let limits = Limits { concurrent_requests: Some(own), ..Limits::default() };
            let held: Vec<_> = (0..places).map(|_| admission.enter_script(a, &limits).unwrap()).collect();
            assert!(matches!(admission.enter_script(a, &limits), Err(Failure::TenantBusy)));
            drop(held);
        }
        // One that stands for many tenants has half of the node.
        let held: Vec<_> = (0..5).map(|_| admission.enter_worker(a).unwrap()).collect();
        assert!(matches!(admission.enter_worker(a), Err(Failure::TenantBusy)));
        drop(held);
        assert!(admission.scripts.is_empty());
    }

    #[test]
    fn a_rate_is_a_seconds_worth_at_once_and_then_even() {
        let rates = Rates::default();
        let (a, b) = (ScriptId::random(), ScriptId::random());
        let taken = |script, at| (0..100).take_while(|_| rates.take(script, 4, at)).count();
        assert_eq!(taken(a, 0), 4);
        assert_eq!((taken(a, SECOND / 4 - 1), taken(a, SECOND / 4), taken(b, SECOND / 4)), (0, 1, 4));
        assert_eq!(taken(a, 10 * SECOND), 4);
        // Those that are free again are forgotten.
        rates.taken.store(SWEEP - 1, Ordering::Relaxed);
        assert!(rates.take(b, 4, 20 * SECOND));
        assert_eq!(rates.free_at.len(), 1);
    }

    #[test]
    fn a_refusal_for_the_rate_gives_the_place_back() {
        let admission = Arc::new(Admission::new(2, 10));
        let script = ScriptId::random();
        let limits = Limits { requests_per_second: Some(1), ..Limits::default() };
        assert!(admission.enter_script(script, &limits).is_ok());
        assert!(matches!(admission.enter_script(script, &limits), Err(Failure::RateLimited)));
        assert!(admission.scripts.is_empty());
    }

    #[test]
    fn the_last_quarter_is_for_those_that_have_little() {
        let admission = Arc::new(Admission::new(100, 16));
        let (noisy, quiet, late) = (ScriptId::random(), ScriptId::random(), ScriptId::random());
        let mut held = Vec::new();
        let mut enter = |script| {
            let node = admission.enter_node()?;
            held.push((node, admission.enter_script(script, &Limits::default())?));
            Ok::<_, Failure>(())
        };
        for _ in 0..12 {
            enter(noisy).unwrap();
        }
        // Half of the node is the share of one of two.
        assert!(matches!(enter(noisy), Err(Failure::Shed)));
        enter(quiet).unwrap();
        assert!(matches!(enter(noisy), Err(Failure::Shed)));
        enter(quiet).unwrap();
        enter(late).unwrap();
        assert_eq!(admission.overload.stats().shed, [0, 0, 2, 0]);
        held.clear();
        assert!(admission.scripts.is_empty() && admission.active.load(Ordering::Relaxed) == 0);
        assert!(admission.enter_script(noisy, &Limits::default()).is_ok());
    }

    #[test]
    fn short_memory_refuses_the_heavy_and_then_all() {
        let admission = Arc::new(Admission::new(10, 10));
        let (heavy, light) = (ScriptId::random(), ScriptId::random());
        admission.overload.set(Stage::Shed, &[heavy]);
        assert!(matches!(admission.enter_script(heavy, &Limits::default()), Err(Failure::Shed)));
        assert!(matches!(admission.enter_worker(heavy), Err(Failure::Shed)));
        assert!(admission.enter_script(light, &Limits::default()).is_ok() && admission.enter_node().is_ok());
        admission.overload.set(Stage::Refuse, &[]);
        assert!(matches!(admission.enter_node(), Err(Failure::NodeBusy)));
        assert!(matches!(admission.enter_script(light, &Limits::default()), Err(Failure::Shed)));
        assert_eq!(admission.overload.stats().shed, [2, 2, 0, 0]);
        assert_eq!(admission.in_flight(), 0);
    }

    #[test]
    fn the_node_is_bounded_too() {
        let admission = Arc::new(Admission::new(2, 1));
        let held = admission.enter_node().unwrap();
        assert!(matches!(admission.enter_node(), Err(Failure::NodeBusy)));
        assert_eq!(admission.in_flight(), 1);
        drop(held);
        assert!(admission.enter_node().is_ok());
        assert_eq!(admission.in_flight(), 0);
    }
}
