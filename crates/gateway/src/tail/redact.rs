//! What of a request's head no log shows, by Cloudflare's rules for `TraceItem` requests: values of
//! headers that carry credentials, and ids in URLs that may be some.

use http::{HeaderName, Uri};

pub const REDACTED: &str = "REDACTED";

/// Whether a header's value is hidden.
pub fn is_sensitive(name: &HeaderName) -> bool {
    const PARTS: [&str; 5] = ["auth", "key", "secret", "token", "jwt"];
    let name = name.as_str();
    matches!(name, "cookie" | "set-cookie") || PARTS.iter().any(|part| name.contains(part))
}

/// The URL, with `REDACTED` in place of runs of 32 or more hex digits, and of 21 or more characters
/// that look like base64: at least two upper-case, two lower-case letters and two digits.
pub fn url(uri: &Uri) -> String {
    let text = uri.to_string();
    let in_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+');
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let end = rest.find(|c| !in_id(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        shown.push_str(if is_id(run) { REDACTED } else { run });
        let next = after.find(in_id).unwrap_or(after.len());
        let (between, next) = after.split_at(next);
        shown.push_str(between);
        rest = next;
    }
    shown
}

fn is_id(run: &str) -> bool {
    let count = |fits: fn(&u8) -> bool| run.bytes().filter(fits).count();
    let hex = count(u8::is_ascii_hexdigit);
    let all_hex = run.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    (all_hex && hex >= 32)
        || (run.len() >= 21
            && count(u8::is_ascii_uppercase) >= 2
            && count(u8::is_ascii_lowercase) >= 2
            && count(u8::is_ascii_digit) >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_hidden_and_the_rest_is_not() {
        for name in [
            "authorization",
            "cookie",
            "set-cookie",
            "x-api-key",
            "x-csrf-token",
            "client-secret",
            "cf-access-jwt-assertion",
        ] {
            assert!(is_sensitive(&HeaderName::from_static(name)), "{name}");
        }
        for name in ["accept", "user-agent", "cf-ray", "x-cookie"] {
            assert!(!is_sensitive(&HeaderName::from_static(name)), "{name}");
        }
    }

    #[test]
    fn ids_in_urls_are_hidden() {
        let shown = |text: &str| url(&text.parse().unwrap());
        let plain = "http://shop.test/a/b-c_d?page=2&q=%20x";
        assert_eq!(shown(plain), plain);
        assert_eq!(shown("http://x.test/0123456789abcdef0123456789ABCDEF/a"), "http://x.test/REDACTED/a");
        assert_eq!(
            shown("http://x.test/0123456789abcdef0123456789abcde"),
            "http://x.test/0123456789abcdef0123456789abcde"
        );
        assert_eq!(shown("http://x.test/?id=7d3b0c6e-5a0f-4f0e-9a57-4f3f5a9d1c11"), "http://x.test/?id=REDACTED");
        assert_eq!(shown("http://x.test/?t=aB1cD2eF3gH4iJ5kL6mN7&u=1"), "http://x.test/?t=REDACTED&u=1");
        assert_eq!(shown("http://x.test/?t=aB1cD2eF3gH4iJ5kL6mN"), "http://x.test/?t=aB1cD2eF3gH4iJ5kL6mN");
    }
}
