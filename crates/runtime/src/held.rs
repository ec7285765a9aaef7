//! Bytes the host holds for a guest: messages it sent, chunks on their way to a reader, whole bodies.
//! They count against its memory limit, its script's share and the node's ceiling from the moment
//! they leave the guest until the last copy is gone, which may be long after the request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::memory::Budget;

/// What is shorter is not counted: what bounds it is the number of operations a guest may have pending.
pub const SMALL: usize = 4096;

/// One counter; what it counts is counted above it too.
#[derive(Debug, Default)]
pub struct Held {
    used: AtomicUsize,
    limit: usize,
    above: Option<Arc<Held>>,
    /// What the outermost one counts in besides.
    budget: Option<Arc<Budget>>,
}

/// Who has no room for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The instance: its memory limit.
    #[error("Worker exceeded memory limit.")]
    Instance,
    /// The script's share of the node, or the node.
    #[error("too many bytes wait on this node")]
    Node,
}

impl Held {
    /// The outermost counter, of at most `limit` bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, ..Self::default() })
    }

    /// As [`Held::new`], counted in what all guests of the node may have together.
    pub fn within(budget: &Arc<Budget>, limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, budget: Some(Arc::clone(budget)), ..Self::default() })
    }

    /// A counter whose bytes count in `above` as well.
    pub fn below(above: &Arc<Self>, limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, above: Some(Arc::clone(above)), ..Self::default() })
    }

    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Counts `bytes` until the charge is dropped. `beside`: what else the innermost limit covers.
    ///
    /// # Errors
    /// When it does not fit; nothing is counted then.
    pub fn charge(self: &Arc<Self>, bytes: usize, beside: usize) -> Result<Charge, Full> {
        if bytes < SMALL {
            return Ok(Charge { held: None, bytes: 0 });
        }
        self.take(bytes, beside).map_err(|depth| if depth == 0 { Full::Instance } else { Full::Node })?;
        Ok(Charge { held: Some(Arc::clone(self)), bytes })
    }

    /// A copy that is counted for as long as any part of it lives.
    ///
    /// # Errors
    /// As [`Held::charge`].
    pub fn copy(self: &Arc<Self>, bytes: &[u8], beside: usize) -> Result<Bytes, Full> {
        if bytes.len() < SMALL {
            return Ok(Bytes::copy_from_slice(bytes));
        }
        let charge = self.charge(bytes.len(), beside)?;
        Ok(Bytes::from_owner(Counted { bytes: bytes.into(), _charge: charge }))
    }

    /// How far above the one is that refused.
    fn take(&self, bytes: usize, beside: usize) -> Result<(), usize> {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        let fits = if used.saturating_add(beside) > self.limit { Err(0) } else { Ok(()) };
        let taken = fits
            .and_then(|()| if self.budget.as_ref().is_none_or(|budget| budget.take(bytes)) { Ok(()) } else { Err(1) })
            .and_then(|()| self.above.as_ref().map_or(Ok(()), |above| above.take(bytes, 0).map_err(|depth| depth + 1)));
        if taken.is_err() {
            self.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        taken
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(budget) = &self.budget {
            budget.give_back(bytes);
        }
        if let Some(above) = &self.above {
            above.give_back(bytes);
        }
    }
}

/// Counts until it is dropped.
#[derive(Debug)]
pub struct Charge {
    held: Option<Arc<Held>>,
    bytes: usize,
}

impl Drop for Charge {
    fn drop(&mut self) {
        if let Some(held) = &self.held {
            held.give_back(self.bytes);
        }
    }
}

struct Counted {
    bytes: Box<[u8]>,
    _charge: Charge,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_count_everywhere_until_the_last_part_is_gone() {
        let node = Held::new(100_000);
        let script = Held::below(&node, 60_000);
        let one = Held::below(&script, 50_000);
        let copy = one.copy(&[7; 40_000], 0).unwrap();
        let part = copy.slice(10..20);
        drop(copy);
        assert_eq!((node.used(), script.used(), one.used()), (40_000, 40_000, 40_000));
        assert_eq!(one.copy(&[0; 20_000], 0).unwrap_err(), Full::Instance);
        assert_eq!(one.copy(&[0; 5_000], 10_000).unwrap_err(), Full::Instance);
        let two = Held::below(&script, 50_000);
        assert_eq!(two.copy(&[0; 30_000], 0).unwrap_err(), Full::Node);
        assert_eq!((node.used(), script.used(), one.used(), two.used()), (40_000, 40_000, 40_000, 0));
        assert_eq!(two.copy(&[1; 100], 0).unwrap().len(), 100);
        drop(part);
        assert_eq!((node.used(), script.used(), one.used()), (0, 0, 0));
    }
}
