//! Which of two live versions a request gets: what a dispatch Worker asks for in headers, never what a
//! client asks for.

use bytes::Bytes;
use http::Method;
use serde_json::json;

use crate::harness::TestGateway;

const DISPATCHER: &str = "export default { async fetch(request, env) {
    const headers = new Headers(request.headers);
    const ask = new URL(request.url).searchParams;
    if (ask.get('version')) headers.set('Cloudflare-Workers-Version-Overrides', `other=\"x\", tenant=\"${ask.get('version')}\"`);
    if (ask.get('key')) headers.set('Cloudflare-Workers-Version-Key', ask.get('key'));
    return env.dispatcher.get('tenant').fetch(new Request(request, { headers }));
} }";

fn tenant(answer: &str) -> String {
    format!(
        "export default {{ fetch(request) {{ return new Response('{answer}', {{ headers: {{ \
         asked: '' + request.headers.get('Cloudflare-Workers-Version-Overrides') + request.headers.get('Cloudflare-Workers-Version-Key') }} }}) }} }}"
    )
}

/// Versions `one` and `two` of the script `tenant`, both live in these shares.
async fn split(gateway: &TestGateway, one: u32) -> [String; 2] {
    let script = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns/scripts/tenant", gateway.account());
    for answer in ["one", "two"] {
        gateway.upload("ns", "tenant", &tenant(answer)).await;
    }
    let list = gateway.admin(&format!("{script}/versions")).await.json();
    let id = |at: usize| list["result"]["items"][at]["id"].as_str().unwrap().to_owned();
    let ids = [id(1), id(0)];
    let body = json!({ "strategy": "percentage", "versions": [
        { "version_id": ids[0], "percentage": one }, { "version_id": ids[1], "percentage": 100 - one } ] });
    let path = format!("{script}/deployments");
    let answer = gateway.api(Method::POST, &path, "application/json", body.to_string().into());
    assert!(answer.await.status.is_success());
    ids
}

async fn dispatching() -> TestGateway {
    let gateway = TestGateway::dispatching().await;
    let binding = json!([{ "name": "dispatcher", "type": "dispatch_namespace", "namespace": "ns" }]);
    gateway.upload_worker("dispatcher", DISPATCHER, binding).await;
    gateway
}

#[tokio::test]
async fn a_dispatch_worker_picks_a_live_version() {
    let gateway = dispatching().await;
    let ids = split(&gateway, 0).await;
    for _ in 0..4 {
        gateway.get("x", "/").await.is(200, "two");
        // Live with no share at all: for those who ask for it.
        gateway.get("x", &format!("/?version={}", ids[0])).await.is(200, "one");
        gateway.get("x", &format!("/?version={}", ids[1])).await.is(200, "two");
    }
    for nonsense in ["7d3b0c6e-5a0f-4f0e-9a57-4f3f5a9d1c11", "nonsense"] {
        gateway.get("x", &format!("/?version={nonsense}")).await.is(200, "two");
    }
    // What is not live any more is not picked.
    gateway.upload("ns", "tenant", &tenant("three")).await;
    gateway.get("x", &format!("/?version={}", ids[0])).await.is(200, "three");
}

#[tokio::test]
async fn a_key_gets_the_same_version_each_time() {
    let gateway = dispatching().await;
    split(&gateway, 50).await;
    let mut seen = std::collections::BTreeSet::new();
    for key in 0..32 {
        let first = gateway.get("x", &format!("/?key=user-{key}")).await.text().to_owned();
        for _ in 0..3 {
            gateway.get("x", &format!("/?key=user-{key}")).await.is(200, &first);
        }
        seen.insert(first);
    }
    assert_eq!(seen.len(), 2, "32 keys have come to one version alone");
}

#[tokio::test]
async fn a_client_cannot_ask() {
    let gateway = TestGateway::start().await;
    let ids = split(&gateway, 0).await;
    let overrides = format!("tenant=\"{}\"", ids[0]);
    let headers =
        [("cloudflare-workers-version-overrides", overrides.as_str()), ("cloudflare-workers-version-key", "a")];
    let answer = gateway.send(Method::GET, "tenant", "/", &headers, Bytes::new()).await;
    answer.is(200, "two");
    assert_eq!(answer.header("asked"), "nullnull");
}
