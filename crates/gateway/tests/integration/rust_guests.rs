//! Components in Rust, built from crates as people build theirs: in the manner of Spin (`wasi:http` 0.3), of wasmCloud, of
//! wstd, and with bindings alone (0.2), from `tests/guests`, and the example that people copy. Guests in WAT, where each
//! call is written out, are in `crates/runtime/src/component/tests`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use http::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use crate::egress::origin;
use crate::harness::{TestGateway, read_until};
use crate::namespace_settings::put as set_namespace;
use crate::rust_toolchain::toolchain;
use crate::tail::Events;

/// Scripts, and the crates that they are made of.
const GUESTS: [(&str, &str); 4] =
    [("bindings", "bindings"), ("spin", "spin"), ("wasmcloud", "wasmcloud"), ("wstd", "wstd_guest")];

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust-guests").join(name)
}

/// A script's name, and its component.
type Guest = (&'static str, Vec<u8>);

/// All of [`GUESTS`].
async fn guests() -> Option<&'static Vec<Guest>> {
    static BUILT: OnceCell<Option<Vec<Guest>>> = OnceCell::const_new();
    let build = async || {
        let toolchain = toolchain().await?;
        let began = Instant::now();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests");
        let built = toolchain.build(&folder, &place("guests"), &["--locked"]).await;
        println!("{} guests built in {:.0?}", GUESTS.len(), began.elapsed());
        Some(GUESTS.map(|(script, file)| (script, toolchain.component(&built.join(format!("{file}.wasm"))))).into())
    };
    BUILT.get_or_init(build).await.as_ref()
}

async fn put(gateway: &TestGateway, script: &str, wasm: &[u8], metadata: Value) {
    let answer = gateway.try_upload_wasm("ns", script, wasm, metadata).await;
    assert!(answer.status.is_success(), "{script}: {}", answer.text());
}

#[tokio::test]
async fn they_serve_as_elsewhere() {
    let Some(guests) = guests().await else { return };
    let gateway = TestGateway::with(|config| config.egress.grantable = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let origin = origin().await;
    let bindings = json!([
        { "type": "plain_text", "name": "GREETING", "text": "welcome" },
        { "type": "secret_text", "name": "ORIGIN", "text": format!("http://{origin}/show") },
    ]);
    for (script, wasm) in guests {
        put(&gateway, script, wasm, json!({ "bindings": bindings })).await;
    }
    for isolation in ["request", "warm"] {
        for (script, _) in guests {
            set_namespace(&gateway, json!({ "isolation": isolation })).await;
            answers(&gateway, script, isolation == "warm").await;
            passes_bodies(&gateway, script).await;
            fetches(&gateway, script, isolation).await;
        }
    }
}

/// A status, a header, the request's method and path, a variable, and whether requests share an instance.
async fn answers(gateway: &TestGateway, script: &str, warm: bool) {
    let mut most = 0;
    for _ in 0..4 {
        let answer = gateway.send(Method::PUT, script, "/a", &[], "unread".into()).await;
        assert_eq!((answer.status.as_u16(), answer.header("x-made-with")), (201, script), "{}", answer.text());
        let greeted = answer.text();
        let number = greeted.strip_prefix("welcome to PUT /a, number ").unwrap_or_else(|| panic!("{greeted}"));
        most = most.max(number.parse::<u32>().unwrap());
    }
    assert_eq!(most > 1, warm, "{script}: greeted {most} times by one instance");
}

/// Whole, and as they come.
async fn passes_bodies(gateway: &TestGateway, script: &str) {
    let body: Vec<u8> = (0..700_001).map(|n: u32| (n % 251) as u8).collect();
    let answer = gateway.post(script, "/echo", body.clone()).await;
    assert!(answer.bytes == body, "{script}: {} bytes came back", answer.bytes.len());
    gateway.post(script, "/echo", "").await.is(200, "");
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let head =
        format!("POST /echo HTTP/1.1\r\nHost: {script}.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    read_until(&mut stream, "first").await;
    stream.write_all(b"4\r\nlast\r\n0\r\n\r\n").await.unwrap();
    let rest = read_until(&mut stream, "0\r\n\r\n").await;
    assert!(rest.contains("last"), "{script}: {rest}");
}

/// Under the namespace's rules, as `fetch` does.
async fn fetches(gateway: &TestGateway, script: &str, isolation: &str) {
    let refused = gateway.get(script, "/fetch").await;
    assert_eq!(refused.status, 502, "{script}: {}", refused.text());
    assert!(refused.text().starts_with("no answer: "), "{script}: {}", refused.text());
    set_namespace(gateway, json!({ "isolation": isolation, "egress": { "also": ["127.0.0.1"] } })).await;
    let answer = gateway.get(script, "/fetch").await;
    assert_eq!(answer.status, 200, "{script}: {}", answer.text());
    assert!(answer.text().starts_with("POST /show "), "{}", answer.text());
    assert!(answer.text().ends_with(" body=asked by a guest"), "{}", answer.text());
}

#[tokio::test]
async fn they_fail_as_all_workers_do() {
    let Some(guests) = guests().await else { return };
    let gateway = TestGateway::start().await;
    let limits = json!({ "limits": { "cpu_ms": 1000 } });
    for (script, wasm) in guests {
        put(&gateway, script, wasm, limits.clone()).await;
        let mut tail = Events::open(&gateway, &format!("/namespaces/ns/scripts/{script}/tail")).await;
        gateway.get(script, "/panic").await.is(500, "error code: 1101\n");
        let event = tail.next().await;
        assert_eq!(event["outcome"], "exception", "{script}: {event}");
        let logs = event["logs"].to_string();
        assert!(logs.contains("panicked at") && logs.contains("asked to"), "{script}: {event}");
        gateway.get(script, "/spin").await.is(503, "error code: 1102\n");
        assert_eq!(tail.next().await["outcome"], "exceededCpu", "{script}");
        gateway.get(script, "/grow").await.is(503, "error code: 1102\n");
        assert_eq!(tail.next().await["outcome"], "exceededMemory", "{script}");
        assert_eq!(gateway.get(script, "/").await.status, 201, "{script}");
    }
}

#[tokio::test]
async fn the_example_answers() {
    let Some(toolchain) = toolchain().await else { return };
    // A copy, as nothing is to be written beside the sources.
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/rust");
    let copy = place("example-source");
    let _ = std::fs::remove_dir_all(&copy);
    std::fs::create_dir_all(copy.join("src")).unwrap();
    for file in ["Cargo.toml", "src/lib.rs"] {
        std::fs::copy(source.join(file), copy.join(file)).unwrap();
    }
    let built = toolchain.build(&copy, &place("example"), &[]).await;
    let gateway = TestGateway::start().await;
    let greeting = json!({ "bindings": [{ "type": "plain_text", "name": "GREETING", "text": "welcome" }] });
    put(&gateway, "guest", &toolchain.component(&built.join("worker.wasm")), greeting).await;
    gateway.get("guest", "/a?b").await.is(200, "welcome from Rust at /a?b\n");
    let body: Vec<u8> = (0..3 << 20).map(|n: u32| (n % 251) as u8).collect();
    assert!(gateway.post("guest", "/", body.clone()).await.bytes == body);
}
