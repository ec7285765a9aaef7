//! Which version of a script a Worker's request asks for (contract §5.5). Only Workers ask: from
//! outside, both headers are stripped (`headers`), so a client cannot pick what it runs.

use http::HeaderMap;
use switchyard_catalog::VersionId;

use crate::ids::draw;
use crate::routes::Route;

/// `<script>="<version-id>"`, several with commas between.
pub const OVERRIDES: &str = "cloudflare-workers-version-overrides";
/// Any text: the same text gets the same version, as long as the percentages stay.
pub const KEY: &str = "cloudflare-workers-version-key";

/// What a request says of versions. `Default` says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionChoice {
    overridden: Option<VersionId>,
    key: Option<Vec<u8>>,
}

impl VersionChoice {
    /// Of a request that a Worker sends to the script of this name.
    pub fn asked(headers: &HeaderMap, script: &str) -> Self {
        let overridden = headers.get_all(OVERRIDES).iter().filter_map(|value| value.to_str().ok());
        let overridden = overridden.flat_map(|list| list.split(',')).find_map(|entry| {
            let (name, version) = entry.split_once('=')?;
            let version = version.trim().strip_prefix('"')?.strip_suffix('"')?;
            (name.trim() == script).then(|| VersionId::parse(version))?
        });
        Self { overridden, key: headers.get(KEY).map(|key| key.as_bytes().to_vec()) }
    }

    /// Of a request whose version a resolver chose, if it did.
    pub fn pinned(version: Option<VersionId>) -> Self {
        Self { overridden: version, key: None }
    }

    /// One of the live versions: the one asked for if it is live, else by the key, else by lot.
    pub fn of(&self, route: &Route) -> Option<VersionId> {
        let overridden = self.overridden.and_then(|version| route.live(version));
        overridden.or_else(|| route.pick(|| self.key.as_deref().map_or_else(draw, |key| place(route, key))))
    }
}

/// Where a key lies between 0 and `u64::MAX`: the same on every node and after every restart, and
/// for each script another.
fn place(route: &Route, key: &[u8]) -> u64 {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    context.update(route.script.as_uuid().as_bytes());
    context.update(key);
    context.finish().as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_entry_of_the_script_that_can_be_read_counts() {
        let (a, b) = (VersionId::random(), VersionId::random());
        let asked = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(OVERRIDES, value.parse().unwrap());
            VersionChoice::asked(&headers, "x").overridden
        };
        assert_eq!(asked(&format!("x=\"{a}\"")), Some(a));
        assert_eq!(asked(&format!("y=\"{b}\", x = \"{a}\"")), Some(a));
        assert_eq!(asked(&format!("x={a}")), None);
        assert_eq!(asked(&format!("xx=\"{a}\",x=\"nonsense\"")), None);
    }
}
