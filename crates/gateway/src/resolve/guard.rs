//! Headers that name a tenant are believed from trusted peers only. From everyone else they are
//! removed, in every spelling that a server could take for the name, before anything reads them; so
//! what a Worker sees under such a name came from a trusted peer.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::headers::alike;

/// The headers that name tenants, each with the peers that one resolver trusts.
#[derive(Default)]
pub(super) struct Guards(Vec<(HeaderName, Vec<IpNet>)>);

impl Guards {
    pub(super) fn add(&mut self, name: &HeaderName, trusted: Option<&[IpNet]>) {
        self.0.push((name.clone(), trusted.unwrap_or_default().to_vec()));
    }

    /// What was removed. A trusted peer's header stays under its exact name alone.
    pub(super) fn strip(&self, headers: &mut HeaderMap, peer: IpAddr, vouched: bool) -> Vec<HeaderName> {
        let guarded = |name: &HeaderName| self.0.iter().any(|(own, _)| alike(own.as_str(), name.as_str()));
        if self.0.is_empty() || !headers.keys().any(guarded) {
            return Vec::new();
        }
        let believed =
            |name: &HeaderName| self.0.iter().any(|(own, nets)| own == name && (vouched || trusts(nets, peer)));
        let spoofed: Vec<HeaderName> =
            headers.keys().filter(|name| guarded(name) && !believed(name)).cloned().collect();
        for name in &spoofed {
            headers.remove(name);
        }
        spoofed
    }
}

/// Whether a peer is in one of these networks. An IPv4 peer is one in every way it is written.
pub(crate) fn trusts(trusted: &[IpNet], peer: IpAddr) -> bool {
    let peer = peer.to_canonical();
    trusted.iter().any(|net| net.contains(&peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(guards: &Guards, peer: &str, vouched: bool, names: &[&'static str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for name in names {
            headers.append(HeaderName::from_static(name), "v".parse().unwrap());
        }
        guards.strip(&mut headers, peer.parse().unwrap(), vouched);
        let mut left: Vec<String> = headers.keys().map(ToString::to_string).collect();
        left.sort_unstable();
        left
    }

    #[test]
    fn a_name_is_left_to_those_who_are_trusted_with_it() {
        let mut guards = Guards::default();
        guards.add(&HeaderName::from_static("x-tenant"), Some(&["10.0.0.0/8".parse().unwrap()]));
        let names = ["x-tenant", "x_tenant", "x.tenant", "x-tenants", "accept"];
        assert_eq!(left(&guards, "192.0.2.1", false, &names), ["accept", "x-tenants"]);
        for peer in ["10.1.2.3", "::ffff:10.1.2.3"] {
            assert_eq!(left(&guards, peer, false, &names), ["accept", "x-tenant", "x-tenants"]);
        }
        assert_eq!(left(&guards, "192.0.2.1", true, &names), ["accept", "x-tenant", "x-tenants"]);
    }

    #[test]
    fn each_spelling_that_is_configured_is_its_own() {
        let mut guards = Guards::default();
        guards.add(&HeaderName::from_static("x-tenant"), Some(&["10.0.0.0/8".parse().unwrap()]));
        guards.add(&HeaderName::from_static("x_tenant"), Some(&["192.0.2.0/24".parse().unwrap()]));
        assert_eq!(left(&guards, "10.0.0.1", false, &["x-tenant", "x_tenant"]), ["x-tenant"]);
        assert_eq!(left(&guards, "192.0.2.1", false, &["x-tenant", "x_tenant"]), ["x_tenant"]);
        assert!(left(&guards, "2001:db8::1", false, &["x-tenant", "x_tenant"]).is_empty());
    }
}
