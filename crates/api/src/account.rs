//! The caller's own side: user, accounts, memberships, tokens, and what wrangler asks of an account
//! around a deploy (contract §4.1).

use serde_json::{Value, json};

use crate::{
    context::Context,
    envelope::Reply,
    error::{ApiError, Refusal},
    views,
};

/// A token is all there is of a user: its name stands where clients print an address.
pub(crate) async fn user_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let token = &context.token;
    Ok(Reply::of(json!({
        "id": token.id,
        "email": token.name,
        "first_name": token.name,
        "last_name": null,
        "created_on": token.created_on.to_string(),
    })))
}

pub(crate) async fn token_verify(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::of(views::token(&context.token)))
}

pub(crate) async fn membership_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let accounts = accounts(context).await?.into_iter();
    let id = context.token.id.clone();
    let shown: Vec<Value> =
        accounts.map(|account| json!({ "id": id, "status": "accepted", "account": account })).collect();
    let info = single_page(shown.len());
    Ok(Reply::paged(shown, info))
}

/// Those that the token is for.
pub(crate) async fn account_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let shown = accounts(context).await?;
    let info = single_page(shown.len());
    Ok(Reply::paged(shown, info))
}

pub(crate) async fn account_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let account = context.catalog().account_find(&context.actor.account).await?;
    Ok(Reply::of(views::account(&account)))
}

/// Products that this server does not have: an account has none of their namespaces. wrangler asks
/// before and after it deletes a Worker.
pub(crate) async fn none_of_these(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::of(Vec::<Value>::new()))
}

/// Workers are reached through the gateway's resolvers, never under `workers.dev`.
pub(crate) async fn account_subdomain_get(_: &mut Context<'_>) -> Result<Reply, Refusal> {
    Err(ApiError::no_workers_dev().into())
}

async fn accounts(context: &mut Context<'_>) -> Result<Vec<Value>, Refusal> {
    let accounts = context.catalog().account_list_of(&context.actor).await?;
    Ok(accounts.iter().map(views::account).collect())
}

fn single_page(count: usize) -> Value {
    json!({ "page": 1, "per_page": count.max(50), "count": count, "total_count": count, "total_pages": 1 })
}
