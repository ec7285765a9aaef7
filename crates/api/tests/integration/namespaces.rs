//! Dispatch namespaces (contract §2).

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Harness, NS};

pub async fn namespace_list(h: &Harness) {
    h.get(NS).await.ok().golden("namespace_list_empty");
    for name in ["b", "a", "C"] {
        h.namespace(name).await;
    }
    let reply = h.get(&format!("{NS}?page=1")).await.ok();
    reply.golden("namespace_list");
    let info = &reply.json["result_info"];
    // wrangler asks for another page while page * per_page < total_count.
    let number = |name: &str| info[name].as_u64().expect("a number");
    assert!(number("page") * number("per_page") >= number("total_count"));
    assert_eq!(*h.get(&format!("{NS}?page=2")).await.ok().result(), json!([]));
}

pub async fn namespace_create(h: &Harness) {
    h.json(Method::POST, NS, json!({ "name": "prod", "unknown": 1 })).await.ok().golden("namespace_create");
    h.json(Method::POST, NS, json!({ "name": "prod" })).await.refused(409, 100_120).golden("namespace_exists");
    for body in
        [json!({}), json!({ "name": "" }), json!({ "name": "a.b" }), json!({ "name": 7 }), json!({ "name": null })]
    {
        let reply = h.json(Method::POST, NS, body.clone()).await.refused(400, 10016);
        assert!(reply.message().contains("namespace name"), "{body}: {}", reply.message());
    }
    h.json(Method::POST, NS, json!([1])).await.refused(400, 10026);
}

pub async fn namespace_get(h: &Harness) {
    h.namespace("prod").await;
    h.get(&format!("{NS}/prod")).await.ok().golden("namespace_get");
    h.get(&format!("{NS}/other")).await.refused(404, 100_119).golden("namespace_not_found");
    for script in ["one", "two"] {
        h.upload(&format!("{NS}/prod/scripts/{script}")).await;
    }
    assert_eq!(h.get(&format!("{NS}/prod")).await.ok().result()["script_count"], json!(2));
}

/// wrangler's rename: the scripts move along, the old name is gone.
pub async fn namespace_put(h: &Harness) {
    h.namespace("prod").await;
    h.json(Method::PUT, &format!("{NS}/prod"), json!({ "trusted_workers": true })).await.ok();
    h.upload(&format!("{NS}/prod/scripts/one")).await;
    let reply = h.json(Method::PUT, &format!("{NS}/prod"), json!({ "name": "live" })).await.ok();
    reply.golden("namespace_put");
    assert_eq!(reply.result()["trusted_workers"], json!(true), "an absent field stays");
    h.get(&format!("{NS}/prod")).await.refused(404, 100_119);
    h.get(&format!("{NS}/live/scripts/one")).await.ok();
    h.namespace("prod").await;
    h.json(Method::PUT, &format!("{NS}/live"), json!({ "name": "prod" })).await.refused(409, 100_120);
    h.json(Method::PUT, &format!("{NS}/live"), json!({ "name": "live" })).await.ok();
}

pub async fn namespace_patch(h: &Harness) {
    h.namespace("prod").await;
    let patched = h.json(Method::PATCH, &format!("{NS}/prod"), json!({ "trusted_workers": true })).await.ok();
    patched.golden("namespace_patch");
    h.json(Method::PATCH, &format!("{NS}/prod"), json!({ "trusted_workers": "yes" })).await.refused(400, 10026);
    let same = h.json(Method::PATCH, &format!("{NS}/prod"), json!({})).await.ok();
    assert_eq!(same.result()["trusted_workers"], json!(true));
}

pub async fn namespace_delete(h: &Harness) {
    h.namespace("prod").await;
    h.upload(&format!("{NS}/prod/scripts/one")).await;
    let reply = h.delete(&format!("{NS}/prod")).await.ok();
    reply.golden("namespace_delete");
    assert_eq!(*reply.result(), Value::Null);
    h.delete(&format!("{NS}/prod")).await.refused(404, 100_119);
    h.namespace("prod").await;
    h.get(&format!("{NS}/prod/scripts/one")).await.refused(404, 10092);
}
