//! `CDN-Loop` (RFC 8586): how often a request has passed through this node already, so that loops over
//! the network end. The count bears this node's MAC: who is outside can take it away, not make it.

use std::fmt::Write;
use std::sync::Arc;

use aws_lc_rs::hmac;
use http::{HeaderMap, HeaderName, HeaderValue};

pub const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");

const OURS: &str = "switchyard";
/// Bytes of what others have written, which is passed on. More is a loop among them.
const MOST_OTHERS: usize = 1 << 10;
/// Bytes of the MAC that are sent.
const MAC: usize = 16;

/// What a request came through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passed {
    /// Passes through this node's egress, and Workers on the way.
    pub hops: u32,
    /// Other CDNs, and other nodes, in their own words.
    pub others: Option<Arc<str>>,
}

/// Counts whose entries are made beforehand: as many as a request may have.
const READY: u32 = 16;

/// Reads and writes the header.
pub struct Loops {
    key: hmac::Key,
    /// This node's entry for each count, from 0 on: making one costs a microsecond.
    ready: Vec<HeaderValue>,
}

impl Loops {
    /// `node`: the key of this node, or the one that several nodes share.
    pub fn new(node: &[u8; 32]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, node);
        let key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, b"cdn-loop").as_ref());
        let mut this = Self { key, ready: Vec::new() };
        this.ready = (0..=READY).map_while(|hops| HeaderValue::from_str(&this.entry(hops)).ok()).collect();
        this
    }

    /// What a client's request says. More than can be passed on is [`u32::MAX`] hops.
    pub fn read(&self, headers: &HeaderMap) -> Passed {
        let (mut hops, mut others) = (0, String::new());
        let values = headers.get_all(CDN_LOOP).into_iter();
        for entry in values.flat_map(|value| value.to_str().unwrap_or_default().split(',')).map(str::trim) {
            match self.count(entry) {
                Some(count) => hops = hops.max(count),
                None if entry.is_empty() => {}
                None if others.len() + entry.len() + 2 > MOST_OTHERS => return Passed { hops: u32::MAX, others: None },
                None => {
                    let between = if others.is_empty() { "" } else { ", " };
                    let _ = write!(others, "{between}{entry}");
                }
            }
        }
        Passed { hops, others: (!others.is_empty()).then(|| others.into()) }
    }

    /// In the place of whatever a Worker says.
    pub fn mark(&self, headers: &mut HeaderMap, passed: &Passed) {
        let value = match (&passed.others, self.ready.get(passed.hops as usize)) {
            (None, Some(ready)) => Ok(ready.clone()),
            (None, None) => HeaderValue::from_str(&self.entry(passed.hops)),
            (Some(others), _) => HeaderValue::from_str(&format!("{others}, {}", self.entry(passed.hops))),
        };
        if let Ok(value) = value {
            headers.insert(CDN_LOOP, value);
        }
    }

    fn entry(&self, hops: u32) -> String {
        let mut text = format!("{OURS}; hops={hops}; mac=");
        for byte in &self.mac(hops).as_ref()[..MAC] {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// Of an entry that this node has written.
    fn count(&self, entry: &str) -> Option<u32> {
        let mut parts = entry.split(';').map(str::trim);
        if parts.next()? != OURS {
            return None;
        }
        let hops = parts.next()?.strip_prefix("hops=")?.parse().ok()?;
        let mac = parts.next()?.strip_prefix("mac=").filter(|mac| mac.len() == 2 * MAC && mac.is_ascii())?;
        let mut sent = [0; MAC];
        for (byte, digits) in sent.iter_mut().zip(mac.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        let wanted = self.mac(hops);
        aws_lc_rs::constant_time::verify_slices_are_equal(&sent, &wanted.as_ref()[..MAC]).ok()?;
        Some(hops)
    }

    fn mac(&self, hops: u32) -> hmac::Tag {
        hmac::sign(&self.key, &hops.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (CDN_LOOP, value.parse().unwrap())).collect()
    }

    fn marked(loops: &Loops, hops: u32, others: Option<&str>) -> String {
        let mut headers = map(&["switchyard; hops=0", "a Worker's own"]);
        loops.mark(&mut headers, &Passed { hops, others: others.map(Into::into) });
        let values: Vec<_> = headers.get_all(CDN_LOOP).iter().collect();
        assert_eq!(values.len(), 1);
        values[0].to_str().unwrap().to_owned()
    }

    #[test]
    fn this_node_counts_what_it_wrote() {
        let loops = Loops::new(&[1; 32]);
        assert_eq!(loops.read(&map(&[])), Passed::default());
        let (three, five) = (marked(&loops, 3, None), marked(&loops, 5, None));
        assert!(three.starts_with("switchyard; hops=3; mac="), "{three}");
        // Whether it was made beforehand or not.
        for hops in [0, READY, READY + 1, u32::MAX] {
            assert_eq!(loops.read(&map(&[&marked(&loops, hops, None)])).hops, hops);
        }
        for values in [&[three.as_str(), &five][..], &[&format!("{five},{three}")], &[&five.replace("; ", " ;\t")]] {
            assert_eq!(loops.read(&map(values)), Passed { hops: 5, others: None }, "{values:?}");
        }
    }

    #[test]
    fn nobody_else_makes_a_count() {
        let loops = Loops::new(&[1; 32]);
        let three = marked(&loops, 3, None);
        for forged in [
            "switchyard".to_owned(),
            "switchyard; hops=16".to_owned(),
            three.replace("hops=3", "hops=16"),
            three.replace("hops=3", "hops=+3"),
            three.replace("mac=", "mac=00"),
            three[..three.len() - 1].to_owned(),
            three.replace("mac", "MAC"),
            three.to_uppercase(),
            marked(&Loops::new(&[2; 32]), 16, None),
        ] {
            let read = loops.read(&map(&[&forged]));
            let count = if forged.contains("hops=+3") { 3 } else { 0 };
            assert_eq!(read.hops, count, "{forged}");
        }
    }

    #[test]
    fn others_are_passed_on() {
        let loops = Loops::new(&[1; 32]);
        let other = marked(&Loops::new(&[2; 32]), 7, None);
        let ours = marked(&loops, 2, Some("cdn-a"));
        let read = loops.read(&map(&[&ours, "cdn-b; x=\"y\"", &other]));
        let others = format!("cdn-a, cdn-b; x=\"y\", {other}");
        assert_eq!(read, Passed { hops: 2, others: Some(others.clone().into()) });
        assert!(marked(&loops, 3, Some(&others)).starts_with(&format!("{others}, switchyard; hops=3; mac=")));
        let most = "x".repeat(MOST_OTHERS - 2);
        assert_eq!(loops.read(&map(&[&most])).others.as_deref(), Some(&*most));
        assert_eq!(loops.read(&map(&[&most, "y"])).hops, u32::MAX);
    }
}
