//! Selectors and encodings, and how much of them a page may ask for. What a selector costs grows with its parts: all
//! are counted before the parser sees them.

use encoding_rs::{Encoding, UTF_8};
use lol_html::{AsciiCompatibleEncoding, Selector};
use switchyard_js::abi::{Malformed, Reader, Writer};

/// The longest selector, in bytes.
const MAX_SELECTOR: usize = 8 << 10;
/// Parentheses within each other in a selector: the parser calls itself for each.
const MAX_DEPTH: usize = 16;
/// Selectors of a page, each in a list counted by itself: to add one they are compared with all others.
const MAX_SELECTORS: usize = 2048;
/// Combinators in all selectors of a page: each may take memory in every element that is open.
const MAX_COMBINATORS: usize = 256;
/// All selectors of a page, in bytes.
const MAX_SELECTOR_BYTES: usize = 256 << 10;
/// Text that is encoded at once, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// How much the selectors of a page are.
#[derive(Default)]
pub struct Complexity {
    selectors: usize,
    pub combinators: usize,
    pub bytes: usize,
}

impl Complexity {
    /// Whether there is room for that one as well.
    pub fn add(&mut self, selector: &str) -> bool {
        self.selectors += 1;
        self.bytes += selector.len();
        let mut quiet = true; // no combinator can begin here
        let mut gap = false; // there was white space
        for byte in selector.bytes() {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' => gap = true,
                b'>' => {
                    self.combinators += 1;
                    (quiet, gap) = (true, false);
                }
                b',' => {
                    self.selectors += 1;
                    (quiet, gap) = (true, false);
                }
                _ => {
                    self.combinators += usize::from(gap && !quiet);
                    (quiet, gap) = (false, false);
                }
            }
        }
        self.selectors <= MAX_SELECTORS && self.combinators <= MAX_COMBINATORS && self.bytes <= MAX_SELECTOR_BYTES
    }
}

/// A selector, or what is wrong with it.
pub fn parse(selector: &str) -> Result<Selector, String> {
    let mut depth = 0usize;
    for byte in selector.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err("Unsupported syntax in selector.".into());
        }
    }
    if selector.len() > MAX_SELECTOR {
        return Err(super::OUT_OF_MEMORY.into());
    }
    selector.parse().map_err(|error: lol_html::errors::SelectorError| error.to_string())
}

/// The encoding of a page, by its label.
pub fn encoding(label: &str) -> Result<AsciiCompatibleEncoding, &'static str> {
    let encoding = Encoding::for_label_no_replacement(label.as_bytes());
    let encoding = encoding.ok_or("Unknown character encoding has been provided.")?;
    AsciiCompatibleEncoding::new(encoding).ok_or("Expected ASCII-compatible encoding.")
}

/// A text in the encoding of a page, and whether some of it had to become character references.
pub fn encode(mut values: Reader<'_>, write: &mut Writer<'_>) -> Result<bool, Malformed> {
    let (label, text) = (values.text()?, values.text()?);
    if text.len() > MAX_TEXT {
        return Ok(false);
    }
    let encoding = Encoding::for_label_no_replacement(label.as_bytes()).unwrap_or(UTF_8);
    let (bytes, _, replaced) = encoding.encode(text);
    write.bytes(&bytes).bool(replaced);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinators_and_lists_are_counted() {
        for (selector, selectors, combinators) in
            [("p", 1, 0), (" a , b ", 2, 0), ("a b>c  >  d", 1, 3), ("a:not( b , c )", 2, 2), ("a\tb, c\n d", 2, 2)]
        {
            let mut complexity = Complexity::default();
            assert!(complexity.add(selector));
            assert_eq!((complexity.selectors, complexity.combinators), (selectors, combinators), "{selector}");
        }
        let mut complexity = Complexity::default();
        assert!(complexity.add(&vec!["a"; MAX_SELECTORS].join(",")));
        assert!(!complexity.add("a"));
        let mut complexity = Complexity::default();
        assert!(complexity.add(&vec!["a"; MAX_COMBINATORS + 1].join(" ")));
        assert!(!complexity.add("a b"));
    }

    #[test]
    fn nesting_ends_somewhere() {
        let nested = |depth: usize| format!("a{}b{}", ":not(".repeat(depth), ")".repeat(depth));
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert!(parse(&nested(MAX_DEPTH + 1)).is_err());
        assert!(parse(&"[".repeat(8000)).is_err());
        assert_eq!(parse(&"a".repeat(MAX_SELECTOR + 1)).err().as_deref(), Some(crate::html::OUT_OF_MEMORY));
    }
}
