//! What a handler works with: one authenticated request.

use std::{net::IpAddr, sync::Arc};

use http::{HeaderMap, HeaderValue, header, request::Parts};
use serde::de::DeserializeOwned;
use switchyard_catalog::{
    Actor, Catalog, Code, ModuleKind, NamespaceName, Precondition, ScriptName, ScriptRef, Tails, Token,
};
use tokio::sync::SemaphorePermit;

use crate::{
    Api, ApiConfig,
    body::RequestBody,
    error::{ApiError, Refusal},
    node::Node,
    resolve::Resolvers,
    router::Params,
};

/// One request, its route found and its token known.
pub(crate) struct Context<'a> {
    api: &'a Api,
    pub(crate) actor: Actor,
    pub(crate) token: Token,
    pub(crate) params: Params,
    pub(crate) peer: IpAddr,
    head: &'a Parts,
    pub(crate) body: &'a mut RequestBody,
    /// Held until the reply, so that the code of an upload is counted as long as it is in memory.
    upload: Option<SemaphorePermit<'a>>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        api: &'a Api,
        actor: Actor,
        token: Token,
        params: Params,
        peer: IpAddr,
        head: &'a Parts,
        body: &'a mut RequestBody,
    ) -> Self {
        Self { api, actor, token, params, peer, head, body, upload: None }
    }

    pub(crate) fn catalog(&self) -> &'a Arc<Catalog> {
        &self.api.catalog
    }

    pub(crate) fn resolvers(&self) -> Option<&'a Arc<dyn Resolvers>> {
        self.api.resolvers.as_ref()
    }

    pub(crate) fn node(&self) -> Option<&'a dyn Node> {
        self.api.node.as_deref()
    }

    pub(crate) fn tails(&self) -> &'a dyn Tails {
        &*self.api.tails
    }

    /// Waits for one of the places for uploads.
    pub(crate) async fn upload_begins(&mut self) -> Result<(), ApiError> {
        let permit = tokio::time::timeout(self.api.config.body_idle, self.api.uploads.acquire());
        let permit = permit.await.ok().and_then(Result::ok).ok_or_else(ApiError::too_many_uploads)?;
        self.upload = Some(permit);
        Ok(())
    }

    /// After the code has arrived: a component, which may be compiled for a minute, gives back its place for uploads
    /// and takes one of its own.
    pub(crate) fn upload_has(&mut self, code: Option<&Code>) -> Result<(), ApiError> {
        let entry = code.and_then(|code| code.modules.iter().find(|module| module.name == code.entry));
        if entry.is_some_and(|entry| entry.kind == ModuleKind::Wasm) {
            self.upload = Some(self.api.compiling.try_acquire().map_err(|_| ApiError::too_many_components())?);
        }
        Ok(())
    }

    pub(crate) fn config(&self) -> &'a ApiConfig {
        &self.api.config
    }

    pub(crate) fn headers(&self) -> &'a HeaderMap {
        &self.head.headers
    }

    pub(crate) fn content_type(&self) -> &'a str {
        self.headers().get(header::CONTENT_TYPE).map(HeaderValue::to_str).and_then(Result::ok).unwrap_or_default()
    }

    /// Who deploys, as `last_deployed_from` and a version's `source` show it.
    pub(crate) fn source(&self) -> String {
        let agent = self.headers().get(header::USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
        if agent.starts_with(b"wrangler") { "wrangler" } else { "api" }.to_owned()
    }

    pub(crate) async fn json<T: DeserializeOwned>(&mut self) -> Result<T, ApiError> {
        self.body.json(self.api.config.max_json_bytes).await
    }

    /// As [`Context::json`]; `None` where the request has no body.
    pub(crate) async fn json_or_nothing<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ApiError> {
        if self.body.is_absent() { Ok(None) } else { self.json().await.map(Some) }
    }

    /// The authority of the request's target, where it has one (HTTP/2).
    pub(crate) fn authority(&self) -> Option<&'a str> {
        self.head.uri.authority().map(|authority| authority.as_str())
    }

    /// All query parameters, decoded.
    pub(crate) fn queries(&self) -> impl Iterator<Item = (String, String)> + 'a {
        let query = self.head.uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned()))
    }

    /// A query parameter, decoded; the first of that name. Empty counts as absent.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let query = self.head.uri.query().unwrap_or_default();
        let value = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name)?.1;
        (!value.is_empty()).then(|| value.into_owned())
    }

    /// `If-Match` and `If-None-Match` of a request that changes code.
    ///
    /// # Errors
    /// 10026 for what is not a list of entity tags, or an `If-None-Match` other than `*`.
    pub(crate) fn precondition(&self) -> Result<Precondition, ApiError> {
        let text = |name| self.headers().get(name).map(|value| value.to_str().unwrap_or_default().trim());
        match (text(header::IF_MATCH), text(header::IF_NONE_MATCH)) {
            (None, None) => Ok(Precondition::None),
            (Some("*"), None) => Ok(Precondition::Exists),
            (None, Some("*")) => Ok(Precondition::Absent),
            (Some(list), None) => {
                let etags = list.split(',').map(|tag| {
                    let tag = tag.trim();
                    // Weak tags never match (RFC 9110 §13.1.1), and are no error.
                    let strong = tag.strip_prefix("W/").map_or(tag, |_| "\"weak\"");
                    let bare = strong.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                    bare.map(str::to_owned).ok_or_else(|| ApiError::unparsable("If-Match is not a list of entity tags"))
                });
                Ok(Precondition::Etag(etags.collect::<Result<_, _>>()?))
            }
            (None, Some(_)) => Err(ApiError::unparsable("If-None-Match can only be * here")),
            (Some(_), Some(_)) => Err(ApiError::unparsable("If-Match and If-None-Match exclude each other")),
        }
    }

    pub(crate) fn namespace(&self) -> Result<NamespaceName, Refusal> {
        Ok(NamespaceName::parse(self.params.get("namespace"))?)
    }

    /// The script of the path: in its namespace, where the path names one, else the account's own.
    pub(crate) fn script(&self) -> Result<ScriptRef, Refusal> {
        let namespace = self.params.find("namespace").map(NamespaceName::parse).transpose()?;
        let name = ScriptName::parse(self.params.get("script"))?;
        Ok(ScriptRef { account: self.actor.account.clone(), namespace, name })
    }
}
