//! What the parts of a node are told of its configuration, in their own words.

use std::path::PathBuf;

use switchyard_api::ApiConfig;
use switchyard_catalog::{AssetKey, CatalogSettings, Limits};

use crate::config::Config;
use crate::listen::{Deadlines, ServerConfig};

/// `inside`: for the admin listener, whose upgraded connections are live logs, which `limits.tails` bounds.
pub(super) fn server(config: &Config, connections: u32, inside: bool) -> ServerConfig {
    ServerConfig {
        deadlines: Deadlines {
            head: config.timeouts.head,
            idle: config.timeouts.idle,
            write: config.timeouts.body,
            drain_idle: config.timeouts.drain_idle,
        },
        connections,
        upgraded_keep_place: !inside,
        head_bytes: usize::try_from(config.limits.head_bytes).unwrap_or(usize::MAX),
        headers: config.limits.headers as usize,
    }
}

pub(super) fn limits(config: &Config) -> Limits {
    let whole = |ms: u128| Some(u32::try_from(ms).unwrap_or(u32::MAX)).filter(|ms| *ms > 0);
    Limits {
        cpu_ms: Some(u32::try_from(config.limits.cpu.as_millis()).unwrap_or(u32::MAX)),
        subrequests: Some(config.limits.subrequests),
        memory_bytes: Some(config.limits.memory),
        wall_ms: whole(config.limits.wall.as_millis()),
        request_bytes: None, // before a Worker is known: `body_bytes`
        response_bytes: Some(config.limits.response_bytes).filter(|bytes| *bytes > 0),
        concurrent_requests: None, // admission has `requests_per_script`
        requests_per_second: Some(config.limits.requests_per_second).filter(|rate| *rate > 0),
        connections: Some(config.limits.fetches_at_once),
        log_bytes: Some(config.limits.log_bytes),
    }
}

pub(super) fn runtime(config: &Config, limits: Limits) -> switchyard_runtime::Config {
    let artefacts: PathBuf = config.data.join("artefacts");
    switchyard_runtime::Config {
        artefacts,
        shipped: config.runtime.engine.folder(),
        guest_threads: config.runtime.threads as usize,
        max_instances: config.runtime.instances,
        instances_per_tenant: config.runtime.instances_per_script,
        queue_per_tenant: config.runtime.queue_per_script as usize,
        queue_total: config.runtime.queue as usize,
        queue_timeout: config.runtime.queue_timeout,
        worker_cache_bytes: config.runtime.worker_cache,
        held_bytes: usize::try_from(config.runtime.held_bytes).unwrap_or(usize::MAX),
        held_bytes_per_script: usize::try_from(config.runtime.held_bytes_per_script).unwrap_or(usize::MAX),
        warm_instances: config.runtime.warm_instances,
        warm_bytes: usize::try_from(config.runtime.warm_bytes).unwrap_or(usize::MAX),
        warm_requests_at_once: config.runtime.warm_requests_at_once,
        warm_requests: config.runtime.warm_requests,
        warm_age: config.runtime.warm_age,
        warm_idle: config.runtime.warm_idle,
        auto_warm_cpu: config.runtime.auto_warm_cpu,
        compile: config.compile.runtime(),
        limits,
        ..switchyard_runtime::Config::default()
    }
}

pub(super) fn catalog(config: &Config, asset_key: AssetKey) -> CatalogSettings {
    CatalogSettings {
        max_code_bytes: config.limits.script_bytes,
        max_component_bytes: config.compile.component_bytes,
        max_compressed_code_bytes: config.limits.compressed_script_bytes,
        max_variables: config.limits.variables as usize,
        max_variable_bytes: usize::try_from(config.limits.variable_bytes).unwrap_or(usize::MAX),
        keep_versions: config.limits.versions,
        isolation: config.runtime.isolation,
        max_assets: config.limits.assets as usize,
        max_asset_bytes: config.limits.asset_bytes,
        asset_key,
        grantable: config.egress.grantable(),
        ..CatalogSettings::default()
    }
}

pub(super) fn api(config: &Config) -> ApiConfig {
    ApiConfig {
        max_upload_bytes: config.limits.upload_bytes,
        max_uploads: config.limits.uploads as usize,
        max_compiling: config.compile.in_memory(),
        max_parts: config.limits.upload_parts as usize,
        max_json_bytes: config.limits.json_bytes,
        wrong_tokens_per_minute: config.limits.wrong_tokens,
        body_idle: config.timeouts.body,
        ..ApiConfig::default()
    }
}
