//! How many requests may be under way at once: of one script, so that no tenant takes the node for
//! itself, and of the node, so that memory stays bounded. A permit is held to the end of the body.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use switchyard_catalog::ScriptId;

use crate::error::Failure;

/// Counts requests under way. A script without any has no entry.
pub struct Admission {
    scripts: DashMap<ScriptId, u32>,
    total: AtomicU32,
    per_script: AtomicU32,
    per_node: AtomicU32,
}

impl Admission {
    pub fn new(per_script: u32, per_node: u32) -> Self {
        let (per_script, per_node) = (AtomicU32::new(per_script), AtomicU32::new(per_node));
        Self { scripts: DashMap::new(), total: AtomicU32::new(0), per_script, per_node }
    }

    /// Other bounds from now on; what is under way stays.
    pub fn set_bounds(&self, per_script: u32, per_node: u32) {
        self.per_script.store(per_script, Ordering::Relaxed);
        self.per_node.store(per_node, Ordering::Relaxed);
    }

    /// Takes a place on the node.
    ///
    /// # Errors
    /// [`Failure::NodeBusy`].
    pub fn enter_node(self: &Arc<Self>) -> Result<NodePermit, Failure> {
        if self.total.fetch_add(1, Ordering::Relaxed) >= self.per_node.load(Ordering::Relaxed) {
            self.total.fetch_sub(1, Ordering::Relaxed);
            return Err(Failure::NodeBusy);
        }
        Ok(NodePermit { admission: self.clone() })
    }

    /// Takes one of the script's places.
    ///
    /// # Errors
    /// [`Failure::TenantBusy`].
    pub fn enter_script(self: &Arc<Self>, script: ScriptId) -> Result<ScriptPermit, Failure> {
        let mut count = self.scripts.entry(script).or_insert(0);
        if *count >= self.per_script.load(Ordering::Relaxed) {
            return Err(Failure::TenantBusy);
        }
        *count += 1;
        drop(count);
        Ok(ScriptPermit { admission: self.clone(), script })
    }

    /// Requests from clients under way now.
    pub fn in_flight(&self) -> u32 {
        self.total.load(Ordering::Relaxed)
    }
}

/// A client's request under way on this node.
pub struct NodePermit {
    admission: Arc<Admission>,
}

impl Drop for NodePermit {
    fn drop(&mut self) {
        self.admission.total.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request of one script under way, from a client or from another Worker.
pub struct ScriptPermit {
    admission: Arc<Admission>,
    script: ScriptId,
}

impl Drop for ScriptPermit {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.admission.scripts.entry(self.script) {
            match entry.get().saturating_sub(1) {
                0 => drop(entry.remove()),
                left => *entry.get_mut() = left,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_has_its_own_places_and_gives_them_back() {
        let admission = Arc::new(Admission::new(2, 10));
        let (a, b) = (ScriptId::random(), ScriptId::random());
        let held = [admission.enter_script(a).unwrap(), admission.enter_script(a).unwrap()];
        assert!(matches!(admission.enter_script(a), Err(Failure::TenantBusy)));
        let other = admission.enter_script(b).unwrap();
        drop(held);
        assert!(admission.enter_script(a).is_ok());
        drop(other);
        assert!(admission.scripts.is_empty());
    }

    #[test]
    fn the_node_is_bounded_too() {
        let admission = Arc::new(Admission::new(2, 1));
        let held = admission.enter_node().unwrap();
        assert!(matches!(admission.enter_node(), Err(Failure::NodeBusy)));
        assert_eq!(admission.in_flight(), 1);
        drop(held);
        assert!(admission.enter_node().is_ok());
        assert_eq!(admission.in_flight(), 0);
    }
}
