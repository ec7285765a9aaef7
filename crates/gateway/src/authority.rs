//! One canonical authority for every request. Whom a request is for is decided by its host, so a
//! request that names two hosts, or none, or a malformed one, is refused and no resolver sees it.

use std::fmt::Write as _;
use std::net::Ipv6Addr;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri, header};

/// The host a request is for, in its one canonical spelling: lower case, no trailing dot, no user
/// info, an IPv6 literal in brackets and in its shortest form. Punycode is left as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// `host` or `host:port`, as the Worker sees it in `request.url`. ASCII.
    text: HeaderValue,
    /// Length of the host in `text`.
    host_len: usize,
}

impl Authority {
    /// The host without the port. IPv6 literals keep their brackets.
    pub fn host(&self) -> &str {
        self.as_str().get(..self.host_len).unwrap_or_default()
    }

    /// `host`, or `host:port` where the client gave another port than its scheme's own.
    pub fn as_str(&self) -> &str {
        self.text.to_str().unwrap_or_default()
    }

    /// As the header `Host`.
    pub fn value(&self) -> &HeaderValue {
        &self.text
    }

    /// Reads the authority from the target (absolute form, or HTTP/2's `:authority`) and the Host
    /// headers. Where both are there they must mean the same. `https`: port 443 goes without saying, else 80.
    ///
    /// # Errors
    /// [`AuthorityError`], for which the client gets a 400.
    pub fn of(uri: &Uri, headers: &HeaderMap, http2: bool, https: bool) -> Result<Self, AuthorityError> {
        let own = if https { 443 } else { 80 };
        let mut hosts = headers.get_all(header::HOST).iter();
        let (first, second) = (hosts.next(), hosts.next());
        if second.is_some() {
            return Err(AuthorityError::Several);
        }
        let host = match first {
            Some(value) => {
                let text = value.to_str().map_err(|_| AuthorityError::Malformed)?;
                Some(Self::spelled(text, Some(value), own)?)
            }
            None => None,
        };
        let target = match uri.authority() {
            Some(authority) => Some(Self::read(authority.as_str(), own)?),
            None => None,
        };
        match (target, host) {
            (Some(target), Some(host)) if target == host => Ok(host),
            (Some(_), Some(_)) => Err(AuthorityError::Conflict),
            // HTTP/1.1 asks for Host even with an absolute target (RFC 9112 §3.2).
            (Some(target), None) if http2 => Ok(target),
            (None, Some(host)) => Ok(host),
            (_, None) => Err(AuthorityError::Missing),
        }
    }

    /// Reads one `host[:port]` of http.
    ///
    /// # Errors
    /// [`AuthorityError::Malformed`] for anything that is not a host name of at most 253 bytes in
    /// labels of 1 to 63 of `A-Z a-z 0-9 _ -`, an IPv4 address, or an IPv6 address in brackets,
    /// with or without a port.
    pub fn parse(text: &str) -> Result<Self, AuthorityError> {
        Self::read(text, 80)
    }

    /// As [`Authority::parse`]; `own`: the port that goes without saying.
    ///
    /// # Errors
    /// As [`Authority::parse`].
    pub fn read(text: &str, own: u16) -> Result<Self, AuthorityError> {
        Self::spelled(text, None, own)
    }

    /// `given`: the header whose text it is, which is taken as it is where it is canonical, as it mostly is.
    fn spelled(text: &str, given: Option<&HeaderValue>, own: u16) -> Result<Self, AuthorityError> {
        let malformed = AuthorityError::Malformed;
        if let Some(rest) = text.strip_prefix('[') {
            let (address, after) = rest.split_once(']').ok_or(malformed)?;
            let address: Ipv6Addr = address.parse().map_err(|_| malformed)?;
            return Self::written(format!("[{address}]"), port(after, own)?);
        }
        let (length, written) = host_name(text).ok_or(malformed)?;
        let (name, after) = (&text[..length], &text[written..]);
        let port = port(after, own)?;
        let is_canonical = length == written
            && !name.bytes().any(|byte| byte.is_ascii_uppercase())
            && (after.is_empty() || port.is_some() && !after.starts_with(":0"));
        match given {
            Some(given) if is_canonical => Ok(Self { text: given.clone(), host_len: length }),
            _ => Self::written(name.to_ascii_lowercase(), port),
        }
    }

    fn written(mut text: String, port: Option<u16>) -> Result<Self, AuthorityError> {
        let host_len = text.len();
        if let Some(port) = port {
            let _ = write!(text, ":{port}");
        }
        let text = HeaderValue::from_maybe_shared(Bytes::from(text)).map_err(|_| AuthorityError::Malformed)?;
        Ok(Self { text, host_len })
    }
}

/// What stands behind a host: nothing, or a port, which `None` is where it goes without saying.
fn port(after: &str, own: u16) -> Result<Option<u16>, AuthorityError> {
    let malformed = AuthorityError::Malformed;
    let port = match after.strip_prefix(':') {
        Some(port) => port,
        None if after.is_empty() => "",
        None => return Err(malformed),
    };
    if port.is_empty() {
        return Ok(None);
    }
    let digits = port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    let port: u16 = if digits { port.parse().map_err(|_| malformed)? } else { return Err(malformed) };
    // The default port is not part of an origin; one spelling for both.
    Ok((port != own).then_some(port))
}

/// How many bytes the host name takes with which a text begins, and how many with its last dot. `None`: it is none, or
/// what follows is no port. Read in one go, since each request has one.
fn host_name(text: &str) -> Option<(usize, usize)> {
    let (mut label, mut end) = (0, text.len());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => label += 1,
            b'.' if (1..=63).contains(&label) => label = 0,
            b':' => {
                end = at;
                break;
            }
            _ => return None,
        }
    }
    let length = if label == 0 { end.checked_sub(1)? } else { end };
    (label <= 63 && (1..=253).contains(&length)).then_some((length, end))
}

/// Why a request has no one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    #[error("the request names no host")]
    Missing,
    #[error("the request has more than one Host header")]
    Several,
    #[error("the request's host is not a valid host name")]
    Malformed,
    #[error("the request's target and its Host header name different hosts")]
    Conflict,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Option<String> {
        Authority::parse(text).ok().map(|a| a.as_str().to_owned())
    }

    #[test]
    fn one_spelling_for_every_host() {
        for (given, wanted) in [
            ("Hello.LocalHost", "hello.localhost"),
            ("hello.localhost.", "hello.localhost"),
            ("hello.localhost.:8080", "hello.localhost:8080"),
            ("a.example:80", "a.example"),
            ("a.example:", "a.example"),
            ("a.example:00443", "a.example:443"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("my_app.example", "my_app.example"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]:8080", "[::1]:8080"),
            ("[0:0:0:0:0:0:0:1]", "[::1]"),
        ] {
            assert_eq!(canonical(given).as_deref(), Some(wanted), "{given}");
        }
        assert_eq!(Authority::parse("A.b:81").unwrap().host(), "a.b");
        assert_eq!(Authority::parse("[::1]:81").unwrap().host(), "[::1]");
    }

    #[test]
    fn malformed_hosts_are_refused() {
        let long = format!("{}.example", "a".repeat(64));
        for bad in [
            "",
            ".",
            "a..b",
            ".a",
            "a..",
            "u@a",
            "a/b",
            "a b",
            "a:b",
            "a:99999",
            "a:1:2",
            "a:+1",
            "a%41",
            "ä",
            "a,b",
            "[::1",
            "[::1]x",
            "[fe80::1%25eth0]",
            "::1",
            "[1.2.3.4]",
            "a\tb",
            "a?b",
            "a#b",
            &long,
        ] {
            assert_eq!(canonical(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn target_and_header_must_agree() {
        let of = |uri: &str, hosts: &[&str], http2| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, host.parse().unwrap());
            }
            Authority::of(&uri.parse().unwrap(), &headers, http2, false).map(|a| a.as_str().to_owned())
        };
        assert_eq!(of("/x", &["a"], false).unwrap(), "a");
        assert_eq!(of("http://A./x", &["a"], false).unwrap(), "a");
        assert_eq!(of("http://a/x", &["b"], false), Err(AuthorityError::Conflict));
        assert_eq!(of("http://a/x", &[], false), Err(AuthorityError::Missing));
        assert_eq!(of("http://a/x", &[], true).unwrap(), "a");
        assert_eq!(of("http://a/x", &["evil"], true), Err(AuthorityError::Conflict));
        assert_eq!(of("http://u@a/x", &[], true), Err(AuthorityError::Malformed));
        assert_eq!(of("/x", &["a", "a"], false), Err(AuthorityError::Several));
        assert_eq!(of("/x", &[], true), Err(AuthorityError::Missing));
    }

    #[test]
    fn each_scheme_has_a_port_that_goes_without_saying() {
        for (host, http, https) in
            [("a:80", "a", "a:80"), ("a:443", "a:443", "a"), ("a", "a", "a"), ("[::1]:443", "[::1]:443", "[::1]")]
        {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            let of = |https| Authority::of(&Uri::from_static("/"), &headers, false, https).unwrap();
            assert_eq!((of(false).as_str(), of(true).as_str()), (http, https));
        }
        let headers = HeaderMap::from_iter([(header::HOST, "a".parse().unwrap())]);
        let uri = Uri::from_static("https://a:443/");
        assert_eq!(Authority::of(&uri, &headers, true, true).unwrap().as_str(), "a");
        assert_eq!(Authority::of(&uri, &headers, true, false), Err(AuthorityError::Conflict));
    }

    /// Spelled by one rule each, so that it is known without reading them whether two of them mean the same.
    #[test]
    fn of_ten_thousand_pairs_those_agree_that_mean_the_same() {
        const NAMES: [&str; 6] = ["a", "b", "a.b", "aa", "xn--a", "10.0.0.1"];
        const PORTS: [&str; 4] = ["", "80", "81", "8080"];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut below = |most: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 20) as usize % most
        };
        // What it means (`None`: nothing) and how it is written.
        let mut spelled = || {
            let (name, port) = (below(NAMES.len()), below(PORTS.len()));
            let mut text: String = NAMES[name].to_owned();
            if below(2) == 0 {
                text.make_ascii_uppercase();
            }
            if below(3) == 0 {
                text.push('.');
            }
            match PORTS[port] {
                "" if below(4) == 0 => text.push(':'),
                "" => {}
                port if below(4) == 0 => text += &format!(":0{port}"),
                port => text += &format!(":{port}"),
            }
            let spoilt = match below(12) {
                0 => Some("u@".to_owned() + &text),
                1 => Some(text.clone() + ":1:1"),
                2 => Some(text.replace('a', "a..")),
                3 => Some(text.clone() + "%2e"),
                _ => None,
            };
            let spoilt = spoilt.filter(|spoilt| *spoilt != text);
            let means = spoilt.is_none().then_some((name, port.max(1)));
            (means, spoilt.unwrap_or(text))
        };
        let mut agreed = 0;
        for _ in 0..10_000 {
            let ((target_means, target), (host_means, host)) = (spelled(), spelled());
            let Ok(uri) = format!("http://{target}/x").parse::<Uri>() else { continue };
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            for http2 in [false, true] {
                let found = Authority::of(&uri, &headers, http2, false);
                let wanted = target_means.is_some() && target_means == host_means;
                assert_eq!(found.is_ok(), wanted, "{target:?} and {host:?}: {found:?}");
                if let Ok(found) = found {
                    // Nobody who reads it again takes it for another.
                    assert_eq!(Authority::parse(found.as_str()).as_ref(), Ok(&found));
                    agreed += 1;
                }
            }
        }
        assert!(agreed > 200, "{agreed}");
    }
}
