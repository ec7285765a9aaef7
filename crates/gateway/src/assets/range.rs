//! One byte range (RFC 9110 §14). Several at once are answered with the whole, which is allowed.

use std::ops::Range;

use http::{HeaderMap, header};

/// What a request's `Range` asks of a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    Whole,
    Part(Range<u64>),
    /// Nothing of the file: 416.
    Unsatisfiable,
}

/// `etag` is the file's, with its quotes.
pub fn asked(headers: &HeaderMap, etag: &str, size: u64) -> Asked {
    let mut values = headers.get_all(header::RANGE).iter();
    let (Some(range), None) = (values.next(), values.next()) else { return Asked::Whole };
    // The part is wanted of this very file alone.
    if headers.get(header::IF_RANGE).is_some_and(|wanted| wanted.as_bytes() != etag.as_bytes()) {
        return Asked::Whole;
    }
    let Some(spec) = range.to_str().ok().and_then(|text| text.trim().strip_prefix("bytes=")) else {
        return Asked::Whole;
    };
    let Some((first, last)) = spec.trim().split_once('-') else { return Asked::Whole };
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().unwrap_or(u64::MAX));
    match (first, last) {
        ("", "") => Asked::Whole,
        ("", suffix) => match number(suffix) {
            None => Asked::Whole,
            Some(0) => Asked::Unsatisfiable,
            Some(_) if size == 0 => Asked::Unsatisfiable,
            Some(length) => Asked::Part(size.saturating_sub(length)..size),
        },
        (first, last) => match (number(first), if last.is_empty() { Some(u64::MAX) } else { number(last) }) {
            (Some(first), Some(last)) if first > last => Asked::Whole,
            (Some(first), Some(_)) if first >= size => Asked::Unsatisfiable,
            (Some(first), Some(last)) => Asked::Part(first..last.saturating_add(1).min(size)),
            _ => Asked::Whole,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        for (text, expected) in [
            ("bytes=0-3", Asked::Part(0..4)),
            ("bytes=5-", Asked::Part(5..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-30", Asked::Part(0..10)),
            ("bytes=9-99", Asked::Part(9..10)),
            ("bytes=0-99999999999999999999999", Asked::Part(0..10)),
            ("bytes=10-", Asked::Unsatisfiable),
            ("bytes=-0", Asked::Unsatisfiable),
            ("bytes=4-3", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("lines=1-2", Asked::Whole),
        ] {
            let headers = HeaderMap::from_iter([(header::RANGE, text.parse().unwrap())]);
            assert_eq!(asked(&headers, "\"e\"", 10), expected, "{text}");
        }
        assert_eq!(asked(&HeaderMap::new(), "\"e\"", 10), Asked::Whole);
        let mut headers = HeaderMap::from_iter([(header::RANGE, "bytes=0-1".parse().unwrap())]);
        headers.insert(header::IF_RANGE, "\"e\"".parse().unwrap());
        assert_eq!(asked(&headers, "\"e\"", 10), Asked::Part(0..2));
        assert_eq!(asked(&headers, "\"other\"", 10), Asked::Whole);
    }
}
