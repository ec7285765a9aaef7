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
    let account = own_account(context).await?;
    let shown = vec![json!({ "id": context.token.id, "status": "accepted", "account": account })];
    Ok(Reply::paged(shown, single_page()))
}

/// The token's account alone.
pub(crate) async fn account_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let account = own_account(context).await?;
    Ok(Reply::paged(vec![account], single_page()))
}

pub(crate) async fn account_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    Ok(Reply::of(own_account(context).await?))
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

async fn own_account(context: &mut Context<'_>) -> Result<Value, Refusal> {
    let accounts = context.catalog().account_list().await?;
    let own = accounts.iter().find(|account| account.id == context.token.account);
    Ok(own.map(views::account).ok_or_else(ApiError::other_account)?)
}

fn single_page() -> Value {
    json!({ "page": 1, "per_page": 50, "count": 1, "total_count": 1, "total_pages": 1 })
}
