//! `upstream` within `versions.body`: an origin instead of code, as JSON with types of its own.

use serde::{Deserialize, Serialize};
use switchyard_catalog::{HealthCheck, Origin, StorageError, Upstream, UpstreamHost, UpstreamProtocol};

use super::record::damaged;

#[derive(Serialize, Deserialize)]
pub(super) struct UpstreamRecord {
    origins: Vec<OriginRecord>,
    #[serde(default)]
    host_of_origin: bool,
    #[serde(default)]
    http2: bool,
    health: Option<HealthRecord>,
    connect_timeout_ms: Option<u32>,
    head_timeout_ms: Option<u32>,
    idle_timeout_ms: Option<u32>,
    retries: Option<u8>,
    #[serde(default)]
    inside: bool,
}

#[derive(Serialize, Deserialize)]
struct OriginRecord {
    url: String,
    weight: u16,
}

#[derive(Serialize, Deserialize)]
struct HealthRecord {
    path: String,
    interval_ms: u32,
    timeout_ms: u32,
    healthy: u8,
    unhealthy: u8,
}

impl From<&Upstream> for UpstreamRecord {
    fn from(upstream: &Upstream) -> Self {
        let origins = upstream.origins.iter();
        Self {
            origins: origins.map(|one| OriginRecord { url: one.to_string(), weight: one.weight }).collect(),
            host_of_origin: upstream.host == UpstreamHost::Origin,
            http2: upstream.protocol == UpstreamProtocol::Http2,
            health: upstream.health.as_ref().map(|health| HealthRecord {
                path: health.path.clone(),
                interval_ms: health.interval_ms,
                timeout_ms: health.timeout_ms,
                healthy: health.healthy,
                unhealthy: health.unhealthy,
            }),
            connect_timeout_ms: upstream.connect_timeout_ms,
            head_timeout_ms: upstream.head_timeout_ms,
            idle_timeout_ms: upstream.idle_timeout_ms,
            retries: upstream.retries,
            inside: upstream.inside,
        }
    }
}

impl TryFrom<UpstreamRecord> for Upstream {
    type Error = StorageError;

    fn try_from(record: UpstreamRecord) -> Result<Self, StorageError> {
        let origins = record.origins.iter().map(|one| Origin::parse(&one.url, one.weight));
        Ok(Self {
            origins: origins.collect::<Result<_, _>>().map_err(|error| damaged("an upstream", error))?,
            host: if record.host_of_origin { UpstreamHost::Origin } else { UpstreamHost::Keep },
            protocol: if record.http2 { UpstreamProtocol::Http2 } else { UpstreamProtocol::Http1 },
            health: record.health.map(|health| HealthCheck {
                path: health.path,
                interval_ms: health.interval_ms,
                timeout_ms: health.timeout_ms,
                healthy: health.healthy,
                unhealthy: health.unhealthy,
            }),
            connect_timeout_ms: record.connect_timeout_ms,
            head_timeout_ms: record.head_timeout_ms,
            idle_timeout_ms: record.idle_timeout_ms,
            retries: record.retries,
            inside: record.inside,
        })
    }
}
