//! What isolation `auto` goes by: the cost of a Worker's first requests.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// Requests in clean instances that are looked at.
const TRIED: u32 = 4;

/// What first requests of a Worker cost: each in a clean instance is one. `auto` makes it warm when even the
/// cheapest of the first few costs more than the node's threshold.
#[derive(Debug)]
pub struct FirstRequests {
    threshold: u64,
    least: AtomicU64,
    /// How many were looked at.
    count: AtomicU32,
}

impl FirstRequests {
    pub fn new(threshold: Duration) -> Self {
        let threshold = u64::try_from(threshold.as_nanos()).unwrap_or(u64::MAX);
        Self { threshold, least: AtomicU64::new(u64::MAX), count: AtomicU32::new(0) }
    }

    pub fn ran(&self, cpu: Duration) {
        if self.count.load(Ordering::Relaxed) >= TRIED {
            return;
        }
        self.least.fetch_min(u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Release);
    }

    pub fn are_heavy(&self) -> bool {
        self.count.load(Ordering::Acquire) >= TRIED && self.least.load(Ordering::Relaxed) > self.threshold
    }
}
