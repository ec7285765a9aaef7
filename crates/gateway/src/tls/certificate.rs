//! One certificate and its key from their two files: read with bounds, held to fit each other, and what is odd about
//! them told.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::names::Names;
use crate::config;

/// A chain of a few certificates has some 5 KiB; one with thousands of names some hundred.
const MAX_FILE: u64 = 1 << 20;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("could not read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} is longer than 1 MiB", path.display())]
    TooLong { path: PathBuf },
    #[error("{} holds no certificate in PEM", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{} holds no private key in PEM", path.display())]
    NoKey { path: PathBuf },
    #[error("the key in {} is encrypted: store it without a passphrase, readable by its owner alone", path.display())]
    Encrypted { path: PathBuf },
    #[error("{} is not well-formed", path.display())]
    Pem { path: PathBuf, source: PemError },
    #[error("the certificate in {} cannot be read", path.display())]
    Certificate { path: PathBuf, source: x509_cert::der::Error },
    #[error("the key in {} cannot be used, or is not that of the certificate in {}", key.display(), cert.display())]
    Key { key: PathBuf, cert: PathBuf, source: rustls::Error },
    #[error("a certificate in {} is not one of an authority", path.display())]
    Authority { path: PathBuf, source: rustls::Error },
    #[error("could not set up TLS")]
    Setup(#[source] rustls::Error),
}

/// A pair that fits.
#[derive(Debug)]
pub struct Loaded {
    pub key: Arc<CertifiedKey>,
    pub names: Names,
    pub lifetime: Lifetime,
}

/// In seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    pub from: i64,
    pub to: i64,
}

/// What changes when a file is written anew, or another is put in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    /// Of certificate and key; `None` for one that is not there.
    pub fn of(files: &config::Certificate) -> [Option<Self>; 2] {
        [&files.cert, &files.key].map(|path| {
            let data = std::fs::metadata(path).ok()?;
            let modified = (data.mtime(), data.mtime_nsec());
            Some(Self { device: data.dev(), inode: data.ino(), size: data.size(), modified })
        })
    }
}

impl Loaded {
    /// Blocks on files.
    ///
    /// # Errors
    /// [`CertificateError`], which names the file.
    pub fn read(files: &config::Certificate, provider: &CryptoProvider) -> Result<Self, CertificateError> {
        let config::Certificate { cert, key } = files;
        let text = read(cert)?;
        let pem = |path: &Path, source| CertificateError::Pem { path: path.to_owned(), source };
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|source| pem(cert, source))?;
        let Some(leaf) = chain.first() else { return Err(CertificateError::NoCertificate { path: cert.clone() }) };
        let (names, lifetime) =
            describe(leaf).map_err(|source| CertificateError::Certificate { path: cert.clone(), source })?;

        let text = read(key)?;
        let private = PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
            PemError::NoItemsFound if is_encrypted(&text) => CertificateError::Encrypted { path: key.clone() },
            PemError::NoItemsFound => CertificateError::NoKey { path: key.clone() },
            error => pem(key, error),
        })?;
        let fits = CertifiedKey::from_der(chain, private, provider);
        let pair = fits.map_err(|source| CertificateError::Key { key: key.clone(), cert: cert.clone(), source })?;
        let loaded = Self { key: Arc::new(pair), names, lifetime };
        loaded.advise(files);
        Ok(loaded)
    }

    /// What works and should not stay as it is.
    fn advise(&self, files: &config::Certificate) {
        let config::Certificate { cert, key } = files;
        if let Ok(data) = std::fs::metadata(key)
            && data.mode() & 0o077 != 0
        {
            let mode = format!("{:04o}", data.mode() & 0o7777);
            tracing::warn!(key = %key.display(), mode, "others than its owner may read this key: its mode should be 0600");
        }
        if self.names.is_empty() {
            tracing::warn!(cert = %cert.display(), "the certificate has no names: it is shown only where no other fits");
        }
        self.lifetime.advise(cert, now());
    }
}

impl Lifetime {
    /// Says that a certificate is not yet, no longer, or soon no longer valid.
    pub fn advise(self, cert: &Path, now: i64) {
        let (cert, left) = (cert.display(), self.to - now);
        let hours = left / 3_600;
        if now < self.from {
            tracing::warn!(%cert, "the certificate is not valid yet");
        } else if left <= 0 {
            tracing::warn!(%cert, "the certificate has expired");
        } else if left < self.warning() {
            tracing::warn!(%cert, hours, "the certificate expires soon");
        }
    }

    /// How long before its end it should have been renewed: a tenth of its life, two weeks at most.
    pub fn warning(self) -> i64 {
        ((self.to - self.from) / 10).clamp(0, 14 * 86_400)
    }
}

pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// A file of certificates, at most 1 MiB of it. Blocks.
///
/// # Errors
/// [`CertificateError::Read`] and [`CertificateError::TooLong`].
pub fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
    read.map_err(|source| CertificateError::Read { path: path.to_owned(), source })?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(CertificateError::TooLong { path: path.to_owned() });
    }
    Ok(bytes)
}

fn is_encrypted(text: &[u8]) -> bool {
    text.windows(9).any(|window| window == b"ENCRYPTED")
}

fn describe(leaf: &CertificateDer<'_>) -> Result<(Names, Lifetime), x509_cert::der::Error> {
    let certificate = x509_cert::Certificate::from_der(leaf)?;
    let content = certificate.tbs_certificate();
    let mut names = Names::default();
    if let Some((_, SubjectAltName(listed))) = content.get_extension::<SubjectAltName>()? {
        for name in &listed {
            match name {
                GeneralName::DnsName(name) => names.add(name.as_str()),
                GeneralName::IpAddress(bytes) => names.add_address(bytes.as_bytes()),
                _ => {}
            }
        }
    }
    let seconds = |time: x509_cert::time::Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    let validity = content.validity();
    Ok((names, Lifetime { from: seconds(validity.not_before), to: seconds(validity.not_after) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_comes_in_time_to_renew() {
        let of = |days: i64| Lifetime { from: 0, to: days * 86_400 }.warning();
        assert_eq!(of(365), 14 * 86_400);
        assert_eq!(of(90), 9 * 86_400);
        assert_eq!(of(6), 86_400 * 6 / 10);
        assert_eq!(Lifetime { from: 10, to: 0 }.warning(), 0);
    }
}
