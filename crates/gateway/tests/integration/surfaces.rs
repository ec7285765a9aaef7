//! Streams, URL, encoding, structuredClone, events and the global scope: every probe answers as on workerd.

use std::fmt::Write;

use http::Method;
use serde_json::json;

use crate::harness::TestGateway;
use crate::workerd;

async fn answers_as_workerd(area: &str) {
    let modules = workerd::modules(area);
    let gateway = TestGateway::start().await;
    let metadata = json!({ "main_module": modules[0].0, "compatibility_date": "2026-01-01" });
    let mut body = format!("--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{metadata}\r\n");
    for (name, source) in &modules {
        write!(
            body,
            "--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\n\
             Content-Type: application/javascript+module\r\n\r\n{source}\r\n"
        )
        .unwrap();
    }
    body += "--b--\r\n";
    let path = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns/scripts/{area}", gateway.account());
    let uploaded = gateway.api(Method::PUT, &path, "multipart/form-data; boundary=b", body.into()).await;
    assert_eq!(uploaded.status, 200, "{}", uploaded.text());
    let ours = gateway.get(area, "/").await;
    assert_eq!(ours.status, 200, "{}", ours.text());
    workerd::compare(area, &ours.json(), workerd::answers(&modules, &[]).await);
}

#[tokio::test]
async fn streams() {
    answers_as_workerd("streams").await;
}

#[tokio::test]
async fn urls() {
    answers_as_workerd("url").await;
}

#[tokio::test]
async fn encodings() {
    answers_as_workerd("encoding").await;
}

#[tokio::test]
async fn clones() {
    answers_as_workerd("clone").await;
}

#[tokio::test]
async fn events() {
    answers_as_workerd("events").await;
}

#[tokio::test]
async fn globals() {
    answers_as_workerd("globals").await;
}
