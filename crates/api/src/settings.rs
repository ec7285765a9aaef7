//! Settings of a script (contract §3.7), and of those what wrangler changes without a version.

use serde::Deserialize;
use serde_json::{Map, Value};
use switchyard_catalog::{AccountSettingsPatch, SettingsPatch};

use crate::{
    context::Context,
    envelope::Reply,
    error::{ApiError, Refusal},
    metadata::Fields,
    object::Object,
    upload::{self, Upload},
    views,
};

pub(crate) async fn settings_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let row = context.catalog().script_find(&context.actor, &context.script()?).await?;
    Ok(Reply::of(views::settings(&row)))
}

pub(crate) async fn bindings_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let row = context.catalog().script_find(&context.actor, &context.script()?).await?;
    let version = row.deployed.as_deref().or(row.latest.as_deref());
    Ok(Reply::of(version.map_or_else(|| Value::Array(Vec::new()), views::bindings)))
}

/// A multipart part `settings` with JSON, or JSON alone, bare or under a `settings` key. What is
/// absent stays.
pub(crate) async fn settings_patch(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    context.catalog().script_find(&context.actor, &script).await?;
    let object = read_settings(context).await?;
    let fields = Fields::new("settings", &object);
    let patch = SettingsPatch {
        bindings: fields.bindings_or_kept()?,
        compatibility_date: fields.take("compatibility_date")?,
        compatibility_flags: fields.take("compatibility_flags")?,
        limits: fields.limits()?,
        usage_model: fields.take("usage_model")?,
        placement: fields.has("placement").then(|| fields.map("placement")).transpose()?,
        account: account_patch(&fields)?,
        annotations: fields.take("annotations")?.unwrap_or_default(),
    };
    let source = context.source();
    let row = context.catalog().script_settings_patch(&context.actor, &script, patch, source).await?;
    Ok(Reply::of(views::settings(&row)))
}

pub(crate) async fn script_settings_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let row = context.catalog().script_find(&context.actor, &context.script()?).await?;
    Ok(Reply::of(views::script_settings(&row.script)))
}

pub(crate) async fn script_settings_patch(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    let object: Map<String, Value> = context.json().await?;
    let patch = account_patch(&Fields::new("settings", &object))?;
    let row = context.catalog().script_settings_account_patch(&context.actor, &script, patch).await?;
    Ok(Reply::of(views::script_settings(&row.script)))
}

#[derive(Deserialize)]
struct Subdomain {
    enabled: Option<bool>,
    previews_enabled: Option<bool>,
}

pub(crate) async fn subdomain_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let row = context.catalog().script_find(&context.actor, &context.script()?).await?;
    Ok(Reply::of(views::subdomain(&row.script)))
}

pub(crate) async fn subdomain_set(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    let Object(sent): Object<Subdomain> = context.json().await?;
    let row =
        context.catalog().script_subdomain_set(&context.actor, &script, sent.enabled, sent.previews_enabled).await?;
    Ok(Reply::of(views::subdomain(&row.script)))
}

/// `null` unsets; tags have nothing to unset to but none.
fn account_patch(fields: &Fields<'_>) -> Result<AccountSettingsPatch, ApiError> {
    Ok(AccountSettingsPatch {
        tags: if fields.has("tags") { Some(fields.tags()?.unwrap_or_default()) } else { None },
        observability: fields.has("observability").then(|| fields.map("observability")).transpose()?,
        logpush: fields.take("logpush")?,
        tail_consumers: fields.has("tail_consumers").then(|| fields.tail_consumers()).transpose()?,
    })
}

async fn read_settings(context: &mut Context<'_>) -> Result<Map<String, Value>, ApiError> {
    if upload::essence(context.content_type()) == "multipart/form-data" {
        let Upload::Form(form) = upload::read(context, "settings").await? else {
            return Err(ApiError::unparsable("the body has no part settings"));
        };
        let json = form.json.ok_or_else(|| ApiError::unparsable("the body has no part settings"))?;
        return Fields::object("settings", &json);
    }
    let mut object: Map<String, Value> = context.json().await?;
    match object.remove("settings") {
        Some(Value::Object(inner)) => Ok(inner),
        Some(_) => Err(ApiError::unparsable("settings is not an object")),
        None => Ok(object),
    }
}
