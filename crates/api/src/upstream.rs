//! `upstream`, a field of ours in an upload's metadata: an origin instead of modules. Unlike Cloudflare's
//! metadata, where unknown fields are ignored, ours is taken by the word.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use switchyard_catalog::{HealthCheck, Origin, Upstream, UpstreamHost, UpstreamProtocol};

use crate::{error::ApiError, metadata::Fields, object::Object};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    origins: Vec<Object<SentOrigin>>,
    #[serde(default)]
    host: Option<SentHost>,
    #[serde(default)]
    protocol: Option<SentProtocol>,
    #[serde(default)]
    health: Option<Object<SentHealth>>,
    #[serde(default)]
    connect_timeout_ms: Option<u32>,
    #[serde(default)]
    head_timeout_ms: Option<u32>,
    #[serde(default)]
    idle_timeout_ms: Option<u32>,
    #[serde(default)]
    retries: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentOrigin {
    url: String,
    #[serde(default)]
    weight: Option<u16>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SentHost {
    Keep,
    Origin,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SentProtocol {
    Http1,
    Http2,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentHealth {
    path: String,
    #[serde(default)]
    interval_ms: Option<u32>,
    #[serde(default)]
    timeout_ms: Option<u32>,
    #[serde(default)]
    healthy: Option<u8>,
    #[serde(default)]
    unhealthy: Option<u8>,
}

/// # Errors
/// 10021, naming the field.
pub(crate) fn parse(fields: &Fields<'_>) -> Result<Option<Upstream>, ApiError> {
    let Some(Object(sent)) = fields.take::<Object<Sent>>("upstream")? else { return Ok(None) };
    let mut origins = Vec::with_capacity(sent.origins.len().min(Upstream::MAX_ORIGINS));
    for (at, Object(origin)) in sent.origins.into_iter().enumerate().take(Upstream::MAX_ORIGINS + 1) {
        let parsed = Origin::parse(&origin.url, origin.weight.unwrap_or(1));
        let at = format!("/upstream/origins/{at}");
        origins.push(parsed.map_err(|message| ApiError::invalid(format!("metadata.upstream: {message}")).at(at))?);
    }
    let health = sent.health.map(|Object(health)| {
        let usual = HealthCheck::at(health.path);
        HealthCheck {
            interval_ms: health.interval_ms.unwrap_or(usual.interval_ms),
            timeout_ms: health.timeout_ms.unwrap_or(usual.timeout_ms),
            healthy: health.healthy.unwrap_or(usual.healthy),
            unhealthy: health.unhealthy.unwrap_or(usual.unhealthy),
            ..usual
        }
    });
    Ok(Some(Upstream {
        origins,
        host: match sent.host {
            Some(SentHost::Origin) => UpstreamHost::Origin,
            Some(SentHost::Keep) | None => UpstreamHost::Keep,
        },
        protocol: match sent.protocol {
            Some(SentProtocol::Http2) => UpstreamProtocol::Http2,
            Some(SentProtocol::Http1) | None => UpstreamProtocol::Http1,
        },
        health,
        connect_timeout_ms: sent.connect_timeout_ms,
        head_timeout_ms: sent.head_timeout_ms,
        idle_timeout_ms: sent.idle_timeout_ms,
        retries: sent.retries,
        // Not for clients to say: the catalog knows whose token it is.
        inside: false,
    }))
}

/// As it was sent; what was left out to the node's configuration is left out.
pub(crate) fn show(upstream: &Upstream) -> Value {
    let origins = upstream.origins.iter();
    let origins: Vec<Value> =
        origins.map(|origin| json!({ "url": origin.to_string(), "weight": origin.weight })).collect();
    let host = match upstream.host {
        UpstreamHost::Keep => "keep",
        UpstreamHost::Origin => "origin",
    };
    let protocol = match upstream.protocol {
        UpstreamProtocol::Http1 => "http1",
        UpstreamProtocol::Http2 => "http2",
    };
    let mut shown = Map::from_iter([
        ("origins".to_owned(), origins.into()),
        ("host".to_owned(), host.into()),
        ("protocol".to_owned(), protocol.into()),
    ]);
    if let Some(health) = &upstream.health {
        let HealthCheck { path, interval_ms, timeout_ms, healthy, unhealthy } = health;
        let health = json!({
            "path": path, "interval_ms": interval_ms, "timeout_ms": timeout_ms,
            "healthy": healthy, "unhealthy": unhealthy,
        });
        shown.insert("health".to_owned(), health);
    }
    for (name, value) in [
        ("connect_timeout_ms", upstream.connect_timeout_ms),
        ("head_timeout_ms", upstream.head_timeout_ms),
        ("idle_timeout_ms", upstream.idle_timeout_ms),
        ("retries", upstream.retries.map(u32::from)),
    ] {
        if let Some(value) = value {
            shown.insert(name.to_owned(), value.into());
        }
    }
    Value::Object(shown)
}
