//! What a connection has of the node's: one of the places that there are, and one of those that its client may have.

use prometheus::IntGauge;
use tokio::sync::OwnedSemaphorePermit;

use super::clients::Admitted;

/// Given back when it is dropped.
pub struct Place {
    /// `None`: it is not counted, or not yet known whose it is.
    pub admitted: Option<Admitted>,
    _one: OwnedSemaphorePermit,
    open: Option<IntGauge>,
}

impl Place {
    /// `open` shows those that are taken.
    pub fn new(one: OwnedSemaphorePermit, admitted: Option<Admitted>, open: Option<IntGauge>) -> Self {
        if let Some(open) = &open {
            open.inc();
        }
        Self { admitted, _one: one, open }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(open) = &self.open {
            open.dec();
        }
    }
}
