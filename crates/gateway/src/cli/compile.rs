//! `compile`: what a node starts for each component that is uploaded. For nobody else: it takes the source on its
//! input, writes to a file on its output, and binds itself to limits first.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

#[derive(Debug, Args)]
pub struct Compile {
    /// Fingerprint of the engine that will run it
    #[arg(long = "for", value_name = "HEX")]
    pub wanted: String,
    /// Seconds of CPU
    #[arg(long)]
    pub cpu: u64,
    /// Bytes of address space
    #[arg(long)]
    pub memory: u64,
    /// Seconds
    #[arg(long)]
    pub wall: u64,
}

impl Compile {
    /// Before anything else is started in this process: it must have one thread.
    pub fn run(&self) -> ExitCode {
        let (cpu, wall) = (Duration::from_secs(self.cpu), Duration::from_secs(self.wall));
        switchyard_runtime::compile_process(&self.wanted, cpu, self.memory, wall)
    }
}
