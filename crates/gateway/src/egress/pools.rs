//! Connections that are kept for the next fetch: of each tenant its own, since what it sent on one
//! (credentials, a TLS session) is not another's; and under each set of rules, since a connection
//! that was allowed is used without being asked for again.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use moka::sync::Cache;
use parking_lot::Mutex;
use rustls::ClientConfig;
use rustls::client::Resumption;
use switchyard_catalog::{EgressRules, Scope, ScriptId};
use switchyard_runtime::Body;
use tokio::sync::Semaphore;

use super::connect::{Connector, Deadline, Node};
use super::names::Names;
use super::policy::Policy;
use crate::config;
use crate::routes::Route;

/// Idle connections of one tenant to one origin that are kept, and for how long.
const IDLE_PER_HOST: usize = 8;
const IDLE: Duration = Duration::from_secs(30);
/// Tenants whose connections are kept, and for how long after their last fetch.
const TENANTS: u64 = 10_000;
const UNUSED: Duration = Duration::from_secs(60);
/// TLS sessions that one tenant may take up again.
const SESSIONS: usize = 16;

pub type Pool = Client<Deadline<HttpsConnector<Connector>>, Body>;

/// Of all tenants.
pub struct Pools {
    node: Arc<Node>,
    tls: ClientConfig,
    config: config::Egress,
    of: Cache<Key, Pool>,
    places: Mutex<Places>,
}

/// How many connections a tenant may have open. Pools come and go while connections live on, so these
/// are not the pools' own.
#[derive(Default)]
struct Places {
    of: HashMap<ScriptId, Weak<Semaphore>>,
    /// So many are looked through for those that nobody holds any more.
    sweep_at: usize,
}

impl Places {
    fn of(&mut self, script: ScriptId, most: u32) -> Arc<Semaphore> {
        if let Some(held) = self.of.get(&script).and_then(Weak::upgrade) {
            return held;
        }
        if self.of.len() >= self.sweep_at {
            self.of.retain(|_, places| places.strong_count() > 0);
            self.sweep_at = (self.of.len() * 2).max(1_024);
        }
        let places = Arc::new(Semaphore::new(most as usize));
        self.of.insert(script, Arc::downgrade(&places));
        places
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    script: ScriptId,
    rules: EgressRules,
    /// For what becomes a WebSocket: HTTP/1.1 alone.
    upgrades: bool,
}

impl Pools {
    /// # Errors
    /// The TLS provider has no usable protocol version.
    pub fn new(config: &config::Egress) -> Result<Arc<Self>, rustls::Error> {
        let policy = Arc::new(Policy {
            private: config.private,
            grantable: config.grantable.clone(),
            blocked_ports: config.blocked_ports.clone(),
            own: Default::default(),
        });
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let tls = tls.with_webpki_roots().with_no_client_auth();
        Ok(Arc::new_cyclic(|pools: &Weak<Self>| {
            let pools = pools.clone();
            let node = Node {
                policy,
                names: Names::new(&config.nameservers),
                connections: Arc::new(Semaphore::new(config.connections as usize)),
                reclaim: Box::new(move || {
                    if let Some(pools) = pools.upgrade() {
                        pools.close_idle();
                    }
                }),
            };
            let of = Cache::builder().max_capacity(TENANTS).time_to_idle(UNUSED).build();
            Self { node: Arc::new(node), tls, config: config.clone(), of, places: Mutex::default() }
        }))
    }

    pub fn policy(&self) -> &Arc<Policy> {
        &self.node.policy
    }

    pub fn forbid(&self, own: std::net::SocketAddr) {
        self.node.policy.own.write().push(own);
    }

    /// The Worker's own.
    pub fn of(&self, route: &Route, upgrades: bool) -> Pool {
        let key = Key { script: route.script, rules: route.settings.egress.clone(), upgrades };
        self.of.get_with(key, || {
            let most = match route.scope {
                // It stands for many tenants.
                Scope::Account => self.config.connections / 2,
                Scope::Namespace(_) => self.config.connections_per_script.min(self.config.connections),
            };
            let places = self.places.lock().of(route.script, most.max(1));
            self.make(route.settings.egress.clone(), places, upgrades)
        })
    }

    fn make(&self, rules: EgressRules, places: Arc<Semaphore>, upgrades: bool) -> Pool {
        let mut tls = self.tls.clone();
        tls.resumption = Resumption::in_memory_sessions(SESSIONS);
        let connector = Connector::new(self.node.clone(), rules, places);
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let https = match upgrades {
            true => https.enable_http1().wrap_connector(connector),
            false => https.enable_all_versions().wrap_connector(connector),
        };
        Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .http1_max_buf_size(256 << 10)
            .http2_max_header_list_size(256 << 10)
            .build(Deadline { inner: https, limit: self.config.connect_timeout })
    }

    /// Of all tenants; requests under way keep theirs.
    fn close_idle(&self) {
        self.of.invalidate_all();
        self.of.run_pending_tasks();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenants_places_outlive_its_pool_and_not_its_connections() {
        let mut places = Places::default();
        let [one, other] = [ScriptId::random(), ScriptId::random()];
        let pool = places.of(one, 2);
        let open = pool.clone().try_acquire_owned().unwrap();
        drop(pool);
        assert_eq!(places.of(one, 2).available_permits(), 1);
        assert_eq!(places.of(other, 2).available_permits(), 2);
        drop(open);
        assert_eq!(places.of(one, 2).available_permits(), 2);
        for _ in 0..10_000 {
            places.of(ScriptId::random(), 1);
        }
        assert!(places.of.len() <= 1_024, "{}", places.of.len());
    }
}
