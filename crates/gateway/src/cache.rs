//! The Cache API of Workers: responses that they put in, in the node's memory, found again by URL while they are
//! fresh. Bounded in bytes, for all together and for each Worker; what was used least lately goes first. Nothing of it
//! outlives the process, and another node has its own, as another data centre would.

mod conditional;
mod freshness;
mod store;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Full};
use switchyard_catalog::{AccountId, Scope, ScriptId};
use switchyard_runtime::{Body, CacheOperation, FetchError, FetchRequest, FetchResponse};
use tokio::time::Instant;
use url::Url;

use crate::config;
use crate::routes::Route;
use store::{Entry, Store};

pub use store::Usage;

/// Whose responses those are: a tenant never sees what lies in another's space.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Space {
    account: AccountId,
    scope: Scope,
    /// `None`: shared by the Workers of the scope, which trust each other.
    script: Option<ScriptId>,
}

impl Space {
    /// A namespace's Workers have one each, unless the namespace is trusted; the account's own share one.
    pub fn of(route: &Route) -> Self {
        let shared = route.scope == Scope::Account || route.trusted;
        Self { account: route.account.clone(), scope: route.scope, script: (!shared).then_some(route.script) }
    }

    fn is_shared(&self) -> bool {
        self.script.is_none()
    }
}

/// What one response is found by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    space: Arc<Space>,
    /// `caches.open(name)`; `None`: `caches.default`.
    cache: Option<Box<str>>,
    /// Without its fragment.
    url: Box<str>,
}

/// How an operation ended. A metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheEnd {
    Hit,
    Miss,
    Stored,
    /// Put, and not to be kept: what its headers say, or its size.
    NotStored,
    Deleted,
    Refused,
}

impl CacheEnd {
    pub const ALL: [CacheEnd; 6] = [Self::Hit, Self::Miss, Self::Stored, Self::NotStored, Self::Deleted, Self::Refused];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Stored => "stored",
            Self::NotStored => "not_stored",
            Self::Deleted => "deleted",
            Self::Refused => "refused",
        }
    }
}

const NO_DEFAULT: &str = "caches.default is not there for the Workers of an untrusted namespace; use caches.open().";
const STATUS: HeaderName = HeaderName::from_static("cf-cache-status");
/// What is no longer is handed over in one piece.
const WHOLE: usize = 64 << 10;

/// All responses of this node.
pub struct Caches {
    store: Store,
    config: config::Cache,
}

impl Caches {
    pub fn new(config: &config::Cache) -> Self {
        Self { store: Store::new(config), config: config.clone() }
    }

    /// For a scrape.
    pub fn usage(&self) -> Usage {
        self.store.usage()
    }

    /// Everything goes; how many there were.
    pub fn clear(&self) -> u64 {
        self.store.clear()
    }

    /// One operation of a Worker's. An answer of status 0 is none: a miss, nothing deleted.
    ///
    /// # Errors
    /// What the Worker's promise rejects with; the end says why, for the metric.
    pub async fn run(
        &self,
        route: &Route,
        cache: Option<&str>,
        operation: CacheOperation,
        request: FetchRequest,
    ) -> (CacheEnd, Result<FetchResponse, FetchError>) {
        let space = Space::of(route);
        if cache.is_none() && !space.is_shared() {
            return (CacheEnd::Refused, Err(FetchError::error(NO_DEFAULT)));
        }
        let Ok(mut url) = Url::parse(&request.url) else {
            let error = FetchError::type_error(format!("Invalid URL: {}", request.url));
            return (CacheEnd::Refused, Err(error));
        };
        url.set_fragment(None);
        let key = Key { space: Arc::new(space), cache: cache.map(Into::into), url: String::from(url).into() };
        match operation {
            CacheOperation::Match => match self.store.get(&key, Instant::now()) {
                Some(entry) => (CacheEnd::Hit, Ok(found(&entry, &request.headers))),
                None => (CacheEnd::Miss, Ok(none())),
            },
            CacheOperation::Delete => match self.store.remove(&key) {
                true => (CacheEnd::Deleted, Ok(FetchResponse { status: 200, ..none() })),
                false => (CacheEnd::Miss, Ok(none())),
            },
            CacheOperation::Put { status, headers } => self.put(key, status, headers, request.body).await,
        }
    }

    async fn put(
        &self,
        key: Key,
        status: u16,
        mut headers: HeaderMap,
        body: Body,
    ) -> (CacheEnd, Result<FetchResponse, FetchError>) {
        let done = |end| (end, Ok(none()));
        let Some(fresh) = freshness::of(status, &mut headers) else { return done(CacheEnd::NotStored) };
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::TRANSFER_ENCODING);
        let overhead = key.url.len()
            + key.cache.as_ref().map_or(0, |cache| cache.len())
            + headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 64).sum::<usize>()
            + store::OVERHEAD;
        let most = usize::try_from(self.config.object_bytes).unwrap_or(usize::MAX);
        let told = http_body::Body::size_hint(&body).lower();
        if usize::try_from(told).unwrap_or(usize::MAX).saturating_add(overhead) > most {
            return done(CacheEnd::NotStored);
        }
        let Some(mut room) = self.store.reserve(&key, overhead) else { return done(CacheEnd::NotStored) };
        let bytes = match body {
            // A copy of its own: what came is part of a longer message.
            Body::Whole(bytes) => {
                if !room.grow(bytes.len()) {
                    return done(CacheEnd::NotStored);
                }
                Bytes::copy_from_slice(&bytes)
            }
            Body::Empty => Bytes::new(),
            mut body @ (Body::Stream(_) | Body::Coded(_)) => {
                let mut all = Vec::new();
                while let Some(frame) = body.frame().await {
                    let frame = match frame {
                        Ok(frame) => frame,
                        Err(error) => {
                            let (name, message) = error.parts();
                            let error = FetchError { name: name.into(), message: message.into() };
                            return (CacheEnd::NotStored, Err(error));
                        }
                    };
                    let Ok(data) = frame.into_data() else { continue };
                    if all.len() + data.len() + overhead > most || !room.grow(data.len()) {
                        return done(CacheEnd::NotStored);
                    }
                    all.extend_from_slice(&data);
                }
                Bytes::from(all.into_boxed_slice())
            }
        };
        if bytes.len() + overhead > most {
            return done(CacheEnd::NotStored);
        }
        let stored = Instant::now();
        let entry = Entry { status, headers, bytes, stored, until: stored + fresh.left, age: fresh.age };
        self.store.insert(key, entry, room);
        done(CacheEnd::Stored)
    }
}

/// No response at all.
fn none() -> FetchResponse {
    FetchResponse {
        status: 0,
        status_text: String::new(),
        headers: HeaderMap::new(),
        url: String::new(),
        redirected: false,
        body: Body::Empty,
        socket: None,
    }
}

/// What is stored, as the request wants it: a part of it, or only that it is still the same.
fn found(entry: &Entry, asked: &HeaderMap) -> FetchResponse {
    let mut headers = entry.headers.clone();
    let age: Duration = entry.age + entry.stored.elapsed();
    headers.insert(header::AGE, HeaderValue::from(age.as_secs()));
    headers.insert(STATUS, HeaderValue::from_static("HIT"));
    let (status, bytes) = conditional::answer(entry.status, &mut headers, &entry.bytes, asked);
    let body = match bytes {
        None => Body::Empty,
        Some(bytes) if bytes.len() <= WHOLE => Body::Whole(bytes),
        Some(bytes) => Body::stream(Full::new(bytes)),
    };
    let phrase = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    FetchResponse { status, status_text: phrase.unwrap_or_default().into(), headers, body, ..none() }
}

#[cfg(test)]
mod tests;
