//! wrangler's recorded sequences (contract §4.1), request by request, asserting what it needs of
//! each reply to go on.

use http::{Method, Request, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::harness::{A, Form, Harness, NS, Reply, request};

const AGENT: &str = "wrangler/4.164.0";

async fn send(h: &Harness, method: Method, path: &str) -> Reply {
    let request = request(method, path).header(header::USER_AGENT, AGENT).body(Full::default());
    h.send(request.expect("a request")).await
}

async fn json_of(h: &Harness, method: Method, path: &str, body: Value) -> Reply {
    let request = request(method, path)
        .header(header::USER_AGENT, AGENT)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(body.to_string().into()));
    h.send(request.expect("a request")).await
}

async fn form_of(h: &Harness, method: Method, path: &str, form: Form) -> Reply {
    let (content_type, body) = form.finish();
    let request: Request<Full<_>> = request(method, path)
        .header(header::USER_AGENT, AGENT)
        .header(header::CONTENT_TYPE, content_type)
        .body(Full::new(body))
        .expect("a request");
    h.send(request).await
}

/// A reply that wrangler 4.164 takes for "a new Worker": the first error decides.
#[track_caller]
fn is_new_worker(reply: &Reply) {
    assert_eq!((reply.status.as_u16(), &reply.json["errors"][0]["code"]), (404, &json!(10092)), "{}", reply.json);
}

fn bundle(bindings: Value, newer: bool) -> Form {
    let mut metadata = json!({
        "main_module": "index.js", "bindings": bindings, "compatibility_date": "2025-01-01",
        "compatibility_flags": [], "observability": { "enabled": true },
    });
    if newer {
        metadata["keep_bindings"] = json!(["secret_text", "secret_key"]);
        metadata["code_update_strategy"] = json!({ "mode": "gradual", "max_delay": 0 });
    }
    Form::new()
        .part("name=\"metadata\"", None, metadata.to_string())
        .module("index.js", "export default { fetch() {} }")
        .part("name=\"index.js.map\"; filename=\"index.js.map\"", Some("application/source-map"), "{\"version\":3}")
}

#[tokio::test]
async fn dispatch_namespace_commands() {
    let h = Harness::new().await;
    let made = json_of(&h, Method::POST, NS, json!({ "name": "n" })).await.ok();
    assert!(made.result()["namespace_id"].is_string());
    let list = send(&h, Method::GET, NS).await.ok();
    assert_eq!(list.result()[0]["namespace_name"], "n");
    send(&h, Method::GET, &format!("{NS}/n")).await.ok();
    json_of(&h, Method::PUT, &format!("{NS}/n"), json!({ "name": "m" })).await.ok();
    send(&h, Method::GET, &format!("{NS}/n")).await.refused(404, 100_119);
    send(&h, Method::DELETE, &format!("{NS}/m")).await.ok();
    assert_eq!(*send(&h, Method::GET, NS).await.ok().result(), json!([]));
}

#[tokio::test]
async fn deploy_to_a_namespace_first_and_again() {
    let h = Harness::new().await;
    h.namespace("prod").await;
    let script = format!("{NS}/prod/scripts/tenant");
    let mut ids = Vec::new();
    for round in 0..2 {
        let found = send(&h, Method::GET, &script).await;
        if round == 0 {
            is_new_worker(&found)
        } else {
            drop(found.ok())
        }
        send(&h, Method::GET, &format!("{A}/workers/scripts/tenant/secrets")).await.refused(404, 10007);
        send(&h, Method::GET, &format!("{A}/workers/scripts/tenant/settings")).await.refused(404, 10007);
        let path = format!("{script}?excludeScript=true&bindings_inherit=strict");
        let reply = form_of(&h, Method::PUT, &path, bundle(json!([]), true)).await.ok();
        assert!(reply.result()["startup_time_ms"].as_u64().is_some_and(|ms| ms >= 1));
        ids.push(reply.result()["deployment_id"].as_str().expect("an id").to_owned());
    }
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 32));
    let shown = send(&h, Method::GET, &script).await.ok();
    assert_eq!(shown.result()["script"]["last_deployed_from"], "wrangler");
    assert_eq!(shown.result()["script"].get("migration_tag"), None);
}

/// 4.86 asks nothing of the namespace before: a missing one shows at the PUT.
#[tokio::test]
async fn deploy_to_a_namespace_with_the_older_release() {
    let h = Harness::new().await;
    let settings = format!("{A}/workers/scripts/tenant/settings");
    send(&h, Method::GET, &settings).await.refused(404, 10007);
    let path = format!("{NS}/prod/scripts/tenant?excludeScript=true&bindings_inherit=strict");
    form_of(&h, Method::PUT, &path, bundle(json!([]), false)).await.refused(404, 100_119);
    h.namespace("prod").await;
    form_of(&h, Method::PUT, &path, bundle(json!([]), false)).await.ok();
    json_of(&h, Method::PUT, &format!("{NS}/prod/scripts/tenant/secrets"), json!({ "name": "K", "text": "v" }))
        .await
        .ok();
    form_of(&h, Method::PUT, &path, bundle(json!([]), false)).await.ok();
    let secrets = send(&h, Method::GET, &format!("{NS}/prod/scripts/tenant/secrets")).await.ok();
    assert_eq!(secrets.result()[0]["name"], "K", "secrets are kept without keep_bindings");
}

#[tokio::test]
async fn deploy_with_migrations_reads_the_migration_tag() {
    let h = Harness::new().await;
    h.namespace("prod").await;
    let script = format!("{NS}/prod/scripts/tenant");
    let form = Form::worker(json!({ "migrations": { "new_tag": "v2", "steps": [] } }));
    form_of(&h, Method::PUT, &script, form).await.ok();
    form_of(&h, Method::PUT, &script, Form::worker(json!({}))).await.ok();
    let found = send(&h, Method::GET, &script).await.ok();
    assert_eq!(found.result()["script"]["migration_tag"], "v2");
}

#[tokio::test]
async fn deploy_of_a_dispatch_worker_first_time_again_and_delete() {
    let h = Harness::new().await;
    h.namespace("prod").await;
    let script = format!("{A}/workers/scripts/dispatcher");

    // First time.
    send(&h, Method::GET, &format!("{A}/workers/services/dispatcher")).await.refused(404, 10090);
    for path in ["secrets", "deployments", "settings"] {
        send(&h, Method::GET, &format!("{script}/{path}")).await.refused(404, 10007);
    }
    let namespaces = send(&h, Method::GET, &format!("{NS}?page=1")).await.ok();
    assert_eq!(namespaces.result()[0]["namespace_name"], "prod");
    form_of(&h, Method::PUT, &format!("{A}/workers/scripts/outbound-worker"), bundle(json!([]), true)).await.ok();
    let binding = json!([{
        "name": "dispatcher", "type": "dispatch_namespace", "namespace": "prod",
        "outbound": { "worker": { "service": "outbound-worker" }, "params": [{ "name": "params_object" }] },
    }]);
    let upload = format!("{script}?excludeScript=true&bindings_inherit=strict");
    let uploaded = form_of(&h, Method::PUT, &upload, bundle(binding.clone(), true)).await.ok();
    assert!(uploaded.result()["deployment_id"].is_string() && uploaded.result()["id"] == "dispatcher");
    subdomain_with_both_releases(&h).await;

    // Again.
    let service = send(&h, Method::GET, &format!("{A}/workers/services/dispatcher")).await.ok();
    let environment = &service.result()["default_environment"];
    assert_eq!(environment["environment"], "production");
    assert_eq!(environment["script"]["last_deployed_from"], "wrangler");
    assert!(environment["script"]["tag"].is_string() && environment["script"]["tags"].is_array());
    send(&h, Method::GET, &format!("{script}/secrets")).await.ok();
    let deployments = send(&h, Method::GET, &format!("{script}/deployments")).await.ok();
    let live = &deployments.result()["deployments"][0];
    assert_eq!((&live["source"], &live["versions"][0]["percentage"]), (&json!("wrangler"), &json!(100)));
    let settings = send(&h, Method::GET, &format!("{script}/settings")).await.ok();
    assert_eq!(settings.result()["bindings"], binding);
    let inherit = json!([{ "name": "dispatcher", "type": "inherit" }]);
    let versions = format!("{script}/versions?bindings_inherit=strict");
    let version = form_of(&h, Method::POST, &versions, bundle(inherit, true)).await.ok();
    let id = version.result()["id"].as_str().expect("an id").to_owned();
    assert_eq!(id.len(), 36);
    assert!(
        version.result()["startup_time_ms"].is_u64() && version.result()["resources"]["script"]["etag"].is_string()
    );
    let body =
        json!({ "strategy": "percentage", "versions": [{ "version_id": id, "percentage": 100 }], "annotations": {} });
    let deployed = json_of(&h, Method::POST, &format!("{script}/deployments"), body).await.ok();
    assert!(deployed.result()["id"].is_string());
    let body = json!({ "observability": { "enabled": false }, "tags": [] });
    json_of(&h, Method::PATCH, &format!("{script}/script-settings"), body).await.ok();
    subdomain_with_both_releases(&h).await;
    let settings = send(&h, Method::GET, &format!("{script}/settings")).await.ok();
    assert_eq!(settings.result()["bindings"], binding, "what was inherited is live");

    // Delete.
    let objects = format!("{A}/workers/durable_objects/namespaces?per_page=1000&page=1");
    send(&h, Method::GET, &objects).await.ok();
    send(&h, Method::DELETE, &format!("{A}/workers/services/dispatcher?force=true")).await.ok();
    let kv = format!("{A}/storage/kv/namespaces?per_page=100&order=title&direction=asc&page=1");
    assert_eq!(*send(&h, Method::GET, &kv).await.ok().result(), json!([]));
    send(&h, Method::GET, &format!("{A}/workers/services/dispatcher")).await.refused(404, 10090);
}

async fn subdomain_with_both_releases(h: &Harness) {
    let worker = send(h, Method::GET, &format!("{A}/workers/workers/dispatcher")).await.ok();
    assert!(worker.result()["id"].is_string() && worker.result()["name"] == "dispatcher");
    assert_eq!(worker.result()["subdomain"], json!({ "enabled": false, "previews_enabled": false }));
    let path = format!("{A}/workers/scripts/dispatcher/subdomain");
    let older = send(h, Method::GET, &path).await.ok();
    assert_eq!(*older.result(), worker.result()["subdomain"]);
    for body in [json!({ "enabled": false }), json!({ "enabled": false, "previews_enabled": false })] {
        let set = json_of(h, Method::POST, &path, body).await.ok();
        assert_eq!(*set.result(), json!({ "enabled": false, "previews_enabled": false }));
    }
}

#[tokio::test]
async fn whoami_and_the_choice_of_an_account() {
    let h = Harness::new().await;
    let verified = send(&h, Method::GET, "/user/tokens/verify").await.ok();
    assert_eq!(verified.result()["status"], "active");
    let user = send(&h, Method::GET, "/user").await.ok();
    assert!(user.result()["email"].is_string());
    let accounts = send(&h, Method::GET, "/accounts?page=1").await.ok();
    let memberships = send(&h, Method::GET, "/memberships?page=1").await.ok();
    let account = &accounts.result()[0];
    assert!(account["id"].is_string() && account["name"] == "acme");
    assert_eq!(memberships.result()[0]["account"], *account);
    for reply in [&accounts, &memberships] {
        let info = &reply.json["result_info"];
        assert!(info["page"].as_u64() >= info["total_pages"].as_u64(), "with exactly one, wrangler takes it");
    }
}

/// `secret bulk` of 4.86 patches the settings: new secrets, and what is to stay by name and type alone.
#[tokio::test]
async fn secret_bulk_of_the_older_release() {
    let h = Harness::new().await;
    h.namespace("prod").await;
    let script = format!("{A}/workers/scripts/dispatcher");
    let binding = json!([{ "name": "dispatcher", "type": "dispatch_namespace", "namespace": "prod" }]);
    form_of(&h, Method::PUT, &script, bundle(binding, false)).await.ok();
    json_of(&h, Method::PUT, &format!("{script}/secrets"), json!({ "name": "OLD", "text": "v" })).await.ok();
    let bindings = json!([
        { "name": "dispatcher", "type": "dispatch_namespace" }, { "name": "OLD", "type": "secret_text" },
        { "name": "A", "type": "secret_text", "text": "1" },
    ]);
    let form = Form::new().part("name=\"settings\"", None, json!({ "bindings": bindings }).to_string());
    let reply = form_of(&h, Method::PATCH, &format!("{script}/settings"), form).await.ok();
    let shown = reply.result()["bindings"].as_array().expect("a list");
    assert_eq!(shown[0], json!({ "name": "dispatcher", "type": "dispatch_namespace", "namespace": "prod" }));
    assert_eq!(shown.iter().map(|b| b["name"].clone()).collect::<Vec<_>>(), ["dispatcher", "OLD", "A"]);
}
