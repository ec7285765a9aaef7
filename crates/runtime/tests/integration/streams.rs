//! Bodies as streams, both ways, with credit, and cancellation both ways.

use http_body_util::BodyExt;
use switchyard_runtime::{Body, Ending};

use crate::harness::{Bench, Chunks, Endless, get, post, text};

const ECHO: &str = "export default { fetch(request) { return new Response(request.body) } }";
const ECHO_BY_HAND: &str = "export default { fetch(request) {
    const reader = request.body.getReader();
    return new Response(new ReadableStream({ async pull(c) { const { done, value } = await reader.read(); done ? c.close() : c.enqueue(value) } })) } }";
const ECHO_BY_PIPE: &str = "export default { fetch(request) { const { readable, writable } = new IdentityTransformStream(); request.body.pipeTo(writable); return new Response(readable) } }";

fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test]
async fn echoes_are_whole_and_never_held_whole() {
    let bench = Bench::new();
    for (source, chunks) in [(ECHO, 4_000), (ECHO_BY_HAND, 1_000), (ECHO_BY_PIPE, 300)] {
        let worker = bench.worker(source).await;
        assert_eq!(text(bench.call(&worker, post("/", "small")).await.unwrap()).await, "small");
        let before = resident();
        let mut body = bench
            .call(&worker, post("/", Body::stream(Chunks { count: chunks, size: 64 * 1024 })))
            .await
            .unwrap()
            .into_body();
        let (mut got, mut most) = (0, 0);
        while let Some(frame) = body.frame().await {
            got += frame.unwrap().into_data().unwrap().len();
            most = most.max(resident());
        }
        assert_eq!(got, chunks * 64 * 1024, "{source}");
        assert!(most.saturating_sub(before) < 60 << 20, "{} MiB more", (most - before) >> 20);
    }
}

#[tokio::test]
async fn a_stream_made_here() {
    let bench = Bench::new();
    let source = "export default { fetch() { let n = 0; return new Response(new ReadableStream({ async pull(c) { await new Promise(r => setTimeout(r, 1)); if (n === 5) c.close(); else c.enqueue('chunk' + n++ + ';') } })) } }";
    assert_eq!(bench.run(source).await, "chunk0;chunk1;chunk2;chunk3;chunk4;");
}

#[tokio::test]
async fn a_body_that_fails_or_never_ends_is_cut_not_ended() {
    let bench = Bench::new();
    for source in [
        "export default { fetch() { let n = 0; return new Response(new ReadableStream({ pull(c) { if (n++) throw new Error('x'); c.enqueue('first') } })) } }",
        "export default { fetch() { return new Response(new ReadableStream({ start(c) { c.enqueue('first') } })) } }",
    ] {
        let text = bench.run(source).await;
        assert!(text.starts_with("body error"), "{text}");
    }
}

#[tokio::test]
async fn a_reader_that_leaves_cancels_the_source() {
    let bench = Bench::reaching(|_, request| crate::harness::answer(request.url));
    let source = "export default { fetch(r, env, ctx) { let note; const gone = new Promise(r => note = r);
        ctx.waitUntil(gone.then(() => console.log('cancelled')));
        return new Response(new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(1000)) }, cancel() { note() } })) } }";
    let worker = bench.worker(source).await;
    let mut response = bench.call(&worker, get("/")).await.unwrap();
    response.body_mut().frame().await.unwrap().unwrap();
    drop(response);
    let outcome = bench.outcome().await;
    assert_eq!(outcome.logs[0].text, "cancelled");
    assert_eq!(outcome.ending, Ending::Canceled);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_aborts_the_request() {
    let bench = Bench::new();
    let source = "export default { async fetch(r) { r.signal.addEventListener('abort', () => console.log('aborted ' + r.signal.reason.message));
        await new Promise(() => setTimeout(() => {}, 1e9)) } }";
    let worker = bench.worker(source).await;
    let call = bench.call(&worker, get("/"));
    assert!(tokio::time::timeout(std::time::Duration::from_millis(50), call).await.is_err());
    let outcome = bench.outcome().await;
    assert_eq!(outcome.ending, Ending::Canceled);
    assert_eq!(outcome.logs[0].text, "aborted The client has disconnected");
}

#[tokio::test]
async fn reading_stops_when_the_worker_cancels() {
    let bench = Bench::new();
    let source = "export default { async fetch(r) { await r.body.cancel(); return new Response('left') } }";
    let worker = bench.worker(source).await;
    assert_eq!(text(bench.call(&worker, post("/", Body::stream(Endless))).await.unwrap()).await, "left");
}

#[tokio::test]
async fn tee_transform_and_clone() {
    let bench = Bench::new();
    let source = "export default { async fetch(r) {
        const copy = r.clone(); const [a, b] = r.body.tee();
        const upper = new TransformStream({ transform(c, k) { k.enqueue(new TextEncoder().encode(new TextDecoder().decode(c).toUpperCase())) } });
        return new Response([await copy.text(), await new Response(a.pipeThrough(upper)).text(), await new Response(b).text()].join('|')) } }";
    let worker = bench.worker(source).await;
    assert_eq!(text(bench.call(&worker, post("/", "abc")).await.unwrap()).await, "abc|ABC|abc");
}
