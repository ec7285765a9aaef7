//! The catalog: everything that is *said* about Workers, and the rules for changing it.
//!
//! Accounts, dispatch namespaces, scripts, versions, deployments, bindings, limits and secrets; the
//! operations on them ([`Catalog`]); and the traits those operations need from the outside: rows
//! ([`Storage`]), code ([`Blobs`]) and a runtime that can say whether code starts ([`Validator`]).
//! No IO, no HTTP status, no wasm. Everyone else depends on this crate; it depends on none of them.

mod account;
mod binding;
mod catalog;
mod code;
mod error;
mod ids;
mod limits;
mod names;
mod namespace;
mod script;
mod secret;
mod time;
mod version;
mod worker;

mod blobs;
mod storage;
mod validator;

pub use account::{Access, Account, Token, TokenHash};
pub use binding::{Binding, BindingKind, DispatchOutbound};
pub use blobs::{Blobs, BlobsError};
pub use catalog::{
    AccountSettingsPatch, Actor, Catalog, CatalogSettings, Follower, NewBinding, NewBindingKind, NewScript,
    ScriptPage, SettingsPatch, Uploaded,
};
pub use code::{BlobDigest, Code, CodeManifest, CodeSyntax, Module, ModuleEntry, ModuleKind};
pub use error::CatalogError;
pub use ids::{AccountId, DeploymentId, NamespaceId, ScriptId, SecretId, VersionId};
pub use limits::{Isolation, Limits};
pub use names::{BindingName, NameError, NamespaceName, ScriptName, Tag};
pub use namespace::{Namespace, Scope};
pub use script::{Script, ScriptRef, ScriptSettings};
pub use secret::Secret;
pub use storage::{
    Change, ChangeKind, NewVersion, Publish, RouteRow, ScriptFilter, ScriptRow, Storage, StorageError,
};
pub use time::Timestamp;
pub use validator::{InvalidScript, Started, Validator};
pub use version::{Deployment, NamedHandlers, Version, VersionShare};
pub use worker::{WorkerBinding, WorkerSpec};
