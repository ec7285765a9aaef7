//! Everything a Worker can reach: one trait, handed in with each invocation, implemented by the gateway.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use http::{HeaderMap, Method};
use tokio::task::{JoinError, JoinHandle};

use crate::meter::{CALLER, CpuMeter};
use crate::{Body, Socket};

/// The only way out of a Worker (design §3).
#[async_trait]
pub trait Outbound: Send + Sync + 'static {
    /// Performs one subrequest. Dropping the future cancels it. Redirects are followed here, since
    /// every hop must be checked again. The runtime has counted the subrequest already.
    ///
    /// Polled on an I/O thread for [`Target::Internet`], else on the guest thread of the Worker that calls, which
    /// pays for it: what connects, reads files or asks the database goes through [`on_io_thread`] there.
    ///
    /// `depth` is that of the Worker that calls.
    async fn fetch(&self, depth: u8, target: Target, request: FetchRequest) -> Result<FetchResponse, FetchError>;

    /// The Worker's `request.cf`: the text of a JSON object. Asked for when a script looks at it; `None`: it has none.
    fn cf(&self) -> Option<String> {
        None
    }
}

/// Whom a subrequest is for.
#[derive(Debug, Clone)]
pub enum Target {
    /// The network, under the egress policy; or the outbound Worker of the call.
    Internet,
    /// A service binding, by its place in the Worker's bindings.
    Binding { binding: switchyard_catalog::WorkerBinding },
    /// `env.NAMESPACE.get(name, args, options)`.
    Dispatch {
        binding: switchyard_catalog::WorkerBinding,
        name: String,
        /// JSON: `{args?, limits?: {cpuMs?, subRequests?}, outbound?}`.
        options: Option<String>,
    },
    /// A cache of the Worker's own (`None`: `caches.default`). An answer of status 0 is none.
    Cache { name: Option<String>, operation: CacheOperation },
}

/// What is done with the response to a request's URL.
#[derive(Debug, Clone)]
pub enum CacheOperation {
    Match,
    Delete,
    /// The request's body is the response's.
    Put {
        status: u16,
        headers: HeaderMap,
    },
}

/// A request as a Worker made it. The URL is as the Worker wrote it (already serialised by `URL`).
#[derive(Debug)]
pub struct FetchRequest {
    pub method: Method,
    pub url: String,
    pub headers: HeaderMap,
    pub redirect: RedirectMode,
    /// The response's body is wanted as it comes, in the coding that its header names.
    pub raw: bool,
    pub body: Body,
    /// For another Worker; the network is told nothing of it.
    pub cf: Cf,
}

/// What a called Worker reads as `request.cf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cf {
    None,
    /// What the caller reads there.
    Same,
    /// The text of a JSON object, as the caller wrote it.
    Text(Arc<str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectMode {
    Follow,
    Manual,
    Error,
}

/// What came back.
#[derive(Debug)]
pub struct FetchResponse {
    pub status: u16,
    /// As `statusText` shows it.
    pub status_text: String,
    pub headers: HeaderMap,
    /// Of the last hop.
    pub url: String,
    pub redirected: bool,
    pub body: Body,
    /// The WebSocket that it begins, with status 101.
    pub socket: Option<Socket>,
}

/// Why nothing came back: what the Worker's `fetch` promise rejects with.
#[derive(Debug, Clone)]
pub struct FetchError {
    /// The error's class: `Error`, `TypeError` …
    pub name: String,
    pub message: String,
}

impl FetchError {
    pub fn error(message: impl Into<String>) -> Self {
        Self { name: "Error".into(), message: message.into() }
    }

    pub fn type_error(message: impl Into<String>) -> Self {
        Self { name: "TypeError".into(), message: message.into() }
    }
}

/// Does a part of a subrequest in a task of tokio's, which ends when nobody waits for it any more. A guest thread, in
/// tokio's context like any other, waits no longer than it takes to wake it. Panics as the task does.
pub async fn on_io_thread<T: Send + 'static>(part: impl Future<Output = T> + Send + 'static) -> T {
    let tokio = tokio::runtime::Handle::current();
    let task = match CALLER.try_with(Arc::<CpuMeter>::clone) {
        Ok(caller) => AbortOnDrop::spawn(&tokio, CALLER.scope(caller, part)),
        Err(_) => AbortOnDrop::spawn(&tokio, part),
    };
    match task.await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime ends, and with it whoever waits.
        Err(_) => std::future::pending().await,
    }
}

/// A task that ends with the one who waits for it.
pub(crate) struct AbortOnDrop<T>(JoinHandle<T>);

impl<T: Send + 'static> AbortOnDrop<T> {
    pub(crate) fn spawn(tokio: &tokio::runtime::Handle, task: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio.spawn(task))
    }
}

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
