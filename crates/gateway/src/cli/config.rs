//! `config` and `completions`: what is known of the configuration and of the command line, for other programs.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Subcommand};
use clap_complete::Shell;

use super::client::CliError;
use crate::config::{Config, reference, schema};

#[derive(Debug, Subcommand)]
pub enum ConfigTool {
    /// Read a configuration as `serve` does, and start nothing
    Check {
        #[arg(value_name = "FILE", env = "SWITCHYARD_CONFIG")]
        file: PathBuf,
    },
    /// Print the JSON Schema of the configuration
    Schema,
    /// Print the page of all settings, as docs/configuration.md has it
    Reference,
}

impl ConfigTool {
    /// What is printed.
    pub(super) fn run(&self) -> Result<String, CliError> {
        match self {
            Self::Check { file } => {
                let config = Config::load(file).map_err(|error| CliError::usage(crate::chain(&error)))?;
                let (listeners, resolvers) = (config.listener.len(), config.resolver.len());
                Ok(format!("{}: good; {listeners} listeners, {resolvers} resolvers\n", file.display()))
            }
            Self::Schema => Ok(format!("{:#}\n", schema())),
            Self::Reference => Ok(reference()),
        }
    }
}

#[derive(Debug, Args)]
pub struct Completions {
    /// For which shell
    shell: Shell,
}

impl Completions {
    /// What is printed.
    pub(super) fn run(&self) -> Result<String, CliError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), "switchyard", &mut script);
        String::from_utf8(script).map_err(|error| CliError::usage(error.to_string()))
    }
}
