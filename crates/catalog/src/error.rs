//! Why an operation of the catalog was refused. `api` turns each into Cloudflare's code and status.

use crate::{AssetTokenError, BlobsError, InvalidScript, NameError, StorageError};

#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("the account does not exist")]
    AccountNotFound,
    #[error("an account with this id exists already")]
    AccountExists,
    #[error("the token does not exist")]
    TokenNotFound,
    #[error("an account has at most {0} tokens: revoke some")]
    TooManyTokens(u32),
    /// What the actor's token is not for, where nothing can be said to be missing.
    #[error("this token is for one {0}, and may not do this")]
    OutOfScope(&'static str),
    /// `If-Match` or `If-None-Match` does not hold (10018).
    #[error("the script is not the one that If-Match or If-None-Match names")]
    PreconditionFailed,
    #[error("the dispatch namespace does not exist")]
    NamespaceNotFound,
    #[error("a dispatch namespace with this name exists already")]
    NamespaceExists,
    #[error("the script does not exist")]
    ScriptNotFound,
    /// A deletion without force of what others need (10064).
    #[error(
        "the Worker is still in use by {0}; with force=true it is deleted all the same, and their calls of it fail"
    )]
    InUse(String),
    #[error("the version does not exist")]
    VersionNotFound,
    /// A secret to be deleted or shown (10056).
    #[error("the secret does not exist")]
    SecretNotFound,
    #[error("the tag is not set on the script")]
    TagNotFound,
    /// An edit starts from the newest version, which is not the one in force (10215).
    #[error("the latest version of the Worker is not deployed: deploy it first, or upload a new one")]
    LatestNotDeployed,
    #[error(transparent)]
    Name(#[from] NameError),
    /// The upload breaks a rule; the message names the thing and the rule (10021).
    #[error("{0}")]
    Invalid(String),
    /// An `inherit` binding names nothing in the previous version (10057).
    #[error("{0}")]
    InheritNotFound(String),
    /// A binding that names a dispatch namespace that is not there (100119).
    #[error("{0}")]
    BindingNamespace(String),
    /// A binding that names a Worker that is not there (10144).
    #[error("{0}")]
    BindingTarget(String),
    /// A tail consumer that is not there (10203).
    #[error("Tail Worker {0} does not exist on this account. Check the Worker name and try again.")]
    TailConsumer(String),
    #[error("a binding has no name")]
    BindingWithoutName,
    #[error("binding name {0:?} is used twice")]
    BindingExists(String),
    #[error("{0}")]
    VariableTooLarge(String),
    #[error("{0}")]
    TooManyVariables(String),
    #[error("{0}")]
    TooLarge(String),
    /// An assets session that is over, or was never one (10000).
    #[error(transparent)]
    AssetToken(#[from] AssetTokenError),
    #[error("the Worker has no event handlers")]
    NoHandlers,
    #[error("the script was changed at the same time")]
    Conflict,
    #[error(transparent)]
    Start(#[from] InvalidScript),
    #[error(transparent)]
    Storage(StorageError),
    #[error(transparent)]
    Blobs(#[from] BlobsError),
}
