//! Whom `tail_consumers` may name, and that what is named stays.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{A, Form, Harness, NS};

fn worker(name: &str) -> String {
    format!("{A}/workers/scripts/{name}")
}

#[tokio::test]
async fn a_consumer_is_there_and_has_a_tail_handler() {
    let h = Harness::with_scripts(&["shop", "quiet"]).await;
    h.upload_tail(&worker("logs")).await;
    h.upload_tail(&format!("{NS}/prod/scripts/inner")).await;
    h.upload(&worker("quiet")).await;
    let shop = format!("{NS}/prod/scripts/shop");
    let consumers = |consumers: Value| json!({ "tail_consumers": consumers });
    for good in [
        json!([{ "service": "logs" }]),
        json!([{ "service": "logs", "environment": "production" }, { "service": "inner", "namespace": "prod" }]),
        // Itself, which has no tail handler now.
        json!([{ "service": "shop", "namespace": "prod" }]),
        json!([]),
        Value::Null,
    ] {
        h.form(Method::PUT, &shop, Form::worker(consumers(good.clone()))).await.ok();
        let kept = h.get(&format!("{shop}/settings")).await.ok().result()["tail_consumers"].clone();
        assert_eq!(kept, good);
    }
    h.form(Method::PUT, &shop, Form::worker(consumers(json!([{ "service": "logs" }])))).await.ok();
    let eleven: Vec<_> = (0..11).map(|_| json!({ "service": "logs" })).collect();
    for (bad, code, part) in [
        (json!([{ "service": "nobody" }]), 10203, "Tail Worker nobody does not exist on this account."),
        // Another scope's names.
        (json!([{ "service": "inner" }]), 10203, "inner"),
        (json!([{ "service": "logs", "namespace": "prod" }]), 10203, "prod/logs"),
        (json!([{ "service": "logs", "namespace": "nowhere" }]), 10203, "nowhere/logs"),
        (json!([{ "service": "logs" }, { "service": "quiet" }]), 10021, "quiet in tail_consumers has no tail handler"),
        (json!([{ "service": "a b" }]), 10021, "tail_consumers"),
        (json!([{ "service": "logs", "namespace": 1 }]), 10021, "tail_consumers"),
        (json!(eleven), 10021, "at most 10"),
    ] {
        let reply = h.form(Method::PUT, &shop, Form::worker(consumers(bad.clone()))).await.refused(400, code);
        assert!(reply.message().contains(part), "{bad}: {}", reply.message());
        let reply = h.json(Method::PATCH, &format!("{shop}/settings"), consumers(bad.clone())).await.refused(400, code);
        assert!(reply.message().contains(part), "{bad}: {}", reply.message());
    }
    let quiet = format!("{}/script-settings", worker("quiet"));
    h.json(Method::PATCH, &quiet, consumers(json!([{ "service": "x" }]))).await.refused(400, 10203);
    // Refused, they are as they were; other changes do not look at them again.
    h.delete(&format!("{}?force=true", worker("logs"))).await.ok();
    let kept = h.json(Method::PATCH, &format!("{shop}/settings"), json!({ "tags": ["gold"] })).await.ok();
    assert_eq!(kept.result()["tail_consumers"], json!([{ "service": "logs" }]));
}

#[tokio::test]
async fn a_narrow_token_names_nobody_beyond_its_scope() {
    let h = Harness::with_scripts(&["shop"]).await;
    h.upload_tail(&worker("logs")).await;
    h.upload_tail(&format!("{NS}/prod/scripts/inner")).await;
    let settings = format!("{NS}/prod/scripts/shop/settings");
    let of_script = json!({ "name": "s", "access": "write", "scope": "script", "namespace": "prod", "script": "shop" });
    let of_namespace = json!({ "name": "n", "access": "write", "scope": "namespace", "namespace": "prod" });
    let (_, script) = h.token(of_script).await;
    let (_, namespace) = h.token(of_namespace).await;
    let (logs, inner) = (json!([{ "service": "logs" }]), json!([{ "service": "inner", "namespace": "prod" }]));
    for (token, consumers, allowed) in
        [(&script, &logs, false), (&script, &inner, false), (&namespace, &logs, false), (&namespace, &inner, true)]
    {
        let reply = h.by(token, "PATCH", &settings, json!({ "tail_consumers": consumers })).await;
        if allowed {
            reply.ok()
        } else {
            reply.refused(400, 10203)
        };
    }
}

#[tokio::test]
async fn a_consumer_that_others_name_is_not_deleted() {
    let h = Harness::with_scripts(&["shop"]).await;
    h.upload_tail(&worker("logs")).await;
    let settings = format!("{NS}/prod/scripts/shop/settings");
    h.json(Method::PATCH, &settings, json!({ "tail_consumers": [{ "service": "logs" }] })).await.ok();
    let reply = h.delete(&worker("logs")).await.refused(409, 10064);
    assert!(reply.message().contains("prod/shop (tail consumer)"), "{}", reply.message());
    h.json(Method::PATCH, &settings, json!({ "tail_consumers": null })).await.ok();
    h.delete(&worker("logs")).await.ok();
}
