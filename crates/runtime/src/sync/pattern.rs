//! URLPattern: patterns become components with a regular expression each, and what is matched becomes the parts of
//! a URL. The guest's own RegExp matches, so the host keeps nothing between two questions.

use std::borrow::Cow;

use switchyard_js::abi::{Malformed, Reader, Writer};
use urlpattern::UrlPatternOptions;
use urlpattern::quirks::{self, EcmaRegexp, StringOrInit, UrlPatternComponent, UrlPatternInit};

/// The longest pattern, all its parts together, in bytes: compiling is not interrupted.
const MAX_PATTERN: usize = 16 << 10;
/// The longest input to be matched, in bytes.
const MAX_INPUT: usize = 1 << 20;

/// A text and its base, or the nine fields of an init; `None`: too long.
fn input(values: &mut Reader<'_>, most: usize) -> Result<Option<(StringOrInit<'static>, Option<String>)>, Malformed> {
    let mut length = 0;
    let mut text = |values: &mut Reader<'_>| -> Result<Option<String>, Malformed> {
        let text = values.text_or_null()?;
        length += text.map_or(0, str::len);
        Ok(text.map(str::to_owned))
    };
    let input = if values.bool()? {
        let (pattern, base) = (text(values)?.unwrap_or_default(), text(values)?);
        (StringOrInit::String(Cow::Owned(pattern)), base)
    } else {
        let init = UrlPatternInit {
            protocol: text(values)?,
            username: text(values)?,
            password: text(values)?,
            hostname: text(values)?,
            port: text(values)?,
            pathname: text(values)?,
            search: text(values)?,
            hash: text(values)?,
            base_url: text(values)?,
        };
        (StringOrInit::Init(init), text(values)?)
    };
    Ok((length <= most).then_some(input))
}

/// Answers PATTERN; `false`: it is none.
pub fn pattern(mut values: Reader<'_>, write: &mut Writer<'_>) -> Result<bool, Malformed> {
    let ignore_case = values.bool()?;
    let Some((pattern, base)) = input(&mut values, MAX_PATTERN)? else { return Ok(false) };
    let options = UrlPatternOptions { ignore_case, ..UrlPatternOptions::default() };
    let parsed = quirks::process_construct_pattern_input(pattern, base.as_deref())
        .and_then(|init| quirks::parse_pattern::<EcmaRegexp>(init, options));
    let Ok(parsed) = parsed else { return Ok(false) };
    write.bool(parsed.has_regexp_groups);
    let parts = [
        &parsed.protocol,
        &parsed.username,
        &parsed.password,
        &parsed.hostname,
        &parsed.port,
        &parsed.pathname,
        &parsed.search,
        &parsed.hash,
    ];
    for UrlPatternComponent { pattern_string, regexp_string, group_name_list, .. } in parts {
        // No group is named with a line end: names are identifiers or numbers.
        write.text(pattern_string).text(regexp_string).text(&group_name_list.join("\n"));
    }
    Ok(true)
}

/// Answers PATTERN_INPUT: the eight parts that a pattern is matched with; `false`: nothing matches it.
pub fn matched(mut values: Reader<'_>, write: &mut Writer<'_>) -> Result<bool, Malformed> {
    let Some((given, base)) = input(&mut values, MAX_INPUT)? else { return Ok(false) };
    let Ok(Some((given, _))) = quirks::process_match_input(given, base.as_deref()) else { return Ok(false) };
    let Some(parts) = quirks::parse_match_input(given) else { return Ok(false) };
    for part in [
        &parts.protocol,
        &parts.username,
        &parts.password,
        &parts.hostname,
        &parts.port,
        &parts.pathname,
        &parts.search,
        &parts.hash,
    ] {
        write.text(part);
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchyard_js::abi::Value;

    fn ask(text: &str, base: Option<&str>) -> Option<Vec<String>> {
        let mut question = Vec::new();
        let mut write = Writer::new(&mut question);
        write.bool(false).bool(true).text(text);
        match base {
            Some(base) => write.text(base),
            None => write.null(),
        };
        let mut answer = Vec::new();
        let is = pattern(Reader::new(&question), &mut Writer::new(&mut answer)).unwrap();
        is.then(|| {
            let values = Reader::new(&answer).map(Result::unwrap);
            values
                .filter_map(|value| if let Value::Text(text) = value { Some(text.to_owned()) } else { None })
                .collect()
        })
    }

    #[test]
    fn a_pattern_becomes_components_with_their_groups() {
        let parts = ask("https://a.test/:one/*", None).unwrap();
        assert_eq!(parts.len(), 24);
        assert_eq!(parts[15], "/:one/*");
        assert_eq!(parts[17], "one\n0");
        assert!(ask("/:one", None).is_none(), "it is relative");
        assert!(ask("/:one", Some("https://a.test")).is_some());
    }

    #[test]
    fn patterns_are_bounded_on_both_sides_of_the_line() {
        let long = |length: usize| format!("https://a.test/{}", "x".repeat(length - 15));
        assert!(ask(&long(MAX_PATTERN), None).is_some());
        assert!(ask(&long(MAX_PATTERN + 1), None).is_none());
    }

    #[test]
    fn no_text_makes_the_parser_panic() {
        let pieces = [
            "{",
            "}",
            "(",
            ")",
            "?",
            "*",
            "+",
            ":",
            "/",
            "\\",
            "[",
            "]",
            "é",
            "a",
            "#",
            "@",
            ".",
            "\u{10ffff}",
            "1",
            "//",
            "https",
        ];
        let mut state = 99u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                text += pieces[(state >> 20) as usize % pieces.len()];
            }
            ask(&text, Some("https://a.test/b"));
            ask(&text, Some(&text));
        }
    }
}
