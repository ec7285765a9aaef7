//! Ours: which plan holds for one script. Plans themselves are in the node's configuration.

use serde::Deserialize;
use serde_json::{Value, json};
use switchyard_catalog::{PlanName, ScriptRow};

use crate::{
    context::Context,
    envelope::Reply,
    error::{ApiError, Refusal},
    object::Object,
};

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    plan: Option<String>,
}

pub(crate) async fn plan_get(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let row = context.catalog().script_find(&context.actor, &context.script()?).await?;
    Ok(Reply::of(shown(&row)))
}

/// `null`: none of its own.
pub(crate) async fn plan_put(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    // A missing script is told before what is wrong with the body.
    context.catalog().script_find(&context.actor, &script).await?;
    let Object(sent): Object<Sent> = context.json().await?;
    let plan = known(context, sent.plan.as_deref())?;
    let row = context.catalog().script_plan_set(&context.actor, &script, plan).await?;
    Ok(Reply::of(shown(&row)))
}

/// A plan that somebody names, which the node has to have.
pub(crate) fn known(context: &Context<'_>, name: Option<&str>) -> Result<Option<PlanName>, Refusal> {
    let Some(name) = name else { return Ok(None) };
    let plan = PlanName::parse(name)?;
    match context.node() {
        Some(node) if !node.has_plan(&plan) => {
            Err(ApiError::invalid(format!("plan: the node's configuration has no [plan.{plan}]"))
                .at("/plan".to_owned())
                .into())
        }
        _ => Ok(Some(plan)),
    }
}

fn shown(row: &ScriptRow) -> Value {
    json!({ "plan": row.script.settings.plan.as_ref().map(PlanName::as_str) })
}
