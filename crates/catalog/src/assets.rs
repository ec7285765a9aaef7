//! Static assets: files that a version serves besides its code. A version names two blobs, its
//! manifest (path → file) and its configuration, so that its row stays small with 20,000 files; the
//! files' bytes are blobs too, found by the hash that the client chose, within one namespace.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{AccountId, BlobDigest, Scope};

/// What a client calls a file: 32 hex digits of its own choice. Names a file only together with an
/// [`AssetOwner`]: whoever may choose hashes could else read the files of others.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssetHash(pub [u8; 16]);

impl AssetHash {
    /// Reads 32 lower-case hex digits. `None`: it is something else; upper case too, since the client
    /// would not know its own hash again when it is given back.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        digits.then_some(Self(bytes))
    }
}

impl fmt::Display for AssetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for AssetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Within what files are shared by hash: a dispatch namespace, or the account's own Workers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssetOwner {
    pub account: AccountId,
    pub scope: Scope,
}

/// A file that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    pub hash: AssetHash,
    pub digest: BlobDigest,
    /// Bytes.
    pub size: u64,
    /// As uploaded. `application/null`: none; `None`: by the name's ending.
    pub content_type: Option<String>,
}

/// What a version's row says of its assets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionAssets {
    /// The blob with the [`AssetManifest`].
    pub manifest: BlobDigest,
    /// The blob with the [`AssetConfig`].
    pub config: BlobDigest,
    pub files: u32,
}

/// Every file of a version, by path; sorted, each path once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AssetManifest(pub Vec<(String, Asset)>);

/// One file of a kept manifest: path, hash, digest, size, content type. Its form on disk: never
/// change it, only add another version.
#[derive(Serialize, Deserialize)]
struct Line(String, String, String, u64, #[serde(default)] Option<String>);

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    files: Vec<Line>,
}

impl AssetManifest {
    pub fn to_bytes(&self) -> Vec<u8> {
        let files = self.0.iter().map(|(path, file)| {
            Line(path.clone(), file.hash.to_string(), file.digest.hex(), file.size, file.content_type.clone())
        });
        // Texts and numbers only: there is nothing in it that JSON cannot say.
        serde_json::to_vec(&Kept { version: 1, files: files.collect() }).unwrap_or_default()
    }

    /// `None`: it is not a manifest.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let kept: Kept = serde_json::from_slice(bytes).ok().filter(|kept: &Kept| kept.version == 1)?;
        let files = kept.files.into_iter().map(|Line(path, hash, digest, size, content_type)| {
            let (hash, digest) = (AssetHash::parse(&hash)?, BlobDigest::parse(&digest)?);
            Some((path, Asset { hash, digest, size, content_type }))
        });
        files.collect::<Option<_>>().map(Self)
    }

    pub fn find(&self, path: &str) -> Option<&Asset> {
        let at = self.0.binary_search_by(|(there, _)| there.as_str().cmp(path)).ok()?;
        self.0.get(at).map(|(_, file)| file)
    }
}

/// How a version's assets are served (contract §3.8). Its serialised form is kept: add fields with
/// a default only.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AssetConfig {
    pub html_handling: HtmlHandling,
    pub not_found_handling: NotFoundHandling,
    pub run_worker_first: RunWorkerFirst,
    /// The text of a `_headers` file.
    pub headers: Option<String>,
    /// The text of a `_redirects` file.
    pub redirects: Option<String>,
    /// The assets are served below this path: `/docs`, without a slash at the end.
    pub base_path: Option<String>,
}

/// Which URL an HTML file has, and which URLs lead to it by a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HtmlHandling {
    #[default]
    AutoTrailingSlash,
    ForceTrailingSlash,
    DropTrailingSlash,
    None,
}

/// What is answered where no file fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum NotFoundHandling {
    #[default]
    #[serde(rename = "none")]
    None,
    /// The nearest `404.html` upwards, with status 404.
    #[serde(rename = "404-page")]
    Page,
    /// `/index.html`, with status 200.
    #[serde(rename = "single-page-application")]
    SinglePage,
}

/// Which requests the Worker gets although a file may fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RunWorkerFirst {
    /// All, or none.
    Always(bool),
    /// Those that fit one of `/…` and none of `!/…`; `*` stands for anything.
    Paths(Vec<String>),
}

impl Default for RunWorkerFirst {
    fn default() -> Self {
        Self::Always(false)
    }
}

/// A word of Cloudflare's that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is none of {words}")]
pub struct UnknownWord {
    pub text: String,
    pub words: &'static str,
}

impl FromStr for HtmlHandling {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Ok(match text {
            "auto-trailing-slash" => Self::AutoTrailingSlash,
            "force-trailing-slash" => Self::ForceTrailingSlash,
            "drop-trailing-slash" => Self::DropTrailingSlash,
            "none" => Self::None,
            other => {
                let words = "auto-trailing-slash, force-trailing-slash, drop-trailing-slash, none";
                return Err(UnknownWord { text: other.chars().take(80).collect(), words });
            }
        })
    }
}

impl FromStr for NotFoundHandling {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Ok(match text {
            "none" => Self::None,
            "404-page" => Self::Page,
            "single-page-application" => Self::SinglePage,
            other => {
                let words = "none, 404-page, single-page-application";
                return Err(UnknownWord { text: other.chars().take(80).collect(), words });
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_32_lower_case_digits() {
        let text = "00ff0123456789abcdef0123456789ab";
        assert_eq!(AssetHash::parse(text).expect("a hash").to_string(), text);
        for wrong in ["", "00FF0123456789abcdef0123456789ab", "zz", "+0ff0123456789abcdef0123456789ab", &"0".repeat(33)]
        {
            assert_eq!(AssetHash::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn manifests_and_configurations_survive_the_way_to_disk() {
        let file = |byte: u8, content_type: Option<&str>| Asset {
            hash: AssetHash([byte; 16]),
            digest: BlobDigest([byte; 32]),
            size: 7,
            content_type: content_type.map(str::to_owned),
        };
        let files = vec![("/a".to_owned(), file(1, None)), ("/ü \"q\"".to_owned(), file(2, Some("text/html")))];
        let manifest = AssetManifest(files);
        assert_eq!(AssetManifest::from_bytes(&manifest.to_bytes()), Some(manifest.clone()));
        assert_eq!(manifest.find("/a"), Some(&file(1, None)));
        assert_eq!(manifest.find("/b"), None);
        assert_eq!(AssetManifest::from_bytes(b"{}"), None);
        let config = AssetConfig {
            not_found_handling: NotFoundHandling::Page,
            run_worker_first: RunWorkerFirst::Paths(vec!["/api/*".to_owned()]),
            ..AssetConfig::default()
        };
        let text = serde_json::to_string(&config).expect("JSON");
        assert!(text.contains("\"404-page\"") && text.contains("\"auto-trailing-slash\""), "{text}");
        assert_eq!(serde_json::from_str::<AssetConfig>(&text).expect("a configuration"), config);
        assert_eq!(serde_json::from_str::<AssetConfig>("{}").expect("a configuration"), AssetConfig::default());
    }
}
