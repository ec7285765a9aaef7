//! Follows redirects as Cloudflare's runtime does, one hop at a time, so that every hop is checked like the first:
//! methods change as the fetch standard says (§4.4 HTTP-redirect fetch), and of the headers only `Authorization`
//! stays behind, where the next hop is another origin.

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use switchyard_runtime::{Body, Cf, FetchError, FetchRequest, RedirectMode};
use url::Url;

/// Bytes of an error that lists where it went.
const MAX_MESSAGE: usize = 4096;

/// A request on its way through redirects.
pub struct Journey {
    pub method: Method,
    pub url: Url,
    /// As the Worker wrote it; other Workers see that, the network the normalised one.
    pub written: String,
    pub headers: HeaderMap,
    body: Kept,
    mode: RedirectMode,
    /// The last response's body is wanted as it comes.
    pub raw: bool,
    /// What another Worker reads as its `request.cf`.
    pub cf: Cf,
    /// Where the hops before were, for the error that there were too many.
    before: Vec<String>,
    max_hops: u32,
}

/// The body, as far as it can be sent again.
enum Kept {
    Unsent(Body),
    Whole(Bytes),
    None,
    /// A stream that was read by the first hop.
    Gone,
}

impl Journey {
    /// # Errors
    /// A TypeError for a URL that cannot be parsed.
    pub fn new(request: FetchRequest, max_hops: u32) -> Result<Self, FetchError> {
        let url =
            Url::parse(&request.url).map_err(|_| FetchError::type_error(format!("Invalid URL: {}", request.url)))?;
        let body = match request.body {
            Body::Empty => Kept::None,
            Body::Whole(bytes) => Kept::Whole(bytes),
            stream => Kept::Unsent(stream),
        };
        let FetchRequest { method, url: written, headers, redirect: mode, raw, cf, .. } =
            FetchRequest { body: Body::Empty, ..request };
        Ok(Self { method, url, written, headers, body, mode, raw, cf, before: Vec::new(), max_hops })
    }

    /// The headers for a hop to a Worker. Copied only where there may be another hop.
    pub fn take_headers(&mut self) -> HeaderMap {
        match self.mode {
            RedirectMode::Follow => self.headers.clone(),
            RedirectMode::Manual | RedirectMode::Error => std::mem::take(&mut self.headers),
        }
    }

    /// The body for the hop at hand.
    pub fn take_body(&mut self) -> Body {
        match std::mem::replace(&mut self.body, Kept::Gone) {
            Kept::Unsent(body) => body,
            Kept::Whole(bytes) => {
                self.body = Kept::Whole(bytes.clone());
                Body::Whole(bytes)
            }
            Kept::None | Kept::Gone => {
                self.body = Kept::None;
                Body::Empty
            }
        }
    }

    /// Whether some hop was followed.
    pub fn redirected(&self) -> bool {
        !self.before.is_empty()
    }

    /// Looks at a response's head. True: the journey goes on, with the next hop in its fields.
    ///
    /// # Errors
    /// What the Worker's `fetch` rejects with.
    pub fn follow(&mut self, status: u16, headers: &HeaderMap) -> Result<bool, FetchError> {
        if !matches!(status, 301 | 302 | 303 | 307 | 308) || self.mode == RedirectMode::Manual {
            return Ok(false);
        }
        let Some(location) = headers.get(header::LOCATION) else { return Ok(false) };
        if self.mode == RedirectMode::Error {
            return Err(FetchError::type_error("Unexpected redirect, and the request's redirect mode is \"error\"."));
        }
        let location = String::from_utf8_lossy(location.as_bytes());
        let next = self.url.join(&location).ok().filter(|next| matches!(next.scheme(), "http" | "https"));
        let Some(mut next) = next else {
            return Err(FetchError::type_error("Invalid Location header; unable to follow redirect."));
        };
        if next.fragment().is_none() {
            next.set_fragment(self.url.fragment());
        }
        self.before.push(self.url.to_string());
        if self.before.len() > self.max_hops as usize {
            let mut message = format!("Too many redirects.{}", self.before.join(", "));
            message.truncate(message.floor_char_boundary(MAX_MESSAGE));
            return Err(FetchError::type_error(message));
        }
        let to_get = match status {
            301 | 302 => self.method == Method::POST,
            303 => self.method != Method::GET && self.method != Method::HEAD,
            _ => false,
        };
        if to_get {
            self.method = Method::GET;
            self.body = Kept::None;
            self.headers.remove(header::CONTENT_LENGTH);
        }
        if matches!(self.body, Kept::Gone) {
            return Err(FetchError::type_error(
                "A request with a one-time-use body (it was initialized from a stream, not a buffer) encountered a \
                 redirect requiring the body to be retransmitted. To avoid this error in the future, construct this \
                 request from a buffer-like body initializer.",
            ));
        }
        if self.url.origin() != next.origin() {
            self.headers.remove(header::AUTHORIZATION);
        }
        self.headers.remove(header::HOST);
        self.written = next.to_string();
        self.url = next;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journey(method: Method, body: Body, mode: RedirectMode) -> Journey {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::AUTHORIZATION, "a"), (header::COOKIE, "c"), (header::CONTENT_TYPE, "t")] {
            headers.insert(name, value.parse().unwrap());
        }
        let url = "http://a.example/x#f".into();
        Journey::new(FetchRequest { method, url, headers, redirect: mode, raw: false, body, cf: Cf::None }, 2).unwrap()
    }

    fn to(location: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::LOCATION, location.parse().unwrap())])
    }

    fn stream() -> Body {
        Body::stream(http_body_util::Full::new(Bytes::from_static(b"x")))
    }

    #[test]
    fn a_post_becomes_a_get() {
        for (status, kept) in [(301, false), (302, false), (303, false), (307, true), (308, true)] {
            let mut journey = journey(Method::POST, "body".into(), RedirectMode::Follow);
            journey.take_body();
            assert!(journey.follow(status, &to("/y")).unwrap());
            assert_eq!(journey.url.as_str(), "http://a.example/y#f");
            assert_eq!(journey.method == Method::POST, kept, "{status}");
            assert!(journey.headers.contains_key(header::CONTENT_TYPE));
            assert_eq!(matches!(journey.take_body(), Body::Whole(_)), kept);
            assert!(journey.headers.contains_key(header::AUTHORIZATION));
        }
    }

    #[test]
    fn another_origin_gets_no_credentials() {
        for location in ["http://b.example/", "https://a.example/", "//a.example:81/"] {
            let mut journey = journey(Method::GET, Body::Empty, RedirectMode::Follow);
            assert!(journey.follow(302, &to(location)).unwrap());
            assert!(!journey.headers.contains_key(header::AUTHORIZATION), "{location}");
            assert!(journey.headers.contains_key(header::COOKIE));
        }
    }

    #[test]
    fn a_stream_is_sent_once() {
        let mut journey = journey(Method::POST, stream(), RedirectMode::Follow);
        assert!(matches!(journey.take_body(), Body::Stream(_)));
        assert!(journey.follow(307, &to("/y")).unwrap_err().message.contains("one-time-use body"));
    }

    #[test]
    fn modes_and_bounds() {
        assert!(!journey(Method::GET, Body::Empty, RedirectMode::Manual).follow(302, &to("/y")).unwrap());
        assert!(journey(Method::GET, Body::Empty, RedirectMode::Error).follow(302, &to("/y")).is_err());
        let mut journey = journey(Method::GET, Body::Empty, RedirectMode::Follow);
        assert!(!journey.follow(200, &to("/y")).unwrap());
        assert!(!journey.follow(302, &HeaderMap::new()).unwrap());
        assert!(journey.follow(302, &to("/1")).unwrap() && journey.follow(302, &to("/2")).unwrap());
        assert_eq!(
            journey.follow(302, &to("/3")).unwrap_err().message,
            "Too many redirects.http://a.example/x#f, http://a.example/1#f, http://a.example/2#f"
        );
        for nowhere in ["http://", "data:,x", "ftp://a/", "http://a:99999/"] {
            let error = self::journey(Method::GET, Body::Empty, RedirectMode::Follow).follow(302, &to(nowhere));
            assert!(error.unwrap_err().message.starts_with("Invalid Location header"), "{nowhere}");
        }
    }
}
