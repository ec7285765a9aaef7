//! `engine compile`: the JavaScript engine, compiled for those who build an image or a package, so that nodes which
//! are made of it need not do it at their first start.

use std::path::PathBuf;

use clap::Subcommand;
use switchyard_runtime::{Cpu, make_shipped};

use super::client::CliError;

#[derive(Debug, Subcommand)]
pub enum EngineTool {
    /// Compile the engine into a folder. A node looks for it in lib/switchyard beside its program's folder, and takes
    /// it only where the folder is root's or the program owner's and nobody else can write to it
    Compile {
        /// The folder, which is made
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// What machines have that will run it: x86-64-v2, x86-64-v3, armv8-a. This one must have it
        #[arg(long, value_name = "CPU", default_value_t = Cpu::BASELINE)]
        cpu: Cpu,
    },
}

impl EngineTool {
    /// What is printed.
    pub(super) fn run(&self) -> Result<String, CliError> {
        let Self::Compile { to, cpu } = self;
        let made = make_shipped(to, *cpu).map_err(|error| CliError::usage(crate::chain(&error)))?;
        let mebibytes = made.bytes as f64 / f64::from(1 << 20);
        Ok(format!("{}: the engine for {}, {mebibytes:.1} MiB\n", to.display(), made.cpu))
    }
}
