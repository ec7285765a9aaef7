//! Each limit of the API on both sides of its line; and errors that name the field.

use http::Method;
use serde_json::{Value, json};
use switchyard_api::ApiConfig;

use crate::harness::{A, Form, Harness, NS, Reply};

async fn put(h: &Harness, name: &str, more: Value) -> Reply {
    h.form(Method::PUT, &format!("{NS}/prod/scripts/{name}"), Form::worker(more)).await
}

fn variables(count: usize) -> Value {
    let one = |n| json!({ "type": "plain_text", "name": format!("V{n}"), "text": "x" });
    json!({ "bindings": (0..count).map(one).collect::<Vec<_>>() })
}

fn sized(kind: &str, bytes: usize) -> Value {
    json!({ "bindings": [{ "type": kind, "name": "V", "text": "x".repeat(bytes) }] })
}

#[tokio::test]
async fn variables_are_128_of_5_kib() {
    let h = Harness::with_scripts(&[]).await;
    put(&h, "a", variables(128)).await.ok();
    put(&h, "a", variables(129)).await.refused(400, 10055);
    for kind in ["plain_text", "secret_text"] {
        put(&h, kind, sized(kind, 5 << 10)).await.ok();
        put(&h, kind, sized(kind, (5 << 10) + 1)).await.refused(400, 10054);
    }
    // The 129th as a secret of its own; one that is too long.
    let secrets = format!("{NS}/prod/scripts/a/secrets");
    let secret = |name: &str, bytes: usize| json!({ "name": name, "text": "x".repeat(bytes) });
    h.json(Method::PUT, &secrets, secret("S", 1)).await.refused(400, 10055);
    let secrets = format!("{NS}/prod/scripts/plain_text/secrets");
    h.json(Method::PUT, &secrets, secret("S", 5 << 10)).await.ok();
    h.json(Method::PUT, &secrets, secret("T", (5 << 10) + 1)).await.refused(400, 10054);
}

#[tokio::test]
async fn tags_are_eight_of_256_characters() {
    let h = Harness::with_scripts(&[]).await;
    let tags = |count: usize| json!({ "tags": (0..count).map(|n| format!("t{n}")).collect::<Vec<_>>() });
    put(&h, "a", tags(8)).await.ok();
    put(&h, "a", tags(9)).await.refused(400, 10021);
    let path = format!("{NS}/prod/scripts/a/tags");
    h.json(Method::PUT, &path, tags(9)["tags"].clone()).await.refused(400, 10021);
    h.json(Method::PUT, &format!("{path}/ninth"), Value::Null).await.refused(400, 10021);
    h.json(Method::PUT, &path, json!(["ü".repeat(256)])).await.ok();
    h.json(Method::PUT, &path, json!(["x".repeat(257)])).await.refused(400, 10021);
}

#[tokio::test]
async fn names_have_their_lengths() {
    let h = Harness::with_scripts(&[]).await;
    h.json(Method::POST, NS, json!({ "name": "n".repeat(64) })).await.ok();
    h.json(Method::POST, NS, json!({ "name": "n".repeat(65) })).await.refused(400, 10016);
    put(&h, &"s".repeat(255), json!({})).await.ok();
    put(&h, &"s".repeat(256), json!({})).await.refused(400, 10016);
    let binding =
        |bytes: usize| json!({ "bindings": [{ "type": "plain_text", "name": "b".repeat(bytes), "text": "" }] });
    put(&h, "a", binding(255)).await.ok();
    put(&h, "a", binding(256)).await.refused(400, 10021);
    for (bytes, fits) in [(255, true), (256, false)] {
        let form = Form::worker(json!({})).module(&"m".repeat(bytes), "export {}");
        let reply = h.form(Method::PUT, &format!("{NS}/prod/scripts/b"), form).await;
        if fits {
            reply.ok()
        } else {
            reply.refused(400, 10021)
        };
    }
}

#[tokio::test]
async fn metadata_and_parts_have_their_caps() {
    let h = Harness::with(ApiConfig { max_parts: 5, max_json_bytes: 2_000, ..ApiConfig::default() }).await;
    h.namespace("prod").await;
    let path = format!("{NS}/prod/scripts/a");
    let padded = |bytes: usize| {
        let empty = json!({ "main_module": "index.js", "x": "" }).to_string().len();
        let metadata = json!({ "main_module": "index.js", "x": "x".repeat(bytes - empty) }).to_string();
        let form = Form::new().part("name=\"metadata\"", None, metadata).module("index.js", "export default {}");
        h.form(Method::PUT, &path, form)
    };
    padded(2_000).await.ok();
    padded(2_001).await.refused(400, 10026);
    let parts = |count: usize| {
        let form = (2..count).fold(Form::worker(json!({})), |form, n| form.module(&format!("m{n}.js"), "export {}"));
        h.form(Method::PUT, &path, form)
    };
    parts(5).await.ok();
    parts(6).await.refused(400, 10021);
    let empty = json!({ "name": "" }).to_string().len();
    let body = |bytes: usize| h.json(Method::POST, NS, json!({ "name": "x".repeat(bytes - empty) }));
    body(2_000).await.refused(400, 10016);
    body(2_001).await.refused(413, 10026);
    assert_eq!((ApiConfig::default().max_parts, ApiConfig::default().max_json_bytes), (200, 1 << 20));
}

/// Parts without end, heads without end, a part's name without end: refused before they fill memory.
#[tokio::test]
async fn multipart_bombs_stop_early() {
    let h = Harness::with(ApiConfig { max_upload_bytes: 1 << 20, ..ApiConfig::default() }).await;
    h.namespace("prod").await;
    let path = format!("{NS}/prod/scripts/a");
    let many = (0..20_000).fold(Form::new(), |form, n| form.part(&format!("name=\"{n}\""), None, ""));
    let long = Form::worker(json!({})).part(&format!("name=\"{}\"", "x".repeat(900_000)), None, "");
    let heads = format!("name=\"a\"\r\n{}", "X-A: b\r\n".repeat(50_000));
    let heads = Form::worker(json!({})).part(heads.trim_end(), None, "");
    for bomb in [many, long, heads] {
        let reply = h.form(Method::PUT, &path, bomb).await;
        assert!(reply.status.is_client_error(), "{}", reply.json);
    }
    h.get(&path).await.refused(404, 10092);
}

#[tokio::test]
async fn filters_and_cursors_can_be_anything() {
    let h = Harness::with_scripts(&["a", "b"]).await;
    let list = format!("{NS}/prod/scripts");
    let filter = |count: usize| (0..count).map(|n| format!("t{n}:no")).collect::<Vec<_>>().join(",");
    h.get(&format!("{list}?tags={}", filter(32))).await.ok();
    h.get(&format!("{list}?tags={}", filter(33))).await.refused(400, 10026);
    // Past the end: nothing, and no further page. `eg` is "z", `YQ` is "a".
    let past = h.get(&format!("{list}?cursor=eg")).await.ok();
    assert_eq!((past.result(), &past.json["result_info"]["cursor"]), (&json!([]), &json!("")));
    let page = h.get(&format!("{NS}?page=2")).await.ok();
    assert_eq!(page.result(), &json!([]));
    assert_eq!(h.get(&format!("{list}?cursor=YQ")).await.ok().result()[0]["id"], "b");
    for wrong in ["0", "-1", "x", "1000001"] {
        h.get(&format!("{NS}?page={wrong}")).await.refused(400, 10026);
    }
    // Not base64, base64 of what is no name, with padding, of bytes that are no text, too long.
    for wrong in ["a", "!!", "YQ==", "YS9i", "_w", &"YWFh".repeat(100)] {
        h.get(&format!("{list}?cursor={wrong}")).await.refused(400, 10026);
    }
}

#[tokio::test]
async fn uploads_wait_for_their_turn_and_are_then_told_to_retry() {
    let config = ApiConfig { max_uploads: 1, body_idle: std::time::Duration::from_millis(50), ..ApiConfig::default() };
    let h = Harness::with(config).await;
    h.namespace("prod").await;
    // Twenty at once through one place: each is answered, none is lost.
    let puts = (0..20).map(|n| {
        let h = &h;
        async move { put(h, &format!("s{n}"), json!({})).await }
    });
    let replies = futures_util::future::join_all(puts).await;
    let done = replies.iter().filter(|reply| reply.status.is_success()).count();
    assert!(done >= 1);
    for reply in replies.into_iter().filter(|reply| !reply.status.is_success()) {
        let reply = reply.refused(429, 10013);
        assert!(reply.headers.contains_key("retry-after"));
    }
    let list = h.get(&format!("{NS}/prod/scripts")).await.ok();
    assert_eq!(list.result().as_array().map(Vec::len), Some(done));
}

#[tokio::test]
async fn a_wrong_field_is_named_by_its_pointer() {
    let h = Harness::with_scripts(&["a"]).await;
    let script = format!("{NS}/prod/scripts/a");
    let own = format!("/switchyard{A}");
    let settings = format!("{own}/namespaces/prod/settings");
    let versions = json!({ "versions": [{ "version_id": "x" }, 1] });
    for (method, path, body, pointer) in [
        (Method::PUT, settings.clone(), json!({ "limits": { "cpu_ms": "x" } }), "/limits/cpu_ms"),
        (Method::PUT, settings, json!({ "isolation": "x" }), "/isolation"),
        (Method::POST, format!("{own}/tokens"), json!({ "name": 1 }), "/name"),
        (Method::PUT, format!("{script}/tags"), json!(["a", 1]), "/1"),
        (Method::PUT, format!("{script}/secrets"), json!({ "name": "A", "text": 1 }), "/text"),
        (Method::POST, format!("{script}/deployments"), versions, "/versions/0"),
        (Method::PATCH, format!("{script}/settings"), json!({ "limits": { "cpu_ms": [] } }), "/limits/cpu_ms"),
    ] {
        let reply = h.json(method, &path, body).await;
        assert_eq!(reply.status, 400, "{path}: {}", reply.json);
        assert_eq!(reply.json["errors"][0]["source"]["pointer"], pointer, "{path}: {}", reply.json);
    }
    let bindings = json!([{ "name": "A", "type": "json", "json": 1 }, { "name": "B", "type": "wonder" }]);
    for (metadata, pointer) in [
        (json!({ "tags": 1 }), "/tags"),
        (json!({ "limits": { "cpu_ms": "x" } }), "/limits/cpu_ms"),
        (json!({ "compatibility_flags": ["a", 1] }), "/compatibility_flags/1"),
        (json!({ "bindings": bindings }), "/bindings/1"),
    ] {
        let reply = put(&h, "a", metadata).await;
        assert_eq!(reply.json["errors"][0]["source"]["pointer"], pointer, "{}", reply.json);
    }
}
