//! Everything an operator can set. `config/switchyard.toml` shows each key with its default and the
//! reason for it; a test holds the two together. An unknown key is an error, never ignored.

mod explain;
mod units;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use switchyard_catalog::{AccountId, Isolation, NamespaceName, ScriptName};

pub use explain::ConfigError;
pub use units::{parse_duration, parse_size};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Everything the node keeps. One process at a time.
    pub data: PathBuf,
    pub listener: Vec<Listener>,
    pub admin: Admin,
    /// In order; the first that answers wins.
    pub resolver: Vec<Resolver>,
    pub bootstrap: Bootstrap,
    pub limits: Limits,
    pub runtime: Runtime,
    pub egress: Egress,
    pub timeouts: Timeouts,
    pub log: Log,
}

/// Where clients come in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    pub bind: SocketAddr,
}

/// Health, metrics and the API. Not for the outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    pub bind: SocketAddr,
}

/// One way to find the tenant. Which keys belong to which kind is checked by [`Config::check`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resolver {
    pub kind: ResolverKind,
    /// May be left out where the node has one account.
    pub account: Option<String>,
    /// `subdomain`: the domain below which scripts are found.
    pub suffix: Option<String>,
    /// `subdomain`: the dispatch namespace that holds them.
    pub namespace: Option<String>,
    /// `worker`: the account's Worker that decides.
    pub script: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResolverKind {
    Subdomain,
    Worker,
}

/// What is made at start if it is not there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bootstrap {
    /// Empty: nothing is made.
    pub account: String,
    pub account_name: String,
    /// Holds the API token's text; made with a random one if missing. Relative to `data`.
    pub token_file: PathBuf,
    /// Name of a variable that holds the token instead.
    pub token_env: Option<String>,
    /// The token itself, from the command line; never from a file that others read.
    #[serde(skip)]
    pub token: Option<String>,
    pub namespaces: Vec<String>,
    /// Three sample Workers in the first namespace, unless they exist.
    pub samples: bool,
}

/// The most that any one thing may take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    #[serde(with = "units::duration")]
    pub cpu: Duration,
    pub subrequests: u32,
    #[serde(with = "units::size")]
    pub memory: u64,
    pub requests: u32,
    pub requests_per_script: u32,
    pub connections: u32,
    #[serde(with = "units::size")]
    pub body_bytes: u64,
    #[serde(with = "units::size")]
    pub head_bytes: u64,
    pub headers: u32,
    #[serde(with = "units::size")]
    pub uri_bytes: u64,
    #[serde(with = "units::size")]
    pub upload_bytes: u64,
}

/// The engine that runs Workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Runtime {
    /// 0: one a core.
    pub threads: u32,
    pub instances: u32,
    pub warm_instances: u32,
    pub queue: u32,
    pub queue_per_script: u32,
    #[serde(with = "units::duration")]
    pub queue_timeout: Duration,
    #[serde(with = "units::size")]
    pub worker_cache: u64,
    pub isolation: Isolation,
}

/// What a Worker's `fetch` may reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Egress {
    pub private: bool,
    pub blocked_ports: Vec<u16>,
    pub connections: u32,
    #[serde(with = "units::duration")]
    pub connect_timeout: Duration,
    #[serde(with = "units::duration")]
    pub head_timeout: Duration,
    #[serde(with = "units::duration")]
    pub body_timeout: Duration,
    pub redirects: u32,
}

/// How long a client may take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    #[serde(with = "units::duration")]
    pub head: Duration,
    #[serde(with = "units::duration")]
    pub idle: Duration,
    #[serde(with = "units::duration")]
    pub body: Duration,
    #[serde(with = "units::duration")]
    pub drain_delay: Duration,
    #[serde(with = "units::duration")]
    pub drain_idle: Duration,
    #[serde(with = "units::duration")]
    pub drain: Duration,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub access: AccessTarget,
    pub format: AccessFormat,
    /// Tenants' `console` lines and exceptions to stderr.
    pub console: bool,
    /// The program's own: `error`, `warn`, `info`, `debug`, or a filter of `tracing`.
    pub level: String,
    #[serde(with = "units::size")]
    pub buffer: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessTarget {
    Stdout,
    Stderr,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessFormat {
    Json,
    Text,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "./switchyard-data".into(),
            listener: vec![Listener { bind: (Ipv4Addr::LOCALHOST, 8080).into() }],
            admin: Admin::default(),
            resolver: vec![Resolver::subdomain("localhost", "dev")],
            bootstrap: Bootstrap::default(),
            limits: Limits::default(),
            runtime: Runtime::default(),
            egress: Egress::default(),
            timeouts: Timeouts::default(),
            log: Log::default(),
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self { bind: (Ipv4Addr::LOCALHOST, 8081).into() }
    }
}

impl Resolver {
    pub fn subdomain(suffix: &str, namespace: &str) -> Self {
        Self {
            kind: ResolverKind::Subdomain,
            account: None,
            suffix: Some(suffix.into()),
            namespace: Some(namespace.into()),
            script: None,
        }
    }

    pub fn worker(script: &str) -> Self {
        let script = Some(script.into());
        Self { kind: ResolverKind::Worker, account: None, suffix: None, namespace: None, script }
    }
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            account: "00000000000000000000000000000001".into(),
            account_name: "first account".into(),
            token_file: "token".into(),
            token_env: None,
            token: None,
            namespaces: vec!["dev".into()],
            samples: false,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(30),
            subrequests: 10_000,
            memory: 128 << 20,
            requests: 20_000,
            requests_per_script: 1_000,
            connections: 20_000,
            body_bytes: 5 << 30,
            head_bytes: 128 << 10,
            headers: 100,
            uri_bytes: 16 << 10,
            upload_bytes: 64 << 20,
        }
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Self {
            threads: 0,
            instances: 1_000,
            warm_instances: 100,
            queue: 10_000,
            queue_per_script: 1_000,
            queue_timeout: Duration::from_secs(10),
            worker_cache: 512 << 20,
            isolation: Isolation::Auto,
        }
    }
}

impl Default for Egress {
    fn default() -> Self {
        Self {
            private: false,
            blocked_ports: vec![25, 465, 587],
            connections: 4_096,
            connect_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(300),
            redirects: 20,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            body: Duration::from_secs(30),
            drain_delay: Duration::ZERO,
            drain_idle: Duration::from_secs(1),
            drain: Duration::from_secs(30),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            access: AccessTarget::Stdout,
            format: AccessFormat::Json,
            console: false,
            level: "warn".into(),
            buffer: 8 << 20,
        }
    }
}

impl Config {
    /// # Errors
    /// [`ConfigError`], which names the file, the line and the key.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// As [`Config::load`], of text that came from `path`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| explain::explain(text, path, &error))?;
        config.check().map_err(|wrong| explain::at(text, path, &wrong.section, wrong.number, wrong.message))?;
        Ok(config)
    }

    /// What the types alone do not hold.
    ///
    /// # Errors
    /// [`Wrong`], which says in which table.
    pub fn check(&self) -> Result<(), Wrong> {
        if self.listener.is_empty() {
            return Err(Wrong::new("", 0, "there is no [[listener]]"));
        }
        if self.resolver.is_empty() {
            return Err(Wrong::new("", 0, "there is no [[resolver]], so no request would find a Worker"));
        }
        for (number, resolver) in self.resolver.iter().enumerate() {
            resolver.check().map_err(|message| Wrong::new("resolver", number, message))?;
        }
        let bootstrap = |message: String| Wrong::new("bootstrap", 0, message);
        if !self.bootstrap.account.is_empty() && AccountId::parse(&self.bootstrap.account).is_none() {
            return Err(bootstrap("account must be 1 to 32 of A-Z a-z 0-9 _ -".into()));
        }
        for name in &self.bootstrap.namespaces {
            NamespaceName::parse(name).map_err(|error| bootstrap(error.to_string()))?;
        }
        for (section, key, zero) in [
            ("limits", "requests", self.limits.requests == 0),
            ("limits", "requests_per_script", self.limits.requests_per_script == 0),
            ("limits", "connections", self.limits.connections == 0),
            ("limits", "head_bytes", self.limits.head_bytes < 8 << 10),
            ("limits", "headers", self.limits.headers == 0),
            ("limits", "cpu", self.limits.cpu.is_zero()),
            ("runtime", "instances", self.runtime.instances == 0),
            ("egress", "connections", self.egress.connections == 0),
            ("timeouts", "head", self.timeouts.head.is_zero()),
            ("timeouts", "idle", self.timeouts.idle.is_zero()),
            ("timeouts", "body", self.timeouts.body.is_zero()),
        ] {
            if zero {
                return Err(Wrong::new(section, 0, format!("{key} is too small")));
            }
        }
        Ok(())
    }
}

impl Resolver {
    /// The keys of its kind, all of them and no others.
    fn check(&self) -> Result<(), String> {
        let needed = |key: &str, value: &Option<String>| match value {
            Some(_) => Ok(()),
            None => Err(format!("a resolver of this kind needs {key:?}")),
        };
        let foreign = |key: &str, value: &Option<String>| match value {
            None => Ok(()),
            Some(_) => Err(format!("{key:?} does not belong to a resolver of this kind")),
        };
        match self.kind {
            ResolverKind::Subdomain => {
                needed("suffix", &self.suffix)?;
                needed("namespace", &self.namespace)?;
                foreign("script", &self.script)?;
            }
            ResolverKind::Worker => {
                needed("script", &self.script)?;
                foreign("suffix", &self.suffix)?;
                foreign("namespace", &self.namespace)?;
            }
        }
        if let Some(account) = &self.account
            && AccountId::parse(account).is_none()
        {
            return Err("account must be 1 to 32 of A-Z a-z 0-9 _ -".into());
        }
        if let Some(namespace) = &self.namespace {
            NamespaceName::parse(namespace).map_err(|error| error.to_string())?;
        }
        if let Some(script) = &self.script {
            ScriptName::parse(script).map_err(|error| error.to_string())?;
        }
        if let Some(suffix) = &self.suffix {
            crate::authority::Authority::parse(suffix)
                .ok()
                .filter(|authority| authority.host() == authority.as_str())
                .ok_or_else(|| format!("suffix {suffix:?} is not a domain"))?;
        }
        Ok(())
    }
}

/// A value that breaks a rule: in which table, and in the how manieth of that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Wrong {
    pub section: String,
    pub number: usize,
    pub message: String,
}

impl Wrong {
    fn new(section: &str, number: usize, message: impl Into<String>) -> Self {
        Self { section: section.into(), number, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../config/switchyard.toml");

    fn error(text: &str) -> String {
        Config::parse(text, Path::new("x.toml")).unwrap_err().to_string()
    }

    #[test]
    fn the_shipped_file_is_the_defaults_and_names_every_key() {
        let path = Path::new("config/switchyard.toml");
        assert_eq!(Config::parse(SHIPPED, path).unwrap(), Config::default());

        fn missing(wanted: &toml::Value, there: &toml::Value, at: &str, out: &mut Vec<String>) {
            match (wanted, there) {
                (toml::Value::Table(wanted), toml::Value::Table(there)) => {
                    for (key, value) in wanted {
                        let at = format!("{at}.{key}");
                        match there.get(key) {
                            Some(there) => missing(value, there, &at, out),
                            None => out.push(at),
                        }
                    }
                }
                (toml::Value::Array(wanted), toml::Value::Array(there)) => {
                    for (value, there) in wanted.iter().zip(there) {
                        missing(value, there, at, out);
                    }
                }
                _ => {}
            }
        }
        let wanted = toml::Value::try_from(Config::default()).unwrap();
        let mut absent = Vec::new();
        missing(&wanted, &toml::from_str(SHIPPED).unwrap(), "", &mut absent);
        assert_eq!(absent, Vec::<String>::new(), "keys that config/switchyard.toml does not show");
    }

    #[test]
    fn an_empty_file_is_the_defaults() {
        assert_eq!(Config::parse("", Path::new("x.toml")).unwrap(), Config::default());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_its_neighbour() {
        let text = "[limits]\ncpu = \"1s\"\n\n[timeouts]\nhaed = \"5s\"\n";
        assert_eq!(error(text), "x.toml:5: unknown key \"haed\" in [timeouts], did you mean \"head\"?");
        assert_eq!(
            error("[[listener]]\nbind = \"127.0.0.1:0\"\nzzz = 1\n"),
            "x.toml:3: unknown key \"zzz\" in [[listener]]; it knows bind"
        );
        assert!(error("lisener = 1\n").starts_with("x.toml:1: unknown key \"lisener\", did you mean \"listener\"?"));
    }

    #[test]
    fn wrong_values_are_named_with_their_line() {
        assert_eq!(
            error("[limits]\ncpu = \"abc\"\n"),
            "x.toml:2: \"cpu\" in [limits]: \"abc\" is not a duration, such as \"30s\" or \"150ms\""
        );
        assert!(error("[limits]\nmemory = \"12 parsecs\"\n").starts_with("x.toml:2: \"memory\" in [limits]: \"12 parsecs\""));
        let text = "[[resolver]]\nkind = \"worker\"\nscript = \"a\"\n\n[[resolver]]\nkind = \"worker\"\n";
        assert_eq!(error(text), "x.toml:5: a resolver of this kind needs \"script\"");
        assert!(error("[[resolver]]\nkind = \"nope\"\n").starts_with("x.toml:2: "));
        assert!(error("a = [\n").starts_with("x.toml:"));
    }
}
