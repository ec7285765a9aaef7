//! Why a data folder could not be opened: shown to the operator at start, so it names the path.

use std::{io, path::PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("could not {action} {}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("the data folder {} is in use by another process", .0.display())]
    Locked(PathBuf),
    #[error(
        "a restore into the data folder {} was not finished: restore the backup once more, which begins anew",
        .0.display()
    )]
    Restoring(PathBuf),
    #[error("the secret key file {} {rule}", path.display())]
    SecretKey { path: PathBuf, rule: &'static str },
    #[error("the database {} holds secrets of the key {found}, and this node has the key {ours}", path.display())]
    WrongSecretKey { path: PathBuf, found: String, ours: String },
    #[error("could not {action} the database {}", path.display())]
    Database { action: &'static str, path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
}
