//! Where host and guest meet: what each must be told, what neither may keep, and how much is too much.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::BodyExt;
use switchyard_catalog::ModuleKind::EsModule;
use switchyard_catalog::{Isolation, Limits};
use switchyard_runtime::{
    Body, Config, Ending, FetchError, FetchRequest, FetchResponse, Outbound, RunErrorKind, Runtime, Target,
};

use crate::harness::{Bench, answer, get, post, spec, spec_of, text};

const SOON: Duration = Duration::from_secs(10);

/// An origin that answers once it has read the whole request.
struct ReadsAll;

#[async_trait]
impl Outbound for ReadsAll {
    async fn fetch(&self, _depth: u8, _target: Target, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        let body = request.body.collect().await.map_err(|error| FetchError::error(error.to_string()))?.to_bytes();
        answer(format!("got {}", body.len()))
    }
}

/// A body that gives nothing and says when it is dropped.
struct Watched(Arc<AtomicBool>);

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        Poll::Pending
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A short request begins on the thread that brings it, which may belong to another tokio runtime and end before it.
#[test]
fn what_a_request_waits_for_outlives_the_runtime_that_it_came_by() {
    let lasting = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bench = Bench::new();
    let worker = lasting.block_on(bench.worker(
        "export default { fetch(r, env, ctx) { ctx.waitUntil(scheduler.wait(100)); return new Response('hello') } }",
    ));
    for _ in 0..10 {
        let passing = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert_eq!(passing.block_on(bench.get(&worker, "/")), (200, "hello".into()));
        drop(passing);
        assert_eq!(lasting.block_on(bench.outcome()).ending, Ending::Ok);
    }
}

#[tokio::test]
async fn the_end_of_an_upload_is_seen_while_the_request_goes_on() {
    let bench = Bench { outbound: Arc::new(ReadsAll), ..Bench::new() };
    let worker = bench
        .worker(
            "export default { async fetch() {
        const body = new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('hello')); c.close() } });
        return new Response(await (await fetch('https://o.test/', { method: 'POST', body })).text()) } }",
        )
        .await;
    assert_eq!(tokio::time::timeout(SOON, bench.get(&worker, "/")).await.unwrap().1, "got 5");
}

#[tokio::test]
async fn the_end_of_a_body_does_not_wait_for_wait_until() {
    let bench = Bench::new();
    let worker = bench.worker("export default { fetch(r, e, ctx) { ctx.waitUntil(new Promise(r => setTimeout(r, 25000)));
        return new Response(new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('hello')); c.close() } })) } }").await;
    assert_eq!(tokio::time::timeout(SOON, bench.get(&worker, "/")).await.unwrap().1, "hello");
}

#[tokio::test]
async fn a_body_cancelled_while_it_is_read_is_closed_at_once() {
    let bench = Bench::new();
    let worker = bench
        .worker(
            "export default { async fetch(request) {
        const reader = request.body.getReader(); reader.read(); await scheduler.wait(5); await reader.cancel();
        return new Response(new ReadableStream({ async pull(c) { await scheduler.wait(60000) } })) } }",
        )
        .await;
    let closed = Arc::new(AtomicBool::new(false));
    let response = bench.call(&worker, post("/", Body::stream(Watched(Arc::clone(&closed))))).await.unwrap();
    for _ in 0..500 {
        if closed.load(Ordering::SeqCst) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(response);
    panic!("the body was not closed while its request went on");
}

#[tokio::test]
async fn many_lines_and_timers_in_one_turn_do_not_keep_a_response_back() {
    let bench = Bench::new();
    assert_eq!(bench.run("for (let i = 0; i < 5000; i++) console.log(i);
        export default { fetch() { for (let i = 0; i < 5000; i++) { console.log(i); clearTimeout(setTimeout(() => {}, 1e6)) } return new Response('ok') } }").await, "ok");
    assert!(bench.outcome().await.logs.len() > 4_000);
}

#[tokio::test]
async fn empty_lines_are_bounded_too() {
    let bench = Bench::new();
    bench.run("export default { async fetch() { for (let i = 0; i < 30; i++) { for (let j = 0; j < 1000; j++) console.log(''); await scheduler.wait(0) } return new Response('') } }").await;
    let outcome = bench.outcome().await;
    assert!(outcome.logs.len() < 10_000 && outcome.logs_dropped > 20_000, "{}", outcome.logs.len());
}

#[tokio::test]
async fn modules_cannot_take_the_platforms_names() {
    let bench = Bench::new();
    for name in ["node:evil", "cloudflare:evil", "platform:evil.js", "switchyard:evil", "./node:evil"] {
        let evil = "import * as host from 'switchyard:host'; export default { fetch() { return new Response('has ' + Object.keys(host)) } }";
        let main = format!("import x from '{name}'; export default x");
        for modules in
            [vec![(name, EsModule, evil)], vec![("index.js", EsModule, main.as_str()), (name, EsModule, evil)]]
        {
            let error = bench.start(spec_of(&modules, std::collections::HashMap::new())).await.err();
            assert!(error.is_some_and(|error| error.to_string().contains("No such module")), "{name}");
        }
    }
}

#[tokio::test]
async fn a_response_that_cannot_be_sent_is_the_scripts_exception() {
    let bench = Bench::new();
    for (init, wanted) in [
        ("{ headers: { a: '\\x01' } }", "TypeError: Invalid header value."),
        ("{ headers: { 'ü': 'x' } }", "TypeError: Invalid header name."),
        ("{ headers: { a: 'x'.repeat(200000) } }", "TypeError: Headers are larger than 128 KB."),
    ] {
        let worker =
            bench.worker(&format!("export default {{ fetch() {{ return new Response('x', {init}) }} }}")).await;
        let error = bench.call(&worker, get("/")).await.unwrap_err();
        assert_eq!((error.kind, error.to_string().as_str()), (RunErrorKind::Exception, wanted));
        assert_eq!(bench.outcome().await.ending, Ending::Exception);
    }
}

#[tokio::test]
async fn a_chunk_that_is_gone_fails_its_body_only() {
    let bench = Bench::new();
    let worker = bench.worker("export default { fetch(r, e, ctx) { ctx.waitUntil(scheduler.wait(20).then(() => console.log('went on')));
        return new Response(new ReadableStream({ start(c) { const b = new Uint8Array(10); c.enqueue(b); b.buffer.transfer(); c.close() } })) } }").await;
    assert!(bench.get(&worker, "/").await.1.starts_with("body error"));
    let outcome = bench.outcome().await;
    assert_eq!((outcome.ending, outcome.logs[0].text.as_str()), (Ending::Ok, "went on"));
}

#[tokio::test]
async fn what_does_not_fit_the_base_still_runs_clean() {
    let bench = Bench::new();
    let worker = bench.worker("const a = new Uint8Array(20 << 20).fill(7); export default { fetch() { return new Response('' + a[12345678]++) } }").await;
    for _ in 0..3 {
        assert_eq!(bench.get(&worker, "/").await.1, "7");
    }
}

#[tokio::test]
async fn time_on_other_threads_and_in_short_calls_counts() {
    let bench = Bench::new();
    for source in [
        "export default { async fetch() { const data = new Uint8Array(16 << 20); for (;;) await crypto.subtle.digest('SHA-512', data) } }",
        "export default { async fetch() { for (;;) try { await fetch('https://o.test/') } catch {} } }",
    ] {
        let worker = bench.worker(source).await;
        let mut invocation = bench.invocation();
        invocation.limits = Limits { cpu_ms: Some(200), subrequests: Some(1), ..Limits::DEFAULT };
        let error = tokio::time::timeout(SOON, worker.handle(get("/"), invocation)).await.unwrap().unwrap_err();
        assert_eq!(error.kind, RunErrorKind::ExceededCpu, "{source}");
    }
}

#[tokio::test]
async fn a_response_may_be_as_large_as_the_memory_it_leaves() {
    let bench = Bench::new();
    let worker = bench.worker("export default { fetch() { return new Response(new Uint8Array(35 << 20)) } }").await;
    assert_eq!(text(bench.call(&worker, get("/")).await.unwrap()).await.len(), 35 << 20);
}

#[tokio::test]
async fn a_warm_instance_outlives_what_was_thrown_or_left() {
    let bench = Bench::new();
    let mut warm = spec(
        "let n = 0; export default { async fetch(r) { n++; if (r.url.endsWith('/wait')) await scheduler.wait(1e6);
        if (r.url.endsWith('/throw')) throw new Error('x'); return new Response('' + n) } }",
    );
    warm.isolation = Isolation::Warm;
    let (worker, _) = bench.start(warm).await.unwrap();
    for (path, wanted) in [("/", "1"), ("/throw", "Error: x"), ("/", "3")] {
        assert_eq!(bench.get(&worker, path).await.1, wanted);
        bench.outcome().await;
    }
    assert!(tokio::time::timeout(Duration::from_millis(50), bench.call(&worker, get("/wait"))).await.is_err());
    assert_eq!(bench.outcome().await.ending, Ending::Canceled);
    assert_eq!(bench.get(&worker, "/").await.1, "5");
}

#[tokio::test]
async fn who_leaves_the_queue_is_a_client_that_left() {
    let bench = Bench::new();
    let folder = std::env::temp_dir().join("switchyard-runtime-tests");
    let config = Config { artefacts: folder, max_instances: 2, ..Config::default() };
    let runtime = Runtime::new(config, [7; 32], tokio::runtime::Handle::current()).unwrap();
    let bench = Bench { runtime, ..bench };
    let worker =
        bench.worker("export default { async fetch() { await scheduler.wait(300); return new Response('') } }").await;
    let first = tokio::spawn({
        let (worker, invocation) = (Arc::clone(&worker), bench.invocation());
        async move { worker.handle(get("/"), invocation).await.is_ok() }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(tokio::time::timeout(Duration::from_millis(50), bench.call(&worker, get("/"))).await.is_err());
    assert_eq!(bench.outcome().await.ending, Ending::Canceled);
    assert!(first.await.unwrap());
}

#[tokio::test]
async fn a_length_that_was_given_is_kept() {
    let bench = Bench::new();
    let worker = bench.worker("export default { fetch() { const { readable, writable } = new FixedLengthStream(10); const w = writable.getWriter(); w.write(new Uint8Array(4)).then(() => w.close()).catch(() => {}); return new Response(readable) } }").await;
    let response = bench.call(&worker, get("/")).await.unwrap();
    assert_eq!(http_body::Body::size_hint(response.body()).exact(), Some(10));
    assert!(response.into_body().collect().await.is_err());
}
