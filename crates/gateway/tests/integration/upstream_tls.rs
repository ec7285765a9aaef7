//! Origins over TLS: whose certificate is believed, and which HTTP is spoken inside.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use switchyard_gateway::config::Certificate;
use tokio_rustls::TlsAcceptor;

use crate::harness::TestGateway;
use crate::origin::{Origin, gateway_with, put};
use crate::tls_client::{Ca, replace};

/// Says in which version of HTTP it was asked, of those that it offers.
async fn origin(files: &Certificate, alpn: &[&str]) -> Origin {
    let chain = vec![CertificateDer::from_pem_file(&files.cert).unwrap()];
    let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Origin::with("127.0.0.1:0".parse().unwrap(), move |stream, requests, _| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(move |request: Request<Incoming>| {
                requests.fetch_add(1, Ordering::SeqCst);
                let said = Full::<Bytes>::from(format!("{:?}", request.version()));
                async move { Ok::<_, std::convert::Infallible>(Response::new(said)) }
            });
            let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        }
    })
    .await
}

/// A node that believes the authorities of that file.
async fn believing(file: &Path) -> TestGateway {
    gateway_with(|config| {
        config.upstream.ca = file.to_owned();
        config.upstream.failures = 1_000; // no origin is put aside for what it is shown here
    })
    .await
}

async fn set(gateway: &TestGateway, origin: &Origin, protocol: &str) {
    let url = format!("https://{}", origin.address);
    let answer = put(gateway, "x", json!({ "origins": [{ "url": url }], "protocol": protocol })).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn what_is_spoken_is_agreed_in_the_handshake() {
    let (ca, folder) = (Ca::new(), tempfile::tempdir().unwrap());
    let file = folder.path().join("authorities.pem");
    replace(&file, &ca.pem());
    let gateway = believing(&file).await;
    let files = ca.issue(folder.path(), "origin", &["127.0.0.1"]);
    for (offers, protocol, spoken) in [
        (&["h2", "http/1.1"][..], "http2", "HTTP/2.0"),
        (&["http/1.1"], "http2", "HTTP/1.1"),
        (&[], "http2", "HTTP/1.1"),
        (&["h2", "http/1.1"], "http1", "HTTP/1.1"),
        (&["http/1.1"], "http1", "HTTP/1.1"),
    ] {
        let origin = origin(&files, offers).await;
        set(&gateway, &origin, protocol).await;
        for _ in 0..3 {
            gateway.get("x", "/").await.is(200, spoken);
        }
        assert_eq!((origin.opened(), origin.seen()), (1, 3), "{offers:?} {protocol}");
    }
    // One that speaks nothing that was offered.
    let origin = origin(&files, &["h2"]).await;
    set(&gateway, &origin, "http1").await;
    gateway.get("x", "/").await.is(502, "the origin could not be reached\n");
    assert_eq!(origin.seen(), 0);
}

#[tokio::test]
async fn only_the_authorities_that_are_named_are_believed_and_only_for_their_names() {
    let (ca, other, folder) = (Ca::new(), Ca::new(), tempfile::tempdir().unwrap());
    let file = folder.path().join("authorities.pem");
    replace(&file, &ca.pem());
    let refused = async |gateway: &TestGateway, files: &Certificate| {
        let origin = origin(files, &["http/1.1"]).await;
        set(gateway, &origin, "http1").await;
        gateway.get("x", "/").await.is(502, "the origin could not be reached\n");
        assert_eq!(origin.seen(), 0);
    };
    let gateway = believing(&file).await;
    refused(&gateway, &other.issue(folder.path(), "foreign", &["127.0.0.1"])).await;
    refused(&gateway, &ca.issue(folder.path(), "elsewhere", &["127.0.0.2", "origin.test"])).await;
    let expired = ca.issue_with(folder.path(), "expired", &["127.0.0.1"], false, |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 2, 1);
    });
    refused(&gateway, &expired).await;
    // Without the file the public ones are all there are.
    let own = ca.issue(folder.path(), "own", &["127.0.0.1"]);
    refused(&believing(Path::new("")).await, &own).await;
}

#[tokio::test]
async fn the_file_is_read_again_with_the_configuration() {
    let (ca, other, folder) = (Ca::new(), Ca::new(), tempfile::tempdir().unwrap());
    let file = folder.path().join("authorities.pem");
    let mut gateway = believing(Path::new("")).await;
    let origin = origin(&ca.issue(folder.path(), "origin", &["127.0.0.1"]), &["h2", "http/1.1"]).await;
    set(&gateway, &origin, "http2").await;
    let unreachable = "the origin could not be reached\n";
    gateway.get("x", "/").await.is(502, unreachable);

    let mut app = gateway.take_app();
    let mut config = app.config().clone();
    config.upstream.ca = file.clone();
    // A file that is not there, or holds none, changes nothing.
    assert!(app.reload(&config).await.is_err());
    replace(&file, "not a certificate");
    let told = format!("{:#}", anyhow::Error::from(app.reload(&config).await.unwrap_err()));
    assert!(told.contains("authorities.pem") && told.contains("no certificate"), "{told}");
    gateway.put_app(app);
    gateway.get("x", "/").await.is(502, unreachable);

    let mut opened = origin.opened();
    for (pem, status, anew) in [
        (ca.pem(), 200, 1),
        (ca.pem(), 200, 0), // the same ones: the connection stays
        (other.pem(), 502, 1),
        (format!("# two of them\n{}\n{}", other.pem(), ca.pem()), 200, 1),
    ] {
        replace(&file, &pem);
        let mut app = gateway.take_app();
        assert_eq!(app.reload(&config).await.unwrap(), Vec::<String>::new());
        gateway.put_app(app);
        let answer = gateway.get("x", "/").await;
        assert_eq!((answer.status.as_u16(), origin.opened() - opened), (status, anew), "{}", answer.text());
        opened = origin.opened();
    }
}
