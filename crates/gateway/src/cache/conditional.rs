//! What of a stored response a request wants: nothing when it has it already (`If-None-Match`, `If-Modified-Since`),
//! a part of it (`Range`), or all of it (RFC 9110, §§13 and 14).

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

/// The status, and the bytes; `None`: there is no body. Makes the headers those of that answer.
pub fn answer(status: u16, headers: &mut HeaderMap, bytes: &Bytes, asked: &HeaderMap) -> (u16, Option<Bytes>) {
    if status == 200 && is_known(headers, asked) {
        return (304, None);
    }
    if status == 200
        && let Some(range) = asked.get(header::RANGE)
        && is_same(headers, asked)
        && let Some(part) = part(range, bytes.len())
    {
        let Some((from, to)) = part else {
            headers.insert(header::CONTENT_RANGE, value(&format!("bytes */{}", bytes.len())));
            return (416, Some(Bytes::new()));
        };
        headers.insert(header::CONTENT_RANGE, value(&format!("bytes {from}-{}/{}", to - 1, bytes.len())));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(to - from));
        return (206, Some(bytes.slice(from..to)));
    }
    if matches!(status, 204 | 205 | 304) {
        return (status, None);
    }
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    (status, Some(bytes.clone()))
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn is_known(headers: &HeaderMap, asked: &HeaderMap) -> bool {
    let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    if asked.contains_key(header::IF_NONE_MATCH) {
        let Some(tag) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()) else { return false };
        let tags = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
        return tags.flat_map(|tags| tags.split(',')).any(|one| one.trim() == "*" || weak(one) == weak(tag));
    }
    let date = |headers: &HeaderMap, name| httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok();
    match (date(asked, header::IF_MODIFIED_SINCE), date(headers, header::LAST_MODIFIED)) {
        (Some(since), Some(modified)) => modified <= since,
        _ => false,
    }
}

/// A range is of the response that the request knows, or of any.
fn is_same(headers: &HeaderMap, asked: &HeaderMap) -> bool {
    let Some(known) = asked.get(header::IF_RANGE) else { return true };
    !known.as_bytes().starts_with(b"W/")
        && [header::ETAG, header::LAST_MODIFIED].iter().any(|name| headers.get(name) == Some(known))
}

/// From where to where; an inner `None`: nowhere in it. `None`: no range that is followed, such as one of several.
fn part(range: &HeaderValue, length: usize) -> Option<Option<(usize, usize)>> {
    let (from, to) = range.to_str().ok()?.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| text.trim().parse::<usize>().ok();
    if from.trim().is_empty() {
        let last = number(to)?;
        return Some((last > 0 && length > 0).then(|| (length.saturating_sub(last), length)));
    }
    let from = number(from)?;
    let to = if to.trim().is_empty() { length } else { number(to)?.saturating_add(1) };
    if to <= from {
        // One that ends before it begins is none; of nothing there is no part.
        return (from >= length).then_some(None);
    }
    Some((from < length).then(|| (from, to.min(length))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&str, &str)| {
            (http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap())
        };
        lines.iter().map(line).collect()
    }

    fn told(stored: &[(&str, &str)], asked: &[(&str, &str)]) -> (u16, String) {
        let bytes = Bytes::from_static(b"0123456789");
        let (status, bytes) = answer(200, &mut map(stored), &bytes, &map(asked));
        (status, String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap())
    }

    #[test]
    fn what_is_known_is_not_sent() {
        let stored = [("etag", "\"e\""), ("last-modified", "Wed, 21 Oct 2015 07:28:00 GMT")];
        for (asked, wanted) in [
            (("if-none-match", "\"e\""), 304),
            (("if-none-match", "W/\"e\""), 304),
            (("if-none-match", "\"x\", \"e\""), 304),
            (("if-none-match", "*"), 304),
            (("if-none-match", "\"x\""), 200),
            (("if-modified-since", "Wed, 21 Oct 2015 07:28:00 GMT"), 304),
            (("if-modified-since", "Wed, 21 Oct 2015 07:27:59 GMT"), 200),
            (("if-modified-since", "x"), 200),
        ] {
            assert_eq!(told(&stored, &[asked]).0, wanted, "{asked:?}");
        }
        assert_eq!(told(&[], &[("if-none-match", "*")]).0, 200);
        let both = [("if-none-match", "\"x\""), ("if-modified-since", "Wed, 21 Oct 2015 07:28:00 GMT")];
        assert_eq!(told(&stored, &both).0, 200);
    }

    #[test]
    fn ranges_are_cut_to_what_is_there() {
        for (range, status, text) in [
            ("bytes=2-4", 206, "234"),
            ("bytes=2-", 206, "23456789"),
            ("bytes=-3", 206, "789"),
            ("bytes=-30", 206, "0123456789"),
            ("bytes=8-99", 206, "89"),
            ("bytes=0-0", 206, "0"),
            ("bytes=10-", 416, ""),
            ("bytes=99-100", 416, ""),
            ("bytes=-0", 416, ""),
            ("bytes=4-2", 200, "0123456789"),
            ("bytes=0-1,3-4", 200, "0123456789"),
            ("items=0-1", 200, "0123456789"),
            ("bytes=a-b", 200, "0123456789"),
            ("bytes=0-18446744073709551615", 206, "0123456789"),
        ] {
            assert_eq!(told(&[], &[("range", range)]), (status, text.into()), "{range}");
        }
        let stored = [("etag", "\"e\"")];
        assert_eq!(told(&stored, &[("range", "bytes=0-1"), ("if-range", "\"e\"")]).0, 206);
        assert_eq!(told(&stored, &[("range", "bytes=0-1"), ("if-range", "\"x\"")]).0, 200);
    }
}
