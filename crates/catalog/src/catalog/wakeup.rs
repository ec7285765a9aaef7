//! Tells this node's listeners that something changed, and lets an operation wait until they have it:
//! the reply to an upload means that the next request on this node sees it (design §4).

use std::time::Duration;

use tokio::sync::watch;

use super::Catalog;

/// How long an operation waits for the node's routes; after that it answers all the same, and the
/// change arrives a moment later.
const FOLLOWER_WAIT: Duration = Duration::from_secs(2);

/// A counter of wake-ups, and how far the follower has come (`None`: nobody follows).
pub(super) struct Wakeup {
    woken: watch::Sender<u64>,
    applied: watch::Sender<Option<u64>>,
}

impl Default for Wakeup {
    fn default() -> Self {
        Self { woken: watch::Sender::new(0), applied: watch::Sender::new(None) }
    }
}

impl Wakeup {
    /// Wakes the listeners when dropped, so also when the caller goes away in the middle: a wake-up
    /// too many costs one look at the change feed, one too few would leave an old route in force.
    pub(super) fn guard(&self) -> WakeGuard<'_> {
        WakeGuard { wakeup: self }
    }

    fn wake(&self) -> u64 {
        let mut number = 0;
        self.woken.send_modify(|n| {
            *n += 1;
            number = *n;
        });
        number
    }
}

pub(super) struct WakeGuard<'a> {
    wakeup: &'a Wakeup,
}

impl WakeGuard<'_> {
    /// Wakes, and waits until the follower has caught up; not for ever, and not at all without one.
    pub(super) async fn done(self) {
        let wakeup = self.wakeup;
        std::mem::forget(self);
        let number = wakeup.wake();
        let mut applied = wakeup.applied.subscribe();
        let caught_up = applied.wait_for(|at| at.is_none_or(|at| at >= number));
        let _ = tokio::time::timeout(FOLLOWER_WAIT, caught_up).await;
    }
}

impl Drop for WakeGuard<'_> {
    fn drop(&mut self) {
        self.wakeup.wake();
    }
}

/// The one listener that operations wait for: the gateway's routes table.
///
/// Follow first, then load the routes. Then loop: [`Follower::changed`] gives a number; read the change feed to its end and apply it; then
/// [`Follower::applied`] with that number. While nobody follows, operations do not wait.
pub struct Follower {
    woken: watch::Receiver<u64>,
    applied: watch::Sender<Option<u64>>,
}

impl Follower {
    /// Waits for the next wake-up. `None`: the catalog is gone.
    pub async fn changed(&mut self) -> Option<u64> {
        self.woken.changed().await.ok()?;
        Some(*self.woken.borrow_and_update())
    }

    /// Everything that was committed before wake-up `number` is in force on this node.
    pub fn applied(&self, number: u64) {
        self.applied.send_replace(Some(number));
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.applied.send_replace(None);
    }
}

impl Catalog {
    /// Changes with every operation that wrote to the change feed, on this node. The number is only
    /// a wake-up; the truth is [`Storage::changes_after`](crate::Storage::changes_after).
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.wakeup.woken.subscribe()
    }

    /// As [`Catalog::watch`], but operations wait until the follower has applied them. At most one
    /// at a time: the newest counts.
    pub fn follow(&self) -> Follower {
        let woken = self.wakeup.woken.subscribe();
        self.wakeup.applied.send_replace(Some(*woken.borrow()));
        Follower { woken, applied: self.wakeup.applied.clone() }
    }
}
