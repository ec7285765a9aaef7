//! Loops over the network: whatever a request goes round through, it comes to an end, and so do many at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};

use crate::harness::{Answer, TestGateway, collect};
use crate::namespace_settings::put;

const LOOP: &str = "error code: 1019\n";

/// What a host outside does with `CDN-Loop` before it sends a request on.
#[derive(Clone, Copy, PartialEq)]
enum Passes {
    AsItCame,
    /// Takes it away.
    Without,
    /// Says that this is the first pass, in its own words.
    Forged,
    /// With the header of the first pass, which it has kept.
    First,
}

/// A host outside that sends `/HOST` on to the node, for that host, and answers what came.
struct Proxy {
    address: SocketAddr,
    passes: Arc<AtomicU32>,
}

impl Proxy {
    async fn to(node: SocketAddr, how: Passes) -> Self {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let passes = Arc::new(AtomicU32::new(0));
        let counted = passes.clone();
        let first = Arc::new(std::sync::OnceLock::<HeaderValue>::new());
        let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let (client, counted, first) = (client.clone(), counted.clone(), first.clone());
                let forward = service_fn(move |request: Request<Incoming>| {
                    counted.fetch_add(1, Ordering::Relaxed);
                    let mut onward =
                        Request::get(format!("http://{node}{}", request.uri().path())).body(Full::default()).unwrap();
                    *onward.headers_mut() = request.headers().clone();
                    let host = request.uri().path()[1..].parse().unwrap();
                    onward.headers_mut().insert(header::HOST, host);
                    let came = request.headers()["cdn-loop"].clone();
                    let kept = first.get_or_init(|| came).clone();
                    match how {
                        Passes::AsItCame => {}
                        Passes::Without => drop(onward.headers_mut().remove("cdn-loop")),
                        Passes::Forged => {
                            let forged =
                                HeaderValue::from_static("switchyard; hops=0; mac=00000000000000000000000000000000");
                            onward.headers_mut().insert("cdn-loop", forged);
                        }
                        Passes::First => drop(onward.headers_mut().insert("cdn-loop", kept)),
                    }
                    let client = client.clone();
                    async move {
                        let answer = collect(client.request(onward).await.unwrap()).await;
                        let mut response = Response::builder().status(answer.status);
                        if let Some(location) = answer.headers.get(header::LOCATION) {
                            response = response.header(header::LOCATION, location);
                        }
                        Ok::<_, std::convert::Infallible>(response.body(Full::new(answer.bytes)).unwrap())
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), forward),
                );
            }
        });
        Self { address, passes }
    }

    /// Since the last time it was asked.
    fn passes(&self) -> u32 {
        self.passes.swap(0, Ordering::Relaxed)
    }

    fn fetches(&self, host: &str) -> String {
        format!("export default {{ fetch: () => fetch('http://{}/{host}') }};", self.address)
    }
}

async fn node() -> TestGateway {
    TestGateway::with(|config| config.egress.private = true).await
}

#[tokio::test]
async fn loops_through_a_host_outside_end_within_sixteen_hops() {
    let gateway = node().await;
    let proxy = Proxy::to(gateway.address(), Passes::AsItCame).await;
    // A Worker that fetches itself.
    gateway.upload("ns", "itself", &proxy.fetches("itself.test")).await;
    gateway.get("itself", "/").await.is(508, LOOP);
    assert_eq!(proxy.passes(), 16);
    // Two in turn, and three.
    gateway.upload("ns", "a", &proxy.fetches("b.test")).await;
    gateway.upload("ns", "b", &proxy.fetches("a.test")).await;
    gateway.get("a", "/").await.is(508, LOOP);
    assert_eq!(proxy.passes(), 16);
    gateway.upload("ns", "b", &proxy.fetches("c.test")).await;
    gateway.upload("ns", "c", &proxy.fetches("a.test")).await;
    gateway.get("a", "/").await.is(508, LOOP);
    assert_eq!(proxy.passes(), 16);
    // Whatever the Worker says of the header itself.
    for headers in [
        "{ 'cdn-loop': '' }",
        "{ 'cdn-loop': 'switchyard; hops=0' }",
        "{ 'CDN-Loop': 'other', 'connection': 'cdn-loop' }",
    ] {
        let source = format!(
            "export default {{ fetch: () => fetch('http://{}/x.test', {{ headers: {headers} }}) }};",
            proxy.address
        );
        gateway.upload("ns", "x", &source).await;
        gateway.get("x", "/").await.is(508, LOOP);
        assert_eq!(proxy.passes(), 16, "{headers}");
    }
    // One that catches it goes no further either.
    let source = format!(
        "export default {{ async fetch() {{ let worst = 0;
            for (let i = 0; i < 2; i++) worst = Math.max(worst, (await fetch('http://{}/once.test')).status);
            return new Response(String(worst)); }} }};",
        proxy.address
    );
    gateway.upload("ns", "once", &proxy.fetches("once.test")).await;
    gateway.upload("ns", "twice", &source).await;
    gateway.get("twice", "/").await.is(200, "508");
    assert_eq!(proxy.passes(), 32);
}

#[tokio::test]
async fn loops_through_outbound_workers_and_dispatchers_count_each_worker() {
    let gateway = node().await;
    let proxy = Proxy::to(gateway.address(), Passes::AsItCame).await;
    // tenant → outbound Worker → outside → tenant → …
    gateway.upload_worker("out", "export default { fetch: r => fetch(r) };", json!([])).await;
    gateway.upload("ns", "t", &proxy.fetches("t.test")).await;
    put(&gateway, json!({ "outbound": { "service": "out" } })).await;
    gateway.get("t", "/").await.is(508, LOOP);
    assert_eq!(proxy.passes(), 8);
    // tenant → service → dispatch → tenant → outside → …
    put(&gateway, json!({})).await;
    let binding = |kind: Value| json!({ "bindings": [kind] });
    let dispatch = json!({ "name": "D", "type": "dispatch_namespace", "namespace": "ns" });
    let service = json!({ "name": "S", "type": "service", "service": "between" });
    let dispatches = "export default { fetch: (r, env) => env.D.get('last').fetch(r) };";
    gateway.upload_worker("between", dispatches, json!([dispatch])).await;
    gateway.upload_with("ns", "t", "export default { fetch: (r, env) => env.S.fetch(r) };", binding(service)).await;
    gateway.upload("ns", "last", &proxy.fetches("t.test")).await;
    gateway.get("t", "/").await.is(508, LOOP);
    assert_eq!(proxy.passes(), 5);
}

#[tokio::test]
async fn a_tenant_whose_origin_is_the_node_itself_by_way_of_another_host_ends() {
    let gateway = crate::origin::gateway().await;
    let proxy = Proxy::to(gateway.address(), Passes::AsItCame).await;
    let origin = json!({ "origins": [{ "url": format!("http://{}", proxy.address) }] });
    assert!(crate::origin::put(&gateway, "u", origin).await.status.is_success());
    gateway.get("u", "/u.test").await.is(508, LOOP);
    assert_eq!(proxy.passes(), 16);
}

#[tokio::test]
async fn redirect_loops_end() {
    let gateway = node().await;
    let proxy = Proxy::to(gateway.address(), Passes::AsItCame).await;
    let again =
        |host: &str| format!("export default {{ fetch: () => Response.redirect('http://{}/{host}') }};", proxy.address);
    let follows = |what: &str| {
        format!("export default {{ fetch: (r, env) => {what}.catch(e => new Response(e.name + ': ' + e.message)) }};")
    };
    // The URLs follow, as on workerd.
    let told = |answer: Answer, first: &str| {
        let told = format!("TypeError: Too many redirects.http://{first}");
        assert!(answer.status == 200 && answer.text().starts_with(&told), "{}", answer.text());
    };
    // Two hosts that send to each other.
    gateway.upload("ns", "a", &again("b.test")).await;
    gateway.upload("ns", "b", &again("a.test")).await;
    gateway.upload("ns", "f", &follows(&format!("fetch('http://{}/a.test')", proxy.address))).await;
    told(gateway.get("f", "/").await, &proxy.address.to_string());
    assert_eq!(proxy.passes(), 21);
    // A Worker that sends its caller by binding to itself.
    gateway.upload_worker("s", "export default { fetch: r => Response.redirect(r.url) };", json!([])).await;
    let service = json!({ "bindings": [{ "name": "S", "type": "service", "service": "s" }] });
    gateway.upload_with("ns", "f", &follows("env.S.fetch('http://s.test/')"), service).await;
    told(gateway.get("f", "/").await, "s.test/");
    // A redirect to oneself through the outside, followed by oneself: hops, not redirects, are too many.
    gateway.upload("ns", "g", &proxy.fetches("h.test")).await;
    gateway.upload("ns", "h", &again("g.test")).await;
    gateway.get("g", "/").await.is(508, LOOP);
    assert!(proxy.passes() <= 32);
}

/// Who is outside can take the count away or make one up, and gains nothing by the latter. Then what one
/// script may have under way at once is the end.
#[tokio::test]
async fn without_an_honest_count_the_scripts_own_limit_is_the_end() {
    for how in [Passes::Without, Passes::Forged, Passes::First] {
        let gateway = TestGateway::with(|config| {
            config.egress.private = true;
            config.limits.requests_per_script = 30;
            config.runtime.instances = 400;
        })
        .await;
        let proxy = Proxy::to(gateway.address(), how).await;
        gateway.upload("ns", "x", &proxy.fetches("x.test")).await;
        gateway.get("x", "/").await.is(429, "error code: 1015\n");
        assert_eq!(proxy.passes(), 30);
    }
}

#[tokio::test]
async fn the_count_of_a_pass_is_signed() {
    let gateway = node().await;
    let origin = crate::egress::origin().await;
    gateway.upload("ns", "f", &format!("export default {{ fetch: () => fetch('http://{origin}/show') }};")).await;
    let pass = async |came: &str| {
        let answer = gateway.send(Method::GET, "f", "/", &[("cdn-loop", came)], Bytes::new()).await;
        if answer.status == 508 {
            return None;
        }
        let sent = answer.text().split("loop=").nth(1).unwrap().split(" body=").next().unwrap();
        Some(sent.to_owned())
    };
    let mut carried = "cdn-a; x=1".to_owned();
    for hops in 1..=16 {
        carried = pass(&carried).await.unwrap();
        assert!(carried.starts_with(&format!("cdn-a; x=1, switchyard; hops={hops}; mac=")), "{carried}");
    }
    assert_eq!(pass(&carried).await, None);
    // A changed one is nobody's of this node, and neither stops nor starts a count.
    for forged in ["switchyard; hops=16", "switchyard", &carried.replace("hops=16", "hops=17")] {
        let sent = pass(forged).await.unwrap();
        assert!(sent.contains("switchyard; hops=1; mac="), "{sent}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_loops_at_once_leave_others_alone() {
    let gateway = TestGateway::with(|config| {
        config.egress.private = true;
        config.runtime.instances = 400;
    })
    .await;
    let proxy = Proxy::to(gateway.address(), Passes::AsItCame).await;
    gateway.upload("ns", "ok", "export default { fetch: () => new Response('ok') };").await;
    for number in 0..10 {
        gateway.upload("ns", &format!("l{number}"), &proxy.fetches(&format!("l{number}.test"))).await;
    }
    let gateway = Arc::new(gateway);
    let loops: Vec<_> = (0..10)
        .map(|number| {
            let gateway = gateway.clone();
            tokio::spawn(async move { gateway.get(&format!("l{number}"), "/").await })
        })
        .collect();
    for _ in 0..100 {
        gateway.get("ok", "/").await.is(200, "ok");
    }
    for one in loops {
        one.await.unwrap().is(508, LOOP);
    }
    assert_eq!(proxy.passes(), 160);
}
