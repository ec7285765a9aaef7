//! The value of each key that a file leaves out. `config/switchyard.toml` gives the reasons.

use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use switchyard_catalog::Isolation;

use super::{
    AccessFormat, AccessTarget, Admin, Bootstrap, Cache, Config, Egress, EngineSource, Limits, Listener, Log,
    LookupCache, MemoryCeiling, Overload, Resolver, ResolverKind, Runtime, Timeouts, Upstream,
};

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "./switchyard-data".into(),
            listener: vec![Listener::at((Ipv4Addr::LOCALHOST, 8080).into())],
            admin: Admin::default(),
            resolver: vec![Resolver::subdomain("localhost", "dev")],
            bootstrap: Bootstrap::default(),
            limits: Limits::default(),
            plan: Default::default(),
            runtime: Runtime::default(),
            compile: Default::default(),
            overload: Overload::default(),
            egress: Egress::default(),
            cache: Cache::default(),
            upstream: Upstream::default(),
            websocket: Default::default(),
            timeouts: Timeouts::default(),
            log: Log::default(),
            trace: Default::default(),
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self { bind: (Ipv4Addr::LOCALHOST, 8081).into(), tls: None }
    }
}

impl Resolver {
    /// With nothing said but its kind.
    pub fn of(kind: ResolverKind) -> Self {
        Self {
            kind,
            account: None,
            suffix: None,
            namespace: None,
            script: None,
            hosts: None,
            name: None,
            trusted: None,
            url: None,
            url_env: None,
            key: None,
            query: None,
            connections: None,
            acquire_timeout: None,
            statement_timeout: None,
            pooler: None,
            cache: None,
        }
    }

    pub fn subdomain(suffix: &str, namespace: &str) -> Self {
        let (suffix, namespace) = (Some(suffix.into()), Some(namespace.into()));
        Self { suffix, namespace, ..Self::of(ResolverKind::Subdomain) }
    }

    pub fn worker(script: &str) -> Self {
        Self { script: Some(script.into()), ..Self::of(ResolverKind::Worker) }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self { bytes: 64 << 20, bytes_per_script: 16 << 20, object_bytes: 8 << 20 }
    }
}

impl Default for LookupCache {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(30),
            negative_ttl: Duration::from_secs(2),
            max_stale: Duration::from_secs(24 * 3_600),
            entries: 100_000,
            negative_entries: 10_000,
        }
    }
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            account: "00000000000000000000000000000001".into(),
            account_name: "first account".into(),
            token_file: "token".into(),
            token_env: None,
            token: None,
            namespaces: vec!["dev".into()],
            samples: false,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(30),
            subrequests: 10_000,
            memory: 128 << 20,
            wall: Duration::ZERO,
            response_bytes: 0,
            fetches_at_once: 6,
            log_bytes: 128 << 10,
            requests: 20_000,
            requests_per_script: 1_000,
            requests_per_second: 0,
            connections: 20_000,
            connections_per_address: 10_000,
            handshakes: 64,
            body_bytes: 5 << 30,
            head_bytes: 128 << 10,
            headers: 100,
            uri_bytes: 16 << 10,
            upload_bytes: 66 << 20,
            uploads: 8,
            upload_parts: 200,
            json_bytes: 1 << 20,
            script_bytes: 32 << 20,
            compressed_script_bytes: 10 << 20,
            versions: 100,
            variables: 128,
            variable_bytes: 5 << 10,
            wrong_tokens: 10,
            tails: 20,
            assets: 20_000,
            asset_bytes: 25 << 20,
        }
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Self {
            engine: EngineSource::Auto,
            threads: 0,
            instances: 1_000,
            instances_per_script: 0,
            warm_instances: 100,
            warm_bytes: 1 << 30,
            warm_requests_at_once: 100,
            warm_requests: 10_000,
            warm_age: Duration::from_secs(30 * 60),
            warm_idle: Duration::from_secs(5 * 60),
            queue: 10_000,
            queue_per_script: 1_000,
            queue_timeout: Duration::from_secs(10),
            worker_cache: 512 << 20,
            held_bytes: 2 << 30,
            held_bytes_per_script: 512 << 20,
            isolation: Isolation::Auto,
            auto_warm_cpu: Duration::from_millis(2),
        }
    }
}

impl Default for Overload {
    fn default() -> Self {
        Self { memory: MemoryCeiling::Auto, evict: 80, shed: 90, refuse: 95 }
    }
}

impl Default for Egress {
    fn default() -> Self {
        Self {
            private: false,
            grantable: Vec::new(),
            blocked_ports: vec![25, 465, 587],
            nameservers: Vec::new(),
            connections: 4_096,
            connections_per_script: 512,
            connect_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(300),
            redirects: 20,
        }
    }
}

impl Egress {
    /// What a namespace may be granted: where private addresses are open to all, all of them.
    pub fn grantable(&self) -> Vec<IpNet> {
        if self.private { vec![Ipv4Net::default().into(), Ipv6Net::default().into()] } else { self.grantable.clone() }
    }
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            ca: "".into(),
            connections: 8_192,
            connections_per_script: 1_024,
            idle_connections: 2_048,
            idle_per_origin: 64,
            keep_alive: Duration::from_secs(4),
            connect_timeout: Duration::from_secs(5),
            head_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(300),
            failures: 5,
            eject: Duration::from_secs(10),
            checks: 32,
            check_for: Duration::from_secs(60),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            body: Duration::from_secs(30),
            drain_delay: Duration::ZERO,
            drain_idle: Duration::from_secs(1),
            drain: Duration::from_secs(30),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            access: AccessTarget::Stdout,
            format: AccessFormat::Json,
            console: false,
            level: "warn".into(),
            buffer: 8 << 20,
        }
    }
}
