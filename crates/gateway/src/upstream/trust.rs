//! Whom origins over TLS are believed: the public authorities, and those of a file of the node's, for origins that
//! have a certificate of an authority of one's own.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::io::HTTP2;
use crate::tls::{CertificateError, read_file};

/// Read and not yet in use.
pub struct Trust {
    /// Of the file.
    own: Vec<CertificateDer<'static>>,
    tls: TlsConnector,
    /// Which offers HTTP/2 besides.
    tls2: TlsConnector,
}

impl Trust {
    /// `file`: certificates in PEM; empty: the public authorities alone. Blocks on the file.
    ///
    /// # Errors
    /// [`CertificateError`], which names the file.
    pub fn read(file: &Path) -> Result<Self, CertificateError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let mut own = Vec::new();
        if !file.as_os_str().is_empty() {
            let path = || file.to_owned();
            let text = read_file(file)?;
            own = CertificateDer::pem_slice_iter(&text)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|source| CertificateError::Pem { path: path(), source })?;
            if own.is_empty() {
                return Err(CertificateError::NoCertificate { path: path() });
            }
            for certificate in &own {
                let added = roots.add(certificate.clone());
                added.map_err(|source| CertificateError::Authority { path: path(), source })?;
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let mut tls = tls.map_err(CertificateError::Setup)?.with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let mut tls2 = tls.clone();
        tls2.alpn_protocols.insert(0, HTTP2.to_vec());
        let [tls, tls2] = [tls, tls2].map(|config| TlsConnector::from(Arc::new(config)));
        Ok(Self { own, tls, tls2 })
    }

    /// `http2`: it is offered.
    pub fn connector(&self, http2: bool) -> &TlsConnector {
        if http2 { &self.tls2 } else { &self.tls }
    }

    /// Whether both believe the same.
    pub fn is_as(&self, other: &Self) -> bool {
        self.own == other.own
    }
}
