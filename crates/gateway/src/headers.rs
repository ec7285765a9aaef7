//! Which headers cross the gateway. Hop-by-hop ones end here in both directions; what a Worker
//! learns of its client's address comes from the socket and replaces whatever the client claimed.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::authority::Authority;
use crate::loops::CDN_LOOP;

/// A request's id, for logs and support, in Cloudflare's name for it.
pub const RAY: HeaderName = HeaderName::from_static("cf-ray");

const CONNECTING_IP: HeaderName = HeaderName::from_static("cf-connecting-ip");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// How many a Worker sees that its client did not send.
const OURS_IN: usize = 7;

/// Headers of one connection only (RFC 9110 §7.6.1), besides those that `Connection` lists.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
];

/// What only this gateway may say to a Worker. A client's own are dropped, in every spelling that a
/// Worker could take for them.
const OURS: [&str; 17] = [
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "cf-connecting-o2o",
    "cf-ew-via",
    "cf-ipcountry",
    "cf-pseudo-ipv4",
    "cf-ray",
    "cf-visitor",
    "cf-worker",
    "cloudflare-workers-version-key",
    "cloudflare-workers-version-overrides",
    "forwarded",
    "true-client-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

/// Removes what ends at this hop.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let mut listed = Vec::new();
        for value in headers.get_all(header::CONNECTION) {
            let names = value.to_str().unwrap_or_default().split(',');
            listed.extend(names.filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok()));
        }
        for name in listed {
            // The host is not the connection's, whatever `Connection` says.
            if name != header::HOST {
                headers.remove(name);
            }
        }
    }
    // Comparing the few that there are costs less than looking up the eight.
    if headers.keys().any(|name| HOP_BY_HOP.contains(name)) {
        for name in &HOP_BY_HOP {
            headers.remove(name);
        }
    }
}

/// Makes a client's headers those a Worker sees.
///
/// Call [`remove_hop_by_hop`] first, so that `Connection: cf-connecting-ip` can not remove ours.
///
/// `address`: the client's, as text.
pub fn describe_client(
    headers: &mut HeaderMap,
    authority: &Authority,
    address: &HeaderValue,
    https: bool,
    ray: &HeaderValue,
) {
    // A server that turns `_` into `-`, as CGI does, would take `x_forwarded_for` for ours.
    let spoofed = |name: &HeaderName| {
        let name = name.as_str();
        match name.as_bytes().first() {
            Some(b'c' | b'f' | b't' | b'x') if name.contains('_') => OURS.contains(&name.replace('_', "-").as_str()),
            Some(b'c' | b'f' | b't' | b'x') => OURS.contains(&name),
            _ => false,
        }
    };
    if headers.keys().any(spoofed) {
        let names: Vec<HeaderName> = headers.keys().filter(|name| spoofed(name)).cloned().collect();
        for name in names {
            headers.remove(name);
        }
    }

    // Room for all of them at once.
    headers.reserve(OURS_IN);
    headers.insert(CONNECTING_IP, address.clone());
    headers.insert(REAL_IP, address.clone());
    headers.insert(FORWARDED_FOR, address.clone());
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static(if https { "https" } else { "http" }));
    if headers.get(header::HOST) != Some(authority.value()) {
        headers.insert(header::HOST, authority.value().clone());
    }
    headers.insert(FORWARDED_HOST, authority.value().clone());
    headers.insert(RAY, ray.clone());
}

/// Whether a header is free to name a tenant: neither the connection, nor framing, nor this gateway
/// give it a meaning.
pub fn is_free(name: &HeaderName) -> bool {
    let taken = [header::HOST, header::CONTENT_LENGTH, header::EXPECT, CDN_LOOP];
    !(HOP_BY_HOP.contains(name) || taken.contains(name) || OURS.iter().any(|ours| alike(ours, name.as_str())))
}

/// Whether a server could take one name for the other: CGI and its heirs make one character of all
/// punctuation.
pub fn alike(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes()
            .zip(b.bytes())
            .all(|(a, b)| a.eq_ignore_ascii_case(&b) || !a.is_ascii_alphanumeric() && !b.is_ascii_alphanumeric())
}

/// Whether the client would rather read a page than a line: its `Accept` names HTML.
pub fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .is_some_and(|accept| accept.as_bytes().windows(9).any(|window| window.eq_ignore_ascii_case(b"text/html")))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::listen::Peer;

    fn map(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn hop_by_hop_headers_end_here() {
        let mut headers = map(&[
            ("connection", "close, X-Once"),
            ("x-once", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("transfer-encoding", "chunked"),
            ("trailer", "x"),
            ("x-stays", "1"),
        ]);
        remove_hop_by_hop(&mut headers);
        assert_eq!(headers, map(&[("x-stays", "1")]));

        let mut headers = map(&[("connection", "host"), ("host", "a")]);
        remove_hop_by_hop(&mut headers);
        assert_eq!(headers, map(&[("host", "a")]));
    }

    #[test]
    fn the_client_cannot_say_where_it_is() {
        let mut headers = map(&[
            ("x-forwarded-for", "6.6.6.6"),
            ("cf-connecting-ip", "6.6.6.6"),
            ("x_real_ip", "6.6.6.6"),
            ("forwarded", "for=6.6.6.6"),
            ("true-client-ip", "6.6.6.6"),
            ("cf-worker", "x"),
            ("cloudflare-workers-version-key", "x"),
            ("cloudflare_workers_version_overrides", "x"),
            ("x-mine", "1"),
        ]);
        let authority = Authority::parse("a.example:8080").unwrap();
        let ray = HeaderValue::from_static("0123456789abcdef");
        let peer = Peer::plain(SocketAddr::new("::ffff:192.0.2.7".parse().unwrap(), 1));
        describe_client(&mut headers, &authority, &peer.text, false, &ray);
        assert_eq!(
            headers,
            map(&[
                ("x-mine", "1"),
                ("cf-connecting-ip", "192.0.2.7"),
                ("x-real-ip", "192.0.2.7"),
                ("x-forwarded-for", "192.0.2.7"),
                ("x-forwarded-proto", "http"),
                ("host", "a.example:8080"),
                ("x-forwarded-host", "a.example:8080"),
                ("cf-ray", "0123456789abcdef"),
            ])
        );
    }

    #[test]
    fn names_alike_differ_in_punctuation_alone() {
        for other in ["x-tenant", "x_tenant", "X-Tenant", "x.tenant"] {
            assert!(alike("x-tenant", other), "{other}");
        }
        for other in ["xtenant", "x-tenant-", "x-tenans", "xx-enant"] {
            assert!(!alike("x-tenant", other), "{other}");
        }
        for taken in ["host", "connection", "content-length", "cf-ray", "x_real_ip", "cdn-loop"] {
            assert!(!is_free(&HeaderName::from_static(taken)), "{taken}");
        }
        assert!(is_free(&HeaderName::from_static("x-tenant")));
    }

    #[test]
    fn html_only_for_those_who_ask() {
        assert!(wants_html(&map(&[("accept", "text/HTML,application/xhtml+xml")])));
        assert!(!wants_html(&map(&[("accept", "*/*")])));
        assert!(!wants_html(&map(&[])));
    }
}
