//! A secret's text is where the Worker is, and nowhere else: in no reply, no log, no metric and no file
//! of the data folder, before and after it is deleted.

use std::path::Path;

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::harness::{PATIENCE, data};
use crate::process::{dev, get, line};

const TOKEN: &str = "a-token-of-this-test";
const MARKERS: [&str; 3] = ["marker-of-the-upload-9f2c", "marker-of-the-put-51be", "marker-at-module-scope-77aa"];

/// Every place in the folder where one of the markers lies in the clear, or as base64, hex or UTF-16.
fn found(folder: &Path, places: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found(&path, places);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        for marker in MARKERS {
            let hex: String = marker.bytes().map(|byte| format!("{byte:02x}")).collect();
            let wide: Vec<u8> = marker.bytes().flat_map(|byte| [byte, 0]).collect();
            for needle in [marker.as_bytes(), hex.as_bytes(), &wide] {
                if bytes.windows(needle.len()).any(|window| window == needle) {
                    places.push(format!("{} holds {marker}", path.display()));
                }
            }
        }
    }
}

#[track_caller]
fn nowhere(folder: &Path) {
    let mut places = Vec::new();
    found(folder, &mut places);
    assert!(places.is_empty(), "{places:?}");
}

struct Api {
    base: String,
    /// All that was ever answered.
    heard: String,
}

impl Api {
    async fn call(&mut self, method: Method, path: &str, content_type: &str, body: impl Into<Bytes>) -> Value {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
            .header(header::CONTENT_TYPE, content_type)
            .body(Full::new(body.into()))
            .unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let (head, body) = client.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        self.heard += &format!("{head:?} {}\n", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap_or(Value::Null)
    }

    async fn put(&mut self, path: &str, source: &str, bindings: Value) -> Value {
        let metadata = json!({ "main_module": "index.js", "compatibility_date": "2026-01-01", "bindings": bindings });
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{metadata}\r\n\
             --b\r\nContent-Disposition: form-data; name=\"index.js\"; filename=\"index.js\"\r\n\
             Content-Type: application/javascript+module\r\n\r\n{source}\r\n--b--\r\n"
        );
        let answer = self.call(Method::PUT, path, "multipart/form-data; boundary=b", body).await;
        assert_eq!(answer["success"], true, "{answer}");
        answer
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secrets_text_is_nowhere_but_in_its_worker() {
    let data = data().await;
    std::fs::write(data.path().join("token"), format!("{TOKEN}\n")).unwrap();
    let (mut child, mut lines) = dev(data.path(), &["--no-samples"]).await;
    let ready = line(&mut lines).await;
    let (gateway, admin) = ready.strip_prefix("ready gateway=").unwrap().split_once(" admin=").unwrap();
    let mut api = Api { base: admin.to_owned(), heard: String::new() };
    let script = "/accounts/00000000000000000000000000000001/workers/dispatch/namespaces/dev/scripts";
    let length = "export default { fetch(request, env) { return new Response(String((env.FIRST ?? '').length) + ',' + String((env.SECOND ?? '').length)) } }";

    // Upload, put, use.
    let secret = |name: &str, text: &str| json!({ "type": "secret_text", "name": name, "text": text });
    let path = format!("{script}/plain");
    api.put(&path, length, json!([secret("FIRST", MARKERS[0])])).await;
    let put = api
        .call(Method::PUT, &format!("{path}/secrets"), "application/json", secret("SECOND", MARKERS[1]).to_string())
        .await;
    assert_eq!(put["success"], true, "{put}");
    let lengths = format!("{},{}", MARKERS[0].len(), MARKERS[1].len());
    assert_eq!(get(&format!("{gateway}/"), "plain.localhost").await, (200, lengths));
    // One that is read at module scope, so that it is in the memory that is sealed; where env can not
    // be imported, the upload is refused, and must not tell or keep the text either.
    let reads = "import { env } from 'cloudflare:workers'; const kept = env.FIRST + '!'; export default { fetch() { return new Response(String(kept.length)) } }";
    let metadata = json!({ "main_module": "index.js", "compatibility_date": "2026-01-01", "bindings": [secret("FIRST", MARKERS[2])] });
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{metadata}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"index.js\"; filename=\"index.js\"\r\n\
         Content-Type: application/javascript+module\r\n\r\n{reads}\r\n--b--\r\n"
    );
    let sealed = api.call(Method::PUT, &format!("{script}/sealed"), "multipart/form-data; boundary=b", body).await;
    if sealed["success"] == true {
        let (status, text) = get(&format!("{gateway}/"), "sealed.localhost").await;
        assert_eq!((status, text), (200, (MARKERS[2].len() + 1).to_string()));
    }
    // What a client gets wrong is not told back.
    api.call(
        Method::PUT,
        &format!("{path}/secrets"),
        "application/json",
        format!("{{\"name\":\"X\",\"text\":[\"{}\"]}}", MARKERS[1]),
    )
    .await;
    api.call(Method::PUT, &format!("{path}/secrets"), "application/json", secret("1 bad name", MARKERS[1]).to_string())
        .await;
    nowhere(data.path());

    // All that can be read of it.
    for part in ["", "/settings", "/bindings", "/secrets", "/secrets/FIRST", "/versions", "/deployments", "/content"] {
        api.call(Method::GET, &format!("{path}{part}"), "", "").await;
    }
    let versions = api.call(Method::GET, &format!("{path}/versions"), "", "").await;
    let versions: Vec<String> = versions["result"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect();
    for version in &versions {
        api.call(Method::GET, &format!("{path}/versions/{version}"), "", "").await;
    }

    // Deleted: not even an old version has it, live again.
    for name in ["FIRST", "SECOND"] {
        let gone = api.call(Method::DELETE, &format!("{path}/secrets/{name}"), "", "").await;
        assert_eq!(gone["success"], true, "{gone}");
    }
    assert_eq!(get(&format!("{gateway}/"), "plain.localhost").await, (200, "0,0".to_owned()));
    for version in &versions {
        let body = json!({ "strategy": "percentage", "versions": [{ "version_id": version, "percentage": 100 }] });
        let back = api.call(Method::POST, &format!("{path}/deployments"), "application/json", body.to_string()).await;
        assert_eq!(back["success"], true, "{back}");
        assert_eq!(get(&format!("{gateway}/"), "plain.localhost").await, (200, "0,0".to_owned()));
    }
    let metrics = get(&format!("{}/metrics", admin.trim_end_matches("/client/v4")), "x").await.1;
    nowhere(data.path());

    let told = tokio::process::Command::new("kill").arg(child.id().unwrap().to_string()).status().await.unwrap();
    assert!(told.success());
    let mut log = String::new();
    let mut stderr = child.stderr.take().unwrap();
    tokio::time::timeout(PATIENCE, stderr.read_to_string(&mut log)).await.expect("it ends in time").unwrap();
    child.wait().await.unwrap();
    nowhere(data.path());
    for marker in MARKERS {
        assert!(!api.heard.contains(marker), "a reply holds {marker}: {}", api.heard);
        assert!(!log.contains(marker) && !metrics.contains(marker) && !ready.contains(marker));
    }
}
