//! How one request ends, and what that means for the others in its instance.

use std::sync::atomic::Ordering;
use std::time::Duration;

use switchyard_runtime::{Ending, RunErrorKind};

use super::{SOON, Warm};
use crate::harness::{get, post};

#[tokio::test]
async fn a_limit_of_one_ends_the_instance_and_what_it_means_for_the_others() {
    let warm = Warm::with(|config| config.guest_threads = 1);
    let worker = warm
        .worker(
            "let n = 0; export default { async fetch(request, env, ctx) {
                n++;
                const path = new URL(request.url).pathname;
                if (path === '/burn') { await scheduler.wait(1); for (;;); }
                if (path === '/stream') return new Response(new ReadableStream({ async start(c) {
                    c.enqueue(new Uint8Array(3)); await fetch('https://o.test/never') } }));
                if (path === '/fetch') await fetch('https://o.test/fetch');
                else if (path !== '/') await scheduler.wait(path === '/again' && n > 5 ? 0 : 1e6);
                return new Response('' + n);
            } }",
        )
        .await;
    let again = warm.call(&worker, get("/again"));
    let posted = warm.call(&worker, post("/posted", ""));
    let fetched = warm.call(&worker, get("/fetch"));
    warm.asked("/fetch").await;
    let streamed = warm.call(&worker, get("/stream"));
    warm.asked("/never").await;
    assert_eq!(warm.call(&worker, get("/")).text().await, "5");
    let burnt = warm.call_with(&worker, get("/burn"), |invocation| invocation.limits.cpu_ms = Some(20));
    let (answer, outcome) = burnt.both().await;
    assert_eq!(answer.unwrap_err().kind, RunErrorKind::ExceededCpu);
    assert_eq!(outcome.ending, Ending::ExceededCpu);
    for other in [posted, fetched] {
        let (answer, outcome) = other.both().await;
        let error = answer.unwrap_err();
        assert_eq!((error.kind, outcome.ending), (RunErrorKind::Crashed, Ending::Crashed));
        assert_eq!(error.message, "The Worker's instance was ended by another request in it.");
        assert!(outcome.cpu < Duration::from_millis(20), "{outcome:?}");
    }
    let (answer, outcome) = streamed.both().await;
    assert_eq!(answer.unwrap(), "cut: the Worker ended before its body did");
    assert_eq!(outcome.ending, Ending::Crashed);
    // Nothing had come of this one: it runs once more, in an instance without what was before.
    let mut own = 1;
    while warm.call(&worker, get("/")).text().await == own.to_string() {
        own += 1;
    }
    assert_eq!(again.gone().await.ending, Ending::Canceled);
}

#[tokio::test]
async fn memory_that_one_used_up_is_its_own_error() {
    let warm = Warm::new();
    let source = "const all = []; let n = 0; export default { async fetch(request) {
        n++;
        if (request.url.endsWith('/wait')) await (await fetch('https://o.test/gate')).text();
        if (request.url.endsWith('/grow')) for (;;) all.push(new Uint8Array(1 << 24).fill(1));
        return new Response('' + n) } }";
    // Pieces of that size: what is left where one does not fit is enough for the other request.
    let worker = warm.worker(source).await;
    let waits = warm.call(&worker, get("/wait"));
    warm.asked("/gate").await;
    let (answer, outcome) = warm.call(&worker, get("/grow")).both().await;
    assert_eq!((answer.unwrap_err().kind, outcome.ending), (RunErrorKind::ExceededMemory, Ending::ExceededMemory));
    // The instance takes no more, and the one in it comes to its end.
    assert_eq!(warm.call(&worker, get("/")).text().await, "1");
    warm.open("/gate");
    let (answer, outcome) = waits.both().await;
    assert_eq!((answer.unwrap(), outcome.ending), ("2".into(), Ending::Ok));
}

#[tokio::test]
async fn bytes_of_one_that_do_not_fit_end_the_instance() {
    let warm = Warm::new();
    let source = "export default { async fetch(request) {
        if (request.url.endsWith('/wait')) await fetch('https://o.test/gate');
        const body = new Uint8Array(30 << 20);
        for (;;) { fetch('https://o.test/hold', { method: 'POST', body }); await null } } }";
    let worker = warm.worker(source).await;
    let waits = warm.call(&worker, post("/wait", ""));
    warm.asked("/gate").await;
    let (answer, outcome) = warm.call(&worker, post("/", "")).both().await;
    assert_eq!((answer.unwrap_err().kind, outcome.ending), (RunErrorKind::ExceededMemory, Ending::ExceededMemory));
    assert_eq!(waits.both().await.0.unwrap_err().kind, RunErrorKind::Crashed);
}

#[tokio::test]
async fn a_client_that_goes_takes_only_its_own_work_along() {
    let warm = Warm::new();
    let worker = warm
        .worker(
            "let n = 0, late = 0; export default { async fetch(request, env, ctx) {
                n++;
                const path = new URL(request.url).pathname;
                if (path === '/leaves') { setTimeout(() => late++, 100); await fetch('https://o.test/leaves'); late++ }
                if (path === '/stays') return new Response((await (await fetch('https://o.test/stays')).text()) + n + late);
                return new Response('' + n + late);
            } }",
        )
        .await;
    let [leaves, stays] = ["/leaves", "/stays"].map(|path| warm.call(&worker, get(path)));
    warm.asked("/leaves").await;
    warm.asked("/stays").await;
    assert_eq!(warm.gates.inside.load(Ordering::SeqCst), 2);
    assert_eq!(leaves.gone().await.ending, Ending::Canceled);
    tokio::time::timeout(SOON, async {
        while warm.gates.inside.load(Ordering::SeqCst) > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    warm.open("/leaves");
    warm.open("/stays");
    assert_eq!(stays.text().await, "/stays20");
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(warm.call(&worker, get("/")).text().await, "30");
}

#[tokio::test]
async fn work_that_was_promised_goes_on_without_its_client() {
    let warm = Warm::new();
    let worker = warm
        .worker(
            "let n = 0; export default { async fetch(request, env, ctx) {
                if (request.url.endsWith('/')) return new Response('' + n);
                const work = fetch('https://o.test/work').then(() => { n++; console.log('done') });
                ctx.waitUntil(work); await work; return new Response('') } }",
        )
        .await;
    let promised = warm.call(&worker, get("/promised"));
    warm.asked("/work").await;
    promised.answer.abort();
    assert_eq!(warm.call(&worker, get("/")).text().await, "0");
    warm.open("/work");
    let outcome = promised.outcome.await.unwrap();
    assert_eq!(outcome.logs.len(), 1, "{outcome:?}");
    assert_eq!(warm.call(&worker, get("/")).text().await, "1");
}

#[tokio::test]
async fn a_hung_request_is_told_so_and_the_others_go_on() {
    let warm = Warm::new();
    let worker = warm
        .worker("let n = 0; export default { async fetch(r) { n++; if (r.url.endsWith('/hang')) await new Promise(() => {}); if (r.url.endsWith('/wait')) await fetch('https://o.test/gate'); return new Response('' + n) } }")
        .await;
    let waits = warm.call(&worker, get("/wait"));
    warm.asked("/gate").await;
    let (answer, outcome) = warm.call(&worker, get("/hang")).both().await;
    assert_eq!((answer.unwrap_err().kind, outcome.ending), (RunErrorKind::Hung, Ending::Hung));
    warm.open("/gate");
    assert_eq!(waits.text().await, "2");
    assert_eq!(warm.call(&worker, get("/")).text().await, "3");
}
