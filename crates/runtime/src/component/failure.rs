//! What a request is told whose guest failed.

use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi::I32Exit;

use super::state::State;
use crate::engine::CpuExceeded;
use crate::error::{RunError, RunErrorKind};
use crate::held::Full;

/// Bytes of a failure's text.
const MAX_TEXT: usize = 1024;

/// What a failed call says; `None`: the guest asked to end, and all was well.
pub fn failure(error: &wasmtime::Error, state: &State) -> Option<RunError> {
    let run = |kind, name: &str, message: String| Some(RunError { kind, name: name.into(), message });
    if error.downcast_ref::<CpuExceeded>().is_some() {
        return Some(exceeded_cpu());
    }
    if let Some(I32Exit(code)) = error.downcast_ref::<I32Exit>() {
        if *code == 0 && state.exchange.is_answered() {
            return None;
        }
        return run(RunErrorKind::Exception, "Error", format!("The component exited with code {code}."));
    }
    if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
        return run(RunErrorKind::Overloaded, "Error", "The node has no room for another instance.".into());
    }
    let full = error.downcast_ref::<Full>();
    if state.memory.refused_by_node || matches!(full, Some(Full::Node)) {
        return run(RunErrorKind::Overloaded, "Error", "The node has no memory left for this Worker.".into());
    }
    if state.memory.refused || full.is_some() {
        return run(RunErrorKind::ExceededMemory, "Error", "Worker exceeded memory limit.".into());
    }
    match error.downcast_ref::<Trap>() {
        Some(trap) => run(RunErrorKind::Exception, "RuntimeError", trap_text(*trap)),
        None => run(RunErrorKind::Exception, "Error", cut(&format!("{error:#}"))),
    }
}

fn trap_text(trap: Trap) -> String {
    let text = trap.to_string();
    text.strip_prefix("wasm trap: ").unwrap_or(&text).to_owned()
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_TEXT)].to_owned()
}

pub fn exceeded_cpu() -> RunError {
    error(RunErrorKind::ExceededCpu, "Worker exceeded CPU time limit.")
}

pub fn error(kind: RunErrorKind, message: &str) -> RunError {
    RunError { kind, name: "Error".into(), message: message.into() }
}
