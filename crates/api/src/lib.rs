//! Cloudflare's API for Workers and dispatch namespaces, over the catalog: what wrangler and the
//! `cloudflare` packages speak, under `/client/v4`.
//!
//! A request goes router → auth → one handler → envelope. Handlers parse names, call one operation
//! of the [`Catalog`] and show the result; rules live in the catalog, codes in `error`, JSON in
//! `views`. No tenant code runs here and nothing is kept but the counts of wrong tokens.

mod openapi;
mod router;

mod auth;
mod body;
mod context;
mod envelope;
mod error;

mod account;
mod accounts;
mod assets;
mod content;
mod namespaces;
mod node;
mod plans;
mod references;
mod resolve;
mod scripts;
mod secret_key;
mod secrets;
mod settings;
mod tags;
mod tails;
mod tokens;
mod versions;

mod bindings;
mod metadata;
mod object;
mod upload;
mod upstream;
mod views;

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Either;
use switchyard_catalog::{Catalog, Tails};
use tokio::sync::Semaphore;

use crate::{auth::WrongTokens, body::RequestBody, context::Context, error::ApiError};

pub use crate::{
    envelope::ReplyBody,
    node::{Compilation, Node, Top, TopBy, TopScript, TopValue},
    openapi::{docs_page, openapi_json},
    resolve::{Outcome, Resolution, ResolveRequest, ResolveStep, Resolvers, Tenant, Terms},
    router::{EndpointName, endpoints},
};

/// Caps and deadlines of the API. Every one bounds what one client can hold.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Bytes of one upload, all parts and their headers together; more is 10027.
    pub max_upload_bytes: u64,
    /// Uploads in memory at the same time, until they are answered; further ones wait up to
    /// `body_idle`, then are told to retry. Times `max_upload_bytes` it bounds what uploads can hold.
    pub max_uploads: usize,
    /// … besides them, of components that have arrived and are compiled, or wait for it, so that other uploads do not
    /// wait for them. Further ones are told to retry.
    pub max_compiling: usize,
    /// Bytes of a JSON body, and of an upload's metadata; more is 10026.
    pub max_json_bytes: u64,
    /// Parts of one upload: modules, source maps and metadata together.
    pub max_parts: usize,
    /// Longest silence while a request body arrives.
    pub body_idle: Duration,
    /// Longest time a whole request body may take.
    pub body_total: Duration,
    /// Wrong tokens from one address (an IPv6 /64) in a minute, before it is told to wait.
    pub wrong_tokens_per_minute: u32,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            max_upload_bytes: 40 << 20,
            max_uploads: 8,
            max_compiling: 16,
            max_json_bytes: 1 << 20,
            max_parts: 200,
            body_idle: Duration::from_secs(30),
            body_total: Duration::from_secs(300),
            wrong_tokens_per_minute: 10,
        }
    }
}

/// The API as a service: cheap to share, no background work.
pub struct Api {
    catalog: Arc<Catalog>,
    resolvers: Option<Arc<dyn Resolvers>>,
    node: Option<Arc<dyn Node>>,
    tails: Arc<dyn Tails>,
    config: ApiConfig,
    wrong_tokens: WrongTokens,
    uploads: Semaphore,
    compiling: Semaphore,
}

impl Api {
    pub fn new(catalog: Arc<Catalog>, tails: Arc<dyn Tails>, config: ApiConfig) -> Self {
        let wrong_tokens = WrongTokens::new(config.wrong_tokens_per_minute);
        let uploads = Semaphore::new(config.max_uploads.max(1));
        let compiling = Semaphore::new(config.max_compiling);
        Self { catalog, resolvers: None, node: None, tails, config, wrong_tokens, uploads, compiling }
    }

    /// With resolvers that it can ask.
    #[must_use]
    pub fn with_resolvers(self, resolvers: Arc<dyn Resolvers>) -> Self {
        Self { resolvers: Some(resolvers), ..self }
    }

    /// With a node that it can ask.
    #[must_use]
    pub fn with_node(self, node: Arc<dyn Node>) -> Self {
        Self { node: Some(node), ..self }
    }

    /// Answers one request whose path begins with `/client/v4`. `peer` is whom wrong tokens are
    /// counted against. Always answers; a failure is a reply.
    pub async fn handle<B>(&self, peer: IpAddr, request: Request<B>) -> Response<ReplyBody>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
    {
        /// Bytes that a form may have behind its end.
        const EPILOGUE: u64 = 64 << 10;
        let (head, body) = request.into_parts();
        let mut body = RequestBody::new(body, &head.headers, &self.config);
        let (answer, drain) = self.answer(peer, &head, &mut body).await;
        // A form is understood before its last bytes have come; a body that is not read to its end costs the connection,
        // and whatever its client sends there next.
        body.drain(if answer.is_ok() { EPILOGUE } else { drain }).await;
        match answer {
            Ok(reply) => reply.into_response(),
            Err(error) => error.into_response().map(Either::Left),
        }
    }

    /// The reply, and how many bytes of an unread body are worth reading so that the client gets to
    /// see a refusal: few for strangers, an upload's worth for those with a token.
    async fn answer(
        &self,
        peer: IpAddr,
        head: &http::request::Parts,
        body: &mut RequestBody,
    ) -> (Result<envelope::Reply, ApiError>, u64) {
        const STRANGER: u64 = 64 << 10;
        if head.method == Method::GET && head.uri.path() == openapi::PATH {
            return (Ok(envelope::Reply::Raw(openapi::json())), 0);
        }
        let (endpoint, params) = match router::find(&head.method, head.uri.path()) {
            Ok(found) => found,
            Err(error) => return (Err(error), STRANGER),
        };
        let token = match auth::authenticate(self, endpoint, peer, &head.headers).await {
            Ok(token) => token,
            Err(error) => return (Err(error), STRANGER),
        };
        let known = self.config.max_upload_bytes;
        let actor = match auth::authorize(self, &token, endpoint, &params).await {
            Ok(actor) => actor,
            Err(refusal) => return (Err(refusal.at(endpoint.place())), known),
        };
        let mut context = Context::new(self, actor, token, params, peer, head, body);
        let answer = (endpoint.handler)(&mut context).await;
        (answer.map_err(|refusal| refusal.at(endpoint.place())), known)
    }
}
