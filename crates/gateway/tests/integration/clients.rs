//! A platform's back end on Cloudflare's own clients, unmodified. Each script of `tests/clients` lives the
//! whole life of a namespace with one of them and prints a line of JSON a step: what the client made of
//! our answers, and what the Workers answered through the gateway. All clients must tell the same story,
//! which is `lifecycle.jsonl`.

use std::path::Path;

use serde_json::Value;
use switchyard_gateway::config::Resolver;
use tokio::process::Command;

use crate::harness::TestGateway;
use crate::packages;

const NODE: &str = "22.23.3";

/// Runs a script to its end against a node of its own; the steps it told.
async fn steps(mut command: Command) -> Vec<Value> {
    let gateway = TestGateway::with(|config| {
        config.resolver = vec![Resolver::subdomain("test", "prod")];
        config.bootstrap.namespaces = vec![];
    })
    .await;
    command
        .env("BASE_URL", format!("http://{}/client/v4", gateway.admin_address()))
        .env("GATEWAY", gateway.address().to_string())
        .env("ACCOUNT", gateway.account())
        .env("TOKEN", gateway.token())
        .env("NAMESPACE", "prod")
        .kill_on_drop(true);
    let output = tokio::time::timeout(std::time::Duration::from_secs(120), command.output());
    let output = output.await.expect("the script ends in time").unwrap();
    let (told, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}\n{errors}");
    told.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// Both are equal, or the first difference is shown.
#[track_caller]
fn same_story(told: &[Value]) {
    let story = include_str!("../clients/lifecycle.jsonl").lines();
    let story: Vec<Value> = story.map(|line| serde_json::from_str(line).unwrap()).collect();
    for (told, expected) in told.iter().zip(&story) {
        assert_eq!(told, expected, "\n told: {told}\nstory: {expected}\n");
    }
    assert_eq!(told.len(), story.len());
}

/// Runs one of the scripts for Node with this release of the package.
async fn with_node(package: &str, script: &str) -> Option<Vec<Value>> {
    let (node, packages) = (packages::node(NODE).await?, packages::npm(package).await?);
    // A module finds packages beside itself only.
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients"), folder.path());
    std::os::unix::fs::symlink(packages.join("node_modules"), folder.path().join("node_modules")).unwrap();
    let mut command = Command::new(node);
    command.arg(folder.path().join(script));
    Some(steps(command).await)
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn npm_cloudflare_6() {
    let Some(told) = with_node("cloudflare@6.5.0", "lifecycle.mjs").await else { return };
    same_story(&told);
}

/// Its methods that upload send what no server can read (contract §3.3): they get an answer that says so,
/// and change nothing. All others work.
#[tokio::test(flavor = "multi_thread")]
async fn npm_cloudflare_7() {
    let Some(told) = with_node("cloudflare@7.3.0", "lifecycle7.mjs").await else { return };
    let (broken, told): (Vec<_>, Vec<_>) =
        told.into_iter().partition(|told| told["step"].as_str().unwrap().starts_with("7: "));
    same_story(&told);
    assert_eq!(broken.len(), 6);
    for told in broken {
        if told["step"].as_str().unwrap().contains("answer") {
            assert!(told["saw"] == 404 || told["saw"]["env"]["PLAIN"] == "second", "{told}");
            continue;
        }
        assert_eq!((&told["saw"]["status"], &told["saw"]["code"]), (&400.into(), &10021.into()), "{told}");
        assert!(told["saw"]["message"].as_str().unwrap().contains("use its release 6"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pypi_cloudflare_5() {
    let Some(packages) = packages::pip("cloudflare==5.9.0").await else { return };
    let mut command = Command::new("python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/lifecycle.py"));
    command.env("PYTHONPATH", packages).env("PYTHONNOUSERSITE", "1").env("PYTHONDONTWRITEBYTECODE", "1");
    same_story(&steps(command).await);
}
