//! Why an upstream gave no answer.

use switchyard_runtime::BodyError;

use super::connect::ConnectError;
use crate::body::TOO_LARGE;

/// What a client, or a calling Worker, may read of it says nothing of the origin's address.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// Every origin failed too often, or fails its checks.
    #[error("no origin of this script is available")]
    Unavailable,
    /// More exchanges at once than the node's configuration allows, in all or of this script.
    #[error("the origin has too many requests at once")]
    Busy,
    /// The node may not connect to it (any more).
    #[error("the origin may not be reached")]
    Refused,
    #[error("the origin could not be reached")]
    Connect,
    #[error("the origin did not answer in time")]
    Timeout,
    /// The script's wall time was over first.
    #[error("the origin did not answer within the wall time")]
    Wall,
    /// The connection broke, or what came was not HTTP.
    #[error("the origin gave no valid answer")]
    Lost,
    /// The client's.
    #[error("the request's body is too large")]
    BodyTooLarge,
    /// The client's.
    #[error("the request's body broke off")]
    BodyBroken,
}

impl UpstreamError {
    /// In the order of `as usize`. A metric label.
    pub const LABELS: [&str; 9] =
        ["unavailable", "busy", "refused", "connect", "timeout", "wall", "lost", "body_too_large", "body_broken"];

    pub fn label(&self) -> usize {
        match self {
            Self::Unavailable => 0,
            Self::Busy => 1,
            Self::Refused => 2,
            Self::Connect => 3,
            Self::Timeout => 4,
            Self::Wall => 5,
            Self::Lost => 6,
            Self::BodyTooLarge => 7,
            Self::BodyBroken => 8,
        }
    }

    /// Of an exchange that had begun.
    pub(super) fn of(error: &hyper::Error) -> Self {
        let mut next = std::error::Error::source(error);
        while let Some(cause) = next {
            if let Some(error) = cause.downcast_ref() {
                return Self::of_body(error);
            }
            next = cause.source();
        }
        Self::Lost
    }

    /// Of the request's body.
    pub(super) fn of_body(BodyError(why): &BodyError) -> Self {
        if why == TOO_LARGE { Self::BodyTooLarge } else { Self::BodyBroken }
    }

    /// The origin's doing, which counts against it.
    pub(super) fn is_origins(&self) -> bool {
        matches!(self, Self::Connect | Self::Timeout | Self::Lost)
    }
}

impl From<ConnectError> for UpstreamError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Forbidden => Self::Refused,
            ConnectError::Lookup | ConnectError::Io(_) => Self::Connect,
            ConnectError::Timeout => Self::Timeout,
        }
    }
}
