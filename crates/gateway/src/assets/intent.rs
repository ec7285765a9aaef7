//! Which file answers a path, or which other path to go to: `html_handling` and `not_found_handling`,
//! case by case as Cloudflare's asset worker decides. Paths here are decoded.

use switchyard_catalog::{HtmlHandling, NotFoundHandling};

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// This file, with status 200; 404 for a page that says so.
    File { path: String, status: u16 },
    /// Another path, under which the file is served.
    Go(String),
}

/// Looks for files.
pub struct Finder<'a> {
    pub exists: &'a dyn Fn(&str) -> bool,
    pub html: HtmlHandling,
    pub not_found: NotFoundHandling,
}

impl Finder<'_> {
    pub fn find(&self, path: &str) -> Option<Intent> {
        self.find_or_go(path, true)
    }

    fn find_or_go(&self, path: &str, go: bool) -> Option<Intent> {
        let found = match self.html {
            HtmlHandling::AutoTrailingSlash => self.auto(path, go),
            HtmlHandling::ForceTrailingSlash => self.force(path, go),
            HtmlHandling::DropTrailingSlash => self.dropped(path, go),
            HtmlHandling::None => self.file(path),
        };
        found.or_else(|| self.not_found(path))
    }

    fn file(&self, path: impl Into<String>) -> Option<Intent> {
        let path = path.into();
        (self.exists)(&path).then_some(Intent::File { path, status: 200 })
    }

    /// Goes to `to` if there is no file of that very name and what is served there is `file`.
    fn go(&self, file: &str, to: &str, go: bool) -> Option<Intent> {
        if !go || (self.exists)(to) {
            return None;
        }
        let there = self.find_or_go(to, false)?;
        matches!(&there, Intent::File { path, status: 200 } if path == file).then(|| Intent::Go(to.to_owned()))
    }

    fn auto(&self, path: &str, go: bool) -> Option<Intent> {
        let step = if let Some(base) = path.strip_suffix("/index") {
            self.file(path)
                .or_else(|| self.go(&format!("{path}.html"), &format!("{base}/"), go))
                .or_else(|| self.go(&format!("{base}.html"), base, go))
        } else if let Some(base) = path.strip_suffix("/index.html") {
            self.go(path, &format!("{base}/"), go).or_else(|| self.go(&format!("{base}.html"), base, go))
        } else if let Some(base) = path.strip_suffix('/') {
            self.file(format!("{path}index.html")).or_else(|| self.go(&format!("{base}.html"), base, go))
        } else if let Some(base) = path.strip_suffix(".html") {
            self.go(path, base, go).or_else(|| self.go(&format!("{base}/index.html"), &format!("{base}/"), go))
        } else {
            None
        };
        step.or_else(|| self.file(path))
            .or_else(|| self.file(format!("{path}.html")))
            .or_else(|| self.go(&format!("{path}/index.html"), &format!("{path}/"), go))
    }

    fn force(&self, path: &str, go: bool) -> Option<Intent> {
        let step = if let Some(base) = path.strip_suffix("/index") {
            self.file(path)
                .or_else(|| self.go(&format!("{path}.html"), &format!("{base}/"), go))
                .or_else(|| self.go(&format!("{base}.html"), &format!("{base}/"), go))
        } else if let Some(base) = path.strip_suffix("/index.html") {
            let to = format!("{base}/");
            self.go(path, &to, go).or_else(|| self.go(&format!("{base}.html"), &to, go))
        } else if let Some(base) = path.strip_suffix('/') {
            self.file(format!("{path}index.html")).or_else(|| self.file(format!("{base}.html")))
        } else if let Some(base) = path.strip_suffix(".html") {
            let to = format!("{base}/");
            self.go(path, &to, go)
                .or_else(|| self.file(path))
                .or_else(|| self.go(&format!("{base}/index.html"), &to, go))
        } else {
            None
        };
        step.or_else(|| self.file(path))
            .or_else(|| self.go(&format!("{path}.html"), &format!("{path}/"), go))
            .or_else(|| self.go(&format!("{path}/index.html"), &format!("{path}/"), go))
    }

    fn dropped(&self, path: &str, go: bool) -> Option<Intent> {
        let step = if path == "/index" {
            self.file(path).or_else(|| self.go("/index.html", "/", go))
        } else if let Some(base) = path.strip_suffix("/index") {
            self.file(path)
                .or_else(|| self.go(&format!("{base}.html"), base, go))
                .or_else(|| self.go(&format!("{path}.html"), base, go))
        } else if path == "/index.html" {
            self.go(path, "/", go)
        } else if let Some(base) = path.strip_suffix("/index.html") {
            self.go(path, base, go).or_else(|| self.file(path)).or_else(|| self.go(&format!("{base}.html"), base, go))
        } else if path == "/" {
            self.file("/index.html")
        } else if let Some(base) = path.strip_suffix('/') {
            self.go(&format!("{base}.html"), base, go).or_else(|| self.go(&format!("{base}/index.html"), base, go))
        } else if let Some(base) = path.strip_suffix(".html") {
            self.go(path, base, go).or_else(|| self.go(&format!("{base}/index.html"), base, go))
        } else {
            None
        };
        step.or_else(|| self.file(path))
            .or_else(|| self.file(format!("{path}.html")))
            .or_else(|| self.file(format!("{path}/index.html")))
    }

    fn not_found(&self, path: &str) -> Option<Intent> {
        match self.not_found {
            NotFoundHandling::None => None,
            NotFoundHandling::SinglePage => self.file("/index.html"),
            NotFoundHandling::Page => {
                let mut folder = path;
                while let Some(at) = folder.rfind('/') {
                    folder = &folder[..at];
                    let page = format!("{folder}/404.html");
                    if (self.exists)(&page) {
                        return Some(Intent::File { path: page, status: 404 });
                    }
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [&str; 9] = [
        "/index.html",
        "/about.html",
        "/blog/index.html",
        "/blog/404.html",
        "/404.html",
        "/bin",
        "/both.html",
        "/both/index.html",
        "/a.txt",
    ];

    fn find(html: HtmlHandling, not_found: NotFoundHandling, path: &str) -> String {
        let finder = Finder { exists: &|path| FILES.contains(&path), html, not_found };
        match finder.find(path) {
            None => "-".into(),
            Some(Intent::Go(to)) => format!("-> {to}"),
            Some(Intent::File { path, status: 200 }) => path,
            Some(Intent::File { path, status }) => format!("{status} {path}"),
        }
    }

    #[test]
    fn every_handling_of_html() {
        use HtmlHandling::{
            AutoTrailingSlash as Auto, DropTrailingSlash as Drop, ForceTrailingSlash as Force, None as No,
        };
        // The path; then what auto, force, drop and none make of it.
        for (path, expected) in [
            ("/", ["/index.html", "/index.html", "/index.html", "-"]),
            ("/index.html", ["-> /", "-> /", "-> /", "/index.html"]),
            ("/index", ["-> /", "-> /", "-> /", "-"]),
            ("/about", ["/about.html", "-> /about/", "/about.html", "-"]),
            ("/about/", ["-> /about", "/about.html", "-> /about", "-"]),
            ("/about.html", ["-> /about", "-> /about/", "-> /about", "/about.html"]),
            ("/about/index", ["-> /about", "-> /about/", "-> /about", "-"]),
            ("/about/index.html", ["-> /about", "-> /about/", "-> /about", "-"]),
            ("/blog", ["-> /blog/", "-> /blog/", "/blog/index.html", "-"]),
            ("/blog/", ["/blog/index.html", "/blog/index.html", "-> /blog", "-"]),
            ("/blog/index.html", ["-> /blog/", "-> /blog/", "-> /blog", "/blog/index.html"]),
            ("/blog.html", ["-> /blog/", "-> /blog/", "-> /blog", "-"]),
            ("/both", ["/both.html", "-> /both/", "/both.html", "-"]),
            ("/both/", ["/both/index.html", "/both/index.html", "-> /both", "-"]),
            ("/bin", ["/bin", "/bin", "/bin", "/bin"]),
            ("/a.txt", ["/a.txt", "/a.txt", "/a.txt", "/a.txt"]),
            ("/none", ["-", "-", "-", "-"]),
        ] {
            for (html, expected) in [Auto, Force, Drop, No].into_iter().zip(expected) {
                assert_eq!(find(html, NotFoundHandling::None, path), expected, "{html:?} {path}");
            }
        }
    }

    #[test]
    fn every_handling_of_what_is_missing() {
        let auto = HtmlHandling::AutoTrailingSlash;
        assert_eq!(find(auto, NotFoundHandling::Page, "/x"), "404 /404.html");
        assert_eq!(find(auto, NotFoundHandling::Page, "/blog/x/y"), "404 /blog/404.html");
        assert_eq!(find(auto, NotFoundHandling::Page, "/about"), "/about.html");
        assert_eq!(find(auto, NotFoundHandling::SinglePage, "/x/y"), "/index.html");
        assert_eq!(find(HtmlHandling::None, NotFoundHandling::SinglePage, "/"), "/index.html");
        // No redirect to a page of an error.
        assert_eq!(find(auto, NotFoundHandling::Page, "/404.html"), "-> /404");
        assert_eq!(find(auto, NotFoundHandling::SinglePage, "/x.html"), "/index.html");
    }
}
