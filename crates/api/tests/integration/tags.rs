//! Tags (contract §3.7).

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::harness::{Harness, NS};

async fn script(h: &Harness) -> String {
    h.namespace("prod").await;
    let path = format!("{NS}/prod/scripts/x");
    h.upload(&path).await;
    format!("{path}/tags")
}

pub async fn tag_list(h: &Harness) {
    let path = script(h).await;
    assert_eq!(*h.get(&path).await.ok().result(), json!([]));
    h.json(Method::PUT, &path, json!(["b", "a"])).await.ok();
    h.get(&path).await.ok().golden("tag_list");
}

pub async fn tags_put(h: &Harness) {
    let path = script(h).await;
    let eight: Vec<String> = (0..8).map(|n| format!("t{n}")).collect();
    let reply = h.json(Method::PUT, &path, json!(eight)).await.ok();
    assert_eq!(*reply.result(), json!(eight));
    // An upload that says nothing of tags keeps them.
    h.upload(&format!("{NS}/prod/scripts/x")).await;
    assert_eq!(*h.get(&path).await.ok().result(), json!(eight));
    let nine: Vec<String> = (0..9).map(|n| format!("t{n}")).collect();
    h.json(Method::PUT, &path, json!(nine)).await.refused(400, 10021).golden("too_many_tags");
    for tags in [json!([""]), json!(["a,b"]), json!(["x".repeat(300)])] {
        h.json(Method::PUT, &path, tags).await.refused(400, 10021);
    }
    h.json(Method::PUT, &path, json!({ "tags": [] })).await.refused(400, 10026);
    assert_eq!(*h.json(Method::PUT, &path, Value::Null).await.ok().result(), json!([]));
}

/// The SDKs send an empty body that claims to be JSON.
pub async fn tag_add(h: &Harness) {
    let path = script(h).await;
    for _ in 0..2 {
        let reply = h.raw(Method::PUT, &format!("{path}/a%3Ab"), "application/json", Bytes::new()).await.ok();
        assert_eq!(*reply.result(), Value::Null);
    }
    assert_eq!(*h.get(&path).await.ok().result(), json!(["a:b"]));
    h.raw(Method::PUT, &format!("{path}/a%2Cb"), "application/json", Bytes::new()).await.refused(400, 10021);
    for n in 0..7 {
        h.raw(Method::PUT, &format!("{path}/t{n}"), "application/json", Bytes::new()).await.ok();
    }
    h.raw(Method::PUT, &format!("{path}/ninth"), "application/json", Bytes::new()).await.refused(400, 10021);
}

pub async fn tag_delete(h: &Harness) {
    let path = script(h).await;
    h.json(Method::PUT, &path, json!(["a", "b"])).await.ok();
    assert_eq!(*h.delete(&format!("{path}/a")).await.ok().result(), Value::Null);
    assert_eq!(*h.get(&path).await.ok().result(), json!(["b"]));
    h.delete(&format!("{path}/a")).await.refused(404, 10007).golden("tag_not_found");
    h.delete(&format!("{path}/a%2Cb")).await.refused(404, 10007);
}
