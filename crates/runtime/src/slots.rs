//! The node's slots: how many instances may run at once, who waits for one and how long, and the
//! idle slots that are clean (interchangeable: every one maps the same base).
//!
//! A caller holds its instance while it waits for the Worker it calls. So each level of calls leaves
//! half of what is left to the levels below it: callers cannot take the last instance that one of them
//! waits for.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::error::{RunError, RunErrorKind};
use crate::executor::TenantKey;
use crate::slot::Slot;

/// Bounds of the queue for slots.
#[derive(Debug, Clone, Copy)]
pub struct QueueLimits {
    pub max_instances: u32,
    /// Requests that wait for a slot, of one tenant.
    pub per_tenant: usize,
    /// … and of all tenants.
    pub total: usize,
    pub timeout: Duration,
}

/// See the module's paragraph.
pub struct Slots {
    gate: Arc<Gate>,
    waiting: Mutex<Waiting>,
    idle: Mutex<Vec<Slot>>,
    limits: QueueLimits,
}

#[derive(Default)]
struct Waiting {
    total: usize,
    of: HashMap<TenantKey, usize>,
}

/// Levels of calls that are told apart: as many as calls may be deep, and the client's.
const LEVELS: usize = 17;

/// Who runs, and who waits for it, by level.
struct Gate {
    all: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: [usize; LEVELS],
    queues: [VecDeque<oneshot::Sender<Permit>>; LEVELS],
}

/// The right to run one instance; gives it back when dropped.
pub struct Permit {
    gate: Arc<Gate>,
    level: usize,
}

impl Gate {
    /// Instances that this level and those above it may hold together.
    fn share(&self, level: usize) -> usize {
        (self.all - (self.all >> (level + 1))).max(1)
    }

    fn has_room(&self, state: &State, level: usize) -> bool {
        let mut above: usize = state.running[..level].iter().sum();
        (level..LEVELS).all(|at| {
            above += state.running[at];
            above < self.share(at)
        })
    }

    /// At once, or in the queue of its level.
    fn enter(self: &Arc<Self>, level: usize) -> Result<Permit, oneshot::Receiver<Permit>> {
        let mut state = self.state.lock();
        // Nobody overtakes: who has left the queue is passed over when an instance comes free.
        if state.queues[level].is_empty() && self.has_room(&state, level) {
            state.running[level] += 1;
            return Ok(Permit { gate: Arc::clone(self), level });
        }
        let (turn, wait) = oneshot::channel();
        state.queues[level].push_back(turn);
        Err(wait)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.gate.state.lock();
        state.running[self.level] -= 1;
        let mut next = Vec::new();
        // The deepest first: others wait for them.
        for level in (0..LEVELS).rev() {
            while !state.queues[level].is_empty() && self.gate.has_room(&state, level) {
                match state.queues[level].pop_front() {
                    Some(turn) if !turn.is_closed() => {
                        state.running[level] += 1;
                        next.push((turn, Permit { gate: Arc::clone(&self.gate), level }));
                    }
                    _ => {}
                }
            }
        }
        drop(state);
        for (turn, permit) in next {
            let _ = turn.send(permit); // to one who leaves just now: the permit comes back here
        }
    }
}

impl Slots {
    pub fn new(limits: QueueLimits) -> Self {
        let gate = Gate { all: limits.max_instances.max(2) as usize, state: Mutex::default() };
        Self { gate: Arc::new(gate), waiting: Mutex::default(), idle: Mutex::default(), limits }
    }

    /// Waits for the right to run, in a queue bounded in length (a tenant's and all) and in time.
    ///
    /// # Errors
    /// `Overloaded` when the queue is full or the wait too long.
    pub async fn permit(&self, tenant: TenantKey, depth: u8) -> Result<Permit, RunError> {
        let wait = match self.gate.enter(usize::from(depth).min(LEVELS - 1)) {
            Ok(permit) => return Ok(permit),
            Err(wait) => wait,
        };
        let _place = Place::take(self, tenant)?;
        match tokio::time::timeout(self.limits.timeout, wait).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(overloaded("no instance came free in time")),
        }
    }

    /// An idle clean slot, the one used last first: its pages are the warmest.
    pub fn take_idle(&self) -> Option<Slot> {
        self.idle.lock().pop()
    }

    pub fn give_back(&self, slot: Slot) {
        self.idle.lock().push(slot);
    }

    /// Instances that run now.
    pub fn running(&self) -> usize {
        self.gate.state.lock().running.iter().sum()
    }

    pub fn idle(&self) -> usize {
        self.idle.lock().len()
    }
}

/// A place in the queue.
struct Place<'a> {
    slots: &'a Slots,
    tenant: TenantKey,
}

impl<'a> Place<'a> {
    fn take(slots: &'a Slots, tenant: TenantKey) -> Result<Self, RunError> {
        let mut waiting = slots.waiting.lock();
        let of_tenant = waiting.of.get(&tenant).copied().unwrap_or(0);
        if waiting.total >= slots.limits.total || of_tenant >= slots.limits.per_tenant {
            return Err(overloaded("too many requests wait for an instance"));
        }
        waiting.total += 1;
        waiting.of.insert(tenant, of_tenant + 1);
        drop(waiting);
        Ok(Self { slots, tenant })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.slots.waiting.lock();
        waiting.total -= 1;
        if let Some(count) = waiting.of.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                waiting.of.remove(&self.tenant);
            }
        }
    }
}

fn overloaded(message: &str) -> RunError {
    RunError { kind: RunErrorKind::Overloaded, name: "Error".into(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(max_instances: u32, per_tenant: usize) -> Slots {
        Slots::new(QueueLimits { max_instances, per_tenant, total: 100, timeout: Duration::from_millis(50) })
    }

    #[tokio::test]
    async fn callers_leave_room_for_those_they_call() {
        let slots = slots(16, 10);
        let tenant = TenantKey::random();
        let mut held = Vec::new();
        for depth in 0..4 {
            while let Ok(permit) = slots.permit(tenant, depth).await {
                held.push(permit);
            }
        }
        assert_eq!(held.len(), 8 + 4 + 2 + 1);
        let deepest = slots.permit(tenant, 4).await.unwrap();
        assert!(slots.permit(tenant, 5).await.is_err());
        assert_eq!(slots.running(), 16);
        drop(deepest);
        assert!(slots.permit(tenant, 16).await.is_ok());
        drop(held);
        assert_eq!(slots.running(), 0);
    }

    #[tokio::test]
    async fn who_waits_gets_what_comes_free_and_who_left_does_not() {
        let slots = Arc::new(slots(2, 2));
        let tenant = TenantKey::random();
        let first = slots.permit(tenant, 0).await.unwrap();
        let left = tokio::time::timeout(Duration::from_millis(5), slots.permit(tenant, 0)).await;
        assert!(left.is_err());
        let waits = tokio::spawn({
            let slots = Arc::clone(&slots);
            async move { slots.permit(tenant, 0).await.is_ok() }
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
        drop(first);
        assert!(waits.await.unwrap());
        assert_eq!(slots.running(), 0);
        // The queue is bounded, and those refused are not in it.
        let _first = slots.permit(tenant, 0).await.unwrap();
        let (a, b, c) = tokio::join!(slots.permit(tenant, 0), slots.permit(tenant, 0), slots.permit(tenant, 0));
        let refused: Vec<String> = [a, b, c].into_iter().filter_map(|permit| Some(permit.err()?.message)).collect();
        assert_eq!(refused.iter().filter(|message| message.contains("too many")).count(), 1, "{refused:?}");
        assert!(slots.waiting.lock().of.is_empty());
    }
}
