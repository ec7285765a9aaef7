//! Versions and deployments, and what wrangler asks of an account's Worker around them (contract §4.1).

use serde::Deserialize;
use serde_json::{Map, Value, json};
use switchyard_catalog::{CatalogError, VersionId, VersionShare};

use crate::{
    context::Context,
    envelope::Reply,
    error::{ApiError, Refusal},
    object::Object,
    scripts, views,
};

pub(crate) async fn version_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let versions = context.catalog().version_list(&context.actor, &context.script()?).await?;
    let items: Vec<_> = versions.iter().map(views::version_head).collect();
    let count = items.len();
    let info = json!({ "page": 1, "per_page": count.max(1), "count": count, "total_count": count, "total_pages": 1 });
    Ok(Reply::paged(json!({ "items": items }), info))
}

pub(crate) async fn version_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    context.catalog().script_find(&context.actor, &script).await?;
    let id = VersionId::parse(context.params.get("version")).ok_or(CatalogError::VersionNotFound)?;
    let version = context.catalog().version_find(&context.actor, &script, id).await?;
    Ok(Reply::of(views::version(&version)))
}

/// As an upload, but nothing goes live.
pub(crate) async fn version_create(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    context.catalog().script_find(&context.actor, &script).await?;
    let new = scripts::read_new_script(context).await?;
    let version = context.catalog().version_create(&context.actor, &script, new).await?;
    Ok(Reply::of(views::version(&version)))
}

pub(crate) async fn deployment_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let deployments = context.catalog().deployment_list(&context.actor, &context.script()?).await?;
    let shown: Vec<Value> = deployments.iter().map(views::deployment).collect();
    Ok(Reply::of(json!({ "deployments": shown })))
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    strategy: Option<String>,
    versions: Vec<Object<Share>>,
    #[serde(default)]
    annotations: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Share {
    version_id: String,
    percentage: f64,
}

pub(crate) async fn deployment_create(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    context.catalog().script_find(&context.actor, &script).await?;
    let Object(sent): Object<Sent> = context.json().await?;
    if sent.strategy.as_deref().is_some_and(|strategy| strategy != "percentage") {
        return Err(ApiError::invalid("strategy must be \"percentage\"").into());
    }
    let mut shares = Vec::with_capacity(sent.versions.len());
    for Object(share) in sent.versions {
        let version = VersionId::parse(&share.version_id).ok_or(CatalogError::VersionNotFound)?;
        shares.push(VersionShare { version, percentage: share.percentage });
    }
    let annotations = sent.annotations.unwrap_or_default();
    let source = context.source();
    let made = context.catalog().deployment_create(&context.actor, &script, shares, source, annotations).await?;
    Ok(Reply::of(views::deployment(&made)))
}

/// `GET …/workers/services/{script}`: an older name for a Worker, which wrangler still asks for.
pub(crate) async fn service_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let row = context.catalog().script_find(&context.actor, &context.script()?).await?;
    let script = views::ScriptView::of(&row).to_map();
    let environment = json!({
        "environment": "production",
        "created_on": script.get("created_on"),
        "modified_on": script.get("modified_on"),
        "script": script,
    });
    Ok(Reply::of(json!({
        "id": row.script.name.as_str(),
        "created_on": row.script.created_on.to_string(),
        "modified_on": row.script.modified_on.to_string(),
        "default_environment": environment,
        "environments": [environment],
    })))
}

/// `GET …/workers/workers/{script}`: by name.
pub(crate) async fn worker_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let row = context.catalog().script_find(&context.actor, &context.script()?).await?;
    let script = &row.script;
    Ok(Reply::of(json!({
        "id": script.id.simple(),
        "name": script.name.as_str(),
        "subdomain": views::subdomain(script),
        "tags": views::tags(&script.tags),
        "logpush": script.settings.logpush,
        "observability": script.settings.observability,
        "tail_consumers": script.settings.tail_consumers,
        "created_on": script.created_on.to_string(),
        "updated_on": script.modified_on.to_string(),
    })))
}
