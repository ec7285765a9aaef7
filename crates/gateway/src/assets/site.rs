//! One version's assets as they are served: its manifest and its rules, parsed once.

use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use switchyard_catalog::{Asset, AssetConfig, AssetManifest, AssetSite, NotFoundHandling, RunWorkerFirst};
use url::Url;

use super::custom::CustomHeaders;
use super::intent::{Finder, Intent};
use super::pattern::{Glob, MAX_PATH};
use super::redirects::{Redirected, Redirects};

/// Bytes of one file of a manifest in memory, besides its path.
const ENTRY: usize = 160;
/// What `encodeURIComponent` leaves as it is.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

pub struct Site {
    pub config: AssetConfig,
    pub custom: CustomHeaders,
    manifest: AssetManifest,
    redirects: Redirects,
    has_worker: bool,
    navigation_first: bool,
    first: First,
}

/// `run_worker_first`.
enum First {
    Always(bool),
    Paths { worker: Vec<Glob>, assets: Vec<Glob> },
}

/// The URL of a request.
pub struct Target {
    pub url: Url,
}

/// What a request comes to.
#[derive(Debug)]
pub enum Outcome<'a> {
    Asset { path: &'a str, asset: &'a Asset, status: u16 },
    Redirect { location: String, status: StatusCode },
    MethodNotAllowed,
    Nothing,
}

/// The request's URL as a Worker reads it, normalised. `None`: no asset can have it.
pub fn target(head: &Parts) -> Option<Target> {
    let url = Url::parse(&head.uri.to_string()).ok().filter(Url::has_host)?;
    Some(Target { url })
}

impl Site {
    pub fn new(site: AssetSite) -> Self {
        let AssetSite { config, manifest, has_worker, navigation_first } = site;
        let first = match &config.run_worker_first {
            RunWorkerFirst::Always(always) => First::Always(*always),
            RunWorkerFirst::Paths(patterns) => First::Paths {
                worker: patterns.iter().filter(|text| !text.starts_with('!')).map(|text| Glob::new(text)).collect(),
                assets: patterns.iter().filter_map(|text| text.strip_prefix('!')).map(Glob::new).collect(),
            },
        };
        Self {
            custom: CustomHeaders::parse(config.headers.as_deref().unwrap_or_default()),
            redirects: Redirects::parse(config.redirects.as_deref().unwrap_or_default()),
            config: AssetConfig { headers: None, redirects: None, ..config },
            manifest,
            has_worker,
            navigation_first,
            first,
        }
    }

    /// Bytes in memory, roughly.
    pub fn bytes(&self) -> usize {
        let files = self.manifest.0.iter();
        let files: usize =
            files.map(|(path, asset)| path.len() + ENTRY + asset.content_type.as_ref().map_or(0, String::len)).sum();
        1_024 + files + self.redirects.bytes() + self.custom.bytes()
    }

    pub fn has_worker(&self) -> bool {
        self.has_worker
    }

    /// Whether the Worker gets a request, and no asset is looked for.
    pub fn goes_to_worker(&self, head: &Parts) -> bool {
        let Some(target) = target(head) else { return true };
        let path = target.url.path();
        match &self.first {
            First::Always(true) => return true,
            First::Always(false) => {}
            First::Paths { worker, assets } => {
                let fits = |globs: &[Glob]| path.len() <= MAX_PATH && globs.iter().any(|glob| glob.matches(path));
                if fits(assets) {
                    return false;
                }
                if fits(worker) {
                    return true;
                }
            }
        }
        // What is missing is the Worker's, except for people who open a page of an app that has its own
        // answer to that.
        let missing = match self.navigation_first && is_navigation(&head.headers) {
            true => self.config.not_found_handling,
            false => NotFoundHandling::None,
        };
        matches!(self.intent(&head.method, &target, missing), Outcome::Nothing)
    }

    pub fn intent(&self, method: &Method, target: &Target, not_found: NotFoundHandling) -> Outcome<'_> {
        let mut path = target.url.path().to_owned();
        match self.redirects.find(&target.url) {
            None => {}
            Some(Redirected::To { location, status }) => return Outcome::Redirect { location, status },
            Some(Redirected::Proxied { path: other }) => path = other,
        }
        let base = self.config.base_path.as_deref().unwrap_or_default();
        let Some(below) = path.strip_prefix(base).filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
            return Outcome::Nothing;
        };
        let below = if below.is_empty() { "/" } else { below };
        let decoded = decode(below);
        let exists = |path: &str| self.manifest.find(path).is_some();
        let finder = Finder { exists: &exists, html: self.config.html_handling, not_found };
        let Some(intent) = finder.find(&decoded) else { return Outcome::Nothing };
        if *method != Method::GET && *method != Method::HEAD {
            return Outcome::MethodNotAllowed;
        }
        // One URL for each file: decoded and encoded again.
        let canonical = match &intent {
            Intent::Go(to) => Some(encode(to)),
            Intent::File { .. } => Some(encode(&decoded)).filter(|encoded| encoded != below),
        };
        if let Some(canonical) = canonical {
            let query = target.url.query().map(|query| format!("?{query}")).unwrap_or_default();
            let location = format!("{base}{canonical}{query}");
            return Outcome::Redirect { location, status: StatusCode::TEMPORARY_REDIRECT };
        }
        let Intent::File { path, status } = intent else { return Outcome::Nothing };
        match self.manifest.0.binary_search_by(|(there, _)| there.as_str().cmp(&path)) {
            Ok(at) => Outcome::Asset { path: &self.manifest.0[at].0, asset: &self.manifest.0[at].1, status },
            Err(_) => Outcome::Nothing,
        }
    }
}

fn is_navigation(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-mode").is_some_and(|mode| mode.as_bytes() == b"navigate")
}

/// Each segment decoded, one that cannot be as it is; slashes in a row are one, so that no path can be
/// read as a host.
fn decode(path: &str) -> String {
    let mut decoded = String::with_capacity(path.len());
    for segment in path.split('/') {
        decoded.push_str(&percent_decode_str(segment).decode_utf8().unwrap_or(segment.into()));
        decoded.push('/');
    }
    decoded.pop();
    while let Some(at) = decoded.find("//") {
        let end = decoded[at..].find(|c| c != '/').map_or(decoded.len(), |more| at + more);
        decoded.replace_range(at + 1..end, "");
    }
    decoded
}

fn encode(path: &str) -> String {
    path.split('/').map(|segment| utf8_percent_encode(segment, COMPONENT).to_string()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchyard_catalog::{AssetHash, BlobDigest};

    fn site(config: AssetConfig, has_worker: bool) -> Site {
        let asset = Asset { hash: AssetHash([1; 16]), digest: BlobDigest([1; 32]), size: 1, content_type: None };
        let mut paths = ["/index.html", "/a b.txt", "/ü.html", "/404.html"];
        paths.sort_unstable();
        let manifest = AssetManifest(paths.into_iter().map(|path| (path.to_owned(), asset.clone())).collect());
        Site::new(AssetSite { config, manifest, has_worker, navigation_first: true })
    }

    fn outcome(site: &Site, method: &str, url: &str) -> String {
        let (head, ()) = http::Request::builder().method(method).uri(url).body(()).unwrap().into_parts();
        match site.intent(&head.method, &target(&head).unwrap(), site.config.not_found_handling) {
            Outcome::Asset { path, status, .. } => format!("{status} {path}"),
            Outcome::Redirect { location, status } => format!("{} {location}", status.as_u16()),
            Outcome::MethodNotAllowed => "405".into(),
            Outcome::Nothing => "-".into(),
        }
    }

    #[test]
    fn each_file_has_one_url() {
        let site = site(AssetConfig::default(), false);
        for (url, expected) in [
            ("http://x/", "200 /index.html"),
            ("http://x/a%20b.txt", "200 /a b.txt"),
            ("http://x/%61%20b.txt?q=1", "307 /a%20b.txt?q=1"),
            ("http://x/%C3%BC", "200 /ü.html"),
            ("http://x/%C3%BC.html", "307 /%C3%BC"),
            ("http://x//index.html", "307 /"),
            ("http://x///evil.com/..", "307 /"),
            ("http://x/%2F%2Fevil.com%2F", "-"),
            ("http://x/none", "-"),
        ] {
            assert_eq!(outcome(&site, "GET", url), expected, "{url}");
        }
        assert_eq!(outcome(&site, "POST", "http://x/"), "405");
        assert_eq!(outcome(&site, "POST", "http://x/none"), "-");
    }

    #[test]
    fn assets_below_a_path() {
        let site = site(AssetConfig { base_path: Some("/docs".into()), ..AssetConfig::default() }, false);
        for (url, expected) in [
            ("http://x/docs/", "200 /index.html"),
            ("http://x/docs/index.html", "307 /docs/"),
            ("http://x/docsindex.html", "-"),
            ("http://x/", "-"),
        ] {
            assert_eq!(outcome(&site, "GET", url), expected, "{url}");
        }
    }

    #[test]
    fn who_is_asked_first() {
        let worker = |site: &Site, method: &str, path: &str, mode: &str| {
            let request = http::Request::builder().method(method).uri(format!("http://x{path}"));
            site.goes_to_worker(&request.header("sec-fetch-mode", mode).body(()).unwrap().into_parts().0)
        };
        let plain =
            site(AssetConfig { not_found_handling: NotFoundHandling::SinglePage, ..AssetConfig::default() }, true);
        assert!(!worker(&plain, "GET", "/", "cors") && worker(&plain, "GET", "/none", "cors"));
        assert!(!worker(&plain, "GET", "/none", "navigate"), "a page of the app");
        assert!(worker(&plain, "POST", "/none", "cors") && !worker(&plain, "POST", "/", "cors"));
        let always =
            site(AssetConfig { run_worker_first: RunWorkerFirst::Always(true), ..AssetConfig::default() }, true);
        assert!(worker(&always, "GET", "/", "navigate"));
        let paths = ["/api/*", "/index.html", "!/api/docs/*"].map(str::to_owned).to_vec();
        let some = site(AssetConfig { run_worker_first: RunWorkerFirst::Paths(paths), ..AssetConfig::default() }, true);
        assert!(worker(&some, "GET", "/index.html", "cors") && worker(&some, "GET", "/api/x", "cors"));
        assert!(!worker(&some, "GET", "/", "cors") && !worker(&some, "GET", "/api/docs/x", "cors"));
    }

    #[test]
    fn slashes_in_a_row_are_one() {
        assert_eq!(decode("//a///b%2F%2Fc//"), "/a/b/c/");
        assert_eq!(decode("/%FF"), "/%FF");
        assert_eq!(encode("/a b/ü'()*!~"), "/a%20b/%C3%BC'()*!~");
    }
}
