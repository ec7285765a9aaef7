//! TLS of listeners: which certificate a client is shown, what a handshake may take, and new certificates from
//! changed files without a connection that notices.
//!
//! `certificate` reads a pair of files, `table` finds the one for a name, `handshake` is the way from a socket to a
//! connection, `watch` looks whether files have changed.

mod certificate;
mod handshake;
mod metrics;
mod names;
mod table;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::server::ProducesTickets;
use tokio::sync::Semaphore;

use crate::config;
pub use certificate::{CertificateError, read as read_file};
pub use handshake::{Session, Version};
pub use metrics::TlsMetrics;
use table::{Before, Table};
pub use watch::watch;

/// TLS of one listener. What `config` says can be replaced while it serves; connections keep what they began with.
pub struct Termination {
    table: ArcSwap<Table>,
    provider: Arc<CryptoProvider>,
    /// Its key changes every six hours, and the one before is understood until the next change. No two listeners
    /// share one, so that a session of the one is never resumed at the other.
    tickets: Arc<dyn ProducesTickets>,
    metrics: TlsMetrics,
    /// Handshakes that may compute at once, of all listeners of clients; the inside has its own.
    turns: Arc<Semaphore>,
    /// For a whole handshake.
    deadline: Duration,
}

/// What listeners have in common.
#[derive(Clone)]
pub struct Shared {
    pub metrics: TlsMetrics,
    pub turns: Arc<Semaphore>,
    pub deadline: Duration,
}

impl Termination {
    /// Reads all certificates. Blocks on files.
    ///
    /// # Errors
    /// [`CertificateError`], which names the file.
    pub fn new(config: &config::Tls, shared: Shared) -> Result<Arc<Self>, CertificateError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tickets = rustls::crypto::aws_lc_rs::Ticketer::new().map_err(CertificateError::Setup)?;
        let table = Table::load(config, &provider, &tickets, None)?;
        let Shared { metrics, turns, deadline } = shared;
        Ok(Arc::new(Self { table: ArcSwap::from_pointee(table), provider, tickets, metrics, turns, deadline }))
    }

    /// What a configuration that was read again would put in place; nothing has changed yet. A file that is wrong
    /// and was in use before is named in the log, and what it held before stays. Blocks on files.
    ///
    /// # Errors
    /// [`CertificateError`] of a file that was not in use before.
    pub fn prepare(&self, config: &config::Tls) -> Result<Prepared, CertificateError> {
        let before = self.table.load();
        let before = Before { table: &before, metrics: &self.metrics, all: true };
        Table::load(config, &self.provider, &self.tickets, Some(before)).map(Prepared)
    }

    /// From the next handshake on.
    pub fn replace(&self, Prepared(table): Prepared) {
        self.table.store(Arc::new(table));
    }

    /// When the first of its certificates expires, in seconds since 1970.
    pub fn expires(&self) -> i64 {
        self.table.load().expires()
    }
}

/// Certificates that were read and are not yet in use.
pub struct Prepared(Table);
