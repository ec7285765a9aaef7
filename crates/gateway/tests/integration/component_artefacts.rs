//! Compiled components on disk: only what this node wrote, for this script and this engine, is ever loaded; anything
//! else is made anew from the source, while requests wait a little or are told when to come back.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::component_upload::{hello, says};
use crate::harness::{PATIENCE, TestGateway};

/// The artefacts of all components.
fn artefacts(data: &Path) -> Vec<PathBuf> {
    let inside = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = inside(data.join("artefacts/components")).flat_map(inside).collect();
    files.sort();
    files
}

async fn counts(gateway: &TestGateway, line: &str) -> bool {
    gateway.admin("/metrics").await.text().lines().any(|there| there == line)
}

async fn restarted(gateway: TestGateway, change: impl FnOnce(&Path)) -> TestGateway {
    let data = gateway.stop().await;
    change(data.path());
    TestGateway::on(data, |_| {}).await.unwrap()
}

/// The file as it is, but for one bit; in another inode, as a disk's fault would not be, but a copy of it would.
fn flip(path: &Path, at: impl Fn(usize) -> usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = at(bytes.len());
    bytes[at] ^= 0x10;
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_flipped_bit_is_never_loaded_and_the_component_is_made_anew() {
    let mut gateway = TestGateway::start().await;
    gateway.upload_wasm("ns", "c", &hello()).await;
    for at in [|_| 0, |len| len / 2, |len| len - 40, |len| len - 1] {
        gateway = restarted(gateway, |data| {
            let [file] = &artefacts(data)[..] else { panic!("one artefact") };
            flip(file, at);
        })
        .await;
        gateway.get("c", "/").await.is(200, "hello from a component\n");
        assert!(counts(&gateway, "switchyard_artefacts_refused_total 1").await);
        assert!(counts(&gateway, "switchyard_compilations_total{result=\"compiled\"} 1").await);
    }
    // What was made anew is kept.
    let gateway = restarted(gateway, |_| {}).await;
    gateway.get("c", "/").await.is(200, "hello from a component\n");
    assert!(counts(&gateway, "switchyard_artefacts_refused_total 0").await);
    assert!(counts(&gateway, "switchyard_compilations_total{result=\"compiled\"} 0").await);
}

#[tokio::test]
async fn another_tenants_artefact_under_ones_own_name_is_not_ones_own() {
    let gateway = TestGateway::start().await;
    gateway.upload_wasm("ns", "a", &hello()).await;
    let of_a = artefacts(gateway.data.path());
    gateway.upload_wasm("ns", "b", &says("hello from its sibling")).await;
    let gateway = restarted(gateway, |data| {
        let of_b = artefacts(data).into_iter().find(|path| !of_a.contains(path)).unwrap();
        std::fs::remove_file(&of_b).unwrap();
        std::fs::copy(&of_a[0], of_b).unwrap();
    })
    .await;
    gateway.get("b", "/").await.is(200, "hello from its sibling\n");
    gateway.get("a", "/").await.is(200, "hello from a component\n");
    assert!(counts(&gateway, "switchyard_artefacts_refused_total 1").await);
    assert!(counts(&gateway, "switchyard_compilations_total{result=\"compiled\"} 1").await);
}

#[tokio::test]
async fn two_tenants_of_one_source_share_nothing() {
    let gateway = TestGateway::start().await;
    gateway.upload_wasm("ns", "a", &hello()).await;
    gateway.upload_wasm("ns", "b", &hello()).await;
    assert_eq!(artefacts(gateway.data.path()).len(), 2);
    assert!(counts(&gateway, "switchyard_compilations_total{result=\"compiled\"} 2").await);
}

#[tokio::test]
async fn without_an_artefact_requests_wait_a_little_and_are_told_when_to_come_back() {
    let gateway = TestGateway::start().await;
    gateway.upload_wasm("ns", "c", &hello()).await;
    gateway.upload("ns", "js", "export default { fetch: () => new Response('js') }").await;
    let data = gateway.stop().await;
    for file in artefacts(data.path()) {
        std::fs::remove_file(file).unwrap();
    }
    let gateway = TestGateway::on(data, |config| config.compile.rebuild_wait = Duration::from_millis(1)).await.unwrap();
    let first = gateway.get("c", "/").await;
    assert_eq!((first.status.as_u16(), first.text()), (503, "the Worker is being compiled\n"));
    assert!(first.header("retry-after").parse::<u64>().unwrap() > 0);
    gateway.get("js", "/").await.is(200, "js");
    let began = Instant::now();
    loop {
        let answer = gateway.get("c", "/").await;
        if answer.status.as_u16() == 200 {
            answer.is(200, "hello from a component\n");
            break;
        }
        assert!(answer.status.as_u16() == 503 && began.elapsed() < PATIENCE, "{}", answer.status);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // It was compiled once, whoever asked.
    assert!(counts(&gateway, "switchyard_compilations_total{result=\"compiled\"} 1").await);
    assert!(counts(&gateway, "switchyard_artefacts_refused_total 0").await);
}

/// As if another engine had compiled all components: their artefacts are none of ours, and their links say so.
fn of_another_engine(data: &Path) {
    artefacts(data).iter().for_each(|file| std::fs::remove_file(file).unwrap());
    for folder in std::fs::read_dir(data.join("artefacts/workers")).unwrap() {
        for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if let Some((id, rest)) = name.split_once('.')
                && rest.ends_with(".cwasm")
            {
                std::fs::rename(&path, path.with_file_name(format!("{id}.0123456789abcdef.cwasm"))).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn what_another_engine_compiled_is_made_anew_before_anybody_asks() {
    let gateway = TestGateway::start().await;
    gateway.upload_wasm("ns", "c", &hello()).await;
    gateway.upload_wasm("ns", "c", &says("hello from its sibling")).await;
    gateway.upload_wasm("ns", "d", &hello()).await;
    gateway.upload("ns", "js", "export default { fetch: () => new Response('js') }").await;
    let gateway = restarted(gateway, of_another_engine).await;
    let began = Instant::now();
    // Those that are live: the first version of one of them is not.
    while !counts(&gateway, "switchyard_compilations_total{result=\"compiled\"} 2").await {
        assert!(began.elapsed() < PATIENCE, "nothing is compiled");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    gateway.get("c", "/").await.is(200, "hello from its sibling\n");
    gateway.get("d", "/").await.is(200, "hello from a component\n");
    gateway.get("js", "/").await.is(200, "js");
    assert_eq!(artefacts(gateway.data.path()).len(), 2);
    // It is done for good.
    let gateway = restarted(gateway, |_| {}).await;
    gateway.get("c", "/").await.is(200, "hello from its sibling\n");
    gateway.get("d", "/").await.is(200, "hello from a component\n");
    assert!(counts(&gateway, "switchyard_compilations_total{result=\"compiled\"} 0").await);
}

#[tokio::test]
async fn an_old_version_that_is_live_again_is_opened_from_its_own_artefact() {
    let gateway = TestGateway::start().await;
    gateway.upload_wasm("ns", "c", &hello()).await;
    gateway.upload_wasm("ns", "c", &says("hello from its sibling")).await;
    gateway.upload_wasm("ns", "c", &hello()).await;
    gateway.get("c", "/").await.is(200, "hello from a component\n");
    // The third is the first again.
    assert!(counts(&gateway, "switchyard_compilations_total{result=\"compiled\"} 2").await);
    assert_eq!(artefacts(gateway.data.path()).len(), 2);
}
