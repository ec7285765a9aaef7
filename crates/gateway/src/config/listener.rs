//! Where clients come in, and what a listener does before HTTP: PROXY headers, TLS, or nothing but a redirect.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Wrong, units};

/// One address, and what is spoken there. HTTP/1.1 and HTTP/2 in any case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listener {
    pub bind: SocketAddr,
    /// Peers whose headers every resolver believes. Nobody's, if left out.
    #[serde(default, deserialize_with = "units::nets")]
    #[schemars(with = "Vec<String>")]
    pub trusted: Vec<IpNet>,
    /// Left out: without TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Left out: connections begin with their first request, or with TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_protocol: Option<ProxyProtocol>,
    /// Every request is sent elsewhere; no tenant is looked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
    /// The port that a redirect names; left out, the scheme's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_port: Option<u16>,
}

/// TLS on a listener.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The first is shown to clients that name no host, or one that none of them has.
    pub certificates: Vec<Certificate>,
    /// Instead, such clients are refused.
    #[serde(default)]
    pub strict_sni: bool,
    /// The oldest that is spoken.
    #[serde(default)]
    pub min_version: MinVersion,
}

/// A certificate with its chain, and its key. Both PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The file of the certificate, its chain behind it.
    pub cert: PathBuf,
    /// The file of its key.
    pub key: PathBuf,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MinVersion {
    #[default]
    #[serde(rename = "1.2")]
    Tls12,
    #[serde(rename = "1.3")]
    Tls13,
}

/// A load balancer that says whom it speaks for, before anything else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProxyProtocol {
    /// The peers that send the header. Connections of all others are closed.
    #[serde(deserialize_with = "units::nets")]
    #[schemars(with = "Vec<String>")]
    pub trusted: Vec<IpNet>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Redirect {
    /// To the same host and path.
    Https,
}

impl Listener {
    /// One that trusts nobody and speaks HTTP alone.
    pub fn at(bind: SocketAddr) -> Self {
        Self { bind, trusted: Vec::new(), tls: None, proxy_protocol: None, redirect: None, redirect_port: None }
    }

    /// The port that clients are sent to, where they are.
    pub fn redirects_to(&self) -> Option<u16> {
        self.redirect.map(|Redirect::Https| self.redirect_port.unwrap_or(443))
    }

    /// # Errors
    /// [`Wrong`], for the listener of this number.
    pub(super) fn check(&self, number: usize) -> Result<(), Wrong> {
        let wrong = |key, message: &str| Err(Wrong { key: Some(key), ..Wrong::new("listener", number, message) });
        if self.tls.as_ref().is_some_and(|tls| tls.certificates.is_empty()) {
            return wrong("tls", "tls needs at least one of certificates");
        }
        if self.proxy_protocol.as_ref().is_some_and(|proxy| proxy.trusted.is_empty()) {
            return wrong("proxy_protocol", "proxy_protocol.trusted is empty, so every connection would be closed");
        }
        match (self.redirect, self.redirect_port) {
            (Some(Redirect::Https), _) if self.tls.is_some() => wrong(
                "redirect",
                "redirect = \"https\" is for a listener without tls: this one would send clients to itself",
            ),
            (Some(_), Some(0)) => wrong("redirect_port", "redirect_port must be 1 to 65535"),
            (None, Some(_)) => wrong("redirect_port", "redirect_port is for a listener with redirect = \"https\""),
            _ => Ok(()),
        }
    }
}
