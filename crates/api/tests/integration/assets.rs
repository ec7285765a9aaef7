//! Uploads of static assets (contract §3.8): sessions, files, tokens, and what an upload makes of them.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Method, Request, header};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::harness::{A, BOUNDARY, Form, Harness, NS, OTHER_ACCOUNT, READER, Reply, WRITER};

const S: &str = "/accounts/0123456789abcdef0123456789abcdef/workers/dispatch/namespaces/prod/scripts/shop";
const W: &str = "/accounts/0123456789abcdef0123456789abcdef/workers/scripts/shop";
const INDEX: &str = "00000000000000000000000000000001";
const STYLE: &str = "00000000000000000000000000000002";

fn manifest() -> Value {
    json!({ "manifest": {
        "/index.html": { "hash": INDEX, "size": 5 }, "/a.css": { "hash": STYLE, "size": 3 },
        "/copy.html": { "hash": INDEX, "size": 5 },
    } })
}

async fn session(h: &Harness, script: &str) -> String {
    let reply = h.json(Method::POST, &format!("{script}/assets-upload-session"), manifest()).await.ok();
    reply.result()["jwt"].as_str().expect("a token").to_owned()
}

fn file(hash: &str, kind: Option<&str>, content: &[u8]) -> Form {
    Form::new().part(&format!("name=\"{hash}\"; filename=\"{hash}\""), kind, STANDARD.encode(content))
}

async fn put_to(h: &Harness, path: &str, token: &str, form: Form) -> Reply {
    let (content_type, body) = form.finish();
    let request = Request::post(format!("/client/v4{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, content_type);
    h.send(request.body(Full::new(body)).expect("a request")).await
}

async fn put(h: &Harness, token: &str, form: Form) -> Reply {
    put_to(h, &format!("{A}/workers/assets/upload?base64=true"), token, form).await
}

/// A completion token, all files uploaded.
async fn completed(h: &Harness, script: &str) -> String {
    let token = session(h, script).await;
    put(h, &token, file(INDEX, Some("text/html"), b"hello")).await;
    let reply = put(h, &token, file(STYLE, Some("text/css"), b"a{}")).await;
    assert_eq!(reply.status, 201, "{}", reply.json);
    reply.result()["jwt"].as_str().expect("a token").to_owned()
}

fn alone(assets: Value) -> Form {
    Form::new().part(
        "name=\"metadata\"",
        None,
        json!({ "assets": assets, "compatibility_date": "2025-01-01" }).to_string(),
    )
}

pub async fn assets_upload_session(h: &Harness) {
    h.namespace("prod").await;
    let path = format!("{S}/assets-upload-session");
    let reply = h.json(Method::POST, &path, manifest()).await.ok();
    reply.golden("assets_upload_session");
    let token = reply.result()["jwt"].as_str().expect("a token");
    assert_eq!(token.split('.').count(), 3, "wrangler reads the middle part");

    for (wrong, text) in [
        (json!({ "manifest": { "index.html": { "hash": INDEX, "size": 1 } } }), "begins with /"),
        (json!({ "manifest": { "/a/../b": { "hash": INDEX, "size": 1 } } }), "/a/../b"),
        (json!({ "manifest": { "/a": { "hash": "xyz", "size": 1 } } }), "32 lower-case hex digits"),
        (json!({ "manifest": { "/a": { "hash": INDEX, "size": (25 << 20) + 1 } } }), "26214400"),
    ] {
        let reply = h.json(Method::POST, &path, wrong).await.refused(400, 10021);
        assert!(reply.message().contains(text), "{}", reply.message());
    }
    h.json(Method::POST, &path, json!({})).await.refused(400, 10026);
    h.json(Method::POST, &path, json!({ "manifest": { "/a": { "hash": INDEX, "size": -1 } } }))
        .await
        .refused(400, 10026);
    let none = h.json(Method::POST, &path, json!({ "manifest": {} })).await.ok();
    assert_eq!(none.result()["buckets"], json!([]));
}

pub async fn account_assets_upload_session(h: &Harness) {
    h.namespace("prod").await;
    let token = completed(h, W).await;
    h.form(Method::PUT, W, alone(json!({ "jwt": token }))).await.ok();
    // Files are shared within the account's own Workers, and with no namespace.
    let again = h.json(Method::POST, &format!("{A}/workers/scripts/other/assets-upload-session"), manifest()).await;
    assert_eq!(again.ok().result()["buckets"], json!([]));
    let other = h.json(Method::POST, &format!("{S}/assets-upload-session"), manifest()).await;
    assert_eq!(other.ok().result()["buckets"], json!([[STYLE, INDEX]]));
}

pub async fn assets_upload(h: &Harness) {
    h.namespace("prod").await;
    let token = session(h, S).await;
    let first = put(h, &token, file(INDEX, Some("text/html"), b"hello")).await;
    assert_eq!((first.status.as_u16(), first.result()), (202, &json!({})));
    let last = put(h, &token, file(STYLE, None, b"a{}")).await;
    assert_eq!(last.status, 201);
    last.golden("assets_upload");
    let jwt = last.result()["jwt"].as_str().expect("a token");

    let uploaded = h.form(Method::PUT, S, alone(json!({ "jwt": jwt }))).await.ok();
    uploaded.golden("assets_only_upload");
    assert_eq!(uploaded.result()["has_assets"], true);
    // The next session finds what is there, and its token completes at once.
    let changed = json!({ "manifest": {
        "/index.html": { "hash": INDEX, "size": 5 }, "/new.txt": { "hash": "0000000000000000000000000000000a", "size": 3 },
    } });
    let next = h.json(Method::POST, &format!("{S}/assets-upload-session"), changed).await.ok();
    assert_eq!(next.result()["buckets"], json!([["0000000000000000000000000000000a"]]));
    let same = h.json(Method::POST, &format!("{S}/assets-upload-session"), manifest()).await.ok();
    assert_eq!(same.result()["buckets"], json!([]));
    let jwt = same.result()["jwt"].clone();
    let form = Form::worker(json!({ "assets": { "jwt": jwt }, "bindings": [{ "name": "ASSETS", "type": "assets" }] }));
    let both = h.form(Method::PUT, S, form).await.ok();
    assert_eq!((&both.result()["has_assets"], &both.result()["has_modules"]), (&json!(true), &json!(true)));
    let bindings = h.get(&format!("{S}/bindings")).await.ok();
    assert_eq!(*bindings.result(), json!([{ "name": "ASSETS", "type": "assets" }]));
}

#[tokio::test]
async fn only_a_sessions_token_uploads_and_only_for_its_files() {
    let h = Harness::new().await;
    h.namespace("prod").await;
    let token = session(&h, S).await;
    let some = || file(INDEX, None, b"hello");
    for wrong in [WRITER, READER, "a.b.c", &format!("{token}x"), &token[..token.len() - 4]] {
        put(&h, wrong, some()).await.refused(401, 10000);
    }
    let completion = completed(&h, S).await;
    put(&h, &completion, some()).await.refused(401, 10000);
    let elsewhere = format!("/accounts/{OTHER_ACCOUNT}/workers/assets/upload?base64=true");
    put_to(&h, &elsewhere, &token, some()).await.refused(403, 9109);
    // Nor does it open anything else.
    let request = Request::get(format!("/client/v4{S}")).header(header::AUTHORIZATION, format!("Bearer {token}"));
    h.send(request.body(Full::default()).expect("a request")).await.refused(401, 10000);

    let reply = put(&h, &token, file("000000000000000000000000000000ff", None, b"x")).await.refused(400, 10021);
    assert!(reply.message().contains("not the hash of a file"), "{}", reply.message());
    let path = format!("{A}/workers/assets/upload");
    put_to(&h, &path, &token, some()).await.refused(400, 10021);
    let broken = Form::new().part(&format!("name=\"{INDEX}\""), None, "no base64!");
    put(&h, &token, broken).await.refused(400, 10021);
    let odd = Form::new().part(&format!("name=\"{INDEX}\""), None, "aGVsbG8=aGVsbG8=");
    put(&h, &token, odd).await.refused(400, 10021);
}

#[tokio::test]
async fn a_completion_token_is_of_one_script_and_one_place() {
    let h = Harness::new().await;
    h.namespace("prod").await;
    let started = session(&h, S).await;
    let refused = h.form(Method::PUT, S, alone(json!({ "jwt": started }))).await.refused(400, 10021);
    assert!(refused.message().contains("still missing"), "{}", refused.message());
    let token = completed(&h, S).await;
    for path in [W, &format!("{NS}/prod/scripts/other")] {
        let refused = h.form(Method::PUT, path, alone(json!({ "jwt": token }))).await.refused(400, 10021);
        assert!(refused.message().contains("another script"), "{}", refused.message());
        h.get(path).await;
    }
    h.form(Method::PUT, S, alone(json!({ "jwt": "x.y.z" }))).await.refused(400, 10021);
    let without = h.form(Method::PUT, S, alone(json!({ "config": {} }))).await.refused(400, 10021);
    assert!(without.message().contains("no jwt"), "{}", without.message());
    h.form(Method::PUT, S, alone(json!({ "jwt": token }))).await.ok();
}

#[tokio::test]
async fn assets_are_kept_when_the_upload_says_so() {
    let h = Harness::new().await;
    h.namespace("prod").await;
    let token = completed(&h, S).await;
    let has = async |reply: Reply| reply.ok().result()["has_assets"].clone();
    assert_eq!(has(h.form(Method::PUT, S, Form::worker(json!({ "assets": { "jwt": token } }))).await).await, true);
    let first = h.get(S).await.ok().result()["etag"].clone();
    assert_eq!(has(h.form(Method::PUT, S, Form::worker(json!({ "keep_assets": true }))).await).await, true);
    assert_eq!(h.get(S).await.ok().result()["etag"], first);
    // Another configuration of the same files is another version.
    let config = json!({ "assets": { "config": { "not_found_handling": "404-page" } } });
    assert_eq!(has(h.form(Method::PUT, S, Form::worker(config)).await).await, true);
    assert_ne!(h.get(S).await.ok().result()["etag"], first);
    // Code and secrets change without them.
    h.form(Method::PUT, &format!("{S}/content"), Form::worker(json!({}))).await.ok();
    h.json(Method::PUT, &format!("{S}/secrets"), json!({ "name": "K", "text": "v" })).await.ok();
    assert_eq!(h.get(S).await.ok().result()["has_assets"], true);
    assert_eq!(has(h.form(Method::PUT, S, Form::worker(json!({}))).await).await, false);
    // Nothing left to bind to.
    let bound = Form::worker(json!({ "bindings": [{ "name": "FILES", "type": "assets" }] }));
    let refused = h.form(Method::PUT, S, bound).await.refused(400, 10021);
    assert!(refused.message().contains("FILES"), "{}", refused.message());
    let kept = Form::worker(json!({ "keep_bindings": ["assets"] }));
    h.form(Method::PUT, S, kept).await.ok();
}

#[tokio::test]
async fn files_come_in_any_portions() {
    let h = Harness::new().await;
    h.namespace("prod").await;
    // Large enough to arrive in many pieces, none a multiple of four.
    let large: Vec<u8> = (0..1_000_003u32).map(|n| (n % 251) as u8).collect();
    let manifest = json!({ "manifest": { "/large": { "hash": INDEX, "size": large.len() } } });
    let reply = h.json(Method::POST, &format!("{S}/assets-upload-session"), manifest).await.ok();
    let token = reply.result()["jwt"].as_str().expect("a token").to_owned();
    let (content_type, body) = file(INDEX, None, &large).finish();
    assert!(content_type.contains(BOUNDARY));
    let request = Request::post(format!("/client/v4{A}/workers/assets/upload?base64=true"))
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, content_type)
        .body(Full::new(body))
        .expect("a request");
    assert_eq!(h.send(request).await.status, 201);
}

/// Ours: what is served beside the code, listed and given back byte for byte.
const OWN: &str = "/switchyard/accounts/0123456789abcdef0123456789abcdef/namespaces/prod/scripts/shop/assets";

async fn with_assets(h: &Harness) {
    h.namespace("prod").await;
    let config = json!({ "html_handling": "none", "not_found_handling": "404-page", "_headers": "/*\n  X-A: b\n",
        "run_worker_first": ["/api/*"] });
    let assets = json!({ "jwt": completed(h, S).await, "config": config });
    h.form(Method::PUT, S, Form::worker(json!({ "assets": assets }))).await.ok();
}

pub async fn assets_list(h: &Harness) {
    with_assets(h).await;
    let reply = h.by(READER, "GET", OWN, Value::Null).await.ok();
    let html = json!({ "hash": INDEX, "size": 5, "content_type": "text/html" });
    let css = json!({ "hash": STYLE, "size": 3, "content_type": "text/css" });
    let files = json!({ "/index.html": html, "/copy.html": html, "/a.css": css });
    let config = json!({ "html_handling": "none", "not_found_handling": "404-page", "_headers": "/*\n  X-A: b\n",
        "run_worker_first": ["/api/*"] });
    assert_eq!(reply.result(), &json!({ "files": files, "config": config }));
    // A script without any has none.
    h.upload(&format!("{NS}/prod/scripts/bare")).await;
    let none = h.get(&OWN.replace("/shop/", "/bare/")).await.ok();
    assert_eq!(none.result(), &json!({ "files": {}, "config": {} }));
}

pub async fn asset_get(h: &Harness) {
    with_assets(h).await;
    let reply = h.by(READER, "GET", &format!("{OWN}/{INDEX}"), Value::Null).await;
    assert_eq!((reply.status.as_u16(), &reply.body[..]), (200, &b"hello"[..]));
    // Only those of this script, also where another of the namespace has it.
    h.upload(&format!("{NS}/prod/scripts/bare")).await;
    for absent in
        [format!("{OWN}/{}", "0".repeat(32)), format!("{OWN}/x"), OWN.replace("/shop/", "/bare/") + "/" + INDEX]
    {
        h.get(&absent).await.refused(404, 10007);
    }
}
