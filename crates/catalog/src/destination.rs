//! Where a namespace's Workers may connect, as an account writes it: networks and hosts, with ports.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// What a namespace's Workers reach by `fetch`, besides the node's own policy.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EgressRules {
    /// Beyond the public internet, as far as the node grants it.
    pub also: Vec<Destination>,
    /// Nothing but these; `None`: all that the node's policy allows. It grants nothing by itself.
    pub only: Option<Vec<Destination>>,
}

/// `10.1.0.0/16`, `10.1.2.3:8080`, `[fd00::/8]:443`, `api.example.com`, `*.example.com:8000-8999`, `*:443`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    place: Place,
    first_port: u16,
    last_port: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    /// Whatever name leads there.
    Net(IpNet),
    /// The name in the URL, wherever it leads.
    Host(Box<str>),
    /// Every name below, at any depth; with its leading dot.
    Below(Box<str>),
    Any,
}

/// A text that is no [`Destination`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no destination: {rule}")]
pub struct DestinationError {
    text: String,
    rule: &'static str,
}

const MAX_HOST_BYTES: usize = 253;
/// Of the text, with brackets and ports.
const MAX_BYTES: usize = 300;

impl Destination {
    /// # Errors
    /// [`DestinationError`], which quotes the text and names the rule.
    pub fn parse(text: &str) -> Result<Self, DestinationError> {
        let wrong = |rule| DestinationError { text: text.chars().take(80).collect(), rule };
        if text.len() > MAX_BYTES {
            return Err(wrong("it is too long"));
        }
        let (place, ports) = split(text).ok_or_else(|| wrong("an IPv6 address with a port stands in brackets"))?;
        let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
        let ports = match ports.map(|ports| ports.split_once('-').unwrap_or((ports, ports))) {
            None => Some((1, u16::MAX)),
            Some((first, last)) => port(first).zip(port(last)).filter(|(first, last)| first <= last),
        };
        let (first_port, last_port) =
            ports.ok_or_else(|| wrong("a port, or a range such as 8000-8999, is 1 to 65535"))?;
        Ok(Self { place: Place::parse(place).map_err(wrong)?, first_port, last_port })
    }

    /// Whether it covers this host, as a canonical URL has it, without asking where it leads.
    pub fn covers_host(&self, host: &str, port: u16) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        self.covers_port(port)
            && match &self.place {
                Place::Net(_) => false,
                Place::Host(name) => **name == *host,
                Place::Below(suffix) => host.len() > suffix.len() && host.ends_with(&**suffix),
                Place::Any => true,
            }
    }

    /// Whether it covers this address, by whatever name it was found.
    pub fn covers_address(&self, address: IpAddr, port: u16) -> bool {
        self.covers_port(port)
            && match &self.place {
                Place::Net(net) => net.contains(&address.to_canonical()),
                Place::Host(_) | Place::Below(_) => false,
                Place::Any => true,
            }
    }

    /// Whether an address may decide: a name alone says nothing of where it leads.
    pub fn is_by_address(&self, port: u16) -> bool {
        self.covers_port(port) && matches!(self.place, Place::Net(_))
    }

    /// The network, where it is one.
    pub fn net(&self) -> Option<IpNet> {
        match self.place {
            Place::Net(net) => Some(net),
            _ => None,
        }
    }

    fn covers_port(&self, port: u16) -> bool {
        (self.first_port..=self.last_port).contains(&port)
    }
}

/// Place and ports. `None`: an address whose colons could be either.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (place, rest) = rest.split_once(']')?;
        return match rest {
            "" => Some((place, None)),
            ports => Some((place, Some(ports.strip_prefix(':')?))),
        };
    }
    match text.split_once(':') {
        None => Some((text, None)),
        Some((_, rest)) if rest.contains(':') => Some((text, None)),
        Some((place, ports)) => Some((place, Some(ports))),
    }
}

impl Place {
    fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        if let Ok(net) = text.parse::<IpNet>().or_else(|_| address()) {
            let mapped = matches!(net.addr(), IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
            return if mapped {
                Err("IPv4 is written as IPv4")
            } else if net.trunc() != net {
                Err("the address has bits beyond its prefix")
            } else {
                Ok(Self::Net(net))
            };
        }
        let lower = text.to_ascii_lowercase();
        let lower = lower.strip_suffix('.').unwrap_or(&lower);
        let (below, name) = match lower.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, lower),
        };
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        if name.len() > MAX_HOST_BYTES || !name.split('.').all(label) {
            return Err("it is neither a network, nor a host in ASCII such as api.example.com or *.example.com");
        }
        // A URL takes such a host for an address, if at all.
        if name.rsplit('.').next().is_some_and(|last| last.starts_with(|first: char| first.is_ascii_digit())) {
            return Err("a host's last label begins with a letter");
        }
        Ok(if below { Self::Below(format!(".{name}").into()) } else { Self::Host(name.into()) })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all_ports = (self.first_port, self.last_port) == (1, u16::MAX);
        match &self.place {
            Place::Net(net) => {
                let single = net.prefix_len() == net.max_prefix_len();
                let shown = if single { net.addr().to_string() } else { net.to_string() };
                if net.addr().is_ipv6() && !all_ports { write!(f, "[{shown}]")? } else { f.write_str(&shown)? }
            }
            Place::Host(name) => f.write_str(name)?,
            Place::Below(suffix) => write!(f, "*{suffix}")?,
            Place::Any => f.write_str("*")?,
        }
        match (self.first_port, self.last_port) {
            _ if all_ports => Ok(()),
            (first, last) if first == last => write!(f, ":{first}"),
            (first, last) => write!(f, ":{first}-{last}"),
        }
    }
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        Self::parse(text)
    }
}

impl Serialize for Destination {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Destination {
        Destination::parse(text).unwrap()
    }

    #[test]
    fn what_is_written_is_shown() {
        for text in [
            "10.1.0.0/16",
            "10.1.2.3",
            "10.1.2.3:8080",
            "fd00::/8",
            "[fd00::/8]:443",
            "[fd00::1]:8000-8999",
            "api.example.com",
            "*.example.com:1-1024",
            "*",
            "*:443",
        ] {
            assert_eq!(of(text).to_string(), text);
            assert_eq!(serde_json::to_value(of(text)).unwrap(), text);
        }
        assert_eq!(of("API.Example.com.:80-80").to_string(), "api.example.com:80");
        assert_eq!(of("[fd00::1]").to_string(), "fd00::1");
    }

    #[test]
    fn what_is_none_is_told() {
        for (text, rule) in [
            ("", "neither"),
            ("10.0.0.1/8", "beyond its prefix"),
            ("10.0.0.0/33", "neither"),
            ("::ffff:10.0.0.0/104", "written as IPv4"),
            ("10.0.0.1:0", "a port"),
            ("10.0.0.1:80-79", "a port"),
            ("10.0.0.1:65536", "a port"),
            ("a.test:", "a port"),
            ("[fd00::1]80", "brackets"),
            ("[fd00::1", "brackets"),
            ("127.1", "last label"),
            ("0x7f.1", "last label"),
            ("a.*.test", "neither"),
            ("*.", "neither"),
            ("a..test", "neither"),
            ("münchen.test", "neither"),
            ("http://a.test", "a port"),
            ("a.test/x", "neither"),
            ("u@a.test", "neither"),
        ] {
            let error = Destination::parse(text).unwrap_err().to_string();
            assert!(error.contains(rule), "{text}: {error}");
        }
        assert!(Destination::parse(&"a".repeat(301)).is_err());
    }

    #[test]
    fn hosts_addresses_and_ports_on_both_sides() {
        let net = of("10.1.0.0/16:80-90");
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(net.covers_address(address("10.1.255.255"), 80) && net.covers_address(address("::ffff:10.1.0.0"), 90));
        assert!(!net.covers_address(address("10.2.0.0"), 80) && !net.covers_address(address("10.0.255.255"), 80));
        assert!(!net.covers_address(address("10.1.0.1"), 79) && !net.covers_address(address("10.1.0.1"), 91));
        assert!(!net.covers_host("10.1.0.1", 80) && net.is_by_address(85) && !net.is_by_address(91));
        let below = of("*.example.com");
        for host in ["a.example.com", "a.b.example.com", "a.example.com."] {
            assert!(below.covers_host(host, 1), "{host}");
        }
        for host in ["example.com", ".example.com", "aexample.com", "a.example.com.evil.test"] {
            assert!(!below.covers_host(host, 1), "{host}");
        }
        assert!(of("a.test:443").covers_host("a.test", 443) && !of("a.test:443").covers_host("a.test", 80));
        assert!(of("*").covers_host("any", 9) && of("*").covers_address(address("192.0.2.1"), 9));
    }
}
