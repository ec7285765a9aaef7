//! Guests that mean harm. Each is stopped with the right error, and a neighbour notices nothing.

use std::sync::Arc;

use async_trait::async_trait;
use http_body_util::BodyExt;
use switchyard_catalog::ModuleKind::EsModule;
use switchyard_runtime::{FetchError, FetchRequest, FetchResponse, Outbound, Target};

use crate::harness::{Bench, answer, get, spec_of, text};

/// An origin that answers once it has read the whole request.
struct ReadsAll;

#[async_trait]
impl Outbound for ReadsAll {
    async fn fetch(&self, _depth: u8, _target: Target, request: FetchRequest) -> Result<FetchResponse, FetchError> {
        let body = request.body.collect().await.map_err(|e| FetchError::error(e.to_string()))?.to_bytes();
        answer(format!("got {}", body.len()))
    }
}

#[tokio::test]
async fn p01_many_logs() {
    let bench = Bench::new();
    assert_eq!(bench.run("export default { fetch() { for (let i = 0; i < 5000; i++) console.log(i); return new Response('ok') } }").await, "ok");
}
#[tokio::test]
async fn p02_many_logs_start() {
    let bench = Bench::new();
    assert_eq!(bench.run("for (let i = 0; i < 5000; i++) console.log(i); export default { fetch() { return new Response('ok') } }").await, "ok");
}
#[tokio::test]
async fn p03_many_timers_cleared() {
    let bench = Bench::new();
    assert_eq!(bench.run("export default { fetch() { for (let i = 0; i < 10000; i++) clearTimeout(setTimeout(() => {}, 1e6)); return new Response('ok') } }").await, "ok");
}
#[tokio::test]
async fn p04_upload_stream() {
    let bench = Bench { outbound: Arc::new(ReadsAll), ..Bench::new() };
    let source = "export default { async fetch() { const body = new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('hello')); c.close() } });
      const r = await fetch('https://o.test/', { method: 'POST', body }); return new Response(await r.text()) } }";
    let worker = bench.worker(source).await;
    let got = tokio::time::timeout(std::time::Duration::from_secs(3), bench.get(&worker, "/")).await;
    assert_eq!(got.unwrap().1, "got 5");
}
#[tokio::test]
async fn p05_body_ends_before_wait_until() {
    let bench = Bench::new();
    let source = "export default { fetch(r, e, ctx) { ctx.waitUntil(new Promise(r => setTimeout(r, 20000)));
      return new Response(new ReadableStream({ start(c) { c.enqueue(new TextEncoder().encode('hello')); c.close() } })) } }";
    let worker = bench.worker(source).await;
    let got = tokio::time::timeout(std::time::Duration::from_secs(3), bench.get(&worker, "/")).await;
    assert_eq!(got.unwrap().1, "hello");
}
#[tokio::test]
async fn p06_platform_names() {
    let bench = Bench::new();
    for name in ["node:evil", "cloudflare:evil", "platform:evil.js", "switchyard:evil"] {
        let evil = "import * as host from 'switchyard:host'; export default { fetch() { return new Response('has ' + Object.keys(host)) } }";
        let main = format!("import x from '{name}'; export default x");
        for modules in [vec![(name, EsModule, evil)], vec![("index.js", EsModule, main.as_str()), (name, EsModule, evil)]] {
            match bench.start(spec_of(&modules, Default::default())).await {
                Ok((worker, _)) => panic!("{name} started {}", bench.get(&worker, "/").await.1),
                Err(e) => println!("{name}: {e}"),
            }
        }
    }
}
#[tokio::test]
async fn p07_prepare_stack_trace() {
    let bench = Bench::new();
    let text = bench.run("const got = []; Error.prepareStackTrace = (e, sites) => { for (const s of sites) { const proto = Object.getOwnPropertyNames(Object.getPrototypeOf(s)); got.push(s.getFileName() + ' ' + s.getFunctionName() + ' ' + typeof s.getFunction() + ' ' + proto) } return 'x' };
      export default { fetch() { try { new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([255])) } catch (e) { got.push(e.stack) }
       try { structuredClone(() => {}) } catch (e) { e.stack } try { new URL('x') } catch (e) { got.push(e.stack) } try { Response.json(1n) } catch(e) { e.stack } return new Response(got.join('\\n')) } }").await;
    println!("{text}");
    assert!(!text.contains("platform:"));
}
#[tokio::test]
async fn p08_bad_headers() {
    let bench = Bench::new();
    for header in ["{ a: '\\x01' }", "{ 'ü': 'x' }", "{ a: 'x'.repeat(300000) }", "{ 'a'  : 'ü€' }"] {
        let worker = bench.worker(&format!("export default {{ fetch() {{ return new Response('x', {{ headers: {header} }}) }} }}")).await;
        match bench.call(&worker, get("/")).await { Ok(r) => println!("{header}: ok {:?}", r.headers().get("a").map(|v| v.len())), Err(e) => println!("{header}: {:?} {}", e.kind, e) }
    }
}
#[tokio::test]
async fn p09_detached_chunk() {
    let bench = Bench::new();
    for source in [
      "export default { fetch() { return new Response(new ReadableStream({ start(c) { const b = new Uint8Array(10); c.enqueue(b); b.buffer.transfer(); c.close() } })) } }",
      "export default { fetch() { return new Response(new ReadableStream({ start(c) { const b = new ArrayBuffer(10, {maxByteLength: 100}); const v = new Uint8Array(b, 5); c.enqueue(v); b.resize(2); c.close() } })) } }",
      "export default { fetch() { return new Response(new ReadableStream({ start(c) { c.enqueue(Symbol('x')); } })) } }",
      "export default { fetch() { const b = new Uint8Array(10); b.buffer.transfer(); return new Response(b) } }",
    ] {
        let worker = bench.worker(source).await;
        let got = bench.get(&worker, "/").await;
        let o = bench.outcome().await;
        println!("{got:?} {:?} {:?}", o.ending, o.exception);
    }
}
#[tokio::test]
async fn p11_grown_delta_clean() {
    let bench = Bench::new();
    let worker = bench.worker("const a = new Uint8Array(20 << 20).fill(7); export default { fetch() { return new Response('' + a[12345678]) } }").await;
    for _ in 0..3 { assert_eq!(bench.get(&worker, "/").await.1, "7"); }
}
#[tokio::test]
async fn p12_empty_logs() {
    let bench = Bench::new();
    bench.run("export default { async fetch() { for (let i = 0; i < 200; i++) { for (let j = 0; j < 1000; j++) console.log(''); await scheduler.wait(0) } return new Response('ok') } }").await;
    let o = bench.outcome().await;
    println!("{} lines {} dropped", o.logs.len(), o.logs_dropped);
    assert!(o.logs.len() < 20_000);
}
#[tokio::test]
async fn p13_oom_report() {
    let bench = Bench::new();
    for source in [
      "export default { async fetch() { const a = []; for (;;) a.push(new Uint8Array(1 << 16)) } }",
      "export default { async fetch() { const a = []; try { for (;;) a.push(new Array(100).fill({})) } catch (e) { globalThis.a = a; for(;;) try { a.push(1) } catch (e) { throw e } } } }",
      "export default { async fetch() { let s = 'x'; for (;;) s += s } }",
      "export default { async fetch() { let s = 'x'.repeat(1<<20); const a=[]; for (;;) a.push(s + a.length).toString().length } }",
      "export default { async fetch() { return new Response('x'.repeat(60<<20)) } }",
      "export default { async fetch() { const m = new Map(); for (let i = 0;; i++) m.set(i, i) } }",
    ] {
        let worker = bench.worker(source).await;
        let got = match bench.call(&worker, get("/")).await { Ok(r) => text(r).await.len().to_string(), Err(e) => format!("{:?} {e}", e.kind) };
        println!("{}: {got}", &source[..60.min(source.len())]);
    }
}
