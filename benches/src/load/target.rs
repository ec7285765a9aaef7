//! Where requests go: the URLs, the origins among them (scheme, host and port), and their addresses.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use http::Uri;
use http::uri::Authority;

/// Looking a name up.
const LOOK_UP: Duration = Duration::from_secs(10);

/// One scheme, host and port.
#[derive(Debug, Clone)]
pub struct Origin {
    pub tls: bool,
    /// As the URL has it.
    pub authority: Authority,
    /// Paths of its URLs, with their queries.
    pub paths: Vec<String>,
    /// Looked up once, before the run.
    pub addresses: Vec<SocketAddr>,
}

impl Origin {
    /// Without the brackets of an IPv6 address.
    pub fn host(&self) -> &str {
        self.authority.host().trim_start_matches('[').trim_end_matches(']')
    }

    fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.tls { 443 } else { 80 })
    }

    pub fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority)
    }
}

/// All of them.
#[derive(Debug, Clone)]
pub struct Targets(pub Vec<Origin>);

impl Targets {
    /// # Errors
    /// When one is no URL that can be loaded: which, and the rule.
    pub fn parse(urls: &[String]) -> anyhow::Result<Self> {
        let mut origins: Vec<Origin> = Vec::new();
        for url in urls {
            let wrong = |rule: &str| format!("the URL {url:?}: {rule}");
            let uri: Uri = url.parse().with_context(|| wrong("not a URL"))?;
            let tls = match uri.scheme_str() {
                Some("http") => false,
                Some("https") => true,
                _ => bail!(wrong("begins with http:// or https://")),
            };
            let authority = uri.authority().with_context(|| wrong("names no host"))?.clone();
            ensure!(!authority.as_str().contains('@'), wrong("a user in it is not sent; --header 'authorization: …'"));
            let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
            let sound = port.is_empty() || authority.port_u16().is_some_and(|port| port > 0);
            ensure!(sound && !authority.host().is_empty(), wrong("its host or port is none"));
            let path = uri.path_and_query().map_or("/", |path| path.as_str());
            let path = if path.is_empty() { "/" } else { path }.to_owned();
            match origins.iter_mut().find(|origin| origin.tls == tls && origin.authority == authority) {
                Some(origin) => origin.paths.push(path),
                None => origins.push(Origin { tls, authority, paths: vec![path], addresses: Vec::new() }),
            }
        }
        Ok(Self(origins))
    }

    pub fn any_tls(&self) -> bool {
        self.0.iter().any(|origin| origin.tls)
    }

    /// # Errors
    /// When a name has no address.
    pub async fn look_up(&mut self) -> anyhow::Result<()> {
        for origin in &mut self.0 {
            let named = || format!("{origin}: its address could not be found");
            let found = tokio::net::lookup_host((origin.host(), origin.port()));
            let found = tokio::time::timeout(LOOK_UP, found).await.with_context(named)?.with_context(named)?;
            origin.addresses = found.collect();
            ensure!(!origin.addresses.is_empty(), "{origin}: it has no address");
        }
        Ok(())
    }
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, origin) in self.0.iter().enumerate() {
            write!(f, "{}{origin}", if number == 0 { "" } else { ", " })?;
            if let [first, ..] = origin.addresses.as_slice()
                && first.ip().to_string() != origin.host()
            {
                write!(f, " ({first})")?;
            }
            match origin.paths.as_slice() {
                [path] => write!(f, "{path}")?,
                paths => write!(f, " ({} paths)", paths.len())?,
            }
        }
        Ok(())
    }
}
