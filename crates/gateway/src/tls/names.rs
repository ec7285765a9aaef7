//! The hosts that a certificate is for, as clients compare them (RFC 9525): names, one label for a `*`, addresses.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// All in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    pub exact: HashSet<Box<str>>,
    /// What follows `*.`.
    pub wildcards: HashSet<Box<str>>,
    pub addresses: HashSet<IpAddr>,
}

impl Names {
    /// One DNS name of a certificate.
    pub fn add(&mut self, name: &str) {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        match name.strip_prefix("*.") {
            Some(parent) if !parent.contains('*') => drop(self.wildcards.insert(parent.into())),
            // Other stars mean nothing to any client.
            _ if name.contains('*') || name.is_empty() => {}
            _ => drop(self.exact.insert(name.into())),
        }
    }

    /// One address of a certificate: 4 or 16 bytes.
    pub fn add_address(&mut self, bytes: &[u8]) {
        let v4 = <[u8; 4]>::try_from(bytes).map(|bytes| IpAddr::from(Ipv4Addr::from(bytes)));
        let v6 = || <[u8; 16]>::try_from(bytes).map(|bytes| IpAddr::from(Ipv6Addr::from(bytes)));
        if let Ok(address) = v4.or_else(|_| v6()) {
            self.addresses.insert(address);
        }
    }

    /// Whether the certificate is for this host: lower case, an IPv6 address in brackets.
    pub fn cover(&self, host: &str) -> bool {
        self.exact.contains(host)
            || host.split_once('.').is_some_and(|(_, parent)| self.wildcards.contains(parent))
            || !self.addresses.is_empty() && address(host).is_some_and(|address| self.addresses.contains(&address))
    }

    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.wildcards.is_empty() && self.addresses.is_empty()
    }
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_one_label() {
        let mut names = Names::default();
        for name in ["A.example", "*.shop.example.", "*", "w*.example", "*.*.example", ""] {
            names.add(name);
        }
        for (host, covered) in [
            ("a.example", true),
            ("x.shop.example", true),
            ("shop.example", false),
            ("x.y.shop.example", false),
            ("b.example", false),
            ("www.example", false),
            ("", false),
            (".shop.example", true), // no such host gets this far
        ] {
            assert_eq!(names.cover(host), covered, "{host}");
        }
    }

    #[test]
    fn addresses_are_compared_as_such() {
        let mut names = Names::default();
        names.add_address(&[127, 0, 0, 1]);
        names.add_address(&Ipv6Addr::LOCALHOST.octets());
        names.add_address(&[1, 2, 3]);
        assert_eq!(names.addresses.len(), 2);
        assert!(names.cover("127.0.0.1") && names.cover("[::1]"));
        assert!(!names.cover("127.0.0.2") && !names.cover("[::2]"));
    }
}
