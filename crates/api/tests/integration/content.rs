//! Code out and in (contract §3.9).

use http::{Method, Request, header};
use http_body_util::Full;
use serde_json::json;

use crate::harness::{A, Form, Harness, NS, request};

const ENTRY: &str = "import './lib/a.js'; export default {}";

fn two_modules() -> Form {
    let metadata = json!({ "main_module": "index.js", "tags": ["gold"], "bindings": [{ "name": "X", "type": "plain_text", "text": "1" }] });
    Form::new().part("name=\"metadata\"", None, metadata.to_string()).module("index.js", ENTRY).part(
        "name=\"lib/a.js\"; filename=\"lib/a.js\"",
        Some("application/javascript+module"),
        "export const a = 1",
    )
}

async fn get_at(h: &Harness, upload: &str, content: &str) {
    h.form(Method::PUT, upload, two_modules()).await.ok();
    let reply = h.get(content).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.headers["cf-entrypoint"], "index.js");
    let etag = reply.headers[header::ETAG].to_str().expect("text").to_owned();
    assert!(etag.starts_with('"') && etag.len() == 66, "{etag}");
    let content_type = reply.headers[header::CONTENT_TYPE].to_str().expect("text");
    let boundary = multer::parse_boundary(content_type).expect("a boundary");
    let body = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(reply.body.clone())]);
    let mut parts = multer::Multipart::new(body, boundary);
    let mut seen = Vec::new();
    while let Some(part) = parts.next_field().await.expect("a form") {
        let name = part.file_name().expect("a file name").to_owned();
        assert_eq!(part.content_type().expect("a type").as_ref(), "application/javascript+module");
        seen.push((name, part.text().await.expect("text")));
    }
    let expected = [("index.js", ENTRY), ("lib/a.js", "export const a = 1")];
    assert_eq!(seen, expected.map(|(name, text)| (name.to_owned(), text.to_owned())));
}

pub async fn content_get(h: &Harness) {
    h.namespace("prod").await;
    get_at(h, &format!("{NS}/prod/scripts/x"), &format!("{NS}/prod/scripts/x/content")).await;
}

pub async fn account_script_content(h: &Harness) {
    get_at(h, &format!("{A}/workers/scripts/x"), &format!("{A}/workers/scripts/x")).await;
}

pub async fn account_content_get(h: &Harness) {
    get_at(h, &format!("{A}/workers/scripts/x"), &format!("{A}/workers/scripts/x/content/v2")).await;
}

async fn put_at(h: &Harness, script: &str) {
    h.form(Method::PUT, script, two_modules()).await.ok();
    let content = format!("{script}/content");
    // The Python package: no metadata but a part `metadata`, files under `files[]`.
    let form = Form::new()
        .part(
            "name=\"files[]\"; filename=\"new.mjs\"",
            Some("application/javascript+module"),
            "export default { new: 1 }",
        )
        .part("name=\"metadata\"", Some("application/json"), json!({ "main_module": "new.mjs" }).to_string());
    let reply = h.form(Method::PUT, &content, form).await.ok();
    assert_eq!(reply.result()["tags"], json!(["gold"]), "tags stay");
    let settings = h.get(&format!("{script}/settings")).await.ok();
    assert_eq!(settings.result()["bindings"][0]["text"], "1", "bindings stay");

    // The entry named by a header.
    let (content_type, body) = Form::new().module("third.mjs", "export default { third: 1 }").finish();
    let put: Request<Full<_>> = request(Method::PUT, &content)
        .header(header::CONTENT_TYPE, content_type)
        .header("CF-WORKER-MAIN-MODULE-PART", "third.mjs")
        .body(Full::new(body))
        .expect("a request");
    h.send(put).await.ok();
    let bare = Form::new().module("x.mjs", "export default {}");
    h.form(Method::PUT, &content, bare).await.refused(400, 10021);
    let none = Form::new().part("name=\"metadata\"", None, json!({ "main_module": "x" }).to_string());
    h.form(Method::PUT, &content, none).await.refused(400, 10021);
}

pub async fn content_put(h: &Harness) {
    h.namespace("prod").await;
    put_at(h, &format!("{NS}/prod/scripts/x")).await;
    let text = String::from_utf8(h.get(&format!("{NS}/prod/scripts/x/content")).await.body.to_vec());
    assert!(text.expect("text").contains("third: 1"));
    h.upload(&format!("{NS}/prod/scripts/y")).await;
    let form = Form::new()
        .part(
            "name=\"metadata\"; filename=\"metadata\"",
            Some("application/json"),
            json!({ "main_module": "one.mjs" }).to_string(),
        )
        .part(
            "name=\"files\"; filename=\"one.mjs\"",
            Some("application/javascript+module"),
            "export default { one: 1 }",
        );
    h.form(Method::PUT, &format!("{NS}/prod/scripts/y/content"), form).await.ok().golden("content_put");
}

pub async fn account_content_put(h: &Harness) {
    put_at(h, &format!("{A}/workers/scripts/x")).await;
}
