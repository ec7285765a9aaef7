//! The rules of a `_headers` file: a pattern, then indented lines `Name: value` to set a header, or
//! `! Name` to remove one. A line that breaks a rule is left out, as it is by the service.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::pattern::{Captures, Pattern, fill};
use super::site::Target;

const MAX_RULES: usize = 100;
const MAX_LINE: usize = 2_000;
/// Headers of one response that come from rules.
const MAX_SET: usize = 100;

#[derive(Debug, Default)]
pub struct CustomHeaders(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    /// The pattern begins with a host.
    with_host: bool,
    /// Names, with the value to set; `None`: remove.
    changes: Vec<(HeaderName, Option<Box<str>>)>,
}

impl CustomHeaders {
    pub fn parse(text: &str) -> Self {
        let mut rules: Vec<Rule> = Vec::new();
        // The lines below a pattern that is none belong to nobody.
        let mut open = false;
        for line in text.lines() {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') || line.len() > MAX_LINE {
                continue;
            }
            let host = trimmed.strip_prefix("https://");
            if trimmed.starts_with('/') || host.is_some() {
                let pattern = Pattern::new(host.unwrap_or(trimmed)).filter(|_| rules.len() < MAX_RULES);
                open = pattern.is_some();
                rules.extend(pattern.map(|pattern| Rule { pattern, with_host: host.is_some(), changes: Vec::new() }));
                continue;
            }
            if let Some(rule) = rules.last_mut().filter(|_| open)
                && let Some(change) = parse_change(trimmed)
                && rule.changes.len() < MAX_SET
            {
                rule.changes.push(change);
            }
        }
        rules.retain(|rule| !rule.changes.is_empty());
        Self(rules)
    }

    /// Bytes in memory, roughly.
    pub fn bytes(&self) -> usize {
        let changes = self.0.iter().flat_map(|rule| &rule.changes);
        self.0.len() * 512 + changes.map(|(_, value)| 96 + value.as_ref().map_or(0, |value| value.len())).sum::<usize>()
    }

    /// Every rule that fits, in order. The first to set a header replaces it, later ones add to it.
    pub fn apply(&self, target: &Target, headers: &mut HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        let path = target.url.path();
        let with_host = format!("{}{path}", target.url.host_str().unwrap_or_default());
        let mut set: Vec<&HeaderName> = Vec::new();
        for rule in &self.0 {
            let Some(captures) = rule.pattern.matches(if rule.with_host { &with_host } else { path }) else { continue };
            let removed = rule.changes.iter().filter(|(_, value)| value.is_none());
            removed.for_each(|(name, _)| drop(headers.remove(name)));
            for (name, value) in &rule.changes {
                let Some(value) = value.as_ref().and_then(|value| filled(value, &captures)) else { continue };
                if set.len() >= MAX_SET {
                    return;
                }
                if set.contains(&name) {
                    headers.append(name, value);
                } else {
                    headers.insert(name, value);
                }
                set.push(name);
            }
        }
    }
}

fn filled(value: &str, captures: &Captures<'_>) -> Option<HeaderValue> {
    HeaderValue::from_str(&fill(value, captures)).ok()
}

fn parse_change(line: &str) -> Option<(HeaderName, Option<Box<str>>)> {
    if let Some(name) = line.strip_prefix('!') {
        return Some((HeaderName::from_bytes(name.trim().as_bytes()).ok()?, None));
    }
    let (name, value) = line.split_once(':')?;
    let (name, value) = (HeaderName::from_bytes(name.trim().as_bytes()).ok()?, value.trim());
    // Framing is the server's business.
    if value.is_empty() || name == header::CONTENT_LENGTH || HeaderValue::from_str(value).is_err() {
        return None;
    }
    Some((name, Some(value.into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::site;

    fn applied(rules: &str, url: &str) -> Vec<String> {
        let (head, ()) = http::Request::builder().uri(url).body(()).unwrap().into_parts();
        let mut headers = HeaderMap::new();
        headers.insert("etag", HeaderValue::from_static("\"1\""));
        headers.insert("cache-control", HeaderValue::from_static("default"));
        CustomHeaders::parse(rules).apply(&site::target(&head).unwrap(), &mut headers);
        let mut lines: Vec<_> = headers.iter().map(|(n, v)| format!("{n}: {}", v.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    #[test]
    fn rules_set_add_and_remove() {
        let rules = "# all\n/*\n  X-A: 1\n  ! ETag\n/img/:name.png\n  Cache-Control: max-age=9\n  X-A: :name\n\
                     https://shop.test/only\n  X-Host: yes\n";
        assert_eq!(applied(rules, "http://shop.test/a"), ["cache-control: default", "x-a: 1"]);
        let image = applied(rules, "http://shop.test/img/cat.png");
        assert_eq!(image, ["cache-control: max-age=9", "x-a: 1", "x-a: cat"]);
        assert!(applied(rules, "http://shop.test/only").contains(&"x-host: yes".to_owned()));
        assert!(!applied(rules, "http://other.test/only").contains(&"x-host: yes".to_owned()));
    }

    #[test]
    fn lines_that_break_a_rule_are_left_out() {
        let rules = "  X-Before: 1\n/*\nno colon\n  Content-Length: 7\n  X Y: 1\n  X-Empty:\n/*/*\n  X-Wrong: 1\n/b\n  X-B: 2\n";
        assert_eq!(applied(rules, "http://shop.test/b"), ["cache-control: default", "etag: \"1\"", "x-b: 2"]);
    }
}
