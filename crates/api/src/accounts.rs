//! Ours: accounts of this node. Cloudflare has no endpoint for them that a self-hoster could use.

use serde::Deserialize;
use switchyard_catalog::AccountId;

use crate::{
    context::Context,
    envelope::Reply,
    error::{ApiError, Refusal},
    object::Object,
    views,
};

/// Those that the token is for; an admin's sees all.
pub(crate) async fn account_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let accounts = context.catalog().account_list_of(&context.actor).await?;
    Ok(Reply::of(accounts.iter().map(views::account).collect::<Vec<_>>()))
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    id: Option<String>,
    name: String,
}

pub(crate) async fn account_create(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let Object(sent): Object<Sent> = context.json().await?;
    let id = sent.id.map(|id| {
        AccountId::parse(&id).ok_or_else(|| ApiError::invalid("id: an account's id is 1 to 32 of A-Z a-z 0-9 _ -"))
    });
    let made = context.catalog().account_create(&context.actor, id.transpose()?, &sent.name).await?;
    Ok(Reply::of(views::account(&made)))
}

pub(crate) async fn account_rename(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let Object(sent): Object<Sent> = context.json().await?;
    let renamed = context.catalog().account_rename(&context.actor, &sent.name).await?;
    Ok(Reply::of(views::account(&renamed)))
}
