//! Wasm components that run: called by clients, by JavaScript and by each other, at their limits, and heard in
//! the tail. What a guest sees in detail is told in `crates/runtime/src/component/tests`.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, TestGateway, wasm_form};
use crate::tail::Events;

#[path = "../../../runtime/tests/guests/mod.rs"]
mod guests;

use guests::{handler, relay};

fn echo() -> Vec<u8> {
    handler(
        "(local.set $a (call $body-of (local.get $req)))
        (local.set $b (call $respond (local.get $out) (i32.const 200)))
        (local.set $c (call $stream-of (local.get $b)))
        (call $pass (local.get $a) (local.get $c))
        (call $out.drop (local.get $c))
        (call $finish (local.get $b))",
    )
}

fn says(text: &str) -> Vec<u8> {
    handler(&format!(r#"(call $answer (local.get $out) (i32.const 200) @"{text}")"#))
}

/// The value of the first var.
fn tells_var() -> Vec<u8> {
    handler(
        "(call $cli.environment (i32.const 16))
        (local.set $a (i32.load (i32.const 16)))
        (call $answer (local.get $out) (i32.const 200) (i32.load offset=8 (local.get $a))
          (i32.load offset=12 (local.get $a)))",
    )
}

async fn put(gateway: &TestGateway, script: &str, wasm: &[u8], bindings: Value) -> Answer {
    let answer = gateway.try_upload_wasm("ns", script, wasm, json!({ "bindings": bindings })).await;
    assert!(answer.status.is_success(), "{script}: {}", answer.text());
    answer
}

/// One of the account's own.
async fn put_worker(gateway: &TestGateway, script: &str, wasm: &[u8], bindings: Value) {
    let path = format!("/client/v4/accounts/{}/workers/scripts/{script}", gateway.account());
    let form = wasm_form(wasm, json!({ "bindings": bindings }));
    let answer = gateway.api(Method::PUT, &path, "multipart/form-data; boundary=b", form).await;
    assert!(answer.status.is_success(), "{script}: {}", answer.text());
}

#[tokio::test]
async fn javascript_and_components_call_each_other() {
    let gateway = TestGateway::dispatching().await;
    let namespace = json!([{ "name": "TENANTS", "type": "dispatch_namespace", "namespace": "ns" }]);
    let by_path = "export default { fetch(request, env) {
        return env.TENANTS.get(new URL(request.url).pathname.split('/')[1]).fetch(request);
    } };";
    gateway.upload_worker("dispatcher", by_path, namespace.clone()).await;
    gateway.upload_worker("backend", "export default { fetch: () => new Response('the backend') }", json!([])).await;
    put(&gateway, "plain", &says("a component"), json!([])).await;
    put(&gateway, "echo", &echo(), json!([])).await;
    let var = json!([{ "name": "WORD", "type": "secret_text", "text": "kept" }]);
    put(&gateway, "var", &tells_var(), var).await;
    let service = json!([{ "name": "BACK", "type": "service", "service": "backend" }]);
    put(&gateway, "calls", &relay("back.worker", "/x"), service).await;
    gateway.upload("ns", "script", "export default { fetch: (r) => new Response('a script at ' + r.url) }").await;
    // JavaScript dispatches to components, with their bodies, secrets and services.
    gateway.get("any", "/plain").await.is(200, "a component");
    gateway.post("any", "/echo", "a body").await.is(200, "a body");
    gateway.get("any", "/var").await.is(200, "kept");
    gateway.get("any", "/calls").await.is(200, "the backend");
    // A component dispatches to both, and there is a service that is a component.
    put_worker(&gateway, "dispatcher", &relay("script.TENANTS.worker", "/p"), namespace.clone()).await;
    gateway.get("any", "/").await.is(200, "a script at http://script.tenants.worker/p");
    put_worker(&gateway, "dispatcher", &relay("plain.tenants.worker", "/"), namespace.clone()).await;
    gateway.get("any", "/").await.is(200, "a component");
    put_worker(&gateway, "dispatcher", &relay("nobody.tenants.worker", "/"), namespace).await;
    gateway.get("any", "/").await.is(200, "2");
    put_worker(&gateway, "backend", &says("a backend of wasm"), json!([])).await;
    let calls = "export default { fetch: (r, env) => env.BACK.fetch(r) }";
    gateway
        .upload_worker("dispatcher", calls, json!([{ "name": "BACK", "type": "service", "service": "backend" }]))
        .await;
    gateway.get("any", "/").await.is(200, "a backend of wasm");
}

#[tokio::test]
async fn an_outbound_worker_stands_before_the_network_for_components_too() {
    let gateway = TestGateway::dispatching().await;
    let outbound = "export default { fetch: (r) => new Response('instead of ' + r.url) }";
    gateway.upload_worker("out", outbound, json!([])).await;
    let binding = json!([{
        "name": "ns", "type": "dispatch_namespace", "namespace": "ns", "outbound": { "worker": { "service": "out" } },
    }]);
    let dispatcher = "export default { fetch: (r, env) => env.ns.get('t').fetch(r) }";
    gateway.upload_worker("dispatcher", dispatcher, binding).await;
    put(&gateway, "t", &relay("origin.test", "/secret"), json!([])).await;
    gateway.get("t", "/").await.is(200, "instead of http://origin.test/secret");
}

#[tokio::test]
async fn failures_and_limits_are_those_of_all_workers() {
    let gateway = TestGateway::start().await;
    put(&gateway, "fine", &says("fine"), json!([])).await;
    put(&gateway, "trap", &handler("unreachable"), json!([])).await;
    let limits = json!({ "limits": { "cpu_ms": 20 } });
    let spins = gateway.try_upload_wasm("ns", "spin", &handler("(loop $l (br $l))"), limits).await;
    assert!(spins.status.is_success(), "{}", spins.text());
    let private = relay("127.0.0.1:1", "/");
    put(&gateway, "inside", &private, json!([])).await;
    gateway.get("trap", "/").await.is(500, "error code: 1101\n");
    gateway.get("spin", "/").await.is(503, "error code: 1102\n");
    // Some error, and no connection.
    gateway.get("inside", "/").await.is(200, "38");
    gateway.get("fine", "/").await.is(200, "fine");
}

#[tokio::test]
async fn the_tail_hears_lines_and_exceptions() {
    let gateway = TestGateway::start().await;
    let guest = r#"(call $print (call $cli.stdout) @"a line\n")
        (call $print (call $cli.stderr) @"an error")
        unreachable"#;
    put(&gateway, "t", &handler(guest), json!([])).await;
    let mut tail = Events::open(&gateway, "/namespaces/ns/scripts/t/tail").await;
    gateway.get("t", "/").await.is(500, "error code: 1101\n");
    let event = tail.next().await;
    assert_eq!(event["outcome"], "exception", "{event}");
    let logs = event["logs"].as_array().unwrap();
    let lines: Vec<_> = logs.iter().map(|line| (line["level"].as_str().unwrap(), line["message"].clone())).collect();
    assert_eq!(lines, [("log", json!(["a line"])), ("error", json!(["an error"]))], "{event}");
    let exception = &event["exceptions"][0];
    assert_eq!(exception["name"], "RuntimeError", "{event}");
    assert_eq!(exception["message"], "wasm `unreachable` instruction executed", "{event}");
}
