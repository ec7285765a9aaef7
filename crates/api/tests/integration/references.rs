//! Who needs a Worker; and that what is needed goes by force alone.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{A, Form, Harness, NS};

/// `api`, which a dispatcher calls, sends through and tells; and a tenant calls.
async fn world(h: &Harness) {
    h.namespace("prod").await;
    h.upload_tail(&format!("{A}/workers/scripts/api")).await;
    let dispatcher = json!({
        "bindings": [
            { "name": "API", "type": "service", "service": "api" },
            { "name": "D", "type": "dispatch_namespace", "namespace": "prod", "outbound": { "worker": { "service": "api" } } },
        ],
        "tail_consumers": [{ "service": "api" }],
    });
    h.form(Method::PUT, &format!("{A}/workers/scripts/dispatcher"), Form::worker(dispatcher)).await.ok();
    let tenant = json!({ "bindings": [{ "name": "API", "type": "service", "service": "api" }] });
    h.form(Method::PUT, &format!("{NS}/prod/scripts/shop"), Form::worker(tenant)).await.ok();
}

pub async fn reference_list(h: &Harness) {
    world(h).await;
    let path = |script: &str| format!("{A}/workers/scripts/{script}/references");
    h.get(&path("api")).await.ok().golden("reference_list");
    let own = h.get(&path("dispatcher")).await.ok();
    let outgoing = json!([{ "name": "API", "service": "api", "environment": "production" }]);
    assert_eq!(own.result()["services"], json!({ "incoming": [], "outgoing": outgoing, "pages_function": false }));
    assert_eq!(own.result()["dispatch_outbounds"], json!([]));
    h.get(&path("nobody")).await.refused(404, 10007);
}

pub async fn tail_producer_list(h: &Harness) {
    world(h).await;
    let path = |script: &str| format!("{A}/workers/tails/by-consumer/{script}");
    let producer = json!({ "service": "dispatcher", "environment": "production" });
    let consumer = json!({ "service": "api", "environment": "production" });
    let expected = json!([{ "consumer": consumer, "producer": producer }]);
    assert_eq!(*h.get(&path("api")).await.ok().result(), expected);
    assert_eq!(*h.get(&path("dispatcher")).await.ok().result(), json!([]));
    h.get(&path("nobody")).await.refused(404, 10007);
}

#[tokio::test]
async fn what_others_need_is_deleted_by_force_alone() {
    let h = Harness::new().await;
    world(&h).await;
    let (script, service) = (format!("{A}/workers/scripts/api"), format!("{A}/workers/services/api"));
    for path in [&script, &service] {
        for query in ["", "?force=false"] {
            let refused = h.delete(&format!("{path}{query}")).await.refused(409, 10064);
            for user in ["dispatcher (service binding API)", "binding D", "(tail consumer)", "prod/shop"] {
                assert!(refused.message().contains(user), "{}", refused.message());
            }
        }
        h.delete(&format!("{path}?force=maybe")).await.refused(400, 10026);
    }
    h.get(&format!("{script}/settings")).await.ok();
    h.delete(&format!("{service}?force=true")).await.ok();
    h.get(&format!("{script}/settings")).await.refused(404, 10007);

    // Nobody needs what is left: a dispatcher finds its tenants by name.
    h.delete(&format!("{NS}/prod/scripts/shop")).await.ok();
    h.delete(&format!("{A}/workers/scripts/dispatcher")).await.ok();
}

#[tokio::test]
async fn a_refusal_names_some_of_many() {
    let h = Harness::new().await;
    h.namespace("prod").await;
    h.upload(&format!("{A}/workers/scripts/api")).await;
    let bound = json!({ "bindings": [{ "name": "API", "type": "service", "service": "api" }] });
    for n in 10..22 {
        h.form(Method::PUT, &format!("{NS}/prod/scripts/s{n}"), Form::worker(bound.clone())).await.ok();
    }
    let refused = h.delete(&format!("{A}/workers/scripts/api")).await.refused(409, 10064);
    let message = refused.message();
    assert!(message.contains("prod/s10 (") && message.contains("prod/s19 (") && message.contains("and others"));
    assert!(!message.contains("prod/s20"), "{message}");
    // They let go of it one by one.
    for n in 10..22 {
        h.form(Method::PUT, &format!("{NS}/prod/scripts/s{n}"), Form::worker(json!({}))).await.ok();
    }
    h.delete(&format!("{A}/workers/scripts/api")).await.ok();
}

/// A token of the script alone may delete it, and learns nothing of the others.
#[tokio::test]
async fn a_scripts_token_is_not_told_who_needs_it() {
    let h = Harness::new().await;
    world(&h).await;
    let body = json!({ "name": "own", "access": "write", "scope": "script", "script": "api" });
    let (_, token) = h.token(body).await;
    let shown = h.by(&token, "GET", &format!("{A}/workers/scripts/api/references"), Value::Null).await.ok();
    assert_eq!(shown.result()["services"]["incoming"], json!([]));
    let tails = h.by(&token, "GET", &format!("{A}/workers/tails/by-consumer/api"), Value::Null).await.ok();
    assert_eq!(*tails.result(), json!([]));
    let path = format!("{A}/workers/scripts/api");
    let refused = h.by(&token, "DELETE", &path, Value::Null).await.refused(409, 10064);
    assert!(!refused.message().contains("dispatcher") && !refused.message().contains("shop"), "{}", refused.message());
    h.by(&token, "DELETE", &format!("{path}?force=true"), Value::Null).await.ok();
}
