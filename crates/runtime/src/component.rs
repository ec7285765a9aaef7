//! Wasm components as Workers: `wasi:http/proxy` 0.2 and `wasi:http/service` 0.3, on an engine and a pool of
//! their own. What a component may reach, what it is charged with and how its requests end is the same as for
//! JavaScript; only what runs is another.
//!
//! In reading order: `engine` (settings, made once), `imports` and `code` (a component, linked), `run` (a request),
//! `instance` and `idle` (where it runs), `state` (what it has), `http`, `outgoing`, `output`, `wasi` (what its guest is given), `pipe` (bodies it writes).

mod code;
mod engine;
mod failure;
mod http;
pub mod idle;
mod imports;
mod instance;
mod outgoing;
mod output;
mod pipe;
mod run;
mod state;
#[cfg(test)]
mod tests;
mod wasi;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use switchyard_catalog::WorkerBinding;

pub use code::ComponentCode;
pub use engine::{ComponentEngine, Model, component_config};
pub(crate) use imports::{are_given, not_given};
pub(crate) use run::{Visit, run};

use crate::worker::Cost;

/// A component with the bindings of a version.
pub(crate) struct ComponentWorker {
    pub code: ComponentCode,
    /// For its environment, by name: vars and secrets.
    pub env: Arc<[(String, String)]>,
    /// For its host names.
    pub bindings: Arc<[(String, WorkerBinding)]>,
    /// What it counts at least among the Workers in memory.
    weight: usize,
    /// It is kept no longer: no instance of it stays.
    closed: AtomicBool,
    /// What its requests cost.
    pub cost: Cost,
}

impl ComponentWorker {
    pub fn new(code: ComponentCode, bindings: &[(String, WorkerBinding)], weight: usize) -> Self {
        let env = bindings.iter().filter_map(|(name, binding)| {
            let text = match binding {
                WorkerBinding::Text(text) => text.clone(),
                WorkerBinding::Secret(secret) => secret.expose().to_owned(),
                WorkerBinding::Json(value) | WorkerBinding::VersionMetadata(value) => value.to_string(),
                // A key for Web Crypto, which a component does not have; and what has a host name.
                WorkerBinding::SecretKey { .. }
                | WorkerBinding::Service { .. }
                | WorkerBinding::DispatchNamespace { .. }
                | WorkerBinding::Assets { .. } => return None,
            };
            Some((name.clone(), text))
        });
        let (env, closed) = (env.collect(), AtomicBool::new(false));
        Self { code, env, bindings: bindings.into(), weight, closed, cost: Cost::default() }
    }

    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Bytes it holds in memory beside its code, which is mapped from its file; or what it counts for its mappings and
    /// its descriptor, of which a process may not have as many.
    pub fn size(&self) -> usize {
        const RECORDS: usize = 16 << 10;
        self.weight + RECORDS + self.env.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>() * 2
    }
}
