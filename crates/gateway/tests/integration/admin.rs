//! The inside listener.

use crate::basics::HELLO;
use crate::harness::TestGateway;

#[tokio::test]
async fn health_and_metrics_answer() {
    let gateway = TestGateway::start().await;
    gateway.admin("/livez").await.is(200, "ok\n");
    gateway.admin("/readyz").await.is(200, "ok\n");
    assert_eq!(gateway.admin("/nothing").await.status, 404);
    gateway.upload("ns", "hello", HELLO).await;
    gateway.get("hello", "/").await.is(200, "hello");
    gateway.get("nobody", "/").await;
    let metrics = gateway.admin("/metrics").await;
    for line in [
        "switchyard_requests_total{class=\"2xx\",kind=\"ok\",side=\"none\"} 1",
        "switchyard_requests_total{class=\"4xx\",kind=\"no_tenant\",side=\"client\"} 1",
        "switchyard_scripts 1",
        "switchyard_api_requests_total{access=\"write\",class=\"2xx\"} 1",
        "switchyard_requests_in_flight 0",
    ] {
        assert!(metrics.text().lines().any(|there| there == line), "{line} is not in\n{}", metrics.text());
    }
}

#[tokio::test]
async fn the_api_asks_for_a_token() {
    let gateway = TestGateway::start().await;
    let path = format!("/client/v4/accounts/{}/workers/dispatch/namespaces", gateway.account());
    let answer = gateway.admin(&path).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["result"][0]["namespace_name"]), (200, &"ns".into()));
    let request = http::Request::get(format!("http://{}{path}", gateway.admin_address()));
    let request = request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
    assert!(client.request(request).await.unwrap().status().is_client_error());
}

#[tokio::test]
async fn the_outside_has_no_admin() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "hello", HELLO).await;
    for path in ["/metrics", "/readyz", "/client/v4/user/tokens/verify"] {
        gateway.get("hello", path).await.is(200, "hello");
    }
}
