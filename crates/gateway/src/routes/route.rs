//! A script as a request finds it: which version runs, on what terms, and what is known of it from one request to the
//! next.

use std::sync::{Arc, OnceLock};

use switchyard_catalog::{
    AccountId, NamespaceName, NamespaceSettings, PlanName, Scope, ScriptId, ScriptName, Tag, TailConsumer, Upstream,
    VersionId, VersionShare,
};
use switchyard_runtime::Remembered;

use crate::admission::Usage;
use crate::terms::KnownTerms;

/// A script with something deployed. Immutable, but for what is remembered: a change puts another in its place.
#[derive(Debug)]
pub struct Route {
    pub account: AccountId,
    pub scope: Scope,
    /// For people (logs); everything else uses ids.
    pub namespace: Option<NamespaceName>,
    pub script: ScriptId,
    pub name: ScriptName,
    /// The namespace's, as they are now; its scripts share them.
    pub settings: Arc<NamespaceSettings>,
    /// The namespace's Workers trust each other; false for the account's own.
    pub trusted: bool,
    /// Its own; the namespace's is in the settings.
    pub plan: Option<PlanName>,
    pub(super) versions: Vec<VersionShare>,
    /// Those of the versions that have static assets.
    pub(super) with_assets: Vec<VersionId>,
    pub(super) version_tags: Vec<(VersionId, String)>,
    pub(super) upstreams: Vec<(VersionId, Arc<Upstream>)>,
    pub tags: Vec<Tag>,
    /// Who hears of its runs; mostly nobody.
    pub tail_consumers: Vec<TailConsumer>,
    /// Its Worker, while it is loaded.
    pub remembered: Remembered,
    /// What it has under way: of the script, whichever of its routes a request went by.
    pub usage: Arc<Usage>,
    /// What holds for its calls.
    pub terms: KnownTerms,
    /// What the access log's lines tell of it.
    pub told: OnceLock<Box<str>>,
}

/// As people write it.
impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{namespace}/{}", self.account, self.name),
            None => write!(f, "{}/{}", self.account, self.name),
        }
    }
}

impl Route {
    /// A user Worker with nothing but these.
    #[cfg(test)]
    pub fn sample(settings: NamespaceSettings, plan: Option<PlanName>) -> Self {
        Self {
            account: AccountId::parse("a").expect("an account"),
            scope: Scope::Namespace(switchyard_catalog::NamespaceId::random()),
            namespace: NamespaceName::parse("ns").ok(),
            script: ScriptId::random(),
            name: ScriptName::parse("x").expect("a name"),
            settings: Arc::new(settings),
            trusted: false,
            plan,
            versions: Vec::new(),
            with_assets: Vec::new(),
            version_tags: Vec::new(),
            upstreams: Vec::new(),
            tags: Vec::new(),
            tail_consumers: Vec::new(),
            remembered: Remembered::default(),
            usage: Usage::of(ScriptId::random()),
            terms: KnownTerms::default(),
            told: OnceLock::new(),
        }
    }

    pub(super) fn versions(&self) -> impl Iterator<Item = VersionId> {
        self.versions.iter().map(|share| share.version)
    }

    /// This version, if it is one of those that are live, with whatever share.
    pub fn live(&self, version: VersionId) -> Option<VersionId> {
        self.versions().find(|live| *live == version)
    }

    /// The live version of this id or tag. Of two with the same tag, the first.
    pub fn named(&self, version: &str) -> Option<VersionId> {
        let tagged = self.version_tags.iter().find(|(_, tag)| tag == version).map(|(id, _)| *id);
        tagged.or_else(|| self.live(VersionId::parse(version)?))
    }

    /// This version's tag.
    pub fn tag_of(&self, version: VersionId) -> Option<&str> {
        self.version_tags.iter().find(|(id, _)| *id == version).map(|(_, tag)| tag.as_str())
    }

    /// Whether something may answer before this version's Worker.
    pub fn has_assets(&self, version: VersionId) -> bool {
        self.with_assets.contains(&version)
    }

    /// Where this version's requests are proxied to, if it is no code.
    pub fn upstream(&self, version: VersionId) -> Option<&Arc<Upstream>> {
        self.upstreams.iter().find(|(id, _)| *id == version).map(|(_, upstream)| upstream)
    }

    /// The version for one request: by weight where two are live.
    ///
    /// `draw` is uniform over `u64`.
    pub fn pick(&self, draw: impl FnOnce() -> u64) -> Option<VersionId> {
        let (first, rest) = self.versions.split_first()?;
        if rest.is_empty() {
            return Some(first.version);
        }
        let total: f64 = self.versions.iter().map(|share| share.percentage.max(0.0)).sum();
        let mut left = draw() as f64 / u64::MAX as f64 * total;
        for share in &self.versions {
            if left < share.percentage {
                return Some(share.version);
            }
            left -= share.percentage.max(0.0);
        }
        self.versions.iter().rfind(|share| share.percentage > 0.0).map(|share| share.version)
    }
}
