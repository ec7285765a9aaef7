//! Scripts: a name, its settings, and the one mutable pointer to what is deployed.

use crate::{AccountId, NamespaceName, PlanName, Scope, ScriptId, ScriptName, Tag, Timestamp};

/// A script's address as a person writes it. Looked up once; everything after uses ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScriptRef {
    pub account: AccountId,
    /// `None`: one of the account's own Workers.
    pub namespace: Option<NamespaceName>,
    pub name: ScriptName,
}

impl std::fmt::Display for ScriptRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{}/{}", self.account, namespace, self.name),
            None => write!(f, "{}/{}", self.account, self.name),
        }
    }
}

/// A Worker as the catalog keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    pub id: ScriptId,
    pub account: AccountId,
    pub scope: Scope,
    pub name: ScriptName,
    pub tags: Vec<Tag>,
    pub settings: ScriptSettings,
    pub created_on: Timestamp,
    /// Last change of any kind; grows strictly with each change of this script.
    pub modified_on: Timestamp,
}

/// What wrangler changes without making a version. JSON values are kept as sent, shown as kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScriptSettings {
    /// Array of `{service, environment?, namespace?}` or null; see [`TailConsumer`].
    pub tail_consumers: Option<serde_json::Value>,
    pub observability: Option<serde_json::Value>,
    pub placement: Option<serde_json::Value>,
    pub logpush: bool,
    /// `workers.dev` reachability, an account-level Worker's `subdomain` setting.
    pub subdomain_enabled: bool,
    pub previews_enabled: bool,
    /// Who deployed last: `wrangler`, `api`, `dash`.
    pub last_deployed_from: Option<String>,
    /// Set by the account, or by the token that uploads; never by what is uploaded.
    pub plan: Option<PlanName>,
}
