//! The value of each key that a file leaves out. `config/switchyard.toml` gives the reasons.

use std::net::Ipv4Addr;
use std::time::Duration;

use switchyard_catalog::Isolation;

use super::{
    AccessFormat, AccessTarget, Admin, Bootstrap, Config, Egress, Limits, Listener, Log, Resolver, ResolverKind,
    Runtime, Timeouts,
};

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "./switchyard-data".into(),
            listener: vec![Listener { bind: (Ipv4Addr::LOCALHOST, 8080).into() }],
            admin: Admin::default(),
            resolver: vec![Resolver::subdomain("localhost", "dev")],
            bootstrap: Bootstrap::default(),
            limits: Limits::default(),
            runtime: Runtime::default(),
            egress: Egress::default(),
            timeouts: Timeouts::default(),
            log: Log::default(),
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self { bind: (Ipv4Addr::LOCALHOST, 8081).into() }
    }
}

impl Resolver {
    pub fn subdomain(suffix: &str, namespace: &str) -> Self {
        Self {
            kind: ResolverKind::Subdomain,
            account: None,
            suffix: Some(suffix.into()),
            namespace: Some(namespace.into()),
            script: None,
        }
    }

    pub fn worker(script: &str) -> Self {
        let script = Some(script.into());
        Self { kind: ResolverKind::Worker, account: None, suffix: None, namespace: None, script }
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
            requests: 20_000,
            requests_per_script: 1_000,
            connections: 20_000,
            body_bytes: 5 << 30,
            head_bytes: 128 << 10,
            headers: 100,
            uri_bytes: 16 << 10,
            upload_bytes: 64 << 20,
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
            threads: 0,
            instances: 1_000,
            warm_instances: 100,
            warm_bytes: 1 << 30,
            queue: 10_000,
            queue_per_script: 1_000,
            queue_timeout: Duration::from_secs(10),
            worker_cache: 512 << 20,
            held_bytes: 2 << 30,
            held_bytes_per_script: 512 << 20,
            isolation: Isolation::Auto,
        }
    }
}

impl Default for Egress {
    fn default() -> Self {
        Self {
            private: false,
            blocked_ports: vec![25, 465, 587],
            connections: 4_096,
            connect_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(300),
            redirects: 20,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
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
