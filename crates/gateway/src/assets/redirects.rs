//! The rules of a `_redirects` file: `from to [status]`, one a line. A line that breaks a rule is
//! left out, as it is by the service.

use std::collections::HashMap;

use http::StatusCode;
use url::Url;

use super::pattern::{Pattern, fill};

/// Rules without placeholders, and with.
const MAX_STATIC: usize = 2_000;
const MAX_DYNAMIC: usize = 100;
const MAX_LINE: usize = 2_000;

#[derive(Debug, Default)]
pub struct Redirects {
    plain: HashMap<Box<str>, (usize, Rule)>,
    dynamic: Vec<(usize, Pattern, Rule)>,
}

#[derive(Debug, Clone)]
struct Rule {
    to: Box<str>,
    status: StatusCode,
}

/// What a rule makes of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Redirected {
    To {
        location: String,
        status: StatusCode,
    },
    /// Another path's asset, under this URL.
    Proxied {
        path: String,
    },
}

impl Redirects {
    pub fn parse(text: &str) -> Self {
        let mut rules = Self::default();
        for (line, text) in text.lines().enumerate() {
            if text.len() > MAX_LINE {
                continue;
            }
            let Some((from, rule)) = parse_line(text) else { continue };
            let Some(pattern) = Pattern::new(from) else { continue };
            if pattern.is_plain() {
                if rules.plain.len() < MAX_STATIC {
                    rules.plain.entry(from.into()).or_insert((line, rule));
                }
            } else if rules.dynamic.len() < MAX_DYNAMIC {
                rules.dynamic.push((line, pattern, rule));
            }
        }
        rules
    }

    /// Bytes in memory, roughly.
    pub fn bytes(&self) -> usize {
        let plain: usize = self.plain.iter().map(|(from, (_, rule))| from.len() + rule.to.len() + 96).sum();
        plain + self.dynamic.iter().map(|(_, _, rule)| rule.to.len() + 512).sum::<usize>()
    }

    /// The first rule in the file that fits the path.
    pub fn find(&self, url: &Url) -> Option<Redirected> {
        let path = url.path();
        let plain = self.plain.get(path).map(|(line, rule)| (*line, rule, rule.to.to_string()));
        let before = plain.as_ref().map_or(usize::MAX, |(line, ..)| *line);
        let dynamic = self.dynamic.iter().take_while(|(line, ..)| *line < before).find_map(|(line, pattern, rule)| {
            pattern.matches(path).map(|captures| (*line, rule, fill(&rule.to, &captures)))
        });
        let (_, rule, to) = dynamic.or(plain)?;
        let destination = url.join(&to).ok()?;
        if rule.status == StatusCode::OK {
            return Some(Redirected::Proxied { path: destination.path().to_owned() });
        }
        Some(Redirected::To { location: location(url, destination), status: rule.status })
    }
}

/// The request's query goes along unless the rule has its own. Within one origin, a path is enough.
fn location(from: &Url, mut to: Url) -> String {
    if to.query().is_none() {
        to.set_query(from.query());
    }
    let whole = to.to_string();
    if to.origin() != from.origin() {
        return whole;
    }
    whole[url::Position::BeforePath.of(&to)..].to_owned()
}

/// Where the path begins.
trait Of {
    fn of(self, url: &Url) -> usize;
}

impl Of for url::Position {
    fn of(self, url: &Url) -> usize {
        url[..self].len()
    }
}

fn parse_line(line: &str) -> Option<(&str, Rule)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let mut words = line.split_whitespace();
    let (from, to, status) = (words.next()?, words.next()?, words.next());
    if words.next().is_some_and(|more| !more.starts_with('#')) {
        return None;
    }
    let status = match status {
        Some(text) if !text.starts_with('#') => text.parse().ok()?,
        _ => 302,
    };
    if !matches!(status, 200 | 301 | 302 | 303 | 307 | 308) || !from.starts_with('/') || from.contains(['?', '#']) {
        return None;
    }
    let absolute = to.starts_with("https://") || to.starts_with("http://");
    if !(absolute || to.starts_with('/')) || (absolute && status == 200) {
        return None;
    }
    // It would lead to itself: HTML handling makes `/` of `/index.html`.
    let everything = from.ends_with('/') || from.ends_with("/*");
    if everything && !absolute && (to.ends_with("/index") || to.ends_with("/index.html")) {
        return None;
    }
    Some((from, Rule { to: to.into(), status: StatusCode::from_u16(status).ok()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rules: &str, url: &str) -> Option<String> {
        let redirected = Redirects::parse(rules).find(&Url::parse(url).unwrap())?;
        Some(match redirected {
            Redirected::To { location, status } => format!("{} {location}", status.as_u16()),
            Redirected::Proxied { path } => format!("200 {path}"),
        })
    }

    #[test]
    fn the_first_line_that_fits_counts() {
        let rules = "# comment\n/a /b\n/a /c 301\n/blog/* https://blog.e.com/:splat 301\n/blog/x /never\n\
                     /u/:id /users/:id?tab=1#top 308\n/old/* /new/:splat 200\n/q /r?x=1\n";
        for (path, expected) in [
            ("/a", Some("302 /b")),
            ("/a?q=1", Some("302 /b?q=1")),
            ("/a/", None),
            ("/blog/x?y=2", Some("301 https://blog.e.com/x?y=2")),
            ("/u/7?q=1", Some("308 /users/7?tab=1#top")),
            ("/old/p/q", Some("200 /new/p/q")),
            ("/q?y=2", Some("302 /r?x=1")),
        ] {
            assert_eq!(found(rules, &format!("http://shop.test{path}")).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn lines_that_break_a_rule_are_left_out() {
        for rule in [
            "/a",
            "a /b",
            "/a b",
            "/a /b 404",
            "/a /b 301 x",
            "/a https://e.com 200",
            "https://e.com/a /b",
            "/* /index.html 200",
            "/ /index 302",
        ] {
            assert_eq!(found(rule, "http://shop.test/a"), None, "{rule}");
            assert_eq!(found(rule, "http://shop.test/"), None, "{rule}");
        }
        let many: String = (0..3_000).map(|n| format!("/{n} /x\n/{n}/* /y\n")).collect();
        let rules = Redirects::parse(&many);
        assert_eq!((rules.plain.len(), rules.dynamic.len()), (MAX_STATIC, MAX_DYNAMIC));
    }
}
