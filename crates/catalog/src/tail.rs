//! Live logs: whom a session listens to, what it leaves out, and what a node has to offer for it. The
//! hub itself is the gateway's; the API is its client.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use futures_util::stream::BoxStream;

use crate::{AccountId, NamespaceId, ScriptId, Timestamp, VersionId};

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
    fn open(&self, account: &AccountId, target: TailTarget, filters: TailFilters) -> Result<TailSession, TooManyTails>;

    /// The sessions of this target, the oldest first.
    fn list(&self, target: TailTarget) -> Vec<TailSession>;

    /// Ends a session of this target; false: there is none of this id.
    fn close(&self, target: TailTarget, id: &str) -> bool;

    /// A session that lives as long as the stream.
    ///
    /// # Errors
    /// [`TooManyTails`].
    fn follow(&self, account: &AccountId, target: TailTarget, filters: TailFilters)
    -> Result<TailStream, TooManyTails>;
}
