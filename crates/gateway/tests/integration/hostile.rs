//! Hostile Workers through the whole node: it lives, and a quiet neighbour never notices. What each is told is the
//! runtime's test, whose programs these are, with some that need a client, a network and other Workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use crate::dns::serve;
use crate::harness::{PATIENCE, TestGateway, collect};

/// Those that only make sense behind a server.
const MORE: [(&str, &str); 16] = [
    ("giant-header", "fetch: () => new Response('', { headers: { x: 'y'.repeat(20_000_000) } })"),
    (
        "many-headers",
        "fetch() { const h = new Headers(); for (let i = 0; i < 100_000; i++) h.append('x' + i, 'y'); return new Response('', { headers: h }); }",
    ),
    (
        "many-cookies",
        "fetch() { const h = new Headers(); for (let i = 0; i < 50_000; i++) h.append('set-cookie', 'a' + i); return new Response('', { headers: h }); }",
    ),
    ("giant-status", "fetch: () => new Response('', { status: 200, statusText: 's'.repeat(5_000_000) })"),
    (
        "odd-headers",
        "fetch: () => new Response('', { headers: { 'transfer-encoding': 'chunked, chunked', 'content-length': '-1', connection: 'x', te: 'y', upgrade: 'z' } })",
    ),
    (
        "endless-body",
        "fetch: () => new Response(new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(65536)); } }))",
    ),
    ("silent-body", "fetch: () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) }))"),
    (
        "throwing-body",
        "fetch: () => new Response(new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(9)); throw new Error('x'); } }))",
    ),
    (
        "wait-until-flood",
        "fetch(r, e, c) { for (let i = 0; i < 100_000; i++) c.waitUntil(new Promise(() => {})); return new Response('x'); }",
    ),
    (
        "wait-until-burns",
        "fetch(r, e, c) { c.waitUntil((async () => { for (;;) await null; })()); return new Response('x'); }",
    ),
    (
        "fetch-flood",
        "async fetch() { await Promise.allSettled(Array.from({ length: 5_000 }, (_, i) => fetch(`http://n${i}.invalid/`))); return new Response('x'); }",
    ),
    (
        "self-fetch",
        "async fetch(r) { await Promise.allSettled(Array.from({ length: 500 }, () => fetch(r.url))); return new Response('x'); }",
    ),
    (
        "dispatch-flood",
        "async fetch(r, e) { await Promise.allSettled(Array.from({ length: 300 }, () => e.D.get('dispatch-flood').fetch(r.url))); return new Response('x'); }",
    ),
    (
        "log-flood",
        "fetch() { for (let i = 0; i < 200_000; i++) console.log('\\u001b[2J\\n' + i, { i }); return new Response('x'); }",
    ),
    (
        "tee-flood",
        "fetch() { let s = new Response('x'.repeat(1e6)).body; for (let i = 0; i < 5_000; i++) s = s.tee()[0]; return new Response(s); }",
    ),
    (
        "clone-flood",
        "async fetch(r) { const all = []; for (let i = 0; i < 5_000; i++) all.push(r.clone().text()); return new Response(String((await Promise.all(all)).length)); }",
    ),
];

fn programs() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../runtime/tests/fixtures/hostile");
    let mut all: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap()))
        .collect();
    all.extend(MORE.map(|(name, source)| (name.to_owned(), format!("export default {{ {source} }};"))));
    all.sort();
    all
}

/// Calls it as a client that takes some of the body and goes, at the latest when it has waited for a second. What it
/// gets is not the question.
async fn call(gateway: &TestGateway, name: &str) {
    let asked = async {
        let response = gateway.try_open(Method::POST, name, "/", Bytes::from_static(&[b'x'; 100_000])).await;
        let Ok(mut body) = response.map(http::Response::into_body) else { return };
        let mut read = 0;
        while read < 1 << 20 {
            let Some(Ok(frame)) = body.frame().await else { return };
            read += frame.data_ref().map_or(0, Bytes::len);
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), asked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_node_lives_and_the_neighbour_sees_no_error() {
    let (server, _) = serve(|_, _| None).await;
    let gateway = TestGateway::with(|config| {
        config.limits.cpu = Duration::from_millis(100);
        config.limits.wall = Duration::from_secs(5);
        config.runtime.instances = 200;
        config.egress.nameservers = vec![server];
    })
    .await;
    gateway.upload("ns", "canary", "let n = 0; export default { async fetch(r) { n++; await scheduler.wait(1); return Response.json([n, typeof leaked, await r.text()]); } };").await;
    let programs = programs();
    assert!(programs.len() >= 60, "{}", programs.len());
    let gateway = Arc::new(gateway);
    let (stop, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let canary = tokio::spawn({
        let (gateway, stop, asked) = (gateway.clone(), stop.clone(), asked.clone());
        // With connections of its own: those of the programs may end while they are in a pool.
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        async move {
            while !stop.load(Ordering::Relaxed) {
                let request = Request::post(format!("http://{}/", gateway.address())).header("host", "canary.test");
                let answer = client.request(request.body(Full::from("sung")).unwrap());
                let answer = tokio::time::timeout(PATIENCE, answer).await.expect("an answer in time").unwrap();
                collect(answer).await.is(200, "[1,\"undefined\",\"sung\"]");
                asked.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let lanes: Vec<_> = (0..4)
        .map(|lane| {
            let (gateway, programs) = (gateway.clone(), programs.clone());
            tokio::spawn(async move {
                let mut called = Vec::new();
                for (name, source) in programs.into_iter().skip(lane).step_by(4) {
                    let binding = json!([{ "name": "D", "type": "dispatch_namespace", "namespace": "ns" }]);
                    let kept = gateway.try_upload("ns", &name, &source, json!({ "bindings": binding })).await;
                    if !kept.status.is_success() {
                        // A program that does not start is the client's fault.
                        assert_eq!(kept.status, 400, "{name}: {}", kept.text());
                        called.push((name, false));
                        continue;
                    }
                    tokio::join!(call(&gateway, &name), call(&gateway, &name));
                    called.push((name, true));
                }
                called
            })
        })
        .collect();
    let mut called = Vec::new();
    for lane in lanes {
        called.extend(lane.await.unwrap());
    }
    assert!(!canary.is_finished(), "the neighbour failed");
    stop.store(true, Ordering::Relaxed);
    tokio::time::timeout(PATIENCE, canary).await.unwrap().unwrap();
    assert!(asked.load(Ordering::Relaxed) > 100, "{}", asked.load(Ordering::Relaxed));
    // Nothing of them is left, and each has run.
    let idle = async {
        loop {
            let metrics = gateway.admin("/metrics").await.text().to_owned();
            let values = |begins: &str| -> Vec<usize> {
                let lines = metrics.lines().filter(|line| line.starts_with(begins));
                lines.map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap()).collect()
            };
            if values("switchyard_instances{state=\"running\"}") == [0] {
                return values("switchyard_runs_total{").iter().sum::<usize>();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let runs = tokio::time::timeout(PATIENCE, idle).await.expect("all of them end");
    let ran = called.iter().filter(|(_, started)| *started).count();
    assert!(ran >= 60, "{ran} programs ran");
    assert!(runs >= asked.load(Ordering::Relaxed) + ran, "{runs} runs of {ran} programs");
    gateway.admin("/readyz").await.is(200, "ok\n");
}
