//! How many requests may be under way at once: of one script, so that no tenant takes the node for
//! itself, and of the node, so that memory stays bounded. A permit is held to the end of the body. And
//! how many of one script may begin in a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

use switchyard_catalog::{Limits, ScriptId};

use crate::error::Failure;
use crate::overload::{Overload, Shed, Stage};

/// Counts requests under way.
pub struct Admission {
    began: Instant,
    total: AtomicU32,
    /// Scripts with requests under way. Below zero for a moment, where one is left and entered at once.
    active: AtomicI32,
    per_script: AtomicU32,
    per_node: AtomicU32,
    pub overload: Arc<Overload>,
}

impl Admission {
    pub fn new(per_script: u32, per_node: u32) -> Self {
        let (per_script, per_node) = (AtomicU32::new(per_script), AtomicU32::new(per_node));
        Self {
            began: Instant::now(),
            total: AtomicU32::new(0),
            active: AtomicI32::new(0),
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
    pub fn enter_script(self: &Arc<Self>, usage: &Arc<Usage>, limits: &Limits) -> Result<ScriptPermit, Failure> {
        let bound = self.per_script.load(Ordering::Relaxed);
        let most = limits.concurrent_requests.map_or(bound, |most| most.min(bound));
        let permit = self.enter(usage, most, self.fair_share())?;
        match limits.requests_per_second {
            Some(rate) if !usage.take(rate, self.now()) => Err(Failure::RateLimited),
            _ => Ok(permit),
        }
    }

    /// Takes one of the places of an account's own Worker. It stands for many tenants, each with a
    /// bound of its own: this one only leaves half of the node to the others.
    ///
    /// # Errors
    /// [`Failure::TenantBusy`].
    pub fn enter_worker(self: &Arc<Self>, usage: &Arc<Usage>) -> Result<ScriptPermit, Failure> {
        let half = self.per_node.load(Ordering::Relaxed) / 2;
        self.enter(usage, self.per_script.load(Ordering::Relaxed).max(half), u32::MAX)
    }

    /// What one tenant may have while the node is nearly full: the last quarter of it is for those that
    /// have little.
    fn fair_share(&self) -> u32 {
        let all = self.per_node.load(Ordering::Relaxed);
        if self.total.load(Ordering::Relaxed) <= all - all / 4 {
            return u32::MAX;
        }
        let active = u32::try_from(self.active.load(Ordering::Relaxed)).unwrap_or(0);
        (all / (active + 1)).max(1)
    }

    fn enter(self: &Arc<Self>, usage: &Arc<Usage>, most: u32, share: u32) -> Result<ScriptPermit, Failure> {
        if let Some(why) = self.overload.refuses(usage.script) {
            self.overload.count(why);
            return Err(Failure::Shed);
        }
        let bound = most.min(share);
        let entered = usage
            .under_way
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |there| (there < bound).then_some(there + 1));
        match entered {
            Ok(before) => {
                if before == 0 {
                    self.active.fetch_add(1, Ordering::Relaxed);
                }
                Ok(ScriptPermit { admission: self.clone(), usage: usage.clone() })
            }
            Err(there) if there >= most => Err(Failure::TenantBusy),
            Err(_) => {
                self.overload.count(Shed::RequestsOfTenant);
                Err(Failure::Shed)
            }
        }
    }

    /// Nanoseconds since the node began.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Requests from clients under way now.
    pub fn in_flight(&self) -> u32 {
        self.total.load(Ordering::Relaxed)
    }
}

/// What one script has under way, and how much of its rate it has used. The routes that a script has one after the
/// other share it, so that a request finds it without looking it up.
#[derive(Debug)]
pub struct Usage {
    script: ScriptId,
    under_way: AtomicU32,
    /// When the script will have used nothing of its rate again (the generic cell rate algorithm): a second's worth
    /// may begin at once, then one after the other, evenly. Nanoseconds since the node began.
    free_at: AtomicU64,
}

const SECOND: u64 = 1_000_000_000;

impl Usage {
    pub fn of(script: ScriptId) -> Arc<Self> {
        Arc::new(Self { script, under_way: AtomicU32::new(0), free_at: AtomicU64::new(0) })
    }

    fn take(&self, rate: u32, now: u64) -> bool {
        let each = SECOND / u64::from(rate.max(1));
        let taken = self.free_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free_at| {
            let next = free_at.max(now) + each;
            (next <= now + SECOND).then_some(next)
        });
        taken.is_ok()
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
    usage: Arc<Usage>,
}

impl Drop for ScriptPermit {
    fn drop(&mut self) {
        if self.usage.under_way.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.admission.active.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage() -> Arc<Usage> {
        Usage::of(ScriptId::random())
    }

    fn is_idle(admission: &Admission, scripts: &[&Arc<Usage>]) -> bool {
        let idle = scripts.iter().all(|usage| usage.under_way.load(Ordering::Relaxed) == 0);
        idle && admission.active.load(Ordering::Relaxed) == 0
    }

    #[test]
    fn a_script_has_its_own_places_and_gives_them_back() {
        let admission = Arc::new(Admission::new(2, 10));
        let (a, b) = (usage(), usage());
        let enter = |script| admission.enter_script(script, &Limits::default());
        let held = [enter(&a).unwrap(), enter(&a).unwrap()];
        assert!(matches!(enter(&a), Err(Failure::TenantBusy)));
        let other = enter(&b).unwrap();
        drop(held);
        assert!(enter(&a).is_ok());
        drop(other);
        // The smaller wins.
        for (own, places) in [(1, 1), (9, 2)] {
            let limits = Limits { concurrent_requests: Some(own), ..Limits::default() };
            let held: Vec<_> = (0..places).map(|_| admission.enter_script(&a, &limits).unwrap()).collect();
            assert!(matches!(admission.enter_script(&a, &limits), Err(Failure::TenantBusy)));
            drop(held);
        }
        // One that stands for many tenants has half of the node.
        let held: Vec<_> = (0..5).map(|_| admission.enter_worker(&a).unwrap()).collect();
        assert!(matches!(admission.enter_worker(&a), Err(Failure::TenantBusy)));
        drop(held);
        assert!(is_idle(&admission, &[&a, &b]));
    }

    #[test]
    fn a_rate_is_a_seconds_worth_at_once_and_then_even() {
        let (a, b) = (usage(), usage());
        let taken = |usage: &Usage, at| (0..100).take_while(|_| usage.take(4, at)).count();
        assert_eq!(taken(&a, 0), 4);
        assert_eq!((taken(&a, SECOND / 4 - 1), taken(&a, SECOND / 4), taken(&b, SECOND / 4)), (0, 1, 4));
        assert_eq!(taken(&a, 10 * SECOND), 4);
    }

    #[test]
    fn a_refusal_for_the_rate_gives_the_place_back() {
        let admission = Arc::new(Admission::new(2, 10));
        let script = usage();
        let limits = Limits { requests_per_second: Some(1), ..Limits::default() };
        assert!(admission.enter_script(&script, &limits).is_ok());
        assert!(matches!(admission.enter_script(&script, &limits), Err(Failure::RateLimited)));
        assert!(is_idle(&admission, &[&script]));
    }

    #[test]
    fn threads_that_come_and_go_leave_nothing_behind_and_never_exceed_a_bound() {
        let admission = Arc::new(Admission::new(3, 1_000));
        let (script, inside) = (usage(), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let Ok(_permit) = admission.enter_script(&script, &Limits::default()) else { continue };
                        assert!(inside.fetch_add(1, Ordering::SeqCst) < 3);
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(is_idle(&admission, &[&script]));
    }

    #[test]
    fn the_last_quarter_is_for_those_that_have_little() {
        let admission = Arc::new(Admission::new(100, 16));
        let (noisy, quiet, late) = (usage(), usage(), usage());
        let mut held = Vec::new();
        let mut enter = |script: &Arc<Usage>| {
            let node = admission.enter_node()?;
            held.push((node, admission.enter_script(script, &Limits::default())?));
            Ok::<_, Failure>(())
        };
        for _ in 0..12 {
            enter(&noisy).unwrap();
        }
        // Half of the node is the share of one of two.
        assert!(matches!(enter(&noisy), Err(Failure::Shed)));
        enter(&quiet).unwrap();
        assert!(matches!(enter(&noisy), Err(Failure::Shed)));
        enter(&quiet).unwrap();
        enter(&late).unwrap();
        assert_eq!(admission.overload.stats().shed, [0, 0, 2, 0]);
        held.clear();
        assert!(is_idle(&admission, &[&noisy, &quiet, &late]));
        assert!(admission.enter_script(&noisy, &Limits::default()).is_ok());
    }

    #[test]
    fn short_memory_refuses_the_heavy_and_then_all() {
        let admission = Arc::new(Admission::new(10, 10));
        let (heavy, light) = (usage(), usage());
        admission.overload.set(Stage::Shed, &[heavy.script]);
        assert!(matches!(admission.enter_script(&heavy, &Limits::default()), Err(Failure::Shed)));
        assert!(matches!(admission.enter_worker(&heavy), Err(Failure::Shed)));
        assert!(admission.enter_script(&light, &Limits::default()).is_ok() && admission.enter_node().is_ok());
        admission.overload.set(Stage::Refuse, &[]);
        assert!(matches!(admission.enter_node(), Err(Failure::NodeBusy)));
        assert!(matches!(admission.enter_script(&light, &Limits::default()), Err(Failure::Shed)));
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
