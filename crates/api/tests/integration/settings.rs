//! Settings and bindings (contract §3.7), and an account Worker's `subdomain`.

use http::Method;
use serde_json::json;

use crate::harness::{A, Form, Harness, NS};

/// Every kind of binding that is built, and settings of every kind.
fn full() -> Form {
    Form::worker(json!({
        "bindings": [
            { "name": "TEXT", "type": "plain_text", "text": "hi" },
            { "name": "JSON", "type": "json", "json": { "a": [1, null] } },
            { "name": "NOTHING", "type": "json", "json": null },
            { "name": "SECRET", "type": "secret_text", "text": "hidden-value" },
            { "name": "SERVICE", "type": "service", "service": "target", "environment": "production",
              "entrypoint": "Api", "props": { "x": 1 } },
            { "name": "DISPATCH", "type": "dispatch_namespace", "namespace": "prod",
              "outbound": { "worker": { "service": "target", "environment": "production" }, "params": [{ "name": "p" }, "q"] } },
            { "name": "VERSION", "type": "version_metadata" },
        ],
        "compatibility_flags": ["nodejs_compat"],
        "limits": { "cpu_ms": 50, "subrequests": 5 },
        "tags": ["gold"],
        "tail_consumers": [{ "service": "tail" }],
        "observability": { "enabled": true, "head_sampling_rate": 0.5 },
        "placement": { "mode": "smart" },
        "logpush": true,
        "annotations": { "workers/message": "m" },
        "usage_model": "standard",
        "migrations": { "new_tag": "v1", "steps": [] },
        "package_dependencies": {}, "code_update_strategy": { "mode": "x", "max_delay": 1 },
    }))
}

async fn prepare(h: &Harness, script: &str) {
    h.namespace("prod").await;
    h.upload(&format!("{A}/workers/scripts/target")).await;
    h.upload_tail(&format!("{A}/workers/scripts/tail")).await;
    h.form(Method::PUT, script, full()).await.ok();
}

pub async fn settings_get(h: &Harness) {
    let script = format!("{NS}/prod/scripts/x");
    prepare(h, &script).await;
    let reply = h.get(&format!("{script}/settings")).await.ok();
    reply.golden("settings_get");
    assert!(!String::from_utf8_lossy(&reply.body).contains("hidden-value"));
}

pub async fn account_settings_get(h: &Harness) {
    let script = format!("{A}/workers/scripts/x");
    prepare(h, &script).await;
    h.get(&format!("{script}/settings")).await.ok().golden("account_settings_get");
}

pub async fn bindings_get(h: &Harness) {
    let script = format!("{NS}/prod/scripts/x");
    prepare(h, &script).await;
    h.get(&format!("{script}/bindings")).await.ok().golden("bindings_get");
}

async fn patch_at(h: &Harness, script: &str) {
    prepare(h, script).await;
    let path = format!("{script}/settings");
    // The TypeScript package.
    let form = Form::new().part(
        "name=\"settings\"; filename=\"settings\"",
        Some("application/json"),
        json!({ "tags": ["silver"], "logpush": false }).to_string(),
    );
    let reply = h.form(Method::PATCH, &path, form).await.ok();
    assert_eq!(reply.result()["tags"], json!(["silver"]));
    assert_eq!(reply.result()["compatibility_flags"], json!(["nodejs_compat"]), "absent fields stay");
    // The Python package; and bindings, which are replaced, with `inherit` to keep a secret.
    let bindings =
        json!([{ "name": "SECRET", "type": "inherit" }, { "name": "NEW", "type": "plain_text", "text": "n" }]);
    let settings = json!({ "bindings": bindings, "limits": { "cpu_ms": 20 } }).to_string();
    let form = Form::new().part("name=\"settings\"", Some("application/json"), settings);
    let reply = h.form(Method::PATCH, &path, form).await.ok();
    assert_eq!(reply.result()["limits"], json!({ "cpu_ms": 20 }));
    let shown = reply.result()["bindings"].as_array().expect("a list").len();
    assert_eq!(shown, 2, "{}", reply.result()["bindings"]);
    // JSON, bare and under a key; null unsets.
    let reply = h.json(Method::PATCH, &path, json!({ "observability": null, "tail_consumers": null })).await.ok();
    assert_eq!(reply.result()["observability"], json!(null));
    let reply = h.json(Method::PATCH, &path, json!({ "settings": { "tags": null } })).await.ok();
    assert_eq!(reply.result()["tags"], json!([]));

    let inherit = json!({ "bindings": [{ "name": "GONE", "type": "inherit" }] });
    h.json(Method::PATCH, &path, inherit).await.refused(400, 10057);
    h.json(Method::PATCH, &path, json!({ "settings": 1 })).await.refused(400, 10026);
    let reply = h.json(Method::PATCH, &path, json!({ "logpush": "yes" })).await.refused(400, 10021);
    assert!(reply.message().contains("settings.logpush"), "{}", reply.message());
    h.form(Method::PATCH, &path, Form::new().module("a.js", "")).await.refused(400, 10026);
    let flat = Form::new().part("name=\"settings[tags][]\"", None, "gold");
    let reply = h.form(Method::PATCH, &path, flat).await.refused(400, 10021);
    assert!(reply.message().contains("release 6"), "{}", reply.message());
}

pub async fn settings_patch(h: &Harness) {
    let script = format!("{NS}/prod/scripts/x");
    patch_at(h, &script).await;
    h.json(Method::PATCH, &format!("{script}/settings"), json!({})).await.ok().golden("settings_patch");
}

pub async fn account_settings_patch(h: &Harness) {
    patch_at(h, &format!("{A}/workers/scripts/x")).await;
}

pub async fn script_settings_get(h: &Harness) {
    let script = format!("{A}/workers/scripts/x");
    prepare(h, &script).await;
    h.get(&format!("{script}/script-settings")).await.ok().golden("script_settings_get");
}

/// As wrangler sends it after each deploy; it makes no version.
pub async fn script_settings_patch(h: &Harness) {
    let script = format!("{A}/workers/scripts/x");
    prepare(h, &script).await;
    let path = format!("{script}/script-settings");
    let body = json!({ "observability": { "enabled": false }, "tags": [] });
    h.json(Method::PATCH, &path, body).await.ok().golden("script_settings_patch");
    let versions = h.get(&format!("{script}/versions")).await.ok();
    assert_eq!(versions.result()["items"].as_array().expect("a list").len(), 1);
    let nine: Vec<String> = (0..9).map(|n| format!("t{n}")).collect();
    h.json(Method::PATCH, &path, json!({ "tags": nine })).await.refused(400, 10021);
}

pub async fn subdomain_get(h: &Harness) {
    h.upload(&format!("{A}/workers/scripts/x")).await;
    let reply = h.get(&format!("{A}/workers/scripts/x/subdomain")).await.ok();
    assert_eq!(*reply.result(), json!({ "enabled": false, "previews_enabled": false }));
}

pub async fn subdomain_set(h: &Harness) {
    h.upload(&format!("{A}/workers/scripts/x")).await;
    let path = format!("{A}/workers/scripts/x/subdomain");
    let reply = h.json(Method::POST, &path, json!({ "enabled": true })).await.ok();
    assert_eq!(*reply.result(), json!({ "enabled": true, "previews_enabled": false }));
    assert_eq!(*h.get(&path).await.ok().result(), *reply.result());
    h.json(Method::POST, &path, json!({ "enabled": "yes" })).await.refused(400, 10026);
}
