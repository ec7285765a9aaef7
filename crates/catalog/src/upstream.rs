//! A tenant that is an origin, a server beside or behind this one, instead of code: what a version says
//! of it, its rules, and the trait by which the catalog asks whether an origin may be reached at all.

use std::fmt;

use async_trait::async_trait;
use url::{Host, Url};

/// What a version proxies to. Immutable like the rest of a version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Upstream {
    /// At least one, each once.
    pub origins: Vec<Origin>,
    pub host: UpstreamHost,
    pub protocol: UpstreamProtocol,
    /// `None`: only what requests meet tells whether an origin is well.
    pub health: Option<HealthCheck>,
    /// Milliseconds for name, TCP and TLS together. `None`: the node's; so for the other two.
    pub connect_timeout_ms: Option<u32>,
    /// Milliseconds from the request, and the last byte of its body, to the response's head.
    pub head_timeout_ms: Option<u32>,
    /// Milliseconds without a byte of the response's body, or of a tunnel in either direction.
    pub idle_timeout_ms: Option<u32>,
    /// How often a request that got no answer is sent again, where that is safe. `None`: once.
    pub retries: Option<u8>,
    /// Whoever set it may have origins on the networks that the node's configuration opens. A token of
    /// less than an account may not: what is opened there is not open to each tenant.
    pub inside: bool,
}

/// One server: `http(s)://host:port`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    pub tls: bool,
    /// As a URL has it: lower case, an IPv6 address in brackets, any spelling of an address made plain.
    pub host: String,
    pub port: u16,
    /// Its share of the requests, beside the others'.
    pub weight: u16,
}

/// Which `Host` an origin gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UpstreamHost {
    /// The client's.
    #[default]
    Keep,
    /// The origin's own, from its URL. The client's is in `X-Forwarded-Host`.
    Origin,
}

/// What an origin is spoken to in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UpstreamProtocol {
    #[default]
    Http1,
    /// HTTP/2: over TLS as far as the origin agrees (ALPN), without TLS in any case. Upgrades, WebSockets
    /// among them, go over connections of HTTP/1.1.
    Http2,
}

/// Requests of our own that tell whether an origin is well. Only made while the upstream is used.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HealthCheck {
    /// Answers 200 to 399 when it is well.
    pub path: String,
    pub interval_ms: u32,
    pub timeout_ms: u32,
    /// Good answers in a row after which it is taken back.
    pub healthy: u8,
    /// Bad ones after which it gets no requests.
    pub unhealthy: u8,
}

impl HealthCheck {
    /// Every ten seconds, two to answer; two good ones take an origin back, three bad ones take it out.
    pub fn at(path: impl Into<String>) -> Self {
        Self { path: path.into(), interval_ms: 10_000, timeout_ms: 2_000, healthy: 2, unhealthy: 3 }
    }
}

impl Origin {
    pub const MAX_WEIGHT: u16 = 1_000;

    /// # Errors
    /// Why a text is not the URL of a server.
    pub fn parse(text: &str, weight: u16) -> Result<Self, String> {
        let shown: String = text.chars().take(100).collect();
        let wrong = |why: &str| Err(format!("the origin {shown:?} {why}"));
        let Ok(url) = Url::parse(text) else { return wrong("is not a URL like http://10.0.0.1:3000") };
        let tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return wrong("begins neither with http:// nor with https://"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("has a user name or a password, which a version must not hold");
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return wrong("has more than scheme, host and port: paths are the client's");
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return wrong("has no host");
        };
        if port == 0 || host.len() > 253 {
            return wrong("has a host or a port that no server can have");
        }
        if !(1..=Self::MAX_WEIGHT).contains(&weight) {
            return wrong(&format!("has a weight that is not within 1 to {}", Self::MAX_WEIGHT));
        }
        Ok(Self { tls, host: host.to_owned(), port, weight })
    }

    /// `host` or `host:port`, as `Host` and URLs have it.
    pub fn authority(&self) -> String {
        let usual = if self.tls { 443 } else { 80 };
        if self.port == usual { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// Its address, where it is one and not a name.
    pub fn address(&self) -> Option<std::net::IpAddr> {
        match Host::parse(&self.host).ok()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority())
    }
}

impl Upstream {
    pub const MAX_ORIGINS: usize = 16;

    /// What is no affair of the network.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=Self::MAX_ORIGINS).contains(&self.origins.len()) {
            return Err(format!("upstream.origins has 1 to {} entries", Self::MAX_ORIGINS));
        }
        for (at, origin) in self.origins.iter().enumerate() {
            let same = |other: &Origin| (other.tls, &other.host, other.port) == (origin.tls, &origin.host, origin.port);
            if self.origins[..at].iter().any(same) {
                return Err(format!("upstream.origins names {origin} twice"));
            }
        }
        within("connect_timeout_ms", self.connect_timeout_ms, 1, 60_000)?;
        within("head_timeout_ms", self.head_timeout_ms, 1, 600_000)?;
        within("idle_timeout_ms", self.idle_timeout_ms, 1, 3_600_000)?;
        within("retries", self.retries.map(u32::from), 0, 5)?;
        let Some(health) = &self.health else { return Ok(()) };
        let plain = health.path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !health.path.starts_with('/') || health.path.len() > 1_024 || !plain {
            return Err("upstream.health.path is not a path like /healthz of at most 1024 bytes".to_owned());
        }
        within("health.interval_ms", Some(health.interval_ms), 1_000, 300_000)?;
        within("health.timeout_ms", Some(health.timeout_ms), 1, 60_000)?;
        if health.timeout_ms > health.interval_ms {
            return Err("upstream.health.timeout_ms is more than interval_ms".to_owned());
        }
        within("health.healthy", Some(health.healthy.into()), 1, 10)?;
        within("health.unhealthy", Some(health.unhealthy.into()), 1, 10)
    }
}

fn within(name: &str, value: Option<u32>, least: u32, most: u32) -> Result<(), String> {
    match value {
        Some(value) if !(least..=most).contains(&value) => {
            Err(format!("upstream.{name} is not within {least} to {most}"))
        }
        _ => Ok(()),
    }
}

/// The network's side of the rules.
#[async_trait]
pub trait OriginPolicy: Send + Sync + 'static {
    /// Asked when an upstream is set. `inside`: as in [`Upstream`].
    ///
    /// # Errors
    /// Why the node would never connect there, for whoever sets it.
    async fn may_reach(&self, origin: &Origin, inside: bool) -> Result<(), String>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(change: impl FnOnce(&mut Upstream)) -> Result<(), String> {
        let mut upstream = Upstream {
            origins: vec![Origin::parse("http://a.example", 1).unwrap()],
            host: UpstreamHost::Keep,
            protocol: UpstreamProtocol::Http1,
            health: Some(HealthCheck::at("/up")),
            connect_timeout_ms: None,
            head_timeout_ms: None,
            idle_timeout_ms: None,
            retries: None,
            inside: false,
        };
        change(&mut upstream);
        upstream.check()
    }

    #[test]
    fn origins_are_servers_and_nothing_more() {
        let shown = |text| Origin::parse(text, 1).map(|origin| origin.to_string());
        for (text, wanted) in [
            ("http://a.example", "http://a.example"),
            ("HTTPS://A.example:443/", "https://a.example"),
            ("http://a.example:3000", "http://a.example:3000"),
            ("https://a.example:80", "https://a.example:80"),
            ("http://0x7f.1:3000", "http://127.0.0.1:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(wanted));
        }
        for (text, why) in [
            ("127.0.0.1:3000", "is not a URL"),
            ("", "is not a URL"),
            ("ftp://a.example", "begins neither"),
            ("file:///etc/passwd", "begins neither"),
            ("http://u@a.example", "has a user name"),
            ("http://u:p@a.example", "has a user name"),
            ("http://a.example/x", "has more than"),
            ("http://a.example/?q", "has more than"),
            ("http://a.example/#f", "has more than"),
            ("http://a.example:0", "has a host or a port"),
        ] {
            let error = shown(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(Origin::parse("http://a", 0).is_err() && Origin::parse("http://a", 1_001).is_err());
        assert!(Origin::parse("http://a", 1_000).is_ok());
        let address = |text| Origin::parse(text, 1).unwrap().address();
        assert_eq!(address("http://127.1"), "127.0.0.1".parse().ok());
        assert_eq!(address("http://[::1]:1"), "::1".parse().ok());
        assert_eq!(address("http://localhost"), None);
    }

    #[test]
    fn each_rule_on_both_sides_of_its_line() {
        let origins = |count: usize| {
            upstream(|u| {
                let one = |n| Origin::parse(&format!("http://a{n}.example"), 1).unwrap();
                u.origins = (0..count).map(one).collect();
            })
        };
        assert!(origins(0).is_err() && origins(1).is_ok() && origins(16).is_ok() && origins(17).is_err());
        let twice = upstream(|u| u.origins.push(Origin::parse("http://A.example:80", 2).unwrap()));
        assert!(twice.unwrap_err().contains("twice"));
        for (most, set) in [
            (60_000, (|u, n| u.connect_timeout_ms = Some(n)) as fn(&mut Upstream, u32)),
            (600_000, |u, n| u.head_timeout_ms = Some(n)),
            (3_600_000, |u, n| u.idle_timeout_ms = Some(n)),
        ] {
            let with = |n| upstream(|u| set(u, n));
            assert!(with(0).is_err() && with(1).is_ok() && with(most).is_ok() && with(most + 1).is_err());
        }
        let health = |change: fn(&mut HealthCheck)| upstream(|u| u.health.iter_mut().for_each(change));
        assert!(health(|h| h.interval_ms = 1_000).is_err(), "its time-out is longer");
        assert!(health(|h| (h.interval_ms, h.timeout_ms) = (1_000, 1_000)).is_ok());
        assert!(health(|h| (h.interval_ms, h.timeout_ms) = (999, 1)).is_err());
        assert!(health(|h| h.interval_ms = 300_000).is_ok() && health(|h| h.interval_ms = 300_001).is_err());
        assert!(health(|h| h.timeout_ms = 0).is_err() && health(|h| h.timeout_ms = 1).is_ok());
        assert!(health(|h| h.healthy = 0).is_err() && health(|h| h.healthy = 10).is_ok());
        assert!(health(|h| h.healthy = 11).is_err() && health(|h| h.unhealthy = 11).is_err());
        assert!(health(|h| h.unhealthy = 0).is_err() && health(|h| h.unhealthy = 10).is_ok());
        assert!(health(|h| h.path = "up".into()).is_err() && health(|h| h.path = "/a b".into()).is_err());
        assert!(health(|h| h.path = format!("/{}", "x".repeat(1_023))).is_ok());
        assert!(health(|h| h.path = format!("/{}", "x".repeat(1_024))).is_err());
        assert!(upstream(|u| u.retries = Some(5)).is_ok() && upstream(|u| u.retries = Some(6)).is_err());
        assert!(upstream(|u| u.retries = Some(0)).is_ok());
    }
}
