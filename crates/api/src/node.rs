//! What this API asks the node that runs it, and ours: which scripts use the most of it, and how far a component's
//! compilation is.

use serde::Serialize;
use switchyard_catalog::{AccountId, PlanName, ScriptRef};

use crate::{
    context::Context,
    envelope::Reply,
    error::{ApiError, Refusal},
};

/// The node, as this API asks it.
pub trait Node: Send + Sync {
    /// Whether the configuration has `[plan.NAME]`.
    fn has_plan(&self, name: &PlanName) -> bool;

    /// The scripts that have the most, the most first; of one account, or of all.
    fn top(&self, account: Option<&AccountId>, by: TopBy, limit: usize) -> Top;

    /// How far the compilation of an upload to this script is; the script need not exist yet.
    fn compilation(&self, script: &ScriptRef) -> Compilation;
}

/// A component that is uploaded is compiled first, in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Compilation {
    /// None is under way.
    None,
    /// The how manieth in the queue, from 1.
    Waiting { place: usize },
    /// For so many seconds.
    Compiling { seconds: u64 },
}

/// What scripts are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TopBy {
    Requests,
    Cpu,
    Errors,
}

/// What scripts of this node used of late. From a sketch of fixed size: a value may be too large by up
/// to its `over`, and a script that is not among the heaviest of the node may be missing.
#[derive(Debug, Clone, Serialize)]
pub struct Top {
    pub by: TopBy,
    /// How far back it goes.
    pub seconds: f64,
    pub scripts: Vec<TopScript>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TopScript {
    pub account: String,
    /// `null`: one of the account's own Workers.
    pub namespace: Option<String>,
    pub script: String,
    /// Its immutable id.
    pub tag: String,
    /// Calls, from clients and from other Workers. `null`, here and below: too few to be kept.
    pub requests: Option<TopValue>,
    /// Microseconds.
    pub cpu_us: Option<TopValue>,
    /// Calls that failed: exceptions, limits, refusals.
    pub errors: Option<TopValue>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TopValue {
    pub value: u64,
    /// The most by which the value is too large.
    pub over: u64,
}

const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 100;

pub(crate) async fn top(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    shown(context, None)
}

pub(crate) async fn account_top(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let account = context.actor.account.clone();
    shown(context, Some(&account))
}

pub(crate) async fn compilation(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    // The script need not be there yet.
    if let Some(namespace) = &script.namespace {
        context.catalog().namespace_find(&context.actor, namespace).await?;
    }
    let node = context.node().ok_or_else(ApiError::no_node)?;
    Ok(Reply::of(serde_json::to_value(node.compilation(&script)).map_err(|error| ApiError::internal(&error))?))
}

fn shown(context: &Context<'_>, account: Option<&AccountId>) -> Result<Reply, Refusal> {
    let by = match context.query("by").as_deref() {
        None | Some("requests") => TopBy::Requests,
        Some("cpu") => TopBy::Cpu,
        Some("errors") => TopBy::Errors,
        Some(_) => return Err(ApiError::unparsable("by must be one of requests, cpu, errors").into()),
    };
    let limit = match context.query("limit").map(|limit| limit.parse::<usize>()) {
        None => DEFAULT_LIMIT,
        Some(Ok(limit @ 1..=MAX_LIMIT)) => limit,
        Some(_) => return Err(ApiError::unparsable("limit must be a number from 1 to 100").into()),
    };
    let node = context.node().ok_or_else(ApiError::no_node)?;
    Ok(Reply::of(serde_json::to_value(node.top(account, by, limit)).map_err(|error| ApiError::internal(&error))?))
}
