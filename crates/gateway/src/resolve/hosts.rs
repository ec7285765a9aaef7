//! Hosts as an operator writes them: exact, or any one label below a domain.

use crate::authority::Authority;

/// `www.example.com` or `*.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostPattern {
    Exact(Box<str>),
    /// With its leading dot.
    Below(Box<str>),
}

impl HostPattern {
    /// `None` for what is no host, or has a port.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (wildcard, name) = match text.strip_prefix("*.") {
            Some(domain) => (true, domain),
            None => (false, text),
        };
        let authority = Authority::parse(name).ok().filter(|authority| authority.host() == authority.as_str())?;
        // "example.com:80" comes out without its port.
        if !name.starts_with('[') && name.contains(':') {
            return None;
        }
        Some(if wildcard {
            Self::Below(format!(".{}", authority.host()).into())
        } else {
            Self::Exact(authority.host().into())
        })
    }

    /// `host` is canonical.
    pub(crate) fn fits(&self, host: &str) -> bool {
        match self {
            Self::Exact(exact) => **exact == *host,
            Self::Below(suffix) => label(host, suffix).is_some(),
        }
    }
}

/// The one label in front of a suffix that begins with a dot.
pub(super) fn label<'a>(host: &'a str, suffix: &str) -> Option<&'a str> {
    host.strip_suffix(suffix).filter(|label| !label.is_empty() && !label.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_hosts_and_one_label() {
        let exact = HostPattern::parse("WWW.Example.com.").unwrap();
        assert!(exact.fits("www.example.com") && !exact.fits("example.com"));
        let below = HostPattern::parse("*.example.com").unwrap();
        assert!(below.fits("a.example.com"));
        for other in ["example.com", "a.b.example.com", ".example.com", "aexample.com"] {
            assert!(!below.fits(other), "{other}");
        }
        for wrong in ["", "*", "*.", "a.*.b", "a:80", "a:81", "a/b", "http://a"] {
            assert_eq!(HostPattern::parse(wrong), None, "{wrong}");
        }
    }
}
