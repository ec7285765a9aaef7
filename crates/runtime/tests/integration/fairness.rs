//! What one tenant may take from others: CPU by turns, and nothing for clients that have gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use switchyard_catalog::{Limits, NamespaceId, NamespaceName};
use switchyard_runtime::{Ending, RunErrorKind};
use tokio::sync::Notify;

use crate::harness::{Bench, answer, get, spec};

const ENDLESS: &str = "export default { fetch() { for (;;); } }";
/// Far less than the limit of 30 s, and more than a loaded machine may need to notice.
const SOON: Duration = Duration::from_secs(8);

/// A Worker that asks its origin, then computes; its client goes when the origin was asked.
async fn client_goes(source: &str) -> (Bench, switchyard_runtime::Outcome) {
    let asked = Arc::new(Notify::new());
    let bench = Bench::reaching({
        let asked = Arc::clone(&asked);
        move |_, _| {
            asked.notify_one();
            answer("x")
        }
    });
    let worker = bench.worker(source).await;
    {
        let mut call = std::pin::pin!(bench.call(&worker, get("/")));
        tokio::select! {
            biased;
            () = asked.notified() => {}
            _ = &mut call => panic!("it answered"),
        }
    }
    let outcome = bench.outcome().await;
    (bench, outcome)
}

#[tokio::test]
async fn a_guest_that_computes_for_nobody_is_stopped() {
    let source = "export default { async fetch() { await fetch('https://o.test/'); for (;;); } }";
    let (_, outcome) = client_goes(source).await;
    assert_eq!(outcome.ending, Ending::Canceled);
    assert!(outcome.cpu < SOON, "{:?}", outcome.cpu);
}

#[tokio::test]
async fn work_that_was_promised_goes_on_without_the_client() {
    let source = "export default { async fetch(r, e, ctx) {
        let done; ctx.waitUntil(new Promise(r => done = r));
        await fetch('https://o.test/');
        let sum = 0; for (let i = 0; i < 1e6; i++) sum = (sum + i) | 0;
        console.log('went on'); done(); return new Response('');
    } }";
    let (_, outcome) = client_goes(source).await;
    assert_eq!(outcome.logs.first().map(|line| line.text.as_str()), Some("went on"), "{outcome:?}");
}

#[tokio::test]
async fn a_guest_whose_body_nobody_reads_is_stopped() {
    let bench = Bench::new();
    let source = "export default { fetch() { let n = 0; return new Response(new ReadableStream({ pull(c) {
        if (n++ === 0) c.enqueue(new Uint8Array(10)); else for (;;);
    } }, { highWaterMark: 0 })) } }";
    let worker = bench.worker(source).await;
    let mut body = bench.call(&worker, get("/")).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), 10);
    drop(body);
    let outcome = bench.outcome().await;
    assert_eq!(outcome.ending, Ending::Canceled);
    assert!(outcome.cpu < SOON, "{:?}", outcome.cpu);
}

#[tokio::test]
async fn a_request_whose_client_went_before_its_turn_does_not_run() {
    let bench = Bench::reaching(|_, _| answer("x"));
    let worker = bench.worker("export default { fetch() { console.log('ran'); return new Response('') } }").await;
    for _ in 0..20 {
        // Polled once: it is in a thread's queue, or on a thread, or answered already.
        drop(futures_util::FutureExt::now_or_never(bench.call(&worker, get("/"))));
        let outcome = bench.outcome().await;
        let ran = outcome.logs.len() == 1;
        assert!(matches!((outcome.ending, ran), (Ending::Canceled, _) | (Ending::Ok, true)), "{outcome:?}");
    }
}

/// Computes without end and tells of each piece that it has done; asked for `/mark`, it tells that it has its turn.
const PIECES: &str = "export default { async fetch(request) {
    if (request.url.endsWith('/mark')) { await fetch('https://o.test/mark'); return new Response('marked'); }
    for (;;) { for (let i = 0; i < 20_000; i++); await fetch('https://o.test/piece'); }
} }";

/// What a request waits for is counted in pieces of work that a burner does meanwhile: neither time nor what else the
/// machine does is in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenants_hundred_loops_are_one_neighbour() {
    let (pieces, marked) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let bench = Bench::reaching({
        let (pieces, marked) = (Arc::clone(&pieces), Arc::clone(&marked));
        move |_, request| {
            if request.url.ends_with("/mark") {
                marked.store(pieces.load(Ordering::SeqCst), Ordering::SeqCst);
            } else {
                pieces.fetch_add(1, Ordering::SeqCst);
            }
            answer("")
        }
    });
    let (burner, quiet) = (bench.worker(PIECES).await, bench.worker(PIECES).await);
    let mut burning = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (burner, mut invocation) = (Arc::clone(&burner), bench.invocation());
        invocation.limits = Limits { subrequests: Some(u32::MAX), ..Limits::DEFAULT };
        burning.spawn(async move { burner.handle(get("/"), invocation).await.map(|_| ()) });
    }
    // All of them have begun.
    while pieces.load(Ordering::SeqCst) < 500 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut waited = [Vec::new(), Vec::new()];
    for _ in 0..15 {
        for (worker, waited) in [&quiet, &burner].into_iter().zip(&mut waited) {
            let before = pieces.load(Ordering::SeqCst);
            assert_eq!(bench.get(worker, "/mark").await, (200, "marked".into()));
            waited.push(marked.load(Ordering::SeqCst) - before);
        }
    }
    burning.abort_all();
    let [quiet, own] = waited.map(|mut waited| {
        waited.sort_unstable();
        waited[waited.len() / 2]
    });
    // One more of the burner's own is behind the hundred; another tenant's is behind what runs just now.
    assert!(own >= 8 * quiet.max(1), "another tenant's waits for {quiet} pieces, one of its own for {own}");
    for _ in 0..130 {
        bench.outcome().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loops_end_at_their_limit_and_a_neighbour_does_not_notice() {
    let (loops, quiet) = (Bench::new(), Bench::new());
    let burner = loops.worker(ENDLESS).await;
    let worker = quiet.worker("export default { fetch() { return new Response('quiet') } }").await;
    let mut burning = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (burner, mut invocation) = (Arc::clone(&burner), loops.invocation());
        invocation.limits = Limits { cpu_ms: Some(10), ..Limits::DEFAULT };
        burning.spawn(async move { burner.handle(get("/"), invocation).await.unwrap_err().kind });
    }
    let mut left = 100;
    while left > 0 {
        assert_eq!(quiet.get(&worker, "/").await, (200, "quiet".into()));
        while let Some(ended) = burning.try_join_next() {
            assert_eq!(ended.unwrap(), RunErrorKind::ExceededCpu);
            left -= 1;
        }
    }
    for _ in 0..100 {
        let outcome = loops.outcome().await;
        assert_eq!(outcome.ending, Ending::ExceededCpu);
        assert!(outcome.cpu >= Duration::from_millis(10), "{:?}", outcome.cpu);
        assert!(outcome.cpu <= Duration::from_millis(30), "{:?}", outcome.cpu);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_waiting_requests_of_one_leave_instances_to_others() {
    let (slow, quiet) = (Bench::new(), Bench::new());
    let mut spec = spec("export default { fetch() { return new Promise(r => setTimeout(r, 600_000)) } }");
    // what an account has outside of them is the platform's
    spec.namespace = Some((NamespaceId::random(), NamespaceName::parse("ns").unwrap()));
    let waits = slow.start(spec).await.unwrap().0;
    let worker = quiet.worker("export default { fetch() { return new Response('quiet') } }").await;
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..2_000 {
        let (waits, invocation) = (Arc::clone(&waits), slow.invocation());
        waiting.spawn(async move { waits.handle(get("/"), invocation).await.map(|_| ()).unwrap_err() });
    }
    // A quarter of a thousand instances, and a thousand places in the queue: the rest is told at once.
    for _ in 0..750 {
        let refused = waiting.join_next().await.unwrap().unwrap();
        assert_eq!(refused.kind, RunErrorKind::Overloaded, "{refused}");
    }
    for _ in 0..200 {
        assert_eq!(quiet.get(&worker, "/").await, (200, "quiet".into()));
    }
    waiting.abort_all();
    for _ in 0..2_000 {
        let outcome = slow.outcome().await;
        assert!(matches!(outcome.ending, Ending::Canceled | Ending::Overloaded), "{outcome:?}");
    }
}
