//! What replies show of the catalog's objects (contract §§2, 3.2, 3.7, 4.1). All that the schema
//! has and this server knows is sent; clients read different parts of it.

mod script;

use serde_json::{Map, Value, json};
use switchyard_catalog::{
    Access, Account, Deployment, Limits, NamedHandlers, Namespace, NamespaceName, PlanName, Script, ScriptName,
    ScriptRow, Tag, Timestamp, Token, TokenRow, TokenScope, Uploaded, Version, WorkerRef,
};

use crate::{bindings, upstream};

pub(crate) use script::{ScriptView, page, page_in_namespace, script_in_namespace};

pub(crate) fn account(account: &Account) -> Value {
    json!({ "id": account.id.as_str(), "name": account.name, "type": "standard" })
}

/// What `/user/tokens/verify` shows.
pub(crate) fn token(token: &Token) -> Value {
    let mut shown = object(json!({ "id": token.id, "status": "active" }));
    if let Some(at) = token.expires_on {
        shown.insert("expires_on".to_owned(), at.to_string().into());
    }
    Value::Object(shown)
}

/// A token as its account's list shows it; never its text.
pub(crate) fn token_row(row: &TokenRow) -> Map<String, Value> {
    let token = &row.token;
    let expired = token.expires_on.is_some_and(|at| at <= Timestamp::now());
    let scope = match token.scope {
        TokenScope::Admin => "admin",
        TokenScope::Account => "account",
        TokenScope::Namespace(_) => "namespace",
        TokenScope::Script(_) => "script",
    };
    object(json!({
        "id": token.id,
        "name": token.name,
        "status": if expired { "expired" } else { "active" },
        "access": if token.access == Access::Write { "write" } else { "read" },
        "scope": scope,
        "namespace": row.namespace.as_ref().map(NamespaceName::as_str),
        "script": row.script.as_ref().map(ScriptName::as_str),
        "created_on": token.created_on.to_string(),
        "expires_on": token.expires_on.map(|at| at.to_string()),
        "plan": token.plan.as_ref().map(PlanName::as_str),
    }))
}

pub(crate) fn namespace_settings(namespace: &Namespace) -> Value {
    json!({
        "limits": our_limits(&namespace.settings.limits),
        "plan": namespace.settings.plan.as_ref().map(PlanName::as_str),
        "isolation": namespace.settings.isolation,
        "trusted": namespace.trusted_workers,
        "outbound": namespace.settings.outbound.as_ref().map(worker),
        "inbound": namespace.settings.inbound.as_ref().map(worker),
        "egress": { "also": namespace.settings.egress.also, "only": namespace.settings.egress.only },
    })
}

/// All of them, where Cloudflare's scripts have two.
pub(crate) fn our_limits(limits: &Limits) -> Value {
    json!({
        "cpu_ms": limits.cpu_ms,
        "subrequests": limits.subrequests,
        "memory": limits.memory_bytes,
        "wall_ms": limits.wall_ms,
        "request_bytes": limits.request_bytes,
        "response_bytes": limits.response_bytes,
        "concurrent_requests": limits.concurrent_requests,
        "requests_per_second": limits.requests_per_second,
        "connections": limits.connections,
        "log_bytes": limits.log_bytes,
    })
}

fn worker(worker: &WorkerRef) -> Value {
    json!({ "service": worker.service.as_str(), "entrypoint": worker.entrypoint })
}

pub(crate) fn namespace(namespace: &Namespace) -> Value {
    json!({
        "namespace_id": namespace.id.to_string(),
        "namespace_name": namespace.name.as_str(),
        "script_count": namespace.script_count,
        "trusted_workers": namespace.trusted_workers,
        "created_on": namespace.created_on.to_string(),
        "created_by": namespace.created_by,
        "modified_on": namespace.modified_on.to_string(),
        "modified_by": namespace.modified_by,
    })
}

/// The reply to an upload. wrangler prints `deployment_id` as the version's id.
pub(crate) fn uploaded(uploaded: &Uploaded) -> Value {
    let mut shown = ScriptView::of(&uploaded.row).to_map();
    shown.extend(object(json!({
        "entry_point": uploaded.version.code.entry,
        "startup_time_ms": uploaded.version.startup_time_ms,
        "deployment_id": uploaded.version.id.simple(),
    })));
    Value::Object(shown)
}

pub(crate) fn version(version: &Version) -> Value {
    let mut shown = version_head(version);
    shown.extend(object(json!({
        "startup_time_ms": version.startup_time_ms,
        "resources": {
            "bindings": bindings(version),
            "script": {
                "etag": version.etag().hex(),
                "handlers": version.handlers,
                "named_handlers": named_handlers(&version.named_handlers),
                "last_deployed_from": version.source,
            },
            "script_runtime": {
                "compatibility_date": version.compatibility_date,
                "compatibility_flags": version.compatibility_flags,
                "limits": limits(&version.limits),
                "usage_model": version.usage_model,
            },
        },
    })));
    if let Some(upstream) = &version.code.upstream {
        shown.insert("upstream".to_owned(), upstream::show(upstream));
    }
    Value::Object(shown)
}

/// A version as lists show it.
pub(crate) fn version_head(version: &Version) -> Map<String, Value> {
    object(json!({
        "id": version.id.to_string(),
        "number": version.number,
        "annotations": version.annotations,
        "metadata": {
            "author_id": version.author,
            "author_email": "",
            "source": version.source,
            "created_on": version.created_on.to_string(),
            "modified_on": version.created_on.to_string(),
            "hasPreview": false,
        },
    }))
}

pub(crate) fn deployment(deployment: &Deployment) -> Value {
    let versions: Vec<_> = deployment
        .versions
        .iter()
        .map(|share| json!({ "version_id": share.version.to_string(), "percentage": percentage(share.percentage) }))
        .collect();
    json!({
        "id": deployment.id.to_string(),
        "source": deployment.source,
        "strategy": "percentage",
        "author_email": "",
        "annotations": deployment.annotations,
        "versions": versions,
        "created_on": deployment.created_on.to_string(),
    })
}

/// Whole numbers without a fraction, as the service writes them.
fn percentage(share: f64) -> Value {
    if share.fract() == 0.0 { json!(share as i64) } else { json!(share) }
}

/// Settings of what is in force, else of the newest version.
pub(crate) fn settings(row: &ScriptRow) -> Value {
    let version = row.deployed.as_deref().or(row.latest.as_deref());
    let mut shown = object(script_settings(&row.script));
    if let Some(version) = version {
        shown.extend(object(json!({
            "bindings": bindings(version),
            "compatibility_date": version.compatibility_date,
            "compatibility_flags": version.compatibility_flags,
            "limits": limits(&version.limits),
            "usage_model": version.usage_model,
        })));
        if let Some(tag) = &version.migration_tag {
            shown.insert("migration_tag".to_owned(), tag.as_str().into());
        }
    }
    shown.insert("placement".to_owned(), row.script.settings.placement.clone().unwrap_or_else(|| json!({})));
    Value::Object(shown)
}

/// What `…/script-settings` shows: what needs no version.
pub(crate) fn script_settings(script: &Script) -> Value {
    let settings = &script.settings;
    json!({
        "logpush": settings.logpush,
        "observability": settings.observability,
        "tags": tags(&script.tags),
        "tail_consumers": settings.tail_consumers,
    })
}

pub(crate) fn subdomain(script: &Script) -> Value {
    let settings = &script.settings;
    json!({ "enabled": settings.subdomain_enabled, "previews_enabled": settings.previews_enabled })
}

pub(crate) fn tags(tags: &[Tag]) -> Value {
    tags.iter().map(Tag::as_str).collect()
}

pub(crate) fn bindings(version: &Version) -> Value {
    version.bindings.iter().map(bindings::show).collect()
}

fn limits(limits: &Limits) -> Value {
    let mut shown = Map::new();
    for (name, value) in [("cpu_ms", limits.cpu_ms), ("subrequests", limits.subrequests)] {
        if let Some(value) = value {
            shown.insert(name.to_owned(), value.into());
        }
    }
    Value::Object(shown)
}

fn named_handlers(handlers: &[NamedHandlers]) -> Value {
    handlers.iter().map(|named| json!({ "name": named.name, "handlers": named.handlers })).collect()
}

/// The fields of a literal that is an object.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
