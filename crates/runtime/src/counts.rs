//! What the runtime has done since it began, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use switchyard_catalog::InvalidScript;

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
    compiled: AtomicU64,
    compile_refused: AtomicU64,
    compile_failed: AtomicU64,
    compile_micros: AtomicU64,
    artefacts_refused: AtomicU64,
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
    /// Components that were compiled.
    pub compiled: u64,
    /// … that were not: they do not compile, or pass a limit.
    pub compile_refused: u64,
    /// … that could not be: the queue was full, or it was the node's fault.
    pub compile_failed: u64,
    /// Time that compiling took, waiting for a turn included.
    pub compilation: Duration,
    /// Compiled components that were not as they were written, or not for this engine.
    pub artefacts_refused: u64,
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

    pub fn compiled(&self, done: &Result<(), InvalidScript>, took: Duration) {
        let count = match done {
            Ok(()) => &self.compiled,
            Err(InvalidScript::Refused(_)) => &self.compile_refused,
            Err(InvalidScript::Busy(_) | InvalidScript::Unavailable(_)) => &self.compile_failed,
        };
        count.fetch_add(1, Ordering::Relaxed);
        self.compile_micros.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
    }

    pub fn artefact_refused(&self) {
        self.artefacts_refused.fetch_add(1, Ordering::Relaxed);
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
            compiled: read(&self.compiled),
            compile_refused: read(&self.compile_refused),
            compile_failed: read(&self.compile_failed),
            compilation: Duration::from_micros(read(&self.compile_micros)),
            artefacts_refused: read(&self.artefacts_refused),
        }
    }
}
