//! A guest's JSON for tails, made safe to pass on. The guest is not trusted: what is no array of JSON, or nested so
//! deep that readers fail, is passed on as one string.

use serde::de::IgnoredAny;

/// Levels of arrays and objects, the outermost included. Readers have a stack of their own to lose.
const MOST_DEEP: usize = 64;

/// The text of a JSON array in one line, without control characters or lone surrogates.
pub fn clean(text: &str) -> String {
    match rewritten(text) {
        Some(clean) if serde_json::from_str::<Vec<IgnoredAny>>(&clean).is_ok() => clean,
        _ => {
            let quoted = serde_json::to_string(&[text]).unwrap_or_default();
            rewritten(&quoted).unwrap_or_else(|| "[]".to_owned())
        }
    }
}

/// `None`: it is nested too deep, or has control characters outside of strings.
fn rewritten(text: &str) -> Option<String> {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    let (mut in_string, mut deep) = (false, 0_usize);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            c if c.is_control() && !in_string => return None,
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            '\\' if in_string => {
                taken = 2;
                match surrogate(rest) {
                    // A pair stays as it is.
                    Some(high) if (0xd800..0xdc00).contains(&high) => {
                        let low = rest.get(6..).and_then(surrogate);
                        taken = if low.is_some_and(|low| (0xdc00..0xe000).contains(&low)) { 12 } else { 6 };
                        out.push_str(if taken == 12 { rest.get(..12)? } else { "\\ufffd" });
                    }
                    Some(_) => {
                        taken = 6;
                        out.push_str("\\ufffd");
                    }
                    None => out.push_str(rest.get(..2)?),
                }
            }
            '"' => {
                in_string = !in_string;
                out.push(c);
            }
            '[' | '{' if !in_string => {
                deep += 1;
                if deep > MOST_DEEP {
                    return None;
                }
                out.push(c);
            }
            ']' | '}' if !in_string => {
                deep = deep.saturating_sub(1);
                out.push(c);
            }
            c => out.push(c),
        }
        rest = rest.get(taken..)?;
    }
    Some(out)
}

/// The code unit of an escape `\uXXXX` at the beginning, if it is a surrogate.
fn surrogate(text: &str) -> Option<u32> {
    let unit = u32::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()?;
    (0xd800..0xe000).contains(&unit).then_some(unit)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(text: &str) -> Value {
        let clean = clean(text);
        assert!(!clean.chars().any(char::is_control), "{clean:?}");
        serde_json::from_str(&clean).unwrap_or_else(|error| panic!("{clean:?}: {error}"))
    }

    #[test]
    fn what_is_good_passes_unchanged() {
        for text in ["[]", r#"["a",1.50,{"b":[null,true,1e300]}]"#, r#"["\\\\\"\u0041\ud83d\ude00 ä"]"#] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn control_characters_and_lone_surrogates_are_taken_out() {
        assert_eq!(read("[\"a\u{7f}\u{9b}b\"]"), json!(["a\u{7f}\u{9b}b"]));
        assert_eq!(
            read(r#"["\ud800x","\udc00","\ud800\ud800","\\ud800"]"#),
            json!(["\u{fffd}x", "\u{fffd}", "\u{fffd}\u{fffd}", "\\ud800"])
        );
    }

    #[test]
    fn what_is_no_array_is_one_string() {
        for text in ["", "1", "{}", "[1", "[1]]", "[\n1]", "[\"a]", "[\"\\", "[\"\\u12\"]", "[nope]", "[\"\u{1b}\"] x"]
        {
            assert_eq!(read(text), json!([text]), "{text:?}");
        }
    }

    #[test]
    fn depth_has_a_most() {
        let nested = |deep: usize| format!("{}{}", "[".repeat(deep), "]".repeat(deep));
        assert_eq!(clean(&nested(MOST_DEEP)), nested(MOST_DEEP));
        assert_eq!(read(&nested(MOST_DEEP + 1)), json!([nested(MOST_DEEP + 1)]));
        // Brackets within strings are none.
        let text = format!("[\"{}\"]", "[".repeat(1000));
        assert_eq!(clean(&text), text);
    }
}
