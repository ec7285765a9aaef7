//! The question the catalog asks of a runtime at upload: does this code start?

use async_trait::async_trait;

use crate::{NamedHandlers, VersionId, WorkerSpec};

/// Starts code for real. `Runtime` implements it; tests of the API have one that accepts everything.
#[async_trait]
pub trait Validator: Send + Sync + 'static {
    /// Evaluates the Worker's modules within the start-up limits and keeps what it made, so that the
    /// node that took the upload is ready to serve it.
    ///
    /// # Errors
    /// [`InvalidScript`] with the engine's own message; nothing is kept then.
    async fn validate(&self, spec: &WorkerSpec) -> Result<Started, InvalidScript>;

    /// Drops what is kept of these versions: their upload failed after they had started, they are
    /// gone, or a secret of theirs was destroyed. One that is called again is made from its rows.
    async fn forget(&self, _versions: &[VersionId]) {}
}

/// What was learnt by starting a Worker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Started {
    pub handlers: Vec<String>,
    pub named_handlers: Vec<NamedHandlers>,
    /// Milliseconds, at least 1.
    pub startup_time_ms: u32,
}

/// Why a Worker cannot be started.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InvalidScript {
    /// The tenant's fault: the engine's message, with module and line where it has them.
    #[error("{0}")]
    Refused(String),
    /// More than the node takes at once: it may be sent again.
    #[error("{0}")]
    Busy(String),
    /// Ours: no slot in time, the disk is full …
    #[error("the runtime could not start the script: {0}")]
    Unavailable(String),
}
