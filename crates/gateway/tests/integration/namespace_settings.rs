//! Our settings of a namespace hold for the next request: limits tighten, isolation changes.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::harness::TestGateway;

pub async fn put(gateway: &TestGateway, settings: Value) {
    let path = format!("/client/v4/switchyard/accounts/{}/namespaces/ns/settings", gateway.account());
    let answer = gateway.api(Method::PUT, &path, "application/json", settings.to_string().into()).await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

#[tokio::test]
async fn limits_hold_for_the_next_request() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "busy", "export default { fetch() { const end = Date.now(); let n = 0; for (let i = 0; i < 3e6; i++) n += i; return new Response('done') } }").await;
    gateway.upload("ns", "fetcher", "export default { async fetch(r) { try { for (let i = 0; i < 3; i++) await fetch('http://127.0.0.1:1/').catch((e) => { if (/subrequest/.test(e.message)) throw e }); return new Response('all') } catch (e) { return new Response(e.message) } } }").await;
    gateway.get("busy", "/").await.is(200, "done");
    gateway.get("fetcher", "/").await.is(200, "all");

    put(&gateway, json!({ "limits": { "cpu_ms": 2 } })).await;
    let answer = gateway.get("busy", "/").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    put(&gateway, json!({ "limits": { "subrequests": 2 } })).await;
    gateway.get("busy", "/").await.is(200, "done");
    let answer = gateway.get("fetcher", "/").await;
    assert!(answer.text().contains("Too many subrequests"), "{}", answer.text());

    // They survive a restart, and only tighten what a script says.
    let data = gateway.stop().await;
    let gateway = TestGateway::on(data, |_| {}).await.unwrap();
    assert!(gateway.get("fetcher", "/").await.text().contains("Too many subrequests"));
    gateway.upload_with("ns", "busy", "export default { fetch() { let n = 0; for (let i = 0; i < 3e6; i++) n += i; return new Response('done') } }", json!({ "limits": { "cpu_ms": 2 } })).await;
    put(&gateway, json!({ "limits": { "cpu_ms": 30_000 } })).await;
    assert_eq!(gateway.get("busy", "/").await.status, 503);
}

#[tokio::test]
async fn isolation_changes_for_workers_that_are_loaded() {
    let gateway = TestGateway::start().await;
    gateway
        .upload("ns", "count", "let n = 0; export default { fetch() { n += 1; return new Response(String(n)) } }")
        .await;
    for _ in 0..2 {
        gateway.get("count", "/").await.is(200, "1");
    }
    put(&gateway, json!({ "isolation": "warm" })).await;
    // An instance is kept for the next request once nothing of the last one is left in it.
    let mut kept = false;
    for _ in 0..50 {
        kept |= gateway.get("count", "/").await.text() != "1";
    }
    assert!(kept, "no instance served twice");
    put(&gateway, json!({ "isolation": "request" })).await;
    for _ in 0..2 {
        gateway.get("count", "/").await.is(200, "1");
    }
    // As the node has it: a small script runs clean.
    put(&gateway, json!({})).await;
    gateway.send(Method::GET, "count", "/", &[], Bytes::new()).await.is(200, "1");
}
