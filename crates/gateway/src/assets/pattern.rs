//! Patterns that tenants write, matched in time linear in the path: no pattern makes a request
//! expensive for its neighbours.

/// Longer paths fit no rule: no asset has such a path, and each request looks at every rule.
pub const MAX_PATH: usize = 2_048;

/// `*` stands for anything, as often as it is there: `run_worker_first`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Vec<Box<str>>);

impl Glob {
    pub fn new(text: &str) -> Self {
        Self(text.split('*').map(Box::from).collect())
    }

    pub fn matches(&self, path: &str) -> bool {
        let (Some(first), Some(last)) = (self.0.first(), self.0.last()) else { return false };
        if self.0.len() == 1 {
            return path == &**first;
        }
        let Some(rest) = path.strip_prefix(&**first).and_then(|rest| rest.strip_suffix(&**last)) else { return false };
        let mut rest = rest;
        for part in self.0.iter().skip(1).take(self.0.len() - 2) {
            // The first place is the best: it leaves the most to those that follow.
            let Some(at) = rest.find(&**part) else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }
}

/// The pattern of a `_headers` or `_redirects` rule: `:name` stands for one segment or a part of it,
/// `*` (once, and only text after it) for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
    /// The text after the `*`; `None`: there is no `*`.
    after_splat: Option<Box<str>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Name(Box<str>),
}

/// What the placeholders of a pattern stood for; `*` is `splat`.
pub type Captures<'a> = Vec<(&'a str, &'a str)>;

impl Pattern {
    /// `None`: it has two `*`, a name twice, or a name after the `*`.
    pub fn new(text: &str) -> Option<Self> {
        let (before, after_splat) = match text.split_once('*') {
            Some((before, after)) => (before, Some(after)),
            None => (text, None),
        };
        if after_splat.is_some_and(|after| after.contains('*') || names(after).next().is_some()) {
            return None;
        }
        let (mut parts, mut at) = (Vec::new(), 0);
        for (start, name) in names(before) {
            if parts.iter().any(|part| matches!(part, Part::Name(there) if **there == *name)) {
                return None;
            }
            if start > at {
                parts.push(Part::Text(before[at..start].into()));
            }
            parts.push(Part::Name(name.into()));
            at = start + 1 + name.len();
        }
        if at < before.len() {
            parts.push(Part::Text(before[at..].into()));
        }
        Some(Self { parts, after_splat: after_splat.map(Box::from) })
    }

    /// Whether it stands for one path alone.
    pub fn is_plain(&self) -> bool {
        self.after_splat.is_none() && self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    pub fn matches<'a>(&'a self, path: &'a str) -> Option<Captures<'a>> {
        if path.len() > MAX_PATH {
            return None;
        }
        let (mut rest, mut captures) = (path, Vec::new());
        let mut parts = self.parts.iter().peekable();
        while let Some(part) = parts.next() {
            match part {
                Part::Text(text) => rest = rest.strip_prefix(&**text)?,
                Part::Name(name) => {
                    let segment = rest.find('/').unwrap_or(rest.len());
                    // As short as what follows allows, and at least one character.
                    let end = match parts.peek() {
                        Some(Part::Text(next)) => match next.find('/') {
                            Some(0) => segment,
                            slash => {
                                let head = &next[..slash.unwrap_or(next.len())];
                                let from = rest.chars().next()?.len_utf8();
                                from + rest.get(from..segment)?.find(head)?
                            }
                        },
                        Some(Part::Name(_)) => rest.chars().next()?.len_utf8(),
                        None => segment,
                    };
                    if end == 0 || end > segment {
                        return None;
                    }
                    captures.push((&**name, &rest[..end]));
                    rest = &rest[end..];
                }
            }
        }
        match &self.after_splat {
            None => rest.is_empty().then_some(captures),
            Some(after) => {
                captures.push(("splat", rest.strip_suffix(&**after)?));
                Some(captures)
            }
        }
    }
}

/// The `:name`s of a text, with where their colons are. A name begins with a letter.
fn names(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices(':').filter_map(|(at, _)| {
        let rest = &text[at + 1..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = &rest[..end];
        name.starts_with(|c: char| c.is_ascii_alphabetic()).then_some((at, name))
    })
}

/// The text with its `:name`s replaced by what they stood for; unknown ones stay.
pub fn fill(text: &str, captures: &Captures<'_>) -> String {
    let (mut filled, mut at) = (String::with_capacity(text.len()), 0);
    for (start, name) in names(text) {
        let Some((_, value)) = captures.iter().find(|(there, _)| *there == name) else { continue };
        filled.push_str(&text[at..start]);
        filled.push_str(value);
        at = start + 1 + name.len();
    }
    filled.push_str(&text[at..]);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_take_anything_for_a_star() {
        for (pattern, path, fits) in [
            ("/api/*", "/api/", true),
            ("/api/*", "/api/a/b", true),
            ("/api/*", "/api", false),
            ("/a*c*e", "/abcde", true),
            ("/a*c*e", "/ae", false),
            ("/a*a", "/a", false),
            ("/*x*x*x", "/xx", false),
            ("/*", "/", true),
            ("/exact", "/exact", true),
            ("/exact", "/exactly", false),
        ] {
            assert_eq!(Glob::new(pattern).matches(path), fits, "{pattern} {path}");
        }
    }

    #[test]
    fn patterns_capture() {
        let captured = |pattern: &str, path: &str| {
            let pattern = Pattern::new(pattern).unwrap();
            pattern.matches(path).map(|c| c.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" "))
        };
        for (pattern, path, expected) in [
            ("/a", "/a", Some("")),
            ("/a", "/a/", None),
            ("/blog/*", "/blog/x/y", Some("splat=x/y")),
            ("/blog/*", "/blog/", Some("splat=")),
            ("/*.jpg", "/a/b.jpg", Some("splat=a/b")),
            ("/*.jpg", "/a/b.png", None),
            ("/u/:id", "/u/7", Some("id=7")),
            ("/u/:id", "/u/7/8", None),
            ("/u/:id", "/u/", None),
            ("/:a/:b/*", "/x/y/z", Some("a=x b=y splat=z")),
            ("/:y-:m.html", "/2026-02.html", Some("y=2026 m=02")),
            ("/u/:id/edit", "/u/7/edit", Some("id=7")),
            ("/:a", "/ü", Some("a=ü")),
        ] {
            assert_eq!(captured(pattern, path).as_deref(), expected, "{pattern} {path}");
        }
        for wrong in ["/*/*", "/:a/:a", "/*/:a"] {
            assert_eq!(Pattern::new(wrong), None, "{wrong}");
        }
        assert!(Pattern::new("/:a").unwrap().matches(&format!("/{}", "a".repeat(MAX_PATH))).is_none());
    }

    #[test]
    fn placeholders_are_filled_in() {
        let captures = vec![("a", "1"), ("splat", "x/y")];
        assert_eq!(fill("https://e.com:80/:a/:splat?:b", &captures), "https://e.com:80/1/x/y?:b");
    }
}
