//! Limits, each on both sides of its line, and what a broken instance leaves: nothing.

use switchyard_catalog::Limits;
use switchyard_runtime::{Ending, RunErrorKind};

use crate::harness::{Bench, answer, get};

#[tokio::test]
async fn cpu() {
    let bench = Bench::new();
    let worker = bench
        .worker("export default { fetch(r) { if (r.url.endsWith('/spin')) for (;;); return new Response('ok') } }")
        .await;
    let mut invocation = bench.invocation();
    invocation.limits = Limits { cpu_ms: Some(20), ..Limits::DEFAULT };
    let error = worker.handle(get("/spin"), invocation).await.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (RunErrorKind::ExceededCpu, "Worker exceeded CPU time limit."));
    let outcome = bench.outcome().await;
    assert_eq!(outcome.ending, Ending::ExceededCpu);
    assert!(outcome.cpu.as_millis() >= 20, "{:?}", outcome.cpu);
    let mut invocation = bench.invocation();
    invocation.limits = Limits { cpu_ms: Some(20), ..Limits::DEFAULT };
    assert!(worker.handle(get("/"), invocation).await.is_ok());
}

#[tokio::test]
async fn regular_expressions_and_promise_loops_are_stopped_too() {
    let bench = Bench::new();
    for source in [
        "export default { fetch() { return new Response(/^(a+)+$/.test('a'.repeat(40) + '!')) } }",
        "export default { async fetch() { for (;;) await null } }",
        "export default { fetch() { return new Response(JSON.stringify(new Array(3e7).fill(1.5)).length) } }",
    ] {
        let worker = bench.worker(source).await;
        let mut invocation = bench.invocation();
        invocation.limits = Limits { cpu_ms: Some(30), ..Limits::DEFAULT };
        let error = worker.handle(get("/"), invocation).await.unwrap_err();
        assert!(matches!(error.kind, RunErrorKind::ExceededCpu | RunErrorKind::ExceededMemory), "{source}: {error}");
    }
}

#[tokio::test]
async fn memory() {
    let bench = Bench::new();
    let source = "export default { fetch(r) { const n = +new URL(r.url).searchParams.get('n'); const a = []; for (let i = 0; i < n; i++) a.push(new Uint8Array(1 << 20).fill(1)); return new Response('' + a.length) } }";
    let worker = bench.worker(source).await;
    assert_eq!(bench.get(&worker, "/?n=60").await, (200, "60".into()));
    let error = bench.call(&worker, get("/?n=500")).await.unwrap_err();
    assert_eq!(error.kind, RunErrorKind::ExceededMemory, "{error}");
    assert_eq!(bench.get(&worker, "/?n=1").await, (200, "1".into()));
}

#[tokio::test]
async fn subrequests() {
    let bench = Bench::reaching(|_, _| answer("x"));
    let worker = bench.worker("export default { async fetch() { let n = 0; try { for (;;) { await (await fetch('https://o.test/')).text(); n++ } } catch (e) { return new Response(n + ' ' + e.message) } } }").await;
    let mut invocation = bench.invocation();
    invocation.limits = Limits { subrequests: Some(7), ..Limits::DEFAULT };
    let response = worker.handle(get("/"), invocation).await.unwrap();
    assert_eq!(crate::harness::text(response).await, "7 Too many subrequests by single Worker invocation.");
}

#[tokio::test]
async fn recursion_is_a_range_error() {
    let bench = Bench::new();
    let source = "export default { fetch() { const f = n => f(n + 1) + 1; try { f(0) } catch (e) { return new Response(e.name) } } }";
    assert_eq!(bench.run(source).await, "RangeError");
}

#[tokio::test]
async fn logs_are_kept_up_to_their_bound() {
    let bench = Bench::new();
    bench.run("export default { fetch() { console.warn('one', { a: 1 }); for (let i = 0; i < 300; i++) console.log('x'.repeat(1000)); return new Response('') } }").await;
    let outcome = bench.outcome().await;
    assert_eq!(outcome.logs[0].text, "one { a: 1 }");
    assert!(outcome.logs.iter().map(|line| line.text.len()).sum::<usize>() <= 128 * 1024 && outcome.logs_dropped > 100);
}

#[tokio::test]
async fn wrong_returns_and_throws_are_exceptions() {
    let bench = Bench::new();
    for (body, wanted) in [
        ("return 5", "TypeError: Callback returned incorrect type; expected 'Promise'"),
        ("throw new RangeError('r')", "RangeError: r"),
        ("throw 'text'", "Error: text"),
        ("throw null", "Error: null"),
        ("return new Promise(() => {})", "had hung and would never generate a response"),
    ] {
        let worker = bench.worker(&format!("export default {{ fetch() {{ {body} }} }}")).await;
        let (status, text) = bench.get(&worker, "/").await;
        assert!(status == 0 && text.contains(wanted), "{body}: {text}");
    }
}

#[tokio::test]
async fn wait_until_goes_on_after_the_response() {
    let bench = Bench::new();
    let source = "export default { fetch(r, e, ctx) { ctx.waitUntil(new Promise(r => setTimeout(r, 30)).then(() => console.log('late'))); return new Response('now') } }";
    assert_eq!(bench.run(source).await, "now");
    let outcome = bench.outcome().await;
    assert_eq!((outcome.ending, outcome.logs[0].text.as_str()), (Ending::Ok, "late"));
}
