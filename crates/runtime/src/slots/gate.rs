//! Who may run an instance, and who waits for it: bounded by node, by level of calls and by tenant.
//! Nothing here waits itself; [`super::Slots`] does.
//!
//! Tenants that wait take turns, and one that holds all it may is passed over: its requests wait for
//! its own to end. When too many wait, the tenant with the most of them loses its newest.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::executor::TenantKey;

/// Levels of calls that are told apart: as many as calls may be deep, and the client's.
pub const LEVELS: usize = 17;

/// How many may run and wait.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Instances of the node.
    pub all: usize,
    /// … of one tenant.
    pub per_tenant: usize,
    /// Waiting requests of the node.
    pub waiting: usize,
    /// … of one tenant.
    pub waiting_per_tenant: usize,
}

/// See the module's paragraph.
pub struct Gate {
    bounds: Bounds,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: [usize; LEVELS],
    /// Those that hold or wait for something.
    tenants: HashMap<TenantKey, Tenant, RandomState>,
    /// Tenants that wait at a level, each once; the first is next.
    turns: [VecDeque<TenantKey>; LEVELS],
    waiting: usize,
    /// Tenants that wait, by how many requests of them do.
    longest: BTreeSet<(usize, TenantKey)>,
    number: u64,
}

#[derive(Default)]
struct Tenant {
    held: usize,
    waiting: usize,
    /// It is among those for whom the tenants' bound is.
    bounded: bool,
    /// By level, each in the order of arrival.
    queues: HashMap<usize, VecDeque<(u64, oneshot::Sender<Permit>)>>,
}

/// What a request gets at the gate.
pub enum Entered {
    Now(Permit),
    /// A place in the tenant's queue.
    Later(Place),
    /// The tenant, or the node, has too many waiting already.
    Full,
}

/// The right to run one instance; gives it back when dropped.
pub struct Permit {
    gate: Arc<Gate>,
    tenant: TenantKey,
    level: usize,
}

/// A place in a queue, left when dropped.
pub struct Place {
    gate: Arc<Gate>,
    tenant: TenantKey,
    level: usize,
    number: u64,
    turn: oneshot::Receiver<Permit>,
}

impl Place {
    /// Waits for the permit; `None`: the place was taken away for others.
    pub async fn permit(&mut self) -> Option<Permit> {
        (&mut self.turn).await.ok()
    }
}

impl Gate {
    pub fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self { bounds, state: Mutex::default() })
    }

    /// At once, or a place in the tenant's queue. `bounded`: the tenant's own bound holds for it.
    pub fn enter(self: &Arc<Self>, tenant: TenantKey, level: usize, bounded: bool) -> Entered {
        let level = level.min(LEVELS - 1);
        let mut state = self.state.lock();
        let held = state.tenants.get(&tenant).map_or(0, |tenant| tenant.held);
        let at_bound = bounded && held >= self.bounds.per_tenant;
        // A caller holds an instance while it waits: for the end of its own tenant's requests it does not.
        if at_bound && level > 0 {
            return Entered::Full;
        }
        // Nobody is overtaken: where there is room, those that wait are of tenants at their bound.
        if !at_bound && self.has_room(&state, level) {
            state.run(tenant, level);
            return Entered::Now(Permit { gate: Arc::clone(self), tenant, level });
        }
        if !self.make_place(&mut state, tenant) {
            return Entered::Full;
        }
        let (turn, wait) = oneshot::channel();
        let number = state.wait(tenant, level, bounded, turn);
        Entered::Later(Place { gate: Arc::clone(self), tenant, level, number, turn: wait })
    }

    /// Whether one more of the tenant may wait; for that, one of a tenant with more of them may have to go.
    fn make_place(&self, state: &mut State, tenant: TenantKey) -> bool {
        let waiting = state.tenants.get(&tenant).map_or(0, |tenant| tenant.waiting);
        if waiting >= self.bounds.waiting_per_tenant {
            return false;
        }
        if state.waiting < self.bounds.waiting {
            return true;
        }
        match state.longest.last().copied() {
            Some((most, longest)) if most > waiting + 1 => {
                state.shed(longest);
                true
            }
            _ => false,
        }
    }

    /// Instances that this level and those above it may hold together.
    fn share(&self, level: usize) -> usize {
        (self.bounds.all - (self.bounds.all >> (level + 1))).max(1)
    }

    fn has_room(&self, state: &State, level: usize) -> bool {
        let mut above: usize = state.running[..level].iter().sum();
        (level..LEVELS).all(|at| {
            above += state.running[at];
            above < self.share(at)
        })
    }

    /// Instances that run now.
    pub fn running(&self) -> usize {
        self.state.lock().running.iter().sum()
    }

    /// Requests that wait now.
    pub fn waiting(&self) -> usize {
        self.state.lock().waiting
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.gate.state.lock();
        state.running[self.level] -= 1;
        state.change(self.tenant, |tenant| tenant.held -= 1);
        let mut next = Vec::new();
        if state.waiting > 0 {
            // The deepest first: others wait for them.
            for level in (0..LEVELS).rev() {
                while !state.turns[level].is_empty() && self.gate.has_room(&state, level) {
                    let Some((tenant, turn)) = state.next(level, self.gate.bounds.per_tenant) else { break };
                    state.run(tenant, level);
                    next.push((turn, Permit { gate: Arc::clone(&self.gate), tenant, level }));
                }
            }
        }
        drop(state);
        for (turn, permit) in next {
            let _ = turn.send(permit); // to one who leaves just now: the permit comes back here
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gate.state.lock().leave(self.tenant, self.level, self.number);
    }
}

impl State {
    fn run(&mut self, tenant: TenantKey, level: usize) {
        self.running[level] += 1;
        self.tenants.entry(tenant).or_default().held += 1;
    }

    fn wait(&mut self, tenant: TenantKey, level: usize, bounded: bool, turn: oneshot::Sender<Permit>) -> u64 {
        self.number += 1;
        let number = self.number;
        let mut first = false;
        self.change(tenant, |tenant| {
            let queue = tenant.queues.entry(level).or_default();
            first = queue.is_empty();
            queue.push_back((number, turn));
            tenant.waiting += 1;
            tenant.bounded = bounded;
        });
        self.waiting += 1;
        if first {
            self.turns[level].push_back(tenant);
        }
        number
    }

    /// The next at a level whose tenant may hold more.
    fn next(&mut self, level: usize, most: usize) -> Option<(TenantKey, oneshot::Sender<Permit>)> {
        // Few are passed over: no more tenants than the node has room for can hold all they may.
        let may = |tenant: &Tenant| !tenant.bounded || tenant.held < most;
        let at = self.turns[level].iter().position(|key| self.tenants.get(key).is_some_and(may))?;
        let tenant = self.turns[level].remove(at)?;
        let mut turn = None;
        let mut more = false;
        self.change(tenant, |tenant| {
            let Some(queue) = tenant.queues.get_mut(&level) else { return };
            turn = queue.pop_front();
            more = !queue.is_empty();
            if !more {
                tenant.queues.remove(&level);
            }
            tenant.waiting -= 1;
        });
        self.waiting -= 1;
        if more {
            self.turns[level].push_back(tenant);
        }
        turn.map(|(_, turn)| (tenant, turn))
    }

    /// Takes a place away, should it still be there.
    fn leave(&mut self, tenant: TenantKey, level: usize, number: u64) {
        let Some(queue) = self.tenants.get_mut(&tenant).and_then(|tenant| tenant.queues.get_mut(&level)) else {
            return;
        };
        let Ok(at) = queue.binary_search_by_key(&number, |(number, _)| *number) else { return };
        queue.remove(at);
        let last = queue.is_empty();
        self.change(tenant, |tenant| {
            if last {
                tenant.queues.remove(&level);
            }
            tenant.waiting -= 1;
        });
        self.waiting -= 1;
        if last {
            self.turns[level].retain(|waits| *waits != tenant);
        }
    }

    /// Takes a tenant's newest place away, of those that hold the fewest callers up.
    fn shed(&mut self, tenant: TenantKey) {
        let queues = self.tenants.get(&tenant).map(|tenant| &tenant.queues);
        let shallowest = queues.and_then(|queues| queues.iter().min_by_key(|(level, _)| **level));
        if let Some((level, queue)) = shallowest
            && let Some((number, _)) = queue.back()
        {
            let (level, number) = (*level, *number);
            self.leave(tenant, level, number); // its sender goes, which tells the one who waits
        }
    }

    /// Changes a tenant's counts, and what follows from them.
    fn change(&mut self, key: TenantKey, change: impl FnOnce(&mut Tenant)) {
        let tenant = self.tenants.entry(key).or_default();
        let before = tenant.waiting;
        change(tenant);
        let (held, waiting) = (tenant.held, tenant.waiting);
        if before != waiting {
            self.longest.remove(&(before, key));
            if waiting > 0 {
                self.longest.insert((waiting, key));
            }
        }
        if held == 0 && waiting == 0 {
            self.tenants.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(all: usize, per_tenant: usize, waiting: usize, waiting_per_tenant: usize) -> Arc<Gate> {
        Gate::new(Bounds { all, per_tenant, waiting, waiting_per_tenant })
    }

    #[track_caller]
    fn now(entered: Entered) -> Permit {
        match entered {
            Entered::Now(permit) => permit,
            Entered::Later(_) => panic!("it has to wait"),
            Entered::Full => panic!("it is refused"),
        }
    }

    #[track_caller]
    fn later(entered: Entered) -> Place {
        match entered {
            Entered::Later(place) => place,
            Entered::Now(_) => panic!("it runs at once"),
            Entered::Full => panic!("it is refused"),
        }
    }

    fn turn(place: &mut Place) -> Option<Permit> {
        place.turn.try_recv().ok()
    }

    fn is_empty(gate: &Gate) -> bool {
        let state = gate.state.lock();
        state.tenants.is_empty()
            && state.longest.is_empty()
            && state.waiting == 0
            && state.turns.iter().all(VecDeque::is_empty)
            && state.running.iter().sum::<usize>() == 0
    }

    #[test]
    fn a_tenant_at_its_bound_waits_for_itself_and_others_pass() {
        let (greedy, other) = (TenantKey::random(), TenantKey::random());
        let gate = gate(20, 5, 100, 50);
        let mut held: Vec<Permit> = (0..5).map(|_| now(gate.enter(greedy, 0, true))).collect();
        let mut waits: Vec<Place> = (0..50).map(|_| later(gate.enter(greedy, 0, true))).collect();
        assert!(matches!(gate.enter(greedy, 0, true), Entered::Full));
        // The level has room for ten, of which the tenant leaves five, though it waits for more itself.
        let others: Vec<Permit> = (0..5).map(|_| now(gate.enter(other, 0, false))).collect();
        let mut next = later(gate.enter(other, 0, false));
        held.pop();
        let again = turn(&mut waits[0]);
        assert!(again.is_some());
        assert_eq!((gate.running(), gate.waiting()), (10, 50));
        drop(others);
        assert!(turn(&mut next).is_some());
        drop((held, again, waits, next));
        assert!(is_empty(&gate));
    }

    #[test]
    fn a_call_of_a_tenant_at_its_bound_is_refused_rather_than_held() {
        let (tenant, gate) = (TenantKey::random(), gate(20, 2, 100, 50));
        let _held = [now(gate.enter(tenant, 1, true)), now(gate.enter(tenant, 0, true))];
        assert!(matches!(gate.enter(tenant, 1, true), Entered::Full));
        let _waits = later(gate.enter(tenant, 0, true));
        drop(now(gate.enter(tenant, 1, false)));
    }

    #[test]
    fn tenants_that_wait_take_turns() {
        let (a, b) = (TenantKey::random(), TenantKey::random());
        let gate = gate(2, 2, 100, 50);
        let mut runs = Some(now(gate.enter(a, 0, true)));
        let mut places: Vec<Place> = [a, a, a, b, b].map(|tenant| later(gate.enter(tenant, 0, true))).into();
        let mut order = Vec::new();
        while !places.is_empty() {
            drop(runs.take());
            let at = (0..places.len()).find(|at| {
                runs = turn(&mut places[*at]);
                runs.is_some()
            });
            order.push(places.remove(at.unwrap()).tenant);
        }
        assert_eq!(order, [a, b, a, b, a]);
        drop(runs);
        assert!(is_empty(&gate));
    }

    #[test]
    fn who_leaves_is_in_no_queue() {
        let (a, b) = (TenantKey::random(), TenantKey::random());
        let gate = gate(2, 2, 100, 50);
        let runs = now(gate.enter(a, 0, true));
        let mut places: Vec<Place> = (0..3).map(|_| later(gate.enter(a, 0, true))).collect();
        let mut last = later(gate.enter(b, 0, true));
        drop(places.remove(1));
        assert_eq!(gate.waiting(), 3);
        drop(places);
        assert_eq!(gate.waiting(), 1);
        drop(runs);
        assert!(turn(&mut last).is_some());
        drop(last);
        assert!(is_empty(&gate));
    }

    #[test]
    fn when_too_many_wait_the_one_with_the_most_loses_its_newest() {
        let (many, few) = (TenantKey::random(), TenantKey::random());
        let gate = gate(2, 2, 10, 10);
        let runs = now(gate.enter(many, 0, true));
        let mut places: Vec<Place> = (0..10).map(|_| later(gate.enter(many, 0, true))).collect();
        let others: Vec<Place> = (0..5).map(|_| later(gate.enter(few, 0, true))).collect();
        let gone: Vec<bool> = places
            .iter_mut()
            .map(|place| matches!(place.turn.try_recv(), Err(oneshot::error::TryRecvError::Closed)))
            .collect();
        assert_eq!(gone, [false, false, false, false, false, true, true, true, true, true]);
        // Six and four would be no better than five and five.
        assert!(matches!(gate.enter(few, 0, true), Entered::Full));
        assert!(matches!(gate.enter(many, 0, true), Entered::Full));
        assert_eq!(gate.waiting(), 10);
        drop((places, others, runs));
        assert!(is_empty(&gate));
    }
}
