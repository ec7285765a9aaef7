//! Tags of a script (contract §3.7).

use serde_json::Value;
use switchyard_catalog::{CatalogError, Tag};

use crate::{context::Context, envelope::Reply, error::Refusal, metadata, views};

pub(crate) async fn tag_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let row = context.catalog().script_find(&context.actor, &context.script()?).await?;
    Ok(Reply::of(views::tags(&row.script.tags)))
}

/// Replaces all; `null` removes all.
pub(crate) async fn tags_put(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    // A missing script is told before what is wrong with the tags.
    context.catalog().script_find(&context.actor, &script).await?;
    let sent: Option<Vec<String>> = context.json().await?;
    let tags = metadata::parse_tags(&sent.unwrap_or_default())?;
    let tags = context.catalog().script_tags_put(&context.actor, &script, tags).await?;
    Ok(Reply::of(views::tags(&tags)))
}

/// The body is empty and not looked at, whatever its content type says.
pub(crate) async fn tag_add(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    context.catalog().script_find(&context.actor, &script).await?;
    let tag = Tag::parse(context.params.get("tag"))?;
    context.catalog().script_tag_add(&context.actor, &script, &tag).await?;
    Ok(Reply::of(Value::Null))
}

pub(crate) async fn tag_delete(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    context.catalog().script_find(&context.actor, &script).await?;
    // What cannot be a tag is not set.
    let tag = Tag::parse(context.params.get("tag")).map_err(|_| CatalogError::TagNotFound)?;
    context.catalog().script_tag_delete(&context.actor, &script, &tag).await?;
    Ok(Reply::null())
}
