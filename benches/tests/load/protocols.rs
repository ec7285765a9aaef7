//! HTTP/1.1 and HTTP/2, each with TLS and without.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio_rustls::TlsAcceptor;

use super::server::Server;
use super::{load, refusal};

/// An acceptor for `tenant.test`, and the file of the authority that stands for it.
fn tls(folder: &tempfile::TempDir, protocols: &[&[u8]]) -> (TlsAcceptor, PathBuf) {
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key")).expect("an authority");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, issuer.pem()).expect("a file");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["tenant.test".to_owned()]).expect("parameters");
    let leaf = leaf.signed_by(&key, &issuer).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .expect("a pair");
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    (TlsAcceptor::from(Arc::new(config)), file)
}

#[test]
fn both_protocols_ask_for_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let body = folder.path().join("body");
    // More than goes with a head in one part.
    std::fs::write(&body, "x".repeat(100_000)).expect("a file");
    let (acceptor, ca) = tls(&folder, &[b"h2", b"http/1.1"]);
    for (tls, http2) in [(false, false), (false, true), (true, false), (true, true)] {
        let server = Server::hyper(tls.then(|| acceptor.clone()));
        let scheme = if tls { format!("--ca {} --sni tenant.test https", ca.display()) } else { "http".to_owned() };
        let protocol = if http2 { "--http2 --streams 3" } else { "" };
        for (more, line, sent) in [
            ("-X DELETE", "DELETE /p", 0),
            ("-X POST --body hi -H x-one:1", "POST /p", 2),
            (&*format!("-X PUT --body-file {}", body.display()), "PUT /p", 100_000),
            ("-X HEAD", "HEAD /p", 0),
        ] {
            server.asked.lock().expect("no panic").clear();
            let words =
                format!("{scheme}://{}/p {protocol} {more} -n 30 -c 3 -t 2 --host t{{0..2}}.test", server.address);
            let seen = load(&words);
            assert_eq!((seen["answers"].as_u64(), seen["errors"].as_u64()), (Some(30), Some(0)), "{words}: {seen}");
            assert_eq!(seen["protocol"], if http2 { "HTTP/2" } else { "HTTP/1.1" });
            let asked = server.asked.lock().expect("no panic").clone();
            assert_eq!(asked.len(), 30);
            let line = format!("{line} {}", if http2 { "HTTP/2.0" } else { "HTTP/1.1" });
            for asked in asked {
                assert_eq!((asked.line.as_str(), asked.body.len()), (line.as_str(), sent), "{words}");
                assert!(asked.host.starts_with('t') && asked.host.ends_with(".test"), "{asked:?}");
                assert_eq!(asked.headers.contains("x-one"), sent == 2, "{asked:?}");
            }
        }
    }
}

#[test]
fn streams_share_a_connection() {
    let server = Server::hyper(None);
    // Every other one never comes; up to eight wait at once.
    let seen =
        load(&format!("http://{0}/silent http://{0}/ok --http2 -c 1 -m 8 -n 16 --timeout 300ms", server.address));
    assert_eq!(seen["errors_by_kind"], json!({ "timeout": 8 }), "{seen}");
    // One after the other they would take eight times as long.
    assert!(seen["seconds"].as_f64().is_some_and(|seconds| seconds < 1.2), "{seen}");
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let (acceptor, ca) = tls(&folder, &[b"h2", b"http/1.1"]);
    let server = Server::hyper(Some(acceptor));
    let url = format!("https://{}/ -n 5", server.address);
    let said = refusal(&format!("{url} --sni tenant.test"));
    assert!(said.contains("certificate"), "{said}");
    let said = refusal(&format!("{url} --sni other.test --ca {}", ca.display()));
    assert!(said.contains("certificate"), "{said}");
    assert_eq!(load(&format!("{url} --insecure"))["answers"], 5);
}

#[test]
fn a_server_without_http2_is_told_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let (acceptor, _) = tls(&folder, &[]);
    let server = Server::hyper(Some(acceptor));
    let said = refusal(&format!("https://{}/ -n 5 --insecure --http2", server.address));
    assert!(said.contains("does not offer HTTP/2"), "{said}");
}
