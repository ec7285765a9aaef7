//! Secrets (contract §3.6).

use http::Method;
use serde_json::{Value, json};

use crate::harness::{A, Form, Harness, NS};

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

async fn put(h: &Harness, script: &str, name: &str, text: &str) {
    let body = json!({ "name": name, "text": text, "type": "secret_text" });
    let reply = h.json(Method::PUT, &format!("{script}/secrets"), body).await.ok();
    assert_eq!(*reply.result(), json!({ "name": name, "type": "secret_text" }));
}

async fn list_at(h: &Harness, script: &str) {
    assert_eq!(*h.get(&format!("{script}/secrets")).await.ok().result(), json!([]));
    put(h, script, "A", "value-a").await;
    put(h, script, "B", "value-b").await;
    let reply = h.get(&format!("{script}/secrets")).await.ok();
    assert_eq!(
        *reply.result(),
        json!([{ "name": "A", "type": "secret_text" }, { "name": "B", "type": "secret_text" }])
    );
}

pub async fn secret_list(h: &Harness) {
    let script = script(h).await;
    list_at(h, &script).await;
    h.get(&format!("{script}/secrets")).await.ok().golden("secret_list");
}

pub async fn account_secret_list(h: &Harness) {
    let script = own_script(h).await;
    list_at(h, &script).await;
}

async fn put_at(h: &Harness, script: &str) {
    put(h, script, "KEY", "first-value").await;
    put(h, script, "KEY", "second-value").await;
    // An upload without `keep_bindings` keeps secrets; the value is never shown.
    h.upload(script).await;
    for path in ["/settings", "/secrets", "/secrets/KEY"] {
        let reply = h.get(&format!("{script}{path}")).await.ok();
        let text = String::from_utf8(reply.body.to_vec()).expect("text");
        assert!(text.contains("\"KEY\"") && !text.contains("-value"), "{path}: {text}");
    }
    let form = Form::worker(json!({ "keep_bindings": [] }));
    h.form(Method::PUT, script, form).await.ok();
    assert_eq!(*h.get(&format!("{script}/secrets")).await.ok().result(), json!([]));
    let path = format!("{script}/secrets");
    for body in [
        json!({ "text": "x" }),
        json!({ "name": "KEY" }),
        json!({ "name": "not-a-name", "text": "x" }),
        json!({ "name": "KEY", "type": "secret_key", "key_base64": "AA==" }),
    ] {
        h.json(Method::PUT, &path, body).await.refused(400, 10021);
    }
    h.json(Method::PUT, &path, json!("x")).await.refused(400, 10026);
    h.json(Method::PUT, &path, json!({ "name": "BIG", "text": "x".repeat(6000) })).await.refused(400, 10054);
}

pub async fn secret_put(h: &Harness) {
    let script = script(h).await;
    put_at(h, &script).await;
    let form = Form::worker(json!({ "bindings": [{ "name": "VAR", "type": "plain_text", "text": "1" }] }));
    h.form(Method::PUT, &script, form).await.ok();
    let body = json!({ "name": "VAR", "text": "x" });
    h.json(Method::PUT, &format!("{script}/secrets"), body).await.refused(400, 10053);
}

pub async fn account_secret_put(h: &Harness) {
    let script = own_script(h).await;
    put_at(h, &script).await;
}

async fn get_at(h: &Harness, script: &str) {
    put(h, script, "$KEY", "v").await;
    let expected = json!({ "name": "$KEY", "type": "secret_text" });
    for name in ["$KEY", "%24KEY", "%2524KEY?url_encoded=true"] {
        assert_eq!(*h.get(&format!("{script}/secrets/{name}")).await.ok().result(), expected, "{name}");
    }
    h.get(&format!("{script}/secrets/%2524KEY")).await.refused(404, 10056);
    h.get(&format!("{script}/secrets/OTHER")).await.refused(404, 10056);
}

pub async fn secret_get(h: &Harness) {
    let script = script(h).await;
    get_at(h, &script).await;
    h.get(&format!("{script}/secrets/OTHER")).await.golden("secret_not_found");
}

pub async fn account_secret_get(h: &Harness) {
    let script = own_script(h).await;
    get_at(h, &script).await;
}

async fn delete_at(h: &Harness, script: &str) {
    put(h, script, "KEY", "v").await;
    let path = format!("{script}/secrets/KEY");
    assert_eq!(*h.delete(&path).await.ok().result(), Value::Null);
    h.delete(&path).await.refused(404, 10056);
    assert_eq!(*h.get(&format!("{script}/secrets")).await.ok().result(), json!([]));
}

pub async fn secret_delete(h: &Harness) {
    let script = script(h).await;
    delete_at(h, &script).await;
}

pub async fn account_secret_delete(h: &Harness) {
    let script = own_script(h).await;
    delete_at(h, &script).await;
}

async fn bulk_at(h: &Harness, script: &str) {
    put(h, script, "OLD", "v").await;
    put(h, script, "STAYS", "v").await;
    let path = format!("{script}/secrets-bulk");
    let body = json!({ "secrets": { "A": { "name": "A", "text": "1", "type": "secret_text" }, "B": { "text": "2" }, "OLD": null }, "version_tags": {} });
    let reply = h.json(Method::PATCH, &path, body).await.ok();
    let names: Vec<_> = reply.result().as_object().expect("a map").keys().cloned().collect();
    assert_eq!(names, ["A", "B", "STAYS"]);
    // All of it or none.
    let body = json!({ "secrets": { "C": { "text": "1" }, "MISSING": null } });
    h.json(Method::PATCH, &path, body).await.refused(404, 10056);
    let reply = h.json(Method::PATCH, &path, json!({ "secrets": {} })).await.ok();
    assert!(reply.result().get("C").is_none());
    for body in [json!({}), json!({ "secrets": { "A": 1 } }), json!({ "secrets": [] })] {
        h.json(Method::PATCH, &path, body).await.refused(400, 10026);
    }
    h.json(Method::PATCH, &path, json!({ "secrets": { "A": { "name": "B", "text": "1" } } })).await.refused(400, 10021);
}

pub async fn secrets_bulk(h: &Harness) {
    let script = script(h).await;
    bulk_at(h, &script).await;
    h.json(Method::PATCH, &format!("{script}/secrets-bulk"), json!({ "secrets": {} }))
        .await
        .ok()
        .golden("secrets_bulk");
}

pub async fn account_secrets_bulk(h: &Harness) {
    let script = own_script(h).await;
    bulk_at(h, &script).await;
}
