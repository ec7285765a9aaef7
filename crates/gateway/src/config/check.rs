//! What a configuration must hold beyond the types of its values.

mod resolver;

use switchyard_catalog::{AccountId, NamespaceName};

use super::Config;

impl Config {
    /// What the types alone do not hold.
    ///
    /// # Errors
    /// [`Wrong`], which says in which table.
    pub fn check(&self) -> Result<(), Wrong> {
        if self.listener.is_empty() {
            return Err(Wrong::new("", 0, "there is no [[listener]]"));
        }
        self.listener.iter().enumerate().try_for_each(|(number, listener)| listener.check(number))?;
        if self.admin.tls.as_ref().is_some_and(|tls| tls.certificates.is_empty()) {
            return Err(Wrong { key: Some("tls"), ..Wrong::new("admin", 0, "tls needs at least one of certificates") });
        }
        if self.resolver.is_empty() {
            return Err(Wrong::new("", 0, "there is no [[resolver]], so no request would find a Worker"));
        }
        for (number, resolver) in self.resolver.iter().enumerate() {
            resolver::check(resolver)
                .map_err(|(key, message)| Wrong { key: Some(key), ..Wrong::new("resolver", number, message) })?;
        }
        let bootstrap = |message: String| Wrong::new("bootstrap", 0, message);
        if !self.bootstrap.account.is_empty() && AccountId::parse(&self.bootstrap.account).is_none() {
            return Err(bootstrap("account must be 1 to 32 of A-Z a-z 0-9 _ -".into()));
        }
        for name in &self.bootstrap.namespaces {
            NamespaceName::parse(name).map_err(|error| bootstrap(error.to_string()))?;
        }
        self.overload.check()?;
        self.compile.check()?;
        self.trace.check()?;
        self.plan.iter().try_for_each(|(name, plan)| plan.check(name))?;
        for (key, wrong, least) in [
            ("bytes_per_script", self.cache.bytes_per_script > self.cache.bytes, "bytes"),
            ("object_bytes", self.cache.object_bytes > self.cache.bytes_per_script, "bytes_per_script"),
        ] {
            if wrong {
                return Err(Wrong { key: Some(key), ..Wrong::new("cache", 0, format!("{key} is more than {least}")) });
            }
        }
        for (section, key, zero) in [
            ("limits", "requests", self.limits.requests == 0),
            ("limits", "requests_per_script", self.limits.requests_per_script == 0),
            ("limits", "fetches_at_once", self.limits.fetches_at_once == 0),
            ("limits", "connections", self.limits.connections == 0),
            ("limits", "handshakes", self.limits.handshakes == 0),
            ("limits", "head_bytes", self.limits.head_bytes < 8 << 10),
            ("limits", "headers", self.limits.headers == 0),
            ("limits", "cpu", self.limits.cpu.is_zero()),
            ("limits", "uploads", self.limits.uploads == 0),
            ("limits", "upload_parts", self.limits.upload_parts < 2),
            ("limits", "script_bytes", self.limits.script_bytes == 0),
            ("limits", "compressed_script_bytes", self.limits.compressed_script_bytes == 0),
            ("limits", "versions", self.limits.versions == 0),
            ("limits", "wrong_tokens", self.limits.wrong_tokens == 0),
            ("runtime", "instances", self.runtime.instances == 0),
            ("runtime", "held_bytes", self.runtime.held_bytes < 1 << 20),
            ("runtime", "held_bytes_per_script", self.runtime.held_bytes_per_script < 1 << 20),
            ("egress", "connections", self.egress.connections == 0),
            ("egress", "connections_per_script", self.egress.connections_per_script == 0),
            ("upstream", "connections", self.upstream.connections == 0),
            ("upstream", "connections_per_script", self.upstream.connections_per_script == 0),
            ("upstream", "connect_timeout", self.upstream.connect_timeout.is_zero()),
            ("upstream", "head_timeout", self.upstream.head_timeout.is_zero()),
            ("upstream", "idle_timeout", self.upstream.idle_timeout.is_zero()),
            ("upstream", "failures", self.upstream.failures == 0),
            ("upstream", "checks", self.upstream.checks == 0),
            ("websocket", "message_bytes", self.websocket.message_bytes == 0),
            ("websocket", "idle_timeout", self.websocket.idle_timeout.is_zero()),
            ("websocket", "close_timeout", self.websocket.close_timeout.is_zero()),
            ("timeouts", "handshake", self.timeouts.handshake.is_zero()),
            ("timeouts", "head", self.timeouts.head.is_zero()),
            ("timeouts", "idle", self.timeouts.idle.is_zero()),
            ("timeouts", "body", self.timeouts.body.is_zero()),
        ] {
            if zero {
                return Err(Wrong { key: Some(key), ..Wrong::new(section, 0, format!("{key} is too small")) });
            }
        }
        Ok(())
    }
}

/// A value that breaks a rule: in which table, in the how manieth of that name, under which key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Wrong {
    pub section: String,
    pub number: usize,
    pub key: Option<&'static str>,
    pub message: String,
}

impl Wrong {
    pub(crate) fn new(section: &str, number: usize, message: impl Into<String>) -> Self {
        Self { section: section.into(), number, key: None, message: message.into() }
    }
}
