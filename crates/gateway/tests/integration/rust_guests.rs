//! A component in Rust, built from its crates as people build theirs: the example. Where the toolchain has no target
//! `wasm32-wasip2` it is skipped, and says so: guests in WAT, Spin's and wasmCloud's styles among them, are in
//! `crates/runtime/src/component/tests/styles.rs`.

use std::path::{Path, PathBuf};

use serde_json::json;
use tokio::process::Command;

use crate::harness::TestGateway;

const TARGET: &str = "wasm32-wasip2";

/// What cargo makes of the crate in that folder beside this one; `None`: there is no such target.
async fn built(folder: &str, name: &str) -> Option<Vec<u8>> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output().await.unwrap();
    let library = PathBuf::from(String::from_utf8(said.stdout).unwrap().trim());
    if !std::fs::read_dir(&library).is_ok_and(|mut files| files.next().is_some()) {
        eprintln!("SKIPPED: {folder} is not built: `rustup target add {TARGET}` brings what it needs");
        return None;
    }
    // Kept beside the build, and away from the sources.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust-guests").join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let copy = target.join("source");
    let _ = std::fs::remove_dir_all(&copy);
    std::fs::create_dir_all(copy.join("src")).unwrap();
    for file in ["Cargo.toml", "src/lib.rs"] {
        std::fs::copy(source.join(file), copy.join(file)).unwrap();
    }
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--release", "--quiet", "--target", TARGET])
        .current_dir(&copy)
        .env("CARGO_TARGET_DIR", &target);
    // What this build is made with is not for another target.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        cargo.env_remove(variable);
    }
    let built = cargo.output().await.unwrap();
    assert!(built.status.success(), "{folder}: {}", String::from_utf8_lossy(&built.stderr));
    Some(std::fs::read(target.join(TARGET).join("release").join(format!("{name}.wasm"))).unwrap())
}

async fn deployed(wasm: &[u8], bindings: serde_json::Value) -> TestGateway {
    let gateway = TestGateway::start().await;
    let answer = gateway.try_upload_wasm("ns", "guest", wasm, json!({ "bindings": bindings })).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    gateway
}

#[tokio::test]
async fn the_example_answers() {
    let Some(wasm) = built("../../examples/rust", "worker").await else { return };
    let gateway = deployed(&wasm, json!([{ "type": "plain_text", "name": "GREETING", "text": "welcome" }])).await;
    gateway.get("guest", "/a?b").await.is(200, "welcome from Rust at /a?b\n");
    let body: Vec<u8> = (0..3 << 20).map(|n: u32| (n % 251) as u8).collect();
    assert!(gateway.post("guest", "/", body.clone()).await.bytes == body);
}
