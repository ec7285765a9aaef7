//! The node's slots: how many instances may run at once, who waits for one and how long, and the
//! idle slots that are clean (interchangeable: every one maps the same base).
//!
//! A caller holds its instance while it waits for the Worker it calls. So each level of calls leaves
//! half of what is left to the levels below it: callers cannot take the last instance that one of them
//! waits for.

use std::sync::Arc;
use std::time::Duration;

use crate::error::{RunError, RunErrorKind};
use crate::executor::TenantKey;
use crate::slot::Slot;

mod gate;
mod idle;

pub use gate::Permit;
use gate::{Bounds, Entered, Gate, LEVELS};
use idle::Idle;

/// Bounds of the queue for slots.
#[derive(Debug, Clone, Copy)]
pub struct QueueLimits {
    pub max_instances: u32,
    /// Of one tenant; 0: a quarter of them.
    pub instances_per_tenant: u32,
    /// Requests that wait for a slot, of one tenant.
    pub per_tenant: usize,
    /// … and of all tenants.
    pub total: usize,
    pub timeout: Duration,
}

/// See the module's paragraph.
pub struct Slots {
    gate: Arc<Gate>,
    idle: Idle<Slot>,
    timeout: Duration,
}

impl Slots {
    pub fn new(limits: QueueLimits) -> Self {
        let all = limits.max_instances.max(2) as usize;
        let per_tenant = match limits.instances_per_tenant as usize {
            // A Worker may call itself as deep as calls go.
            0 => (all / 4).max(LEVELS),
            given => given,
        };
        let bounds = Bounds { all, per_tenant, waiting: limits.total, waiting_per_tenant: limits.per_tenant };
        Self { gate: Gate::new(bounds), idle: Idle::default(), timeout: limits.timeout }
    }

    /// Waits for the right to run, in a queue bounded in length (a tenant's and all) and in time. A
    /// tenant that holds as many instances as it may waits for its own to end, where `bounded`.
    ///
    /// # Errors
    /// `Overloaded` when the queue is full or the wait too long.
    pub async fn permit(&self, tenant: TenantKey, depth: u8, bounded: bool) -> Result<Permit, RunError> {
        let mut place = match self.gate.enter(tenant, usize::from(depth), bounded) {
            Entered::Now(permit) => return Ok(permit),
            Entered::Later(place) => place,
            Entered::Full => return Err(overloaded("too many requests wait for an instance")),
        };
        match tokio::time::timeout(self.timeout, place.permit()).await {
            Ok(Some(permit)) => Ok(permit),
            Ok(None) => Err(overloaded("too many requests wait for an instance")),
            Err(_) => Err(overloaded("no instance came free in time")),
        }
    }

    /// An idle clean slot, of those that this thread gave back the last one.
    pub fn take_idle(&self) -> Option<Box<Slot>> {
        self.idle.take()
    }

    pub fn give_back(&self, slot: Box<Slot>) {
        self.idle.give_back(slot);
    }

    /// Drops the idle ones; returns how many.
    pub fn shed(&self) -> usize {
        self.idle.clear()
    }

    /// Instances that run now.
    pub fn running(&self) -> usize {
        self.gate.running()
    }

    /// Requests that wait for one now.
    pub fn waiting(&self) -> usize {
        self.gate.waiting()
    }

    pub fn idle(&self) -> usize {
        self.idle.len()
    }
}

fn overloaded(message: &str) -> RunError {
    RunError { kind: RunErrorKind::Overloaded, name: "Error".into(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(max_instances: u32, per_tenant: usize) -> Slots {
        let timeout = Duration::from_millis(50);
        Slots::new(QueueLimits { max_instances, instances_per_tenant: 0, per_tenant, total: 100, timeout })
    }

    #[tokio::test]
    async fn callers_leave_room_for_those_they_call() {
        let slots = slots(16, 10);
        let tenant = TenantKey::random();
        let mut held = Vec::new();
        for depth in 0..4 {
            while let Ok(permit) = slots.permit(tenant, depth, true).await {
                held.push(permit);
            }
        }
        assert_eq!(held.len(), 8 + 4 + 2 + 1);
        let deepest = slots.permit(tenant, 4, true).await.unwrap();
        assert!(slots.permit(tenant, 5, true).await.is_err());
        assert_eq!(slots.running(), 16);
        drop(deepest);
        assert!(slots.permit(tenant, 16, true).await.is_ok());
        drop(held);
        assert_eq!((slots.running(), slots.waiting()), (0, 0));
    }

    #[tokio::test]
    async fn who_waits_gets_what_comes_free_and_who_left_does_not() {
        let slots = Arc::new(slots(2, 2));
        let tenant = TenantKey::random();
        let first = slots.permit(tenant, 0, true).await.unwrap();
        let left = tokio::time::timeout(Duration::from_millis(5), slots.permit(tenant, 0, true)).await;
        assert!(left.is_err());
        let waits = tokio::spawn({
            let slots = Arc::clone(&slots);
            async move { slots.permit(tenant, 0, true).await.is_ok() }
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
        drop(first);
        assert!(waits.await.unwrap());
        assert_eq!(slots.running(), 0);
        // The queue is bounded, and those refused are not in it.
        let _first = slots.permit(tenant, 0, true).await.unwrap();
        let wait = || slots.permit(tenant, 0, true);
        let (a, b, c) = tokio::join!(wait(), wait(), wait());
        let refused: Vec<String> = [a, b, c].into_iter().filter_map(|permit| Some(permit.err()?.message)).collect();
        assert_eq!(refused.iter().filter(|message| message.contains("too many")).count(), 1, "{refused:?}");
        assert_eq!(slots.waiting(), 0);
    }
}
