//! Uploads (contract §3.3): what a client sends, and the two operations that take it.

use serde_json::{Map, Value};

use super::{
    Actor, Catalog,
    publish::{Edit, Publication},
};
use crate::{
    AssetConfig, BindingKind, BindingName, CatalogError, Code, Deployment, KeyInfo, Limits, ScriptRef, ScriptRow,
    Secret, Tag, Version, VersionId,
};

/// An upload as the client sent it, parsed. `Default` is an upload that says nothing at all.
#[derive(Debug, Clone, Default)]
pub struct NewScript {
    /// `None`: the code stays; only for a script that exists. [`Code::none`]: assets alone.
    /// [`Code::of_upstream`]: no code at all.
    pub code: Option<Code>,
    pub bindings: Vec<NewBinding>,
    /// `keep_bindings`: types of bindings that stay unless one of the same name is sent. Types that
    /// nobody knows are ignored. `None`: secrets stay.
    pub keep_bindings: Option<Vec<String>>,
    /// `bindings_inherit=strict`: an `inherit` without counterpart is an error, else it is dropped.
    pub strict_inherit: bool,
    /// `YYYY-MM-DD`. `None`: the oldest, 2021-11-02.
    pub compatibility_date: Option<String>,
    pub compatibility_flags: Vec<String>,
    /// `None`: the tags stay.
    pub tags: Option<Vec<Tag>>,
    pub limits: Limits,
    /// Settings as sent: what is absent is unset, since an upload replaces them as a whole.
    pub tail_consumers: Option<Value>,
    pub observability: Option<Value>,
    pub placement: Option<Value>,
    pub logpush: bool,
    pub annotations: Map<String, Value>,
    /// `None`: `standard`.
    pub usage_model: Option<String>,
    /// `migrations.new_tag`. `None`: stays.
    pub migration_tag: Option<String>,
    /// `None`: there are none, unless they are kept.
    pub assets: Option<NewAssets>,
    /// `keep_assets`: without `assets`, those of the previous version stay.
    pub keep_assets: bool,
    /// `wrangler`, `api` …
    pub source: String,
    pub precondition: Precondition,
}

/// What must be there for a change of code to be made (RFC 9110 §13). `Default` asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Precondition {
    #[default]
    None,
    /// `If-Match: *`: the script exists.
    Exists,
    /// `If-None-Match: *`: it does not.
    Absent,
    /// `If-Match`: the code in force (of a script that is not deployed, the newest) has one of these etags.
    Etag(Vec<String>),
}

impl Precondition {
    /// # Errors
    /// [`CatalogError::PreconditionFailed`].
    pub(super) fn check(&self, before: Option<&ScriptRow>) -> Result<(), CatalogError> {
        let holds = match self {
            Self::None => true,
            Self::Exists => before.is_some(),
            Self::Absent => before.is_none(),
            Self::Etag(etags) => {
                let version = before.and_then(|row| row.deployed.as_deref().or(row.latest.as_deref()));
                version.is_some_and(|version| etags.contains(&version.etag().hex()))
            }
        };
        if holds { Ok(()) } else { Err(CatalogError::PreconditionFailed) }
    }
}

/// `assets` as sent.
#[derive(Debug, Clone, Default)]
pub struct NewAssets {
    /// The completion token. `None`: the files of the previous version stay.
    pub token: Option<String>,
    pub config: Option<AssetConfig>,
}

/// One entry of `bindings` as sent.
#[derive(Debug, Clone)]
pub struct NewBinding {
    pub name: BindingName,
    pub kind: NewBindingKind,
}

/// A secret's value as sent; with `key` it is a key.
#[derive(Debug, Clone)]
pub struct NewSecret {
    pub value: Secret,
    pub key: Option<KeyInfo>,
}

impl From<Secret> for NewSecret {
    fn from(value: Secret) -> Self {
        Self { value, key: None }
    }
}

#[derive(Debug, Clone)]
pub enum NewBindingKind {
    /// Anything but a secret: [`BindingKind::SecretText`] and `SecretKey` here are refused, since nobody
    /// outside knows the ids of secrets.
    Kind(BindingKind),
    /// `secret_text` with its value.
    Secret(Secret),
    /// `secret_key` with the key.
    SecretKey(NewSecret),
    /// What the previous version (or that one) has under this name, or under `old_name`.
    Inherit { old_name: Option<BindingName>, version_id: Option<VersionId> },
}

/// A finished upload. It is live on this node.
#[derive(Debug, Clone, PartialEq)]
pub struct Uploaded {
    /// As [`Catalog::script_find`] shows it now; `row.deployed` is the new version.
    pub row: ScriptRow,
    pub version: Version,
    pub deployment: Deployment,
}

impl Catalog {
    /// Makes a version of the script (and the script, if it is new) and deploys it. A refused upload
    /// leaves everything as it was.
    ///
    /// # Errors
    /// Nearly all of [`CatalogError`]: the rules in the order of contract §3.3, then what the
    /// validator says ([`CatalogError::Start`], [`CatalogError::NoHandlers`]);
    /// [`CatalogError::Conflict`] when others kept changing the same script.
    pub async fn script_upload(
        &self,
        actor: &Actor,
        script: &ScriptRef,
        new: NewScript,
    ) -> Result<Uploaded, CatalogError> {
        let source = new.source.clone();
        let published = self.publish(actor, script, Edit::Upload(Box::new(new)), source).await?;
        published.into_uploaded()
    }

    /// Makes a version and does not deploy it; tags and settings of the script stay as they are.
    ///
    /// # Errors
    /// As [`Catalog::script_upload`], and [`CatalogError::ScriptNotFound`] when it is new.
    pub async fn version_create(
        &self,
        actor: &Actor,
        script: &ScriptRef,
        new: NewScript,
    ) -> Result<Version, CatalogError> {
        let source = new.source.clone();
        let published = self.publish(actor, script, Edit::Version(Box::new(new)), source).await?;
        Ok(published.version)
    }

    /// Replaces the code alone; bindings, settings and tags stay (contract §3.9).
    ///
    /// # Errors
    /// As [`Catalog::script_upload`]; [`CatalogError::LatestNotDeployed`] when the newest version is
    /// not the one in force, since its bindings would be deployed with the code.
    pub async fn script_content_put(
        &self,
        actor: &Actor,
        script: &ScriptRef,
        code: Code,
        precondition: Precondition,
        source: String,
    ) -> Result<Uploaded, CatalogError> {
        self.publish(actor, script, Edit::Content(code, precondition), source).await?.into_uploaded()
    }
}

impl Publication {
    /// For edits that deploy.
    pub(super) fn into_uploaded(self) -> Result<Uploaded, CatalogError> {
        match self.deployment {
            Some(deployment) => Ok(Uploaded { row: self.row, version: self.version, deployment }),
            // Such an edit always deploys; should that ever change, nothing is live.
            None => Err(CatalogError::LatestNotDeployed),
        }
    }
}
