//! Where Workers may connect: the node's rules, and within them a namespace's own.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use parking_lot::RwLock;
use switchyard_catalog::{Destination, EgressRules};

use super::address::is_public;

/// The node's.
#[derive(Debug)]
pub struct Policy {
    /// Private addresses too. Only for tests and development.
    pub private: bool,
    /// What a namespace may be granted of them.
    pub grantable: Vec<IpNet>,
    pub blocked_ports: Vec<u16>,
    /// This node's own listeners: never, whatever else is allowed.
    pub own: RwLock<Vec<SocketAddr>>,
}

impl Policy {
    pub fn allows_port(&self, port: u16) -> bool {
        port != 0 && !self.blocked_ports.contains(&port)
    }

    /// Whether the rules let a Worker ask for this host at all; where it leads is seen later. What is
    /// refused here is not even looked up, so that no name carries anything out.
    pub fn allows_host(rules: &EgressRules, host: &str, port: u16) -> bool {
        let by_address = |only: &[Destination]| only.iter().any(|one| one.is_by_address(port));
        named(rules, host, port) || rules.only.as_deref().is_some_and(by_address)
    }

    /// Whether a Worker may connect to an address, which it found under this host.
    pub fn allows(&self, rules: &EgressRules, host: &str, address: SocketAddr) -> bool {
        let (ip, port) = (address.ip().to_canonical(), address.port());
        let listed = |only: &[Destination]| only.iter().any(|one| one.covers_address(ip, port));
        if !named(rules, host, port) && !rules.only.as_deref().is_some_and(listed) {
            return false;
        }
        let granted = rules.also.iter().any(|one| one.covers_host(host, port) || one.covers_address(ip, port));
        self.allows_besides(address, if granted { &self.grantable } else { &[] })
    }

    /// Whether it may be reached where these networks are open besides the public one.
    pub fn allows_besides(&self, address: SocketAddr, open: &[IpNet]) -> bool {
        let ip = address.ip().to_canonical();
        let reachable = self.private || is_public(ip) || open.iter().any(|net| net.contains(&ip));
        reachable && !self.is_own(address)
    }

    /// Whether it is one of this node's own listeners.
    pub fn is_own(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        // One bound to every address is met on any local one.
        self.own.read().iter().any(|own| {
            own.port() == address.port() && (own.ip().to_canonical() == ip || own.ip().is_unspecified() && is_local(ip))
        })
    }
}

/// There is no list, or the host's name is on it.
fn named(rules: &EgressRules, host: &str, port: u16) -> bool {
    rules.only.as_deref().is_none_or(|only| only.iter().any(|one| one.covers_host(host, port)))
}

fn is_local(ip: IpAddr) -> bool {
    // Binding succeeds for this machine's own addresses alone; it sends nothing.
    ip.is_loopback() || ip.is_unspecified() || std::net::UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(private: bool, grantable: &[&str], own: &[&str]) -> Policy {
        let grantable = grantable.iter().map(|text| text.parse().unwrap()).collect();
        let own = own.iter().map(|text| text.parse().unwrap()).collect();
        Policy { private, grantable, blocked_ports: vec![25], own: RwLock::new(own) }
    }

    fn rules(also: &[&str], only: Option<&[&str]>) -> EgressRules {
        let list = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        EgressRules { also: list(also), only: only.map(list) }
    }

    fn allows(policy: &Policy, rules: &EgressRules, host: &str, address: &str) -> bool {
        let address: SocketAddr = address.parse().unwrap();
        Policy::allows_host(rules, host, address.port()) && policy.allows(rules, host, address)
    }

    #[test]
    fn own_listeners_are_never_reached() {
        let (strict, none) = (policy(false, &[], &[]), EgressRules::default());
        assert!(allows(&strict, &none, "a.test", "8.8.8.8:80"));
        assert!(!allows(&strict, &none, "a.test", "127.0.0.1:80"));
        assert!(!strict.allows_port(25) && !strict.allows_port(0) && strict.allows_port(443));

        let own = ["127.0.0.1:8080", "0.0.0.0:9090"];
        let granted = rules(&["*"], Some(&["*"]));
        for (open, rules) in [(policy(true, &[], &own), none), (policy(false, &["127.0.0.0/8"], &own), granted)] {
            assert!(allows(&open, &rules, "a.test", "127.0.0.1:3000"));
            for own in ["127.0.0.1:8080", "[::ffff:127.0.0.1]:8080", "127.0.0.1:9090", "127.3.2.1:9090", "0.0.0.0:9090"]
            {
                assert!(!allows(&open, &rules, "a.test", own), "{own}");
            }
        }
    }

    #[test]
    fn beyond_the_public_internet_only_what_both_grant() {
        let node = policy(false, &["10.1.0.0/16"], &[]);
        for (also, host, address, allowed) in [
            (&["10.1.2.0/24:80"][..], "db.test", "10.1.2.3:80", true),
            (&["10.1.2.0/24:80"], "10.1.2.3", "10.1.2.3:80", true),
            (&["10.1.2.0/24:80"], "db.test", "[::ffff:10.1.2.3]:80", true),
            (&["10.1.2.0/24:80"], "db.test", "10.1.2.3:81", false),
            (&["10.1.2.0/24:80"], "db.test", "10.1.3.3:80", false),
            (&["db.test"], "db.test", "10.1.2.3:80", true),
            (&["db.test"], "other.test", "10.1.2.3:80", false),
            // The node grants less.
            (&["db.test"], "db.test", "10.2.0.1:80", false),
            (&["10.0.0.0/8"], "db.test", "10.2.0.1:80", false),
            (&["*"], "db.test", "169.254.169.254:80", false),
            (&[], "db.test", "10.1.2.3:80", false),
            (&["10.1.2.0/24"], "db.test", "8.8.8.8:80", true),
        ] {
            assert_eq!(allows(&node, &rules(also, None), host, address), allowed, "{also:?} {host} {address}");
        }
    }

    #[test]
    fn a_list_bounds_and_grants_nothing() {
        let node = policy(false, &["10.1.0.0/16"], &[]);
        for (only, host, address, allowed) in [
            (&["api.test"][..], "api.test", "8.8.8.8:80", true),
            (&["api.test"], "API.test", "8.8.8.8:80", false), // never asked: a URL's host is lower case
            (&["api.test"], "8.8.8.8", "8.8.8.8:80", false),
            (&["api.test:443"], "api.test", "8.8.8.8:80", false),
            (&["8.8.8.0/24"], "api.test", "8.8.8.8:80", true),
            (&["8.8.8.0/24"], "api.test", "8.8.4.4:80", false),
            (&["*:443"], "any.test", "8.8.8.8:443", true),
            (&["*:443"], "any.test", "8.8.8.8:80", false),
            (&["*"], "any.test", "10.1.0.1:80", false),
            (&["10.1.0.1"], "any.test", "10.1.0.1:80", false),
            (&[], "any.test", "8.8.8.8:80", false),
        ] {
            assert_eq!(allows(&node, &rules(&[], Some(only)), host, address), allowed, "{only:?} {host} {address}");
        }
        let both = rules(&["10.1.0.0/16"], Some(&["db.test"]));
        assert!(allows(&node, &both, "db.test", "10.1.0.1:80") && !allows(&node, &both, "x.test", "10.1.0.1:80"));
        // What no address could make right is not looked up.
        assert!(!Policy::allows_host(&rules(&[], Some(&["api.test", "10.0.0.0/8:81"])), "x.test", 80));
        assert!(Policy::allows_host(&rules(&[], Some(&["10.0.0.0/8"])), "x.test", 80));
    }
}
