//! Who needs a Worker, in the form in which wrangler asks before it deletes one.

use serde_json::{Map, Value, json};
use switchyard_catalog::{BindingKind, Reference, ReferenceUsage};

use crate::{context::Context, envelope::Reply, error::Refusal};

/// A Worker has one environment here, as at Cloudflare today.
const ENVIRONMENT: &str = "production";

/// `GET …/workers/scripts/{script}/references`.
pub(crate) async fn reference_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    let references = context.catalog().script_references(&context.actor, &script).await?;
    let row = context.catalog().script_find(&context.actor, &script).await?;
    let mut incoming = Vec::new();
    let mut outbounds = Vec::new();
    for reference in &references {
        let mut shown = user(reference);
        match &reference.usage {
            ReferenceUsage::Service { binding } => {
                shown.insert("name".to_owned(), binding.as_str().into());
                incoming.push(shown);
            }
            ReferenceUsage::Outbound { binding, namespace } => {
                shown.insert("name".to_owned(), binding.as_str().into());
                shown.insert("namespace".to_owned(), namespace.as_str().into());
                outbounds.push(shown);
            }
            ReferenceUsage::Tail => {}
        }
    }
    let bindings = row.deployed.as_ref().map_or(&[][..], |version| &version.bindings);
    let outgoing = bindings.iter().filter_map(|binding| match &binding.kind {
        BindingKind::Service { service, .. } => {
            Some(json!({ "name": binding.name.as_str(), "service": service.as_str(), "environment": ENVIRONMENT }))
        }
        _ => None,
    });
    Ok(Reply::of(json!({
        "services": { "incoming": incoming, "outgoing": outgoing.collect::<Vec<_>>(), "pages_function": false },
        "durable_objects": [],
        "dispatch_outbounds": outbounds,
    })))
}

/// `GET …/workers/tails/by-consumer/{script}`.
pub(crate) async fn tail_producer_list(context: &mut Context<'_>) -> Result<Reply, Refusal> {
    let script = context.script()?;
    let references = context.catalog().script_references(&context.actor, &script).await?;
    let consumer = json!({ "service": script.name.as_str(), "environment": ENVIRONMENT });
    let producers = references.iter().filter(|reference| reference.usage == ReferenceUsage::Tail);
    let shown: Vec<Value> =
        producers.map(|reference| json!({ "consumer": consumer, "producer": user(reference) })).collect();
    Ok(Reply::of(shown))
}

/// wrangler shows `script` where it is there, else `service` and the environment.
fn user(reference: &Reference) -> Map<String, Value> {
    let mut shown = Map::new();
    shown.insert("service".to_owned(), reference.script.as_str().into());
    shown.insert("environment".to_owned(), ENVIRONMENT.into());
    if let Some(namespace) = &reference.namespace {
        shown.insert("script".to_owned(), reference.address().into());
        shown.insert("dispatch_namespace".to_owned(), namespace.as_str().into());
    }
    shown
}
