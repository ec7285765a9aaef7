//! Whether the database is away. While it is, requests do not wait for it: now and then one look-up
//! goes to see, and the rest are answered from what is known.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use prometheus::IntGauge;

use crate::ids::draw;

/// Between two look-ups that go to see; half of it is left to chance, so that nodes do not come at once.
const PAUSE: Duration = Duration::from_millis(1_000);

pub(super) struct Away {
    started: Instant,
    /// Milliseconds since `started` when the next look-up may go; 0: the database is there.
    next: AtomicU64,
    /// Resolvers whose database is away.
    gauge: IntGauge,
}

impl Away {
    pub(super) fn new(gauge: IntGauge) -> Self {
        Self { started: Instant::now(), next: AtomicU64::new(0), gauge }
    }

    /// Whether the database is not to be asked now. One caller in a pause is told no: it goes to see.
    pub(super) fn waits(&self) -> bool {
        let next = self.next.load(Ordering::Acquire);
        if next == 0 {
            return false;
        }
        next > self.now()
            || self.next.compare_exchange(next, self.later(), Ordering::AcqRel, Ordering::Acquire).is_err()
    }

    /// It did not answer.
    pub(super) fn trip(&self, why: &str) {
        if self.next.swap(self.later(), Ordering::AcqRel) == 0 {
            self.gauge.inc();
            tracing::error!(
                why,
                "a resolver's database is away: known tenants are served from memory, others get a 503"
            );
        }
    }

    /// It answers.
    pub(super) fn back(&self) {
        if self.next.load(Ordering::Acquire) != 0 && self.next.swap(0, Ordering::AcqRel) != 0 {
            self.gauge.dec();
            tracing::warn!("a resolver's database is back");
        }
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    fn later(&self) -> u64 {
        let pause = PAUSE.as_millis() as u64;
        self.now() + pause / 2 + draw() % (pause / 2) + 1
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        if self.next.load(Ordering::Acquire) != 0 {
            self.gauge.dec();
        }
    }
}
