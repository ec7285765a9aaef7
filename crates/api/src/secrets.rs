//! Secrets (contract §3.6). Values go in and never come out.

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use switchyard_catalog::{BindingName, Secret};

use crate::{
    context::Context,
    envelope::Reply,
    error::{ApiError, Refusal},
    object::Object,
};

/// A secret as sent. No `Debug`: its text must not be printable.
#[derive(Deserialize)]
struct Sent {
    name: Option<String>,
    text: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Bulk {
    secrets: Map<String, Value>,
}

pub(crate) async fn secret_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let names = context.catalog().secret_list(&context.actor, &context.script()?).await?;
    Ok(Reply::of(names.iter().map(show).collect::<Vec<_>>()))
}

pub(crate) async fn secret_put(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    context.catalog().script_find(&context.actor, &script).await?;
    let Object(sent): Object<Sent> = context.json().await?;
    let name = sent.name.clone().ok_or_else(|| ApiError::invalid("the secret has no name"))?;
    let (name, value) = parse(&name, sent)?;
    let source = context.source();
    context.catalog().secret_put(&context.actor, &script, &name, value, source).await?;
    Ok(Reply::of(show(&name)))
}

pub(crate) async fn secret_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let names = context.catalog().secret_list(&context.actor, &context.script()?).await?;
    let wanted = wanted(context)?;
    let found = names.iter().find(|name| **name == wanted).ok_or_else(ApiError::no_such_secret)?;
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
    let names = context.catalog().secret_list(&context.actor, &script).await?;
    let shown: Map<String, Value> = names.iter().map(|name| (name.as_str().to_owned(), show(name))).collect();
    Ok(Reply::of(Value::Object(shown)))
}

fn show(name: &BindingName) -> Value {
    json!({ "name": name.as_str(), "type": "secret_text" })
}

fn parse(name: &str, sent: Sent) -> Result<(BindingName, Secret), ApiError> {
    let kind = sent.kind.as_deref().unwrap_or("secret_text");
    if kind != "secret_text" {
        let message =
            format!("secret {:?} has type {:?}, which this server does not implement", short(name), short(kind));
        return Err(ApiError::invalid(message));
    }
    let value =
        Secret::new(sent.text.ok_or_else(|| ApiError::invalid(format!("secret {:?} has no text", short(name))))?);
    let name = BindingName::parse(name).map_err(|error| ApiError::invalid(error.to_string()))?;
    Ok((name, value))
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
