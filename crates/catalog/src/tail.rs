//! Who hears of a Worker's runs: the Workers that its `tail_consumers` name, and live logs: whom a session
//! listens to, what it leaves out, and what a node has to offer for it. The hub itself is the gateway's; the
//! API is its client.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use futures_util::stream::BoxStream;

use serde::Deserialize;

use crate::{AccountId, NamespaceId, NamespaceName, ScriptId, ScriptName, Timestamp, TokenHash, VersionId};

/// A Worker whose `tail` handler hears of another's runs. By name: it is looked up when there is something to
/// tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailConsumer {
    pub service: ScriptName,
    /// `None`: one of the account's own Workers.
    pub namespace: Option<NamespaceName>,
}

impl TailConsumer {
    /// Of one script.
    pub const MOST: usize = 10;

    /// Those of a script's settings.
    ///
    /// # Errors
    /// The rule that they break.
    pub fn read(setting: &serde_json::Value) -> Result<Vec<Self>, String> {
        #[derive(Deserialize)]
        struct Sent {
            service: String,
            namespace: Option<String>,
        }
        let sent: Option<Vec<Sent>> =
            Deserialize::deserialize(setting).map_err(|_| "tail_consumers is no list of {service}".to_owned())?;
        let sent = sent.unwrap_or_default();
        if sent.len() > Self::MOST {
            return Err(format!("a Worker has at most {} tail consumers", Self::MOST));
        }
        let read = sent.into_iter().map(|Sent { service, namespace }| {
            Ok(Self {
                service: ScriptName::parse(&service)?,
                namespace: namespace.as_deref().map(NamespaceName::parse).transpose()?,
            })
        });
        let read: Result<Vec<Self>, crate::NameError> = read.collect();
        read.map_err(|error| format!("tail_consumers: {error}"))
    }
}

impl std::fmt::Display for TailConsumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.service),
            None => self.service.fmt(f),
        }
    }
}

/// Whom a session listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TailTarget {
    /// A script's own runs, and those of the user Workers that are called through its dispatch bindings.
    Script(ScriptId),
    /// All scripts of a dispatch namespace.
    Namespace(NamespaceId),
}

/// What a session wants to hear of. All that is set must hold; what is empty holds always.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TailFilters {
    /// Share of the events, between 0 and 1.
    pub sampling_rate: Option<f64>,
    /// Any of these, in Cloudflare's words: `ok`, `exception`, `exceededCpu` …
    pub outcomes: Vec<String>,
    /// Any of these, as they are written in requests.
    pub methods: Vec<String>,
    /// Status codes of the response: in any of these ranges.
    pub statuses: Vec<RangeInclusive<u16>>,
    /// The request has this header (lower case); with a text: which contains it.
    pub header: Option<(String, Option<String>)>,
    /// Any of these addresses of the client.
    pub client_ips: Vec<IpAddr>,
    /// Some `console` line contains this text.
    pub query: Option<String>,
    pub version: Option<VersionId>,
}

/// Whose a session is. It ends when the token is worth nothing any more.
#[derive(Debug, Clone)]
pub struct TailOwner {
    pub account: AccountId,
    pub token: TokenHash,
}

/// A session that was opened, and is listened to by whoever knows its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailSession {
    /// Not to be guessed: it is all that its listener has to show.
    pub id: String,
    pub expires_on: Timestamp,
}

/// The account, or the node, has as many sessions as it may have, and somebody listens to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} tails are listened to already, the most there may be at once")]
pub struct TooManyTails(pub u32);

/// Events as they come, each the text of a JSON object in one line without control characters. Ends
/// with the session; dropping it ends the session.
pub type TailStream = BoxStream<'static, String>;

/// A node's live logs.
pub trait Tails: Send + Sync + 'static {
    /// Opens a session; events are kept for it from the moment somebody listens.
    ///
    /// # Errors
    /// [`TooManyTails`].
    fn open(&self, owner: &TailOwner, target: TailTarget, filters: TailFilters) -> Result<TailSession, TooManyTails>;

    /// The sessions of this target, the oldest first.
    fn list(&self, target: TailTarget) -> Vec<TailSession>;

    /// Ends a session of this target; false: there is none of this id.
    fn close(&self, target: TailTarget, id: &str) -> bool;

    /// A session that lives as long as the stream.
    ///
    /// # Errors
    /// [`TooManyTails`].
    fn follow(&self, owner: &TailOwner, target: TailTarget, filters: TailFilters) -> Result<TailStream, TooManyTails>;
}
