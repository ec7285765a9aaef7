//! Fetch: its classes, forms and the network answer as on workerd.

use serde_json::Value;

use crate::crypto::upload;
use crate::fetch_origin;
use crate::harness::TestGateway;
use crate::workerd;

async fn compared(area: &str, named: &str, target: &str, gateway: &TestGateway) {
    let modules = workerd::modules(area);
    let (status, text) = upload(gateway, "probes", &modules, &[]).await;
    assert_eq!(status, 200, "{text}");
    let ours = gateway.get("probes", target).await;
    assert_eq!(ours.status, 200, "{}", ours.text());
    let live: Option<Value> = workerd::answers_at(target, &modules, &[]).await;
    workerd::compare(named, &ours.json(), live);
}

#[tokio::test]
async fn classes_answer_as_on_workerd() {
    compared("fetch", "fetch", "/", &TestGateway::start().await).await;
}

#[tokio::test]
async fn forms_answer_as_on_workerd() {
    compared("forms", "forms", "/", &TestGateway::start().await).await;
}

#[tokio::test]
async fn the_network_answers_as_on_workerd() {
    let gateway = TestGateway::with(|config| config.egress.private = true).await;
    let origin = fetch_origin::start().await;
    compared("fetch", "network", &format!("/?origin=http://{origin}"), &gateway).await;
}
