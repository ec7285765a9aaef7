//! Secrets (contract §3.6). Values go in and never come out.

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use switchyard_catalog::{Binding, BindingKind, BindingName, KeyInfo, NewSecret, Secret};

use crate::{
    context::Context,
    envelope::Reply,
    error::{ApiError, Refusal},
    object::Object,
    secret_key::{self, SentKey},
};

/// A secret as sent. No `Debug`: its text must not be printable.
#[derive(Deserialize)]
struct Sent {
    name: Option<String>,
    text: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(flatten)]
    key: SentKey,
}

#[derive(Deserialize)]
struct Bulk {
    secrets: Map<String, Value>,
}

pub(crate) async fn secret_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let secrets = context.catalog().secret_list(&context.actor, &context.script()?).await?;
    Ok(Reply::of(secrets.iter().map(show).collect::<Vec<_>>()))
}

pub(crate) async fn secret_put(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    context.catalog().script_find(&context.actor, &script).await?;
    let Object(sent): Object<Sent> = context.json().await?;
    let name = sent.name.clone().ok_or_else(|| ApiError::invalid("the secret has no name"))?;
    let (name, value) = parse(&name, sent)?;
    let source = context.source();
    let shown = shown(&name, value.key.as_ref());
    context.catalog().secret_put(&context.actor, &script, &name, value, source).await?;
    Ok(Reply::of(shown))
}

pub(crate) async fn secret_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let secrets = context.catalog().secret_list(&context.actor, &context.script()?).await?;
    let wanted = wanted(context)?;
    let found = secrets.iter().find(|secret| secret.name == wanted).ok_or_else(ApiError::no_such_secret)?;
    Ok(Reply::of(show(found)))
}

pub(crate) async fn secret_delete(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    context.catalog().script_find(&context.actor, &script).await?;
    let name = wanted(context)?;
    let source = context.source();
    context.catalog().secret_delete(&context.actor, &script, &name, source).await?;
    Ok(Reply::null())
}

/// An object sets, null deletes, absent leaves alone; all of it or none.
pub(crate) async fn secrets_bulk(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    context.catalog().script_find(&context.actor, &script).await?;
    let Object(bulk): Object<Bulk> = context.json().await?;
    let mut changes = Vec::with_capacity(bulk.secrets.len());
    for (name, value) in bulk.secrets {
        if value.is_null() {
            let name = BindingName::parse(&name)?;
            changes.push((name, None));
            continue;
        }
        let Object(sent) = Object::<Sent>::deserialize(&value)
            .map_err(|error| ApiError::unparsable(format!("secret {:?}: {error}", short(&name))))?;
        if sent.name.as_ref().is_some_and(|inner| *inner != name) {
            return Err(ApiError::invalid(format!("secret {:?} has another name inside", short(&name))).into());
        }
        let (name, value) = parse(&name, sent)?;
        changes.push((name, Some(value)));
    }
    if !changes.is_empty() {
        let source = context.source();
        context.catalog().secrets_change(&context.actor, &script, changes, source).await?;
    }
    let secrets = context.catalog().secret_list(&context.actor, &script).await?;
    let shown: Map<String, Value> =
        secrets.iter().map(|secret| (secret.name.as_str().to_owned(), show(secret))).collect();
    Ok(Reply::of(Value::Object(shown)))
}

fn show(secret: &Binding) -> Value {
    let key = if let BindingKind::SecretKey { key, .. } = &secret.kind { Some(key) } else { None };
    shown(&secret.name, key)
}

fn shown(name: &BindingName, key: Option<&KeyInfo>) -> Value {
    let mut shown = key.map_or_else(|| json!({}), secret_key::show);
    shown["name"] = name.as_str().into();
    shown["type"] = if key.is_some() { "secret_key" } else { "secret_text" }.into();
    shown
}

fn parse(name: &str, sent: Sent) -> Result<(BindingName, NewSecret), ApiError> {
    let kind = sent.kind.as_deref().unwrap_or("secret_text");
    let parsed = BindingName::parse(name).map_err(|error| ApiError::invalid(error.to_string()));
    if kind == "secret_key" {
        let key = sent.key.parse();
        let key = key.map_err(|what| ApiError::invalid(format!("secret {:?} of type {kind}: {what}", short(name))))?;
        return Ok((parsed?, key));
    }
    if kind != "secret_text" {
        let message =
            format!("secret {:?} has type {:?}, which this server does not implement", short(name), short(kind));
        return Err(ApiError::invalid(message));
    }
    let value =
        Secret::new(sent.text.ok_or_else(|| ApiError::invalid(format!("secret {:?} has no text", short(name))))?);
    Ok((parsed?, value.into()))
}

/// The name in the path; with `url_encoded=true` it is encoded once more. One that no secret can
/// have is not there.
fn wanted(context: &Context<'_>) -> Result<BindingName, ApiError> {
    let name = context.params.get("secret");
    let decoded = match context.query("url_encoded").as_deref() {
        Some("true") => percent_decode_str(name).decode_utf8_lossy(),
        None | Some("false") => name.into(),
        Some(_) => return Err(ApiError::unparsable("url_encoded must be true or false")),
    };
    BindingName::parse(&decoded).map_err(|_| ApiError::no_such_secret())
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}
