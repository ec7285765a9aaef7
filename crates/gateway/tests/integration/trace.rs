//! W3C trace contexts as clients, Workers and origins see them; and, in a build that exports, what a
//! collector gets.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::harness::TestGateway;

const SENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// Tells the context it was given, and what an origin and another Worker were given by it.
const TELLS: &str = "export default { async fetch(r, env) {
    const of = (r) => [r.headers.get('traceparent'), r.headers.get('tracestate')];
    const { pathname } = new URL(r.url);
    if (pathname === '/own') return new Response(JSON.stringify(of(r)));
    const ask = async (fetcher, init) => (await fetcher.fetch('ORIGIN', init)).json();
    const own = { headers: { traceparent: '00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-00', tracestate: 'mine=1' } };
    const bad = { headers: { traceparent: 'nonsense', tracestate: 'mine=1' } };
    return Response.json({
        given: of(r),
        plain: await ask(globalThis),
        passed: await ask(globalThis, { headers: r.headers }),
        own: await ask(globalThis, own),
        bad: await ask(globalThis, bad),
        worker: await (await env.OTHER.fetch('http://other.test/own', own)).json(),
    });
} };";

/// Answers with the context that it got.
async fn origin() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(|request: Request<Incoming>| async move {
                let get = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
                let told = json!([get("traceparent"), get("tracestate")]).to_string();
                Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from(told))))
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    url
}

async fn node(trust: bool) -> TestGateway {
    let gateway = TestGateway::with(|config| {
        config.egress.private = true;
        if trust {
            config.listener[0].trusted = vec!["127.0.0.1/32".parse().unwrap()];
        }
    });
    let gateway = gateway.await;
    let tells = TELLS.replace("ORIGIN", &origin().await);
    gateway.upload_worker("other", &tells, json!([])).await;
    let binding = json!([{ "name": "OTHER", "type": "service", "service": "other" }]);
    gateway.upload_with("ns", "tells", &tells, json!({ "bindings": binding })).await;
    gateway
}

async fn told(gateway: &TestGateway, headers: &[(&str, &str)]) -> Value {
    let answer = gateway.send(Method::GET, "tells", "/", headers, Bytes::new()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Trace, span and flags of a valid `traceparent`.
fn parts(value: &Value) -> (String, String, String) {
    let text = value[0].as_str().unwrap_or_else(|| panic!("{value}"));
    let parts: Vec<&str> = text.split('-').collect();
    assert_eq!((parts.len(), parts[0], parts[1].len(), parts[2].len()), (4, "00", 32, 16), "{text}");
    (parts[1].to_owned(), parts[2].to_owned(), parts[3].to_owned())
}

#[tokio::test]
async fn a_clients_trace_goes_on_through_workers_and_to_origins() {
    let gateway = node(true).await;
    let told = told(&gateway, &[("traceparent", SENT), ("tracestate", "vendor=x")]).await;
    let mut spans = vec!["00f067aa0ba902b7".to_owned()];
    for who in ["given", "plain", "passed", "bad", "worker"] {
        let (trace, span, flags) = parts(&told[who]);
        assert_eq!((&*trace, &*flags, &told[who][1]), (TRACE, "01", &json!("vendor=x")), "{who}");
        spans.push(span);
    }
    spans.sort_unstable();
    spans.dedup();
    assert_eq!(spans.len(), 6, "each is a span of its own: {told}");
    // What a Worker writes itself towards the network is its own affair.
    assert_eq!(told["own"], json!(["00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-00", "mine=1"]));
}

#[tokio::test]
async fn what_is_not_valid_begins_a_trace_and_strangers_do_not_say_that_it_is_recorded() {
    let gateway = node(false).await;
    let (trace, _, flags) = parts(&told(&gateway, &[("traceparent", SENT)]).await["given"]);
    assert_eq!((&*trace, &*flags), (TRACE, "00"));
    let many = (0..40).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
    let long = format!("{SENT}-{}", "x".repeat(4_000));
    let mut seen = Vec::new();
    for headers in [
        &[][..],
        &[("traceparent", "nonsense"), ("tracestate", "vendor=x")],
        &[("traceparent", SENT), ("traceparent", SENT)],
        &[("traceparent", &long)],
        &[("tracestate", "vendor=x")],
    ] {
        let told = told(&gateway, headers).await;
        let (trace, _, _) = parts(&told["given"]);
        assert!(trace != TRACE && told["given"][1].is_null() && told["plain"][1].is_null(), "{headers:?}: {told}");
        assert_eq!(parts(&told["plain"]).0, trace);
        seen.push(trace);
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 5);
    // A state that breaks a rule goes as a whole; the trace goes on.
    for state in [&*many, "A=1", "a=1,a=2"] {
        let told = told(&gateway, &[("traceparent", SENT), ("tracestate", state)]).await;
        assert_eq!((&*parts(&told["given"]).0, &told["given"][1]), (TRACE, &Value::Null), "{state}");
    }
    let page =
        gateway.send(Method::GET, "nobody", "/", &[("traceparent", SENT), ("accept", "text/html")], Bytes::new());
    assert!(page.await.text().contains(&format!("Trace ID: {TRACE}")));
}

/// Bodies that a collector got.
type Got = Arc<Mutex<Vec<Bytes>>>;

async fn collector() -> (String, Got) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let got = Got::default();
    let kept = got.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let kept = kept.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let kept = kept.clone();
                async move {
                    assert_eq!(request.uri().path(), "/v1/traces");
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    kept.lock().unwrap().push(body);
                    Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::new())))
                }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (url, got)
}

/// In a build without the exporter its setting is refused, by name.
#[tokio::test]
async fn spans_are_exported_where_the_build_can() {
    let (url, got) = collector().await;
    let config = |config: &mut switchyard_gateway::Config| {
        config.trace.endpoint = url.clone();
        config.trace.ratio = 1.0;
        config.egress.private = true;
    };
    let started = TestGateway::on(crate::harness::data().await, config).await;
    if !cfg!(feature = "otlp") {
        let refused = started.err().map(|error| switchyard_gateway::chain(&error)).unwrap_or_default();
        assert!(refused.contains("without the feature \"otlp\""), "{refused}");
        return;
    }
    let gateway = started.unwrap();
    let fetches = format!("export default {{ fetch: () => fetch('{}') }};", origin().await);
    gateway.upload("ns", "fetches", &fetches).await;
    let answer = gateway.send(Method::GET, "fetches", "/", &[("traceparent", SENT)], Bytes::new()).await;
    assert_eq!(answer.status, 200);
    drop(gateway.stop().await);
    let bodies = got.lock().unwrap().clone();
    let all: Vec<u8> = bodies.iter().flat_map(|body| body.to_vec()).collect();
    let count = |what: &[u8]| all.windows(what.len()).filter(|window| *window == what).count();
    for name in ["request", "resolve", "dispatch", "subrequest", "switchyard.script", "switchyard.ray"] {
        assert!(count(name.as_bytes()) >= 1, "{name} is not among {} bytes", all.len());
    }
    let id: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&TRACE[2 * at..2 * at + 2], 16).unwrap()).collect();
    assert_eq!(count(&id), 4, "each span is of the client's trace");
}

#[tokio::test]
async fn a_collector_that_does_not_answer_costs_spans_and_no_request() {
    if !cfg!(feature = "otlp") {
        return; // such a build sends nothing, as the test above says
    }
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = TestGateway::with(|config| {
        config.trace.endpoint = format!("http://{}/v1/traces", silent.local_addr().unwrap());
        config.trace.ratio = 1.0;
        config.trace.queue = 4;
        config.trace.timeout = std::time::Duration::from_millis(100);
    });
    let gateway = gateway.await;
    gateway.upload("ns", "ok", "export default { fetch: () => new Response('ok') };").await;
    let spans = async |result: &str| {
        let text = gateway.admin("/metrics").await.text().to_owned();
        let line = format!("switchyard_trace_spans_total{{result=\"{result}\"}} ");
        text.lines().find_map(|found| found.strip_prefix(&line)).unwrap().parse::<u64>().unwrap()
    };
    let lost = async {
        while spans("dropped").await == 0 || spans("failed").await == 0 {
            gateway.get("ok", "/").await.is(200, "ok");
        }
    };
    tokio::time::timeout(crate::harness::PATIENCE, lost).await.expect("spans are dropped and given up");
    assert_eq!(spans("sent").await, 0);
}
