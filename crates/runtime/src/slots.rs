//! The node's slots: how many instances may run at once, who waits for one and how long, and the
//! idle slots that are clean (interchangeable: every one maps the same base).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

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
    /// Requests from clients may hold at most half of the instances: the other half is for the calls
    /// they make to other Workers, so that callers cannot starve the ones they wait for.
    outer: Arc<Semaphore>,
    all: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
    idle: Mutex<Vec<Slot>>,
    limits: QueueLimits,
}

#[derive(Default)]
struct Waiting {
    total: usize,
    of: HashMap<TenantKey, usize>,
}

/// The right to run one instance; gives it back when dropped.
pub struct Permit {
    _outer: Option<OwnedSemaphorePermit>,
    _all: OwnedSemaphorePermit,
}

impl Slots {
    pub fn new(limits: QueueLimits) -> Self {
        let all = limits.max_instances.max(2) as usize;
        Self {
            outer: Arc::new(Semaphore::new(all.div_ceil(2))),
            all: Arc::new(Semaphore::new(all)),
            waiting: Mutex::default(),
            idle: Mutex::default(),
            limits,
        }
    }

    /// Waits for the right to run, in a queue bounded in length (a tenant's and all) and in time.
    ///
    /// # Errors
    /// `Overloaded` when the queue is full or the wait too long.
    pub async fn permit(&self, tenant: TenantKey, depth: u8) -> Result<Permit, RunError> {
        let outer = if depth == 0 { Some(self.acquire(&self.outer, tenant).await?) } else { None };
        let all = self.acquire(&self.all, tenant).await?;
        Ok(Permit { _outer: outer, _all: all })
    }

    async fn acquire(&self, semaphore: &Arc<Semaphore>, tenant: TenantKey) -> Result<OwnedSemaphorePermit, RunError> {
        if let Ok(permit) = Arc::clone(semaphore).try_acquire_owned() {
            return Ok(permit);
        }
        let _place = Place::take(self, tenant)?;
        match tokio::time::timeout(self.limits.timeout, Arc::clone(semaphore).acquire_owned()).await {
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
        self.limits.max_instances.max(2) as usize - self.all.available_permits()
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
