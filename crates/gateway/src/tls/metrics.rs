//! What TLS counts: how handshakes end, how files were read again, and when the first certificate expires.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

/// How a handshake ended. A metric label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandshakeEnd {
    Ok,
    /// The first byte was not TLS: plain HTTP, most likely.
    NotTls,
    /// The client sent what TLS does not allow, offers nothing that is spoken here, or does not like the certificate.
    Failed,
    /// No certificate for the client's name, where `strict_sni` asks for one.
    UnknownName,
    /// It took longer than `timeouts.handshake`.
    Late,
    /// The client went.
    Gone,
}

impl HandshakeEnd {
    pub const ALL: [HandshakeEnd; 6] =
        [Self::Ok, Self::NotTls, Self::Failed, Self::UnknownName, Self::Late, Self::Gone];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotTls => "not_tls",
            Self::Failed => "failed",
            Self::UnknownName => "unknown_name",
            Self::Late => "late",
            Self::Gone => "gone",
        }
    }
}

/// Of all listeners.
#[derive(Clone)]
pub struct TlsMetrics {
    ends: Vec<IntCounter>,
    reloaded: IntCounter,
    not_reloaded: IntCounter,
    /// When the first certificate expires, in seconds since 1970; 0 without any.
    pub expires: IntGauge,
}

impl TlsMetrics {
    /// # Errors
    /// One of the names is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |name: &str, help: &str| {
            let counters = IntCounterVec::new(Opts::new(name, help), &["end"])?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let ends = counters("switchyard_tls_handshakes_total", "TLS handshakes of clients, by how they ended.")?;
        let reloads = counters("switchyard_tls_reloads_total", "Changed certificates that were read again.")?;
        let expires = IntGauge::new(
            "switchyard_tls_certificate_expiry_timestamp_seconds",
            "When the first of all certificates expires; 0 without TLS.",
        )?;
        registry.register(Box::new(expires.clone()))?;
        Ok(Self {
            ends: HandshakeEnd::ALL.iter().map(|end| ends.with_label_values(&[end.as_str()])).collect(),
            reloaded: reloads.with_label_values(&["ok"]),
            not_reloaded: reloads.with_label_values(&["failed"]),
            expires,
        })
    }

    pub fn ended(&self, end: HandshakeEnd) {
        self.ends[end as usize].inc();
    }

    /// A changed certificate was read: it serves, or the old one does.
    pub fn reloaded(&self, well: bool) {
        if well { self.reloaded.inc() } else { self.not_reloaded.inc() }
    }
}
