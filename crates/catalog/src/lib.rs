//! The catalog: everything that is *said* about Workers, and the rules for changing it.
//!
//! Accounts, dispatch namespaces, scripts, versions, deployments, bindings, limits and secrets; the
//! operations on them ([`Catalog`]); and the traits those operations need from the outside: rows
//! ([`Storage`]), code ([`Blobs`]) and a runtime that can say whether code starts ([`Validator`]).
//! No IO, no HTTP status, no wasm. Everyone else depends on this crate; it depends on none of them.

mod account;
mod assets;
mod binding;
mod catalog;
mod code;
mod compatibility;
mod destination;
mod error;
mod ids;
mod limits;
mod names;
mod namespace;
mod reference;
mod script;
mod secret;
mod time;
mod upstream;
mod version;
mod worker;

mod blobs;
mod storage;
mod tail;
mod validator;

pub use account::{Access, Account, Token, TokenHash, TokenRow, TokenScope, TokenVerdict};
pub use assets::{
    Asset, AssetConfig, AssetHash, AssetManifest, AssetOwner, HtmlHandling, NotFoundHandling, RunWorkerFirst,
    UnknownWord, VersionAssets,
};
pub use binding::{Binding, BindingKind, DispatchOutbound, KEY_USAGES, KeyFormat, KeyInfo};
pub use blobs::{BlobContent, Blobs, BlobsError};
pub use catalog::{
    AccountSettingsPatch, Actor, AssetKey, AssetSession, AssetSite, AssetToken, AssetTokenError, AssetTokenKind,
    Catalog, CatalogSettings, Follower, NewAsset, NewAssets, NewBinding, NewBindingKind, NewScript, NewSecret,
    NewToken, NewTokenScope, Precondition, ScriptPage, SettingsPatch, Uploaded,
};
pub use code::{BlobDigest, Code, CodeManifest, CodeSyntax, Module, ModuleEntry, ModuleKind};
pub use compatibility::Compatibility;
pub use destination::{Destination, DestinationError, EgressRules};
pub use error::CatalogError;
pub use ids::{AccountId, DeploymentId, NamespaceId, ScriptId, SecretId, VersionId};
pub use limits::{Isolation, Limit, LimitSet, Limits};
pub use names::{BindingName, NameError, NamespaceName, PlanName, ScriptName, Tag};
pub use namespace::{Namespace, NamespaceSettings, Scope, WorkerRef};
pub use reference::{Reference, ReferenceUsage};
pub use script::{Script, ScriptRef, ScriptSettings};
pub use secret::Secret;
pub use storage::{Change, ChangeKind, NewVersion, Publish, RouteRow, ScriptFilter, ScriptRow, Storage, StorageError};
pub use tail::{TailConsumer, TailFilters, TailOwner, TailSession, TailStream, TailTarget, Tails, TooManyTails};
pub use time::{Timestamp, TimestampText};
pub use upstream::{HealthCheck, Origin, OriginPolicy, Upstream, UpstreamHost, UpstreamProtocol};
pub use validator::{InvalidScript, Started, Validator};
pub use version::{Deployment, NamedHandlers, Version, VersionShare};
pub use worker::{WorkerBinding, WorkerSpec};
