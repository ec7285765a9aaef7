//! Scripts that are an origin instead of code: how they are set and shown, and what is refused.

use http::{Method, Request, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::harness::{A, Form, Harness, NS, Reply};

const X: &str = "/accounts/0123456789abcdef0123456789abcdef/workers/dispatch/namespaces/prod/scripts/x";

fn one() -> Value {
    json!({ "origins": [{ "url": "http://10.0.0.1:3000" }] })
}

async fn harness() -> Harness {
    let h = Harness::new().await;
    h.namespace("prod").await;
    h
}

/// An upload of nothing but metadata.
async fn put(h: &Harness, path: &str, metadata: Value) -> Reply {
    h.form(Method::PUT, path, Form::new().part("name=\"metadata\"", None, metadata.to_string())).await
}

async fn set(h: &Harness, upstream: Value) -> Reply {
    put(h, X, json!({ "upstream": upstream })).await
}

#[tokio::test]
async fn an_upstream_is_uploaded_shown_and_listed() {
    let h = harness().await;
    let full = json!({
        "origins": [{ "url": "HTTP://10.0.0.1:3000/", "weight": 2 }, { "url": "https://a.example:443" }],
        "host": "origin", "protocol": "http2",
        "health": { "path": "/up" },
        "connect_timeout_ms": 100, "head_timeout_ms": 200, "idle_timeout_ms": 300, "retries": 0,
    });
    let uploaded = set(&h, full).await.ok();
    uploaded.golden("upstream_upload");
    h.get(X).await.ok().golden("upstream_get");
    let listed = h.get(&format!("{NS}/prod/scripts")).await.ok();
    assert_eq!(listed.result()[0]["upstream"], uploaded.result()["upstream"]);
    let id = h.get(&format!("{X}/versions")).await.ok().result()["items"][0]["id"].as_str().expect("an id").to_owned();
    h.get(&format!("{X}/versions/{id}")).await.ok().golden("upstream_version");
    // What was left out is the node's, and not shown.
    let plain = set(&h, one()).await.ok();
    assert_eq!(
        plain.result()["upstream"],
        json!({ "origins": [{ "url": "http://10.0.0.1:3000", "weight": 1 }], "host": "keep", "protocol": "http1" })
    );
    // The account's own likewise, and as JSON alone.
    let path = format!("{A}/workers/scripts/own");
    let own = h.json(Method::PUT, &path, json!({ "metadata": { "upstream": one() } })).await.ok();
    assert_eq!(own.result()["upstream"], plain.result()["upstream"]);
}

#[tokio::test]
async fn a_version_has_code_or_an_origin() {
    let h = harness().await;
    h.form(Method::PUT, X, Form::worker(json!({ "bindings": [{ "type": "secret_text", "name": "S", "text": "s" }] })))
        .await
        .ok();
    let code = h.get(X).await.ok();
    assert!(code.result().get("upstream").is_none());
    let upstream = set(&h, one()).await.ok();
    assert_eq!((&upstream.result()["has_modules"], &upstream.result()["handlers"]), (&json!(false), &json!(["fetch"])));
    assert_ne!(upstream.result()["etag"], code.result()["etag"]);
    // Nothing said of it: it stays, through uploads, settings and secrets; and secrets stay for a version with code.
    let kept = put(&h, X, json!({ "tags": ["a"] })).await.ok();
    assert_eq!(kept.result()["upstream"], upstream.result()["upstream"]);
    assert_eq!(kept.result()["etag"], upstream.result()["etag"]);
    h.json(Method::PATCH, &format!("{X}/settings"), json!({ "compatibility_date": "2025-02-01" })).await.ok();
    h.json(Method::PUT, &format!("{X}/secrets"), json!({ "name": "T", "text": "t" })).await.ok();
    assert_eq!(h.get(X).await.ok().result()["upstream"], upstream.result()["upstream"]);
    // A version that is not deployed changes nothing.
    let other = json!({ "upstream": { "origins": [{ "url": "http://10.0.0.2" }] } });
    let form = Form::new().part("name=\"metadata\"", None, other.to_string());
    let made = h.form(Method::POST, &format!("{X}/versions"), form).await.ok();
    assert_eq!(made.result()["upstream"]["origins"][0]["url"], "http://10.0.0.2");
    assert_eq!(h.get(X).await.ok().result()["upstream"], upstream.result()["upstream"]);
    let back = h.form(Method::PUT, X, Form::worker(json!({}))).await.ok();
    assert!(back.result().get("upstream").is_none() && back.result()["has_modules"] == true);
    let secrets = h.get(&format!("{X}/secrets")).await.ok();
    assert_eq!(secrets.result().as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn what_an_origin_cannot_have_is_refused() {
    let h = harness().await;
    let refused = async |metadata: Value, form: Form, why: &str| {
        let form = form.part("name=\"metadata\"", None, metadata.to_string());
        let reply = h.form(Method::PUT, X, form).await.refused(400, 10021);
        assert!(reply.message().contains(why), "{}", reply.message());
    };
    let module = || Form::new().module("index.js", "export default {}");
    let both = "either modules with main_module or an upstream";
    refused(json!({ "main_module": "index.js", "upstream": one() }), module(), both).await;
    refused(json!({ "main_module": "index.js", "upstream": one() }), Form::new(), both).await;
    refused(json!({ "upstream": one() }), module(), "neither main_module nor body_part").await;
    let bindings = json!([{ "type": "plain_text", "name": "A", "text": "a" }]);
    refused(json!({ "upstream": one(), "bindings": bindings }), Form::new(), "an upstream has no bindings").await;
    refused(json!({ "upstream": one(), "assets": {} }), Form::new(), "an upstream has no assets").await;
    refused(json!({ "upstream": one(), "keep_assets": true }), Form::new(), "an upstream has no assets").await;
    h.get(X).await.refused(404, 10092);
    set(&h, one()).await.ok();
    let patch = h.json(Method::PATCH, &format!("{X}/settings"), json!({ "bindings": bindings })).await;
    assert!(patch.refused(400, 10021).message().contains("an upstream has no bindings"));
}

#[tokio::test]
async fn each_field_is_held_to_its_rule() {
    let h = harness().await;
    let origins = |count: usize| -> Value {
        (0..count).map(|n| json!({ "url": format!("http://10.0.0.{n}") })).collect::<Vec<_>>().into()
    };
    for (upstream, why, pointer) in [
        (json!([]), "invalid type", "/upstream"),
        (json!({}), "missing field `origins`", "/upstream"),
        (json!({ "origins": [] }), "1 to 16 entries", ""),
        (json!({ "origins": origins(17) }), "1 to 16 entries", ""),
        (json!({ "origins": origins(1_000) }), "1 to 16 entries", ""),
        (json!({ "origins": ["http://10.0.0.1"] }), "invalid type", "/upstream/origins/0"),
        (json!({ "origins": [{ "url": "10.0.0.1:80" }] }), "is not a URL", "/upstream/origins/0"),
        (json!({ "origins": [{ "url": "http://10.0.0.1/x" }] }), "paths are the client's", "/upstream/origins/0"),
        (json!({ "origins": [{ "url": "http://10.0.0.1", "weight": 0 }] }), "within 1 to 1000", "/upstream/origins/0"),
        (json!({ "origins": [{ "url": "http://10.0.0.1", "weigth": 1 }] }), "unknown field", "/upstream/origins/0"),
        (json!({ "origins": origins(1), "timeout": 1 }), "unknown field `timeout`", "/upstream"),
        (json!({ "origins": origins(1), "host": "x" }), "unknown variant", "/upstream/host"),
        (json!({ "origins": origins(1), "retries": 6 }), "upstream.retries is not within 0 to 5", ""),
        (json!({ "origins": origins(1), "retries": -1 }), "invalid value", "/upstream/retries"),
        (json!({ "origins": origins(1), "head_timeout_ms": 0 }), "head_timeout_ms is not within 1 to 600000", ""),
        (json!({ "origins": origins(1), "health": { "path": "up" } }), "is not a path", ""),
        (json!({ "origins": origins(1), "health": { "path": "/", "interval_ms": 999 } }), "within 1000 to", ""),
        (json!({ "origins": [{ "url": "http://192.168.0.1" }] }), "is not for anybody", ""),
    ] {
        let reply = set(&h, upstream.clone()).await.refused(400, 10021);
        assert!(reply.message().contains(why), "{upstream}: {}", reply.message());
        let at = reply.json["errors"][0]["source"]["pointer"].as_str().unwrap_or_default();
        let near = at.starts_with(pointer) || at.is_empty() && pointer.is_empty();
        assert!(near, "{upstream}: {at}");
    }
    h.get(X).await.refused(404, 10092);
    for upstream in [
        json!({ "origins": origins(16), "retries": 5, "head_timeout_ms": 600_000 }),
        json!({ "origins": [{ "url": "http://10.0.0.1", "weight": 1_000 }], "host": null, "health": null }),
        json!({ "origins": origins(1), "health": { "path": "/", "interval_ms": 1_000, "timeout_ms": 1_000 } }),
    ] {
        set(&h, upstream).await.ok();
    }
}

#[tokio::test]
async fn a_token_of_less_than_the_account_sets_public_origins_alone() {
    let h = harness().await;
    let scope = json!({ "name": "t", "access": "write", "scope": "namespace", "namespace": "prod" });
    let (_, token) = h.token(scope).await;
    let by = async |upstream: Value| {
        let request = Request::put(format!("/client/v4{X}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json");
        let body = json!({ "metadata": { "upstream": upstream } }).to_string();
        h.send(request.body(Full::new(body.into())).expect("a request")).await
    };
    let reply = by(one()).await;
    assert!(reply.refused(400, 10021).message().contains("is not for this token"));
    by(json!({ "origins": [{ "url": "http://a.example" }] })).await.ok();
}
