//! W3C Trace Context (level 1): `traceparent` and `tracestate` as they come in and go out. What a client
//! or a Worker wrote and is not valid counts as if it were not there; what is too long is not passed on.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::ids::write_hex;

pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Of `traceparent` in version 00.
const LENGTH: usize = 55;
/// What a later version may append and still be read.
const MOST: usize = 256;
/// Of `tracestate`: members, and bytes of all of them.
const MEMBERS: usize = 32;
const STATE_BYTES: usize = 512;
const SAMPLED: u8 = 1;

/// What `traceparent` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    pub trace: u128,
    pub span: u64,
    pub sampled: bool,
}

impl Parent {
    /// `None`: there is none, there are two, or it is not valid.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let value = values.next()?;
        if values.next().is_some() {
            return None;
        }
        Self::parse(value.as_bytes())
    }

    fn parse(value: &[u8]) -> Option<Self> {
        let fixed = value.get(..LENGTH)?;
        let version = hex(&fixed[..2])?;
        let fits = match version {
            0 => value.len() == LENGTH,
            0xff => false,
            // A later version: what follows is its own business.
            _ => value.len() == LENGTH || value[LENGTH] == b'-' && value.len() <= MOST,
        };
        if !fits || fixed[2] != b'-' || fixed[35] != b'-' || fixed[52] != b'-' {
            return None;
        }
        let (trace, span) = (hex(&fixed[3..35])?, u64::try_from(hex(&fixed[36..52])?).ok()?);
        let flags = u8::try_from(hex(&fixed[53..])?).ok()?;
        (trace != 0 && span != 0).then_some(Self { trace, span, sampled: flags & SAMPLED != 0 })
    }

    /// As it goes out.
    pub fn value(&self) -> HeaderValue {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write_hex(&mut text[3..35], &self.trace.to_be_bytes());
        write_hex(&mut text[36..52], &self.span.to_be_bytes());
        if self.sampled {
            text[54] = b'1';
        }
        HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// Digits are lower-case, as the standard has them.
fn hex(text: &[u8]) -> Option<u128> {
    text.iter().try_fold(0, |number: u128, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

/// What goes along unread, as one line. `None`: nothing does, or it breaks a rule and goes as a whole.
pub fn state(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut lines = headers.get_all(TRACESTATE).iter();
    let first = lines.next()?;
    let all = match lines.next() {
        None => first.clone(),
        Some(second) => {
            let mut joined = [first.as_bytes(), b",", second.as_bytes()].concat();
            for line in lines {
                joined.push(b',');
                joined.extend_from_slice(line.as_bytes());
                if joined.len() > STATE_BYTES {
                    return None;
                }
            }
            HeaderValue::from_bytes(&joined).ok()?
        }
    };
    is_state(all.as_bytes()).then_some(all)
}

fn is_state(value: &[u8]) -> bool {
    if value.len() > STATE_BYTES {
        return false;
    }
    let mut keys: Vec<&[u8]> = Vec::new();
    for member in value.split(|byte| *byte == b',') {
        let member = member.trim_ascii();
        if member.is_empty() {
            continue;
        }
        let Some(at) = member.iter().position(|byte| *byte == b'=') else { return false };
        let (key, value) = (&member[..at], &member[at + 1..]);
        if !is_key(key) || !is_value(value) || keys.contains(&key) || keys.len() == MEMBERS {
            return false;
        }
        keys.push(key);
    }
    !keys.is_empty()
}

fn is_key(key: &[u8]) -> bool {
    let first = key.first().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let rest = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/@".contains(byte);
    first && key.len() <= 256 && key.iter().all(rest) && key.iter().filter(|byte| **byte == b'@').count() <= 1
}

fn is_value(value: &[u8]) -> bool {
    (1..=256).contains(&value.len()) && value.iter().all(|byte| (0x20..=0x7e).contains(byte) && *byte != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(name: HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn parent(values: &[&str]) -> Option<Parent> {
        Parent::of(&headers(TRACEPARENT, values))
    }

    #[test]
    fn a_parent_is_read_and_written_as_it_was() {
        let read = parent(&[GOOD]).unwrap();
        assert_eq!(read.trace, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!((read.span, read.sampled), (0x00f0_67aa_0ba9_02b7, true));
        assert_eq!(read.value(), GOOD);
        // Other flags are not ours to pass on; a later version is read as far as it is known.
        assert_eq!(parent(&[&GOOD.replace("-01", "-fe")]).unwrap().value(), GOOD.replace("-01", "-00"));
        assert_eq!(parent(&[&format!("cc{}-what=ever", &GOOD[2..])]), Some(read));
        assert_eq!(parent(&[&format!("cc{}", &GOOD[2..])]), Some(read));
    }

    #[test]
    fn a_parent_that_is_not_valid_is_none() {
        let long = format!("cc{}-{}", &GOOD[2..], "x".repeat(MOST));
        let bad = [
            "",
            "00",
            &GOOD[..54],
            &format!("{GOOD}-x"),
            &format!("{GOOD} "),
            &format!("ff{}", &GOOD[2..]),
            &format!("cc{}x", &GOOD[2..]),
            &long,
            &GOOD.to_uppercase(),
            &GOOD.replace("4bf9", "4Bf9"),
            &GOOD.replace("4bf9", "4bg9"),
            &GOOD.replace("0f067", "0f06-"),
            &GOOD.replace('-', "_"),
            &format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            &format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", "0".repeat(16)),
        ];
        for value in bad {
            assert_eq!(parent(&[value]), None, "{value}");
        }
        assert_eq!(parent(&[GOOD, GOOD]), None);
        assert_eq!(parent(&[]), None);
    }

    #[test]
    fn state_goes_along_within_its_bounds() {
        let seen =
            |values: &[&str]| state(&headers(TRACESTATE, values)).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(seen(&["a=1,b@c=2"]).as_deref(), Some("a=1,b@c=2"));
        assert_eq!(seen(&["a=1", "b=2", "c=3"]).as_deref(), Some("a=1,b=2,c=3"));
        assert_eq!(seen(&["a=1, ,b=2"]).as_deref(), Some("a=1, ,b=2"));
        let members = |many: usize| (0..many).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
        assert!(seen(&[&members(MEMBERS)]).is_some() && seen(&[&members(MEMBERS + 1)]).is_none());
        let long = |last: usize| format!("a={0},b={0},c={1}", "x".repeat(250), "x".repeat(last));
        assert_eq!(long(4).len(), STATE_BYTES);
        assert!(seen(&[&long(4)]).is_some() && seen(&[&long(5)]).is_none());
        let value = |bytes: usize| format!("a={}", "x".repeat(bytes));
        assert!(seen(&[&value(256)]).is_some() && seen(&[&value(257)]).is_none());
        for bad in ["a", "a=", "=1", "A=1", "a=1,a=2", "a b=1", "a=b=c", "a@b@c=1", ",", ""] {
            assert_eq!(seen(&[bad]), None, "{bad}");
        }
        let many: Vec<String> = (0..40).map(|n| format!("k{n}={}", "x".repeat(200))).collect();
        assert_eq!(seen(&many.iter().map(String::as_str).collect::<Vec<_>>()), None);
    }
}
