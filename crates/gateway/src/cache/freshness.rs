//! Whether a response may be kept, and for how long, as Cloudflare says of its own cache: `s-maxage`, `max-age`,
//! `Expires`, else by its status; not what is private or sets a cookie.

use std::time::Duration;

use http::{HeaderMap, header};

/// Of a response that may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fresh {
    pub left: Duration,
    /// What it had already when it came.
    pub age: Duration,
}

/// Without a word on it, by status.
fn by_status(status: u16) -> Option<Duration> {
    let minutes = match status {
        200 | 301 => 120,
        302 | 303 => 20,
        404 | 410 => 3,
        _ => return None,
    };
    Some(Duration::from_secs(minutes * 60))
}

/// Longest that anything is called fresh.
const MOST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// `None`: it is not to be kept. Cookies that the response itself calls private are taken out.
pub fn of(status: u16, headers: &mut HeaderMap) -> Option<Fresh> {
    let control = Control::of(headers);
    if control.no_store || control.private || control.no_cache {
        return None;
    }
    if control.cookies_private {
        headers.remove(header::SET_COOKIE);
    }
    if headers.contains_key(header::SET_COOKIE) {
        return None;
    }
    let seconds = |name| headers.get(name).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    let age = Duration::from_secs(seconds(header::AGE).unwrap_or_default());
    let lifetime = match control.s_maxage.or(control.max_age) {
        Some(seconds) => Duration::from_secs(seconds).saturating_sub(age),
        None => match headers.get(header::EXPIRES) {
            // What cannot be read has expired.
            Some(expires) => {
                let at = httpdate::parse_http_date(expires.to_str().unwrap_or_default()).ok()?;
                at.duration_since(std::time::SystemTime::now()).ok()?
            }
            None => by_status(status)?,
        },
    };
    (!lifetime.is_zero()).then_some(Fresh { left: lifetime.min(MOST), age })
}

#[derive(Debug, Default)]
struct Control {
    no_store: bool,
    no_cache: bool,
    private: bool,
    cookies_private: bool,
    s_maxage: Option<u64>,
    max_age: Option<u64>,
}

impl Control {
    fn of(headers: &HeaderMap) -> Self {
        let mut this = Self::default();
        for value in headers.get_all(header::CACHE_CONTROL) {
            for directive in String::from_utf8_lossy(value.as_bytes()).split(',') {
                let (name, value) = directive.split_once('=').map_or((directive, None), |(n, v)| (n, Some(v)));
                let value = value.map(|value| value.trim().trim_matches('"'));
                // What cannot be read is no time at all.
                let seconds = || Some(value.and_then(|value| value.parse::<u64>().ok()).unwrap_or_default());
                match name.trim().to_ascii_lowercase().as_str() {
                    "no-store" => this.no_store = true,
                    "no-cache" if value.is_none() => this.no_cache = true,
                    "private" => match value {
                        Some(names) if names.eq_ignore_ascii_case("set-cookie") => this.cookies_private = true,
                        _ => this.private = true,
                    },
                    "s-maxage" => this.s_maxage = seconds(),
                    "max-age" => this.max_age = seconds(),
                    _ => {}
                }
            }
        }
        this
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(status: u16, lines: &[(&str, &str)]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        of(status, &mut headers).map(|fresh| fresh.left.as_secs())
    }

    #[test]
    fn headers_say_how_long() {
        for (value, wanted) in [
            ("max-age=60", Some(60)),
            ("Max-Age=\"60\"", Some(60)),
            ("public, max-age=60, s-maxage=5", Some(5)),
            ("s-maxage=0, max-age=60", None),
            ("max-age=0", None),
            ("max-age=x", None),
            ("no-store, max-age=60", None),
            ("no-cache", None),
            ("private, max-age=60", None),
            ("public", Some(7200)),
            ("max-age=99999999999", Some(31_536_000)),
        ] {
            assert_eq!(left(200, &[("cache-control", value)]), wanted, "{value}");
        }
        assert_eq!(left(200, &[("cache-control", "max-age=60"), ("age", "20")]), Some(40));
        assert_eq!(left(200, &[("cache-control", "max-age=60"), ("age", "60")]), None);
        assert_eq!(left(200, &[("expires", "Thu, 01 Jan 1970 00:00:00 GMT")]), None);
        assert_eq!(left(200, &[("expires", "0")]), None);
        let later = httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(100));
        assert!(left(200, &[("expires", &later)]).is_some_and(|left| (90..=100).contains(&left)));
        assert_eq!(left(200, &[("expires", "0"), ("cache-control", "max-age=5")]), Some(5));
        for (status, wanted) in [(200, Some(7200)), (302, Some(1200)), (404, Some(180)), (500, None), (201, None)] {
            assert_eq!(left(status, &[]), wanted, "{status}");
        }
    }

    #[test]
    fn cookies_are_nobody_elses() {
        assert_eq!(left(200, &[("set-cookie", "a=1"), ("cache-control", "max-age=5")]), None);
        let mut headers = HeaderMap::new();
        headers.insert(header::SET_COOKIE, "a=1".parse().unwrap());
        headers.insert(header::CACHE_CONTROL, "private=set-cookie, max-age=5".parse().unwrap());
        assert!(of(200, &mut headers).is_some());
        assert!(!headers.contains_key(header::SET_COOKIE));
    }
}
