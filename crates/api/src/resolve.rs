//! Ours: who would get a request, and what each resolver says to it. Nothing is sent.

use std::net::{IpAddr, Ipv4Addr};

use async_trait::async_trait;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use switchyard_catalog::Limits;

use crate::{
    context::Context,
    envelope::Reply,
    error::{ApiError, Refusal},
    object::Object,
    views,
};

/// The node's resolvers, as this API asks them.
#[async_trait]
pub trait Resolvers: Send + Sync {
    /// # Errors
    /// What of the request cannot be understood: the field, and why.
    async fn explain(&self, request: ResolveRequest) -> Result<Resolution, (&'static str, String)>;
}

/// A request as it would come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveRequest {
    /// `http` or `https`; its host is whom the request is for.
    pub url: String,
    /// In order; a name may be there twice.
    pub headers: Vec<(String, String)>,
    /// Whom it would come from.
    pub peer: IpAddr,
    /// Through which listener, by its address in the configuration; the first, if left out.
    pub listener: Option<String>,
}

/// What would become of it.
#[derive(Debug, Clone, Serialize)]
pub struct Resolution {
    /// The one canonical spelling.
    pub host: String,
    /// Headers that are taken away, since the peer is not trusted with them.
    pub removed_headers: Vec<String>,
    pub steps: Vec<ResolveStep>,
    pub tenant: Option<Tenant>,
    /// What a client is answered without a tenant; `null` where there is one.
    pub status: Option<u16>,
}

/// One resolver's word.
#[derive(Debug, Clone, Serialize)]
pub struct ResolveStep {
    pub kind: &'static str,
    /// What it was configured to do, for people.
    pub about: String,
    pub outcome: Outcome,
    /// Why it is not its, or what failed; how a look-up went.
    pub why: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Mine,
    NotMine,
    Failed,
    /// One before it has answered.
    NotAsked,
}

/// Who gets the request, and on what terms.
#[derive(Debug, Clone, Serialize)]
pub struct Tenant {
    pub account: String,
    /// `null`: one of the account's own Workers.
    pub namespace: Option<String>,
    pub script: String,
    /// Its immutable id.
    pub tag: String,
    /// The version that the resolver asks for.
    pub version: Option<String>,
    /// Of the resolver; they tighten all others.
    #[serde(serialize_with = "limits")]
    pub limits: Limits,
    /// Plans that hold: the resolver's, the namespace's, the script's.
    pub plans: Vec<String>,
    pub terms: Terms,
    /// Parameters for outbound Workers.
    pub outbound: Option<Box<RawValue>>,
}

/// What holds of node, namespace, plans and resolver together; a version may tighten it once more.
#[derive(Debug, Clone, Serialize)]
pub struct Terms {
    #[serde(serialize_with = "limits")]
    pub limits: Limits,
    /// Its share of the CPU where others want it too.
    pub weight: u16,
}

fn limits<S: Serializer>(limits: &Limits, to: S) -> Result<S::Ok, S::Error> {
    views::our_limits(limits).serialize(to)
}

#[derive(Deserialize)]
struct Sent {
    url: String,
    #[serde(default)]
    headers: Vec<Object<SentHeader>>,
    #[serde(default)]
    peer: Option<IpAddr>,
    #[serde(default)]
    listener: Option<String>,
}

#[derive(Deserialize)]
struct SentHeader {
    name: String,
    value: String,
}

pub(crate) async fn resolve(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let Object(sent): Object<Sent> = context.json().await?;
    let resolvers = context.resolvers().ok_or_else(ApiError::no_resolvers)?;
    let request = ResolveRequest {
        url: sent.url,
        headers: sent.headers.into_iter().map(|Object(header)| (header.name, header.value)).collect(),
        peer: sent.peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        listener: sent.listener,
    };
    let wrong = |(field, message)| ApiError::invalid(format!("{field}: {message}")).at(format!("/{field}"));
    let found = resolvers.explain(request).await.map_err(wrong)?;
    Ok(Reply::of(serde_json::to_value(found).map_err(|error| ApiError::internal(&error))?))
}
