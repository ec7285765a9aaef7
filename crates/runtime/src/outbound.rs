//! Everything a Worker can reach: one trait, handed in with each invocation, implemented by the gateway.

use async_trait::async_trait;
use http::{HeaderMap, Method};

use crate::Body;

/// The only way out of a Worker (design §3).
#[async_trait]
pub trait Outbound: Send + Sync + 'static {
    /// Performs one subrequest. Dropping the future cancels it. Redirects are followed here, since
    /// every hop must be checked again. The runtime has counted the subrequest already.
    ///
    /// `depth` is that of the Worker that calls.
    async fn fetch(&self, depth: u8, target: Target, request: FetchRequest) -> Result<FetchResponse, FetchError>;
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
