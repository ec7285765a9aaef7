//! Ours: API tokens of an account. A token's text is in the reply that makes or rolls it, and nowhere else.

use serde::Deserialize;
use serde_json::Value;
use switchyard_catalog::{Access, NamespaceName, NewToken, NewTokenScope, ScriptName, ScriptRef, Timestamp, TokenRow};

use crate::{
    context::Context,
    envelope::Reply,
    error::{ApiError, Refusal},
    object::Object,
    plans, views,
};

#[derive(Deserialize)]
struct Sent {
    name: String,
    access: SentAccess,
    scope: SentScope,
    /// With scope `namespace`; with scope `script` where it is in one.
    #[serde(default)]
    namespace: Option<String>,
    /// With scope `script`.
    #[serde(default)]
    script: Option<String>,
    /// RFC 3339.
    #[serde(default)]
    expires_on: Option<String>,
    /// What it deploys is held to this plan.
    #[serde(default)]
    plan: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum SentAccess {
    Read,
    Write,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum SentScope {
    Admin,
    Account,
    Namespace,
    Script,
}

pub(crate) async fn token_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let tokens = context.catalog().token_list(&context.actor).await?;
    Ok(Reply::of(tokens.iter().map(views::token_row).map(Value::Object).collect::<Vec<_>>()))
}

pub(crate) async fn token_create(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let Object(sent): Object<Sent> = context.json().await?;
    let namespace = sent.namespace.as_deref().map(NamespaceName::parse).transpose()?;
    let script = sent.script.as_deref().map(ScriptName::parse).transpose()?;
    let wrong = |rule: &str| Err(Refusal::from(ApiError::invalid(rule)));
    let scope = match (sent.scope, namespace, script) {
        (SentScope::Admin, None, None) => NewTokenScope::Admin,
        (SentScope::Account, None, None) => NewTokenScope::Account,
        (SentScope::Namespace, Some(namespace), None) => NewTokenScope::Namespace(namespace),
        (SentScope::Script, namespace, Some(name)) => {
            NewTokenScope::Script(ScriptRef { account: context.actor.account.clone(), namespace, name })
        }
        (SentScope::Namespace, None, _) => return wrong("scope namespace: namespace is missing"),
        (SentScope::Script, _, None) => return wrong("scope script: script is missing"),
        (SentScope::Namespace, _, Some(_)) => return wrong("script belongs to scope script only"),
        (SentScope::Admin | SentScope::Account, _, _) => {
            return wrong("namespace and script belong to scopes namespace and script only");
        }
    };
    let access = match sent.access {
        SentAccess::Read => Access::Read,
        SentAccess::Write => Access::Write,
    };
    let expires_on = sent.expires_on.map(|text| {
        Timestamp::parse(&text)
            .ok_or_else(|| ApiError::invalid("expires_on is not a time such as 2026-01-02T03:04:05Z"))
    });
    let plan = plans::known(context, sent.plan.as_deref())?;
    let new = NewToken { name: sent.name, access, scope, expires_on: expires_on.transpose()?, plan };
    let (row, text) = context.catalog().token_create(&context.actor, new).await?;
    Ok(with_value(&row, text))
}

/// Another text for the same token; the old one is refused from now on.
pub(crate) async fn token_roll(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let (row, text) = context.catalog().token_roll(&context.actor, context.params.get("token")).await?;
    Ok(with_value(&row, text))
}

pub(crate) async fn token_revoke(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    context.catalog().token_revoke(&context.actor, context.params.get("token")).await?;
    Ok(Reply::null())
}

fn with_value(row: &TokenRow, text: String) -> Reply {
    let mut shown = views::token_row(row);
    shown.insert("value".to_owned(), text.into());
    Reply::of(Value::Object(shown))
}
