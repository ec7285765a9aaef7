//! Versions and deployments, services, workers.

use http::Method;
use serde_json::json;

use crate::harness::{A, Form, Harness, NS, Reply};

const NOT_THERE: &str = "7d3b0c6e-5a0f-4f0e-9a57-4f3f5a9d1c11";

async fn script(h: &Harness) -> String {
    h.namespace("prod").await;
    let path = format!("{NS}/prod/scripts/x");
    h.upload(&path).await;
    path
}

async fn own_script(h: &Harness) -> String {
    let path = format!("{A}/workers/scripts/x");
    h.upload(&path).await;
    path
}

async fn create(h: &Harness, script: &str) -> Reply {
    let metadata = json!({ "main_module": "index.js", "annotations": { "workers/message": "second" } });
    let form = Form::new()
        .part("name=\"metadata\"", None, metadata.to_string())
        .module("index.js", "export default { second: 1 }");
    h.form(Method::POST, &format!("{script}/versions?bindings_inherit=strict"), form).await.ok()
}

async fn list_at(h: &Harness, script: &str) -> Reply {
    let made = create(h, script).await;
    let reply = h.get(&format!("{script}/versions")).await.ok();
    let items = reply.result()["items"].as_array().expect("a list");
    assert_eq!(items.iter().map(|item| item["number"].clone()).collect::<Vec<_>>(), [json!(2), json!(1)]);
    assert_eq!(items[0]["id"], made.result()["id"]);
    reply
}

pub async fn version_list(h: &Harness) {
    let script = script(h).await;
    list_at(h, &script).await.golden("version_list");
}

pub async fn account_version_list(h: &Harness) {
    let script = own_script(h).await;
    list_at(h, &script).await;
}

async fn create_at(h: &Harness, script: &str) {
    let before = h.get(&format!("{script}/settings")).await.ok();
    let made = create(h, script).await;
    assert_eq!(made.result()["number"], json!(2));
    assert!(made.result()["startup_time_ms"].is_u64());
    assert!(made.result()["resources"]["script"]["etag"].is_string());
    // Not live: content is still the old one.
    let content =
        h.get(&if script.contains("dispatch") { format!("{script}/content") } else { script.to_owned() }).await;
    assert!(!String::from_utf8_lossy(&content.body).contains("second"));
    assert_eq!(h.get(&format!("{script}/settings")).await.ok().json, before.json);
    // An edit of what is live would deploy the newest by the way.
    let secret = json!({ "name": "K", "text": "v" });
    h.json(Method::PUT, &format!("{script}/secrets"), secret).await.refused(400, 10215);
}

pub async fn version_create(h: &Harness) {
    let script = script(h).await;
    create_at(h, &script).await;
    create(h, &script).await.golden("version_create");
}

pub async fn account_version_create(h: &Harness) {
    let script = own_script(h).await;
    create_at(h, &script).await;
}

async fn get_at(h: &Harness, script: &str) -> Reply {
    let made = create(h, script).await;
    let id = made.result()["id"].as_str().expect("an id").to_owned();
    for missing in [NOT_THERE, "not-a-uuid"] {
        h.get(&format!("{script}/versions/{missing}")).await.refused(404, 100_146);
    }
    let reply = h.get(&format!("{script}/versions/{id}")).await.ok();
    assert_eq!(reply.json, made.json);
    reply
}

pub async fn version_get(h: &Harness) {
    let script = script(h).await;
    get_at(h, &script).await;
    // Another script's version is not this one's.
    h.upload(&format!("{NS}/prod/scripts/other")).await;
    let other = create(h, &format!("{NS}/prod/scripts/other")).await;
    let id = other.result()["id"].as_str().expect("an id");
    h.get(&format!("{script}/versions/{id}")).await.refused(404, 100_146).golden("version_not_found");
}

pub async fn account_version_get(h: &Harness) {
    let script = own_script(h).await;
    get_at(h, &script).await;
}

pub async fn deployment_list(h: &Harness) {
    let script = script(h).await;
    h.get(&format!("{script}/deployments")).await.ok().golden("deployment_list");
}

pub async fn account_deployment_list(h: &Harness) {
    let script = own_script(h).await;
    let reply = h.get(&format!("{script}/deployments")).await.ok();
    let first = &reply.result()["deployments"][0];
    assert_eq!(first["strategy"], "percentage");
    assert_eq!(first["versions"][0]["percentage"], json!(100));
}

async fn deploy_at(h: &Harness, script: &str) -> Reply {
    let path = format!("{script}/deployments");
    let second = create(h, script).await.result()["id"].clone();
    let first = h.get(&path).await.ok().result()["deployments"][0]["versions"][0]["version_id"].clone();
    let body = json!({ "strategy": "percentage", "versions": [{ "version_id": second, "percentage": 100 }], "annotations": {} });
    let reply = h.json(Method::POST, &path, body).await.ok();
    let content =
        h.get(&if script.contains("dispatch") { format!("{script}/content") } else { script.to_owned() }).await;
    assert!(String::from_utf8_lossy(&content.body).contains("second"));
    let split =
        json!({ "versions": [{ "version_id": first, "percentage": 90 }, { "version_id": second, "percentage": 10 }] });
    let made = h.json(Method::POST, &path, split).await.ok();
    assert_eq!(h.get(&path).await.ok().result()["deployments"][0], *made.result());

    for versions in [
        json!([]),
        json!([{ "version_id": first, "percentage": 90 }]),
        json!([{ "version_id": first, "percentage": 50 }, { "version_id": first, "percentage": 50 }]),
        json!([{ "version_id": first, "percentage": -1 }, { "version_id": second, "percentage": 101 }]),
    ] {
        h.json(Method::POST, &path, json!({ "versions": versions })).await.refused(400, 10021);
    }
    for id in [NOT_THERE, "x"] {
        let body = json!({ "versions": [{ "version_id": id, "percentage": 100 }] });
        h.json(Method::POST, &path, body).await.refused(404, 100_146);
    }
    h.json(Method::POST, &path, json!({})).await.refused(400, 10026);
    h.json(Method::POST, &path, json!({ "strategy": "coin", "versions": [] })).await.refused(400, 10021);
    reply
}

pub async fn deployment_create(h: &Harness) {
    let script = script(h).await;
    deploy_at(h, &script).await.golden("deployment_create");
}

pub async fn account_deployment_create(h: &Harness) {
    let script = own_script(h).await;
    deploy_at(h, &script).await;
}

pub async fn service_get(h: &Harness) {
    own_script(h).await;
    h.get(&format!("{A}/workers/services/x")).await.ok().golden("service_get");
    h.get(&format!("{A}/workers/services/y")).await.refused(404, 10090);
}

pub async fn worker_get(h: &Harness) {
    own_script(h).await;
    h.get(&format!("{A}/workers/workers/x")).await.ok().golden("worker_get");
}
