//! Which of an answer's trailers reach the client: none that would have had to be in the head, because
//! they frame the message, say who may read it, or are for one connection (RFC 9110 §6.5.1).

use http::{HeaderMap, HeaderName, header};

use crate::headers::{RAY, remove_hop_by_hop};

/// Those of a head alone.
const OF_HEADS: [HeaderName; 24] = [
    header::AGE,
    header::AUTHORIZATION,
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_SECURITY_POLICY,
    header::CONTENT_TYPE,
    header::DATE,
    header::EXPECT,
    header::EXPIRES,
    header::HOST,
    header::LOCATION,
    header::MAX_FORWARDS,
    header::PRAGMA,
    header::PROXY_AUTHORIZATION,
    header::RANGE,
    header::REFRESH,
    header::RETRY_AFTER,
    header::SET_COOKIE,
    header::STRICT_TRANSPORT_SECURITY,
    header::VARY,
    header::WARNING,
    header::WWW_AUTHENTICATE,
];

/// What is left of an origin's trailers.
pub fn fit(mut trailers: HeaderMap) -> HeaderMap {
    remove_hop_by_hop(&mut trailers);
    trailers.remove(RAY); // ours to say, in the head
    for name in &OF_HEADS {
        trailers.remove(name);
    }
    trailers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_into_a_head_is_left_out() {
        let lines =
            [("grpc-status", "0"), ("set-cookie", "a=b"), ("content-length", "3"), ("connection", "x-a"), ("x-a", "1")];
        let trailers = lines.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        let left = fit(trailers.into_iter().collect());
        assert_eq!(left.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["grpc-status"]);
    }
}
