//! What a client reads when something fails.

use bytes::Bytes;
use http::Method;
use serde_json::json;

use crate::harness::TestGateway;

#[tokio::test]
async fn an_exception_is_1101_and_says_nothing_of_the_tenant() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "x", "export default { fetch() { throw new Error('confidential'); } };").await;
    gateway.get("x", "/").await.is(500, "error code: 1101\n");
    let page = gateway.send(Method::GET, "x", "/", &[("accept", "text/html,*/*")], Bytes::new()).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.text().contains("Error 1101") && page.text().contains(page.header("cf-ray")), "{}", page.text());
    assert!(!page.text().contains("confidential"));
}

#[tokio::test]
async fn a_limit_is_1102_and_harms_nobody_else() {
    let gateway = TestGateway::start().await;
    let spin = "export default { fetch() { for (;;); } };";
    gateway.upload_with("ns", "spin", spin, json!({ "limits": { "cpu_ms": 20 } })).await;
    gateway.upload("ns", "ok", "export default { fetch: () => new Response('ok') };").await;
    let (spun, well) = tokio::join!(gateway.get("spin", "/"), gateway.get("ok", "/"));
    spun.is(503, "error code: 1102\n");
    well.is(200, "ok");
}

#[tokio::test]
async fn a_worker_that_can_never_answer_is_1101() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "x", "export default { fetch: () => new Promise(() => {}) };").await;
    gateway.get("x", "/").await.is(500, "error code: 1101\n");
}

#[tokio::test]
async fn too_many_requests_of_one_script_are_1015() {
    let gateway = TestGateway::with(|config| config.limits.requests_per_script = 1).await;
    let source = "export default { async fetch() { await new Promise(done => setTimeout(done, 200)); return new Response('ok'); } };";
    gateway.upload("ns", "slow", source).await;
    gateway.upload("ns", "other", "export default { fetch: () => new Response('ok') };").await;
    let (a, b, other) = tokio::join!(gateway.get("slow", "/"), gateway.get("slow", "/"), gateway.get("other", "/"));
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 429]);
    assert_eq!(other.status, 200);
    let refused = if a.status == 429 { a } else { b };
    assert_eq!(refused.text(), "error code: 1015\n");
}

#[tokio::test]
async fn a_request_that_went_round_too_often_is_1019() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "x", "export default { fetch: () => new Response('ok') };").await;
    // What others wrote is passed on, and more of it than that is a loop among them.
    let most = "x".repeat(1_022);
    gateway.send(Method::GET, "x", "/", &[("cdn-loop", &most)], Bytes::new()).await.is(200, "ok");
    let looped = [("cdn-loop", &*most), ("cdn-loop", "y")];
    gateway.send(Method::GET, "x", "/", &looped, Bytes::new()).await.is(508, "error code: 1019\n");
}
