//! TLS on a listener, as clients see it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls::version::{TLS12, TLS13};
use rustls::{HandshakeKind, SupportedProtocolVersion};
use switchyard_gateway::Config;
use switchyard_gateway::config::{Certificate, Listener, MinVersion, Redirect, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::basics::HELLO;
use crate::harness::{PATIENCE, TestGateway, data};
use crate::tls_client::{Any, Ca, Offer, Only, ask, connect, get, get2, in_file, replace, tls};
use crate::websocket::ECHO;

const URL: &str =
    "export default { fetch: r => Response.json([r.url, ...['x-forwarded-proto', 'host', 'x-forwarded-host',
    'cf-connecting-ip'].map(name => r.headers.get(name))]) };";

static OLD: [&SupportedProtocolVersion; 1] = [&TLS12];
static NEW: [&SupportedProtocolVersion; 1] = [&TLS13];

/// Of the scripts that tests ask over TLS.
pub const NAMES: [&str; 6] = ["hello.test", "url.test", "slow.test", "echo.test", "big.test", "other.test"];

/// Whose first listener has TLS; the second has none.
pub async fn node(ca: &Ca, names: &[&str], change: impl FnOnce(&mut Config)) -> (TestGateway, Certificate) {
    let data = data().await;
    let files = ca.issue(data.path(), "first", names);
    let gateway = TestGateway::on(data, |config| {
        config.listener[0].tls = Some(tls(std::slice::from_ref(&files)));
        config.listener.push(Listener::at("127.0.0.1:0".parse().unwrap()));
        change(config);
    });
    (gateway.await.unwrap(), files)
}

/// What a metric says.
pub async fn metric(gateway: &TestGateway, name: &str) -> u64 {
    let text = gateway.admin("/metrics").await;
    let line = text.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).map(str::to_owned);
    line.unwrap_or_else(|| panic!("no {name}")).parse::<f64>().unwrap() as u64
}

/// Waits until a metric says so.
pub async fn metric_is(gateway: &TestGateway, name: &str, wanted: u64) {
    let asked = async {
        while metric(gateway, name).await != wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let done = tokio::time::timeout(PATIENCE, asked).await.is_ok();
    assert!(done, "{name} is {} and not {wanted}", metric(gateway, name).await);
}

#[tokio::test]
async fn a_worker_answers_in_every_version() {
    let ca = Ca::new();
    let (gateway, _) = node(&ca, &NAMES, |_| {}).await;
    gateway.upload("ns", "url", URL).await;
    for versions in [&OLD, &NEW] {
        let offer = |alpn| Offer { versions: versions.as_slice(), alpn, ..Offer::of("url.test") };
        for (host, seen) in [("url.test", "url.test"), ("url.test:443", "url.test"), ("url.test:80", "url.test:80")] {
            let stream = ca.connect(gateway.address(), offer(&[])).await;
            let answer = ask(stream, get(host, "/a?b")).await;
            let wanted = serde_json::json!([format!("https://{seen}/a?b"), "https", seen, seen, "127.0.0.1"]);
            assert_eq!((answer.status.as_u16(), answer.json()), (200, wanted), "{host}");
        }
        let stream = ca.connect(gateway.address(), offer(&["h2", "http/1.1"])).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let answer = ask(stream, get2("https://url.test:443/a?b")).await;
        assert_eq!(answer.json()[0], "https://url.test/a?b");
        let stream = ca.connect(gateway.address(), offer(&["http/1.1"])).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(ask(stream, get("url.test", "/")).await.json()[0], "https://url.test/");
        assert!(ca.try_connect(gateway.address(), offer(&["spdy/3"])).await.is_err());
    }
    // The other listener is as it was.
    let uri = format!("http://{}/", gateway.addresses()[1]);
    let request = http::Request::get(uri).header("host", "url.test").body(Default::default()).unwrap();
    assert_eq!(gateway.request(request).await.json()[0], "http://url.test/");
    metric_is(&gateway, "switchyard_tls_handshakes_total{end=\"ok\"}", 10).await;
    metric_is(&gateway, "switchyard_tls_handshakes_total{end=\"failed\"}", 2).await;
}

#[tokio::test]
async fn the_oldest_version_is_set() {
    let ca = Ca::new();
    let only_new = |config: &mut Config| config.listener[0].tls.as_mut().unwrap().min_version = MinVersion::Tls13;
    let (gateway, _) = node(&ca, &["a.test"], only_new).await;
    let offer = |versions: &'static [_]| Offer { versions, ..Offer::of("a.test") };
    assert!(ca.try_connect(gateway.address(), offer(&OLD)).await.is_err());
    assert!(ca.try_connect(gateway.address(), offer(&NEW)).await.is_ok());
}

#[tokio::test]
async fn the_name_chooses_the_certificate() {
    let ca = Ca::new();
    let data = data().await;
    let folder = data.path();
    let first = ca.issue(folder, "first", &["first.test", "127.0.0.1"]);
    let exact = ca.issue(folder, "exact", &["a.test", "b.test"]);
    let wild = ca.issue(folder, "wild", &["*.test", "*.sub.test"]);
    let rsa = ca.issue_with(folder, "rsa", &["both.example"], true, |_| {});
    let ecdsa = ca.issue(folder, "ecdsa", &["both.example"]);
    let all = [first.clone(), exact.clone(), wild.clone(), rsa.clone(), ecdsa.clone()];
    let strict =
        Listener { tls: Some(Tls { strict_sni: true, ..tls(&all) }), ..Listener::at("127.0.0.1:0".parse().unwrap()) };
    let gateway = TestGateway::on(data, |config| {
        config.listener[0].tls = Some(tls(&all));
        config.listener.push(strict);
    });
    let gateway = gateway.await.unwrap();
    let [lax, strict] = [gateway.addresses()[0], gateway.addresses()[1]];
    for (host, files) in [
        ("a.test", &exact),
        ("B.TEST", &exact),
        ("c.test", &wild),
        ("c.sub.test", &wild),
        ("first.test", &first),
        ("both.example", &rsa),
    ] {
        for node in [lax, strict] {
            assert_eq!(ca.shown(node, Offer::of(host)).await.unwrap(), in_file(files), "{host}");
        }
    }
    for offer in [|| Offer::of("x.c.test"), || Offer::of("elsewhere.example"), || Offer::nameless("a.test")] {
        assert_eq!(ca.shown(lax, offer()).await.unwrap(), in_file(&first));
        let error = ca.shown(strict, offer()).await.unwrap_err().to_string();
        assert!(error.contains("UnrecognizedName") || error.contains("UnrecognisedName"), "{error}");
    }
    metric_is(&gateway, "switchyard_tls_handshakes_total{end=\"unknown_name\"}", 3).await;
    // Of two for one name, each client gets the first that it can verify.
    for (scheme, files) in
        [(rustls::SignatureScheme::ECDSA_NISTP256_SHA256, &ecdsa), (rustls::SignatureScheme::RSA_PSS_SHA256, &rsa)]
    {
        let mut config = ca.client(&Offer::of("both.example"));
        config.dangerous().set_certificate_verifier(Arc::new(Only(scheme)));
        let stream = connect(lax, "both.example", Arc::new(config)).await.unwrap();
        assert_eq!(stream.get_ref().1.peer_certificates().unwrap()[0], in_file(files));
    }
}

#[tokio::test]
async fn a_connection_is_for_the_hosts_of_its_certificate() {
    let ca = Ca::new();
    let (gateway, _) = node(&ca, &["a.test", "b.test", "127.0.0.1"], |_| {}).await;
    for script in ["a", "b", "c"] {
        gateway.upload("ns", script, URL).await;
    }
    let node = gateway.address();
    for (offer, host, status) in [
        (Offer::of("a.test"), "a.test", 200),
        (Offer::of("a.test"), "b.test", 200), // HTTP/2 clients use one connection for both
        (Offer::of("a.test"), "c.test", 421),
        (Offer::of("a.test"), "127.0.0.1", 404), // covered, and nobody's
        (Offer::nameless("a.test"), "c.test", 200),
    ] {
        let name = offer.sni;
        let answer = ask(ca.connect(node, offer).await, get(host, "/")).await;
        assert_eq!(answer.status.as_u16(), status, "{host}, named: {name}");
        let offer = Offer { sni: name, ..Offer::h2("a.test") };
        let answer = ask(ca.connect(node, offer).await, get2(&format!("https://{host}/"))).await;
        assert_eq!(answer.status.as_u16(), status, "{host}, named: {name}, HTTP/2");
        assert_eq!(answer.text().contains("for another host"), status == 421);
    }
    // A client that got the default certificate for its own host, and took it all the same, is answered.
    let mut config = ca.client(&Offer::of("c.test"));
    config.dangerous().set_certificate_verifier(Arc::new(Any));
    let stream = connect(node, "c.test", Arc::new(config)).await.unwrap();
    assert_eq!(ask(stream, get("c.test", "/")).await.status, 200);
}

#[tokio::test]
async fn a_websocket_is_spoken_over_tls() {
    let ca = Ca::new();
    let (gateway, _) = node(&ca, &NAMES, |_| {}).await;
    gateway.upload("ns", "echo", ECHO).await;
    let mut stream = ca.connect(gateway.address(), Offer { alpn: &["http/1.1"], ..Offer::of("echo.test") }).await;
    let head = "GET / HTTP/1.1\r\nHost: echo.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(tokio::time::timeout(PATIENCE, stream.read_u8()).await.expect("an answer in time").unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", answer.escape_ascii());
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    for text in ["one", &"x".repeat(200_000)] {
        socket.send(Message::text(text)).await.unwrap();
        let heard = tokio::time::timeout(PATIENCE, socket.next()).await.expect("a message in time").unwrap();
        assert_eq!(heard.unwrap().into_text().unwrap(), text);
    }
    socket.close(None).await.unwrap();
}

#[tokio::test]
async fn sessions_are_resumed_without_early_data() {
    let ca = Ca::new();
    let (gateway, _) = node(&ca, &NAMES, |_| {}).await;
    gateway.upload("ns", "hello", HELLO).await;
    for versions in [&OLD, &NEW] {
        let mut config = ca.client(&Offer { versions: versions.as_slice(), ..Offer::of("hello.test") });
        config.enable_early_data = true;
        let config = Arc::new(config);
        for wanted in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut stream = connect(gateway.address(), "hello.test", config.clone()).await.unwrap();
            let kind = stream.get_ref().1.handshake_kind().unwrap();
            // Where both sides agree on a group only at the second try, the kind is another name for a full one.
            assert_eq!(kind == HandshakeKind::Resumed, wanted == HandshakeKind::Resumed, "{kind:?}");
            assert!(!stream.get_ref().1.is_early_data_accepted());
            // Tickets come with the first answer.
            stream.write_all(b"GET / HTTP/1.1\r\nHost: hello.test\r\nConnection: close\r\n\r\n").await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap(); // the end is said, not cut
            assert!(text.ends_with("hello"), "{text}");
        }
        // A session of one host is none of another.
        let stream = connect(gateway.address(), "other.test", config).await.unwrap();
        assert_ne!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
    }
}

#[tokio::test]
async fn a_changed_certificate_serves_and_no_connection_notices() {
    let ca = Ca::new();
    let (gateway, files) = node(&ca, &NAMES, |_| {}).await;
    gateway.upload("ns", "hello", HELLO).await;
    let (node, folder) = (gateway.address(), gateway.data.path());
    let mut open = ca.connect(node, Offer::of("hello.test")).await;
    let mut still_answers = async || {
        open.write_all(b"GET / HTTP/1.1\r\nHost: hello.test\r\n\r\n").await.unwrap();
        let mut text = Vec::new();
        while !text.ends_with(b"hello") {
            let read = tokio::time::timeout(PATIENCE, open.read_buf(&mut text)).await.expect("an answer in time");
            assert!(read.unwrap() > 0, "{}", text.escape_ascii());
        }
    };
    still_answers().await;
    let before = in_file(&files);
    assert_eq!(ca.shown(node, Offer::of("hello.test")).await.unwrap(), before);

    let days = |days: i64| time::OffsetDateTime::now_utc() + time::Duration::days(days);
    let end = days(30);
    ca.issue_with(folder, "first", &NAMES, false, |params| params.not_after = end);
    let renewed = in_file(&files);
    metric_is(&gateway, "switchyard_tls_reloads_total{end=\"ok\"}", 1).await;
    assert_eq!(ca.shown(node, Offer::of("hello.test")).await.unwrap(), renewed);
    let expires = "switchyard_tls_certificate_expiry_timestamp_seconds";
    metric_is(&gateway, expires, end.unix_timestamp() as u64).await;
    still_answers().await;

    // What cannot be used changes nothing: no PEM, another's key, no file.
    let key = std::fs::read_to_string(&files.key).unwrap();
    replace(&files.cert, "not a certificate");
    metric_is(&gateway, "switchyard_tls_reloads_total{end=\"failed\"}", 1).await;
    assert_eq!(ca.shown(node, Offer::of("hello.test")).await.unwrap(), renewed);
    ca.issue(folder, "other", &NAMES);
    std::fs::rename(folder.join("other.pem"), &files.cert).unwrap();
    metric_is(&gateway, "switchyard_tls_reloads_total{end=\"failed\"}", 2).await;
    std::fs::remove_file(&files.key).unwrap();
    metric_is(&gateway, "switchyard_tls_reloads_total{end=\"failed\"}", 3).await;
    assert_eq!(ca.shown(node, Offer::of("hello.test")).await.unwrap(), renewed);
    // The rest of the pair comes.
    std::fs::rename(folder.join("other.key"), &files.key).unwrap();
    metric_is(&gateway, "switchyard_tls_reloads_total{end=\"ok\"}", 2).await;
    assert_eq!(ca.shown(node, Offer::of("hello.test")).await.unwrap(), in_file(&files));
    assert_ne!(key, std::fs::read_to_string(&files.key).unwrap());
    still_answers().await;
}

/// As Kubernetes renews a Secret in a volume: a link in the path leads to another folder.
#[tokio::test]
async fn a_link_that_is_turned_is_followed() {
    let ca = Ca::new();
    let data = tempfile::tempdir().unwrap();
    let link = data.path().join("live");
    let turn = |name: &str| {
        let folder = data.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let files = ca.issue(&folder, "tls", &["hello.test"]);
        let draft = data.path().join("draft");
        std::os::unix::fs::symlink(&folder, &draft).unwrap();
        std::fs::rename(&draft, &link).unwrap();
        in_file(&files)
    };
    let one = turn("one");
    let files = Certificate { cert: link.join("tls.pem"), key: link.join("tls.key") };
    let gateway = TestGateway::with(|config| config.listener[0].tls = Some(tls(&[files]))).await;
    assert_eq!(ca.shown(gateway.address(), Offer::of("hello.test")).await.unwrap(), one);
    let two = turn("two");
    metric_is(&gateway, "switchyard_tls_reloads_total{end=\"ok\"}", 1).await;
    assert_eq!(ca.shown(gateway.address(), Offer::of("hello.test")).await.unwrap(), two);
}

#[tokio::test]
async fn a_node_that_drains_fails_no_request_over_tls() {
    let ca = Ca::new();
    let (mut gateway, _) = node(&ca, &NAMES, |_| {}).await;
    let slow = "export default { async fetch() { await scheduler.wait(300); return new Response('slow but well'); } };";
    gateway.upload("ns", "slow", slow).await;
    let node = gateway.address();
    let one = ca.connect(node, Offer::of("slow.test")).await;
    let two = ca.connect(node, Offer::h2("slow.test")).await;
    let asked = [tokio::spawn(ask(one, get("slow.test", "/"))), tokio::spawn(ask(two, get2("https://slow.test/")))];
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(gateway.take_app().drain().await);
    for answer in asked {
        answer.await.unwrap().is(200, "slow but well");
    }
}

#[tokio::test]
async fn plain_http_is_sent_to_https() {
    let gateway = TestGateway::with(|config| {
        let redirect = |port| Listener {
            redirect: Some(Redirect::Https),
            redirect_port: port,
            ..Listener::at("127.0.0.1:0".parse().unwrap())
        };
        config.listener = vec![redirect(None), redirect(Some(8443))];
    })
    .await;
    gateway.upload("ns", "hello", HELLO).await;
    for (listener, port) in [(0, ""), (1, ":8443")] {
        for (method, host, target, location) in [
            ("GET", "hello.test", "/a%20b?c=d", "hello.test{}/a%20b?c=d"),
            ("POST", "Hello.Test:8080", "/", "hello.test{}/"),
            ("GET", "nobody.example", "/.well-known/acme-challenge/x", "nobody.example{}/.well-known/acme-challenge/x"),
            ("OPTIONS", "hello.test", "*", "hello.test{}/"),
            ("GET", "[::1]:80", "//evil.example/", "[::1]{}//evil.example/"),
        ] {
            let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            let mut stream = tokio::net::TcpStream::connect(gateway.addresses()[listener]).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            let answer = crate::harness::read_to_end(&mut stream).await;
            assert!(answer.starts_with("HTTP/1.1 308 Permanent Redirect\r\n"), "{answer}");
            let location = format!("\r\nlocation: https://{}\r\n", location.replace("{}", port));
            assert!(answer.contains(&location), "{answer}\n{location}");
        }
    }
    let answer = gateway.raw("GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    metric_is(&gateway, "switchyard_requests_total{class=\"3xx\",kind=\"ok\",side=\"none\"}", 10).await;
}

#[tokio::test]
async fn the_inside_listener_speaks_tls_too() {
    let ca = Ca::new();
    let data = data().await;
    let files = ca.issue(data.path(), "admin", &["admin.test"]);
    let gateway = TestGateway::on(data, |config| config.admin.tls = Some(tls(std::slice::from_ref(&files))));
    let gateway = gateway.await.unwrap();
    let stream = ca.connect(gateway.admin_address(), Offer::h2("admin.test")).await;
    ask(stream, get2("https://admin.test/readyz")).await.is(200, "ok\n");
    // Tools on this machine know whom to believe, whatever name the certificate has; others are told.
    let folder = gateway.data.path().to_str().unwrap();
    let source = gateway.data.path().join("w.js");
    std::fs::write(&source, HELLO).unwrap();
    let deploy = ["deploy", "ns/hello", source.to_str().unwrap()];
    let local = crate::process::switchyard(&[&deploy[..], &["--data", folder]].concat()).output().await.unwrap();
    assert!(local.status.success(), "{local:?}");
    gateway.get("hello", "/").await.is(200, "hello");

    let port = gateway.admin_address().port();
    let admin = format!("https://127.0.0.1:{port}");
    let token = gateway.token();
    let remote = ["namespace", "list", "--admin", &admin, "--token", &token];
    let told = crate::process::switchyard(&remote).output().await.unwrap();
    assert!(String::from_utf8_lossy(&told.stderr).contains("could not reach"), "{told:?}");
    let own = ca.issue(gateway.data.path(), "admin", &["127.0.0.1"]);
    assert_eq!(own, files);
    shows_its_address(&ca, &gateway).await;
    let authority = gateway.data.path().join("ca.pem");
    std::fs::write(&authority, ca.pem()).unwrap();
    let remote = [&remote[..], &["--ca", authority.to_str().unwrap()]].concat();
    let told = crate::process::switchyard(&remote).output().await.unwrap();
    assert!(told.status.success(), "{told:?}");
}

/// Until the certificate for the address is shown.
async fn shows_its_address(ca: &Ca, gateway: &TestGateway) {
    let shown = async {
        while ca.try_connect(gateway.admin_address(), Offer::of("127.0.0.1")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, shown).await.expect("the new certificate in time");
}
