//! Bindings between JSON (contract §3.5) and the catalog's closed set. A kind that is not built is
//! refused with its name: accepting it and leaving `env.X` undefined would hide the fault.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use switchyard_catalog::{
    Binding, BindingKind, BindingName, DispatchOutbound, NamespaceName, NewBinding, NewBindingKind, ScriptName, Secret,
    VersionId,
};

use crate::{
    error::ApiError,
    object::Object,
    secret_key::{self, SentKey},
};

/// One entry of `bindings` as sent. Fields of kinds that are not built are ignored here, since the
/// kind itself is refused.
#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    environment: Option<String>,
    #[serde(default)]
    entrypoint: Option<String>,
    #[serde(default)]
    props: Option<Value>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    outbound: Option<Object<SentOutbound>>,
    #[serde(default)]
    old_name: Option<String>,
    #[serde(default)]
    version_id: Option<String>,
}

#[derive(Deserialize)]
struct SentOutbound {
    worker: Object<SentOutboundWorker>,
    #[serde(default)]
    params: Option<Vec<SentParam>>,
}

#[derive(Deserialize)]
struct SentOutboundWorker {
    service: String,
    #[serde(default)]
    environment: Option<String>,
    #[serde(default)]
    entrypoint: Option<String>,
}

/// The schema says plain strings, wrangler sends objects.
#[derive(Deserialize)]
#[serde(untagged)]
enum SentParam {
    Name(String),
    Object { name: String },
}

/// One binding; `at` is its place in the list, for the message.
///
/// # Errors
/// 10052 without a name, 10021 for everything else, naming the binding.
pub(crate) fn parse(entry: &Value, at: usize) -> Result<NewBinding, ApiError> {
    let object = entry.as_object().ok_or_else(|| ApiError::invalid(format!("bindings[{at}] is not an object")))?;
    let text = |key: &str| object.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = text("name").ok_or_else(|| ApiError::binding_without_name(at))?;
    let kind = text("type").ok_or_else(|| ApiError::invalid(format!("binding {name:?} has no type")))?;
    let kind = parse_kind(name, kind, object)?;
    let name = BindingName::parse(name).map_err(|error| ApiError::invalid(error.to_string()))?;
    Ok(NewBinding { name, kind })
}

fn parse_kind(name: &str, kind: &str, object: &Map<String, Value>) -> Result<NewBindingKind, ApiError> {
    let fault = |what: &dyn std::fmt::Display| ApiError::invalid(format!("binding {name:?} of type {kind}: {what}"));
    let absent = |field: &str| fault(&format!("{field} is missing"));
    // The one field that may hold anything is taken as it is.
    if kind == "json" {
        let value = object.get("json").cloned().ok_or_else(|| absent("json"))?;
        return Ok(NewBindingKind::Kind(BindingKind::Json { value }));
    }
    if ![
        "plain_text",
        "secret_text",
        "secret_key",
        "service",
        "dispatch_namespace",
        "version_metadata",
        "assets",
        "inherit",
    ]
    .contains(&kind)
    {
        let shown: String = kind.chars().take(80).collect();
        let message = format!("binding {name:?} has type {shown:?}, which this server does not implement");
        return Err(ApiError::invalid(message));
    }
    let sent = Sent::deserialize(object).map_err(|error| fault(&error))?;
    let script = |text: &str| ScriptName::parse(text).map_err(|error| fault(&error));
    let kind = match kind {
        "plain_text" => BindingKind::PlainText { text: sent.text.ok_or_else(|| absent("text"))? },
        "secret_text" => {
            let text = sent.text.ok_or_else(|| absent("text"))?;
            return Ok(NewBindingKind::Secret(Secret::new(text)));
        }
        "secret_key" => {
            let key = SentKey::deserialize(object).map_err(|error| fault(&error))?;
            return Ok(NewBindingKind::SecretKey(key.parse().map_err(|what| fault(&what))?));
        }
        "service" => BindingKind::Service {
            service: script(&sent.service.ok_or_else(|| absent("service"))?)?,
            environment: sent.environment,
            entrypoint: sent.entrypoint,
            props: sent.props,
        },
        "dispatch_namespace" => {
            let namespace = sent.namespace.ok_or_else(|| absent("namespace"))?;
            let namespace = NamespaceName::parse(&namespace).map_err(|error| fault(&error))?;
            let outbound = sent.outbound.map(|Object(outbound)| -> Result<_, ApiError> {
                let Object(worker) = outbound.worker;
                let params = outbound.params.unwrap_or_default().into_iter();
                Ok(DispatchOutbound {
                    service: script(&worker.service)?,
                    environment: worker.environment,
                    entrypoint: worker.entrypoint,
                    params: params.map(|(SentParam::Name(name) | SentParam::Object { name })| name).collect(),
                })
            });
            BindingKind::DispatchNamespace { namespace, outbound: outbound.transpose()? }
        }
        "version_metadata" => BindingKind::VersionMetadata,
        "assets" => BindingKind::Assets,
        _ => {
            let old_name = sent.old_name.map(|old| BindingName::parse(&old).map_err(|error| fault(&error)));
            let version = sent.version_id.filter(|id| id != "latest");
            let version = version.map(|id| VersionId::parse(&id).ok_or_else(|| fault(&"version_id is not a UUID")));
            return Ok(NewBindingKind::Inherit { old_name: old_name.transpose()?, version_id: version.transpose()? });
        }
    };
    Ok(NewBindingKind::Kind(kind))
}

/// The binding as replies show it: a secret's value is not there.
pub(crate) fn show(binding: &Binding) -> Value {
    let mut shown = match &binding.kind {
        BindingKind::PlainText { text } => json!({ "text": text }),
        BindingKind::Json { value } => json!({ "json": value }),
        BindingKind::SecretText { .. } | BindingKind::VersionMetadata | BindingKind::Assets => json!({}),
        BindingKind::SecretKey { key, .. } => secret_key::show(key),
        BindingKind::Service { service, environment, entrypoint, props } => json!({
            "service": service.as_str(), "environment": environment, "entrypoint": entrypoint, "props": props,
        }),
        BindingKind::DispatchNamespace { namespace, outbound } => json!({
            "namespace": namespace.as_str(), "outbound": outbound.as_ref().map(show_outbound),
        }),
    };
    if let Value::Object(fields) = &mut shown {
        // Absent, not null: except for `json`, whose null is the value.
        fields.retain(|key, value| !value.is_null() || key == "json");
        fields.insert("name".to_owned(), binding.name.as_str().into());
        fields.insert("type".to_owned(), binding.kind.type_name().into());
    }
    shown
}

fn show_outbound(outbound: &DispatchOutbound) -> Value {
    let mut worker = Map::new();
    worker.insert("service".to_owned(), outbound.service.as_str().into());
    let optional = [("environment", &outbound.environment), ("entrypoint", &outbound.entrypoint)];
    for (key, value) in optional {
        if let Some(value) = value {
            worker.insert(key.to_owned(), value.as_str().into());
        }
    }
    let params: Vec<Value> = outbound.params.iter().map(|name| json!({ "name": name })).collect();
    json!({ "worker": worker, "params": params })
}
