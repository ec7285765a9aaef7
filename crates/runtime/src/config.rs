//! The runtime's part of the configuration.

use std::path::PathBuf;
use std::time::Duration;

use switchyard_catalog::Limits;

use crate::compile::CompileConfig;

/// Every setting has a default that suits one machine.
#[derive(Debug, Clone)]
pub struct Config {
    /// Folder for the compiled engine and sealed Workers.
    pub artefacts: PathBuf,
    /// Folder of the engine that came with the program, compiled; `None`: it is compiled here.
    pub shipped: Option<PathBuf>,
    /// Threads that run guests; 0: as many as there are cores.
    pub guest_threads: usize,
    /// Instances that may run at once, waiting ones included. Each reserves 4 GiB of address space
    /// and no memory before it is used.
    pub max_instances: u32,
    /// … of one tenant, so that requests which wait for a slow origin leave instances to others. 0: a
    /// quarter of them. Account-level Workers, the platform's own, are not bound by it.
    pub instances_per_tenant: u32,
    /// Requests of one tenant that may wait for an instance.
    pub queue_per_tenant: usize,
    /// Requests in all that may wait for an instance.
    pub queue_total: usize,
    /// How long a request may wait for an instance.
    pub queue_timeout: Duration,
    /// Bytes of Workers kept ready in memory; others are opened from their files.
    pub worker_cache_bytes: u64,
    /// Bytes that may wait on the host for guests, clients and origins: messages, chunks, whole bodies.
    pub held_bytes: usize,
    /// … of one script.
    pub held_bytes_per_script: usize,
    /// Warm instances kept idle.
    pub warm_instances: u32,
    /// Bytes of memory that they may have together.
    pub warm_bytes: usize,
    /// Requests in one warm instance at once; more of them get another instance.
    pub warm_requests_at_once: u32,
    /// Requests that one serves before it is replaced.
    pub warm_requests: u32,
    /// How long one serves before it is replaced.
    pub warm_age: Duration,
    /// How long one is kept that nobody uses.
    pub warm_idle: Duration,
    /// CPU of a first request above which isolation `auto` makes a Worker warm.
    pub auto_warm_cpu: Duration,
    /// How long work may go on after the response is done (contract §5.2).
    pub wait_until: Duration,
    /// How components are compiled.
    pub compile: CompileConfig,
    /// The node's limits: what no Worker may exceed.
    pub limits: Limits,
    /// What guests execute is counted, which makes them slower.
    #[cfg(test)]
    pub counts_fuel: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            artefacts: PathBuf::from(".switchyard/artefacts"),
            shipped: None,
            guest_threads: 0,
            max_instances: 1_000,
            instances_per_tenant: 0,
            queue_per_tenant: 1_000,
            queue_total: 10_000,
            queue_timeout: Duration::from_secs(10),
            worker_cache_bytes: 512 << 20,
            held_bytes: 2 << 30,
            held_bytes_per_script: 512 << 20,
            warm_instances: 100,
            warm_bytes: 1 << 30,
            warm_requests_at_once: 100,
            warm_requests: 10_000,
            warm_age: Duration::from_secs(30 * 60),
            warm_idle: Duration::from_secs(5 * 60),
            auto_warm_cpu: Duration::from_millis(2),
            wait_until: Duration::from_secs(30),
            compile: CompileConfig::default(),
            limits: Limits::DEFAULT,
            #[cfg(test)]
            counts_fuel: false,
        }
    }
}
