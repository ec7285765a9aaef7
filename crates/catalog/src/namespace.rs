//! Dispatch namespaces, and the scope a script lives in.

use serde::{Deserialize, Serialize};

use crate::{AccountId, EgressRules, Isolation, Limits, NamespaceId, NamespaceName, PlanName, ScriptName, Timestamp};

/// A dispatch namespace as Cloudflare's API shows it (contract §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    pub id: NamespaceId,
    pub account: AccountId,
    /// Unique in the account at any one time; may change.
    pub name: NamespaceName,
    pub trusted_workers: bool,
    /// What Cloudflare has no place for.
    pub settings: NamespaceSettings,
    /// Scripts in it now; kept by storage, ignored on writes.
    pub script_count: u64,
    pub created_on: Timestamp,
    /// 32 characters: the id of the token that made it.
    pub created_by: String,
    pub modified_on: Timestamp,
    pub modified_by: String,
}

/// What holds for all scripts of a namespace, from the next request on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NamespaceSettings {
    /// They tighten those of the node; a script's own tighten them in turn.
    pub limits: Limits,
    /// Its limits tighten too; its weight is the namespace's share of the CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanName>,
    /// `None`: the node's.
    pub isolation: Option<Isolation>,
    /// Gets what the namespace's Workers fetch, unless their call says of another.
    pub outbound: Option<WorkerRef>,
    /// Gets clients' requests for the namespace's Workers first.
    pub inbound: Option<WorkerRef>,
    /// What its Workers' fetches may reach.
    pub egress: EgressRules,
}

/// One of the account's own Workers by name, looked up at each call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRef {
    pub service: ScriptName,
    #[serde(default)]
    pub entrypoint: Option<String>,
}

/// Where a script's name is unique: among the account's own Workers, or in one dispatch namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    Account,
    Namespace(NamespaceId),
}
