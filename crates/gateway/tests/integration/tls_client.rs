//! An authority of a test's own, certificates in files as a node reads them, and clients that believe them.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_ECDSA_P256_SHA256,
    PKCS_RSA_SHA256,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion};
use switchyard_gateway::config::{Certificate, Tls};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::harness::{Answer, PATIENCE, collect};

pub struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What a client offers.
pub struct Offer<'a> {
    /// The host it names, and expects; with `sni` false it names none.
    pub host: &'a str,
    pub sni: bool,
    pub alpn: &'a [&'a str],
    pub versions: &'static [&'static SupportedProtocolVersion],
}

impl<'a> Offer<'a> {
    pub fn of(host: &'a str) -> Self {
        Self { host, sni: true, alpn: &[], versions: rustls::ALL_VERSIONS }
    }

    pub fn h2(host: &'a str) -> Self {
        Self { alpn: &["h2", "http/1.1"], ..Self::of(host) }
    }

    pub fn nameless(host: &'a str) -> Self {
        Self { sni: false, ..Self::of(host) }
    }
}

impl Ca {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "the authority of a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    /// Writes `STEM.pem` and `STEM.key` for these names.
    pub fn issue(&self, folder: &Path, stem: &str, names: &[&str]) -> Certificate {
        self.issue_with(folder, stem, names, false, |_| {})
    }

    pub fn issue_with(
        &self,
        folder: &Path,
        stem: &str,
        names: &[&str],
        rsa: bool,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Certificate {
        let algorithm = if rsa { &PKCS_RSA_SHA256 } else { &PKCS_ECDSA_P256_SHA256 };
        let key = KeyPair::generate_for(algorithm).unwrap();
        let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        params.distinguished_name.push(DnType::CommonName, stem);
        change(&mut params);
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        let files = Certificate { cert: folder.join(format!("{stem}.pem")), key: folder.join(format!("{stem}.key")) };
        // As renewals do it: the new one is there at once.
        replace(&files.cert, &cert.pem());
        replace(&files.key, &key.serialize_pem());
        files
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub fn client(&self, offer: &Offer<'_>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(offer.versions).unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = offer.alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config.enable_sni = offer.sni;
        config
    }

    pub async fn try_connect(&self, node: SocketAddr, offer: Offer<'_>) -> io::Result<TlsStream<TcpStream>> {
        connect(node, offer.host, Arc::new(self.client(&offer))).await
    }

    pub async fn connect(&self, node: SocketAddr, offer: Offer<'_>) -> TlsStream<TcpStream> {
        self.try_connect(node, offer).await.unwrap()
    }

    /// The certificate that a client is shown, whatever it is for.
    pub async fn shown(&self, node: SocketAddr, offer: Offer<'_>) -> io::Result<CertificateDer<'static>> {
        let mut config = self.client(&offer);
        config.dangerous().set_certificate_verifier(Arc::new(Any));
        let stream = connect(node, offer.host, Arc::new(config)).await?;
        Ok(stream.get_ref().1.peer_certificates().unwrap()[0].clone())
    }
}

/// The certificate in a file.
pub fn in_file(files: &Certificate) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(&files.cert).unwrap()
}

pub fn tls(certificates: &[Certificate]) -> Tls {
    Tls { certificates: certificates.to_vec(), strict_sni: false, min_version: Default::default() }
}

pub fn replace(path: &Path, text: &str) {
    let draft = path.with_extension("draft");
    std::fs::write(&draft, text).unwrap();
    std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(&draft, path).unwrap();
}

pub async fn connect(node: SocketAddr, host: &str, config: Arc<ClientConfig>) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(node).await?;
    let name = ServerName::try_from(host.to_owned()).unwrap();
    tokio::time::timeout(PATIENCE, TlsConnector::from(config).connect(name, stream)).await.expect("TLS in time")
}

/// One request by HTTP/1.1 or HTTP/2, as the connection has agreed on.
pub async fn ask(stream: TlsStream<TcpStream>, request: Request<Full<Bytes>>) -> Answer {
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(stream);
    let response = if h2 {
        let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    };
    collect(response).await
}

/// A GET as a client of HTTP/1.1 writes it.
pub fn get(host: &str, path: &str) -> Request<Full<Bytes>> {
    Request::get(path).header("host", host).body(Full::default()).unwrap()
}

/// … and one of HTTP/2.
pub fn get2(url: &str) -> Request<Full<Bytes>> {
    Request::get(url).body(Full::default()).unwrap()
}

/// Believes everyone.
#[derive(Debug)]
pub struct Any;

/// … who signs in one way.
#[derive(Debug)]
pub struct Only(pub SignatureScheme);

macro_rules! believes {
    ($who:ty, $schemes:expr) => {
        impl ServerCertVerifier for $who {
            fn verify_server_cert(
                &self,
                _: &CertificateDer<'_>,
                _: &[CertificateDer<'_>],
                _: &ServerName<'_>,
                _: &[u8],
                _: UnixTime,
            ) -> Result<ServerCertVerified, rustls::Error> {
                Ok(ServerCertVerified::assertion())
            }

            fn verify_tls12_signature(
                &self,
                _: &[u8],
                _: &CertificateDer<'_>,
                _: &DigitallySignedStruct,
            ) -> Result<HandshakeSignatureValid, rustls::Error> {
                Ok(HandshakeSignatureValid::assertion())
            }

            fn verify_tls13_signature(
                &self,
                _: &[u8],
                _: &CertificateDer<'_>,
                _: &DigitallySignedStruct,
            ) -> Result<HandshakeSignatureValid, rustls::Error> {
                Ok(HandshakeSignatureValid::assertion())
            }

            fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
                let schemes: fn(&Self) -> Vec<SignatureScheme> = $schemes;
                schemes(self)
            }
        }
    };
}

believes!(Any, |_| vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::RSA_PSS_SHA256]);
believes!(Only, |only| vec![only.0]);
