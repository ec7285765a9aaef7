//! What the runtime has done since it began, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counted without a lock.
#[derive(Default)]
pub struct Counts {
    hits: AtomicU64,
    opened: AtomicU64,
    evaluated: AtomicU64,
    refused: AtomicU64,
    evaluation_micros: AtomicU64,
    made: AtomicU64,
    reused: AtomicU64,
    warm_reused: AtomicU64,
}

/// [`Counts`], read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RuntimeCounts {
    /// Calls that found their Worker in memory.
    pub hits: u64,
    /// Workers that were read from their sealed files.
    pub opened: u64,
    /// Scripts that were evaluated, at upload or since there was no file of this engine.
    pub evaluated: u64,
    /// … and did not start.
    pub refused: u64,
    /// Time that evaluating took, waiting for a place included.
    pub evaluation: Duration,
    /// Instances that were made.
    pub made: u64,
    /// Clean slots that served once more.
    pub reused: u64,
    /// Warm instances that served once more.
    pub warm_reused: u64,
}

impl Counts {
    pub fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    pub fn opened(&self) {
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    pub fn evaluated(&self, started: bool, took: Duration) {
        self.evaluated.fetch_add(1, Ordering::Relaxed);
        self.refused.fetch_add(u64::from(!started), Ordering::Relaxed);
        self.evaluation_micros.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
    }

    pub fn made(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    pub fn reused(&self) {
        self.reused.fetch_add(1, Ordering::Relaxed);
    }

    pub fn warm_reused(&self) {
        self.warm_reused.fetch_add(1, Ordering::Relaxed);
    }

    pub fn read(&self) -> RuntimeCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        RuntimeCounts {
            hits: read(&self.hits),
            opened: read(&self.opened),
            evaluated: read(&self.evaluated),
            refused: read(&self.refused),
            evaluation: Duration::from_micros(read(&self.evaluation_micros)),
            made: read(&self.made),
            reused: read(&self.reused),
            warm_reused: read(&self.warm_reused),
        }
    }
}
