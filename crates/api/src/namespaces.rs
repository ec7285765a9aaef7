//! Dispatch namespaces (contract §2).

use serde::Deserialize;
use serde_json::{Map, Value, json};
use switchyard_catalog::{
    Destination, EgressRules, Isolation, Limits, NameError, NamespaceName, NamespaceSettings, ScriptName, WorkerRef,
};

use crate::{
    context::Context,
    envelope::Reply,
    error::{ApiError, Refusal},
    metadata::Fields,
    object::Object,
    plans, views,
};

/// All in one page. wrangler asks for `page=2` only while `result_info` says that there is more.
pub(crate) async fn namespace_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let namespaces = context.catalog().namespace_list(&context.actor).await?;
    let page = match context.query("page").map(|page| page.parse::<u32>()) {
        None => 1,
        Some(Ok(page @ 1..=1_000_000)) => page,
        Some(_) => return Err(ApiError::unparsable("page must be a number from 1 to 1000000").into()),
    };
    let total = namespaces.len();
    let shown: Vec<Value> = if page > 1 { Vec::new() } else { namespaces.iter().map(views::namespace).collect() };
    let per_page = total.max(1);
    let pages = total.div_ceil(per_page);
    let info =
        json!({ "page": page, "per_page": per_page, "count": shown.len(), "total_count": total, "total_pages": pages });
    Ok(Reply::paged(shown, info))
}

pub(crate) async fn namespace_create(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let body: Map<String, Value> = context.json().await?;
    let name = name_of(&body)?.ok_or_else(no_name)?;
    let made = context.catalog().namespace_create(&context.actor, &name).await?;
    Ok(Reply::of(views::namespace(&made)))
}

pub(crate) async fn namespace_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let found = context.catalog().namespace_find(&context.actor, &context.namespace()?).await?;
    Ok(Reply::of(views::namespace(&found)))
}

/// As PATCH: an absent `trusted_workers` stays, since wrangler's rename sends only `name`.
pub(crate) async fn namespace_put(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    namespace_patch(context).await
}

pub(crate) async fn namespace_patch(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let namespace = context.namespace()?;
    let body: Map<String, Value> = context.json().await?;
    let name = name_of(&body)?;
    let trusted = Fields::new("body", &body)
        .take::<bool>("trusted_workers")
        .map_err(|_| ApiError::unparsable("trusted_workers must be true or false"))?;
    let changed = context.catalog().namespace_update(&context.actor, &namespace, name.as_ref(), trusted).await?;
    Ok(Reply::of(views::namespace(&changed)))
}

/// Its scripts go with it.
pub(crate) async fn namespace_delete(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    context.catalog().namespace_delete(&context.actor, &context.namespace()?).await?;
    Ok(Reply::null())
}

/// Ours: what holds for all scripts of the namespace, from the next request on.
pub(crate) async fn settings_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let found = context.catalog().namespace_find(&context.actor, &context.namespace()?).await?;
    Ok(Reply::of(views::namespace_settings(&found)))
}

#[derive(Deserialize)]
struct SentSettings {
    #[serde(default)]
    limits: Option<Object<SentLimits>>,
    #[serde(default)]
    plan: Option<String>,
    #[serde(default)]
    isolation: Option<Isolation>,
    #[serde(default)]
    trusted: Option<bool>,
    #[serde(default)]
    outbound: Option<Object<SentWorker>>,
    #[serde(default)]
    inbound: Option<Object<SentWorker>>,
    #[serde(default)]
    egress: Option<Object<SentEgress>>,
}

/// `also` that is null is empty; `only` that is null bounds nothing, and one that is empty all.
#[derive(Deserialize)]
struct SentEgress {
    #[serde(default)]
    also: Option<Vec<Destination>>,
    #[serde(default)]
    only: Option<Vec<Destination>>,
}

#[derive(Deserialize)]
struct SentWorker {
    service: String,
    #[serde(default)]
    entrypoint: Option<String>,
}

impl SentWorker {
    fn parse(Object(sent): Object<Self>) -> Result<WorkerRef, NameError> {
        Ok(WorkerRef { service: ScriptName::parse(&sent.service)?, entrypoint: sent.entrypoint })
    }
}

#[derive(Deserialize)]
struct SentLimits {
    #[serde(default)]
    cpu_ms: Option<u32>,
    #[serde(default)]
    subrequests: Option<u32>,
    /// Bytes.
    #[serde(default)]
    memory: Option<u64>,
    #[serde(default)]
    wall_ms: Option<u32>,
    #[serde(default)]
    request_bytes: Option<u64>,
    #[serde(default)]
    response_bytes: Option<u64>,
    #[serde(default)]
    concurrent_requests: Option<u32>,
    #[serde(default)]
    requests_per_second: Option<u32>,
    #[serde(default)]
    connections: Option<u32>,
    #[serde(default)]
    log_bytes: Option<u64>,
}

/// Replaces all: what is absent or null is the node's again.
pub(crate) async fn settings_put(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let namespace = context.namespace()?;
    // A missing namespace is told before what is wrong with the body.
    context.catalog().namespace_find(&context.actor, &namespace).await?;
    let Object(sent): Object<SentSettings> = context.json().await?;
    let limits = sent.limits.map_or_else(Limits::default, |Object(limits)| Limits {
        cpu_ms: limits.cpu_ms,
        subrequests: limits.subrequests,
        memory_bytes: limits.memory,
        wall_ms: limits.wall_ms,
        request_bytes: limits.request_bytes,
        response_bytes: limits.response_bytes,
        concurrent_requests: limits.concurrent_requests,
        requests_per_second: limits.requests_per_second,
        connections: limits.connections,
        log_bytes: limits.log_bytes,
    });
    let settings = NamespaceSettings {
        limits,
        plan: plans::known(context, sent.plan.as_deref())?,
        isolation: sent.isolation,
        outbound: sent.outbound.map(SentWorker::parse).transpose()?,
        inbound: sent.inbound.map(SentWorker::parse).transpose()?,
        egress: sent.egress.map_or_else(EgressRules::default, |Object(egress)| EgressRules {
            also: egress.also.unwrap_or_default(),
            only: egress.only,
        }),
    };
    let trusted = sent.trusted.unwrap_or_default();
    let changed = context.catalog().namespace_settings_put(&context.actor, &namespace, settings, trusted).await?;
    Ok(Reply::of(views::namespace_settings(&changed)))
}

fn name_of(body: &Map<String, Value>) -> Result<Option<NamespaceName>, Refusal> {
    match body.get("name") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) => Ok(Some(NamespaceName::parse(name)?)),
        Some(other) => Err(NameError {
            what: "namespace name",
            text: other.to_string().chars().take(80).collect(),
            rule: "a string",
        }
        .into()),
    }
}

fn no_name() -> Refusal {
    NameError { what: "namespace name", text: String::new(), rule: "the body must have a name" }.into()
}
