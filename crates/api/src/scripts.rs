//! Scripts: list, details, upload, delete (contract §§3, 3.1–3.4). One handler serves a namespace
//! and the account's own Workers where the two do not differ: the path says which.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use switchyard_catalog::{NewScript, ScriptFilter, ScriptName, ScriptPage, Tag};

use crate::{
    context::Context,
    envelope::Reply,
    error::{ApiError, Refusal},
    metadata::Metadata,
    upload::{self, Upload},
    views,
};

/// Contract §1.4.
const MAX_LIMIT: u32 = 1_000;

pub(crate) async fn namespaced_script_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let namespace = context.namespace()?;
    let (filter, after, limit) = (filter(context)?, cursor(context)?, limit(context)?);
    let page = context.catalog().script_list(&context.actor, &namespace, &filter, after.as_ref(), limit).await?;
    Ok(Reply::text(views::page_in_namespace(&namespace, &page.rows), Some(page_info(&page, limit))))
}

pub(crate) async fn account_script_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let (filter, after, limit) = (filter(context)?, cursor(context)?, limit(context)?);
    let page = context.catalog().script_list_account(&context.actor, &filter, after.as_ref(), limit).await?;
    Ok(Reply::text(views::page(&page.rows), Some(page_info(&page, limit))))
}

/// Deletes by tags. An absent or empty filter is refused: it would mean every script.
pub(crate) async fn namespaced_script_delete_by_tags(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let namespace = context.namespace()?;
    let (filter, limit) = (filter(context)?, limit(context)?);
    // A missing namespace is told first, here as everywhere.
    context.catalog().namespace_find(&context.actor, &namespace).await?;
    if filter == ScriptFilter::default() {
        let rule = "tags is missing: without it this would delete every script of the namespace";
        return Err(ApiError::unparsable(rule).into());
    }
    let (deleted, more) = context.catalog().script_delete_by_filter(&context.actor, &namespace, &filter, limit).await?;
    let ids: Vec<Value> = deleted.iter().map(|id| json!({ "id": id.simple() })).collect();
    Ok(Reply::of(json!({ "deleted_count": ids.len(), "deleted": ids, "has_more": more })))
}

pub(crate) async fn namespaced_script_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let (namespace, script) = (context.namespace()?, context.script()?);
    let row = context.catalog().script_find(&context.actor, &script).await?;
    Ok(Reply::text(views::script_in_namespace(&namespace, &row), None))
}

/// `PUT`: a new version, deployed at once; the reply means that it is live.
pub(crate) async fn script_upload(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    // A missing namespace is told before the upload is read.
    if let Some(namespace) = &script.namespace {
        context.catalog().namespace_find(&context.actor, namespace).await?;
    }
    let precondition = context.precondition()?;
    let new = NewScript { precondition, ..read_new_script(context).await? };
    let uploaded = context.catalog().script_upload(&context.actor, &script, new).await?;
    Ok(Reply::of(views::uploaded(&uploaded)))
}

/// The upload in the body, as the catalog takes it.
pub(crate) async fn read_new_script(context: &mut Context<'_>) -> Result<NewScript, Refusal> {
    let upload = upload::read(context, "metadata").await?;
    let strict = context.query("bindings_inherit").is_some_and(|mode| mode == "strict");
    let (metadata, form) = match upload {
        Upload::Form(mut form) => {
            let json = form.json.take();
            let json = json.ok_or_else(|| ApiError::invalid("could not read content for part metadata"))?;
            (Metadata::parse(&json)?, form)
        }
        Upload::Bare(body) => (Metadata::of_bare_body(upload::BARE_NAME), upload::Form::of_bare_body(body)),
    };
    let code = form.into_code(metadata.entry.clone())?;
    context.upload_has(code.as_ref())?;
    Ok(metadata.into_new_script(code, strict, context.source())?)
}

/// Also `DELETE …/workers/services/{script}`. `force`: although other Workers need it.
pub(crate) async fn script_delete(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    let force = match context.query("force").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(ApiError::unparsable("force is neither true nor false").into()),
    };
    context.catalog().script_delete(&context.actor, &script, force).await?;
    Ok(Reply::null())
}

/// `tags`: comma-separated `<tag>:yes` or `<tag>:no`, split at the last colon. One colon in front of
/// the whole is accepted.
fn filter(context: &Context<'_>) -> Result<ScriptFilter, Refusal> {
    let mut filter = ScriptFilter::default();
    let Some(tags) = context.query("tags") else { return Ok(filter) };
    let tags = tags.strip_prefix(':').unwrap_or(&tags);
    if tags.is_empty() {
        return Ok(filter);
    }
    for item in tags.split(',') {
        let refuse = || {
            let shown: String = item.chars().take(80).collect();
            ApiError::unparsable(format!("tags: {shown:?} is not <tag>:yes or <tag>:no"))
        };
        let (tag, wanted) = item.rsplit_once(':').ok_or_else(refuse)?;
        let tag = Tag::parse(tag).map_err(|_| refuse())?;
        match wanted {
            "yes" => filter.with.push(tag),
            "no" => filter.without.push(tag),
            _ => return Err(refuse().into()),
        }
        if filter.with.len() + filter.without.len() > 4 * Tag::MAX_PER_SCRIPT {
            return Err(ApiError::unparsable("tags: too many tags in one filter").into());
        }
    }
    Ok(filter)
}

fn limit(context: &Context<'_>) -> Result<u32, Refusal> {
    let Some(limit) = context.query("limit") else { return Ok(MAX_LIMIT) };
    match limit.parse() {
        Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        _ => Err(ApiError::unparsable(format!("limit must be a number from 1 to {MAX_LIMIT}")).into()),
    }
}

/// The name after which the page begins.
fn cursor(context: &Context<'_>) -> Result<Option<ScriptName>, Refusal> {
    let Some(cursor) = context.query("cursor") else { return Ok(None) };
    let cursor = cursor.strip_prefix(':').unwrap_or(&cursor);
    if cursor.is_empty() {
        return Ok(None);
    }
    let name = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match name.and_then(|name| ScriptName::parse(&name).ok()) {
        Some(name) => Ok(Some(name)),
        None => Err(ApiError::unparsable("cursor is not one that this list has given out").into()),
    }
}

fn page_info(page: &ScriptPage, limit: u32) -> Value {
    let next = page.next.as_ref().map(|name| URL_SAFE_NO_PAD.encode(name.as_str()));
    json!({ "count": page.rows.len(), "per_page": limit, "cursor": next.unwrap_or_default() })
}
