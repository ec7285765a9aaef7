//! Uploads of wasm components: what is taken, what is refused and with which words.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, TestGateway};
use crate::tail::Events;

pub fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// The example that a user copies.
pub fn hello() -> Vec<u8> {
    wasm(include_str!("../../../../examples/wat/hello.wat"))
}

/// As [`hello`], and answers this, of the same length.
pub fn says(text: &str) -> Vec<u8> {
    let source = include_str!("../../../../examples/wat/hello.wat");
    assert_eq!(text.len(), "hello from a component".len());
    wasm(&source.replace("\"hello from a component\\n\"", &format!("\"{text}\\n\"")))
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: u64, with: &[&str]) {
    let said = answer.json();
    let error = &said["errors"][0];
    assert_eq!((answer.status.as_u16(), error["code"].as_u64()), (status, Some(code)), "{said}");
    let message = error["message"].as_str().unwrap();
    for part in with {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

fn script_path(gateway: &TestGateway, script: &str, rest: &str) -> String {
    format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns/scripts/{script}{rest}", gateway.account())
}

async fn json_api(gateway: &TestGateway, method: Method, path: &str, body: Value) -> Answer {
    let answer = gateway.api(method, path, "application/json", body.to_string().into()).await;
    assert!(answer.status.is_success(), "{path}: {} {}", answer.status, answer.text());
    answer
}

#[tokio::test]
async fn a_component_is_uploaded_answers_and_is_handled_as_any_script() {
    let gateway = TestGateway::start().await;
    let first = hello();
    let answer = gateway.try_upload_wasm("ns", "c", &first, json!({ "tags": ["t"] })).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    let result = &answer.json()["result"];
    assert_eq!(result["handlers"], json!(["fetch"]));
    assert!(result["startup_time_ms"].as_u64().unwrap() >= 1);
    gateway.get("c", "/").await.is(200, "hello from a component\n");

    let content = gateway.admin(&script_path(&gateway, "c", "/content")).await;
    assert!(String::from_utf8_lossy(&content.bytes).contains("Content-Type: application/wasm"));
    assert!(content.bytes.windows(first.len()).any(|part| part == first), "the source as it was sent");

    // Another version, settings and secrets; each is a version of its own.
    gateway.upload_wasm("ns", "c", &says("hello from its sibling")).await;
    gateway.get("c", "/").await.is(200, "hello from its sibling\n");
    let settings = json!({ "bindings": [{ "type": "plain_text", "name": "WORD", "text": "w" }] });
    let body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"settings\"\r\nContent-Type: application/json\r\n\r\n{settings}\r\n--b--\r\n"
    );
    let path = script_path(&gateway, "c", "/settings");
    let patched = gateway.api(Method::PATCH, &path, "multipart/form-data; boundary=b", body.into()).await;
    assert!(patched.status.is_success(), "{}", patched.text());
    let secret = json!({ "type": "secret_text", "name": "KEY", "text": "s" });
    json_api(&gateway, Method::PUT, &script_path(&gateway, "c", "/secrets"), secret).await;
    gateway.get("c", "/").await.is(200, "hello from its sibling\n");
    let metrics = gateway.admin("/metrics").await;
    assert!(metrics.text().contains("switchyard_compilations_total{result=\"compiled\"} 2\n"), "edits compile nothing");
    let bindings = gateway.admin(&script_path(&gateway, "c", "/bindings")).await.json();
    let names: Vec<_> = bindings["result"].as_array().unwrap().iter().map(|binding| binding["name"].clone()).collect();
    assert_eq!(names, ["WORD", "KEY"]);

    // Back to the first.
    let versions = gateway.admin(&script_path(&gateway, "c", "/versions")).await.json();
    let versions = versions["result"]["items"].as_array().unwrap();
    assert_eq!(versions.len(), 4);
    let share = json!({ "version_id": versions[3]["id"], "percentage": 100 });
    let deployment = json!({ "strategy": "percentage", "versions": [share] });
    json_api(&gateway, Method::POST, &script_path(&gateway, "c", "/deployments"), deployment).await;
    gateway.get("c", "/").await.is(200, "hello from a component\n");

    // JavaScript takes its place, and it that of JavaScript.
    gateway.upload("ns", "c", "export default { fetch: () => new Response('script') }").await;
    gateway.get("c", "/").await.is(200, "script");
    gateway.upload_wasm("ns", "c", &first).await;
    gateway.get("c", "/").await.is(200, "hello from a component\n");
    json_api(&gateway, Method::DELETE, &script_path(&gateway, "c", ""), json!({})).await;
    assert_eq!(gateway.get("c", "/").await.status.as_u16(), 404);
}

#[tokio::test]
async fn it_survives_a_restart_without_being_compiled() {
    let gateway = TestGateway::start().await;
    gateway.upload_wasm("ns", "c", &hello()).await;
    let gateway = TestGateway::on(gateway.stop().await, |_| {}).await.unwrap();
    gateway.get("c", "/").await.is(200, "hello from a component\n");
    let metrics = gateway.admin("/metrics").await;
    assert!(metrics.text().contains("switchyard_compilations_total{result=\"compiled\"} 0\n"));
    assert!(metrics.text().contains("switchyard_worker_lookups_total{source=\"file\"} 1\n"));
}

#[tokio::test]
async fn what_is_no_worker_is_refused_with_what_it_is() {
    let gateway = TestGateway::start().await;
    let wasi = r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#;
    let of = |export: &str| format!(r#"(component (instance $i) (export "{export}" (instance $i)))"#);
    for (name, bytes, with) in [
        ("a core module", wasm("(module)"), &["a core WebAssembly module, not a component", "wasm32-wasip2"][..]),
        ("preview 1", wasm(&format!("(module {wasi})")), &["WASI preview 1", "wasm-tools component new"]),
        (
            "a preview 1 command",
            wasm(&format!(r#"(module {wasi} (func (export "_start")))"#)),
            &["a WASI preview 1 command"],
        ),
        ("a component of nothing", wasm("(component)"), &["exports nothing", "wasi:http/incoming-handler@0.2"]),
        ("a command", wasm(&of("wasi:cli/run@0.2.0")), &["it is a command", "exports wasi:cli/run@0.2.0"]),
        ("an older draft", wasm(&of("wasi:http/incoming-handler@0.1.0")), &["wasi:http/incoming-handler@0.2"]),
        ("no function in it", wasm(&of("wasi:http/incoming-handler@0.2.0")), &["incoming-handler"]),
        ("text", b"export default {}".to_vec(), &["it is no WebAssembly"]),
        ("a torn one", hello()[..2_000].to_vec(), &["not valid WebAssembly"]),
        (
            "an import that nobody has",
            wasm(&std::str::from_utf8(HELLO).unwrap().replacen(
                "(component",
                r#"(component (import "wasi:keyvalue/store@0.2.0" (instance (export "x" (func))))"#,
                1,
            )),
            &["wasi:keyvalue/store@0.2.0"],
        ),
    ] {
        let answer = gateway.try_upload_wasm("ns", "no", &bytes, json!({})).await;
        assert_eq!(answer.status.as_u16(), 400, "{name}");
        refused(&answer, 400, 10021, with);
    }
    assert_eq!(gateway.get("no", "/").await.status.as_u16(), 404);
}

#[tokio::test]
async fn what_is_not_given_is_named_before_anything_is_compiled() {
    let gateway = TestGateway::start().await;
    let importing = |imports: &str| {
        let text = std::str::from_utf8(HELLO).unwrap().replacen("(component", &format!("(component {imports}"), 1);
        wasm(&text)
    };
    let function = r#"(instance (export "x" (func)))"#;
    let draft = format!(r#"(import "wasi:http/client@0.3.0-draft" {function})"#);
    let wants = importing(&format!(
        r#"(import "wasi:keyvalue/store@0.2.0" {function}) (import "wasi:config/store@0.2.0" {function}) {draft}
        (import "acme:thing/of-resources" (instance (export "r" (type (sub resource))))) (import "plain" (func))"#
    ));
    let answer = gateway.try_upload_wasm("ns", "no", &wants, json!({})).await;
    let names = r#"imports "wasi:keyvalue/store@0.2.0", "wasi:config/store@0.2.0", "wasi:http/client@0.3.0-draft", "acme:thing/of-resources" and "plain", which Workers are not given"#;
    refused(&answer, 400, 10021, &[names]);
    let metrics = gateway.admin("/metrics").await;
    for result in ["compiled", "refused", "failed"] {
        assert!(
            metrics.text().contains(&format!("switchyard_compilations_total{{result=\"{result}\"}} 0\n")),
            "{result}"
        );
    }
    // Types alone are nobody's to give.
    let types =
        r#"(import "acme:thing/types" (instance (type $t (record (field "a" u8))) (export "t" (type (eq $t)))))"#;
    gateway.upload_wasm("ns", "yes", &importing(types)).await;
    gateway.get("yes", "/").await.is(200, "hello from a component\n");
}

const HELLO: &[u8] = include_bytes!("../../../../examples/wat/hello.wat");

#[tokio::test]
async fn a_module_beside_javascript_and_a_component_as_a_service_worker_are_refused() {
    let gateway = TestGateway::start().await;
    let part = |name: &str, kind: &str, content: &[u8]| {
        let head = format!(
            "--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
        );
        [head.as_bytes(), content, b"\r\n"].concat()
    };
    let metadata =
        |json: &str| format!("--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{json}\r\n").into_bytes();
    let main = part("index.js", "application/javascript+module", b"export default { fetch() {} }");
    let module = part("lib.wasm", "application/wasm", &hello());
    let put = async |parts: &[&[u8]]| {
        let body: Bytes = [&parts.concat(), &b"--b--\r\n"[..]].concat().into();
        gateway.api(Method::PUT, &script_path(&gateway, "x", ""), "multipart/form-data; boundary=b", body).await
    };
    let beside = put(&[&metadata(r#"{"main_module":"index.js"}"#), &main, &module]).await;
    refused(&beside, 400, 10021, &["WebAssembly modules inside a JavaScript Worker are not supported"]);
    let body_part = put(&[&metadata(r#"{"body_part":"lib.wasm"}"#), &module]).await;
    refused(&body_part, 400, 10021, &["is no script"]);
    // Other parts beside a component are kept with it.
    let with_text =
        put(&[&metadata(r#"{"main_module":"lib.wasm"}"#), &module, &part("a.txt", "text/plain", b"a")]).await;
    assert!(with_text.status.is_success(), "{}", with_text.text());
    gateway.get("x", "/").await.is(200, "hello from a component\n");
}

#[tokio::test]
async fn a_component_has_a_size_of_its_own() {
    let source = hello();
    let most = source.len() as u64;
    let sized = |most: u64| {
        TestGateway::with(move |config| {
            config.compile.component_bytes = most;
            config.limits.script_bytes = 10;
        })
    };
    sized(most).await.upload_wasm("ns", "c", &source).await;
    let answer = sized(most - 1).await.try_upload_wasm("ns", "c", &source, json!({})).await;
    refused(&answer, 413, 10027, &[&format!("at most {} are allowed", most - 1)]);
}

#[tokio::test]
async fn who_tails_the_script_is_told_of_the_compilation() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "c", "export default { fetch: () => new Response('first') }").await;
    let mut script = Events::open(&gateway, "/namespaces/ns/scripts/c/tail").await;
    let mut namespace = Events::open(&gateway, "/namespaces/ns/tail").await;
    let mut errors = Events::open(&gateway, "/namespaces/ns/tail?status=error").await;
    gateway.upload_wasm("ns", "c", &hello()).await;
    for events in [&mut script, &mut namespace] {
        let begins = events.next().await;
        assert_eq!((&begins["scriptName"], &begins["dispatchNamespace"]), (&json!("c"), &json!("ns")));
        assert_eq!(begins["event"]["type"], "compilation");
        assert_eq!(begins["event"]["message"], "the uploaded component is being compiled");
        let compiled = events.next().await;
        let message = compiled["event"]["message"].as_str().unwrap();
        assert!(message.starts_with("the component was compiled in "), "{message}");
    }
    // Who asked for errors alone hears of nothing else.
    gateway.upload("ns", "c", "export default { fetch() { throw new Error('no') } }").await;
    gateway.get("c", "/").await;
    assert_eq!(errors.next().await["outcome"], "exception");
}
