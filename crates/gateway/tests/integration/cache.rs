//! The Cache API: as on workerd, each Worker's own, bounded, and gone when it is not fresh.

use http::Method;
use serde_json::json;

use crate::harness::TestGateway;
use crate::workerd;

async fn trust(gateway: &TestGateway, trusted: bool) {
    let path = format!("/client/v4/accounts/{}/workers/dispatch/namespaces/ns", gateway.account());
    let body = json!({ "trusted_workers": trusted }).to_string();
    let answer = gateway.api(Method::PATCH, &path, "application/json", body.into()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn it_answers_as_on_workerd() {
    let gateway = TestGateway::start().await;
    trust(&gateway, true).await;
    workerd::compared("cache", "cache", "/", &[], &gateway).await;
}

/// `/put?…`, `/get?…`, `/del?…` on the cache that `x-cache` names, `default` for the default.
const KEEPER: &str = "const at = caches.default;
    export default { async fetch(r) {
      const url = new URL(r.url), name = r.headers.get('x-cache') ?? 'mine';
      try {
        const cache = name === 'held' ? at : name === 'default' ? caches.default : await caches.open(name);
        const key = 'http://k.example/' + url.search;
        if (url.pathname === '/put') {
          await cache.put(key, new Response(r.body ?? 'body', { headers: {
            'cache-control': r.headers.get('x-control') ?? 'max-age=60', etag: '\"e\"', 'content-type': 't/t' } }));
          return new Response('put');
        }
        if (url.pathname === '/del') return new Response(String(await cache.delete(key)));
        const found = await cache.match(new Request(key, { headers: r.headers }));
        return found ?? new Response('none', { status: 404 });
      } catch (e) { return new Response(`${e.name}: ${e.message}`, { status: 500 }) } } }";

#[tokio::test]
async fn each_worker_of_an_untrusted_namespace_has_its_own() {
    let gateway = TestGateway::start().await;
    for script in ["one", "two"] {
        gateway.upload("ns", script, KEEPER).await;
    }
    gateway.get("one", "/put?a").await.is(200, "put");
    gateway.get("one", "/get?a").await.is(200, "body");
    gateway.get("one", "/get?b").await.is(404, "none");
    gateway.get("two", "/get?a").await.is(404, "none");
    // Nobody has the default, held since the module was evaluated or not.
    for name in ["default", "held"] {
        for path in ["/put?a", "/get?a", "/del?a"] {
            let answer = gateway.send(Method::GET, "one", path, &[("x-cache", name)], "".into()).await;
            assert_eq!(answer.status, 500);
            assert!(answer.text().starts_with("Error: caches.default is not there"), "{}", answer.text());
        }
    }
    // A new version goes on with it.
    gateway.upload("ns", "one", &format!("{KEEPER};")).await;
    gateway.get("one", "/get?a").await.is(200, "body");
    gateway.get("one", "/del?a").await.is(200, "true");
    gateway.get("one", "/del?a").await.is(200, "false");
    gateway.get("one", "/get?a").await.is(404, "none");
}

#[tokio::test]
async fn those_that_trust_each_other_share() {
    let gateway = TestGateway::start().await;
    trust(&gateway, true).await;
    for script in ["one", "two"] {
        gateway.upload("ns", script, KEEPER).await;
    }
    for name in ["default", "held", "named"] {
        let with = [("x-cache", name)];
        gateway.send(Method::GET, "one", &format!("/put?{name}"), &with, "".into()).await.is(200, "put");
        gateway.send(Method::GET, "two", &format!("/get?{name}"), &with, "".into()).await.is(200, "body");
    }
    trust(&gateway, false).await;
    let default = [("x-cache", "default")];
    assert_eq!(gateway.send(Method::GET, "two", "/get?default", &default, "".into()).await.status, 500);
    gateway.send(Method::GET, "two", "/get?named", &[("x-cache", "named")], "".into()).await.is(404, "none");
}

#[tokio::test]
async fn a_request_gets_what_it_asks_for() {
    let gateway = TestGateway::start().await;
    gateway.upload("ns", "one", KEEPER).await;
    gateway.post("one", "/put?a", "0123456789").await.is(200, "put");
    let get = async |name: &'static str, value: &'static str| {
        gateway.send(Method::GET, "one", "/get?a", &[(name, value)], "".into()).await
    };
    let part = get("range", "bytes=2-4").await;
    part.is(206, "234");
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    assert_eq!(get("range", "bytes=20-").await.status, 416);
    get("if-none-match", "\"e\"").await.is(304, "");
    let whole = get("if-none-match", "\"x\"").await;
    whole.is(200, "0123456789");
    assert_eq!((whole.header("cf-cache-status"), whole.header("content-type")), ("HIT", "t/t"));
    assert!(whole.header("age").parse::<u32>().is_ok());
    for control in ["no-store", "private", "max-age=0"] {
        gateway.send(Method::GET, "one", "/put?b", &[("x-control", control)], "".into()).await.is(200, "put");
        gateway.get("one", "/get?b").await.is(404, "none");
    }
}

#[tokio::test]
async fn it_holds_no_more_than_it_may() {
    let gateway = TestGateway::with(|config| {
        config.cache =
            switchyard_gateway::config::Cache { bytes: 400_000, bytes_per_script: 200_000, object_bytes: 100_000 };
    })
    .await;
    for script in ["one", "two"] {
        gateway.upload("ns", script, KEEPER).await;
    }
    gateway.post("two", "/put?kept", "kept").await.is(200, "put");
    gateway.post("one", "/put?large", "x".repeat(100_001)).await.is(200, "put");
    gateway.get("one", "/get?large").await.is(404, "none");
    for at in 0..10 {
        gateway.post("one", &format!("/put?{at}"), "x".repeat(90_000)).await.is(200, "put");
    }
    assert_eq!(gateway.get("one", "/get?9").await.bytes.len(), 90_000);
    gateway.get("one", "/get?0").await.is(404, "none");
    gateway.get("two", "/get?kept").await.is(200, "kept");
    let metrics = gateway.admin("/metrics").await;
    let value = |name: &str| {
        let line = metrics.text().lines().find_map(|line| line.strip_prefix(name)).unwrap_or("-1");
        line.trim().parse::<i64>().unwrap()
    };
    assert!((90_000..=400_000).contains(&value("switchyard_cache_bytes")), "{}", metrics.text());
    assert!(value("switchyard_cache_evicted_total") >= 8);
    assert_eq!(value("switchyard_cache_total{end=\"not_stored\"}"), 1);
    assert_eq!(value("switchyard_cache_total{end=\"stored\"}"), 11);
}

#[tokio::test]
async fn operations_count_as_subrequests() {
    let gateway = TestGateway::start().await;
    let source = "export default { async fetch() {
        const cache = await caches.open('c'); let done = 0;
        try { for (;;) { await cache.match('http://k.example/'); done++ } } catch (e) { return new Response(`${done} ${e.message}`) } } }";
    gateway.upload_with("ns", "many", source, json!({ "limits": { "subrequests": 5 } })).await;
    gateway.get("many", "/").await.is(200, "5 Too many subrequests by single Worker invocation.");
}

#[tokio::test]
async fn a_stream_that_is_given_up_leaves_nothing() {
    let gateway = TestGateway::start().await;
    let source = "export default { async fetch(r) {
        const cache = await caches.open('c'), bytes = new Uint8Array(1000).fill(120);
        let pieces = 0;
        const body = new ReadableStream({ pull(c) { if (pieces++ === 5) c.error(new RangeError('mine')); else c.enqueue(bytes) } });
        const headers = { 'cache-control': 'max-age=60' };
        const told = [];
        try { await cache.put('http://k.example/', new Response(body, { headers })) } catch (e) { told.push(e.name, e.message) }
        told.push(String(await cache.match('http://k.example/')));
        return Response.json(told) } }";
    gateway.upload("ns", "breaks", source).await;
    assert_eq!(gateway.get("breaks", "/").await.json(), json!(["RangeError", "mine", "undefined"]));
    assert!(gateway.admin("/metrics").await.text().contains("switchyard_cache_bytes 0"));
}
