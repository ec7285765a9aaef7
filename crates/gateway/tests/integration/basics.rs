//! Upload, answer, replace, delete.

use http::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::harness::{TestGateway, collect, read_to_end, read_until};

pub const HELLO: &str = "export default { fetch() { return new Response('hello'); } };";

#[tokio::test]
async fn a_script_answers_at_its_subdomain() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "hello", HELLO).await;
    let answer = gateway.get("hello", "/").await;
    answer.is(200, "hello");
    assert_eq!(answer.header("content-type"), "text/plain;charset=UTF-8");
    assert!(!answer.header("date").is_empty());
}

#[tokio::test]
async fn bindings_are_in_env() {
    let gateway = TestGateway::start().await;
    let source = "export default { fetch: (_, env) => Response.json([env.T, env.J.n, env.S]) };";
    let bindings = json!([
        { "name": "T", "type": "plain_text", "text": "text" },
        { "name": "J", "type": "json", "json": { "n": 7 } },
        { "name": "S", "type": "secret_text", "text": "secret" },
    ]);
    gateway.upload_with("ns", "env", source, json!({ "bindings": bindings })).await;
    gateway.get("env", "/").await.is(200, "[\"text\",7,\"secret\"]");
}

#[tokio::test]
async fn what_nobody_uploaded_is_not_found() {
    let gateway = TestGateway::start().await;
    gateway.get("nobody", "/").await.is(404, "there is no Worker for this host\n");
    gateway.upload("ns", "hello", HELLO).await;
    for host in ["x.hello", "hello.test.x", ""] {
        assert_eq!(gateway.get(host, "/").await.status, if host.is_empty() { 400 } else { 404 }, "{host}");
    }
}

#[tokio::test]
async fn the_next_request_sees_an_upload_and_a_delete() {
    let gateway = TestGateway::start().await;
    for round in 0..20 {
        let source = format!("export default {{ fetch: () => new Response('{round}') }};");
        gateway.upload("ns", "x", &source).await;
        gateway.get("x", "/").await.is(200, &round.to_string());
    }
    let path = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns/scripts/x", gateway.account());
    assert_eq!(gateway.api(Method::DELETE, &path, "", "".into()).await.status, 200);
    assert_eq!(gateway.get("x", "/").await.status, 404);
}

#[tokio::test]
async fn scripts_move_with_their_namespace() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "hello", HELLO).await;
    let path = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/", gateway.account());
    let rename = |from: &str, to: &str| {
        let (path, body) = (format!("{path}{from}"), json!({ "name": to }).to_string());
        let gateway = &gateway;
        async move { gateway.api(Method::PUT, &path, "application/json", body.into()).await.status }
    };
    assert_eq!(rename("ns", "other").await, 200);
    assert_eq!(gateway.get("hello", "/").await.status, 404);
    assert_eq!(rename("other", "ns").await, 200);
    gateway.get("hello", "/").await.is(200, "hello");
}

#[tokio::test]
async fn http2_without_tls_is_the_same() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "url", "export default { fetch: r => new Response(r.url) };").await;
    let executor = hyper_util::rt::TokioExecutor::new();
    let stream = tokio::net::TcpStream::connect(gateway.address()).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    tokio::spawn(connection);
    let body = http_body_util::Empty::<bytes::Bytes>::new();
    let request = http::Request::get("http://url.test/a?b").body(body).unwrap();
    collect(sender.send_request(request).await.unwrap()).await.is(200, "http://url.test/a?b");
}

#[tokio::test]
async fn every_request_has_a_clean_instance() {
    let gateway = TestGateway::start().await;
    let source = "let n = 0; export default { fetch: () => new Response(String(++n)) };";
    gateway.upload("ns", "count", source).await;
    for _ in 0..20 {
        gateway.get("count", "/").await.is(200, "1");
    }
}

/// A form is understood before its last bytes are there; the connection is good for more all the same.
#[tokio::test]
async fn a_form_whose_last_bytes_come_late_costs_no_connection() {
    let gateway = TestGateway::start().await;
    let path = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns/scripts/late", gateway.account());
    let form = format!(
        "--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n\
         {{\"main_module\":\"w.mjs\"}}\r\n--b\r\nContent-Disposition: form-data; name=\"w.mjs\"; filename=\"w.mjs\"\r\n\
         Content-Type: application/javascript+module\r\n\r\n{HELLO}\r\n--b--\r\n"
    );
    let head = |method: &str, more: &str| {
        format!("{method} {path} HTTP/1.1\r\nhost: admin\r\nauthorization: Bearer {}\r\n{more}\r\n", gateway.token())
    };
    let mut stream = TcpStream::connect(gateway.admin_address()).await.unwrap();
    let (body, late) = form.split_at(form.len() - 2);
    let length = form.len();
    let more = format!("content-type: multipart/form-data; boundary=b\r\ncontent-length: {length}\r\n");
    stream.write_all((head("PUT", &more) + body).as_bytes()).await.unwrap();
    // All of the form is there, and some time to act on it.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    stream.write_all(late.as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "\"success\":true").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stream.write_all(head("GET", "connection: close\r\n").as_bytes()).await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert!(answer.contains("HTTP/1.1 200") && answer.contains("\"late\""), "{answer}");
}
