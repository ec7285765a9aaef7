//! Uploads in every form that clients send (contract §3.3), and what is refused of them.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use switchyard_api::ApiConfig;

use crate::harness::{A, Form, Harness, NS, Reply};

const X: &str = "/accounts/0123456789abcdef0123456789abcdef/workers/dispatch/namespaces/prod/scripts/x";
const MODULE: Option<&str> = Some("application/javascript+module");
const JSON: Option<&str> = Some("application/json");
const CODE: &str = "export default { async fetch(r, env) { return new Response(env.GREETING); } };";

fn metadata(main: &str) -> String {
    json!({ "main_module": main, "compatibility_date": "2025-01-01" }).to_string()
}

async fn put(h: &Harness, form: Form) -> Reply {
    h.form(Method::PUT, X, form).await
}

/// The names of the modules kept, and the entry.
async fn modules(h: &Harness) -> (Vec<String>, String) {
    let reply = h.get(&format!("{X}/content")).await;
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    let names = text.split("filename=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned);
    (names.collect(), reply.headers["cf-entrypoint"].to_str().expect("text").to_owned())
}

#[tokio::test]
async fn all_recorded_forms_are_understood() {
    let forms: Vec<(&str, Form, &[&str], &str)> = vec![
        (
            "wrangler",
            Form::new()
                .part("name=\"metadata\"", None, metadata("index.js"))
                .part("name=\"index.js\"; filename=\"index.js\"", MODULE, CODE)
                .part("name=\"index.js.map\"; filename=\"index.js.map\"", Some("application/source-map"), "{}"),
            &["index.js", "index.js.map"],
            "index.js",
        ),
        (
            "npm cloudflare 6.5",
            Form::new()
                .part("name=\"metadata\"; filename=\"metadata\"", JSON, metadata("one.mjs"))
                .part("name=\"files\"; filename=\"one.mjs\"", MODULE, CODE)
                .part("name=\"files\"; filename=\"two.mjs\"", MODULE, CODE),
            &["one.mjs", "two.mjs"],
            "one.mjs",
        ),
        (
            "PyPI cloudflare 5.9, metadata last",
            Form::new()
                .part("name=\"files\"; filename=\"one.mjs\"", MODULE, CODE)
                .part(
                    "name=\"files\"; filename=\"data.bin\"",
                    Some("application/octet-stream"),
                    [0xff, 0x00, 0x0d, 0x0a],
                )
                .part("name=\"metadata\"", JSON, metadata("one.mjs")),
            &["one.mjs", "data.bin"],
            "one.mjs",
        ),
        (
            "curl with files",
            Form::new()
                .part(
                    "name=\"metadata\"; filename=\"metadata.json\"",
                    Some("application/octet-stream"),
                    metadata("worker.mjs"),
                )
                .part("name=\"worker.mjs\"; filename=\"worker.mjs\"", MODULE, CODE),
            &["worker.mjs"],
            "worker.mjs",
        ),
        (
            "curl with text, no file name",
            Form::new().part("name=\"metadata\"", JSON, metadata("worker.mjs")).part(
                "name=\"worker.mjs\"",
                MODULE,
                CODE,
            ),
            &["worker.mjs"],
            "worker.mjs",
        ),
        (
            "curl that labels the main module as bytes",
            Form::new().part("name=\"metadata\"", None, metadata("worker.js")).part(
                "name=\"worker.js\"; filename=\"worker.js\"",
                Some("application/octet-stream"),
                CODE,
            ),
            &["worker.js"],
            "worker.js",
        ),
        (
            "the vendor's sample platform",
            Form::new()
                .part("name=\"metadata\"; filename=\"metadata.json\"", JSON, metadata("customer-1.mjs"))
                .part("name=\"script\"; filename=\"customer-1.mjs\"", MODULE, CODE)
                .part("name=\"platform_module\"; filename=\"platform_module.mjs\"", MODULE, CODE),
            &["customer-1.mjs", "platform_module.mjs"],
            "customer-1.mjs",
        ),
        (
            "npm cloudflare 4: the part is named as the file",
            Form::new().part("name=\"metadata\"; filename=\"metadata\"", JSON, metadata("one.mjs")).part(
                "name=\"one.mjs\"; filename=\"one.mjs\"",
                MODULE,
                CODE,
            ),
            &["one.mjs"],
            "one.mjs",
        ),
        (
            "an older form names the part",
            Form::new().part("name=\"metadata\"", JSON, metadata("main_js")).part(
                "name=\"main_js\"; filename=\"main.js\"",
                MODULE,
                CODE,
            ),
            &["main.js"],
            "main.js",
        ),
        (
            "plain JavaScript that main_module names, and no content type",
            Form::new()
                .part("name=\"metadata\"", JSON, metadata("main.js"))
                .part("name=\"main.js\"; filename=\"main.js\"", Some("application/javascript"), CODE)
                .part("name=\"lib/a.mjs\"; filename=\"lib/a.mjs\"", None, CODE)
                .part("name=\"note.txt\"; filename=\"note.txt\"", None, "hello"),
            &["main.js", "lib/a.mjs", "note.txt"],
            "main.js",
        ),
    ];
    for (client, form, names, entry) in forms {
        let h = Harness::with_scripts(&[]).await;
        let reply = put(&h, form).await;
        assert!(reply.status.is_success(), "{client}: {}", reply.json);
        assert_eq!(reply.result()["entry_point"], entry, "{client}");
        let (kept, kept_entry) = modules(&h).await;
        assert_eq!((kept, kept_entry.as_str()), (names.iter().map(ToString::to_string).collect(), entry), "{client}");
    }
}

#[tokio::test]
async fn module_kinds_follow_their_content_types() {
    let h = Harness::with_scripts(&[]).await;
    let form = Form::new()
        .part("name=\"metadata\"", None, metadata("a.js"))
        .part("name=\"a.js\"; filename=\"a.js\"", Some("text/javascript+module; charset=utf-8"), CODE)
        .part("name=\"b\"; filename=\"b\"", Some("text/plain;charset=UTF-8"), "text")
        .part("name=\"c\"; filename=\"c\"", Some("application/octet-stream"), "data")
        .part("name=\"d\"; filename=\"d\"", JSON, "{}");
    put(&h, form).await.ok();
    let body = h.get(&format!("{X}/content")).await.body;
    let text = String::from_utf8_lossy(&body).into_owned();
    let kinds: Vec<&str> = text.split("Content-Type: ").skip(1).filter_map(|rest| rest.lines().next()).collect();
    assert_eq!(kinds, ["application/javascript+module", "text/plain", "application/octet-stream", "application/json"]);
}

#[tokio::test]
async fn a_service_worker_is_taken_in_every_form() {
    let h = Harness::with_scripts(&[]).await;
    let listener = Bytes::from_static(b"addEventListener('fetch', e => e.respondWith(new Response('x')))");
    let mut replies = vec![
        h.raw(Method::PUT, X, "application/javascript", listener.clone()).await,
        h.raw(Method::PUT, X, "text/plain;charset=UTF-8", listener.clone()).await,
    ];
    let form = Form::new().part("name=\"metadata\"", JSON, json!({ "body_part": "script" }).to_string()).part(
        "name=\"script\"; filename=\"worker.js\"",
        Some("application/javascript"),
        &listener,
    );
    replies.push(put(&h, form).await);
    for reply in replies {
        reply.ok();
    }
    let form = Form::new().part("name=\"metadata\"", JSON, json!({ "body_part": "a.mjs" }).to_string()).part(
        "name=\"a.mjs\"; filename=\"a.mjs\"",
        Some("application/javascript+module"),
        b"export default {}",
    );
    let reply = put(&h, form).await.refused(400, 10021);
    assert!(reply.message().contains("main_module"), "{}", reply.message());
}

#[tokio::test]
async fn an_upload_without_modules_keeps_the_code_of_a_script_that_exists() {
    let h = Harness::with_scripts(&[]).await;
    let bare = || {
        let metadata = json!({ "main_module": "index.js", "keep_bindings": ["plain_text"] });
        Form::new().part("name=\"metadata\"", JSON, metadata.to_string())
    };
    put(&h, bare()).await.refused(400, 10021);
    h.get(X).await.refused(404, 10092);
    let form = Form::worker(json!({ "bindings": [{ "name": "A", "type": "plain_text", "text": "1" }] }));
    let first = put(&h, form).await.ok();
    let second = put(&h, bare()).await.ok();
    assert_eq!(first.result()["etag"], second.result()["etag"]);
    let bindings = h.get(&format!("{X}/bindings")).await.ok();
    assert_eq!(*bindings.result(), json!([{ "name": "A", "type": "plain_text", "text": "1" }]));
}

#[tokio::test]
async fn bindings_are_checked_and_named_in_the_refusal() {
    let h = Harness::with_scripts(&[]).await;
    let cases = [
        (
            json!({ "name": "KV", "type": "kv_namespace", "namespace_id": "x" }),
            400,
            10021,
            "\"KV\" has type \"kv_namespace\"",
        ),
        (json!({ "name": "X", "type": "no_such_kind" }), 400, 10021, "no_such_kind"),
        (json!({ "type": "plain_text", "text": "x" }), 400, 10052, "bindings[0] has no name"),
        (json!({ "name": "X", "text": "x" }), 400, 10021, "\"X\" has no type"),
        (json!({ "name": "X", "type": "plain_text" }), 400, 10021, "text is missing"),
        (json!({ "name": "X", "type": "plain_text", "text": 5 }), 400, 10021, "\"X\" of type plain_text"),
        (json!({ "name": "a-b", "type": "plain_text", "text": "" }), 400, 10021, "binding name"),
        (json!({ "name": "X", "type": "plain_text", "text": "x".repeat(6000) }), 400, 10054, "X"),
        (json!({ "name": "X", "type": "service", "service": "nobody" }), 400, 10144, "nobody"),
        (json!({ "name": "X", "type": "dispatch_namespace", "namespace": "a b" }), 400, 10021, "namespace name"),
        (json!("text"), 400, 10021, "bindings[0]"),
    ];
    for (binding, status, code, text) in cases {
        let reply = put(&h, Form::worker(json!({ "bindings": [binding] }))).await.refused(status, code);
        assert!(reply.message().contains(text), "{binding}: {}", reply.message());
    }
    let two = json!({ "bindings": [{ "name": "X", "type": "version_metadata" }, { "name": "X", "type": "json", "json": 1 }] });
    put(&h, Form::worker(two)).await.refused(400, 10053);
    let missing = json!({ "bindings": [{ "name": "X", "type": "inherit" }] });
    let strict = format!("{X}?bindings_inherit=strict");
    h.form(Method::PUT, &strict, Form::worker(missing.clone())).await.refused(400, 10057);
    let many: Vec<Value> =
        (0..200).map(|n| json!({ "name": format!("V{n}"), "type": "plain_text", "text": "" })).collect();
    put(&h, Form::worker(json!({ "bindings": many }))).await.refused(400, 10055);
    h.get(X).await.refused(404, 10092);
}

#[tokio::test]
async fn metadata_of_a_wrong_type_is_refused_by_field() {
    let h = Harness::with_scripts(&[]).await;
    for (field, value) in [
        ("main_module", json!(1)),
        ("bindings", json!({})),
        ("keep_bindings", json!("all")),
        ("compatibility_date", json!(20250101)),
        ("compatibility_flags", json!("nodejs_compat")),
        ("tags", json!("gold")),
        ("limits", json!({ "cpu_ms": "fast" })),
        ("limits", json!({ "cpu_ms": -1 })),
        ("tail_consumers", json!([{}])),
        ("tail_consumers", json!({})),
        ("observability", json!(true)),
        ("logpush", json!("yes")),
        ("annotations", json!([])),
        ("usage_model", json!(1)),
        ("assets", json!("x")),
        ("assets", json!({ "jwt": 7 })),
        ("assets", json!({ "config": { "html_handling": "upside-down" } })),
        ("assets", json!({ "config": { "run_worker_first": "yes" } })),
    ] {
        let reply = put(&h, Form::worker(json!({ field: value }))).await.refused(400, 10021);
        assert!(reply.message().contains(&format!("metadata.{field}")), "{field}: {}", reply.message());
    }
    for (field, value) in [
        ("compatibility_date", json!("today")),
        ("compatibility_date", json!("2999-01-01")),
        ("limits", json!({ "cpu_ms": 0 })),
        ("usage_model", json!("free")),
        ("tags", json!(["a,b"])),
        ("tags", json!((0..9).map(|n| n.to_string()).collect::<Vec<_>>())),
        ("main_module", json!("other.js")),
        ("main_module", Value::Null),
    ] {
        put(&h, Form::worker(json!({ field: value }))).await.refused(400, 10021);
    }
    let nulls =
        json!({ "tags": null, "limits": null, "tail_consumers": null, "observability": null, "future": { "x": 1 } });
    put(&h, Form::worker(nulls)).await.ok();
}

#[tokio::test]
async fn what_the_runtime_says_reaches_the_client() {
    let h = Harness::with_scripts(&[]).await;
    let form = |code: &str| Form::new().part("name=\"metadata\"", None, metadata("index.js")).module("index.js", code);
    let reply = put(&h, form("refuse me")).await.refused(400, 10021);
    assert_eq!(reply.message(), "Uncaught SyntaxError: Unexpected token '}'\n  at index.js:3:1");
    put(&h, form("no handlers")).await.refused(400, 10068);
    let reply = put(&h, form("busy")).await.refused(503, 10013);
    assert!(reply.headers.contains_key("retry-after"));
    assert!(!reply.message().contains("slot"), "what is ours stays in the log: {}", reply.message());
}

/// npm `cloudflare` 7.0 to 7.3 (contract §3.3).
#[tokio::test]
async fn the_broken_form_of_npm_7_is_refused_clearly() {
    let h = Harness::with_scripts(&["y"]).await;
    let flat = || {
        Form::new().part("name=\"metadata[main_module]\"", None, "one.mjs").part(
            "name=\"files[]\"; filename=\"one.mjs\"",
            MODULE,
            CODE,
        )
    };
    let (_, body) = flat().finish();
    let reply = h.raw(Method::PUT, X, "application/javascript", body).await.refused(400, 10021);
    assert!(reply.message().contains("release 6"), "{}", reply.message());
    let reply = h.form(Method::PUT, &format!("{NS}/prod/scripts/y/content"), flat()).await.refused(400, 10021);
    assert!(reply.message().contains("metadata[main_module]"), "{}", reply.message());
}

#[tokio::test]
async fn caps_hold_on_the_whole_the_metadata_and_the_count() {
    let h = Harness::with(ApiConfig { max_upload_bytes: 20_000, ..ApiConfig::default() }).await;
    h.namespace("prod").await;
    let form = Form::worker(json!({})).part("name=\"big\"; filename=\"big\"", None, vec![b'x'; 20_000]);
    put(&h, form).await.refused(413, 10027);
    h.raw(Method::PUT, X, "application/javascript", vec![b'x'; 20_001].into()).await.refused(413, 10027);

    let h = Harness::with_scripts(&[]).await;
    let form = Form::new().part("name=\"metadata\"", None, vec![b' '; (1 << 20) + 1]);
    put(&h, form).await.refused(400, 10026);
    let mut form = Form::worker(json!({}));
    for n in 0..200 {
        form = form.part(&format!("name=\"m{n}\"; filename=\"m{n}\""), Some("text/plain"), "x");
    }
    put(&h, form).await.refused(400, 10021);
    h.get(X).await.refused(404, 10092);
}

#[tokio::test]
async fn broken_forms_are_refused() {
    let h = Harness::with_scripts(&[]).await;
    let twice = Form::worker(json!({})).part("name=\"metadata\"", None, "{}");
    put(&h, twice).await.refused(400, 10026);
    let none = Form::new().module("index.js", CODE);
    let reply = put(&h, none).await.refused(400, 10021);
    assert_eq!(reply.message(), "could not read content for part metadata");
    let nameless = Form::worker(json!({})).part("", MODULE, CODE);
    put(&h, nameless).await.refused(400, 10021);
    let same = Form::worker(json!({})).module("index.js", CODE);
    put(&h, same).await.refused(400, 10021);
    for text in ["", "{", "[]", "\u{0}", "null"] {
        put(&h, Form::new().part("name=\"metadata\"", JSON, text).module("index.js", CODE)).await.refused(400, 10026);
    }
    let python = Form::new().part("name=\"metadata\"", None, metadata("a.py")).part(
        "name=\"a.py\"; filename=\"a.py\"",
        Some("text/x-python"),
        "x",
    );
    put(&h, python).await.refused(400, 10021);

    let (content_type, body) = Form::worker(json!({})).finish();
    h.raw(Method::PUT, X, "multipart/form-data", body.clone()).await.refused(400, 10026);
    h.raw(Method::PUT, X, "multipart/form-data; boundary=other", body.clone()).await.refused(400, 10026);
    for cut in [0, 1, 20, 80, 150, body.len() - 10] {
        h.raw(Method::PUT, X, &content_type, body.slice(..cut)).await.refused(400, 10026);
    }
    h.raw(Method::PUT, X, "application/json", Bytes::from_static(b"{}")).await.refused(415, 10001);
    h.raw(Method::PUT, X, "", body).await.refused(415, 10001);
    h.get(X).await.refused(404, 10092);
}

/// A dispatch Worker whose namespace does not exist: told at the upload, and nothing is made.
#[tokio::test]
async fn a_binding_to_a_missing_namespace_is_refused() {
    let h = Harness::new().await;
    let path = format!("{A}/workers/scripts/dispatcher");
    let form =
        Form::worker(json!({ "bindings": [{ "name": "d", "type": "dispatch_namespace", "namespace": "nowhere" }] }));
    let reply = h.form(Method::PUT, &path, form).await.refused(404, 100_119);
    assert!(reply.message().contains("nowhere"), "{}", reply.message());
    h.get(&format!("{A}/workers/services/dispatcher")).await.refused(404, 10090);
}
