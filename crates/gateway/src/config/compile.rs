//! What compiling a component may take. It happens at upload, in a process of its own.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Wrong, units};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Compile {
    #[serde(with = "units::duration")]
    pub cpu: Duration,
    #[serde(with = "units::size")]
    pub memory: u64,
    #[serde(with = "units::duration")]
    pub wall: Duration,
    /// 0: one a core.
    pub at_once: u32,
    pub queue: u32,
    #[serde(with = "units::duration")]
    pub rebuild_wait: Duration,
    #[serde(with = "units::size")]
    pub component_bytes: u64,
    /// A `switchyard` of the same build; left out: the program that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<PathBuf>,
}

impl Default for Compile {
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(60),
            memory: 1 << 30,
            wall: Duration::from_secs(90),
            at_once: 0,
            queue: 16,
            rebuild_wait: Duration::from_secs(10),
            component_bytes: 64 << 20,
            program: None,
        }
    }
}

impl Compile {
    /// # Errors
    /// [`Wrong`], where no compiler could do anything.
    pub(super) fn check(&self) -> Result<(), Wrong> {
        for (key, zero) in [
            ("cpu", self.cpu < Duration::from_secs(1)),
            ("wall", self.wall.is_zero()),
            // The program itself and its stack are in it.
            ("memory", self.memory < 64 << 20),
            ("component_bytes", self.component_bytes == 0),
        ] {
            if zero {
                return Err(Wrong { key: Some(key), ..Wrong::new("compile", 0, format!("{key} is too small")) });
            }
        }
        Ok(())
    }

    /// As the runtime takes it.
    pub(crate) fn runtime(&self) -> switchyard_runtime::CompileConfig {
        switchyard_runtime::CompileConfig {
            program: self.program.clone(),
            cpu: self.cpu,
            memory: self.memory,
            wall: self.wall,
            at_once: self.at_once as usize,
            queue: self.queue as usize,
            rebuild_wait: self.rebuild_wait,
        }
    }

    /// Components that the API keeps in memory while they are compiled or wait for it.
    pub(crate) fn in_memory(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let at_once = if self.at_once == 0 { cores } else { self.at_once as usize };
        at_once + self.queue as usize
    }
}
