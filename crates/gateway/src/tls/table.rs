//! Which certificate is shown for which name. Made as a whole from a listener's files, then only read.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, NoServerSessionStorage, ProducesTickets, ServerConfig};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};

use super::certificate::{CertificateError, Lifetime, Loaded, Stamp};
use super::metrics::TlsMetrics;
use super::names::Names;
use crate::config::{self, MinVersion};

/// Of one listener.
pub struct Table {
    pub config: config::Tls,
    /// In the configured order; the first is the default.
    pub files: Vec<Files>,
    exact: HashMap<Box<str>, Vec<Arc<Entry>>>,
    /// By what follows `*.`.
    wildcards: HashMap<Box<str>, Vec<Arc<Entry>>>,
}

/// A certificate as it is served.
pub struct Entry {
    /// For connections that are shown this certificate.
    pub server: Arc<ServerConfig>,
    pub names: Names,
    key: Arc<CertifiedKey>,
}

/// Where it came from.
pub struct Files {
    pub paths: config::Certificate,
    /// As they were when they were read, or last tried.
    pub stamp: [Option<Stamp>; 2],
    pub lifetime: Lifetime,
    pub entry: Arc<Entry>,
}

impl Table {
    /// Blocks on files.
    ///
    /// # Errors
    /// [`CertificateError`] of a file that was not in use before.
    pub fn load(
        config: &config::Tls,
        provider: &Arc<CryptoProvider>,
        tickets: &Arc<dyn ProducesTickets>,
        before: Option<Before<'_>>,
    ) -> Result<Self, CertificateError> {
        let mut files = Vec::with_capacity(config.certificates.len());
        for paths in &config.certificates {
            let stamp = Stamp::of(paths); // first: what changes while it is read is read again
            let loaded = match before.and_then(|before| before.of(paths)) {
                Some((old, before)) => before.read(old, stamp, provider),
                None => Loaded::read(paths, provider)?,
            };
            let Loaded { key, names, lifetime } = loaded;
            let server = server(config.min_version, &key, provider, tickets)?;
            files.push(Files { paths: paths.clone(), stamp, lifetime, entry: Arc::new(Entry { server, names, key }) });
        }
        let mut table = Self { config: config.clone(), files, exact: HashMap::new(), wildcards: HashMap::new() };
        for Files { entry, .. } in &table.files {
            for name in &entry.names.exact {
                table.exact.entry(name.clone()).or_default().push(entry.clone());
            }
            for parent in &entry.names.wildcards {
                table.wildcards.entry(parent.clone()).or_default().push(entry.clone());
            }
        }
        Ok(table)
    }

    /// The certificate for a client, of several for its name the first that it can verify. `None`: it is refused.
    pub fn find(&self, hello: &ClientHello<'_>) -> Option<&Arc<Entry>> {
        let named = hello.server_name().and_then(|name| self.named(name));
        match named {
            Some(entries) => {
                let fits = |entry: &&Arc<Entry>| entry.key.key.choose_scheme(hello.signature_schemes()).is_some();
                entries.iter().find(fits).or(entries.first())
            }
            None if self.config.strict_sni => None,
            None => self.files.first().map(|files| &files.entry),
        }
    }

    /// An exact name goes before a wildcard.
    fn named(&self, name: &str) -> Option<&Vec<Arc<Entry>>> {
        let lower;
        let name = if name.bytes().any(|b| b.is_ascii_uppercase()) {
            lower = name.to_ascii_lowercase();
            &lower
        } else {
            name
        };
        self.exact.get(name).or_else(|| self.wildcards.get(name.split_once('.')?.1))
    }

    /// When the first of its certificates expires.
    pub fn expires(&self) -> i64 {
        self.files.iter().map(|files| files.lifetime.to).min().unwrap_or(i64::MAX)
    }
}

/// What is in use when certificates are read again.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    pub table: &'a Table,
    pub metrics: &'a TlsMetrics,
    /// Files that seem not to have changed are read all the same.
    pub all: bool,
}

impl<'a> Before<'a> {
    fn of(self, paths: &config::Certificate) -> Option<(&'a Files, Self)> {
        Some((self.table.files.iter().find(|files| files.paths == *paths)?, self))
    }

    /// What was there before stays where nothing has changed, or what came is wrong.
    fn read(self, old: &Files, stamp: [Option<Stamp>; 2], provider: &CryptoProvider) -> Loaded {
        let cert = old.paths.cert.display();
        if self.all || stamp != old.stamp {
            match Loaded::read(&old.paths, provider) {
                Ok(loaded) if loaded.key.cert == old.entry.key.cert => return loaded,
                Ok(loaded) => {
                    self.metrics.reloaded(true);
                    tracing::warn!(%cert, "a changed certificate was read and serves");
                    return loaded;
                }
                Err(error) => {
                    self.metrics.reloaded(false);
                    let error = crate::chain(&error);
                    tracing::error!(%cert, error, "a changed certificate is wrong: the old one serves on");
                }
            }
        }
        Loaded { key: old.entry.key.clone(), names: old.entry.names.clone(), lifetime: old.lifetime }
    }
}

/// What connections with this certificate go by: HTTP/2 first, no early data (it could be replayed), no client
/// certificates, sessions only in tickets, so that clients cannot fill a table of ours.
fn server(
    min_version: MinVersion,
    key: &Arc<CertifiedKey>,
    provider: &Arc<CryptoProvider>,
    tickets: &Arc<dyn ProducesTickets>,
) -> Result<Arc<ServerConfig>, CertificateError> {
    let versions: &[_] = match min_version {
        MinVersion::Tls12 => &[&TLS13, &TLS12],
        MinVersion::Tls13 => &[&TLS13],
    };
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions);
    let mut server = builder
        .map_err(CertificateError::Setup)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(key.clone())));
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    server.max_early_data_size = 0;
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.ticketer = tickets.clone();
    Ok(Arc::new(server))
}
