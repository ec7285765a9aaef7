//! Upstream tenants: scripts that are an origin instead of code. A request goes out over a connection of
//! the tenant's own pool, to one of the origins that are well, and its answer streams back; the rest of a
//! request's life is that of any tenant.
//!
//! `serve` is one request from dispatch's point of view, `exchange` its way to an origin and back, `pool`
//! what is kept of a tenant between requests, `connect` the only way to the network, `health` what is
//! known of an origin, `shared` its connections of HTTP/2, `tunnel` what becomes of a request after `101 Switching Protocols`.

mod body;
mod connect;
mod exchange;
mod failure;
mod health;
mod io;
mod link;
mod metrics;
mod policy;
mod pool;
mod serve;
mod shared;
mod trailers;
mod trust;
mod tunnel;
mod upload;
mod wake;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use dashmap::DashMap;
use foldhash::fast::RandomState;
use switchyard_catalog::{Upstream, VersionId};
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::egress::Policy;
use crate::tls::CertificateError;
use crate::websocket::WebSockets;
use connect::Connector;
pub use failure::UpstreamError;
pub use metrics::UpstreamMetrics;
use pool::{Counted, Tenant};
pub use serve::for_worker;
pub use trust::Trust;
pub use tunnel::{Asked, Switched};

/// How often health is looked after.
const TICK: Duration = Duration::from_millis(250);

/// The origins of all tenants, as this node knows them.
pub struct Upstreams {
    /// Replaced when the node's is read again.
    config: ArcSwap<config::Upstream>,
    connector: Connector,
    /// Those that were used lately. By version: what is known of an origin is never another's.
    tenants: DashMap<VersionId, Arc<Tenant>, RandomState>,
    /// Exchanges and tunnels under way.
    in_use: Arc<AtomicU32>,
    /// Connections kept for the next request.
    idle: Arc<AtomicU32>,
    began: Instant,
    metrics: UpstreamMetrics,
    /// Cancelled when the node goes: tunnels would else live on.
    ending: CancellationToken,
    websockets: Arc<WebSockets>,
    io: tokio::runtime::Handle,
}

impl Upstreams {
    /// Call it within the I/O runtime. `policy` is that of all that leaves the node.
    ///
    /// Blocks on the file of `ca`.
    ///
    /// # Errors
    /// [`CertificateError`] of that file.
    pub fn new(
        config: &config::Upstream,
        policy: Arc<Policy>,
        metrics: UpstreamMetrics,
        websockets: Arc<WebSockets>,
    ) -> Result<Arc<Self>, CertificateError> {
        Ok(Arc::new(Self {
            connector: Connector::new(policy, config.allow.clone(), Trust::read(&config.ca)?),
            config: ArcSwap::from_pointee(config.clone()),
            tenants: DashMap::default(),
            in_use: Arc::default(),
            idle: Arc::default(),
            began: Instant::now(),
            metrics,
            ending: CancellationToken::new(),
            websockets,
            io: tokio::runtime::Handle::current(),
        }))
    }

    /// Looks after health and what is idle, until it is dropped; then tunnels end too.
    pub async fn run(self: Arc<Self>) {
        let _ending = self.ending.clone().drop_guard();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut most = self.config().checks;
        let mut checks = Arc::new(tokio::sync::Semaphore::new(most as usize));
        loop {
            ticks.tick().await;
            let (now, config) = (self.now(), self.config());
            if config.checks != most {
                most = config.checks;
                checks = Arc::new(tokio::sync::Semaphore::new(most as usize));
            }
            let lately = u64::try_from(config.check_for.as_millis()).unwrap_or(u64::MAX);
            self.tenants.retain(|_, tenant| tenant.is_used() || tenant.used_at().saturating_add(lately) > now);
            for tenant in &self.tenants {
                tenant.forget_idle(now, &config);
                health::check(&self, tenant.value(), now, &checks);
            }
        }
    }

    fn config(&self) -> arc_swap::Guard<Arc<config::Upstream>> {
        self.config.load()
    }

    /// Goes by another configuration from the next request on. Where other networks are open now, or other
    /// authorities are believed, no connection that was made before serves another request.
    pub fn replace(&self, config: &config::Upstream, trust: Trust) {
        self.config.store(Arc::new(config.clone()));
        let (opened, trusted) = (self.connector.open(&config.allow), self.connector.trust(trust));
        if opened || trusted {
            self.tenants.iter_mut().for_each(|mut tenant| *tenant = Arc::new(tenant.anew()));
        }
    }

    /// Milliseconds since this began.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn tenant(&self, version: VersionId, upstream: &Arc<Upstream>) -> Arc<Tenant> {
        if let Some(found) = self.tenants.get(&version) {
            return found.clone();
        }
        let made = || Arc::new(Tenant::new(upstream.clone(), Arc::default(), self.idle.clone()));
        self.tenants.entry(version).or_insert_with(made).clone()
    }

    /// A place among all exchanges and tunnels, and among the tenant's.
    ///
    /// # Errors
    /// [`UpstreamError::Busy`].
    fn enter(&self, tenant: &Tenant) -> Result<[Counted; 2], UpstreamError> {
        let config = self.config();
        let all = Counted::take(&self.in_use, config.connections).ok_or(UpstreamError::Busy)?;
        let own = Counted::take(tenant.in_use(), config.connections_per_script).ok_or(UpstreamError::Busy)?;
        Ok([all, own])
    }

    /// For a scrape: exchanges and tunnels under way, and connections kept.
    pub fn connections(&self) -> (u32, u32) {
        (self.in_use.load(Ordering::Relaxed), self.idle.load(Ordering::Relaxed))
    }
}
