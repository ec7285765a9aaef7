//! Our plans of scripts, namespaces and tokens: who may set them, and which there are.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{A, ADMIN, Harness, NS};

async fn get(h: &Harness, path: &str) {
    assert_eq!(h.get(path).await.ok().result(), &json!({ "plan": null }));
}

async fn put(h: &Harness, path: &str, narrow: Value) {
    let set = h.json(Method::PUT, path, json!({ "plan": "gold" })).await.ok();
    assert_eq!(set.result(), &json!({ "plan": "gold" }));
    assert_eq!(h.get(path).await.ok().result(), &json!({ "plan": "gold" }));
    let refused = h.json(Method::PUT, path, json!({ "plan": "platinum" })).await.refused(400, 10021);
    assert!(refused.message().contains("[plan.platinum]"), "{}", refused.message());
    h.json(Method::PUT, path, json!({ "plan": "a b" })).await.refused(400, 10016);
    h.json(Method::PUT, path, json!({ "plan": 1 })).await.refused(400, 10026);
    // Who may deploy a script may not lift its limits, but may see them.
    let (_, token) = h.token(narrow).await;
    h.by(&token, "PUT", path, json!({ "plan": "gold" })).await.refused(403, 10000);
    assert_eq!(h.by(&token, "GET", path, Value::Null).await.ok().result()["plan"], "gold");
    assert_eq!(h.json(Method::PUT, path, json!({ "plan": null })).await.ok().result(), &json!({ "plan": null }));
}

fn narrow(namespace: Option<&str>) -> Value {
    json!({ "name": "n", "access": "write", "scope": "script", "namespace": namespace, "script": "planned" })
}

pub async fn get_namespaced(h: &Harness) {
    h.namespace("plans-get").await;
    h.upload(&format!("{NS}/plans-get/scripts/planned")).await;
    get(h, &format!("/switchyard{A}/namespaces/plans-get/scripts/planned/plan")).await;
}

pub async fn put_namespaced(h: &Harness) {
    h.namespace("plans-put").await;
    h.upload(&format!("{NS}/plans-put/scripts/planned")).await;
    let path = format!("/switchyard{A}/namespaces/plans-put/scripts/planned/plan");
    put(h, &path, narrow(Some("plans-put"))).await;
}

pub async fn get_account(h: &Harness) {
    h.upload(&format!("{A}/workers/scripts/planned-get")).await;
    get(h, &format!("/switchyard{A}/scripts/planned-get/plan")).await;
}

pub async fn put_account(h: &Harness) {
    h.upload(&format!("{A}/workers/scripts/planned")).await;
    put(h, &format!("/switchyard{A}/scripts/planned/plan"), narrow(None)).await;
}

#[tokio::test]
async fn a_tokens_plan_holds_for_what_it_deploys() {
    let h = Harness::with_scripts(&["old"]).await;
    let token = json!({ "name": "free", "access": "write", "scope": "namespace", "namespace": "prod", "plan": "free" });
    let (id, text) = h.token(token.clone()).await;
    let listed = h.by(ADMIN, "GET", &format!("/switchyard{A}/tokens"), Value::Null).await.ok();
    let own = listed.result().as_array().expect("a list").iter().find(|row| row["id"] == id.as_str());
    assert_eq!(own.expect("the token is listed")["plan"], "free");
    let plan = |name: &str| format!("/switchyard{A}/namespaces/prod/scripts/{name}/plan");
    for name in ["old", "new"] {
        let (kind, body) = crate::harness::Form::worker(json!({})).finish();
        let request = http::Request::put(format!("/client/v4{NS}/prod/scripts/{name}"))
            .header("authorization", format!("Bearer {text}"))
            .header("content-type", kind)
            .body(http_body_util::Full::new(body));
        h.send(request.expect("a request")).await.ok();
        assert_eq!(h.get(&plan(name)).await.ok().result()["plan"], "free");
    }
    // A later upload by a token without a plan leaves it.
    h.upload(&format!("{NS}/prod/scripts/new")).await;
    assert_eq!(h.get(&plan("new")).await.ok().result()["plan"], "free");
    let mut unknown = token;
    unknown["plan"] = "platinum".into();
    h.by(ADMIN, "POST", &format!("/switchyard{A}/tokens"), unknown).await.refused(400, 10021);
}

#[tokio::test]
async fn a_namespace_has_a_plan_in_its_settings() {
    let h = Harness::with_scripts(&[]).await;
    let path = format!("/switchyard{A}/namespaces/prod/settings");
    assert_eq!(h.get(&path).await.ok().result()["plan"], Value::Null);
    assert_eq!(h.json(Method::PUT, &path, json!({ "plan": "gold" })).await.ok().result()["plan"], "gold");
    assert_eq!(h.get(&path).await.ok().result()["plan"], "gold");
    h.json(Method::PUT, &path, json!({ "plan": "platinum" })).await.refused(400, 10021);
    assert_eq!(h.json(Method::PUT, &path, json!({})).await.ok().result()["plan"], Value::Null);
}
