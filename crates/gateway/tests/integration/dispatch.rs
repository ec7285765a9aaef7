//! Workers that call Workers: dispatch namespaces and service bindings; what a call may use, and how
//! loops end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::header;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;

use crate::harness::{PATIENCE, TestGateway, collect};

/// The documented pattern (contract §5.6), unchanged.
const DOCUMENTED: &str = r#"export default {
  async fetch(request, env) {
    const name = new URL(request.url).host.split(".")[0];
    try {
      const worker = env.dispatcher.get(name, {}, { limits: { cpuMs: 10, subRequests: 5 } });
      return await worker.fetch(request);
    } catch (e) {
      if (e.message.startsWith("Worker not found")) return new Response("", { status: 404 });
      if (e.message.includes("CPU time limit")) return new Response("too slow", { status: 429 });
      return new Response(e.message, { status: 500 });
    }
  },
};"#;

fn binding() -> serde_json::Value {
    json!([{ "name": "dispatcher", "type": "dispatch_namespace", "namespace": "ns" }])
}

#[tokio::test]
async fn without_its_worker_a_dispatching_node_says_so() {
    let gateway = TestGateway::dispatching().await;
    let answer = gateway.get("any", "/").await;
    answer.is(503, "the dispatch Worker dispatcher does not exist yet\n");
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn the_documented_dispatch_worker_runs_unchanged() {
    let gateway = TestGateway::dispatching().await;
    gateway.upload_worker("dispatcher", DOCUMENTED, binding()).await;
    gateway.upload("ns", "hello", "export default { fetch: r => new Response(`hello from ${r.url}`) };").await;
    gateway.upload("ns", "echo", "export default { fetch: r => new Response(r.body, { status: 201 }) };").await;
    gateway.upload("ns", "throws", "export default { fetch() { throw new Error('user error'); } };").await;
    gateway.upload("ns", "spins", "export default { fetch() { for (;;); } };").await;

    gateway.get("hello", "/p").await.is(200, "hello from http://hello.test/p");
    gateway.get("hello", "/a/../b//c?x=%zz").await.is(200, "hello from http://hello.test/a/../b//c?x=%zz");
    gateway.post("echo", "/", "body").await.is(201, "body");
    gateway.get("missing", "/").await.is(404, "");
    gateway.get("throws", "/").await.is(500, "user error");
    gateway.get("spins", "/").await.is(429, "too slow");

    // Replaced, deleted: the next call sees it.
    gateway.upload("ns", "hello", "export default { fetch: () => new Response('new') };").await;
    gateway.get("hello", "/").await.is(200, "new");
}

#[tokio::test]
async fn a_dispatched_worker_has_its_own_env_and_a_streaming_body() {
    let gateway = TestGateway::dispatching().await;
    gateway.upload_worker("dispatcher", DOCUMENTED, binding()).await;
    let source = "export default { async fetch(r, env) { return Response.json([env.NAME, env.dispatcher === undefined, (await r.text()).length]); } };";
    let bindings = json!([{ "name": "NAME", "type": "plain_text", "text": "tenant" }]);
    gateway.upload_with("ns", "x", source, json!({ "bindings": bindings })).await;
    gateway.post("x", "/", vec![b'a'; 1 << 20]).await.is(200, "[\"tenant\",true,1048576]");
}

#[tokio::test]
async fn services_are_called_by_binding() {
    let gateway = TestGateway::start().await;
    let service = "import { WorkerEntrypoint } from 'cloudflare:workers';
        export default { fetch: r => new Response(`default ${r.method}`) };
        export class Named extends WorkerEntrypoint {
            fetch() { return new Response(`named ${this.ctx.props.who}`); }
        }";
    gateway.upload_worker("service", service, json!([])).await;
    let caller = "export default { async fetch(r, env) {
        const a = await (await env.A.fetch(r)).text();
        const b = await (await env.B.fetch('http://any/')).text();
        return new Response(`${a}, ${b}`);
    } };";
    let bindings = json!([
        { "name": "A", "type": "service", "service": "service" },
        { "name": "B", "type": "service", "service": "service", "entrypoint": "Named", "props": { "who": "me" } },
    ]);
    gateway.upload_with("ns", "caller", caller, json!({ "bindings": bindings })).await;
    gateway.get("caller", "/").await.is(200, "default GET, named me");
}

#[tokio::test]
async fn workers_that_call_each_other_for_ever_are_stopped() {
    let gateway = TestGateway::dispatching().await;
    let source = "export default { fetch: (r, env) => env.dispatcher.get('again').fetch(r) };";
    gateway.upload_worker("dispatcher", source, binding()).await;
    let again = "export default { fetch: (r, env) => env.dispatcher.get('again').fetch(r) };";
    gateway.upload_with("ns", "again", again, json!({ "bindings": binding() })).await;
    gateway.get("any", "/").await.is(508, "error code: 1019\n");
}

#[tokio::test]
async fn an_exception_that_nobody_catches_is_the_dispatchers() {
    let gateway = TestGateway::dispatching().await;
    let source = "export default { fetch: (r, env) => env.dispatcher.get('throws').fetch(r) };";
    gateway.upload_worker("dispatcher", source, binding()).await;
    gateway.upload("ns", "throws", "export default { fetch() { throw new TypeError('x'); } };").await;
    gateway.get("any", "/").await.is(500, "error code: 1101\n");
}

/// Calls the tenant that the host names with the limits in `x-limits`, and tells what went wrong.
const LIMITING: &str = "export default { async fetch(request, env) {
    const limits = JSON.parse(request.headers.get('x-limits') ?? '{}');
    try { return await env.dispatcher.get(new URL(request.url).host.split('.')[0], {}, { limits }).fetch(request); }
    catch (e) { return new Response(`${e.name}: ${e.message}`, { status: 500 }); }
} };";

/// Starts `?n` subrequests, which all fail, and tells how many were refused for their number.
const ASKS: &str = "export default { async fetch(r, env) {
    const told = [];
    for (let i = 0; i < Number(r.url.split('?')[1]); i++) {
        await fetch('http://127.0.0.1:1/').catch((e) => told.push(e.message));
    }
    const refused = told.filter((text) => text === 'Too many subrequests by single Worker invocation.').length;
    return new Response(`${told.length - refused} sent, ${refused} refused`);
} };";

/// Some milliseconds of CPU, by `?n`.
const BURNS: &str = "export default { fetch(r) {
    let n = 0;
    for (let i = 0; i < Number(r.url.split('?')[1]); i++) n += i;
    return new Response('burnt');
} };";

const EXCEEDED: &str = "Error: Worker exceeded CPU time limit.";

async fn limiting() -> TestGateway {
    let gateway = TestGateway::dispatching().await;
    gateway.upload_worker("dispatcher", LIMITING, binding()).await;
    gateway.upload("ns", "asks", ASKS).await;
    gateway.upload("ns", "burns", BURNS).await;
    gateway
}

async fn limited(gateway: &TestGateway, tenant: &str, path: &str, limits: &str) -> String {
    let headers = [("x-limits", limits)];
    gateway.send(http::Method::GET, tenant, path, &headers, "".into()).await.text().to_owned()
}

#[tokio::test]
async fn a_calls_limits_hold_on_both_sides_of_the_line() {
    let gateway = limiting().await;
    assert_eq!(limited(&gateway, "asks", "/?3", r#"{"subRequests":3}"#).await, "3 sent, 0 refused");
    assert_eq!(limited(&gateway, "asks", "/?4", r#"{"subRequests":3}"#).await, "3 sent, 1 refused");
    assert_eq!(limited(&gateway, "asks", "/?2", r#"{"subRequests":0}"#).await, "0 sent, 2 refused");
    assert_eq!(limited(&gateway, "burns", "/?10", r#"{"cpuMs":20}"#).await, "burnt");
    assert_eq!(limited(&gateway, "burns", "/?1e12", r#"{"cpuMs":20}"#).await, EXCEEDED);
    // Without a limit of the call the node's hold.
    assert_eq!(limited(&gateway, "asks", "/?12", "{}").await, "12 sent, 0 refused");
    let told = "TypeError: The limits of a dispatch call must be numbers.";
    assert_eq!(limited(&gateway, "asks", "/?1", r#"{"cpuMs":"ten"}"#).await, told);
}

#[tokio::test]
async fn the_smaller_of_a_calls_and_a_scripts_limits_wins() {
    let gateway = limiting().await;
    let own = json!({ "limits": { "cpu_ms": 20, "subrequests": 3 } });
    gateway.upload_with("ns", "asks", ASKS, own.clone()).await;
    gateway.upload_with("ns", "burns", BURNS, own).await;
    assert_eq!(limited(&gateway, "asks", "/?4", r#"{"subRequests":9}"#).await, "3 sent, 1 refused");
    assert_eq!(limited(&gateway, "asks", "/?4", r#"{"subRequests":2}"#).await, "2 sent, 2 refused");
    assert_eq!(limited(&gateway, "burns", "/?1e12", r#"{"cpuMs":60000}"#).await, EXCEEDED);
}

#[tokio::test]
async fn a_calls_limits_hold_for_user_workers_further_down_and_not_for_services() {
    let gateway = limiting().await;
    // A tenant cannot get more by calling another, whatever it asks for.
    let nested = "export default { fetch: (r, env) => env.dispatcher.get(new URL(r.url).pathname.slice(1), {}, { limits: { cpuMs: 60000, subRequests: 99 } }).fetch(r) };";
    gateway.upload_with("ns", "nested", nested, json!({ "bindings": binding() })).await;
    assert_eq!(limited(&gateway, "nested", "/asks?4", r#"{"subRequests":3}"#).await, "3 sent, 1 refused");
    assert_eq!(limited(&gateway, "nested", "/burns?1e12", r#"{"cpuMs":20}"#).await, EXCEEDED);
    // The platform's own Worker behind a service binding has its own; the call of it is the one allowed.
    gateway.upload_worker("service", ASKS, json!([])).await;
    let caller = "export default { fetch: (r, env) => env.SERVICE.fetch(r) };";
    let bindings = json!([{ "name": "SERVICE", "type": "service", "service": "service" }]);
    gateway.upload_with("ns", "caller", caller, json!({ "bindings": bindings })).await;
    assert_eq!(limited(&gateway, "caller", "/?4", r#"{"subRequests":1}"#).await, "4 sent, 0 refused");
    assert_eq!(
        limited(&gateway, "caller", "/?4", r#"{"subRequests":0}"#).await,
        "Error: Too many subrequests by single Worker invocation."
    );
}

#[tokio::test]
async fn streams_go_both_ways_under_limits_and_are_cut_with_them() {
    let gateway = limiting().await;
    let limits = [("x-limits", r#"{"cpuMs":5000,"subRequests":0}"#)];
    gateway.upload("ns", "echo", "export default { fetch: r => new Response(r.body) };").await;
    let pieces = "export default { fetch: r => new Response(r.body.pipeThrough(new TransformStream({
        transform(chunk, c) { c.enqueue(chunk); } }))) };";
    gateway.upload("ns", "pieces", pieces).await;
    let body = vec![b'a'; 3 << 20];
    for tenant in ["echo", "pieces"] {
        let answer = gateway.send(http::Method::POST, tenant, "/", &limits, body.clone().into()).await;
        assert!(answer.status == 200 && answer.bytes == body, "{tenant}: {} {}", answer.status, answer.bytes.len());
    }
    // Over the limit once the head is out: the body breaks off, whoever reads it.
    let burns = "export default { fetch: () => { let n = 0; return new Response(new ReadableStream({ async pull(c) {
        if (n++ === 0) return c.enqueue(new Uint8Array(10));
        await new Promise((done) => setTimeout(done, 20));
        for (;;); } })) } };";
    gateway.upload("ns", "burns", burns).await;
    let response = gateway.open(http::Method::GET, "burns", "/", &[("x-limits", r#"{"cpuMs":20}"#)], "".into()).await;
    assert_eq!(response.status(), 200);
    assert!(response.into_body().collect().await.is_err());
    let reads = "export default { async fetch(request, env) {
        const a = await env.dispatcher.get('burns', {}, { limits: { cpuMs: 20 } }).fetch(request);
        return new Response(await a.text().then(() => 'whole', () => 'cut')); } };";
    gateway.upload_worker("dispatcher", reads, binding()).await;
    gateway.get("burns", "/").await.is(200, "cut");
}

#[tokio::test]
async fn loops_of_all_kinds_of_calls_end_within_sixteen_hops() {
    let gateway = TestGateway::dispatching().await;
    let to = |binding: &str| format!("export default {{ fetch: (r, env) => env.{binding}.fetch(r) }};");
    // dispatcher → tenant → service → dispatcher → …
    let dispatcher = "export default { fetch: (r, env) => env.dispatcher.get('t').fetch(r) };";
    gateway.upload_worker("dispatcher", dispatcher, binding()).await;
    let back = json!([{ "name": "BACK", "type": "service", "service": "dispatcher" }]);
    gateway.upload_worker("service", &to("BACK"), back).await;
    let service = json!([{ "name": "SERVICE", "type": "service", "service": "service" }]);
    gateway.upload_with("ns", "t", &to("SERVICE"), json!({ "bindings": service })).await;
    gateway.get("any", "/").await.is(508, "error code: 1019\n");
    // The first and sixteen hops; a run is counted once nothing of it is left.
    let runs = || async {
        let metrics = gateway.admin("/metrics").await.text().to_owned();
        let ok = metrics.lines().find_map(|line| line.strip_prefix("switchyard_runs_total{ending=\"ok\"} "));
        ok.unwrap_or_else(|| panic!("{metrics}")).parse::<u32>().unwrap()
    };
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while runs().await < 17 {
        assert!(tokio::time::Instant::now() < deadline, "{} runs", runs().await);
    }
    assert_eq!(runs().await, 17);
    // A service that is bound to itself.
    let itself = json!([{ "name": "SELF", "type": "service", "service": "dispatcher" }]);
    gateway.upload_worker("dispatcher", &to("SELF"), itself).await;
    gateway.get("any", "/").await.is(508, "error code: 1019\n");
}

#[tokio::test]
async fn a_loop_through_a_proxy_outside_ends_within_sixteen_hops() {
    let gateway = TestGateway::with(|config| {
        config.resolver = vec![switchyard_gateway::config::Resolver::worker("dispatcher")];
        config.egress.private = true;
    })
    .await;
    // It sends all to the node, as it came.
    let passes = Arc::new(AtomicU32::new(0));
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (proxy, node, counted) = (socket.local_addr().unwrap(), gateway.address(), passes.clone());
    tokio::spawn(async move {
        let client =
            hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http::<Full<bytes::Bytes>>();
        loop {
            let Ok((stream, _)) = socket.accept().await else { return };
            let (client, counted) = (client.clone(), counted.clone());
            let forward = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                counted.fetch_add(1, Ordering::Relaxed);
                let mut onward = http::Request::get(format!("http://{node}/")).body(Full::default()).unwrap();
                *onward.headers_mut() = request.headers().clone();
                onward.headers_mut().insert(header::HOST, "any.test".parse().unwrap());
                let client = client.clone();
                async move {
                    let answer = collect(client.request(onward).await.unwrap()).await;
                    let response = http::Response::builder().status(answer.status).body(Full::new(answer.bytes));
                    Ok::<_, std::convert::Infallible>(response.unwrap())
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), forward));
        }
    });
    // Two Workers a round: their hops and the passes are one count.
    let dispatcher = "export default { fetch: (r, env) => env.dispatcher.get('t').fetch(r) };";
    gateway.upload_worker("dispatcher", dispatcher, binding()).await;
    gateway.upload("ns", "t", &format!("export default {{ fetch: () => fetch('http://{proxy}/') }};")).await;
    gateway.get("any", "/").await.is(508, "error code: 1019\n");
    assert_eq!(passes.load(Ordering::Relaxed), 8);
}
