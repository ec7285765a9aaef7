//! Failures of the runtime: of one request ([`RunError`]), and of the runtime itself ([`RuntimeError`]).

use crate::Ending;

/// Why a Worker gave no response. `gateway/src/error.rs` makes a page of it for a client;
/// a calling Worker's `fetch` rejects with `name` and `message`.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{name}: {message}")]
pub struct RunError {
    pub kind: RunErrorKind,
    /// The error's class as JavaScript sees it: `Error`, `TypeError` …
    pub name: String,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunErrorKind {
    /// The handler threw.
    Exception,
    /// `Worker exceeded CPU time limit.`
    ExceededCpu,
    /// `Worker exceeded memory limit.`
    ExceededMemory,
    /// `Worker exceeded wall time limit.`
    ExceededWall,
    /// It can never answer.
    Hung,
    /// Trap, or engine fault.
    Crashed,
    /// No slot came free in time, or the queue is full: 503 with Retry-After.
    Overloaded,
    /// Ours.
    Internal,
}

impl RunErrorKind {
    pub fn ending(self) -> Ending {
        match self {
            Self::Exception => Ending::Exception,
            Self::ExceededCpu => Ending::ExceededCpu,
            Self::ExceededMemory => Ending::ExceededMemory,
            Self::ExceededWall => Ending::ExceededWall,
            Self::Hung => Ending::Hung,
            Self::Crashed => Ending::Crashed,
            Self::Overloaded => Ending::Overloaded,
            Self::Internal => Ending::Internal,
        }
    }
}

/// The runtime could not be made, or could not load a Worker.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error("could not {action}")]
    Io { action: &'static str, source: std::io::Error },
    #[error("the engine could not {action}: {message}")]
    Engine { action: &'static str, message: String },
    /// It will be there: a request may come again.
    #[error("the component is being compiled")]
    Compiling,
    #[error("the script does not start: {0}")]
    Invalid(#[from] switchyard_catalog::InvalidScript),
}
