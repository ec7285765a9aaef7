//! `idle`: what a connection that nobody uses takes of the server: before its first request, between two, with TLS,
//! with HTTP/2.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use clap::Args;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::load;
use crate::report::{self, Row};
use crate::server::{Server, Setup};
use crate::{Common, process, scripts};

/// What the last of them leave to be done is over by then.
const SETTLE: Duration = Duration::from_millis(500);
const HOST: &str = "one.localhost";

#[derive(Args)]
pub struct Idle {
    #[command(flatten)]
    common: Common,
    /// Connections that are opened; the second half of them is measured
    #[arg(long, default_value_t = 4_000)]
    open: usize,
}

/// How a connection is used before it is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Silent,
    /// One request, of about so many bytes of head.
    Asked(usize),
    /// The preface and the settings of HTTP/2, and one request.
    Http2,
}

const ROWS: [(&str, Use, bool); 5] = [
    ("silent", Use::Silent, false),
    ("after-a-request", Use::Asked(0), false),
    ("after-a-large-head", Use::Asked(12_000), false),
    ("after-a-request-tls", Use::Asked(0), true),
    ("after-a-request-http2", Use::Http2, false),
];

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection that is left open.
enum Open {
    Http1 { _stream: Box<dyn Stream> },
    Http2 { _client: SendRequest<Empty<Bytes>>, _driven: JoinHandle<hyper::Result<()>> },
}

impl Idle {
    pub fn run(self) -> anyhow::Result<Vec<Row>> {
        let bare = Server::bare()?;
        let mut rows = vec![self.row("bare-hyper", &bare, Use::Asked(0), None)?];
        for (name, used, tls) in ROWS.into_iter().filter(|(name, ..)| self.common.wants(name)) {
            // A node each: what one row frees must not be what the next one takes.
            let (node, tls) = if tls {
                let (node, certificate) = with_tls()?;
                (node, Some(trusting(certificate)?))
            } else {
                (Server::start(setup())?, None)
            };
            node.publish([("one".to_owned(), scripts::small("one"))])?;
            rows.push(self.row(name, &node, used, tls.as_ref())?);
        }
        Ok(rows)
    }

    fn row(&self, name: &str, node: &Server, used: Use, tls: Option<&TlsConnector>) -> anyhow::Result<Row> {
        let half = (self.open / 2).max(10);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut open = Vec::new();
            let mut own = Vec::new();
            for _ in 0..2 {
                for _ in 0..half {
                    // One after the other: what many at once need is not what an idle one takes.
                    let opened = tokio::time::timeout(Duration::from_secs(10), connect(node.gateway, used, tls)).await;
                    open.push(opened.context("the server does not answer")??);
                }
                tokio::time::sleep(SETTLE).await;
                own.push((process::own(node.pid()), process::memory(node.pid())));
            }
            let [(before, _), (after, memory)] = own[..] else { bail!("the server was not looked at twice") };
            let each = |of: fn(&process::Own) -> f64| report::round((of(&after) - of(&before)) / half as f64);
            let mut row = Row {
                bench: "idle",
                row: name.to_owned(),
                requests: if used == Use::Silent { 0 } else { 2 * half },
                rss_mib: report::round(memory.rss),
                pss_mib: report::round(memory.pss),
                ..Row::default()
            };
            row.more.insert("connections", open.len() as f64);
            row.more.insert("kib_each", each(|own| own.anonymous + own.tables));
            row.more.insert("descriptors_each", each(|own| own.descriptors));
            Ok(row)
        })
    }
}

async fn connect(to: SocketAddr, used: Use, tls: Option<&TlsConnector>) -> anyhow::Result<Open> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    if used == Use::Http2 {
        let (mut client, connection) =
            http2::handshake::<_, _, Empty<Bytes>>(TokioExecutor::new(), TokioIo::new(stream)).await?;
        let driven = tokio::spawn(connection);
        let request = Request::get(format!("http://{HOST}/")).body(Empty::new())?;
        let response = client.send_request(request).await?;
        ensure!(response.status() == 200, "the server answers {}", response.status());
        response.into_body().collect().await?;
        return Ok(Open::Http2 { _client: client, _driven: driven });
    }
    let mut stream: Box<dyn Stream> = match tls {
        None => Box::new(stream),
        Some(tls) => Box::new(tls.connect(ServerName::try_from(HOST)?, stream).await?),
    };
    if let Use::Asked(more) = used {
        let padding = format!("x-padding: {}", "p".repeat(more));
        stream.write_all(&load::get_with(HOST, "/", &padding)).await?;
        let mut answer = Vec::new();
        // A hello ends with its line.
        while !answer.ends_with(b"\n") || answer.ends_with(b"\r\n") {
            ensure!(stream.read_buf(&mut answer).await? > 0, "the server closed the connection");
        }
        ensure!(answer.starts_with(b"HTTP/1.1 200"), "the server answers {}", String::from_utf8_lossy(&answer));
    }
    Ok(Open::Http1 { _stream: stream })
}

/// A node whose one listener speaks TLS, and the certificate that it shows.
/// All connections are of one address.
fn setup() -> Setup {
    Setup { more: "[limits]\nconnections_per_address = 0\n".to_owned(), ..Setup::default() }
}

fn with_tls() -> anyhow::Result<(Server, CertificateDer<'static>)> {
    let folder = tempfile::tempdir()?;
    let made = rcgen::generate_simple_self_signed([HOST.to_owned()])?;
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem())?;
    std::fs::write(&key, made.signing_key.serialize_pem())?;
    let listener = format!("tls = {{ certificates = [{{ cert = {cert:?}, key = {key:?} }}] }}\n");
    // Files are looked at again and again, and the old ones serve on when they are gone.
    let node = Server::start(Setup { listener, ..setup() })?;
    Ok((node, made.cert.der().clone()))
}

fn trusting(certificate: CertificateDer<'static>) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    Ok(TlsConnector::from(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())))
}
