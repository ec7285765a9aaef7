//! curl, with the forms that Cloudflare's documentation shows: parts with and without a file name and a
//! type, JSON from a file or in place.

use std::path::Path;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::harness::TestGateway;

const WORKER: &str = "export default { fetch() { return new Response('by curl') } }";
const TYPE: &str = "application/javascript+module";

struct Curl {
    gateway: TestGateway,
    folder: tempfile::TempDir,
}

impl Curl {
    async fn new() -> Self {
        let curl = Self { gateway: TestGateway::start().await, folder: tempfile::tempdir().unwrap() };
        curl.file("worker.mjs", WORKER);
        curl.file("worker.js", WORKER);
        curl.file("metadata.json", r#"{"main_module":"worker.mjs","compatibility_date":"2026-01-01"}"#);
        curl
    }

    fn file(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// What `curl ARGUMENTS …/namespaces/PATH` gets.
    async fn run(&self, path: &str, arguments: &[&str]) -> (u16, Value) {
        let (status, text) = run(&self.gateway, self.folder.path(), path, arguments).await;
        (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}")))
    }

    #[track_caller]
    fn good(&self, (status, answer): (u16, Value)) -> Value {
        assert_eq!((status, &answer["success"]), (200, &true.into()), "{answer}");
        answer["result"].clone()
    }

    async fn upload(&self, script: &str, arguments: &[&str]) {
        let answer = self.run(&format!("ns/scripts/{script}"), &[&["-X", "PUT"], arguments].concat()).await;
        self.good(answer);
        self.gateway.get(script, "/").await.is(200, "by curl");
    }
}

async fn run(gateway: &TestGateway, folder: &Path, path: &str, arguments: &[&str]) -> (u16, String) {
    let base = format!("http://{}/client/v4/accounts/{}", gateway.admin_address(), gateway.account());
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--globoff", "--max-time", "30", "--write-out", "\n%{http_code}"]);
    curl.arg("--header").arg(format!("Authorization: Bearer {}", gateway.token())).args(arguments);
    curl.arg(format!("{base}/workers/dispatch/namespaces{}{path}", if path.is_empty() { "" } else { "/" }));
    let output = curl.current_dir(folder).kill_on_drop(true).output().await.unwrap();
    assert!(output.status.success(), "curl {arguments:?}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let (text, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_form_of_an_upload_is_understood() {
    let curl = Curl::new().await;
    let metadata = r#"metadata={"main_module":"worker.mjs","compatibility_date":"2026-01-01"}"#;
    let typed = &format!("{metadata};type=application/json");
    let file = &format!("worker.mjs=@worker.mjs;type={TYPE}");
    let text = &format!("worker.mjs={WORKER};type={TYPE}");
    curl.upload("typed", &["-F", typed, "-F", file]).await;
    curl.upload("untyped-metadata", &["-F", metadata, "-F", file]).await;
    curl.upload("metadata-last", &["-F", file, "-F", typed]).await;
    curl.upload("metadata-file", &["-F", "metadata=@metadata.json;type=application/json", "-F", file]).await;
    curl.upload("metadata-untyped-file", &["-F", "metadata=@metadata.json", "-F", file]).await;
    curl.upload("text", &["-F", typed, "-F", text]).await;
    curl.upload("untyped-text", &["-F", metadata, "-F", &format!("worker.mjs={WORKER}")]).await;
    curl.upload("untyped-file", &["-F", metadata, "-F", "worker.mjs=@worker.mjs"]).await;
    let script = format!("script=@worker.mjs;filename=worker.mjs;type={TYPE}");
    curl.upload("named-by-file", &["-F", typed, "-F", &script]).await;
    let other = format!("worker.mjs=@worker.js;type={TYPE}");
    curl.upload("named-by-part", &["-F", typed, "-F", &other]).await;
    let plain = r#"metadata={"main_module":"worker.js"};type=application/json"#;
    curl.upload("plain-javascript", &["-F", plain, "-F", "worker.js=@worker.js;type=application/javascript"]).await;
    curl.upload("form-string", &["--form-string", metadata, "--form", file]).await;
    // curl asks first (`Expect: 100-continue`) before it sends as much as this.
    let big = json!({ "main_module": "worker.mjs", "compatibility_date": "2026-01-01" });
    curl.file("big.txt", &"x".repeat(3 << 20));
    let big = format!("metadata={big}");
    curl.upload("big", &["-F", &big, "-F", file, "-F", "big.txt=@big.txt;type=text/plain"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_upload_is_told() {
    let curl = Curl::new().await;
    let file = &format!("worker.mjs=@worker.mjs;type={TYPE}");
    let put = "ns/scripts/x";
    for (arguments, status, code, words) in [
        (vec!["-F", file], 400, 10021, "part metadata"),
        (vec!["-F", "metadata={", "-F", file], 400, 10026, "metadata is not JSON"),
        (vec!["-F", r#"metadata={"main_module":"worker.js"}"#, "-F", file], 400, 10021, "worker.js"),
        (vec!["-F", r#"metadata={"main_module":7}"#, "-F", file], 400, 10021, "metadata.main_module"),
        (vec!["-F", r#"metadata={"main_module":"worker.mjs"}"#], 400, 10021, "no module"),
        (
            vec!["-H", "Content-Type: application/javascript", "--data-binary", "nothing()"],
            400,
            10021,
            "nothing is not defined",
        ),
        (vec!["-H", "Content-Type: multipart/form-data", "--data-binary", "@worker.js"], 400, 10026, "boundary"),
        (vec!["-d", "a=b"], 415, 10001, "application/x-www-form-urlencoded"),
    ] {
        let (there, answer) = curl.run(put, &[vec!["-X", "PUT"], arguments.clone()].concat()).await;
        let error = &answer["errors"][0];
        assert_eq!((there, &error["code"]), (status, &code.into()), "{arguments:?}: {answer}");
        assert!(error["message"].as_str().unwrap().contains(words), "{arguments:?}: {answer}");
    }
    assert_eq!(curl.run(put, &[]).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_the_documented_calls_work() {
    let curl = Curl::new().await;
    let json = ["-H", "Content-Type: application/json"];
    let with = |method: &'static str, body: &'static str| [&["-X", method], &json[..], &["--data", body]].concat();
    let made = curl.good(curl.run("", &with("POST", r#"{"name": "production"}"#)).await);
    assert_eq!(made["namespace_name"], "production");
    let answer = curl.run("", &["--json", r#"{"name": "production"}"#]).await;
    assert_eq!((answer.0, &answer.1["errors"][0]["code"]), (409, &100120.into()));

    let echo = "export default { fetch(_, env) { return Response.json(env) } }";
    curl.file("worker.mjs", echo);
    let metadata = r#"metadata={"main_module":"worker.mjs","tags":["customer-1"],"bindings":[{"type":"plain_text","name":"A","text":"a"}]}"#;
    let file = format!("worker.mjs=@worker.mjs;type={TYPE}");
    curl.good(curl.run("ns/scripts/one", &["-X", "PUT", "-F", metadata, "-F", &file]).await);
    let env = async || curl.gateway.get("one", "/").await.json();
    assert_eq!(env().await, json!({ "A": "a" }));

    let secret = r#"{"name":"KEY","text":"value","type":"secret_text"}"#;
    curl.good(curl.run("ns/scripts/one/secrets", &with("PUT", secret)).await);
    assert_eq!(env().await, json!({ "A": "a", "KEY": "value" }));
    let settings = r#"settings={"bindings":[{"type":"plain_text","name":"B","text":"b"}]}"#;
    curl.good(curl.run("ns/scripts/one/settings", &["-X", "PATCH", "-F", settings]).await);
    assert_eq!(env().await, json!({ "B": "b" }));

    let tags = "ns/scripts/one/tags";
    assert_eq!(
        curl.good(curl.run(tags, &with("PUT", r#"["customer-1","beta"]"#)).await),
        json!(["customer-1", "beta"])
    );
    curl.good(curl.run(&format!("{tags}/gold"), &["-X", "PUT"]).await);
    curl.good(curl.run(&format!("{tags}/beta"), &["-X", "DELETE"]).await);
    assert_eq!(curl.good(curl.run(tags, &[]).await), json!(["customer-1", "gold"]));
    let found = curl.good(curl.run("ns/scripts?tags=customer-1:yes,beta:no", &[]).await);
    assert_eq!(found[0]["script"]["id"], "one");

    let (status, content) = run(&curl.gateway, curl.folder.path(), "ns/scripts/one/content", &[]).await;
    assert!(status == 200 && content.contains(echo), "{content}");
    curl.file("worker.mjs", WORKER);
    let metadata = r#"metadata={"main_module":"worker.mjs"};type=application/json"#;
    curl.good(curl.run("ns/scripts/one/content", &["-X", "PUT", "-F", metadata, "-F", &file]).await);
    curl.gateway.get("one", "/").await.is(200, "by curl");
    let by_header = ["-X", "PUT", "-H", "CF-WORKER-MAIN-MODULE-PART: worker.mjs", "-F", &file];
    curl.good(curl.run("ns/scripts/one/content", &by_header).await);
    curl.gateway.get("one", "/").await.is(200, "by curl");

    let gone = curl.good(curl.run("ns/scripts?tags=customer-1:yes", &["-X", "DELETE"]).await);
    assert_eq!((&gone["deleted_count"], &gone["has_more"]), (&1.into(), &false.into()));
    assert_eq!(curl.gateway.get("one", "/").await.status, 404);
    assert_eq!(curl.good(curl.run("production", &["-X", "DELETE"]).await), Value::Null);
}
