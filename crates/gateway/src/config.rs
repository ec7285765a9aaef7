//! Everything an operator can set. `config/switchyard.toml` shows each key with its default and the
//! reason for it; a test holds the two together. An unknown key is an error, never ignored.

mod check;
mod compile;
mod defaults;
mod engine;
mod explain;
mod listener;
mod overload;
mod plan;
mod reference;
mod schema;
mod trace;
mod units;
mod websocket;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use switchyard_catalog::Isolation;

pub use check::Wrong;
pub use compile::Compile;
pub use engine::EngineSource;
pub use explain::ConfigError;
pub use listener::{Certificate, Listener, MinVersion, ProxyProtocol, Redirect, Tls};
pub use overload::{MemoryCeiling, Overload};
pub use plan::Plan;
pub use reference::reference;
pub use schema::schema;
pub use trace::Trace;
pub use units::{parse_duration, parse_net, parse_size};
pub use websocket::WebSocket;

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// By name: `[plan.NAME]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub plan: BTreeMap<String, Plan>,
    pub runtime: Runtime,
    pub compile: Compile,
    pub overload: Overload,
    pub egress: Egress,
    pub cache: Cache,
    pub upstream: Upstream,
    pub websocket: WebSocket,
    pub timeouts: Timeouts,
    pub log: Log,
    pub trace: Trace,
}

/// Health, metrics and the API. Not for the outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    pub bind: SocketAddr,
    /// Left out: without TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// One way to find the tenant. Which keys belong to which kind is checked by [`Config::check`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolver {
    /// How the tenant is found; which keys belong to which kind, config/switchyard.toml shows.
    pub kind: ResolverKind,
    /// May be left out where the node has one account.
    pub account: Option<String>,
    /// `subdomain`: the domain below which scripts are found. `sql` by label: below which labels are.
    pub suffix: Option<String>,
    /// The dispatch namespace that holds the scripts.
    pub namespace: Option<String>,
    /// `worker`: the account's Worker that decides. `fixed`: the script.
    pub script: Option<String>,
    /// `fixed`: only these hosts; `*.example.com` is any one label.
    pub hosts: Option<Vec<String>>,
    /// `header`: its name.
    pub name: Option<String>,
    /// `header`, and `sql` by header: peers that are believed, besides those of the listener.
    #[serde(default, deserialize_with = "units::optional_nets")]
    #[schemars(with = "Option<Vec<String>>")]
    pub trusted: Option<Vec<IpNet>>,
    /// `sql`: the database, by scheme `sqlite`, `postgres`, `mysql`, `mariadb`.
    pub url: Option<String>,
    /// `sql`: the variable that holds the URL.
    pub url_env: Option<String>,
    /// `sql`: what is looked up: `host`; `label`, the host's first, or with `suffix` the one below that; `header:NAME`, of
    /// trusted peers; `path:N`, a segment of the path, from 0.
    pub key: Option<String>,
    /// `sql`: one statement with one parameter.
    pub query: Option<String>,
    /// `sql`: open at once.
    pub connections: Option<u32>,
    /// `sql`: for one of the connections.
    #[serde(default, with = "units::optional_duration", skip_serializing_if = "Option::is_none")]
    pub acquire_timeout: Option<Duration>,
    /// `sql`: for the statement; requests wait for both, then it counts as no answer.
    #[serde(default, with = "units::optional_duration", skip_serializing_if = "Option::is_none")]
    pub statement_timeout: Option<Duration>,
    /// `sql`: a pooler in transaction mode is between us and the database.
    pub pooler: Option<bool>,
    pub cache: Option<LookupCache>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResolverKind {
    Fixed,
    Header,
    Sql,
    Subdomain,
    Worker,
}

/// How long a `sql` resolver keeps answers, and how many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LookupCache {
    /// Of a row; each entry's own is up to 10 % shorter or longer.
    #[serde(with = "units::duration")]
    pub ttl: Duration,
    /// Of "there is no row".
    #[serde(with = "units::duration")]
    pub negative_ttl: Duration,
    /// How old a row may be while the database is away.
    #[serde(with = "units::duration")]
    pub max_stale: Duration,
    pub entries: u64,
    pub negative_entries: u64,
}

/// What is made at start if it is not there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    #[serde(with = "units::duration")]
    pub cpu: Duration,
    pub subrequests: u32,
    #[serde(with = "units::size")]
    pub memory: u64,
    /// 0: none.
    #[serde(with = "units::duration")]
    pub wall: Duration,
    /// 0: none.
    #[serde(with = "units::size")]
    pub response_bytes: u64,
    pub fetches_at_once: u32,
    #[serde(with = "units::size")]
    pub log_bytes: u64,
    pub requests: u32,
    pub requests_per_script: u32,
    /// 0: none.
    pub requests_per_second: u32,
    pub connections: u32,
    /// 0: as many as there are.
    pub connections_per_address: u32,
    pub handshakes: u32,
    #[serde(with = "units::size")]
    pub body_bytes: u64,
    #[serde(with = "units::size")]
    pub head_bytes: u64,
    pub headers: u32,
    #[serde(with = "units::size")]
    pub uri_bytes: u64,
    #[serde(with = "units::size")]
    pub upload_bytes: u64,
    pub uploads: u32,
    pub upload_parts: u32,
    #[serde(with = "units::size")]
    pub json_bytes: u64,
    #[serde(with = "units::size")]
    pub script_bytes: u64,
    #[serde(with = "units::size")]
    pub compressed_script_bytes: u64,
    pub versions: u32,
    pub variables: u32,
    #[serde(with = "units::size")]
    pub variable_bytes: u64,
    pub wrong_tokens: u32,
    pub tails: u32,
    pub assets: u32,
    #[serde(with = "units::size")]
    pub asset_bytes: u64,
}

/// The engine that runs Workers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Runtime {
    pub engine: EngineSource,
    /// 0: one a core.
    pub threads: u32,
    pub instances: u32,
    /// 0: a quarter of `instances`.
    pub instances_per_script: u32,
    pub warm_instances: u32,
    #[serde(with = "units::size")]
    pub warm_bytes: u64,
    pub warm_requests_at_once: u32,
    pub warm_requests: u32,
    #[serde(with = "units::duration")]
    pub warm_age: Duration,
    #[serde(with = "units::duration")]
    pub warm_idle: Duration,
    pub queue: u32,
    pub queue_per_script: u32,
    #[serde(with = "units::duration")]
    pub queue_timeout: Duration,
    #[serde(with = "units::size")]
    pub worker_cache: u64,
    #[serde(with = "units::size")]
    pub held_bytes: u64,
    #[serde(with = "units::size")]
    pub held_bytes_per_script: u64,
    #[schemars(schema_with = "schema::isolation")]
    pub isolation: Isolation,
    #[serde(with = "units::duration")]
    pub auto_warm_cpu: Duration,
}

/// What a Worker's `fetch` may reach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Egress {
    pub private: bool,
    #[serde(deserialize_with = "units::nets")]
    #[schemars(with = "Vec<String>")]
    pub grantable: Vec<IpNet>,
    pub blocked_ports: Vec<u16>,
    pub nameservers: Vec<SocketAddr>,
    pub connections: u32,
    pub connections_per_script: u32,
    #[serde(with = "units::duration")]
    pub connect_timeout: Duration,
    #[serde(with = "units::duration")]
    pub head_timeout: Duration,
    #[serde(with = "units::duration")]
    pub body_timeout: Duration,
    pub redirects: u32,
}

/// Responses that Workers keep with the Cache API, in memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    #[serde(with = "units::size")]
    pub bytes: u64,
    #[serde(with = "units::size")]
    pub bytes_per_script: u64,
    #[serde(with = "units::size")]
    pub object_bytes: u64,
}

/// Tenants that are an origin instead of code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Upstream {
    #[serde(deserialize_with = "units::nets")]
    #[schemars(with = "Vec<String>")]
    pub allow: Vec<IpNet>,
    pub ca: PathBuf,
    pub connections: u32,
    pub connections_per_script: u32,
    pub idle_connections: u32,
    pub idle_per_origin: u32,
    #[serde(with = "units::duration")]
    pub keep_alive: Duration,
    #[serde(with = "units::duration")]
    pub connect_timeout: Duration,
    #[serde(with = "units::duration")]
    pub head_timeout: Duration,
    #[serde(with = "units::duration")]
    pub idle_timeout: Duration,
    pub failures: u32,
    #[serde(with = "units::duration")]
    pub eject: Duration,
    pub checks: u32,
    #[serde(with = "units::duration")]
    pub check_for: Duration,
}

/// How long a client may take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    #[serde(with = "units::duration")]
    pub handshake: Duration,
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

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AccessTarget {
    Stdout,
    Stderr,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AccessFormat {
    Json,
    Text,
}

impl Config {
    /// # Errors
    /// [`ConfigError`], which names the file, the line and the key.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// As [`Config::load`], of text that came from `path`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| explain::explain(text, path, &error))?;
        config.check().map_err(|wrong| explain::at(text, path, wrong))?;
        Ok(config)
    }

    /// What is wrong with the configuration that came from `path`, with its line.
    pub fn refused(path: &Path, wrong: Wrong) -> ConfigError {
        explain::at(&std::fs::read_to_string(path).unwrap_or_default(), path, wrong)
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
    fn the_containers_file_is_understood() {
        let text = include_str!("../../../deploy/container.toml");
        let config = Config::parse(text, Path::new("deploy/container.toml")).unwrap();
        assert!(config.listener[0].bind.ip().is_unspecified() && config.admin.bind.ip().is_unspecified());
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
            "x.toml:3: unknown key \"zzz\" in [[listener]]; it knows bind, trusted, tls, proxy_protocol, redirect, redirect_port"
        );
        assert!(error("lisener = 1\n").starts_with("x.toml:1: unknown key \"lisener\", did you mean \"listener\"?"));
    }

    #[test]
    fn wrong_values_are_named_with_their_line() {
        assert_eq!(
            error("[limits]\ncpu = \"abc\"\n"),
            "x.toml:2: \"cpu\" in [limits]: \"abc\" is not a duration, such as \"30s\" or \"150ms\""
        );
        assert!(
            error("[limits]\nmemory = \"12 parsecs\"\n")
                .starts_with("x.toml:2: \"memory\" in [limits]: \"12 parsecs\"")
        );
        let text = "[[resolver]]\nkind = \"worker\"\nscript = \"a\"\n\n[[resolver]]\nkind = \"worker\"\n";
        assert_eq!(error(text), "x.toml:5: a resolver of kind \"worker\" needs \"script\"");
        assert!(error("[[resolver]]\nkind = \"nope\"\n").starts_with("x.toml:2: "));
        assert!(error("a = [\n").starts_with("x.toml:"));
    }

    /// The examples of resolvers in the shipped file, with their marks of a comment taken away.
    #[test]
    fn the_shipped_examples_are_understood() {
        let from = SHIPPED.find("# --- Who gets a request").unwrap();
        let examples = &SHIPPED[from..from + SHIPPED[from..].find("# --- Made at start").unwrap()];
        let lines = examples.lines().skip_while(|line| *line != "# [[resolver]]").map(|line| match line {
            // Only with other values of other keys.
            line if line.starts_with("# url_env") || line.starts_with("# suffix") => "",
            line if line.contains("for key = \"header:NAME\"") => "",
            line => line.strip_prefix("# ").unwrap_or(line),
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        let config = Config::parse(&text, Path::new("x.toml")).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let kinds: Vec<ResolverKind> = config.resolver.iter().map(|resolver| resolver.kind).collect();
        assert_eq!(kinds, [ResolverKind::Fixed, ResolverKind::Header, ResolverKind::Sql, ResolverKind::Worker]);
        assert_eq!(config.resolver[2].cache, Some(LookupCache::default()));
    }

    /// … and those of listeners.
    #[test]
    fn the_shipped_listeners_are_understood() {
        let from = SHIPPED.find("# --- Where clients come in").unwrap();
        let examples = &SHIPPED[from..from + SHIPPED[from..].find("# --- Who gets a request").unwrap()];
        let lines = examples
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|line| !line.starts_with("---")).unwrap_or(line));
        let text = lines.collect::<Vec<_>>().join("\n");
        let config = Config::parse(&text, Path::new("x.toml")).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let [plain, tls, redirect, proxied] = &config.listener[..] else { panic!("{:?}", config.listener) };
        assert_eq!(*plain, Listener::at(plain.bind));
        let tls = tls.tls.as_ref().unwrap();
        assert_eq!((tls.certificates.len(), tls.strict_sni, tls.min_version), (2, false, MinVersion::Tls12));
        assert_eq!((redirect.redirect, redirect.redirects_to()), (Some(Redirect::Https), Some(443)));
        assert_eq!(proxied.proxy_protocol.as_ref().unwrap().trusted, [parse_net("10.0.0.0/8").unwrap()]);
        assert_eq!(config.admin.tls.unwrap().certificates.len(), 1);
    }

    #[test]
    fn listeners_that_cannot_be_meant_are_refused() {
        for (keys, wanted) in [
            ("tls = { certificates = [] }", "x.toml:3: tls needs at least one"),
            ("tls = { certificates = [{ cert = \"a\" }] }", "x.toml:3: \"tls\" in [[listener]]: missing field `key`"),
            (
                "tls = { certificate = [] }",
                "x.toml:3: unknown key \"certificate\" in [[listener]], did you mean \"certificates\"?",
            ),
            ("proxy_protocol = { trusted = [] }", "x.toml:3: proxy_protocol.trusted is empty"),
            ("redirect = \"http\"", "x.toml:3: \"redirect\" in [[listener]]: "),
            ("redirect_port = 443", "x.toml:3: redirect_port is for a listener with redirect"),
            ("redirect = \"https\"\nredirect_port = 0", "x.toml:4: redirect_port must be"),
            (
                "redirect = \"https\"\ntls = { certificates = [{ cert = \"a\", key = \"b\" }] }",
                "x.toml:3: redirect = \"https\" is for a listener without tls",
            ),
        ] {
            let said = error(&format!("[[listener]]\nbind = \"127.0.0.1:0\"\n{keys}\n"));
            assert!(said.starts_with(wanted), "{said}\n{wanted}");
        }
        assert!(error("[admin]\ntls = { certificates = [] }\n").starts_with("x.toml:2: tls needs at least one"));
    }

    #[test]
    fn each_kind_of_resolver_has_keys_of_its_own() {
        let sql = "[[resolver]]\nkind = \"sql\"\nurl = \"sqlite:x\"\nkey = \"host\"\nquery = \"SELECT script FROM t WHERE h = ?\"\n";
        assert!(Config::parse(sql, Path::new("x.toml")).is_ok());
        for (change, to, wanted) in [
            ("url = \"sqlite:x\"", "url = \"oracle:x\"", "x.toml:3: url must begin with sqlite:"),
            ("url = \"sqlite:x\"\n", "", "x.toml:1: a resolver of kind \"sql\" needs \"url\" or \"url_env\""),
            ("url = \"sqlite:x\"", "url = \"sqlite:x\"\nurl_env = \"X\"", "x.toml:4: url and url_env exclude"),
            ("\"host\"", "\"hots\"", "x.toml:4: key \"hots\" is none of \"host\", \"label\""),
            ("\"host\"", "\"header:host\"", "x.toml:4: the header host has a meaning of its own"),
            ("\"host\"", "\"host\"\nsuffix = \"a.test\"", "x.toml:5: suffix is for key = \"label\""),
            ("\"host\"", "\"host\"\ntrusted = [\"::1/128\"]", "x.toml:5: trusted is for key = \"header:NAME\""),
            ("SELECT script", "DELETE", "x.toml:5: query must be one SELECT"),
            ("h = ?", "h = 'a'", "x.toml:5: query must have one parameter"),
            ("h = ?", "h = ?; DROP TABLE t", "x.toml:5: query must be one statement"),
            ("\"host\"", "\"host\"\nconnections = 0", "x.toml:5: connections is too small"),
            ("\"host\"", "\"host\"\nstatement_timeout = \"0s\"", "x.toml:5: statement_timeout is too small"),
            ("\"host\"", "\"host\"\nstatement_timeout = 3", "x.toml:5: \"statement_timeout\" in [[resolver]]"),
            ("\"host\"", "\"host\"\ncache = { ttl = \"1s\", entries = 0 }", "x.toml:5: cache: entries"),
            (
                "\"host\"",
                "\"host\"\ncache = { tll = \"1s\" }",
                "x.toml:5: unknown key \"tll\" in [[resolver]], did you mean \"ttl\"?",
            ),
            (
                "\"host\"",
                "\"host\"\nhosts = [\"a\"]",
                "x.toml:5: \"hosts\" does not belong to a resolver of kind \"sql\"",
            ),
        ] {
            let said = error(&sql.replace(change, to));
            assert!(said.starts_with(wanted), "{said}\n{wanted}");
        }
        let with = |kind: &str, keys: &str| error(&format!("[[resolver]]\nkind = \"{kind}\"\n{keys}"));
        for (kind, keys, wanted) in [
            ("header", "", "x.toml:1: a resolver of kind \"header\" needs \"name\""),
            ("header", "name = \"a b\"\n", "x.toml:3: \"a b\" is not a header's name"),
            ("header", "name = \"CF-Ray\"\n", "x.toml:3: the header cf-ray has a meaning of its own"),
            (
                "header",
                "name = \"x\"\ntrusted = [\"10.0.0.0/33\"]\n",
                "x.toml:4: \"trusted\" in [[resolver]]: \"10.0.0.0/33\" is not a network",
            ),
            ("fixed", "", "x.toml:1: a resolver of kind \"fixed\" needs \"script\""),
            ("fixed", "script = \"x\"\nhosts = []\n", "x.toml:4: hosts is empty"),
            ("fixed", "script = \"x\"\nhosts = [\"a:80\"]\n", "x.toml:4: hosts: \"a:80\" is neither"),
            ("fixed", "script = \"a b\"\n", "x.toml:3: "),
            ("subdomain", "suffix = \"a.test\"\nnamespace = \"A B\"\n", "x.toml:4: "),
            ("subdomain", "suffix = \"a.test\"\n", "x.toml:1: a resolver of kind \"subdomain\" needs \"namespace\""),
            ("worker", "script = \"x\"\nnamespace = \"a\"\n", "x.toml:4: \"namespace\" does not belong"),
        ] {
            let said = with(kind, keys);
            assert!(said.starts_with(wanted), "{said}\n{wanted}");
        }
    }
}
