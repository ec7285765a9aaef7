//! schemathesis, from PyPI, over the API's own document: whatever it sends, nothing is a server error and
//! every answer is one that the document names, in the form that it gives.
//! `SWITCHYARD_TEST_SCALE` (1 by default) times ten examples an operation.

use std::time::Duration;

use serde_json::json;
use tokio::process::Command;

use crate::harness::TestGateway;
use crate::packages;

/// Checks that are left out. A request without credentials gets 400 (9106), as at Cloudflare, where both
/// insist on 401 and take no other; the one header that they find required is `Authorization`. Every
/// endpoint is asked without credentials, and with wrong ones, by the API's own tests.
const WITHOUT: &str = "ignored_auth,missing_required_header";

/// What has rules that a schema cannot say, and so refuses some of what the schema lets through: JavaScript
/// that starts, JSON in a form's part, shares that add up to 100, at most eight different tags, keys that are
/// names or paths, two headers that exclude each other, addresses, URLs, Workers that have to be there, plans
/// that the configuration has. All else takes what the document says is valid.
const HAS_MORE_RULES: &str = r"
[[operations]]
include-path-regex = '/(scripts|versions|content|secrets|secrets-bulk|assets-upload-session|deployments|tags|tails|tokens|plan)$|/scripts/\{script\}(/settings|/script-settings)?$|/namespaces/\{namespace\}/settings$|/switchyard/resolve$'
[operations.checks.positive_data_acceptance]
expected-statuses = ['2xx', '400', '401', '403', '404', '409', '412']
";

const TOKEN: &str = "/switchyard/accounts/{account}/tokens/{token}";
const NAMESPACE: &str = "/accounts/{account}/workers/dispatch/namespaces/{namespace}";

/// Runs it with these values for parameters, without these operations.
async fn run(parameters: &[(&str, &str)], without: &[String]) {
    let Some(packages) = packages::pip("schemathesis==4.32.5").await else { return };
    let gateway = TestGateway::with(|config| config.limits.wrong_tokens = u32::MAX).await;
    let source = "export default { fetch() { return new Response('one') } }";
    let secret = json!([{ "type": "secret_text", "name": "KEY", "text": "value" }]);
    gateway.upload_with("ns", "one", source, json!({ "tags": ["tag"], "bindings": secret })).await;
    gateway.upload_worker("one", source, secret).await;

    let folder = tempfile::tempdir().unwrap();
    let mut config = format!("[parameters]\n\"path.account\" = {:?}\n", gateway.account());
    for (name, value) in parameters {
        config += &format!("{name:?} = {value:?}\n");
    }
    config += HAS_MORE_RULES;
    std::fs::write(folder.path().join("schemathesis.toml"), config).unwrap();
    let scale = std::env::var("SWITCHYARD_TEST_SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1.0_f64);
    let mut command = Command::new("python3");
    command.args(["-m", "schemathesis.cli", "run"]);
    command.arg(format!("http://{}/client/v4/openapi.json", gateway.admin_address()));
    command.arg("--header").arg(format!("Authorization: Bearer {}", gateway.token()));
    command.arg("--max-examples").arg(format!("{}", (10.0 * scale).max(1.0) as u32));
    command.args(["--checks", "all", "--exclude-checks", WITHOUT]);
    command.args(["--generation-deterministic", "--continue-on-failure", "--no-color"]);
    // It revokes the tokens that a list has shown it, its own as well.
    // Event streams have no end to wait for.
    let own = "GET /switchyard/accounts/{account}";
    let always = [
        format!("DELETE {TOKEN}"),
        format!("POST {TOKEN}/roll"),
        format!("{own}/namespaces/{{namespace}}/tail"),
        format!("{own}/namespaces/{{namespace}}/scripts/{{script}}/tail"),
        format!("{own}/scripts/{{script}}/tail"),
    ];
    for operation in always.iter().chain(without) {
        command.arg("--exclude-name").arg(operation);
    }
    command.current_dir(folder.path()).kill_on_drop(true);
    command.env("PYTHONPATH", packages).env("PYTHONNOUSERSITE", "1");
    let output = tokio::time::timeout(Duration::from_secs(300).mul_f64(scale.max(1.0)), command.output());
    let output = output.await.expect("it ends in time").unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    // Else it has not come past the door.
    assert!(!text.contains("Rate limited"), "{text}");
}

/// Names of all kinds: mostly of what is not there.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_named_every_answer_is_a_documented_one() {
    run(&[], &[]).await;
}

/// Scripts that are there, and bodies of all kinds for them.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_sent_every_answer_is_a_documented_one() {
    let gone = ["/scripts", "/scripts/{script}"].map(|path| format!("DELETE {NAMESPACE}{path}"));
    let renamed = ["PUT", "PATCH", "DELETE"].map(|method| format!("{method} {NAMESPACE}"));
    let account = ["scripts", "services"].map(|what| format!("DELETE /accounts/{{account}}/workers/{what}/{{script}}"));
    let without = [gone.to_vec(), renamed.to_vec(), account.to_vec()].concat();
    let there = [("path.namespace", "ns"), ("path.script", "one"), ("path.secret", "KEY"), ("path.tag", "tag")];
    run(&there, &without).await;
}
