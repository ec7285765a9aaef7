//! `switchyard backup` and `restore` by the binary: a node that takes uploads all the while, and one that serves from
//! what was restored.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use crate::harness::{PATIENCE, scaled};
use crate::process::switchyard;
use crate::tools::{Node, file, say};

const WRITERS: usize = 3;

/// Two modules and a variable of one number, so that a mix of two versions would show.
fn upload(number: u64) -> String {
    format!(
        "--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n\
         {{\"main_module\":\"index.js\",\"bindings\":[{{\"name\":\"N\",\"type\":\"plain_text\",\"text\":\"{number}\"}},\
         {{\"name\":\"S\",\"type\":\"secret_text\",\"text\":\"secret {number}\"}}]}}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"index.js\"; filename=\"index.js\"\r\n\
         Content-Type: application/javascript+module\r\n\r\nimport {{ n }} from './n.js'; export default {{ fetch(r, env) {{ \
         return new Response([{number}, n, env.N, env.S].join()) }} }}\r\n\
         --b\r\nContent-Disposition: form-data; name=\"n.js\"; filename=\"n.js\"\r\n\
         Content-Type: application/javascript+module\r\n\r\nexport const n = {number};\r\n--b--\r\n"
    )
}

async fn write(admin: String, token: String, writer: usize, stop: Arc<AtomicBool>, acknowledged: Arc<AtomicU64>) {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let account = "00000000000000000000000000000001";
    let url = format!("{admin}/accounts/{account}/workers/dispatch/namespaces/dev/scripts/w{writer}");
    let mut number = 1;
    while !stop.load(Ordering::Relaxed) {
        let request = Request::builder().method(Method::PUT).uri(&url);
        let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        let request = request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
        let response = client.request(request.body(Full::new(Bytes::from(upload(number)))).unwrap()).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(status, StatusCode::OK, "{body:?}");
        acknowledged.store(number, Ordering::SeqCst);
        number += 1;
    }
}

/// The number that a script answers with, which must be one.
async fn number(node: &Node, writer: usize) -> u64 {
    let text = node.answers(&format!("w{writer}")).await;
    let number = text.split(',').next().unwrap().to_owned();
    assert_eq!(text, format!("{number},{number},{number},secret {number}"));
    number.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_node_has_all_that_was_acknowledged_before() {
    let node = Node::start().await;
    let token = std::fs::read_to_string(node.data.path().join("token")).unwrap().trim().to_owned();
    let stop = Arc::new(AtomicBool::new(false));
    let acknowledged: Vec<_> = (0..WRITERS).map(|_| Arc::new(AtomicU64::new(0))).collect();
    let writers: Vec<_> = acknowledged
        .iter()
        .enumerate()
        .map(|(writer, done)| {
            tokio::spawn(write(node.admin.clone(), token.clone(), writer, stop.clone(), done.clone()))
        })
        .collect();
    let place = tempfile::tempdir().unwrap();
    for round in 0..scaled(3).max(1) {
        let before: Vec<u64> = loop {
            let now: Vec<u64> = acknowledged.iter().map(|done| done.load(Ordering::SeqCst)).collect();
            if now.iter().all(|number| *number > 2 * round as u64) {
                break now;
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        };
        let path = |name: &str| place.path().join(format!("{name}{round}"));
        let (to, data) = (path("backup").with_extension("tar"), path("data"));
        let said = node.run(&["backup", to.to_str().unwrap()]).await.ok();
        assert!(said.contains("with the key of the tenants' secrets"), "{said}");
        let after: Vec<u64> = acknowledged.iter().map(|done| done.load(Ordering::SeqCst)).collect();
        let restore = ["restore", to.to_str().unwrap(), "--data", data.to_str().unwrap(), "--json"];
        let manifest = say(switchyard(&restore)).await.json();
        assert!(manifest["blobs"].as_u64().unwrap() >= 2 && manifest["with_key"] == true, "{manifest}");
        // As a temporary folder that the node cleans up; what it compiles once is taken over.
        let folder = crate::harness::data().await;
        for name in ["catalog.sqlite", "secret.key", "blobs"] {
            std::fs::rename(data.join(name), folder.path().join(name)).unwrap();
        }
        let restored = Node::on(folder, &[]).await;
        for writer in 0..WRITERS {
            let number = number(&restored, writer).await;
            // One more may have been written that was not acknowledged yet.
            assert!((before[writer]..=after[writer] + 1).contains(&number), "{before:?} {number} {after:?}");
        }
        // It is a node as any: what is uploaded now lives.
        let source = file(place.path(), "x.mjs", "export default { fetch() { return new Response('new') } };");
        restored.run(&["deploy", "dev/w0", &source]).await.ok();
        assert_eq!(restored.answers("w0").await, "new");
        restored.stop().await;
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
}

async fn shell(script: &str, place: &Path) -> std::process::Output {
    let mut command = tokio::process::Command::new("bash");
    command.args(["-euo", "pipefail", "-c", script]).current_dir(place).kill_on_drop(true);
    command.env("SWITCHYARD", env!("CARGO_BIN_EXE_switchyard"));
    tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends in time").unwrap()
}

#[tokio::test]
async fn it_goes_through_a_pipe_by_the_nodes_configuration() {
    let node = Node::with(&["--account", "acme"]).await;
    let place = tempfile::tempdir().unwrap();
    file(place.path(), "node.toml", &format!("data = {:?}\n", node.data.path()));
    file(place.path(), "other.toml", "data = \"restored\"\n");
    let script = "$SWITCHYARD backup - --config node.toml | SWITCHYARD_CONFIG=other.toml $SWITCHYARD restore -";
    let output = shell(script, place.path()).await;
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{errors}");
    assert!(out.starts_with("restored - of ") && out.contains(" into restored: "), "{out}");
    assert!(errors.starts_with("backed up "), "{errors}");
    assert!(place.path().join("restored/catalog.sqlite").is_file());
    // What is named wins over what the environment has; nothing is made where nothing is named.
    let script = "$SWITCHYARD backup b --config node.toml > /dev/null
        SWITCHYARD_CONFIG=other.toml SWITCHYARD_DATA=env $SWITCHYARD restore b --data named > /dev/null
        SWITCHYARD_DATA=env $SWITCHYARD restore b > /dev/null
        [ -e named/catalog.sqlite ] && [ -e env/catalog.sqlite ]
        ! $SWITCHYARD restore b 2>&1 && [ ! -e .switchyard ]";
    let output = shell(script, place.path()).await;
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && out.contains("name the data folder"), "{output:?}");
    // A pipe whose reader goes is told of, and ends.
    let output = shell("$SWITCHYARD backup - --config node.toml | head -c 10 > /dev/null", place.path()).await;
    assert!(!output.status.success());
    // Refusals are one clear line.
    node.run(&["backup", place.path().join("restored").to_str().unwrap()]).await.fails("exists already");
    let there = place.path().join("restored");
    let again = ["restore", "x.tar", "--data", there.to_str().unwrap()];
    say(switchyard(&again)).await.fails("could not read x.tar");
    let nowhere = place.path().join("nowhere");
    let from = ["backup", "y.tar", "--data", nowhere.to_str().unwrap()];
    say(switchyard(&from)).await.fails("is not the data folder of a node");
}
