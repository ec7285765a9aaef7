//! Rules of static assets that need nothing but the thing itself (contract §3.8).

use super::{CatalogSettings, NewAsset};
use crate::{AssetConfig, AssetHash, CatalogError, RunWorkerFirst};

const MAX_PATH_BYTES: usize = 1_024;
const MAX_CONTENT_TYPE_BYTES: usize = 255;
/// Bytes of `_headers` and of `_redirects`.
const MAX_RULES_BYTES: usize = 256 << 10;
/// `run_worker_first` patterns, and bytes of one.
const MAX_PATTERNS: usize = 100;
const MAX_PATTERN_BYTES: usize = 100;

fn invalid<T>(message: String) -> Result<T, CatalogError> {
    Err(CatalogError::Invalid(message))
}

/// The files sorted by path.
pub(super) fn files(settings: &CatalogSettings, mut files: Vec<NewAsset>) -> Result<Vec<NewAsset>, CatalogError> {
    let max = settings.max_assets;
    if files.len() > max {
        return invalid(format!("the manifest has {} files; at most {max} are allowed", files.len()));
    }
    for file in &files {
        let shown: String = file.path.chars().take(80).collect();
        if let Some(rule) = path_fault(&file.path) {
            return invalid(format!("manifest: the path {shown:?} is not valid: {rule}"));
        }
        if file.size > settings.max_asset_bytes {
            let (size, max) = (file.size, settings.max_asset_bytes);
            return invalid(format!("manifest: the file {shown:?} has {size} bytes; at most {max} are allowed"));
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    if let Some(twice) = files.windows(2).find(|pair| pair[0].path == pair[1].path) {
        return invalid(format!("manifest: the path {:?} is there twice", twice[0].path));
    }
    Ok(files)
}

fn path_fault(path: &str) -> Option<&'static str> {
    let Some(rest) = path.strip_prefix('/') else { return Some("it begins with /") };
    if path.len() > MAX_PATH_BYTES {
        return Some("it has at most 1024 bytes");
    }
    if path.chars().any(char::is_control) {
        return Some("it has no control characters");
    }
    if rest.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return Some("no part of it is empty, . or ..");
    }
    None
}

/// A file as it arrives.
pub(super) fn content(
    settings: &CatalogSettings,
    hash: AssetHash,
    content_type: Option<&str>,
    size: u64,
) -> Result<(), CatalogError> {
    if size > settings.max_asset_bytes {
        let max = settings.max_asset_bytes;
        return invalid(format!("the file {hash} has {size} bytes; at most {max} are allowed"));
    }
    let visible = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if content_type.is_some_and(|text| text.len() > MAX_CONTENT_TYPE_BYTES || !visible(text)) {
        return invalid(format!("the file {hash} has a content type that no header can hold"));
    }
    Ok(())
}

pub(super) fn config(config: &AssetConfig) -> Result<(), CatalogError> {
    for (name, text) in [("_headers", &config.headers), ("_redirects", &config.redirects)] {
        if text.as_ref().is_some_and(|text| text.len() > MAX_RULES_BYTES) {
            return invalid(format!("assets.config.{name} is larger than {MAX_RULES_BYTES} bytes"));
        }
    }
    if let Some(path) = &config.base_path
        && (path_fault(path).is_some() || path.contains(['?', '#', '%']))
    {
        let shown: String = path.chars().take(80).collect();
        return invalid(format!("assets.config.base_path {shown:?} is not a path like /docs"));
    }
    let RunWorkerFirst::Paths(patterns) = &config.run_worker_first else { return Ok(()) };
    if patterns.is_empty() || patterns.len() > MAX_PATTERNS {
        return invalid(format!("assets.config.run_worker_first has 1 to {MAX_PATTERNS} patterns"));
    }
    for pattern in patterns {
        let shown: String = pattern.chars().take(80).collect();
        if !pattern.strip_prefix('!').unwrap_or(pattern).starts_with('/') {
            return invalid(format!(
                "assets.config.run_worker_first: the pattern {shown:?} begins neither with / nor with !/"
            ));
        }
        if pattern.len() > MAX_PATTERN_BYTES {
            return invalid(format!(
                "assets.config.run_worker_first: the pattern {shown:?} is longer than {MAX_PATTERN_BYTES} bytes"
            ));
        }
    }
    if patterns.iter().all(|pattern| pattern.starts_with('!')) {
        return invalid("assets.config.run_worker_first: at least one pattern must not begin with !".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_hold_their_rules() {
        for good in ["/a", "/index.html", "/a b/ü.txt", "/.well-known/x", "/..."] {
            assert_eq!(path_fault(good), None, "{good}");
        }
        for bad in ["", "a", "/", "/a/", "//a", "/a//b", "/./a", "/../a", "/a\n", &format!("/{}", "a".repeat(1_024))] {
            assert!(path_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn patterns_hold_their_rules() {
        let with = |patterns: &[&str]| {
            let patterns = patterns.iter().map(|text| (*text).to_owned()).collect();
            config(&AssetConfig { run_worker_first: RunWorkerFirst::Paths(patterns), ..AssetConfig::default() })
        };
        assert!(with(&["/api/*", "!/api/docs/*"]).is_ok());
        for bad in [&[][..], &["api"], &["!api"], &["!/a"], &["/a", &"/".repeat(101)]] {
            assert!(with(bad).is_err(), "{bad:?}");
        }
    }
}
