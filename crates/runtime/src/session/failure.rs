//! What a request is told that cannot go on, and what a failed call of the guest says of it.

use crate::engine::{Abandoned, CpuExceeded};
use crate::error::{RunError, RunErrorKind};
use crate::held::Full;
use crate::host::{Host, Share, Unacceptable};

/// What a failed call says of the request whose turn it was; `None`: nobody waited for it any more.
pub fn failure(error: &wasmtime::Error, host: &Host) -> Option<RunError> {
    if error.downcast_ref::<Abandoned>().is_some() {
        return None;
    }
    if let Some(error) = error.downcast_ref::<Unacceptable>() {
        return Some(unacceptable(error));
    }
    Some(if error.downcast_ref::<CpuExceeded>().is_some() {
        exceeded_cpu()
    } else if let Some(refused) = out_of_memory(&host.share) {
        refused
    } else {
        tracing::debug!(error = format!("{error:#}"), stderr = host.stderr, "an instance crashed");
        crashed("The Worker crashed.")
    })
}

/// What an operation that cannot be taken over says of its request.
pub fn unacceptable(error: &Unacceptable) -> RunError {
    match error {
        Unacceptable::Full(Full::Instance) => exceeded_memory(),
        Unacceptable::Full(Full::Node) => RunError { kind: RunErrorKind::Overloaded, ..crashed(&error.to_string()) },
        Unacceptable::Exit(_) => RunError { kind: RunErrorKind::Exception, ..crashed(&error.to_string()) },
        Unacceptable::Malformed(_) => crashed(&error.to_string()),
    }
}

/// What a request is told whose instance ended for another's sake.
pub fn ended_by_another() -> RunError {
    crashed("The Worker's instance was ended by another request in it.")
}

pub fn exceeded_cpu() -> RunError {
    RunError { kind: RunErrorKind::ExceededCpu, ..crashed("Worker exceeded CPU time limit.") }
}

/// What a request is told that was refused memory: for the instance's own limit, or for what the node has left.
pub fn out_of_memory(share: &Share) -> Option<RunError> {
    if share.refused_by_node {
        let message = "The node has no memory left for this Worker.";
        return Some(RunError { kind: RunErrorKind::Overloaded, ..crashed(message) });
    }
    share.refused.then(exceeded_memory)
}

fn exceeded_memory() -> RunError {
    RunError { kind: RunErrorKind::ExceededMemory, ..crashed("Worker exceeded memory limit.") }
}

pub fn exceeded_wall() -> RunError {
    RunError { kind: RunErrorKind::ExceededWall, ..crashed("Worker exceeded wall time limit.") }
}

pub fn crashed(message: &str) -> RunError {
    RunError { kind: RunErrorKind::Crashed, name: "Error".into(), message: message.into() }
}
