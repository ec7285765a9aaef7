//! The command line: `switchyard dev` with flags and nothing else, `switchyard serve` from a file, and
//! the tools that are clients of a running node's admin API.

mod backup;
mod client;
mod compile;
mod config;
mod doctor;
mod engine;
mod init;
mod owner;
mod print;
mod ready;
mod resolve;
mod script;
mod tail;
mod top;
mod transfer;
mod trust;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use futures_util::future::BoxFuture;

use backup::{Backup, Restore};
pub use client::CliError;
use compile::Compile;
use config::{Completions, ConfigTool};
use doctor::Doctor;
use engine::EngineTool;
use init::Init;
use owner::{Account, Namespace, Token};
use ready::Ready;
use resolve::Resolve;
use script::{Deploy, Rollback, Script};
use tail::Tail;
use top::Top;
use transfer::{Export, Import};

use crate::config::{AccessFormat, AccessTarget, Config, Listener, Resolver, parse_net};

/// A self-hosted Workers for Platforms.
#[derive(Debug, Parser)]
#[command(name = "switchyard", version, long_version = long_version(), arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// What `--version` says; `-V` has the first line of it. The digests say which sealed Workers fit this program.
fn long_version() -> &'static str {
    static TEXT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    TEXT.get_or_init(|| {
        let digests = switchyard_runtime::engine_digests();
        format!(
            "{}\nengine    {} ({})\nplatform  {}\nmachine   {}-{}",
            env!("CARGO_PKG_VERSION"),
            digests.engine,
            digests.compiler,
            digests.platform,
            std::env::consts::ARCH,
            std::env::consts::OS,
        )
    })
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// A node for development: needs no file and no service, makes an account, a token and samples
    Dev(Dev),
    /// A node from a configuration file
    Serve(Serve),
    /// Make a configuration and a data folder to start from
    Init(Init),
    /// Accounts of a node
    #[command(subcommand)]
    Account(Account),
    /// API tokens
    #[command(subcommand)]
    Token(Token),
    /// Dispatch namespaces
    #[command(subcommand)]
    Namespace(Namespace),
    /// Scripts
    #[command(subcommand)]
    Script(Script),
    /// Upload a script and make it live
    Deploy(Deploy),
    /// Make an earlier version live again
    Rollback(Rollback),
    /// Who would get a request, and what each resolver says to it; nothing is sent
    Resolve(Resolve),
    /// Show requests, console lines and exceptions of a script as they happen
    Tail(Tail),
    /// Which scripts use the most of the node: requests, CPU, errors
    Top(Top),
    /// Whether this machine will do for a node, and what to do where it will not
    Doctor(Doctor),
    /// Whether a node takes requests; for health checks
    Ready(Ready),
    /// Check a configuration; its schema and its reference
    #[command(subcommand)]
    Config(ConfigTool),
    /// The compiled JavaScript engine, for images and packages
    #[command(subcommand)]
    Engine(EngineTool),
    /// Print completions of this program for a shell
    Completions(Completions),
    /// Back a node's data folder up, while it serves
    Backup(Backup),
    /// Make a data folder of a backup
    Restore(Restore),
    /// Write a dispatch namespace to a file: what is live of its scripts, settings, bindings; no values of secrets
    Export(Export),
    /// Deploy what `export` wrote
    Import(Import),
    /// What a node starts to compile a component
    #[command(hide = true)]
    Compile(Compile),
}

impl Command {
    /// Runs what is not a node; `None`: it is one.
    pub fn tool(&self) -> BoxFuture<'_, Option<Result<String, CliError>>> {
        Box::pin(self.run_tool()) // compiled here, once
    }

    async fn run_tool(&self) -> Option<Result<String, CliError>> {
        let shown = match self {
            Self::Dev(_) | Self::Serve(_) | Self::Compile(_) => return None,
            Self::Init(init) => return Some(init.run()),
            Self::Doctor(doctor) => return Some(doctor.run().await),
            Self::Ready(ready) => return Some(ready.run().await),
            Self::Config(tool) => return Some(tool.run()),
            Self::Engine(tool) => return Some(tool.run()),
            Self::Completions(completions) => return Some(completions.run()),
            Self::Backup(backup) => return Some(backup.run().await),
            Self::Restore(restore) => return Some(restore.run().await),
            Self::Export(export) => export.run().await,
            Self::Import(import) => import.run().await,
            Self::Account(account) => account.run().await,
            Self::Token(token) => token.run().await,
            Self::Namespace(namespace) => namespace.run().await,
            Self::Script(script) => script.run().await,
            Self::Deploy(deploy) => deploy.run().await,
            Self::Rollback(rollback) => rollback.run().await,
            Self::Resolve(resolve) => resolve.run().await,
            Self::Tail(tail) => tail.run().await,
            Self::Top(top) => top.run().await,
        };
        Some(shown.map(|shown| shown.0))
    }
}

#[derive(Debug, Args)]
pub struct Dev {
    /// Folder for database, code and keys
    #[arg(long, value_name = "DIR", env = "SWITCHYARD_DATA", default_value = "./.switchyard")]
    pub data: PathBuf,
    /// Where clients come in; port 0 takes a free one
    #[arg(long, value_name = "ADDR", env = "SWITCHYARD_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where API, health and metrics are; port 0 takes a free one
    #[arg(long, value_name = "ADDR", env = "SWITCHYARD_ADMIN", default_value = "127.0.0.1:8081")]
    pub admin: SocketAddr,
    /// The account's id
    #[arg(long, value_name = "ID", env = "SWITCHYARD_ACCOUNT", default_value = "00000000000000000000000000000001")]
    pub account: String,
    /// An API token to accept, instead of the one made in the data folder
    #[arg(long, value_name = "T", env = "SWITCHYARD_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// The dispatch namespace that subdomains lead to
    #[arg(long, value_name = "NS", env = "SWITCHYARD_NAMESPACE", default_value = "dev")]
    pub namespace: String,
    /// The domain below which scripts are found: hello.localhost is the script hello
    #[arg(long, value_name = "DOMAIN", env = "SWITCHYARD_SUFFIX", default_value = "localhost")]
    pub suffix: String,
    /// Every request goes to this Worker of the account first, instead of by subdomain
    #[arg(long, value_name = "SCRIPT", env = "SWITCHYARD_DISPATCHER")]
    pub dispatcher: Option<String>,
    /// Do not make the sample Workers
    #[arg(long, env = "SWITCHYARD_NO_SAMPLES")]
    pub no_samples: bool,
    /// Let Workers fetch from private and loopback addresses
    #[arg(long, env = "SWITCHYARD_ALLOW_PRIVATE_EGRESS")]
    pub allow_private_egress: bool,
    /// A network that origins of upstream tenants may be in, such as 127.0.0.1 or 10.0.0.0/8; may be repeated
    #[arg(long, value_name = "NET", env = "SWITCHYARD_ALLOW_UPSTREAM", value_delimiter = ',', value_parser = parse_net)]
    pub allow_upstream: Vec<ipnet::IpNet>,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// The configuration; config/switchyard.toml shows every key
    #[arg(long, value_name = "FILE", env = "SWITCHYARD_CONFIG")]
    pub config: PathBuf,
}

impl Dev {
    /// The configuration that a development node has.
    pub fn config(&self) -> Config {
        let mut config = Config {
            data: self.data.clone(),
            listener: vec![Listener::at(self.listen)],
            resolver: vec![match &self.dispatcher {
                Some(script) => Resolver::worker(script),
                None => Resolver::subdomain(&self.suffix, &self.namespace),
            }],
            ..Config::default()
        };
        // Other accounts may be left of an earlier start with another --account.
        config.resolver[0].account = Some(self.account.clone());
        config.admin.bind = self.admin;
        config.bootstrap.account = self.account.clone();
        config.bootstrap.account_name = "dev".into();
        config.bootstrap.token = self.token.clone();
        config.bootstrap.namespaces = vec![self.namespace.clone()];
        config.bootstrap.samples = !self.no_samples;
        config.egress.private = self.allow_private_egress;
        config.upstream.allow = self.allow_upstream.clone();
        config.log.access = AccessTarget::Stderr;
        config.log.format = AccessFormat::Text;
        config.log.console = true;
        config.log.level = "info".into();
        config
    }
}
